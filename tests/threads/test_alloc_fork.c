/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * threads/test_alloc_fork.c - forks under four busy threads: each child can allocate, free what the
 * parent had, start threads, and passes the heap check. 1,000 forks at full scale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/features.h"
#include "minipy/debug.h"
#include "minipy/mem.h"
#include "support/scale.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, LIVE = 500, SHARED = 200 };

/* AddressSanitizer's own malloc may be locked in a child: pooled blocks only, and no threads. */
#define LARGEST       (MPYI_ASAN ? 480u : 700u)
#define CHILD_THREADS (!MPYI_TSAN && !MPYI_ASAN)

static _Atomic int working;
static void *shared[SHARED]; /* of the forking thread */

static void *
work(void *data)
{
    uint64_t random = (uint64_t)(uintptr_t)data * 7919 + 1;
    void *live[LIVE] = {NULL};
    while (atomic_load_explicit(&working, memory_order_relaxed)) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        size_t slot = random >> 33 & 511;
        if (slot < LIVE) {
            mpy_mem_free(live[slot]);
            live[slot] = mpy_mem_malloc(1 + (random >> 45) % LARGEST);
        }
    }
    for (size_t i = 0; i < LIVE; i++) {
        mpy_mem_free(live[i]);
    }
    return NULL;
}

static void *
child_thread(void *data)
{
    (void)data;
    for (size_t i = 1; i < LARGEST; i++) {
        void *p = mpy_mem_malloc(i);
        if (p == NULL) {
            return &working;
        }
        memset(p, 1, i);
        mpy_mem_free(p);
    }
    return NULL;
}

static int
child(void)
{
    for (int i = 0; i < SHARED; i++) {
        if (*(unsigned char *)shared[i] != i) {
            return 1;
        }
        mpy_mem_free(shared[i]);
    }
    if (child_thread(NULL) != NULL) {
        return 2;
    }
    void *result = NULL;
    pthread_t thread;
    if (CHILD_THREADS && (pthread_create(&thread, NULL, child_thread, NULL) != 0 ||
                          pthread_join(thread, &result) != 0 || result != NULL)) {
        return 3;
    }
    return mpy_debug_check_heap(NULL) == 0 ? 0 : 4;
}

static void
fork_once(void)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        _exit(child());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
forks_under_busy_threads(void **state)
{
    (void)state;
    if (MPYI_ASAN && MPYI_BYPASS) {
        return; /* this build has nothing of the kind */
    }
    pthread_t threads[THREADS];
    atomic_store(&working, 1);
    for (uintptr_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    }
    for (int i = 0; i < SHARED; i++) {
        shared[i] = mpy_mem_malloc(1 + (size_t)i * 5 % LARGEST);
        *(unsigned char *)shared[i] = (unsigned char)i;
    }
    for (unsigned long i = 0; i < test_scaled(2); i++) {
        fork_once();
    }
    atomic_store(&working, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    for (int i = 0; i < SHARED; i++) {
        mpy_mem_free(shared[i]);
    }
    assert_int_equal(mpy_debug_check_heap(NULL), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks_under_busy_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
