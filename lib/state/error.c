/* SPDX-License-Identifier: MIT */
/*
 * state/error.c - the error indicator of a thread.
 *
 * An error is a code and a text in a buffer of the thread: raising one copies the text and
 * allocates nothing, so it works when memory is out, and raising then clearing costs a strlen and a
 * memcpy. Objects come into it only when the error carries some (a host's exception type, an
 * argument that is no text); they are given back through the function stored beside them, because
 * this layer knows no objects.
 *
 * Invariants
 *   code == 0   =>  drop == NULL, type == NULL, value == NULL
 *   drop != NULL  <=>  type != NULL or value != NULL
 *   length <= MPY_ERR_TEXT_MAX, text[length] == 0, text ends between two characters
 *
 * Dropping references may run code of the host, which may raise: the new error is put in place
 * first, the old references go last.
 *
 * Lock: the runtime's. A thread that is not attached has no indicator; raising sets its status.
 */
#include "state/state.h"

#include "base/callsite.h"

#include <stdio.h>
#include <string.h>

size_t
mpyi_err_cut(const char *text, size_t n, size_t max)
{
    if (n <= max) {
        return n;
    }
    /* text[max] exists. Step back while it continues a character: at most 3 bytes. */
    for (n = max; n > 0 && max - n < 3 && ((unsigned char)text[n] & 0xC0u) == 0x80u; n--) {
    }
    return n;
}

void
mpyi_err_clear_owned(struct mpyi_thread *t)
{
    void (*drop)(mpy_object *) = t->error.drop;
    mpy_object *type = t->error.type;
    mpy_object *value = t->error.value;

    t->error.code = 0;
    t->error.type = NULL;
    t->error.value = NULL;
    t->error.drop = NULL;
    if (type != NULL) {
        drop(type);
    }
    if (value != NULL) {
        drop(value);
    }
}

/* Who set the error: the host's code, as the errors of the library's own are set for it. */
static __attribute__((cold, noinline)) void
note_site(struct mpyi_error *e)
{
    e->site = mpyi_host_site(__builtin_return_address(0));
}

/* The text alone; what the error owned before is gone. */
static inline void
put_text(struct mpyi_thread *t, int code, const char *text, size_t n)
{
    struct mpyi_error *e = &t->error;
    if (MPY_UNLIKELY(t->entry == NULL)) {
        note_site(e);
    }
    n = mpyi_err_cut(text, n, MPY_ERR_TEXT_MAX);
    memcpy(e->text, text, n);
    e->text[n] = '\0';
    e->length = (uint32_t)n;
    e->code = code;
}

void
mpyi_err_put(struct mpyi_thread *t, int code, mpy_object *type, mpy_object *value,
             void (*drop)(mpy_object *o), const char *text, size_t n)
{
    struct mpyi_error *e = &t->error;
    mpy_object *old_type = e->type;
    mpy_object *old_value = e->value;
    void (*old_drop)(mpy_object *) = e->drop;

    e->type = type;
    e->value = value;
    e->drop = type != NULL || value != NULL ? drop : NULL;
    put_text(t, code, text, n);
    if (old_drop != NULL) {
        struct mpyi_error kept;
        mpyi_err_save(t, &kept);
        if (old_type != NULL) {
            old_drop(old_type);
        }
        if (old_value != NULL) {
            old_drop(old_value);
        }
        mpyi_err_load(t, &kept);
    }
}

void *
mpyi_err_set(int code, const char *text)
{
    struct mpyi_thread *t = mpyi_current();
    if (t == NULL) {
        mpyi_status_set(MPY_E_NOT_ATTACHED);
        return NULL;
    }
    if (MPY_UNLIKELY(t->error.drop != NULL)) {
        mpyi_err_put(t, code, NULL, NULL, NULL, text, strlen(text));
        return NULL;
    }
    put_text(t, code, text, strlen(text));
    return NULL;
}

void *
mpyi_err_vformat(int code, const char *fmt, va_list args)
{
    char text[MPY_ERR_TEXT_MAX + 2]; /* one byte more than is kept: shows that it was cut */
    int n = vsnprintf(text, sizeof text, fmt, args);
    if (n < 0) {
        return mpyi_err_set(code, fmt);
    }
    return mpyi_err_set(code, text);
}

void *
mpyi_err_format(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    mpyi_err_vformat(code, fmt, args);
    va_end(args);
    return NULL;
}

void *
mpyi_err_no_memory(void)
{
    if (mpyi_current() == NULL) {
        mpyi_status_set(MPY_E_NOMEM);
        return NULL;
    }
    return mpyi_err_set(MPY_EXC_MEMORY_ERROR, "out of memory");
}

/* Moves an error, leaving `from` without one. Only the text in use is copied. */
static void
move_error(struct mpyi_error *to, struct mpyi_error *from)
{
    to->code = from->code;
    to->type = from->type;
    to->value = from->value;
    to->drop = from->drop;
    to->site = from->site;
    to->length = 0;
    to->text[0] = '\0';
    if (from->code != 0) {
        to->length = from->length;
        memcpy(to->text, from->text, (size_t)from->length + 1);
    }
    from->code = 0;
    from->type = NULL;
    from->value = NULL;
    from->drop = NULL;
}

void
mpyi_err_save(struct mpyi_thread *t, struct mpyi_error *saved)
{
    move_error(saved, &t->error);
}

void
mpyi_err_load(struct mpyi_thread *t, struct mpyi_error *saved)
{
    mpyi_err_clear(t);
    move_error(&t->error, saved);
}
