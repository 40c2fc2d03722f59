/* SPDX-License-Identifier: MIT */
/*
 * runtime/runtime.h - what the files of this layer share: the full structs behind the handles.
 *
 *   struct mpy_view         {refs, rt or NULL, lock}: outlives the runtime. Whoever waits for the
 *                           lock waits on the view's memory, so a runtime can end under it.
 *   struct mpyi_rt          mpy_runtime and what only this layer needs
 *   struct mpyi_attachment  struct mpyi_thread and what only this layer needs; is the public
 *                           mpy_thread_token
 *
 *   mpyi_rt_tls.inner  --> attachment --outer--> attachment --outer--> NULL
 *
 * A thread holds at most one lock: that of its innermost attachment. Attaching to a second runtime
 * lets go of the first until the second attachment ends: two threads that attach to two runtimes
 * crosswise cannot block each other for ever.
 *
 * Invariants
 *   mpyi_current() is NULL or &mpyi_rt_tls.inner->thread
 *   an attachment is in rt->threads exactly from attach to detach; `attached` counts them
 *   mpyi_rt_tls.spare, an attachment that ended, is in no list and needs no lock: its runtime may
 *   be gone, which its id tells
 *
 * Lock: struct mpyi_rt belongs to the lock's holder, except what is marked.
 */
#ifndef MPY_RUNTIME_RUNTIME_H
#define MPY_RUNTIME_RUNTIME_H

#include "minipy/thread.h"

#include "alloc/rtheap.h"
#include "gc/gc.h"
#include "object/object.h"
#include "runtime/lock.h"
#include "runtime/pending.h"

#include <string.h>

struct mpy_view {
    uint32_t refs; /* open views, plus 1 while the runtime lives; atomic */
    uint32_t reserved;
    int64_t id;      /* the runtime's; constant */
    mpy_runtime *rt; /* NULL: it ended. Read with the lock held */
    struct mpyi_lock lock;
};

struct mpyi_rt {
    mpy_runtime pub; /* first */
    struct mpy_view *view;
    struct mpyi_rt *next, *prev; /* all runtimes; under the registry's mutex */
    uint64_t last_thread_id;
    uint64_t attached;                /* members of pub.threads; read by others, atomic */
    struct mpyi_thread *lost;         /* attachments of threads that a fork did not take along */
    struct mpyi_pending_ring pending; /* lock-free */
};

struct mpyi_attachment {
    struct mpyi_thread thread; /* first: mpyi_current() is its address */
    struct mpy_view *view;     /* of thread.rt, which keeps it alive */
    int64_t id;                /* the runtime's */
    uint32_t nested;           /* attachments on top of this one that are only counted */
    uint32_t suspended;        /* held the lock when an inner attachment took its place */
    uint32_t releases;         /* of the lock while the heap kept empty arenas */
    uint32_t base_depth;       /* of nested calls, when it began */
};

struct mpyi_rt_tls {
    struct mpyi_attachment *inner;
    struct mpyi_attachment *spare; /* the last that ended, to be used again */
};

extern __thread struct mpyi_rt_tls mpyi_rt_tls __attribute__((tls_model("initial-exec")));

static inline struct mpyi_rt *
mpyi_rt_of(mpy_runtime *rt)
{
    return (struct mpyi_rt *)(void *)rt;
}

static inline struct mpyi_attachment *
mpyi_attachment_of(struct mpyi_thread *t)
{
    return (struct mpyi_attachment *)(void *)t;
}

/* ---- the thread's words: exactly while the lock is held ----------------------------------------
 */

static inline void
mpyi_tls_enter(struct mpyi_attachment *a)
{
    mpy_priv_tls.thread = a->thread.entry;
    mpy_priv_tls.obj = &a->thread.heap->raw.pub; /* mpyi_rtheap_enter(), inlined */
}

static inline void
mpyi_tls_leave(void)
{
    mpy_priv_tls.thread = NULL;
    mpy_priv_tls.obj = &mpyi_null_heap; /* mpyi_rtheap_leave(), inlined */
}

/* The attachment that holds the lock, or NULL: mpyi_current() for code that often runs without the
   lock, where its rare case is none. */
static inline struct mpyi_attachment *
mpyi_attach_current(void)
{
    return mpyi_rtheap_current() != NULL ? mpyi_rt_tls.inner : NULL;
}

/* ---- structs that a host passes: `size` says how much of one it knows, 0 means version 1 --------
 */

/* Whether a struct whose version 1 has n bytes can be handed out to a host that knows `size`. A
   size that no version will ever have is one that the host did not set. */
static inline bool
mpyi_size_fits(uint32_t size, size_t n)
{
    return size == 0 || (size >= n && size <= n + 4096);
}

/* Copies the n bytes of `filled` to the host's struct; what the library does not know is zeroed. */
static inline void
mpyi_hand_out(void *out, uint32_t size, const void *filled, size_t n)
{
    memset(out, 0, size > n ? size : n);
    memcpy(out, filled, n);
}

/* ---- attach.c ----------------------------------------------------------------------------------
 */

/* Makes a new attachment to rt the innermost; the lock is held already. NULL: out of memory. */
struct mpyi_attachment *
mpyi_attach_first(struct mpyi_rt *rt);

/* Drops the objects that a thread leaves in its attachment: an error, a repr. Lock held. (U) */
void
mpyi_attach_empty(struct mpyi_thread *t);

/* Takes the innermost attachment, whose lock is held, out of the runtime and this thread and frees
   it; the lock stays held. The outer attachment is not resumed. */
void
mpyi_attach_end(struct mpyi_attachment *a);

/* A call of the library that needs the attachment has not returned: its callbacks may neither end
   it nor the runtime. Lock held, or the runtime alive for another reason. */
bool
mpyi_attach_in_call(const struct mpyi_attachment *a);

/* Before and after the innermost attachment is replaced. suspend() lets go of its lock if it is
   held; resume() takes it back then. NULL is allowed. */
void
mpyi_attach_suspend(struct mpyi_attachment *a);
void
mpyi_attach_resume(struct mpyi_attachment *a);

/* Takes the lock back for an attachment of this thread. MPY_E_FORKED: it cannot be had. */
MPY_NODISCARD mpy_status
mpyi_attach_retake(struct mpyi_attachment *a);

/* In a fork's child, for each runtime: moves attachments of threads that are gone to rt->lost. */
void
mpyi_attach_after_fork(struct mpyi_rt *rt);

/* Frees them. Lock held. (U) */
void
mpyi_attach_drop_lost(struct mpyi_rt *rt);

/* ---- misuse: the call is ignored, and named in checked builds -----------------------------------
 */

void
mpyi_misuse(mpy_status status, const char *function, const char *what) __attribute__((cold));

/* ---- view.c
 * -------------------------------------------------------------------------------------- */

/* A view with one reference, the runtime's; NULL: out of memory. */
struct mpy_view *
mpyi_view_new(mpy_runtime *rt, int64_t switch_interval);

/* ---- atfork.c: the list of runtimes ------------------------------------------------------------
 */

MPY_NODISCARD mpy_status
mpyi_registry_init(void);
void
mpyi_registry_add(struct mpyi_rt *rt);
void
mpyi_registry_remove(struct mpyi_rt *rt);

/* ---- checkpoint.c
 * -------------------------------------------------------------------------------- */

/* Something in the breaker is set. int0. (U) */
int
mpyi_checkpoint_slow(struct mpyi_thread *t) __attribute__((cold));

/* ---- leaks.c
 * ------------------------------------------------------------------------------------- */

/* What is alive in a heap from which everything of the library is gone. report may be NULL. Calls
   the release hooks of the survivors. */
void
mpyi_leaks_report(struct mpyi_thread *t, mpy_leak_report *report);

#endif /* MPY_RUNTIME_RUNTIME_H */
