/* SPDX-License-Identifier: MIT */
/*
 * support/host_key.c - see support/host_key.h.
 */
#include "support/host_key.h"

#include <string.h>

struct host_keys host_keys;

struct key {
    int64_t id, hash;
};

static struct key *
key_of(mpy_object *o)
{
    void *data;
    api_done(mpy_type_data(o, host_keys.type, &data));
    return data;
}

/* Calls *hook once. */
static void
call_hook(void (**hook)(void *))
{
    void (*fn)(void *) = *hook;
    if (fn != NULL) {
        *hook = NULL;
        fn(host_keys.data);
    }
}

static int
key_hash(mpy_object *self, int64_t *out)
{
    host_keys.hashes++;
    call_hook(&host_keys.on_hash);
    if (host_keys.fail_hash) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "hash of a host key");
        return -1;
    }
    *out = key_of(self)->hash;
    return 0;
}

static mpy_object *
key_compare(mpy_object *a, mpy_object *b, int op)
{
    int equal;
    host_keys.compares++;
    call_hook(&host_keys.on_compare);
    if (host_keys.fail_compare) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "comparison of host keys");
        return NULL;
    }
    if ((op != MPY_EQ && op != MPY_NE) || mpy_object_is_instance(b, host_keys.type) != 1) {
        return api_good(mpy_constant(MPY_CONST_NOT_IMPLEMENTED));
    }
    equal = key_of(a)->id == key_of(b)->id;
    return mpy_bool_from_int(equal == (op == MPY_EQ));
}

static void
key_finalize(mpy_object *self)
{
    (void)self;
    host_keys.finalized++;
}

static const mpy_type_spec key_spec = {.size = sizeof(mpy_type_spec),
                                       .version = 1,
                                       .name = "t.Key",
                                       .data_size = sizeof(struct key),
                                       .hash = key_hash,
                                       .compare = key_compare,
                                       .finalize = key_finalize};

void
host_keys_open(void)
{
    memset(&host_keys, 0, sizeof host_keys);
    host_keys.type = api_good(mpy_type_from_spec(&key_spec, NULL));
}

void
host_keys_close(void)
{
    assert_null(host_keys.on_compare);
    assert_null(host_keys.on_hash);
    mpy_clear(&host_keys.type);
}

mpy_object *
host_key(int64_t id, int64_t hash)
{
    mpy_object *o = api_good(mpy_type_new_instance(host_keys.type));
    key_of(o)->id = id;
    key_of(o)->hash = hash;
    return o;
}
