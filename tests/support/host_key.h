/* SPDX-License-Identifier: MIT */
/*
 * support/host_key.h - keys of a host type whose hash and equality run code: that of the test.
 *
 * A key has an id, which decides equality, and a hash, which is what it was given. A test can make
 * either fail, and can have a function called before each comparison or hash, which may do anything
 * to the container that asked.
 */
#ifndef MPY_TEST_SUPPORT_HOST_KEY_H
#define MPY_TEST_SUPPORT_HOST_KEY_H

#include "support/api_world.h"

struct host_keys {
    mpy_object *type;
    void (*on_compare)(void *data); /* called once, then unset; NULL: nothing */
    void (*on_hash)(void *data);    /* the same */
    void *data;
    int fail_compare, fail_hash; /* raise ValueError */
    uint64_t compares, hashes;   /* calls so far */
    uint64_t finalized;          /* keys that died */
};

/* The state of the type: one a program. */
extern struct host_keys host_keys;

/* Makes the type / drops it and checks that nothing is left to be called. */
void
host_keys_open(void);
void
host_keys_close(void);

/* A new key. */
mpy_object *
host_key(int64_t id, int64_t hash);

#endif /* MPY_TEST_SUPPORT_HOST_KEY_H */
