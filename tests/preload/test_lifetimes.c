/* SPDX-License-Identifier: MIT */
/*
 * test_lifetimes.c - what comes and goes: threads, forked children, loaded libraries. Resident
 * memory must not follow their number. Full counts: 10,000 threads, 1,000 forks, 1,000 loads.
 */
#include "preload_test.h"

#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { KEYS = 40, LIVE = 512, SHARED = 200, BUSY = 4 };

/* ---- threads --------------------------------------------------------------------------------- */

static pthread_key_t keys[KEYS];

/* Frees while the thread ends, in each round that pthread promises. */
static void
end_value(void *data)
{
    free(data);
    free(malloc(3000));
}

/* Uses so many keys that the C library allocates their table, and a text that it allocates for the
   thread: both are freed after the last destructor. */
static void *
short_life(void *data)
{
    void *blocks[100];
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = malloc(i * 13);
        memset(blocks[i], 1, i * 13);
    }
    for (size_t i = 0; i < 100; i++) {
        free(blocks[i]);
    }
    for (int i = 0; i < KEYS; i++) {
        if (pthread_setspecific(keys[i], malloc(100)) != 0) {
            return data;
        }
    }
    return strerror(123456) != NULL ? NULL : data;
}

static void
run_threads(unsigned long n)
{
    pthread_t threads[4];
    for (unsigned long i = 0; i < n; i += 4) {
        for (int k = 0; k < 4; k++) {
            assert_int_equal(pthread_create(&threads[k], NULL, short_life, keys), 0);
        }
        for (int k = 0; k < 4; k++) {
            void *result;
            assert_int_equal(pthread_join(threads[k], &result), 0);
            assert_null(result);
        }
    }
}

static void
threads_come_and_go(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(pthread_key_create(&keys[i], end_value), 0);
    }
    run_threads(100);
    size_t before = preload_rss();
    run_threads(test_scaled(20) < 200 ? 200 : test_scaled(20));
    size_t after = preload_rss();
    assert_true(after < before + (1 << 20));
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(pthread_key_delete(keys[i]), 0);
    }
}

/* ---- forks ----------------------------------------------------------------------------------- */

static _Atomic int working;
static unsigned char *shared[SHARED];

static void *
work(void *data)
{
    uint64_t random = (uint64_t)(uintptr_t)data * 7919 + 1;
    void *live[LIVE] = {NULL};
    while (atomic_load_explicit(&working, memory_order_relaxed)) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t slot = random >> 33 & (LIVE - 1);
        free(live[slot]);
        live[slot] = malloc(1 + (random >> 45) % 3000);
    }
    for (size_t i = 0; i < LIVE; i++) {
        free(live[i]);
    }
    return NULL;
}

static void *
child_thread(void *data)
{
    for (size_t n = 1; n < 2000; n++) {
        void *p = malloc(n);
        if (p == NULL) {
            return data;
        }
        memset(p, 1, n);
        free(p);
    }
    return NULL;
}

static int
child(void)
{
    for (int i = 0; i < SHARED; i++) {
        if (*shared[i] != i) {
            return 1;
        }
        free(shared[i]);
    }
    void *result = NULL;
    pthread_t thread;
    if (child_thread(&working) != NULL) {
        return 2;
    }
    if (pthread_create(&thread, NULL, child_thread, &working) != 0 ||
        pthread_join(thread, &result) != 0 || result != NULL) {
        return 3;
    }
    return 0;
}

static void
fork_children(unsigned long n)
{
    for (unsigned long i = 0; i < n; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            _exit(child());
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
}

static void
forks_under_busy_threads(void **state)
{
    (void)state;
    pthread_t threads[BUSY];
    atomic_store(&working, 1);
    for (uintptr_t i = 0; i < BUSY; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    }
    for (int i = 0; i < SHARED; i++) {
        shared[i] = malloc(1 + (size_t)i * 15);
        *shared[i] = (unsigned char)i;
    }
    fork_children(20);
    size_t before = preload_rss();
    fork_children(test_scaled(2));
    size_t after = preload_rss();
    assert_true(after < before + (4 << 20)); /* four threads go on meanwhile */
    atomic_store(&working, 0);
    for (int i = 0; i < BUSY; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < SHARED; i++) {
        free(shared[i]);
    }
}

/* ---- libraries ------------------------------------------------------------------------------- */

static void *
use_plugin(void *library)
{
    void *(*give)(size_t) = NULL;
    *(void **)&give = dlsym(library, "plugin_give");
    return give != NULL ? give(100) : NULL;
}

static void
load_plugins(unsigned long n)
{
    for (unsigned long i = 0; i < n; i++) {
        void *library = dlopen(PRELOAD_PLUGIN, RTLD_NOW | RTLD_LOCAL);
        assert_non_null(library);
        void *p = use_plugin(library);
        assert_int_equal(preload_block(p), 112);
        pthread_t thread;
        void *q;
        assert_int_equal(pthread_create(&thread, NULL, use_plugin, library), 0);
        assert_int_equal(pthread_join(thread, &q), 0);
        assert_int_equal(preload_block(q), 112);
        assert_int_equal(dlclose(library), 0);
        free(p);
        free(q);
    }
}

static void
libraries_come_and_go(void **state)
{
    (void)state;
    load_plugins(20);
    size_t before = preload_rss();
    load_plugins(test_scaled(2) < 20 ? 20 : test_scaled(2));
    assert_true(preload_rss() < before + (1 << 20));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_come_and_go),
        cmocka_unit_test(forks_under_busy_threads),
        cmocka_unit_test(libraries_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
