/* SPDX-License-Identifier: MIT */
/* test: link=shared */
/*
 * Writes past the end of a block that belongs to an object, then drops the object.
 *
 *   object_site WHAT INDEX     WHAT: str, list, dict, instance, tuple; INDEX: which of its blocks
 *
 * Linked with the shared library, as hosts are: what is told has to name make_object() and
 * drop_object(). Returns 3 when the object has no block of that index.
 */
#include "minipy/debug.h"
#include "minipy/dict.h"
#include "minipy/list.h"
#include "minipy/memstat.h"
#include "minipy/object.h"
#include "minipy/runtime.h"
#include "minipy/str.h"
#include "minipy/tuple.h"
#include "minipy/type.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

mpy_object *
make_object(const char *what, mpy_object *type);
void
drop_object(mpy_object *o);

/* The wanted block: the index-th of those allocated after the one numbered `serial`. */
struct search {
    mpy_runtime *rt;
    uint64_t serial;
    long index;
    mpy_block_info found;
    uint64_t last; /* highest serial seen */
};

static int
look_at_block(void *data, const void *block, uint32_t block_size, uint32_t state)
{
    struct search *s = data;
    mpy_block_info info = {.size = sizeof info, .version = 1};
    (void)block_size;
    if (state != MPY_BLOCK_ALLOCATED || mpy_mem_block_info(block, &info) != 1) {
        return 0;
    }
    s->last = info.serial > s->last ? info.serial : s->last;
    if (info.serial > s->serial && s->index-- == 0) {
        s->found = info;
        return 1;
    }
    return 0;
}

static int
look_at_pool(void *data, const mpy_pool_info *pool)
{
    struct search *s = data;
    return pool->block_size == 0
               ? 0
               : mpy_mem_visit_blocks(s->rt, pool->address, look_at_block, data) == 1;
}

static int
look_at_arena(void *data, const mpy_arena_info *arena)
{
    struct search *s = data;
    return mpy_mem_visit_pools(s->rt, arena->address, look_at_pool, data) == 1;
}

static int
search(struct search *s)
{
    return mpy_mem_visit_arenas(s->rt, look_at_arena, s) == 1;
}

/* Not inlined, and no call at the end that would replace its frame. */
__attribute__((noinline)) mpy_object *
make_object(const char *what, mpy_object *type)
{
    mpy_object *o = NULL;
    if (strcmp(what, "str") == 0) {
        o = mpy_str_from_utf8("a text, not a short one");
    } else if (strcmp(what, "tuple") == 0) {
        o = mpy_tuple_pack(3, MPY_TRUE, MPY_FALSE, MPY_NONE);
    } else if (strcmp(what, "instance") == 0) {
        o = mpy_type_new_instance(type);
        if (mpy_object_set_attr_utf8(o, "name", MPY_TRUE) < 0) {
            exit(2);
        }
    } else if (strcmp(what, "list") == 0) {
        o = mpy_list_new(0);
        for (int i = 0; i < 5; i++) {
            if (mpy_list_append(o, MPY_TRUE) < 0) {
                exit(2);
            }
        }
    } else {
        o = mpy_dict_new(0);
        if (mpy_dict_set(o, MPY_TRUE, MPY_FALSE) < 0) {
            exit(2);
        }
    }
    __asm__ volatile("" : : : "memory");
    return o;
}

__attribute__((noinline)) void
drop_object(mpy_object *o)
{
    mpy_decref(o);
    __asm__ volatile("" : : : "memory");
}

int
main(int argc, char **argv)
{
    const struct rlimit no_core = {0, 0};
    const mpy_type_spec spec = {
        .size = sizeof spec, .version = 1, .name = "t.Thing", .flags = MPY_TYPE_ATTRS};
    struct search s = {.index = -1};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (argc != 3 || mpy_runtime_new(NULL, &s.rt) != MPY_OK) {
        return 2;
    }
    mpy_object *type = mpy_type_from_spec(&spec, NULL);
    mpy_object *before = type != NULL ? mpy_type_new_instance(type) : NULL;
    /* Names and shapes are made once, and stay. */
    if (before == NULL || mpy_object_set_attr_utf8(before, "name", MPY_TRUE) < 0) {
        return 2;
    }
    (void)search(&s);
    s.serial = s.last;
    s.index = strtol(argv[2], NULL, 10);
    mpy_object *o = make_object(argv[1], type);
    if (o == NULL || !search(&s)) {
        return 3;
    }
    size_t front = s.found.kind == MPY_KIND_GC ? 0 : 16; /* the red zone before it */
    memset((char *)(uintptr_t)s.found.block + front + s.found.requested, 1, 1);
    (void)printf("%llu bytes of kind %u\n", (unsigned long long)s.found.requested, s.found.kind);
    (void)fflush(stdout);
    drop_object(o);
    return mpy_runtime_free(s.rt, NULL) == MPY_OK ? 0 : 2;
}
