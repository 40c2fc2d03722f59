/* SPDX-License-Identifier: MIT */
/*
 * minipy/type.h - types: the built-in ones, and those a host makes from a spec.
 *
 * An instance of a host type has one of two shapes.
 *
 *   data      the spec asks for `data_size` bytes of host data. The first `ref_count` words of it
 *             are references the library manages: traversed, counted and dropped without any code
 *             of the host.
 *
 *                 +--------+----------+------ data_size ------------------+
 *                 | header | (attrs)  | ref 0 | ref 1 | ... | host's bytes |
 *                 +--------+----------+-----------------------------------+
 *
 *   plain     no data, MPY_TYPE_ATTRS set: attributes live in the instance itself, their names in
 *             a description (a "shape") that all instances with the same attributes share.
 *
 *                 +--------+-------+---------+---------+-----+
 *                 | header | shape | value 0 | value 1 | ... |
 *                 +--------+-------+---------+---------+-----+
 *
 * An instance larger than 496 bytes keeps its data or values in a block of its own. Data are
 * aligned to 8 bytes. A data instance with MPY_TYPE_ATTRS keeps its attributes in a dict of its
 * own.
 *
 * Inheritance is single. Instances do not keep their type's count up; a type lives until its last
 * instance is gone.
 *
 * Results, ownership and threads: see minipy/object.h.
 */
#ifndef MPY_TYPE_H
#define MPY_TYPE_H

#include "minipy/call.h"

MPY_EXTERN_C_BEGIN

/* Flags of a spec. */
#define MPY_TYPE_ATTRS   1u /* instances take any attribute */
#define MPY_TYPE_BASE    2u /* may be a base of other types */
#define MPY_TYPE_ACYCLIC 4u /* instances never take part in a cycle: the collector ignores them */

/* Visits a reference (NULL is skipped). Non-zero: stop and return it. */
typedef int (*mpy_visit_fn)(mpy_object *ref, void *arg);

/* A name for the reference at `index` of the data: an attribute that can be read and, unless
   MPY_MEMBER_READONLY, set. An unset one raises AttributeError. Arrays end with a NULL name. */
typedef struct mpy_member_spec {
    const char *name;
    uint32_t index;
    uint32_t flags;
} mpy_member_spec;
#define MPY_MEMBER_READONLY 1u

/*
 * What a type is. Zeroed fields take the base's behaviour; but a type with `compare` and without
 * `hash` is unhashable, as in Python. Strings and arrays must live as long as the type, except
 * `name`. Slots get borrowed references, return new ones, and report failure as the functions of
 * minipy/object.h that call them do: with an error set, or it becomes a SystemError. Each counts as
 * a nested call, so one that calls itself without end is a RecursionError.
 */
typedef struct mpy_type_spec {
    uint32_t size, version; /* sizeof(mpy_type_spec), 1 */
    const char *name;       /* "module.Name", or "Name" */
    const char *doc;        /* may be NULL */
    uint32_t flags;         /* MPY_TYPE_* */
    uint32_t ref_count;     /* references at the start of the data */
    size_t data_size;       /* bytes, zeroed in a new instance; >= 8 * ref_count */
    const mpy_member_spec *members;
    const mpy_func_spec *methods;

    /* Life. init: called with the arguments of the call that creates the instance. finalize: once,
       everything intact, may resurrect or raise (reported as unraisable). release: gets the data,
       last of all; must not call the library except mpy_raw_* and mpy_mem_*. traverse and clear:
       only for references outside the first ref_count words, and only together; clear drops them.
       release, traverse and clear of every base are called, too, each with its own part of the
       data. */
    int (*init)(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames);
    void (*finalize)(mpy_object *self);
    void (*release)(void *data);
    int (*traverse)(void *data, mpy_visit_fn visit, void *arg);
    void (*clear)(void *data);

    mpy_object *(*repr)(mpy_object *self);
    mpy_object *(*str)(mpy_object *self);
    int (*hash)(mpy_object *self, int64_t *out);
    mpy_object *(*compare)(mpy_object *a, mpy_object *b, int op);
    int (*is_true)(mpy_object *self);

    mpy_object *(*get_attr)(mpy_object *self, mpy_object *name);
    int (*set_attr)(mpy_object *self, mpy_object *name, mpy_object *value); /* NULL: delete */
    ptrdiff_t (*length)(mpy_object *self);
    mpy_object *(*get_item)(mpy_object *self, mpy_object *key);
    int (*set_item)(mpy_object *self, mpy_object *key, mpy_object *value); /* NULL: delete */
    int (*contains)(mpy_object *self, mpy_object *value);
    mpy_object *(*iter)(mpy_object *self);
    int (*next)(mpy_object *self, mpy_object **out);
    mpy_object *(*call)(mpy_object *self, mpy_object *const *argv, size_t nargs,
                        mpy_object *kwnames);

    /* Arithmetic: called for either operand; NotImplemented gives the other one a chance. */
    mpy_object *(*add)(mpy_object *a, mpy_object *b);
    mpy_object *(*subtract)(mpy_object *a, mpy_object *b);
    mpy_object *(*multiply)(mpy_object *a, mpy_object *b);
    mpy_object *(*true_divide)(mpy_object *a, mpy_object *b);
    mpy_object *(*floor_divide)(mpy_object *a, mpy_object *b);
    mpy_object *(*remainder)(mpy_object *a, mpy_object *b);
    mpy_object *(*negative)(mpy_object *a);
} mpy_type_spec;

/* A new type. base: NULL (object), an exception type, or a type made with MPY_TYPE_BASE; its data
   come first. TypeError: the base is final, or the two layouts do not fit (references behind plain
   bytes of the base need `traverse`). ValueError: the spec contradicts itself. */
MPY_NODISCARD MPY_API mpy_object *
mpy_type_from_spec(const mpy_type_spec *spec, mpy_object *base);

/* 1 for a type, else 0; NULL is not one. Cannot fail. */
MPY_INLINE int
mpy_type_check(const mpy_object *o)
{
    return mpy_priv_has_flag(o, MPY_TF_TYPE);
}

/* The built-in types. */
#define MPY_TYPE_ID_OBJECT          0
#define MPY_TYPE_ID_TYPE            1
#define MPY_TYPE_ID_NONE            2
#define MPY_TYPE_ID_BOOL            3
#define MPY_TYPE_ID_INT             4
#define MPY_TYPE_ID_FLOAT           5
#define MPY_TYPE_ID_STR             6
#define MPY_TYPE_ID_BYTES           7
#define MPY_TYPE_ID_LIST            8
#define MPY_TYPE_ID_TUPLE           9
#define MPY_TYPE_ID_DICT            10
#define MPY_TYPE_ID_RANGE           11
#define MPY_TYPE_ID_ITERATOR        12
#define MPY_TYPE_ID_FUNCTION        13
#define MPY_TYPE_ID_METHOD          14
#define MPY_TYPE_ID_NOT_IMPLEMENTED 15
#define MPY_TYPE_ID_ELLIPSIS        16
#define MPY_TYPE_ID_COUNT           17

/* The built-in type with that id; ValueError for another id. */
MPY_NODISCARD MPY_API mpy_object *
mpy_type_builtin(int id);

/* "Name", without the module. */
MPY_NODISCARD MPY_API mpy_object *
mpy_type_name(mpy_object *type);

/* "module.Name" as in the spec. */
MPY_NODISCARD MPY_API mpy_object *
mpy_type_qualname(mpy_object *type);

/* bool: a is b or below it. */
MPY_NODISCARD MPY_API int
mpy_type_is_subtype(mpy_object *a, mpy_object *b);

/* An instance without calling init. TypeError: the type cannot be instantiated so. O(1). */
MPY_NODISCARD MPY_API mpy_object *
mpy_type_new_instance(mpy_object *type);

/* int0: the host data of an instance of `type` or below it. The pointer lives as long as the
   instance. To store a reference in one of the first ref_count words use mpy_assign(). */
MPY_NODISCARD MPY_API int
mpy_type_data(mpy_object *o, mpy_object *type, void **out);

MPY_EXTERN_C_END

#endif /* MPY_TYPE_H */
