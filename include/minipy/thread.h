/* SPDX-License-Identifier: MIT */
/*
 * minipy/thread.h - threads and the lock of a runtime ("GIL").
 *
 * One thread at a time runs in a runtime: the one that holds its lock. A thread takes part by
 * attaching through a view, and lets others in
 *   - around blocking calls:       s = mpy_gil_release(); read(...); mpy_gil_acquire(s);
 *   - in long computations:        mpy_checkpoint() now and then; every call of a function object
 *                                  is one.
 * A thread that comes back from a blocking call gets the lock at the holder's next checkpoint;
 * computing threads among themselves take turns of the switch interval (5 ms).
 *
 * A single call on a container is atomic under the lock; two calls are not: use an mpy_mutex.
 */
#ifndef MPY_THREAD_H
#define MPY_THREAD_H

#include "minipy/runtime.h"

MPY_EXTERN_C_BEGIN

typedef struct mpy_view mpy_view;
typedef struct mpy_thread_token mpy_thread_token;

/* A reference to a runtime that outlives it: what another thread needs in order to attach. Lock
   needed. NULL: out of memory, MemoryError set. Close each once, from any thread. */
MPY_NODISCARD MPY_API mpy_view *
mpy_view_of(mpy_runtime *rt);
MPY_API void
mpy_view_close(mpy_view *view); /* NULL is allowed */

/* Attaches the calling thread and takes the lock; waits while others hold it. May be nested, with
   the same runtime or others; the innermost is current. A thread holds one lock at a time: that of
   another runtime it is attached to is released until the new attachment ends. MPY_E_FINALIZING:
   the runtime is ending or gone; MPY_E_NOMEM; MPY_E_FORKED; MPY_E_INVAL; MPY_E_SYSTEM: no key for
   thread-local data is left. *out is NULL on failure. No error indicator. */
MPY_NODISCARD MPY_API mpy_status
mpy_thread_attach(mpy_view *view, mpy_thread_token **out);

/* Ends the innermost attachment, which `token` must be, and releases its lock. An error that is set
   is dropped. A thread that exits while it is attached is detached. In a callback of the runtime
   only what was attached there can be detached: nothing happens otherwise, and MPY_E_BUSY is in
   mpy_status_last(). (U) */
MPY_API void
mpy_thread_detach(mpy_thread_token *token);

/* The innermost attachment of this thread, or NULL. */
MPY_API mpy_thread_token *
mpy_thread_current(void);

/* A number that no other thread of this runtime ever had. */
MPY_API uint64_t
mpy_thread_id(const mpy_thread_token *token);

/* Releases the lock before something that blocks. Until mpy_gil_acquire() the thread may not touch
   any object. Returns what acquire needs; NULL, and nothing happens, when the lock is not held. */
MPY_NODISCARD MPY_API mpy_thread_token *
mpy_gil_release(void);

/* Takes it back; waits. Does nothing for NULL. In a fork's child whose runtime is dead the lock is
   not held afterwards, and MPY_E_FORKED is in mpy_status_last(). */
MPY_API void
mpy_gil_acquire(mpy_thread_token *saved);

/* 1 when the calling thread is attached and holds the lock. */
MPY_API int
mpy_gil_held(void);

/* int0: lets others in if they wait, runs a collection that is due and pending calls. A load and a
   test when there is nothing to do. -1: a pending call failed. (U) */
MPY_NODISCARD MPY_API int
mpy_checkpoint(void);

/* int0: how long computing threads keep the lock from each other; 1,000 .. 10^10 ns. Any thread. */
MPY_NODISCARD MPY_API int
mpy_gil_set_switch_interval(mpy_runtime *rt, int64_t ns);

typedef struct mpy_gil_stats {
    uint32_t size, version; /* sizeof(mpy_gil_stats), 1 */
    uint64_t acquisitions;  /* that had to wait */
    uint64_t hand_offs;     /* lock given to a waiting thread at a checkpoint */
    uint64_t waiting;       /* threads waiting now */
    uint64_t attached;      /* threads attached now */
} mpy_gil_stats;

/* int0. Any thread. */
MPY_NODISCARD MPY_API int
mpy_gil_get_stats(mpy_runtime *rt, mpy_gil_stats *out);

/* 0: fn(arg) will run at the next checkpoint of a thread of the runtime, with the lock held; fn
   returns 0, or -1 with an error set. -1, with the reason in mpy_status_last(): MPY_E_BUSY (256
   calls are waiting), MPY_E_FINALIZING. Any thread; async-signal-safe. */
typedef int (*mpy_pending_fn)(void *arg);
MPY_NODISCARD MPY_API int
mpy_pending_add(mpy_runtime *rt, mpy_pending_fn fn, void *arg);

/* A mutex that releases the runtime's lock while it waits. Zero-initialised is unlocked. Not
   recursive. Works in threads that are not attached, too. */
typedef struct mpy_mutex {
    uint32_t word;
} mpy_mutex;

MPY_API void
mpy_mutex_lock(mpy_mutex *mutex);
MPY_API void
mpy_mutex_unlock(mpy_mutex *mutex);

MPY_EXTERN_C_END

#endif /* MPY_THREAD_H */
