/* SPDX-License-Identifier: MIT */
/*
 * base/options.h - the MINIPY_* environment variables.
 *
 * Read once, when the first option is asked for; later changes of the environment have no effect.
 * Ignored in programs that run with more rights than their caller (secure_getenv). A value is a
 * number, decimal or 0x hexadecimal, with an optional suffix k, m or g (1024-based). A value that
 * is no number, or lies outside the option's range, is ignored.
 *
 * To add an option, add a line to MPYI_OPTIONS: field, variable, default, smallest, largest, text.
 */
#ifndef MPY_BASE_OPTIONS_H
#define MPY_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/* "MINIPY_HASHSEED is not set": a random one is taken. */
#define MPYI_HASHSEED_RANDOM UINT64_MAX

/* "MINIPY_CLOSED is not set". */
#define MPYI_CLOSED_AUTO 2

#define MPYI_OPTIONS(X)                                                                            \
    X(no_reserve, "MINIPY_NO_RESERVE", 0, 0, 1,                                                    \
      "1: no reserved ranges for pools, arenas are found through a map")                           \
    X(reserve_bytes, "MINIPY_RESERVE_BYTES", UINT64_C(64) << 30, UINT64_C(1) << 26,                \
      UINT64_C(1) << 40, "address space to reserve for each range of pools")                       \
    X(huge_pages, "MINIPY_HUGE_PAGES", 0, 0, 1,                                                    \
      "1: ranges of pools ask for huge pages, 2 MiB of memory at a time")                          \
    X(keep_bytes, "MINIPY_KEEP_BYTES", UINT64_C(64) << 20, 0, UINT64_C(1) << 40,                   \
      "empty arenas kept for reuse, in bytes, per process and per space of a runtime")             \
    X(decay_ms, "MINIPY_DECAY_MS", 1000, 0, 3600000,                                               \
      "age in milliseconds at which a kept empty arena goes back to the system")                   \
    X(decay_thread, "MINIPY_DECAY_THREAD", 0, 0, 1,                                                \
      "1: a thread of the library's own looks for memory to give back, for programs that idle")    \
    X(large_cache_bytes, "MINIPY_LARGE_CACHE_BYTES", UINT64_C(24) << 20, 0, UINT64_C(1) << 30,     \
      "freed blocks of 513 bytes to 1 MiB kept per heap, in bytes; four times that in all")        \
    X(closed, "MINIPY_CLOSED", MPYI_CLOSED_AUTO, 0, MPYI_CLOSED_AUTO,                              \
      "1: magazines stay closed; every call goes out of line; 2: only while Valgrind runs the "    \
      "program; 0: never, for counting instructions under callgrind")                              \
    X(malloc_stats, "MINIPY_MALLOC_STATS", 0, 0, 1,                                                \
      "1: the preload library writes its statistics to stderr when the process exits")             \
    X(checks, "MINIPY_CHECKS", 0, 0, 63,                                                           \
      "checks of minipy/debug.h: 1 red zones, 2 dead bytes, 4 quarantine, 8 lock held, 16 "        \
      "error set, 32 owner; 63: all")                                                              \
    X(quarantine_bytes, "MINIPY_QUARANTINE_BYTES", UINT64_C(1) << 20, 0, UINT64_C(1) << 40,        \
      "freed blocks that wait in quarantine, in bytes, per process and per runtime")               \
    X(hashseed, "MINIPY_HASHSEED", MPYI_HASHSEED_RANDOM, 0, UINT32_MAX,                            \
      "fixes the secret that hashes are mixed with")

struct mpyi_options {
#define MPYI_OPTION_FIELD(field, name, dflt, low, high, text) uint64_t field;
    MPYI_OPTIONS(MPYI_OPTION_FIELD)
#undef MPYI_OPTION_FIELD
};

/* One line of the documentation; see mpyi_option_doc(). */
struct mpyi_option_doc {
    const char *name;
    const char *text;
    uint64_t value, low, high;
};

/* The options in force. Any thread; never NULL, never changes, never allocates. */
const struct mpyi_options *
mpyi_options_get(void);

/* Fills *out with the option of that index; 0, or -1 when there are no more. */
int
mpyi_option_doc(size_t index, struct mpyi_option_doc *out);

/* Parses one value: 0, or -1 when `text` is not a number in low..high. Exposed for tests. */
int
mpyi_option_parse(const char *text, uint64_t low, uint64_t high, uint64_t *out);

#endif /* MPY_BASE_OPTIONS_H */
