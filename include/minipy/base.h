/* SPDX-License-Identifier: MIT */
/*
 * minipy/base.h - version, ABI, status codes and the compiler macros of every other header.
 *
 * Nothing here needs a runtime, a lock or an attached thread: every function may be called at
 * any time from any thread, and none of them allocates.
 *
 * Supported: 64-bit little-endian Linux on x86-64 and aarch64, gcc and clang, C11 and C++17.
 */
#ifndef MPY_BASE_H
#define MPY_BASE_H

#include <stddef.h>
#include <stdint.h>

#if !defined(__linux__) || !defined(__LP64__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "libminipy supports 64-bit little-endian Linux only"
#endif
#if !defined(__GNUC__)
#error "libminipy needs gcc or clang"
#endif

/* The version of the library: the only place where it is written. */
#define MPY_LIB_VERSION_MAJOR 0
#define MPY_LIB_VERSION_MINOR 1
#define MPY_LIB_VERSION_PATCH 0
#define MPY_LIB_VERSION_HEX                                                                        \
    ((uint32_t)(MPY_LIB_VERSION_MAJOR << 24 | MPY_LIB_VERSION_MINOR << 16 |                        \
                MPY_LIB_VERSION_PATCH << 8))

/* Changes whenever something a compiled host has inlined changes: the object header, the tags,
   the magazines, the rounding of sizes, the offset of a type's flags. */
#define MPY_ABI_VERSION 1u

#ifdef __cplusplus
#define MPY_EXTERN_C_BEGIN            extern "C" {
#define MPY_EXTERN_C_END              }
#define MPY_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define MPY_EXTERN_C_BEGIN
#define MPY_EXTERN_C_END
#define MPY_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define MPY_API                MPY_API_DATA MPY_PRIV_NOPLT
#define MPY_API_DATA           __attribute__((visibility("default")))
#define MPY_NODISCARD          __attribute__((warn_unused_result))
#define MPY_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define MPY_MALLOC_LIKE        __attribute__((malloc))
#define MPY_LIKELY(x)          __builtin_expect(!!(x), 1)
#define MPY_UNLIKELY(x)        __builtin_expect(!!(x), 0)

/* Calls go through the address the loader has stored, not through a procedure linkage table, which
   is one jump more: a tenth to a fifth of a short call. clang has -fno-plt for it. */
#if __has_attribute(noplt)
#define MPY_PRIV_NOPLT __attribute__((noplt))
#else
#define MPY_PRIV_NOPLT
#endif

/* Public inline functions. Each has an exported twin of the same name for bindings of other
   languages; a host that defines MPY_NO_INLINE before the first include calls the twins. */
#define MPY_INLINE static inline __attribute__((always_inline, unused))

MPY_EXTERN_C_BEGIN

/* Result of functions that work without a runtime. MPY_OK is 0, every failure is negative. */
typedef int32_t mpy_status;

#define MPY_OK             0
#define MPY_E_NOMEM        (-1)  /* out of memory, or a limit on memory was reached */
#define MPY_E_INVAL        (-2)  /* an argument has a value outside its documented range */
#define MPY_E_BUSY         (-3)  /* something is still in use; nothing was changed */
#define MPY_E_FINALIZING   (-4)  /* the runtime is shutting down */
#define MPY_E_FORKED       (-5)  /* another thread held the lock when the process forked */
#define MPY_E_NOT_ATTACHED (-6)  /* the calling thread is not attached to a runtime */
#define MPY_E_UNSUPPORTED  (-7)  /* this build or system cannot do it */
#define MPY_E_CORRUPT      (-8)  /* the heap validator found a violated invariant */
#define MPY_E_SYSTEM       (-9)  /* a system call failed for another reason than memory */
#define MPY_E_ERROR_SET    (-10) /* the error indicator of the thread holds the reason */

/* Text of a status, in English, static. Never NULL; unknown codes give "unknown status". */
MPY_API const char *
mpy_status_text(mpy_status status);

/* Status of the last function of the calling thread that failed without an error indicator to
   set (no runtime attached). MPY_OK when none did. */
MPY_API mpy_status
mpy_status_last(void);

/* "0.1.0"; static. */
MPY_API const char *
mpy_version_string(void);

/* MPY_LIB_VERSION_HEX of the library that is loaded, 0xMMmmpp00. */
MPY_API uint32_t
mpy_version_hex(void);

/* Compiler, debug level and options of this build; static. */
MPY_API const char *
mpy_build_info(void);

/* 1 when this build has the feature, else 0. Names: "asan", "tsan", "bypass-pools", "debug". */
MPY_API int
mpy_feature(const char *name);

/* 0 when a host compiled against headers with `header_abi` (pass MPY_ABI_VERSION) may run with
   this library, else -1. */
MPY_NODISCARD MPY_API int
mpy_abi_check(uint32_t header_abi);

/* Callback that receives text or bytes piece by piece. Returns 0 to go on, anything else to stop;
   the function that was given the callback then returns -1. `data` is the caller's. */
typedef int (*mpy_write_fn)(void *data, const char *bytes, size_t n);

MPY_EXTERN_C_END

#endif /* MPY_BASE_H */
