/* SPDX-License-Identifier: MIT */
/*
 * base/hooks.h - calls from lower layers into upper ones.
 *
 * A lower layer never includes an upper one. What it must tell or ask goes through a function
 * pointer that the upper layer fills in before it first needs it (a store of the same value again
 * is harmless). Unset hooks do nothing. The inline callers below are the only readers.
 *
 * Lock: pointers are read and written atomically; what a hook itself needs is said at its field.
 */
#ifndef MPY_BASE_HOOKS_H
#define MPY_BASE_HOOKS_H

#include "minipy/mem.h"

struct mpyi_rtheap;
struct mpyi_thread;

/* Events of the trace hook. */
#define MPYI_TRACE_ALLOC 0
#define MPYI_TRACE_FREE  1

struct mpyi_hooks {
    /* Raises MemoryError in the current thread. Lock of the runtime held. May not allocate. */
    void (*raise_no_memory)(void);

    /* A limit or the system refused `bytes` to this heap: collect garbage without running user
       code, ask the host for memory. True: something was freed, try again. Lock held. May free
       into the heap; called where every structure of the heap is consistent. */
    int (*memory_pressure)(struct mpyi_rtheap *heap, size_t bytes);

    /* The heap of a runtime that the caller may look at (its lock is held), else NULL. */
    struct mpyi_rtheap *(*runtime_heap)(mpy_runtime *rt);

    /* A runtime wants its caches emptied: type caches, free lists, side tables. Lock held. */
    void (*flush_runtime)(mpy_runtime *rt);

    /* Checks what the upper layers keep in the heap of a runtime, whose own structures are in
       order. 0, or -1 after a report of the first violation. Lock held. */
    int (*check_runtime)(mpy_runtime *rt);

    /* The calling thread's innermost attachment, with the lock or without; NULL: none. */
    struct mpyi_thread *(*innermost)(void);

    /* MPY_CHECK_* changed, of the process or the current runtime. */
    void (*checks_changed)(void);

    /* Every allocation and free while tracing is on (alloc/mode.h). `kind` is MPY_KIND_*, or -1
       for the raw domain. Called after an allocation, before a free; may not allocate from the
       domain it watches. */
    void (*trace)(int event, int kind, void *block, size_t n);
};

extern struct mpyi_hooks mpyi_hooks;

#define MPYI_HOOK_SET(name, fn) __atomic_store_n(&mpyi_hooks.name, (fn), __ATOMIC_RELEASE)
#define MPYI_HOOK(name)         __atomic_load_n(&mpyi_hooks.name, __ATOMIC_ACQUIRE)

static inline void
mpyi_hook_raise_no_memory(void)
{
    void (*fn)(void) = MPYI_HOOK(raise_no_memory);
    if (fn != NULL) {
        fn();
    }
}

static inline int
mpyi_hook_memory_pressure(struct mpyi_rtheap *heap, size_t bytes)
{
    int (*fn)(struct mpyi_rtheap *, size_t) = MPYI_HOOK(memory_pressure);
    return fn != NULL ? fn(heap, bytes) : 0;
}

static inline struct mpyi_rtheap *
mpyi_hook_runtime_heap(mpy_runtime *rt)
{
    struct mpyi_rtheap *(*fn)(mpy_runtime *) = MPYI_HOOK(runtime_heap);
    return fn != NULL ? fn(rt) : NULL;
}

static inline void
mpyi_hook_flush_runtime(mpy_runtime *rt)
{
    void (*fn)(mpy_runtime *) = MPYI_HOOK(flush_runtime);
    if (fn != NULL) {
        fn(rt);
    }
}

static inline int
mpyi_hook_check_runtime(mpy_runtime *rt)
{
    int (*fn)(mpy_runtime *) = MPYI_HOOK(check_runtime);
    return fn != NULL ? fn(rt) : 0;
}

static inline struct mpyi_thread *
mpyi_hook_innermost(void)
{
    struct mpyi_thread *(*fn)(void) = MPYI_HOOK(innermost);
    return fn != NULL ? fn() : NULL;
}

static inline void
mpyi_hook_checks_changed(void)
{
    void (*fn)(void) = MPYI_HOOK(checks_changed);
    if (fn != NULL) {
        fn();
    }
}

static inline void
mpyi_hook_trace(int event, int kind, void *block, size_t n)
{
    void (*fn)(int, int, void *, size_t) = MPYI_HOOK(trace);
    if (fn != NULL) {
        fn(event, kind, block, n);
    }
}

#endif /* MPY_BASE_HOOKS_H */
