/* SPDX-License-Identifier: MIT */
/*
 * types/err_report.c - errors as text for people: display, and reports of errors nobody can handle.
 *
 * Both end in a line "Type: message". A message that cannot be built (its str() raises, memory is
 * out) becomes a note in its place: reporting an error must not raise another.
 *
 * A report is put together in a buffer and handed to the runtime's error function in one piece, so
 * reports of different threads do not mix; without a function it is written to file descriptor 2.
 *
 * Lock: the runtime's. str() of host exceptions and write functions are code of the host.
 */
#include "types/exc.h"

#include "types/str.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_CAUSES     64u
#define LINE_MAX_BYTES 1024u

/* str(exc), or NULL without an error when it cannot be built. */
static mpy_object *
message_of(struct mpyi_thread *t, mpy_object *exc)
{
    mpy_object *text = mpyi_exc_text(t, exc);
    if (text == NULL) {
        mpyi_err_clear(t);
    }
    return text;
}

/* Whether all pieces were taken: int0. */
static int
write_line(struct mpyi_thread *t, mpy_object *exc, mpy_write_fn write_fn, void *data)
{
    const char *name = mpyi_type_of(exc)->qualname;
    mpy_object *message = message_of(t, exc);
    const char *text = message != NULL ? mpyi_str_data(mpyi_str_of(message)) : "<no message>";
    size_t n = message != NULL ? mpyi_str_size(mpyi_str_of(message)) : strlen(text);
    int result = write_fn(data, name, strlen(name));

    if (result == 0 && n != 0) {
        result = write_fn(data, ": ", 2);
        result = result == 0 ? write_fn(data, text, n) : result;
    }
    if (result == 0) {
        result = write_fn(data, "\n", 1);
    }
    mpy_xdecref(message);
    return result == 0 ? 0 : -1;
}

/* exc and what led to it, borrowed, as far as MAX_CAUSES reach; their number. */
static size_t
collect_causes(mpy_object *exc, mpy_object *out[MAX_CAUSES])
{
    size_t n = 0;
    for (; exc != NULL && n < MAX_CAUSES; exc = mpyi_exc_refs(exc)[MPYI_EXC_CAUSE]) {
        for (size_t i = 0; i < n; i++) {
            if (out[i] == exc) {
                return n; /* a ring */
            }
        }
        out[n++] = exc;
    }
    return n;
}

int
mpy_err_display(mpy_object *exc, mpy_write_fn write, void *data)
{
    struct mpyi_thread *t = mpyi_enter_any2(__func__, exc, NULL);
    mpy_object *chain[MAX_CAUSES];
    size_t n;
    int result = 0;

    if (t == NULL) {
        return -1;
    }
    if (!mpyi_is_exc(exc)) {
        (void)mpyi_err_argument(__func__, "exc", "exception", exc);
        return -1;
    }
    if (write == NULL) {
        (void)mpyi_err_argument(__func__, "write", "function", NULL);
        return -1;
    }
    n = collect_causes(exc, chain);
    mpy_incref_many(chain, n);
    t->depth++; /* the write function is called from inside of a call */
    for (size_t i = n; i-- > 0 && result == 0;) {
        result = write_line(t, chain[i], write, data);
    }
    t->depth--;
    mpy_decref_many(chain, n);
    if (result < 0 && !mpyi_err_occurred(t)) {
        (void)mpyi_err_format(MPY_EXC_RUNTIME_ERROR, "%s(): the write function stopped", __func__);
    }
    return result;
}

/* ---- unraisable
 * ------------------------------------------------------------------------------------- */

static void
deliver(struct mpyi_thread *t, const char *text, size_t n)
{
    if (t->rt->error_fn != NULL) {
        t->depth++; /* it is called from inside of a call */
        (void)t->rt->error_fn(t->rt->error_data, text, n);
        t->depth--;
        mpyi_err_clear(t);
        return;
    }
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, text, n);
        if (done <= 0) {
            return;
        }
        text += done;
        n -= (size_t)done;
    }
}

void
mpyi_err_unraisable(struct mpyi_thread *t, const char *where, const mpy_object *o)
{
    char line[LINE_MAX_BYTES + 64]; /* longer than what is kept: where it is cut can be seen */
    mpy_object *exc = mpyi_err_take(t);
    mpy_object *message;
    const char *text;
    int n;

    if (exc == NULL) {
        return;
    }
    message = message_of(t, exc);
    text = message != NULL ? mpyi_str_data(mpyi_str_of(message)) : "<no message>";
    n = snprintf(line, sizeof line, "Error ignored in %s%s%s%s: %s%s%s", where,
                 o != NULL ? " of '" : "", o != NULL ? mpyi_type_name_of(o) : "",
                 o != NULL ? "' object" : "", mpyi_type_of(exc)->qualname,
                 text[0] != '\0' ? ": " : "", text);
    if (n > 0) {
        size_t length = mpyi_err_cut(line, strlen(line), LINE_MAX_BYTES);
        line[length] = '\n';
        deliver(t, line, length + 1);
    }
    mpy_xdecref(message);
    mpy_decref(exc);
}

void
mpy_err_unraisable(const char *where)
{
    struct mpyi_thread *t = mpyi_enter_any(__func__);
    if (t != NULL) {
        mpyi_err_unraisable(t, where != NULL ? where : "(unknown place)", NULL);
    }
}
