/* SPDX-License-Identifier: MIT */
/*
 * minipy/runtime.h - runtimes: each with its own heap, collector, lock and limits.
 *
 * Runtimes share nothing that changes, so threads in different runtimes run in parallel. An object
 * belongs to the runtime it was made in.
 */
#ifndef MPY_RUNTIME_H
#define MPY_RUNTIME_H

#include "minipy/object.h"

MPY_EXTERN_C_BEGIN

typedef struct mpy_config mpy_config;

/* Settings for a new runtime. No runtime needed; not to be shared between threads while it is
   changed. Options (int): "gc.enabled" 0/1, "gc.threshold0", "gc.threshold1", "gc.threshold2",
   "gc.range_bytes" (address space for GC cells, 0: default; where a host supplies arenas, memory
   that it is asked for in one piece), "gil.switch_interval_ns", "limit.bytes" (0: none),
   "limit.depth" (nested calls, default 1000). */
MPY_NODISCARD MPY_API mpy_config *
mpy_config_new(void); /* NULL: out of memory */
MPY_API void
mpy_config_free(mpy_config *config); /* NULL is allowed */

/* 1 when the option exists, else 0. */
MPY_API int
mpy_config_has(const mpy_config *config, const char *name);

/* 0; -1 with MPY_E_INVAL in mpy_status_last(): no such option, or the value is out of range. */
MPY_NODISCARD MPY_API int
mpy_config_set_int(mpy_config *config, const char *name, int64_t value);
MPY_NODISCARD MPY_API int
mpy_config_get_int(const mpy_config *config, const char *name, int64_t *out);

/* Where unraisable errors and warnings go. */
MPY_API void
mpy_config_set_error_fn(mpy_config *config, mpy_write_fn fn, void *data);

/* Who serves mpy_obj_*, the arrays of containers and objects outside of the collector in runtimes
   made with this config (MPY_DOMAIN_OBJ); copied, NULL: the library's own pools. Every such block
   has 32 bytes more, in front, so that a runtime that ends frees what is left. Objects the
   collector knows stay in pools: supply arenas for them. Called with the runtime's lock held. 0, or
   -1 with MPY_E_INVAL. */
MPY_NODISCARD MPY_API int
mpy_config_set_allocator(mpy_config *config, int domain, const mpy_allocator *allocator);

/* Who supplies the arenas of runtimes made with this config; copied, NULL: the system. 0, or -1
   with MPY_E_INVAL. */
MPY_NODISCARD MPY_API int
mpy_config_set_arena_allocator(mpy_config *config, const mpy_arena_allocator *arenas);

/* What was still alive when a runtime was freed. The caller sets `size` to that of the struct it
   knows, or to 0 for version 1; so in every struct that a function fills. */
typedef struct mpy_leak_report {
    uint32_t size, version; /* sizeof(mpy_leak_report), 1 */
    uint64_t objects;       /* objects with references that nobody gave back */
    uint64_t bytes;         /* their memory */
    uint64_t blocks;        /* other blocks: mpy_obj_* */
    char text[1024];        /* a line a type, the most numerous first; NUL-terminated */
} mpy_leak_report;

/* A new runtime; config NULL: defaults. The calling thread comes back attached to it and holding
   its lock. MPY_E_NOMEM, MPY_E_INVAL (out is NULL). */
MPY_NODISCARD MPY_API mpy_status
mpy_runtime_new(const mpy_config *config, mpy_runtime **out);

/* Ends a runtime: collects, runs finalizers and release hooks, reports what was still alive (report
   may be NULL) and frees everything. The calling thread must be attached to it as its innermost
   runtime; it is detached afterwards. MPY_E_BUSY, and nothing changed: other threads
   are attached, or this one more than once, or it is in a callback of the runtime;
   MPY_E_NOT_ATTACHED; MPY_E_INVAL, also for a report with the size of no version. (U) */
MPY_NODISCARD MPY_API mpy_status
mpy_runtime_free(mpy_runtime *rt, mpy_leak_report *report);

/* The runtime of the calling thread, NULL when it is not attached or has released the lock. */
MPY_API mpy_runtime *
mpy_runtime_current(void);

/* A number that no other runtime of this process ever had. Any thread. */
MPY_API int64_t
mpy_runtime_id(const mpy_runtime *rt);

/* 1 while mpy_runtime_free() is at work. Any thread. */
MPY_API int
mpy_runtime_is_finalizing(const mpy_runtime *rt);

/* A word for the host. Lock needed. */
MPY_API void
mpy_runtime_set_user_data(mpy_runtime *rt, void *data);
MPY_API void *
mpy_runtime_get_user_data(const mpy_runtime *rt);

/* Limits. MPY_LIMIT_BYTES: memory of the runtime, pools and large blocks; 0: none. Reaching it is a
   MemoryError, after a collection and the callback of mpy_mem_on_pressure(). MPY_LIMIT_STACK_DEPTH:
   nested calls. int0; ValueError. */
#define MPY_LIMIT_BYTES       0
#define MPY_LIMIT_STACK_DEPTH 1
MPY_NODISCARD MPY_API int
mpy_runtime_set_limit(mpy_runtime *rt, int which, int64_t value);
MPY_NODISCARD MPY_API int
mpy_runtime_get_limit(mpy_runtime *rt, int which, int64_t *value);

MPY_EXTERN_C_END

#endif /* MPY_RUNTIME_H */
