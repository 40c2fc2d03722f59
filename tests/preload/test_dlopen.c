/* SPDX-License-Identifier: MIT */
/*
 * test_dlopen.c - the library loaded by dlopen() into a running program: its thread-local words fit
 * into what the C library sets aside, it stays when it is closed, and its blocks and the C
 * library's do not get mixed up.
 */
#include "support/cm.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct family {
    void *(*malloc)(size_t);
    void *(*realloc)(void *, size_t);
    void (*free)(void *);
    size_t (*block)(const void *);
};

static struct family
load(void)
{
    struct family family = {NULL, NULL, NULL, NULL};
    void *library = dlopen(PRELOAD_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fail_msg("%s", dlerror());
    }
    *(void **)&family.malloc = dlsym(library, "malloc");
    *(void **)&family.realloc = dlsym(library, "realloc");
    *(void **)&family.free = dlsym(library, "free");
    *(void **)&family.block = dlsym(library, "mpy_priv_preload_block");
    assert_true(family.malloc != NULL && family.realloc != NULL && family.free != NULL);
    assert_non_null(family.block);
    assert_int_equal(dlclose(library), 0);
    return family;
}

static void *
use(void *data)
{
    const struct family *family = data;
    void *small = family->malloc(40);
    void *large = family->malloc(4000);
    void *moved = family->realloc(family->malloc(100), 300);
    int right =
        family->block(small) == 48 && family->block(large) == 0 && family->block(moved) == 304;
    family->free(small);
    family->free(large);
    family->free(moved);
    return right ? NULL : data;
}

static void *
wait_then_use(void *data)
{
    (void)pthread_barrier_wait(((void **)data)[0]);
    return use(((void **)data)[1]);
}

static void
can_be_loaded_late(void **state)
{
    (void)state;
    pthread_barrier_t barrier;
    struct family family;
    void *arguments[2] = {&barrier, &family};
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, wait_then_use, arguments), 0);
    for (int i = 0; i < 50; i++) {
        family = load();
        assert_null(use(&family));
    }
    (void)pthread_barrier_wait(&barrier); /* a thread that is older than the library */
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    void *own = malloc(40);
    assert_int_equal(family.block(own), 0); /* the C library's, and free() knows it, too */
    family.free(own);
    family.free(malloc(100000));
    (void)pthread_barrier_destroy(&barrier);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(can_be_loaded_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
