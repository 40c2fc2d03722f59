/* SPDX-License-Identifier: MIT */
/*
 * test_thrower.c - operator new without memory in a program in C: the C++ runtime is loaded later
 * and by dlopen() (helpers/thrower.cc), or there is none.
 */
#include "preload_test.h"

#include "support/child.h"

#include <stdlib.h>
#include <string.h>

static void
ask_too_much(const void *data)
{
    void *(*const *operator_new)(size_t) = data;
    (void)(*operator_new)((size_t)PTRDIFF_MAX);
}

/* Before any C++ runtime comes: nobody could catch. */
static void
without_a_runtime_it_ends_with_a_message(void **state)
{
    (void)state;
    char text[256] = "";
    void *(*operator_new)(size_t) = NULL;
    *(void **)&operator_new = dlsym(RTLD_DEFAULT, "_Znwm");
    void *(*nothrow)(size_t, const void *) = NULL;
    *(void **)&nothrow = dlsym(RTLD_DEFAULT, "_ZnwmRKSt9nothrow_t");
    assert_true(operator_new != NULL && nothrow != NULL);
    assert_null(nothrow((size_t)PTRDIFF_MAX, text));
    int status = child_run(ask_too_much, &operator_new, text, sizeof text);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "operator new: out of memory for 9223372036854775807 bytes"));
}

static void
a_runtime_in_a_local_scope_throws(void **state)
{
    (void)state;
    void *library = dlopen(PRELOAD_THROWER, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    int (*thrower_run)(void) = NULL;
    *(void **)&thrower_run = dlsym(library, "thrower_run");
    assert_non_null(thrower_run);
    assert_int_equal(thrower_run(), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_runtime_it_ends_with_a_message),
        cmocka_unit_test(a_runtime_in_a_local_scope_throws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
