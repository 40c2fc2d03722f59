/* SPDX-License-Identifier: MIT */
/*
 * state/state.h - the structs of a runtime and of an attached thread.
 *
 * Data only: how the lock is taken, how a collection runs, how attributes are found is the business
 * of the layers above, which keep what they own behind pointers to structs they define themselves.
 *
 *     thread-local                 struct mpyi_thread            struct mpy_runtime
 *   mpy_priv_tls.thread --------> rt ------------------------> heap, gc, lock, interned, ...
 *     (NULL: lock not held)       heap, gc (copies, hot)       breaker (polled, atomic)
 *                                 error indicator
 *
 * Invariant: the calling thread holds the lock of a runtime exactly while mpy_priv_tls.obj is that
 * runtime's raw heap, not the null heap; mpy_priv_tls.thread is then its attachment, otherwise
 * NULL. Except that it stays NULL while MPY_CHECK_ERROR_SET or MPY_CHECK_OWNER is on: every call
 * then takes the way of those that are not attached (state/entry.c), where its arguments are looked
 * at. So these checks cost nothing when they are off.
 *
 * Lock: everything here belongs to the holder of the runtime's lock, except `breaker` (atomic).
 */
#ifndef MPY_STATE_STATE_H
#define MPY_STATE_STATE_H

#include "minipy/err.h"

#include <stdarg.h>

#include "base/status.h"
#include "base/tls.h"

struct mpyi_rtheap;
struct mpyi_gc;
struct mpyi_lock;
struct mpyi_intern;
struct mpyi_attr_cache;
struct mpyi_dict_visit;

/* Bits of mpy_runtime.breaker: reasons to leave the fast path at the next safe point. */
#define MPYI_BREAK_GC      1u /* a collection is due */
#define MPYI_BREAK_LOCK    2u /* another thread wants the lock */
#define MPYI_BREAK_PENDING 4u /* pending calls are queued */

/* The error of a thread. Lazy: `value` is made when somebody asks for the exception.
   code == 0: no error, everything else is unset. `drop` is how this layer, which knows no objects,
   gives back what the error owns; it is set whenever `type` or `value` is. */
struct mpyi_error {
    int32_t code;                /* MPY_EXC_* of the type or of its nearest built-in base */
    uint32_t length;             /* bytes of text */
    const void *site;            /* who set it; known while MPY_CHECK_ERROR_SET is on */
    mpy_object *type;            /* owned; a host's own exception type, NULL for built-in ones */
    mpy_object *value;           /* owned; the exception object or its argument, NULL while lazy */
    void (*drop)(mpy_object *o); /* the object layer's decref */
    char text[MPY_ERR_TEXT_MAX + 1];
};

/* One attachment of a thread to a runtime. */
struct mpyi_thread {
    mpy_runtime *rt;
    struct mpyi_thread *entry; /* this one; NULL: checks want to see every call */
    struct mpyi_rtheap *heap;  /* rt->heap */
    struct mpyi_gc *gc;        /* rt->gc */

    /* Teardown: objects whose count fell to 0, linked through their first word. */
    mpy_object *dying;
    mpy_object *late;      /* the same, whose finalizer has to wait: see object/dealloc.c */
    uint32_t tearing_down; /* the loop that empties `dying` is running */
    uint32_t finalizers;   /* nested finalizers */

    uint32_t depth; /* nested calls, comparisons, reprs */
    uint32_t depth_limit;
    uintptr_t
        stack_low; /* frames from here on for stack_size bytes are fine; 0, 0: not known yet */
    size_t stack_size;

    uint64_t id;
    struct mpyi_thread *next, *prev; /* all attachments of the runtime */
    struct mpyi_thread *outer;       /* the attachment this one is nested in, same OS thread */
    void *lock_data;                 /* the lock's */

    mpy_object *repr_stack; /* list of containers whose repr is being built, or NULL */
    struct mpyi_error error;
};

struct mpy_runtime {
    uint32_t breaker; /* MPYI_BREAK_*; atomic */
    uint32_t finalizing;
    int64_t id;
    struct mpyi_rtheap *heap;
    struct mpyi_gc *gc;
    struct mpyi_lock *lock;
    struct mpyi_thread *threads; /* attachments */

    struct mpyi_intern *intern;          /* types/intern.c */
    struct mpyi_attr_cache *attr_cache;  /* types/attr.c */
    struct mpyi_dict_visit *dict_visits; /* types/dict_each.c: those under way */
    mpy_object *memory_error;            /* made in advance */

    uint32_t depth_limit;
    mpy_write_fn error_fn; /* for unraisable errors; NULL: stderr */
    void *error_data;
    void *user_data;
};

/* The current thread as the entry of a public function sees it. */
static inline struct mpyi_thread *
mpyi_entry(void)
{
    return (struct mpyi_thread *)mpy_priv_tls.thread;
}

/* The attachment whose lock the calling thread holds, or NULL. */
struct mpyi_thread *
mpyi_current_slow(void) __attribute__((cold));

static inline struct mpyi_thread *
mpyi_current(void)
{
    struct mpyi_thread *t = mpyi_entry();
    return MPY_LIKELY(t != NULL) ? t : mpyi_current_slow();
}

/* NULL, with MPY_E_NOT_ATTACHED as the thread's status; MPY_CHECK_LOCK_HELD makes it fatal. */
struct mpyi_thread *
mpyi_not_attached(const char *function) __attribute__((cold));

/* A call that is looked at. One argument in one register: the fast path of a function that would
   hand over more keeps its own out of the way, in registers that have to be saved. */
struct mpyi_call {
    const char *function;
    const mpy_object *objects[3]; /* its arguments that are objects, or NULL */
    mpy_object *const *items;     /* an array of them, or NULL */
    size_t n;
};

/* Where entries go that find no thread: the current one after all, once the call was looked at; or
   mpyi_not_attached(). */
struct mpyi_thread *
mpyi_enter_slow(const struct mpyi_call *call) __attribute__((cold));

struct mpyi_thread *
mpyi_enter_plain_slow(const char *function) __attribute__((cold));

/* For the entry of public functions: the current thread, or NULL as mpyi_not_attached() says.
   `function` is the name of the call. */
static inline struct mpyi_thread *
mpyi_enter(const char *function)
{
    struct mpyi_thread *t = mpyi_entry();
    return MPY_LIKELY(t != NULL) ? t : mpyi_enter_plain_slow(function);
}

/* The same for a call with objects, each may be NULL. */
static inline struct mpyi_thread *
mpyi_enter3(const char *function, const mpy_object *a, const mpy_object *b, const mpy_object *c)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_UNLIKELY(t == NULL)) {
        const struct mpyi_call call = {function, {a, b, c}, NULL, 0};
        t = mpyi_enter_slow(&call);
    }
    return t;
}

static inline struct mpyi_thread *
mpyi_enter2(const char *function, const mpy_object *a, const mpy_object *b)
{
    return mpyi_enter3(function, a, b, NULL);
}

static inline struct mpyi_thread *
mpyi_enter1(const char *function, const mpy_object *a)
{
    return mpyi_enter3(function, a, NULL, NULL);
}

/* For calls with an array of n objects. */
static inline struct mpyi_thread *
mpyi_enter_items(const char *function, const mpy_object *a, mpy_object *const *items, size_t n)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_UNLIKELY(t == NULL)) {
        const struct mpyi_call call = {function, {a, NULL, NULL}, items, n};
        t = mpyi_enter_slow(&call);
    }
    return t;
}

/* For functions that may be called with an error set: those that deal with it, or clean up. */
struct mpyi_thread *
mpyi_enter_any_slow(const struct mpyi_call *call) __attribute__((cold));

static inline struct mpyi_thread *
mpyi_enter_any2(const char *function, const mpy_object *a, const mpy_object *b)
{
    struct mpyi_thread *t = mpyi_entry();
    if (MPY_UNLIKELY(t == NULL)) {
        const struct mpyi_call call = {function, {a, b, NULL}, NULL, 0};
        t = mpyi_enter_any_slow(&call);
    }
    return t;
}

static inline struct mpyi_thread *
mpyi_enter_any(const char *function)
{
    struct mpyi_thread *t = mpyi_current();
    return MPY_LIKELY(t != NULL) ? t : mpyi_not_attached(function);
}

/* t->entry as the checks in force want it. */
void
mpyi_entry_update(struct mpyi_thread *t);

/* ---- the error indicator (state/error.c); code is MPY_EXC_* ------------------------------------
 */

static inline int
mpyi_err_occurred(const struct mpyi_thread *t)
{
    return t->error.code != 0;
}

/* Sets type and message of the current thread's error. Allocates nothing. Always NULL. Long texts
   are cut at a character. */
void *
mpyi_err_set(int code, const char *text) __attribute__((cold));
void *
mpyi_err_format(int code, const char *fmt, ...) MPY_PRINTF(2, 3) __attribute__((cold));
void *
mpyi_err_vformat(int code, const char *fmt, va_list args) MPY_PRINTF(2, 0) __attribute__((cold));

/* The same for an exception that owns objects: takes over the references to `type` (a host's
   exception type) and `value`, either may be NULL. `text` has n bytes. */
void
mpyi_err_put(struct mpyi_thread *t, int code, mpy_object *type, mpy_object *value,
             void (*drop)(mpy_object *o), const char *text, size_t n);

/* MemoryError. Always NULL. */
void *
mpyi_err_no_memory(void) __attribute__((cold));

/* Out-of-line half of mpyi_err_clear(): the error owns references. */
void
mpyi_err_clear_owned(struct mpyi_thread *t);

/* Drops the error. */
static inline void
mpyi_err_clear(struct mpyi_thread *t)
{
    if (MPY_UNLIKELY(t->error.drop != NULL)) {
        mpyi_err_clear_owned(t);
    }
    t->error.code = 0;
}

/* Number of bytes, at most `max`, that text may be cut to without splitting a character of the n
   it has. */
size_t
mpyi_err_cut(const char *text, size_t n, size_t max);

/* Moves the error out of the thread / back in: for code that runs between a failure and its report
   (finalizers). *saved is then owned by the caller. */
void
mpyi_err_save(struct mpyi_thread *t, struct mpyi_error *saved);
void
mpyi_err_load(struct mpyi_thread *t, struct mpyi_error *saved);

/* Depth of nested calls, comparisons, reprs: limited by number and by what is left of the C stack.
   int0: RecursionError naming `where`. Each success needs one leave. */
MPY_NODISCARD int
mpyi_depth_enter_slow(struct mpyi_thread *t, const char *where, uintptr_t frame)
    __attribute__((cold));

/* One more is fine without asking further; nearly always. */
static inline int
mpyi_depth_is_fine(const struct mpyi_thread *t)
{
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    return t->depth < t->depth_limit && frame - t->stack_low < t->stack_size;
}

static inline int
mpyi_depth_enter(struct mpyi_thread *t, const char *where)
{
    if (MPY_UNLIKELY(!mpyi_depth_is_fine(t))) {
        return mpyi_depth_enter_slow(t, where, (uintptr_t)__builtin_frame_address(0));
    }
    t->depth++;
    return 0;
}

static inline void
mpyi_depth_leave(struct mpyi_thread *t)
{
    t->depth--;
}

/* Raises / lowers reasons to stop at the next safe point. Any thread. */
static inline void
mpyi_breaker_set(mpy_runtime *rt, uint32_t bits)
{
    __atomic_fetch_or(&rt->breaker, bits, __ATOMIC_RELEASE);
}

static inline void
mpyi_breaker_clear(mpy_runtime *rt, uint32_t bits)
{
    __atomic_fetch_and(&rt->breaker, ~bits, __ATOMIC_ACQ_REL);
}

static inline uint32_t
mpyi_breaker(const mpy_runtime *rt)
{
    return __atomic_load_n(&rt->breaker, __ATOMIC_RELAXED);
}

#endif /* MPY_STATE_STATE_H */
