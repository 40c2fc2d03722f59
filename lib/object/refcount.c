/* SPDX-License-Identifier: MIT */
/*
 * object/refcount.c - the rare cases of reference counts, and counting many at once.
 *
 *   0                        dying or dead: a decref is one too many
 *   1 .. 0x7FFFFFFF          live
 *   0x80000000 .. 0x8000FFFF saturated: 2^31 references were taken by code that does not saturate;
 *                            the first two still count down
 *   .. 0xBFFFFFFF            the dead pattern, or bytes that are no count at all
 *   0xC0000000 ..            immortal
 *
 * The inlined pair handles lines 2 and 5; the others end here, and so does a live object that the
 * collector holds for idle, when it loses a reference. A saturated object is made immortal,
 * so it is never freed too early, and that is reported. The others prove that the program uses
 * memory it no longer owns: fatal, with the name of the type where it can still be read. It is read
 * through the kernel, which answers with an error where a load would fault.
 *
 * Lock: the runtime's. The failure paths allocate nothing.
 */
#include "object/object.h"

#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define SATURATED_END 0x80010000u

/* Copies n bytes from any address; 0, or -1 when they cannot be read. */
static int
peek(const void *from, void *to, size_t n)
{
    struct iovec local = {to, n};
    struct iovec remote = {(void *)(uintptr_t)from, n};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == (ssize_t)n ? 0 : -1;
}

/* Name of the type of a heap object that may be freed memory. */
static void
peek_type_name(const mpy_object *o, char *out, size_t size)
{
    struct mpy_priv_header head;
    struct mpyi_type type;

    (void)snprintf(out, size, "unknown type");
    if (peek(o, &head, sizeof head) < 0 || head.type == NULL ||
        peek(head.type, &type, sizeof type) < 0 || type.name == NULL ||
        type.head.head.type != &mpyi_type_type.head) {
        return;
    }
    /* Byte by byte: the text may end where a page does. */
    for (size_t i = 0; i < size - 1; i++) {
        char c;
        if (peek(type.name + i, &c, 1) < 0 || (signed char)c < 0) {
            (void)snprintf(out, size, "unknown type");
            return;
        }
        out[i] = c;
        if (c == '\0') {
            return;
        }
    }
    out[size - 1] = '\0';
}

static void
saturate(mpy_object *o)
{
    mpyi_head(o)->refcnt = 0xFFFFFFFFu;
    mpyi_report(
        "the reference count of an object of type %s overflowed: it is immortal from now on",
        mpyi_type_name_of(o));
}

static _Noreturn void
dead(const mpy_object *o, const char *what) __attribute__((cold));

static _Noreturn void
dead(const mpy_object *o, const char *what)
{
    char name[64];
    uint32_t count = mpyi_head(o)->refcnt;
    peek_type_name(o, name, sizeof name);
    mpyi_fatal("%s: object %p of type '%s' is dead (use after free, reference count 0x%08x)", what,
               (const void *)o, name, count);
}

void
mpy_priv_incref_special(mpy_object *o)
{
    if (mpyi_head(o)->refcnt >= SATURATED_END) {
        dead(o, "mpy_incref");
    }
    saturate(o);
}

void
mpy_priv_decref_special(mpy_object *o)
{
    uint32_t count = mpyi_head(o)->refcnt;
    if (count > 1 && count < MPY_PRIV_REFCNT_SPECIAL) {
        mpyi_head(o)->refcnt = count - 1;
        mpyi_gc_candidate(o);
        return;
    }
    if (count == 0) {
        char name[64];
        peek_type_name(o, name, sizeof name);
        mpyi_fatal("mpy_decref: reference count of object %p of type '%s' fell below 0 (one "
                   "decref too many, or use after free)",
                   (const void *)o, name);
    }
    if (count >= SATURATED_END) {
        dead(o, "mpy_decref");
    }
    saturate(o);
}

void
mpy_incref_many(mpy_object *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_xincref(v[i]);
    }
}

void
mpy_decref_many(mpy_object *const *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_xdecref(v[i]);
    }
}

size_t
mpy_refcount(const mpy_object *o)
{
    if (o == NULL) {
        return 0;
    }
    if (!mpy_priv_is_heap(o) || mpyi_head(o)->refcnt >= MPY_PRIV_REFCNT_IMMORTAL) {
        return MPY_PRIV_REFCNT_IMMORTAL;
    }
    return mpyi_head(o)->refcnt;
}

uint64_t
mpy_object_id(const mpy_object *o)
{
    return (uint64_t)(uintptr_t)o;
}
