/* SPDX-License-Identifier: MIT */
/*
 * base/features.h - what this build was compiled with, as 0 or 1, always defined.
 *
 *   MPYI_ASAN    AddressSanitizer: pools are poisoned, magazines are always closed
 *   MPYI_TSAN    ThreadSanitizer
 *   MPYI_SECURE  magazines are always closed, frees checked, places random
 *   MPYI_VALGRIND  Valgrind is told about blocks (alloc/poison.h)
 *   MPYI_BYPASS  requests of the mem and obj domains go to malloc; GC cells stay pooled
 */
#ifndef MPY_BASE_FEATURES_H
#define MPY_BASE_FEATURES_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MPYI_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define MPYI_TSAN 1
#endif
#endif

#if !defined(MPYI_ASAN)
#if defined(__SANITIZE_ADDRESS__)
#define MPYI_ASAN 1
#else
#define MPYI_ASAN 0
#endif
#endif

#if !defined(MPYI_TSAN)
#if defined(__SANITIZE_THREAD__)
#define MPYI_TSAN 1
#else
#define MPYI_TSAN 0
#endif
#endif

#if !defined(MPY_SECURE)
#define MPY_SECURE 0
#endif
#define MPYI_SECURE MPY_SECURE

/* Sanitizers and Valgrind do not go together. */
#if !defined(MPY_VALGRIND) || MPYI_ASAN || MPYI_TSAN
#define MPYI_VALGRIND 0
#elif MPY_VALGRIND && defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#define MPYI_VALGRIND 1
#endif
#endif
#if !defined(MPYI_VALGRIND)
#define MPYI_VALGRIND 0
#endif

#if !defined(MPY_BYPASS_POOLS)
#define MPY_BYPASS_POOLS 0
#endif
#define MPYI_BYPASS MPY_BYPASS_POOLS

/* Functions of a few nanoseconds: one that straddles cache lines costs a tenth more. */
#define MPYI_HOT __attribute__((hot, aligned(64)))

/* For functions that read other threads' words without synchronisation, for statistics. */
#define MPYI_NO_TSAN __attribute__((no_sanitize("thread")))

#endif /* MPY_BASE_FEATURES_H */
