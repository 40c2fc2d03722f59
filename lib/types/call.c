/* SPDX-License-Identifier: MIT */
/*
 * types/call.c - calling anything callable.
 *
 * Native functions are called straight from the public entry: a checkpoint (one relaxed load), the
 * range of argument counts (one compare: nargs - min <= span, unsigned), the depth, the function. A
 * method call finds the function in the attribute cache and never makes a bound object. Everything
 * else goes through the call slot of its type.
 *
 * Nothing of the function object is read after its C function has begun: the caller of a method
 * holds no reference to it, and the class may change meanwhile.
 *
 * Invariant towards the caller: NULL is returned exactly when an error is set.
 *
 * Lock: the runtime's; a checkpoint may let other threads have it.
 */
#include "types/call.h"

#include "types/attr_cache.h"
#include "types/dict.h"
#include "types/tuple.h"
#include "types/type.h"

int (*mpyi_checkpoint_hook)(struct mpyi_thread *t);

/* int0. (U) */
static int
checkpoint_slow(struct mpyi_thread *t) __attribute__((cold));

static int
checkpoint_slow(struct mpyi_thread *t)
{
    int (*hook)(struct mpyi_thread *) = __atomic_load_n(&mpyi_checkpoint_hook, __ATOMIC_ACQUIRE);
    if (hook != NULL) {
        return hook(t);
    }
    mpyi_safe_point(t);
    return 0;
}

static inline int
checkpoint(struct mpyi_thread *t)
{
    return MPY_LIKELY(mpyi_breaker(t->rt) == 0) ? 0 : checkpoint_slow(t);
}

/* ---- native functions
 * ---------------------------------------------------------------------------- */

/* TypeError: the arguments do not fit f. Always NULL. */
static mpy_object *
bad_arguments(const struct mpyi_function *f, size_t nargs, mpy_object *kwnames)
    __attribute__((cold));

static mpy_object *
bad_arguments(const struct mpyi_function *f, size_t nargs, mpy_object *kwnames)
{
    if (nargs >= f->min && nargs - f->min <= f->span) {
        MPY_ASSERT(kwnames != NULL);
        (void)kwnames;
        return mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s() takes no keyword arguments", f->name);
    }
    size_t bound = nargs < f->min ? f->min : f->min + f->span;
    const char *which = f->span == 0 ? "" : nargs < f->min ? "at least " : "at most ";
    return mpyi_err_format(MPY_EXC_TYPE_ERROR,
                           "%s() takes %s%zu positional argument%s but %zu %s given", f->name,
                           which, bound, bound == 1 ? "" : "s", nargs, nargs == 1 ? "was" : "were");
}

/* A result that is none: NULL with its error, or what contradicts the error indicator. */
static __attribute__((cold, noinline)) mpy_object *
no_result(const struct mpyi_thread *t, mpy_object *result)
{
    if (result != NULL) {
        /* An error was set and a result returned: the error is the one that would be lost. */
        mpy_decref(result);
    } else if (!mpyi_err_occurred(t)) {
        (void)mpyi_err_set(MPY_EXC_SYSTEM_ERROR,
                           "mpy_call(): a native function returned NULL without an error");
    }
    return NULL;
}

static inline mpy_object *
check_result(const struct mpyi_thread *t, mpy_object *result)
{
    if (MPY_LIKELY(result != NULL) && MPY_LIKELY(!mpyi_err_occurred(t))) {
        return result;
    }
    return no_result(t, result);
}

/* 1: no keyword arguments, or f takes them. */
static inline int
keywords_fit(const struct mpyi_function *f, mpy_object *kwnames)
{
    return MPY_LIKELY(kwnames == NULL) || (f->flags & MPY_FUNC_KEYWORDS) != 0 ||
           mpyi_tuple_count(kwnames) == 0;
}

static inline __attribute__((always_inline)) mpy_object *
invoke(struct mpyi_thread *t, const struct mpyi_function *f, mpy_object *self,
       mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    mpy_object *result;
    if (MPY_UNLIKELY(nargs - f->min > f->span || !keywords_fit(f, kwnames))) {
        return bad_arguments(f, nargs, kwnames);
    }
    if (MPY_UNLIKELY(mpyi_depth_enter(t, "mpy_call") < 0)) {
        return NULL;
    }
    result = f->fn(self, argv, nargs, kwnames);
    mpyi_depth_leave(t);
    return check_result(t, result);
}

/* 1 when `self` may be the self of f: f's owner is its type or one of the bases. */
static inline int
owner_fits(const struct mpyi_function *f, const mpy_object *self)
{
    const struct mpyi_type *type = mpyi_type_of(self);
    for (; type != NULL && (type->traits & MPYI_TRAIT_HEAP) != 0; type = type->base) {
        if (mpyi_heap_type(type)->serial == f->owner) {
            return 1;
        }
    }
    return 0;
}

static mpy_object *
bad_self(const struct mpyi_function *f, const mpy_object *self) __attribute__((cold));

static mpy_object *
bad_self(const struct mpyi_function *f, const mpy_object *self)
{
    return mpyi_err_format(MPY_EXC_TYPE_ERROR,
                           "%s(): argument 'self': expected an instance of its type, got %s",
                           f->name, mpyi_type_name_of(self));
}

/* f with `self` in front of the arguments, as methods are called. */
static inline mpy_object *
invoke_bound(struct mpyi_thread *t, const struct mpyi_function *f, mpy_object *self,
             mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    if (f->owner != 0 && MPY_UNLIKELY(!owner_fits(f, self))) {
        return bad_self(f, self);
    }
    return invoke(t, f, self, argv, nargs, kwnames);
}

/* A method asked of its type, not of an instance: self is the first argument. */
static __attribute__((noinline)) mpy_object *
invoke_unbound_method(struct mpyi_thread *t, const struct mpyi_function *f, mpy_object *const *argv,
                      size_t nargs, mpy_object *kwnames)
{
    if (nargs == 0) {
        return mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s() needs an argument: self", f->name);
    }
    return invoke_bound(t, f, argv[0], argv + 1, nargs - 1, kwnames);
}

static inline mpy_object *
call_function(struct mpyi_thread *t, const struct mpyi_function *f, mpy_object *const *argv,
              size_t nargs, mpy_object *kwnames)
{
    if (MPY_UNLIKELY(f->owner != 0 && f->self == NULL)) {
        return invoke_unbound_method(t, f, argv, nargs, kwnames);
    }
    return invoke(t, f, f->self, argv, nargs, kwnames);
}

mpy_object *
mpyi_function_slot_call(mpy_object *self, mpy_object *const *argv, size_t nargs,
                        mpy_object *kwnames)
{
    return call_function(mpyi_current(), mpyi_function(self), argv, nargs, kwnames);
}

mpy_object *
mpyi_method_slot_call(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    const struct mpyi_method *m = mpyi_method(self);
    return invoke_bound(mpyi_current(), mpyi_function(m->function), m->self, argv, nargs, kwnames);
}

/* ---- any callable
 * -------------------------------------------------------------------------------- */

/* Through the call slot of the type. */
static __attribute__((noinline)) mpy_object *
call_slot(struct mpyi_thread *t, const char *function, mpy_object *callable,
          mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    const struct mpyi_type *type = mpyi_type_of(callable);
    mpy_object *result;
    if (type->slots.call == NULL) {
        return mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s(): '%s' object is not callable", function,
                               type->name);
    }
    if (mpyi_depth_enter(t, "mpy_call") < 0) {
        return NULL;
    }
    result = type->slots.call(callable, argv, nargs, kwnames);
    mpyi_depth_leave(t);
    return check_result(t, result);
}

static inline __attribute__((always_inline)) mpy_object *
call_any(struct mpyi_thread *t, const char *function, mpy_object *callable, mpy_object *const *argv,
         size_t nargs, mpy_object *kwnames)
{
    if (MPY_UNLIKELY(checkpoint(t) < 0)) {
        return NULL;
    }
    if (MPY_LIKELY(mpy_priv_is_heap(callable) &&
                   mpyi_head(callable)->type == &mpyi_function_type.head)) {
        return call_function(t, mpyi_function(callable), argv, nargs, kwnames);
    }
    return call_slot(t, function, callable, argv, nargs, kwnames);
}

mpy_object *
mpyi_call(struct mpyi_thread *t, const char *function, mpy_object *callable,
          mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    return call_any(t, function, callable, argv, nargs, kwnames);
}

/* int0: kwnames is a tuple of str. */
static int
check_kwnames(const char *function, mpy_object *kwnames)
{
    if (!mpy_tuple_check(kwnames)) {
        (void)mpyi_err_argument(function, "kwnames", "tuple", kwnames);
        return -1;
    }
    for (size_t i = 0; i < mpyi_tuple_count(kwnames); i++) {
        if (!mpyi_is_str(mpyi_tuple_items(kwnames)[i])) {
            (void)mpyi_err_argument(function, "kwnames", "tuple of str",
                                    mpyi_tuple_items(kwnames)[i]);
            return -1;
        }
    }
    return 0;
}

/* int0: the array of arguments is there when it has to be. Names promise values behind argv. */
static inline int
check_argv(const char *function, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    if (MPY_UNLIKELY(kwnames != NULL) && check_kwnames(function, kwnames) < 0) {
        return -1;
    }
    if (MPY_UNLIKELY(argv == NULL &&
                     (nargs != 0 || (kwnames != NULL && mpyi_tuple_count(kwnames) != 0)))) {
        (void)mpyi_err_argument(function, "argv", "array of objects", NULL);
        return -1;
    }
    return 0;
}

/* Every call that is not a native function without keyword arguments, and every wrong one. */
static __attribute__((noinline)) mpy_object *
call_slow(const char *function, mpy_object *callable, mpy_object *const *argv, size_t nargs,
          mpy_object *kwnames)
{
    struct mpyi_thread *t = mpyi_enter_items(function, callable, argv, nargs);
    if (t == NULL || check_argv(function, argv, nargs, kwnames) < 0) {
        return NULL;
    }
    if (callable == NULL) {
        return mpyi_err_argument(function, "callable", "object", NULL);
    }
    return call_any(t, function, callable, argv, nargs, kwnames);
}

/* 1 when a call needs nothing but its arguments counted: t is there, nothing waits for a
   checkpoint, callable is a function that is no method. */
static inline int
is_plain_call(const struct mpyi_thread *t, const mpy_object *callable)
{
    return t != NULL && callable != NULL && mpy_priv_is_heap(callable) &&
           mpyi_head(callable)->type == &mpyi_function_type.head &&
           mpyi_function(callable)->owner == 0 && mpyi_breaker(t->rt) == 0;
}

/* invoke() where the short way of mpyi_depth_enter() does not do. */
static __attribute__((cold, noinline)) mpy_object *
invoke_plain_slow(const struct mpyi_function *f, mpy_object *const *argv, size_t nargs,
                  struct mpyi_thread *t)
{
    return invoke(t, f, f->self, argv, nargs, NULL);
}

/* invoke() without keyword arguments. A function of its own, called last of all: it has only t to
   keep while the C function runs, so one register is saved where mpy_call() would save six. Its
   parameters are where mpy_call() has them, and the C function wants them. */
static MPYI_HOT __attribute__((noinline)) mpy_object *
invoke_plain(const struct mpyi_function *f, mpy_object *const *argv, size_t nargs,
             struct mpyi_thread *t)
{
    mpy_object *result;
    if (MPY_UNLIKELY(nargs - f->min > f->span || !mpyi_depth_is_fine(t))) {
        return invoke_plain_slow(f, argv, nargs, t);
    }
    t->depth++;
    result = f->fn(f->self, argv, nargs, NULL);
    mpyi_depth_leave(t);
    return check_result(t, result);
}

MPYI_HOT mpy_object *
mpy_call(mpy_object *callable, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_LIKELY(kwnames == NULL && (argv != NULL || nargs == 0) && is_plain_call(t, callable))) {
        return invoke_plain(mpyi_function(callable), argv, nargs, t);
    }
    return call_slow(__func__, callable, argv, nargs, kwnames);
}

MPYI_HOT mpy_object *
mpy_call_noargs(mpy_object *callable)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_LIKELY(is_plain_call(t, callable))) {
        return invoke_plain(mpyi_function(callable), NULL, 0, t);
    }
    return call_slow(__func__, callable, NULL, 0, NULL);
}

int
mpy_call_check(mpy_object *o)
{
    if (mpyi_enter1(__func__, o) == NULL) {
        return -1;
    }
    if (o == NULL) {
        (void)mpyi_err_argument(__func__, "o", "object", NULL);
        return -1;
    }
    return mpyi_type_of(o)->slots.call != NULL;
}

/* ---- methods
 * --------------------------------------------------------------------------------------- */

/* What the cache cannot answer alone, and every wrong call. */
static __attribute__((noinline)) mpy_object *
call_method_slow(const char *function, mpy_object *name, mpy_object *const *argv, size_t nargs,
                 mpy_object *kwnames)
{
    struct mpyi_thread *t = mpyi_enter_items(function, name, argv, nargs);
    mpy_object *found;
    mpy_object *result;
    int kind;

    if (t == NULL || check_argv(function, argv, nargs, kwnames) < 0) {
        return NULL;
    }
    if (nargs == 0 || argv[0] == NULL) {
        return mpyi_err_argument(function, "argv[0]", "object", NULL);
    }
    if (!mpyi_is_str(name)) {
        return mpyi_err_argument(function, "name", "str", name);
    }
    kind = mpyi_attr_find_method(t, argv[0], name, &found);
    if (kind <= 0) {
        if (kind == 0) {
            mpyi_attr_missing(function, argv[0], mpyi_str_data(mpyi_str_of(name)));
        }
        return NULL;
    }
    if (kind == 1) {
        result = call_any(t, function, found, argv + 1, nargs - 1, kwnames);
    } else if (checkpoint(t) < 0) {
        result = NULL;
    } else {
        result = invoke_bound(t, mpyi_function(found), argv[0], argv + 1, nargs - 1, kwnames);
    }
    mpy_decref(found);
    return result;
}

static inline __attribute__((always_inline)) mpy_object *
call_method(struct mpyi_thread *t, const char *function, mpy_object *name, mpy_object *const *argv,
            size_t nargs, mpy_object *kwnames)
{
    mpy_object *o = argv != NULL && nargs != 0 ? argv[0] : NULL;
    if (MPY_LIKELY(t != NULL && kwnames == NULL && o != NULL && mpy_priv_is_heap(o) &&
                   mpyi_breaker(t->rt) == 0)) {
        const struct mpyi_type *type = (const struct mpyi_type *)mpyi_head(o)->type;
        const void *key = type;
        const struct mpyi_attr_entry *e;
        if (type->layout == MPYI_LAYOUT_SHAPED) {
            key = mpyi_shape_of(o);
        }
        e = mpyi_attr_cache_hit(t->rt->attr_cache, key, name);
        if (MPY_LIKELY(e != NULL && e->kind == MPYI_ATTR_METHOD &&
                       (e->flags & MPYI_ATTR_HAS_DICT) == 0)) {
            const struct mpyi_function *f = e->payload;
            if (MPY_LIKELY(f->owner == 0 || owner_fits(f, o))) {
                return invoke(t, f, o, argv + 1, nargs - 1, NULL);
            }
        }
    }
    return call_method_slow(function, name, argv, nargs, kwnames);
}

mpy_object *
mpy_call_method(mpy_object *name, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    return call_method(mpyi_current(), __func__, name, argv, nargs, kwnames);
}

#define FEW_ARGUMENTS 8u

mpy_object *
mpy_call_method_utf8(mpy_object *o, const char *name, mpy_object *const *argv, size_t nargs)
{
    struct mpyi_thread *t = mpyi_enter_items(__func__, o, argv, nargs);
    mpy_object *few[FEW_ARGUMENTS + 1];
    mpy_object **all = few;
    mpy_object *str;
    mpy_object *result;

    if (t == NULL || check_argv(__func__, argv, nargs, NULL) < 0) {
        return NULL;
    }
    if (o == NULL || name == NULL) {
        return mpyi_err_argument(__func__, o == NULL ? "o" : "name", o == NULL ? "object" : "text",
                                 NULL);
    }
    if (nargs >= PTRDIFF_MAX / sizeof *all) {
        return mpyi_err_no_memory();
    }
    str = mpyi_intern_text(t, __func__, name, strlen(name));
    if (str == NULL) {
        return NULL;
    }
    if (nargs > FEW_ARGUMENTS) {
        all = mpyi_array_alloc(t->heap, sizeof *all * (nargs + 1));
    }
    if (all != NULL) {
        all[0] = o;
        for (size_t i = 0; i < nargs; i++) {
            all[i + 1] = argv[i];
        }
        result = call_method(t, __func__, str, all, nargs + 1, NULL);
    } else {
        result = mpyi_err_no_memory();
    }
    if (all != few) {
        mpyi_array_free(t->heap, all, sizeof *all * (nargs + 1));
    }
    mpy_decref(str);
    return result;
}
