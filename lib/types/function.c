/* SPDX-License-Identifier: MIT */
/*
 * types/function.c - function and bound method objects: creation, repr, comparison, death.
 *
 * Both are GC cells with fixed references. What a call needs (the C function, the range of argument
 * counts, self) is copied from the spec into the object, so a call reads one object; the strings of
 * the spec are used in place.
 *
 * Two bound methods are equal when they bind the same function to the same object, as in Python:
 * asking for o.f twice gives two objects.
 *
 * Lock: the runtime's.
 */
#include "types/function.h"

#include "types/call.h"
#include "types/format.h"
#include "types/protocol.h"

int
mpyi_function_check_spec(const char *function, const mpy_func_spec *spec)
{
    if (spec->name == NULL || spec->fn == NULL) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR,
                              "%s(): argument 'spec': a function needs name and fn", function);
        return -1;
    }
    if (spec->min_args < 0 || (spec->max_args != MPY_ARGS_ANY && spec->max_args < spec->min_args) ||
        (spec->flags & ~MPY_FUNC_KEYWORDS) != 0) {
        (void)mpyi_err_format(MPY_EXC_VALUE_ERROR,
                              "%s(): argument 'spec': function '%s' has impossible argument counts "
                              "or unknown flags",
                              function, spec->name);
        return -1;
    }
    return 0;
}

mpy_object *
mpyi_function_new(struct mpyi_thread *t, const mpy_func_spec *spec, mpy_object *self,
                  uint64_t owner)
{
    struct mpyi_function *f =
        (struct mpyi_function *)mpyi_gc_new(t, &mpyi_function_type, sizeof *f);
    if (f == NULL) {
        return NULL;
    }
    f->self = mpy_xnewref(self);
    f->fn = spec->fn;
    f->min = (size_t)spec->min_args;
    f->span = spec->max_args == MPY_ARGS_ANY ? SIZE_MAX - f->min
                                             : (size_t)(spec->max_args - spec->min_args);
    f->name = spec->name;
    f->doc = spec->doc;
    f->owner = owner;
    f->flags = spec->flags;
    f->max = spec->max_args;
    mpyi_gc_track(t, (mpy_object *)f);
    return (mpy_object *)f;
}

mpy_object *
mpyi_method_new(struct mpyi_thread *t, mpy_object *function, mpy_object *self)
{
    struct mpyi_method *m = (struct mpyi_method *)mpyi_gc_new(t, &mpyi_method_type, sizeof *m);
    if (m == NULL) {
        return NULL;
    }
    m->function = mpy_newref(function);
    m->self = mpy_newref(self);
    mpyi_gc_track(t, (mpy_object *)m);
    return (mpy_object *)m;
}

mpy_object *
mpy_func_new(const mpy_func_spec *spec, mpy_object *self)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, self);
    if (t == NULL) {
        return NULL;
    }
    if (spec == NULL) {
        return mpyi_err_argument(__func__, "spec", "mpy_func_spec", NULL);
    }
    if (mpyi_function_check_spec(__func__, spec) < 0) {
        return NULL;
    }
    mpyi_safe_point(t);
    return mpyi_function_new(t, spec, self, 0);
}

/* ---- the types
 * ----------------------------------------------------------------------------------- */

static void
function_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_xdrop(t, mpyi_function(o)->self);
    mpyi_gc_free(t, o, sizeof(struct mpyi_function));
}

/* Functions and methods never change, so neither type has an `empty`: what they refer to does. */
static void
method_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    mpyi_drop(t, mpyi_method(o)->function);
    mpyi_drop(t, mpyi_method(o)->self);
    mpyi_gc_free(t, o, sizeof(struct mpyi_method));
}

static mpy_object *
function_repr(mpy_object *self)
{
    return mpyi_str_format(mpyi_current(), "mpy_object_repr", "<function %s>",
                           mpyi_function(self)->name);
}

static mpy_object *
method_repr(mpy_object *self)
{
    const struct mpyi_method *m = mpyi_method(self);
    return mpyi_str_format(
        mpyi_current(), "mpy_object_repr", "<bound method %s of '%s' object at %p>",
        mpyi_function(m->function)->name, mpyi_type_name_of(m->self), (void *)m->self);
}

static mpy_object *
method_compare(mpy_object *a, mpy_object *b, int op)
{
    int same;
    if ((op != MPY_EQ && op != MPY_NE) || mpyi_type_of(a) != &mpyi_method_type ||
        mpyi_type_of(b) != &mpyi_method_type) {
        return mpy_priv_const(MPY_CONST_NOT_IMPLEMENTED);
    }
    same = mpyi_method(a)->function == mpyi_method(b)->function &&
           mpyi_method(a)->self == mpyi_method(b)->self;
    return same == (op == MPY_EQ) ? MPY_TRUE : MPY_FALSE;
}

static int
method_hash(mpy_object *self, int64_t *out)
{
    const struct mpyi_method *m = mpyi_method(self);
    *out = mpyi_hash_identity(m->self) ^ mpyi_hash_identity(m->function);
    return 0;
}

const struct mpyi_type mpyi_function_type = {
    .head = MPYI_STATIC_HEAD(MPY_TF_FUNCTION),
    .layout = MPYI_LAYOUT_FIXED,
    .id = MPY_TYPE_ID_FUNCTION,
    .ref_offset = offsetof(struct mpyi_function, self),
    .ref_count = 1,
    .instance_size = sizeof(struct mpyi_function),
    .name = "function",
    .qualname = "function",
    .base = &mpyi_object_type,
    .dealloc = function_dealloc,
    .slots = {.repr = function_repr, .call = mpyi_function_slot_call},
};

const struct mpyi_type mpyi_method_type = {
    .head = MPYI_STATIC_HEAD(0),
    .layout = MPYI_LAYOUT_FIXED,
    .id = MPY_TYPE_ID_METHOD,
    .ref_offset = offsetof(struct mpyi_method, function),
    .ref_count = 2,
    .instance_size = sizeof(struct mpyi_method),
    .name = "method",
    .qualname = "method",
    .base = &mpyi_object_type,
    .dealloc = method_dealloc,
    .slots = {.repr = method_repr,
              .hash = method_hash,
              .compare = method_compare,
              .call = mpyi_method_slot_call},
};
