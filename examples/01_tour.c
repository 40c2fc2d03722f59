/* SPDX-License-Identifier: MIT */
/*
 * 01_tour.c - libminipy at work on real data, with the numbers of this very run.
 *
 * Loads the code lists of Debian's iso-codes (languages, subdivisions of countries, scripts,
 * currencies), several copies of them, into objects of a runtime; indexes and joins them; and
 * prints what happens to memory meanwhile. Usage: 01_tour [copies]; ISO_CODES_DIR names another
 * folder with the JSON files.
 *
 * Every object a function returns is owned by its caller and released with mpy_decref(); nothing
 * passed in is ever stolen. `must` ends the tour with the reason when a call fails.
 */
#define _DEFAULT_SOURCE /* clock_gettime, usleep */
#include <minipy.h>

#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS    2
#define IO_THREADS 4
#define IO_WAITS   10

static double
now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double
resident_mb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL) {
        if (fscanf(f, "%ld %ld", &pages, &resident) != 2) {
            resident = 0;
        }
        (void)fclose(f);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static int
write_stdout(void *data, const char *bytes, size_t n)
{
    (void)data;
    return fwrite(bytes, 1, n, stdout) == n ? 0 : -1;
}

static void
fail(const char *what)
{
    mpy_object *exc = mpy_err_take();
    printf("%s failed: ", what);
    if (exc == NULL || mpy_err_display(exc, write_stdout, NULL) < 0) {
        printf("%s\n", mpy_status_text(mpy_status_last()));
    }
    exit(EXIT_FAILURE);
}

static mpy_object *
must_object(mpy_object *o, const char *what)
{
    if (o == NULL) {
        fail(what);
    }
    return o;
}

static int
must_int(int result, const char *what)
{
    if (result < 0) {
        fail(what);
    }
    return result;
}

#define MUST(call)     must_object((call), #call)
#define MUST_INT(call) must_int((call), #call)

static void
heading(const char *text)
{
    printf("\n== %s\n", text);
}

/* ---- JSON into objects --------------------------------------------------------------------------
 */

/* Strings of record fields ("name", "type", ...) recur: interned, each exists once. */
static mpy_object *
from_json(const json_t *value)
{
    mpy_object *result;
    if (json_is_string(value)) {
        return MUST(mpy_str_from_utf8_n(json_string_value(value), json_string_length(value)));
    }
    if (json_is_array(value)) {
        size_t n = json_array_size(value);
        result = MUST(mpy_list_new(n));
        for (size_t i = 0; i < n; i++) {
            mpy_object *item = from_json(json_array_get(value, i));
            MUST_INT(mpy_list_append(result, item));
            mpy_decref(item);
        }
        return result;
    }
    if (json_is_object(value)) {
        const char *key;
        json_t *member;
        void *at = json_object_iter((json_t *)(uintptr_t)value);
        result = MUST(mpy_dict_new(json_object_size(value)));
        for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
            key = json_object_iter_key(at);
            member = json_object_iter_value(at);
            mpy_object *name = MUST(mpy_str_intern(key));
            mpy_object *item = from_json(member);
            MUST_INT(mpy_dict_set(result, name, item));
            mpy_decref(name);
            mpy_decref(item);
        }
        return result;
    }
    return json_is_integer(value) ? MUST(mpy_int_from_i64(json_integer_value(value))) : MPY_NONE;
}

/* Appends the records of iso_<name>.json to `records`, `copies` times. */
static void
load(const char *name, int copies, mpy_object *records)
{
    const char *dir = getenv("ISO_CODES_DIR");
    char path[512];
    json_error_t error;
    json_t *root;
    (void)snprintf(path, sizeof path, "%s/iso_%s.json",
                   dir != NULL ? dir : "/usr/share/iso-codes/json", name);
    root = json_load_file(path, 0, &error);
    if (root == NULL) {
        printf("%s: %s (package iso-codes)\n", path, error.text);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < copies; i++) {
        mpy_object *list = from_json(json_object_get(root, name));
        MUST_INT(mpy_list_extend(records, list));
        mpy_decref(list);
    }
    json_decref(root);
}

/* ---- index and join
 * ------------------------------------------------------------------------------ */

/* Text field of a record into buffer; 0 when the record has none. */
static int
field(mpy_object *record, const char *name, const char **text)
{
    mpy_object *value;
    if (MUST_INT(mpy_dict_get_utf8(record, name, &value)) == 0) {
        return 0;
    }
    MUST_INT(mpy_str_as_utf8(value, text, NULL));
    mpy_decref(value); /* the record keeps it alive */
    return 1;
}

/* {code: record} of a list of records; later copies of a code replace earlier ones. */
static mpy_object *
index_by(mpy_object *records, const char *key)
{
    mpy_object *index = MUST(mpy_dict_new(0));
    ptrdiff_t n = mpy_list_length(records);
    for (ptrdiff_t i = 0; i < n; i++) {
        mpy_object *record = MUST(mpy_list_get(records, i));
        mpy_object *code;
        if (MUST_INT(mpy_dict_get_utf8(record, key, &code)) == 1) {
            MUST_INT(mpy_dict_set(index, code, record));
            mpy_decref(code);
        }
        mpy_decref(record);
    }
    return index;
}

/* Links each subdivision with its parent, both ways: cycles. Returns how many. */
static long
join_parents(mpy_object *subdivisions)
{
    mpy_object *by_code = index_by(subdivisions, "code");
    ptrdiff_t n = mpy_list_length(subdivisions);
    long linked = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        mpy_object *child = MUST(mpy_list_get(subdivisions, i));
        const char *parent_code, *code;
        char full[32];
        mpy_object *parent, *children, *empty;
        if (field(child, "parent", &parent_code) && field(child, "code", &code)) {
            (void)snprintf(full, sizeof full, "%.*s-%.8s", strchr(parent_code, '-') ? 0 : 2, code,
                           parent_code);
            const char *wanted = full[0] == '-' ? parent_code : full;
            if (MUST_INT(mpy_dict_get_utf8(by_code, wanted, &parent)) == 1) {
                mpy_object *key = MUST(mpy_str_intern("children"));
                empty = MUST(mpy_list_new(0));
                MUST_INT(mpy_dict_set_default(parent, key, empty, &children));
                MUST_INT(mpy_list_append(children, child));
                MUST_INT(mpy_dict_set_utf8(child, "parent_record", parent));
                mpy_decref(children);
                mpy_decref(empty);
                mpy_decref(key);
                mpy_decref(parent);
                linked++;
            }
        }
        mpy_decref(child);
    }
    mpy_decref(by_code);
    return linked;
}

/* Counts records by a field and prints the most frequent values. */
static void
print_counts(mpy_object *records, const char *key, const char *what)
{
    mpy_object *counts = MUST(mpy_dict_new(0));
    mpy_object *value, *count, *best = NULL;
    mpy_dict_cursor cursor = MPY_DICT_START;
    ptrdiff_t n = mpy_list_length(records);
    int64_t most = 0;
    for (ptrdiff_t i = 0; i < n; i++) {
        mpy_object *record = MUST(mpy_list_get(records, i));
        if (MUST_INT(mpy_dict_get_utf8(record, key, &value)) == 1) {
            int64_t so_far = 0;
            if (MUST_INT(mpy_dict_get(counts, value, &count)) == 1) {
                MUST_INT(mpy_int_as_i64(count, &so_far));
                mpy_decref(count);
            }
            count = MUST(mpy_int_from_i64(so_far + 1));
            MUST_INT(mpy_dict_set(counts, value, count));
            mpy_decref(count);
            mpy_decref(value);
        }
        mpy_decref(record);
    }
    while (MUST_INT(mpy_dict_next(counts, &cursor, &value, &count)) == 1) {
        int64_t i;
        MUST_INT(mpy_int_as_i64(count, &i));
        if (i > most) {
            most = i;
            mpy_assign(&best, value);
        }
        mpy_decref(value);
        mpy_decref(count);
    }
    if (best != NULL) {
        const char *text;
        MUST_INT(mpy_str_as_utf8(best, &text, NULL));
        printf(
            "   %-14s %6td records, %4td different values of \"%s\", most frequent \"%s\" (%lld)\n",
            what, n, mpy_dict_length(counts), key, text, (long long)most);
        mpy_decref(best);
    }
    mpy_decref(counts);
}

/* ---- sections of the tour
 * -------------------------------------------------------------------------- */

static void
show_reference_counts(mpy_object *records)
{
    mpy_object *word = MUST(mpy_str_from_utf8("libminipy counts references"));
    mpy_object *list, *dict, *number;
    heading("Reference counts, as they change");
    printf("   a new string                          %zu\n", mpy_refcount(word));
    list = MUST(mpy_list_from_array(&word, 1));
    printf("   after putting it into a list          %zu\n", mpy_refcount(word));
    dict = MUST(mpy_dict_new(0));
    MUST_INT(mpy_dict_set(dict, word, list));
    printf("   after making it a key of a dict       %zu\n", mpy_refcount(word));
    mpy_decref(dict);
    printf("   after the dict died                   %zu\n", mpy_refcount(word));
    mpy_decref(list);
    printf("   after the list died                   %zu\n", mpy_refcount(word));
    mpy_decref(word);
    number = MUST(mpy_int_from_i64(1234567890123));
    printf("   the int 1234567890123 is a value, not a block: %td bytes of memory\n",
           mpy_object_sizeof(number));
    mpy_object *name = MUST(mpy_str_intern("name"));
    printf("   the key \"name\" is shared by the records of all lists: %zu references\n",
           mpy_refcount(name));
    mpy_decref(name);
    (void)records;
}

static void
show_cycle(mpy_runtime *rt)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    mpy_object *a = MUST(mpy_list_new(0)), *b = MUST(mpy_list_new(0));
    ptrdiff_t before;
    heading("A cycle: what counting alone cannot free");
    before = mpy_mem_allocated_blocks(rt);
    MUST_INT(mpy_list_append(a, b));
    MUST_INT(mpy_list_append(b, a));
    printf("   two lists in each other: counts %zu and %zu\n", mpy_refcount(a), mpy_refcount(b));
    mpy_decref(a);
    mpy_decref(b);
    printf("   after we gave both up, nothing died: %td blocks more than before\n",
           mpy_mem_allocated_blocks(rt) - before);
    MUST_INT(mpy_gc_collect(2, &result));
    printf("   a full collection examined %llu objects, freed %llu, in %.3f ms\n",
           (unsigned long long)result.examined, (unsigned long long)result.collected,
           (double)result.duration_ns / 1e6);
}

static void
show_generations(void)
{
    static const char *const names[] = {"young", "middle", "everything"};
    heading("Generations at work so far");
    printf("   %-11s %12s %12s %12s %12s %11s\n", "generation", "collections", "examined", "freed",
           "objects now", "longest ms");
    for (int g = 0; g < 3; g++) {
        mpy_gc_stats s = {.size = sizeof s, .version = 1};
        MUST_INT(mpy_gc_get_stats(g, &s));
        printf("   %-11s %12llu %12llu %12llu %12llu %11.3f\n", names[g],
               (unsigned long long)s.collections, (unsigned long long)s.examined,
               (unsigned long long)s.collected, (unsigned long long)s.tracked,
               (double)s.longest_ns / 1e6);
    }
}

/* First used pool that still has all three kinds of blocks, or any used one. */
struct pool_search {
    mpy_runtime *rt;
    mpy_pool_info found;
    int quality;
};

static int
visit_pool(void *data, const mpy_pool_info *pool)
{
    struct pool_search *s = data;
    int quality = (pool->state == MPY_POOL_USED) + (pool->untouched > 0) +
                  (pool->allocated + pool->untouched < pool->capacity) +
                  (pool->block_size >= 32 && pool->block_size <= 64);
    if (pool->state == MPY_POOL_USED && quality > s->quality) {
        s->quality = quality;
        s->found = *pool;
    }
    return 0;
}

static int
visit_arena(void *data, const mpy_arena_info *arena)
{
    struct pool_search *s = data;
    return mpy_mem_visit_pools(s->rt, arena->address, visit_pool, s) < 0;
}

static int
draw_block(void *data, const void *block, uint32_t size, uint32_t state)
{
    int *column = data;
    (void)block;
    (void)size;
    if (*column % 64 == 0) {
        printf("%s      ", *column == 0 ? "" : "\n");
    }
    (void)putchar("_.#"[state]);
    (*column)++;
    return 0;
}

static void
show_memory(mpy_runtime *rt)
{
    mpy_mem_stats s = {.size = sizeof s, .version = 1};
    struct pool_search search = {.rt = rt, .quality = -1};
    MUST_INT(mpy_mem_stats_get(rt, &s));
    heading("Where the memory is: arenas of 256 KiB, pools of 4 KiB, blocks");
    printf("   %llu arenas (%.1f MB); pools: %llu unused, %llu empty, %llu used, %llu full\n",
           (unsigned long long)s.arenas, (double)s.arena_bytes / (1 << 20),
           (unsigned long long)s.pools_unused, (unsigned long long)s.pools_empty,
           (unsigned long long)s.pools_used, (unsigned long long)s.pools_full);
    printf("   %llu blocks in use (%.1f MB), %llu larger ones (%.1f MB)\n\n",
           (unsigned long long)s.blocks_allocated, (double)s.bytes_allocated / (1 << 20),
           (unsigned long long)s.large_blocks, (double)s.large_bytes / (1 << 20));
    printf("   %6s %8s %11s %9s %11s\n", "block", "pools", "allocated", "free", "untouched");
    for (int c = 1; c <= MPY_CLASS_COUNT; c++) {
        mpy_class_stats k = {.size = sizeof k, .version = 1};
        MUST_INT(mpy_mem_class_stats(rt, c, &k));
        if (k.blocks_allocated >= 2000) {
            printf("   %4u B %8llu %11llu %9llu %11llu\n", k.block_size,
                   (unsigned long long)k.pools, (unsigned long long)k.blocks_allocated,
                   (unsigned long long)k.blocks_free, (unsigned long long)k.blocks_untouched);
        }
    }
    MUST_INT(mpy_mem_visit_arenas(rt, visit_arena, &search));
    if (search.quality >= 0) {
        int column = 0;
        printf("\n   one pool of %u-byte blocks (# allocated  . free  _ untouched):\n",
               search.found.block_size);
        MUST_INT(mpy_mem_visit_blocks(rt, search.found.address, draw_block, &column));
        printf("\n");
    }
}

static void
show_return(mpy_runtime *rt, mpy_object **records, int kinds)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    double before = resident_mb(), start;
    size_t released = 0;
    heading("Letting go, and what goes back to the system");
    start = now_ms();
    for (int i = 0; i < kinds; i++) {
        mpy_clear(&records[i]);
    }
    printf("   dropped the lists in %.1f ms: %td blocks are still held by cycles\n",
           now_ms() - start, mpy_mem_allocated_blocks(rt));
    MUST_INT(mpy_gc_collect(2, &result));
    printf("   the collection freed %llu objects in %.1f ms: %td blocks left\n",
           (unsigned long long)result.collected, (double)result.duration_ns / 1e6,
           mpy_mem_allocated_blocks(rt));
    MUST_INT(mpy_mem_trim(rt, 0, &released));
    printf("   mpy_mem_trim returned %.1f MB; resident: %.1f MB before, %.1f MB now\n",
           (double)released / (1 << 20), before, resident_mb());
}

/* ---- threads
 * ---------------------------------------------------------------------------------------- */

struct job {
    mpy_view *view;     /* of the runtime to work in; NULL: a runtime of its own */
    mpy_object *shared; /* a dict, for the counting jobs */
    mpy_mutex *mutex;   /* NULL: count without it */
    long rounds;
};

/* Builds and sums small tuples: pure computation on objects. */
static void
compute(long rounds)
{
    for (long i = 0; i < rounds; i++) {
        mpy_object *n = MUST(mpy_int_from_i64(i));
        mpy_object *pair[2] = {n, n};
        mpy_object *t = MUST(mpy_tuple_from_array(pair, 2));
        mpy_decref(t);
        mpy_decref(n);
        MUST_INT(mpy_checkpoint());
    }
}

static void *
compute_thread(void *data)
{
    struct job *job = data;
    mpy_thread_token *token;
    mpy_runtime *own;
    if (job->view != NULL) {
        MUST_INT(mpy_thread_attach(job->view, &token));
        compute(job->rounds);
        mpy_thread_detach(token);
    } else {
        MUST_INT(mpy_runtime_new(NULL, &own));
        compute(job->rounds);
        MUST_INT(mpy_runtime_free(own, NULL));
    }
    return NULL;
}

static void *
wait_thread(void *data)
{
    struct job *job = data;
    mpy_thread_token *token;
    MUST_INT(mpy_thread_attach(job->view, &token));
    for (int i = 0; i < IO_WAITS; i++) {
        mpy_thread_token *saved = mpy_gil_release();
        (void)usleep(10000); /* stands for a read that blocks */
        mpy_gil_acquire(saved);
    }
    mpy_thread_detach(token);
    return NULL;
}

/* counter["n"] += 1 in two calls, with room for another thread in between. */
static void *
count_thread(void *data)
{
    struct job *job = data;
    mpy_thread_token *token, *saved;
    MUST_INT(mpy_thread_attach(job->view, &token));
    for (long i = 0; i < job->rounds; i++) {
        mpy_object *value, *one = MUST(mpy_int_from_i64(1)), *sum;
        if (job->mutex != NULL) {
            mpy_mutex_lock(job->mutex);
        }
        MUST_INT(mpy_dict_get_utf8(job->shared, "n", &value));
        saved = mpy_gil_release(); /* say, a log line is written here */
        (void)sched_yield();
        mpy_gil_acquire(saved);
        sum = MUST(mpy_number_add(value, one));
        MUST_INT(mpy_dict_set_utf8(job->shared, "n", sum));
        if (job->mutex != NULL) {
            mpy_mutex_unlock(job->mutex);
        }
        mpy_decref(value);
        mpy_decref(sum);
    }
    mpy_thread_detach(token);
    return NULL;
}

/* Runs n threads on the same job with the lock released; milliseconds. */
static double
run_threads(void *(*body)(void *), struct job *job, int n)
{
    pthread_t threads[IO_THREADS];
    mpy_thread_token *saved = mpy_gil_release();
    double start = now_ms();
    for (int i = 0; i < n; i++) {
        if (pthread_create(&threads[i], NULL, body, job) != 0) {
            printf("pthread_create failed\n");
            exit(EXIT_FAILURE);
        }
    }
    for (int i = 0; i < n; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    start = now_ms() - start;
    mpy_gil_acquire(saved);
    return start;
}

static void
show_threads(mpy_runtime *rt)
{
    struct job job = {.view = mpy_view_of(rt), .rounds = 4000000};
    mpy_mutex mutex = {0};
    double one, shared, apart;
    if (job.view == NULL) {
        fail("mpy_view_of");
    }
    heading("Threads: one lock a runtime");
    one = run_threads(compute_thread, &job, 1);
    shared = run_threads(compute_thread, &job, THREADS) / THREADS;
    mpy_view *view = job.view;
    job.view = NULL;
    apart = run_threads(compute_thread, &job, THREADS) / THREADS;
    job.view = view;
    printf(
        "   computing, time per job: 1 thread %.0f ms; %d threads in one runtime %.0f ms (%.2fx);\n"
        "   %d threads, each in a runtime of its own, %.0f ms (%.2fx)\n",
        one, THREADS, shared, one / shared, THREADS, apart, one / apart);
    one = run_threads(wait_thread, &job, IO_THREADS);
    printf("   waiting: %d threads of %d waits of 10 ms took %.0f ms, not %d: waits overlap\n",
           IO_THREADS, IO_WAITS, one, IO_THREADS * IO_WAITS * 10);

    job.rounds = 50000;
    for (int with_mutex = 0; with_mutex < 2; with_mutex++) {
        mpy_object *zero = MUST(mpy_int_from_i64(0)), *value;
        int64_t n;
        job.shared = MUST(mpy_dict_new(0));
        job.mutex = with_mutex ? &mutex : NULL;
        MUST_INT(mpy_dict_set_utf8(job.shared, "n", zero));
        (void)run_threads(count_thread, &job, THREADS);
        MUST_INT(mpy_dict_get_utf8(job.shared, "n", &value));
        MUST_INT(mpy_int_as_i64(value, &n));
        printf("   get, add, set %s mutex: counted to %lld of %ld%s\n",
               with_mutex ? "with a   " : "without a", (long long)n, THREADS * job.rounds,
               with_mutex ? "" : " (the rest got lost between get and set)");
        mpy_decref(value);
        mpy_decref(job.shared);
    }
    mpy_view_close(view);
}

int
main(int argc, char **argv)
{
    static const char *const files[] = {"639-3", "3166-2", "15924", "4217"};
    static const char *const what[] = {"languages", "subdivisions", "scripts", "currencies"};
    static const char *const keys[] = {"type", "type", "numeric", "numeric"};
    int copies = argc > 1 ? atoi(argv[1]) : 10;
    mpy_leak_report leaks = {.size = sizeof leaks, .version = 1};
    mpy_object *records[4];
    mpy_runtime *rt;
    double start;
    long linked;

    MUST_INT(mpy_runtime_new(NULL, &rt));
    printf("libminipy %s (%s)\n", mpy_version_string(), mpy_build_info());
    heading("Loading ISO 639-3, 3166-2, 15924 and 4217 from iso-codes");
    start = now_ms();
    for (int i = 0; i < 4; i++) {
        records[i] = MUST(mpy_list_new(0));
        load(files[i], copies, records[i]);
    }
    printf("   %d copies in %.0f ms, resident %.1f MB\n", copies, now_ms() - start, resident_mb());
    start = now_ms();
    for (int i = 0; i < 4; i++) {
        print_counts(records[i], keys[i], what[i]);
    }
    linked = join_parents(records[1]);
    printf("   joined %ld subdivisions with their parents (both ways); all in %.0f ms\n", linked,
           now_ms() - start);

    show_reference_counts(records[0]);
    show_cycle(rt);
    show_generations();
    show_memory(rt);
    show_return(rt, records, 4);
    show_threads(rt);

    MUST_INT(mpy_runtime_free(rt, &leaks));
    heading("The end");
    printf("   objects still alive when the runtime was freed: %llu\n",
           (unsigned long long)leaks.objects);
    if (leaks.objects != 0) {
        printf("%s", leaks.text);
    }
    return leaks.objects == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
