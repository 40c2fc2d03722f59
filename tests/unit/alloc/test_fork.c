/* SPDX-License-Identifier: MIT */
/* test: labels=+threads */
/*
 * test_fork.c - the child of a fork can allocate; heaps of threads that are gone are adopted or
 * given up.
 */
#include "alloc_test.h"

#include "alloc/checked.h"
#include "alloc/domain.h"
#include "alloc/pressure.h"
#include "alloc/region.h"

#include <pthread.h>

static int handler_calls; /* of the handlers below */
static int handlers_trim;

static void
use(void)
{
    void *blocks[300];
    for (size_t i = 0; i < 300; i++) {
        blocks[i] = mpy_mem_malloc(i * 3);
        CHILD_CHECK(blocks[i] != NULL);
        memset(blocks[i], 1, i * 3);
    }
    for (size_t i = 0; i < 300; i++) {
        mpy_mem_free(blocks[i]);
    }
    CHILD_CHECK(mpy_debug_check_heap(NULL) == 0);
}

struct other {
    pthread_barrier_t barrier;
    struct mpyi_heap *heap;
    void *block;
    char *kept; /* a large one, in that thread's cache */
};

static struct other other;

static void *
stay(void *data)
{
    (void)data;
    other.block = mpy_mem_malloc(64);
    mpy_mem_free(mpy_mem_malloc(96));
    other.heap = mpyi_heap_of(mpy_priv_tls.mem);
    other.kept = mpy_mem_malloc(600);
    void *beyond = mpy_mem_malloc(600); /* so that malloc could not just move its end back */
    memset(other.kept, 77, 600);
    mpy_mem_free(other.kept);
    if (mpyi_large_cache_blocks(&other.heap->large) == 0) {
        other.kept = NULL; /* closed: freed at once */
    }
    (void)pthread_barrier_wait(&other.barrier);
    (void)pthread_barrier_wait(&other.barrier);
    mpy_mem_free(beyond);
    return NULL;
}

static void *
adopt(void *data)
{
    use();
    *(void **)data = mpyi_heap_of(mpy_priv_tls.mem);
    return NULL;
}

/* The thread may have been taking the block just then: it is nobody's, and not given to malloc,
   which would write into it. */
static void
expect_kept_forgotten(void)
{
    CHILD_CHECK(mpyi_large_cache_blocks(&other.heap->large) == 0);
    for (int i = 0; i < 32 && other.kept != NULL; i++) {
        CHILD_CHECK(other.kept[i] == 77);
    }
}

static void
child_of_an_idle_thread(void)
{
    expect_kept_forgotten();
    CHILD_CHECK(other.heap->orphan && !other.heap->dead);
    CHILD_CHECK(mpyi_heap_cached_blocks(other.heap) == 0);
    use();
    mpy_mem_free(other.block); /* travels to the orphan */
    pthread_t thread;
    void *heap = NULL;
    CHILD_CHECK(pthread_create(&thread, NULL, adopt, &heap) == 0);
    CHILD_CHECK(pthread_join(thread, NULL) == 0);
    CHILD_CHECK(heap == other.heap);
}

/* Of a process where a thread has ended: its heap waits in the child as it did before. */
static void
child_of_an_ended_thread(void)
{
    CHILD_CHECK(other.heap->orphan && !other.heap->dead);
    size_t waiting = mpyi_heap_cached_blocks(other.heap);
    CHILD_CHECK((waiting > 0) == (mpyi_modes_get() == 0));
    mpy_mem_stats before = {.size = sizeof before};
    mpy_mem_stats after = {.size = sizeof after};
    CHILD_CHECK(mpy_mem_stats_get(NULL, &before) == 0);
    pthread_t thread;
    void *heap = NULL;
    CHILD_CHECK(pthread_create(&thread, NULL, adopt, &heap) == 0);
    CHILD_CHECK(pthread_join(thread, NULL) == 0);
    CHILD_CHECK(heap == other.heap);
    CHILD_CHECK(mpy_mem_stats_get(NULL, &after) == 0);
    CHILD_CHECK(after.blocks_allocated == before.blocks_allocated);
    CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
    CHILD_CHECK(mpyi_heap_cached_blocks(other.heap) == 0);
    use();
}

static void
child_of_a_busy_thread(void)
{
    CHILD_CHECK(other.heap->dead && !other.heap->orphan);
    use();
    mpy_mem_free(other.block);
    use();
    pthread_t thread;
    void *heap = NULL;
    CHILD_CHECK(pthread_create(&thread, NULL, adopt, &heap) == 0);
    CHILD_CHECK(pthread_join(thread, NULL) == 0);
    CHILD_CHECK(heap != other.heap);
    CHILD_CHECK(mpy_mem_trim(NULL, 0, NULL) == 0);
}

static void
children_take_over(void **state)
{
    (void)state;
    if (MPYI_TSAN) {
        return; /* it does not follow threads of a child */
    }
    pthread_t thread;
    assert_int_equal(pthread_barrier_init(&other.barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, stay, NULL), 0);
    (void)pthread_barrier_wait(&other.barrier);
    use();
    test_child_succeeds(child_of_an_idle_thread);
    other.heap->busy = 1;
    test_child_succeeds(child_of_a_busy_thread);
    other.heap->busy = 0;
    (void)pthread_barrier_wait(&other.barrier);
    assert_int_equal(pthread_join(thread, NULL), 0);
    use();
    test_child_succeeds(child_of_an_ended_thread);
    (void)pthread_barrier_destroy(&other.barrier);
}

/* ---- every lock of the back end ---------------------------------------------------------------
 */

static void
lock_space(void)
{
    mpyi_space_lock(&mpyi_mem_space);
}

static void
unlock_space(void)
{
    mpyi_space_unlock(&mpyi_mem_space);
}

static void
lock_marks(void)
{
    mpyi_marks_lock(&mpyi_mem_marks);
}

static void
unlock_marks(void)
{
    mpyi_marks_unlock(&mpyi_mem_marks);
}

static const struct {
    void (*lock)(void), (*unlock)(void);
} locks[] = {
    {mpyi_regions_lock, mpyi_regions_unlock},
    {mpyi_heaps_lock, mpyi_heaps_unlock},
    {lock_space, unlock_space},
    {mpyi_remote_lock, mpyi_remote_unlock},
    {lock_marks, unlock_marks},
    {mpyi_pressure_lock, mpyi_pressure_unlock},
    {mpyi_domain_lock, mpyi_domain_unlock},
};

static size_t lock_number;

/* Holds the lock for a while, in which the other thread forks. */
static void *
hold_lock(void *data)
{
    locks[lock_number].lock();
    (void)pthread_barrier_wait(data);
    usleep(20000);
    locks[lock_number].unlock();
    return NULL;
}

static void
child_that_locks(void)
{
    (void)alarm(10);
    locks[lock_number].lock();
    locks[lock_number].unlock();
}

static void
no_lock_is_held_in_a_child(void **state)
{
    (void)state;
    if (MPYI_TSAN) {
        return; /* it does not follow threads of a child */
    }
    for (lock_number = 0; lock_number < sizeof locks / sizeof *locks; lock_number++) {
        pthread_t thread;
        pthread_barrier_t barrier;
        assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
        assert_int_equal(pthread_create(&thread, NULL, hold_lock, &barrier), 0);
        (void)pthread_barrier_wait(&barrier);
        test_child_succeeds(child_that_locks);
        assert_int_equal(pthread_join(thread, NULL), 0);
        (void)pthread_barrier_destroy(&barrier);
    }
}

static void
grandchild(void)
{
    use();
    test_child_succeeds(use);
    use();
}

static void
forks_nest(void **state)
{
    (void)state;
    test_child_succeeds(grandchild);
    use();
}

/* Handlers registered before the library's run while it holds its locks; they may allocate. */
static void
allocate_in_handler(void)
{
    handler_calls++;
    for (size_t n = 0; n < 2000; n++) {
        mpy_mem_free(mpy_mem_malloc(n)); /* every class, through refills and the space */
    }
    if (handlers_trim) {
        (void)!mpy_mem_trim(NULL, 0, NULL);
    }
}

__attribute__((constructor(101))) static void
before_the_library(void)
{
    (void)pthread_atfork(allocate_in_handler, allocate_in_handler, allocate_in_handler);
}

static void
handlers_may_allocate(void **state)
{
    (void)state;
    handler_calls = 0;
    handlers_trim = 1;
    test_child_succeeds(use);
    assert_int_equal(handler_calls, 2);
    use();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_take_over),
        cmocka_unit_test(no_lock_is_held_in_a_child),
        cmocka_unit_test(forks_nest),
        cmocka_unit_test(handlers_may_allocate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
