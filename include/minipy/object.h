/* SPDX-License-Identifier: MIT */
/*
 * minipy/object.h - references, and what can be done with any object.
 *
 * A value is one word, `mpy_object *`. It is opaque: the low three bits tell what it is.
 *
 *   000  pointer to a heap object (16-byte header, 8-byte aligned)
 *   xx1  integer, 63 bits signed
 *   010  double: exponents 2^-127..2^128 and +0.0; others are heap objects
 *   110  constant: None, False, True, NotImplemented, Ellipsis
 *   100  reserved
 *
 * Ownership: three sentences, no exceptions, for every header of this library.
 *   1. Every object returned, by return value or through an `out` parameter, is a new strong
 *      reference that the caller releases with mpy_decref().
 *   2. Every object passed in is borrowed for the duration of the call; nothing is ever stolen.
 *   3. Pointers into an object live as long as the caller's reference to that object.
 *
 * Results
 *   object   NULL if and only if the error indicator is set
 *   int0     0 done, -1 error set
 *   bool     1 yes, 0 no, -1 error set
 *   found    1 found and *out set; 0 not there, *out NULL, no error; -1 error set, *out NULL
 *   size     >= 0; -1 error set
 * On failure nothing has changed, and what an `out` parameter of any of them points to is NULL or 0
 * (unless its function says otherwise), never left as it was. A NULL object argument raises
 * SystemError, a wrong type TypeError; texts read `function(): argument 'x': expected T, got U`.
 *
 * Threads: the calling thread must be attached to the runtime that owns the objects and hold its
 * lock. A thread that is not attached gets NULL or -1 and MPY_E_NOT_ATTACHED from
 * mpy_status_last(). Reference counting checks nothing.
 *
 * User code: functions marked (U) may run code of the host (slots of its types, finalizers of
 * objects that die) and collections.
 */
#ifndef MPY_OBJECT_H
#define MPY_OBJECT_H

#include "minipy/mem.h"

MPY_EXTERN_C_BEGIN

typedef struct mpy_object mpy_object;

/* ---- the ABI of a value -----------------------------------------------------------------------
 */

struct mpy_priv_type_head;

/* The header of every heap object: 16 bytes, frozen. */
struct mpy_priv_header {
    uint32_t refcnt; /* see MPY_PRIV_REFCNT_* */
    uint32_t gcword; /* see MPY_PRIV_GC_* */
    const struct mpy_priv_type_head *type;
};

/* How every type object begins. Type tests read `flags`. */
struct mpy_priv_type_head {
    struct mpy_priv_header head;
    uint64_t flags; /* MPY_TF_* */
};

MPY_STATIC_ASSERT(sizeof(struct mpy_priv_header) == 16, "the object header is 16 bytes");
MPY_STATIC_ASSERT(offsetof(struct mpy_priv_type_head, flags) == 16, "flags follow the header");

/* Counts from 0xC0000000 are immortal: nothing happens. 0x80000000..0xBFFFFFFF go out of line:
   saturated counts, and the dead pattern of freed objects. */
#define MPY_PRIV_REFCNT_IMMORTAL 0xC0000000u
#define MPY_PRIV_REFCNT_SPECIAL  0x80000000u
#define MPY_PRIV_REFCNT_DEAD     0xBADDEADBu

/* gcword: bit 31 idle (lost no reference since a full collection looked at it; the others are its
   candidates), 30 tracked, 28..29 generation, 27 weakly referenced, 26 finalized, 25 part of
   another object, 0..23 index while young. */
#define MPY_PRIV_GC_IDLE    0x80000000u
#define MPY_PRIV_GC_TRACKED 0x40000000u

#define MPY_PRIV_TAG_MASK   7u
#define MPY_PRIV_TAG_INT    1u
#define MPY_PRIV_TAG_DOUBLE 2u
#define MPY_PRIV_TAG_CONST  6u

/* Flags of a type, tested by inlined callers: what an object of it is. */
#define MPY_TF_INT       ((uint64_t)1 << 0)
#define MPY_TF_FLOAT     ((uint64_t)1 << 1)
#define MPY_TF_BOOL      ((uint64_t)1 << 2)
#define MPY_TF_STR       ((uint64_t)1 << 3)
#define MPY_TF_BYTES     ((uint64_t)1 << 4)
#define MPY_TF_LIST      ((uint64_t)1 << 5)
#define MPY_TF_TUPLE     ((uint64_t)1 << 6)
#define MPY_TF_DICT      ((uint64_t)1 << 7)
#define MPY_TF_TYPE      ((uint64_t)1 << 8)
#define MPY_TF_EXCEPTION ((uint64_t)1 << 9)
#define MPY_TF_FUNCTION  ((uint64_t)1 << 10)
#define MPY_TF_RANGE     ((uint64_t)1 << 11)

/* Constants, for mpy_constant(). */
#define MPY_CONST_NONE            0
#define MPY_CONST_FALSE           1
#define MPY_CONST_TRUE            2
#define MPY_CONST_NOT_IMPLEMENTED 3
#define MPY_CONST_ELLIPSIS        4

/* Comparisons, for mpy_object_compare(). */
#define MPY_LT 0
#define MPY_LE 1
#define MPY_EQ 2
#define MPY_NE 3
#define MPY_GT 4
#define MPY_GE 5

/* Out-of-line parts of the inlined functions. */
MPY_API void
mpy_priv_incref_special(mpy_object *o);

MPY_API void
mpy_priv_decref_special(mpy_object *o);

/* The count of o fell to 0. */
MPY_API void
mpy_priv_dealloc(mpy_object *o);

MPY_INLINE struct mpy_priv_header *
mpy_priv_head(const mpy_object *o)
{
    return (struct mpy_priv_header *)(uintptr_t)o;
}

/* 1 for a pointer to a heap object (and for NULL). */
MPY_INLINE int
mpy_priv_is_heap(const mpy_object *o)
{
    return ((uintptr_t)o & MPY_PRIV_TAG_MASK) == 0;
}

MPY_INLINE int
mpy_priv_has_flag(const mpy_object *o, uint64_t flag)
{
    return o != NULL && mpy_priv_is_heap(o) && (mpy_priv_head(o)->type->flags & flag) != 0;
}

/* The constant as a word; immortal, so no reference is taken or needed. */
MPY_INLINE mpy_object *
mpy_priv_const(unsigned id)
{
    return (mpy_object *)((uintptr_t)id << 3 | MPY_PRIV_TAG_CONST);
}

#define MPY_NONE  mpy_priv_const(MPY_CONST_NONE)
#define MPY_FALSE mpy_priv_const(MPY_CONST_FALSE)
#define MPY_TRUE  mpy_priv_const(MPY_CONST_TRUE)

/* ---- reference counting -----------------------------------------------------------------------
 */

#ifdef MPY_NO_INLINE

MPY_API void
mpy_incref(mpy_object *o);
MPY_API void
mpy_decref(mpy_object *o);
MPY_API int
mpy_is_none(const mpy_object *o);
MPY_API int
mpy_is(const mpy_object *a, const mpy_object *b);

#else

/* Takes one more reference. o must not be NULL. */
MPY_INLINE void
mpy_incref(mpy_object *o)
{
    if (mpy_priv_is_heap(o)) {
        struct mpy_priv_header *head = mpy_priv_head(o);
        uint32_t count = head->refcnt;
        if (MPY_LIKELY((int32_t)(count + 1) > 0)) {
            head->refcnt = count + 1;
        } else if (count < MPY_PRIV_REFCNT_IMMORTAL) {
            mpy_priv_incref_special(o);
        }
    }
}

/* Gives one reference back; at 0 the object dies, with everything it alone holds. o must not be
   NULL. (U) */
MPY_INLINE void
mpy_decref(mpy_object *o)
{
    if (mpy_priv_is_heap(o)) {
        struct mpy_priv_header *head = mpy_priv_head(o);
        uint32_t count = head->refcnt;
        /* One test for three: at least 2 left, none of the special counts, not idle. */
        if (MPY_LIKELY((int32_t)((count - 2) | head->gcword) >= 0)) {
            head->refcnt = count - 1;
        } else if (count == 1) {
            head->refcnt = 0;
            mpy_priv_dealloc(o);
        } else if (count < MPY_PRIV_REFCNT_IMMORTAL) {
            mpy_priv_decref_special(o);
        }
    }
}

/* 1 when both are the same object. Equal immediate ints and floats always are. */
MPY_INLINE int
mpy_is(const mpy_object *a, const mpy_object *b)
{
    return a == b;
}

MPY_INLINE int
mpy_is_none(const mpy_object *o)
{
    return o == MPY_NONE;
}

#endif /* MPY_NO_INLINE */

/* As mpy_incref / mpy_decref; NULL is allowed. */
MPY_INLINE void
mpy_xincref(mpy_object *o)
{
    if (o != NULL) {
        mpy_incref(o);
    }
}

MPY_INLINE void
mpy_xdecref(mpy_object *o)
{
    if (o != NULL) {
        mpy_decref(o);
    }
}

/* Takes a reference and returns o: `return mpy_newref(cached);`. */
MPY_NODISCARD MPY_INLINE mpy_object *
mpy_newref(mpy_object *o)
{
    mpy_incref(o);
    return o;
}

MPY_NODISCARD MPY_INLINE mpy_object *
mpy_xnewref(mpy_object *o)
{
    mpy_xincref(o);
    return o;
}

/* Sets *slot to NULL, then releases what it held: safe when the release runs code that looks at
   the slot. (U) */
MPY_INLINE void
mpy_clear(mpy_object **slot)
{
    mpy_object *old = *slot;
    *slot = NULL;
    mpy_xdecref(old);
}

/* Stores a new reference to `value` (may be NULL) in *slot, then releases what it held. (U) */
MPY_INLINE void
mpy_assign(mpy_object **slot, mpy_object *value)
{
    mpy_object *old = *slot;
    mpy_xincref(value);
    *slot = value;
    mpy_xdecref(old);
}

/* For each of the n elements; NULL elements are skipped. */
MPY_API void
mpy_incref_many(mpy_object *const *v, size_t n);
MPY_API void
mpy_decref_many(mpy_object *const *v, size_t n);

/* MPY_AUTO mpy_object *x = ...; releases x at the end of its scope (gcc and clang). */
MPY_INLINE void
mpy_priv_auto_decref(mpy_object **slot)
{
    mpy_xdecref(*slot);
}
#define MPY_AUTO __attribute__((cleanup(mpy_priv_auto_decref)))

/* References to o. Immediates and immortal objects report 0xC0000000. */
MPY_API size_t
mpy_refcount(const mpy_object *o);

/* A number that no other living object has. */
MPY_API uint64_t
mpy_object_id(const mpy_object *o);

/* MPY_CONST_*: the constant; NULL with ValueError for another id. */
MPY_NODISCARD MPY_API mpy_object *
mpy_constant(int id);

/* ---- the object protocol ------------------------------------------------------------------------
 */

/* The type of o. */
MPY_NODISCARD MPY_API mpy_object *
mpy_object_type(mpy_object *o);

/* Text for developers / for users, a str. Cycles print as "...". (U) */
MPY_NODISCARD MPY_API mpy_object *
mpy_object_repr(mpy_object *o);
MPY_NODISCARD MPY_API mpy_object *
mpy_object_str(mpy_object *o);

/* int0. Numbers that are equal hash equal, whatever their type (CPython's numeric hash); other
   hashes differ from process to process unless MINIPY_HASHSEED is set. TypeError: unhashable. (U)
 */
MPY_NODISCARD MPY_API int
mpy_object_hash(mpy_object *o, int64_t *out);

/* bool. False, None, zero, and empty containers are false. (U) */
MPY_NODISCARD MPY_API int
mpy_object_is_true(mpy_object *o);

/* `a op b` with op MPY_LT...; the result is usually a bool. TypeError: not ordered. (U) */
MPY_NODISCARD MPY_API mpy_object *
mpy_object_compare(mpy_object *a, mpy_object *b, int op);

/* bool: the truth of `a op b`; identical objects are equal without asking. (U) */
MPY_NODISCARD MPY_API int
mpy_object_compare_bool(mpy_object *a, mpy_object *b, int op);

/* bool. type: a type, or a tuple of types. */
MPY_NODISCARD MPY_API int
mpy_object_is_instance(mpy_object *o, mpy_object *type);
MPY_NODISCARD MPY_API int
mpy_object_is_subclass(mpy_object *a, mpy_object *b);

/* Attributes. `name` is a str; *_utf8 takes a C string. get: missing is AttributeError; find:
   missing is 0 and raises nothing. O(1) for names seen before. (U) */
MPY_NODISCARD MPY_API mpy_object *
mpy_object_get_attr(mpy_object *o, mpy_object *name);
MPY_NODISCARD MPY_API mpy_object *
mpy_object_get_attr_utf8(mpy_object *o, const char *name);
MPY_NODISCARD MPY_API int
mpy_object_find_attr(mpy_object *o, mpy_object *name, mpy_object **out);
MPY_NODISCARD MPY_API int
mpy_object_find_attr_utf8(mpy_object *o, const char *name, mpy_object **out);
MPY_NODISCARD MPY_API int
mpy_object_set_attr(mpy_object *o, mpy_object *name, mpy_object *value);
MPY_NODISCARD MPY_API int
mpy_object_set_attr_utf8(mpy_object *o, const char *name, mpy_object *value);
MPY_NODISCARD MPY_API int
mpy_object_del_attr(mpy_object *o, mpy_object *name);
MPY_NODISCARD MPY_API int
mpy_object_has_attr(mpy_object *o, mpy_object *name);

/* The default behaviour of the two, for host slots that want to fall back on it. value NULL
   deletes, as in the slot. */
MPY_NODISCARD MPY_API mpy_object *
mpy_object_generic_get_attr(mpy_object *o, mpy_object *name);
MPY_NODISCARD MPY_API int
mpy_object_generic_set_attr(mpy_object *o, mpy_object *name, mpy_object *value);

/* o[key], o[key] = value, del o[key]. Sequences take ints, negative ones count from the end.
   KeyError, IndexError, TypeError. (U) */
MPY_NODISCARD MPY_API mpy_object *
mpy_object_get_item(mpy_object *o, mpy_object *key);
MPY_NODISCARD MPY_API int
mpy_object_set_item(mpy_object *o, mpy_object *key, mpy_object *value);
MPY_NODISCARD MPY_API int
mpy_object_del_item(mpy_object *o, mpy_object *key);

/* bool: `value in o`. (U) */
MPY_NODISCARD MPY_API int
mpy_object_contains(mpy_object *o, mpy_object *value);

/* size: number of elements; TypeError when o has no length. (U) */
MPY_NODISCARD MPY_API ptrdiff_t
mpy_object_length(mpy_object *o);

/* size: bytes of memory that o itself occupies, without what it refers to; 0 for immediates. */
MPY_NODISCARD MPY_API ptrdiff_t
mpy_object_sizeof(mpy_object *o);

MPY_EXTERN_C_END

#endif /* MPY_OBJECT_H */
