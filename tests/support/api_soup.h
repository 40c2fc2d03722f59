/* SPDX-License-Identifier: MIT */
/*
 * support/api_soup.h - random calls over a pool of objects, for stress/test_api_soup.c.
 *
 * api_soup.c has the pool, a step, and the host type whose slots make steps of their own;
 * api_soup_containers.c and api_soup_calls.c have the calls. One pool a program, one thread.
 */
#ifndef MPY_TEST_SUPPORT_API_SOUP_H
#define MPY_TEST_SUPPORT_API_SOUP_H

#include "support/api_node.h"
#include "support/api_random.h"
#include "support/api_world.h"

#define POOL 96u

/* What a step wants its first object to be. */
#define ANY   0
#define LIST  1
#define DICT  2
#define TUPLE 3
#define STR   4
#define ITER  5
#define PLAIN 6
#define NODE  7
#define TYPE  8
#define EXC   9
#define CALLS 10
#define KEY   11 /* a mischievous one */

struct soup_args {
    mpy_object *a, *b, *c; /* held by the step */
    int64_t i, j;          /* -3 .. 8 */
};

struct soup_call {
    const char *name;
    void (*run)(const struct soup_args *x);
    int want, want_b;
};

struct soup {
    struct api_world *world;
    struct api_random random;
    struct api_log log;
    mpy_object *node_type, *traverse_type, *mischief_type, *error_type;
    mpy_object *pool[POOL];
    uint64_t steps, errors;
    unsigned nested; /* steps within steps */
    const char *running;
};
extern struct soup soup;

/* Up to a call without a name. */
extern const struct soup_call soup_calls[];
extern const unsigned soup_call_count;

/* The host type that makes mischief, and what soup_calls has of containers. */
extern const mpy_type_spec soup_mischief_spec;
void
soup_list_change(const struct soup_args *x);
void
soup_list_read(const struct soup_args *x);
void
soup_dict_change(const struct soup_args *x);
void
soup_dict_read(const struct soup_args *x);
void
soup_dict_walk(const struct soup_args *x);
void
soup_dict_each(const struct soup_args *x);

/* 0 .. n - 1. */
unsigned
soup_draw(unsigned n);

/* Puts a reference to o somewhere into the pool; its place's old object goes. */
void
soup_put(mpy_object *o);

/* A new reference to an object of the pool, of the wanted sort if there is one; else None. */
mpy_object *
soup_take(int want);

/* 1 when o is of that sort. */
int
soup_fits(mpy_object *o, int want);

/* What a call gave: fails the test unless it failed if and only if an error is set, and with one
   that valid calls may raise. Objects are given up, and put into the pool. */
void
soup_got_int(ptrdiff_t r);
void
soup_got(mpy_object *o);
void
soup_got_found(int r, mpy_object *out);

/* 1 when there are few paths through o. */
int
soup_light(mpy_object *o);

/* 1 when o may grow. Lists and dicts are emptied now and then to that end. */
int
soup_has_room(mpy_object *o);

/* One of a few words. */
const char *
soup_word(void);

/* One random call. */
void
soup_step(void);

#endif /* MPY_TEST_SUPPORT_API_SOUP_H */
