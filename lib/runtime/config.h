/* SPDX-License-Identifier: MIT */
/*
 * runtime/config.h - the settings of a new runtime.
 *
 * To add an integer option, add a line to MPYI_CONFIG_OPTIONS: field, name, default, smallest,
 * largest. The field is then there, settable, readable and range-checked; runtime.c uses it.
 */
#ifndef MPY_RUNTIME_CONFIG_H
#define MPY_RUNTIME_CONFIG_H

#include "minipy/runtime.h"

#include "runtime/lock.h"

#define MPYI_DEPTH_LIMIT_DEFAULT 1000
#define MPYI_DEPTH_LIMIT_MAX     1000000

#define MPYI_CONFIG_OPTIONS(X)                                                                     \
    X(gc_enabled, "gc.enabled", 1, 0, 1)                                                           \
    X(gc_threshold0, "gc.threshold0", 2000, 16, 1000000)                                           \
    X(gc_threshold1, "gc.threshold1", 10, 1, 1000000)                                              \
    X(gc_threshold2, "gc.threshold2", 75, 10, 1000)                                                \
    X(gc_range_bytes, "gc.range_bytes", 0, 0, INT64_C(1) << 40)                                    \
    X(switch_interval, "gil.switch_interval_ns", MPYI_SWITCH_INTERVAL_DEFAULT,                     \
      MPYI_SWITCH_INTERVAL_MIN, MPYI_SWITCH_INTERVAL_MAX)                                          \
    X(limit_bytes, "limit.bytes", 0, 0, INT64_MAX)                                                 \
    X(limit_depth, "limit.depth", MPYI_DEPTH_LIMIT_DEFAULT, 1, MPYI_DEPTH_LIMIT_MAX)

struct mpy_config {
#define MPYI_CONFIG_FIELD(field, name, dflt, low, high) int64_t field;
    MPYI_CONFIG_OPTIONS(MPYI_CONFIG_FIELD)
#undef MPYI_CONFIG_FIELD
    mpy_write_fn error_fn;
    void *error_data;
    mpy_allocator host;         /* malloc NULL: none */
    mpy_arena_allocator arenas; /* alloc NULL: the system's */
};

/* Every option at its default. */
void
mpyi_config_defaults(struct mpy_config *config);

#endif /* MPY_RUNTIME_CONFIG_H */
