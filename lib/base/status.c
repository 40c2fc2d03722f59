/* SPDX-License-Identifier: MIT */
/*
 * base/status.c - texts of status codes, and the calling thread's last status.
 *
 * A function that fails without an error indicator to set (no runtime attached, or a domain that
 * needs none) leaves its reason in one thread-local word. Success never resets the word, so it
 * means "the last failure", as errno does.
 *
 * Lock: none; the word belongs to its thread.
 */
#include "base/status.h"

#include "base/tls.h"

static const char *const status_texts[] = {
    "success",
    "out of memory",
    "invalid argument",
    "still in use",
    "the runtime is shutting down",
    "the lock was held by another thread when the process forked",
    "the thread is not attached to a runtime",
    "not supported by this build or system",
    "the heap is corrupt",
    "a system call failed",
    "the thread's error indicator holds the reason",
};

const char *
mpy_status_text(mpy_status status)
{
    const mpy_status count = (mpy_status)(sizeof status_texts / sizeof status_texts[0]);
    if (status > 0 || status <= -count) {
        return "unknown status";
    }
    return status_texts[-status];
}

mpy_status
mpy_status_last(void)
{
    return mpyi_tls.last_status;
}

void
mpyi_status_set(mpy_status status)
{
    mpyi_tls.last_status = status;
}
