/* SPDX-License-Identifier: MIT */
/*
 * state/entry.c - what public functions are asked that find no thread at their entry.
 *
 *   not attached, or the lock released    NULL; fatal with MPY_CHECK_LOCK_HELD (state/thread.c)
 *   an error is set already               fatal with MPY_CHECK_ERROR_SET
 *   an object of another runtime          fatal with MPY_CHECK_OWNER
 *   nothing wrong                         the thread, as if it had been found
 *
 * The last three happen only while one of these checks keeps mpy_priv_tls.thread at NULL, so the
 * tests cost nothing otherwise: the fast paths have always had to look whether there is a thread.
 *
 * An object is the runtime's own when it lies in a pool of it, has a record of the checked layer,
 * or is one of its large blocks. Immediates and immortal objects belong to everybody.
 *
 * Lock: the runtime's, if any.
 */
#include "state/state.h"

#include "alloc/checked.h"
#include "base/hooks.h"

#include "minipy/object.h"

#include <stdio.h>

/* Checks that want to see every call. */
#define ENTRY_CHECKS (MPY_CHECK_ERROR_SET | MPY_CHECK_OWNER)

/* Elements of an array that are looked at, and a length that no array has: the call will refuse. */
#define ITEMS_MAX  256u
#define ITEMS_NONE ((size_t)1 << 40)

#define CALLER __builtin_return_address(0)

/* The null heap's pointer stands for every way not to hold a lock. */
struct mpyi_thread *
mpyi_current_slow(void)
{
    return mpyi_rtheap_current() != NULL ? mpyi_hook_innermost() : NULL;
}

void
mpyi_entry_update(struct mpyi_thread *t)
{
    t->entry = (mpyi_checks_get(t->heap) & ENTRY_CHECKS) != 0 ? NULL : t;
}

static _Noreturn void
error_is_set(const char *function, const struct mpyi_error *error, const void *site)
{
    char what[512];
    char set_at[160];
    mpyi_checked_site_text(set_at, sizeof set_at, error->site);
    (void)snprintf(what, sizeof what, "called while an error is set: %.240s%s%s",
                   error->length != 0 ? error->text : "(no text)",
                   error->site != NULL ? "\n  set at " : "", set_at);
    mpyi_checked_misuse(function, what,
                        "look at the result of the call before: it failed; mpy_err_clear() drops "
                        "an error that is of no interest",
                        site);
}

static int
is_own(struct mpyi_rtheap *heap, const mpy_object *o)
{
    if (o == NULL || !mpy_priv_is_heap(o) || mpyi_space_find(&heap->gc_space, o) != MPYI_NO_POOL ||
        mpyi_space_find(&heap->obj_space, o) != MPYI_NO_POOL ||
        mpy_priv_head(o)->refcnt >= MPY_PRIV_REFCNT_IMMORTAL) {
        return 1;
    }
    return mpyi_marks_find(&heap->marks, o) != NULL || mpyi_rtheap_owns(heap, o);
}

static void
check_owner(const struct mpyi_thread *t, const char *function, size_t number, const mpy_object *o,
            const void *site)
{
    char what[128];
    if (is_own(t->heap, o)) {
        return;
    }
    (void)snprintf(what, sizeof what, "object argument %zu, %p, belongs to another runtime", number,
                   (const void *)o);
    mpyi_checked_misuse(function, what,
                        "runtimes share no objects but constants and built-in types: make the "
                        "value anew in the runtime that is to use it",
                        site);
}

/* What is wrong with the objects. */
static void
check_objects(const struct mpyi_thread *t, const struct mpyi_call *call, const void *site)
{
    size_t number = 0;
    for (size_t i = 0; i < 3; i++) {
        number += call->objects[i] != NULL;
        check_owner(t, call->function, number, call->objects[i], site);
    }
    for (size_t i = 0; call->items != NULL && call->n < ITEMS_NONE && i < call->n && i < ITEMS_MAX;
         i++) {
        check_owner(t, call->function, number + i + 1, call->items[i], site);
    }
}

static struct mpyi_thread *
enter(const struct mpyi_call *call, uint32_t mask, const void *site)
{
    struct mpyi_thread *t = mpyi_current();
    if (t == NULL) {
        return mpyi_not_attached(call->function);
    }
    uint32_t checks = mpyi_checks_get(t->heap) & mask;
    if ((checks & MPY_CHECK_ERROR_SET) != 0 && mpyi_err_occurred(t)) {
        error_is_set(call->function, &t->error, site);
    }
    if ((checks & MPY_CHECK_OWNER) != 0) {
        check_objects(t, call, site);
    }
    return t;
}

struct mpyi_thread *
mpyi_enter_slow(const struct mpyi_call *call)
{
    return enter(call, ENTRY_CHECKS, CALLER);
}

struct mpyi_thread *
mpyi_enter_plain_slow(const char *function)
{
    const struct mpyi_call call = {function, {NULL, NULL, NULL}, NULL, 0};
    return enter(&call, ENTRY_CHECKS, CALLER);
}

struct mpyi_thread *
mpyi_enter_any_slow(const struct mpyi_call *call)
{
    return enter(call, MPY_CHECK_OWNER, CALLER);
}
