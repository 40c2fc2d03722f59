/* SPDX-License-Identifier: MIT */
/*
 * The list of runtimes, and a fork with several of them: one current, one outer, one blocked in.
 * tests/threads/test_fork.c forks under load.
 */
#include "support/cm.h"

#include "runtime/runtime.h"

#include <sys/wait.h>
#include <unistd.h>

static void
test_registry(void **state)
{
    (void)state;
    static struct mpyi_rt fakes[3];
    for (int i = 0; i < 3; i++) {
        mpyi_registry_add(&fakes[i]);
    }
    assert_ptr_equal(fakes[2].next, &fakes[1]);
    assert_ptr_equal(fakes[0].prev, &fakes[1]);
    mpyi_registry_remove(&fakes[1]);
    assert_ptr_equal(fakes[2].next, &fakes[0]);
    assert_ptr_equal(fakes[0].prev, &fakes[2]);
    mpyi_registry_remove(&fakes[2]);
    assert_null(fakes[0].prev);
    mpyi_registry_remove(&fakes[0]);
    assert_int_equal(mpyi_registry_init(), MPY_OK);
    assert_int_equal(mpyi_registry_init(), MPY_OK);
}

#define CHILD_CHECK(n, cond)                                                                       \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            _exit(n);                                                                              \
        }                                                                                          \
    } while (0)

/* Both runtimes are this thread's: both go on, the outer one's lock was free. */
static void
test_nested_runtimes(void **state)
{
    (void)state;
    mpy_runtime *outer, *inner;
    assert_int_equal(mpy_runtime_new(NULL, &outer), MPY_OK);
    assert_int_equal(mpy_runtime_new(NULL, &inner), MPY_OK);
    pid_t pid = fork();
    if (pid == 0) {
        CHILD_CHECK(1, mpy_runtime_current() == inner);
        CHILD_CHECK(2, mpyi_rt_of(inner)->view->lock.word == MPYI_LOCK_HELD);
        CHILD_CHECK(3, mpyi_rt_of(outer)->view->lock.word == 0);
        CHILD_CHECK(4, mpyi_rt_of(inner)->attached == 1 && mpyi_rt_of(outer)->attached == 1);
        CHILD_CHECK(5, mpy_runtime_free(inner, NULL) == MPY_OK);
        CHILD_CHECK(6, mpy_runtime_current() == outer);
        CHILD_CHECK(7, mpy_runtime_free(outer, NULL) == MPY_OK);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(mpyi_rt_of(inner)->view->lock.guard, 0); /* the parent is as before */
    assert_int_equal(mpy_runtime_free(inner, NULL), MPY_OK);
    assert_int_equal(mpy_runtime_free(outer, NULL), MPY_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry),
        cmocka_unit_test(test_nested_runtimes),
    };
    return cmocka_run_group_tests_name("atfork", tests, NULL, NULL);
}
