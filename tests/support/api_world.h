/* SPDX-License-Identifier: MIT */
/*
 * support/api_world.h - a runtime for a test of the public interface, and values of every type.
 *
 * A test that is wrapped in api_setup() and api_teardown() gets a fresh runtime through *state. The
 * teardown drops what the world owns, ends the runtime and fails the test when anything at all was
 * left over: every test written with it is a test for leaks, too.
 */
#ifndef MPY_TEST_SUPPORT_API_WORLD_H
#define MPY_TEST_SUPPORT_API_WORLD_H

#include "minipy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Kinds of values api_make() knows: one of every type, and some that certain calls need. */
#define API_NONE       0
#define API_TRUE       1
#define API_INT        2  /* 1 */
#define API_FLOAT      3  /* 2.5 */
#define API_BOXED      4  /* 1e300: a float that is no immediate */
#define API_STR        5  /* "12" */
#define API_BYTES      6  /* b"12" */
#define API_LIST       7  /* [1, 2, 3] */
#define API_TUPLE      8  /* (1, 2, 3) */
#define API_DICT       9  /* {"a": 1} */
#define API_RANGE      10 /* range(0, 3) */
#define API_ITERATOR   11 /* over [1, 2, 3] */
#define API_FUNCTION   12 /* takes anything, returns None */
#define API_METHOD     13 /* the method `poke` of a data instance */
#define API_PLAIN      14 /* an instance with the attribute attr = 1 */
#define API_DATA       15 /* an instance with data */
#define API_HOST_TYPE  16 /* the type of API_PLAIN */
#define API_TYPE       17 /* list */
#define API_EXC_TYPE   18 /* ValueError */
#define API_EXCEPTION  19 /* ValueError("text") */
#define API_BASIC      20 /* kinds below are of different types */
#define API_STR_LIST   20 /* ["x", "y"] */
#define API_ATTR       21 /* "attr" */
#define API_KEY        22 /* "a" */
#define API_NO_TUPLE   23 /* () */
#define API_NO_DICT    24 /* {} */
#define API_DATA_TYPE  25 /* the type of API_DATA */
#define API_POKE       26 /* "poke" */
#define API_CYCLE_LIST 27 /* [1, 2, 3]: as API_LIST, for calls that want a second one */
#define API_KINDS      28

#define API_BIT(kind) ((uint32_t)1 << (kind))
#define API_ALL       ((API_BIT(API_BASIC)) - 1)

/* Numbers of objects each callback of the world's types has seen. */
struct api_counts {
    uint64_t initialised, finalized, released;
};

/* The data of an API_DATA instance. */
struct api_data {
    mpy_object *first, *second;
    struct api_counts *counts; /* may be NULL */
};

struct api_world {
    mpy_runtime *rt;
    mpy_object *plain_type, *data_type;
    struct api_counts counts;
};

/* cmocka fixtures. *state becomes a struct api_world. */
int
api_setup(void **state);
int
api_teardown(void **state);

/* The same for programs that need several worlds. close: 0, or -1 when something was left over,
   which it prints. */
void
api_world_open(struct api_world *world);
int
api_world_close(struct api_world *world);

/* The types of API_PLAIN and API_DATA for the current runtime; NULL with an error. */
mpy_object *
api_world_plain_type(void);
mpy_object *
api_world_data_type(void);

/* A new reference to a value; fails the test when it cannot be made. */
mpy_object *
api_make(struct api_world *world, int kind);

/* Name of the type of api_make(world, kind), as error texts have it. */
const char *
api_kind_name(int kind);

/* Blocks handed out by the runtime, after a full collection. */
ptrdiff_t
api_blocks(struct api_world *world);

/* Text of repr(o), to be freed with free(); fails the test when there is none. */
char *
api_repr(mpy_object *o);

/* Code of the error that is set, which is cleared: 0 when there was none. text, unless NULL, gets
   up to size bytes of its message. */
int
api_take_error(char *text, size_t size);

/* Fails the test unless an error with that code is set; clears it. */
void
api_expect_error(int code);

/* o, which may not be NULL: fails the test with the error that is set. */
mpy_object *
api_good(mpy_object *o);

/* r, which may not be -1. */
ptrdiff_t
api_done(ptrdiff_t r);

#endif /* MPY_TEST_SUPPORT_API_WORLD_H */
