/* SPDX-License-Identifier: MIT */
/*
 * base/fatal.c - where proven corruption and failed assertions end.
 *
 * The text is built in a buffer on the stack and handed to the host's handler; without one it is
 * written to file descriptor 2. Nothing here allocates or takes a lock: the heap may be broken and
 * any lock may be held.
 *
 * The handler and its data are two words set together under no lock: a host sets them once, before
 * it starts threads.
 */
#include "base/assert.h"

#include "minipy/debug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static mpy_fatal_fn fatal_handler;
static void *fatal_data;

void
mpy_debug_set_fatal_handler(mpy_fatal_fn fn, void *data)
{
    __atomic_store_n(&fatal_data, data, __ATOMIC_RELAXED);
    __atomic_store_n(&fatal_handler, fn, __ATOMIC_RELEASE);
}

static void
write_all(const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, bytes, n);
        if (done <= 0) {
            return;
        }
        bytes += done;
        n -= (size_t)done;
    }
}

static void
deliver(const char *format, va_list args) MPY_PRINTF(1, 0);

static void
deliver(const char *format, va_list args)
{
    char text[1024];
    int n = vsnprintf(text, sizeof text - 1, format, args);
    if (n < 0) {
        text[0] = '\0';
    }
    mpy_fatal_fn handler = __atomic_load_n(&fatal_handler, __ATOMIC_ACQUIRE);
    if (handler != NULL) {
        handler(__atomic_load_n(&fatal_data, __ATOMIC_RELAXED), text);
        return;
    }
    write_all("libminipy: ", strlen("libminipy: "));
    write_all(text, strlen(text));
    write_all("\n", 1);
}

void
mpyi_fatal(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    deliver(format, args);
    va_end(args);
    abort();
}

void
mpyi_report(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    deliver(format, args);
    va_end(args);
}

void
mpyi_assert_failed(const char *file, int line, const char *text)
{
    mpyi_fatal("%s:%d: assertion failed: %s", file, line, text);
}
