/* SPDX-License-Identifier: MIT */
/*
 * preload/new.h - operators new and delete under their mangled names.
 *
 *   mpyi_new         operator new(std::size_t)                       _Znwm
 *   mpyi_new_array   operator new[](std::size_t)                     _Znam
 *   ..._nothrow      (..., std::nothrow_t const &)                   ...RKSt9nothrow_t
 *   ..._aligned      (..., std::align_val_t)                         ...St11align_val_t
 *   mpyi_delete      operator delete(void *)                         _ZdlPv
 *   ..._sized        (void *, std::size_t)                           ...m
 *
 * Every one of them can be replaced by the program. Calls between them go through these
 * declarations, which the dynamic linker binds to the replacement if there is one, as the C++
 * standard defines the default forms: so new.c may not see new_forms.c's bodies, nor the reverse.
 *
 * Lock: none.
 */
#ifndef MPY_PRELOAD_NEW_H
#define MPY_PRELOAD_NEW_H

#include "preload/preload.h"

/* ---- new.c: what the other forms are made of ------------------------------------------------- */

void *
mpyi_new(size_t n) MPYI_EXPORT("_Znwm");
void *
mpyi_new_aligned(size_t n, size_t alignment) MPYI_EXPORT("_ZnwmSt11align_val_t");
void
mpyi_delete(void *p) MPYI_EXPORT("_ZdlPv");
void
mpyi_delete_aligned(void *p, size_t alignment) MPYI_EXPORT("_ZdlPvSt11align_val_t");

/* True when the program has not replaced the operator. */
int
mpyi_new_is_own(void) MPYI_INNER;
int
mpyi_new_aligned_is_own(void) MPYI_INNER;

/* ---- new_forms.c ----------------------------------------------------------------------------- */

void *
mpyi_new_array(size_t n) MPYI_EXPORT("_Znam");
void *
mpyi_new_array_aligned(size_t n, size_t alignment) MPYI_EXPORT("_ZnamSt11align_val_t");
void *
mpyi_new_nothrow(size_t n, const void *tag) MPYI_EXPORT("_ZnwmRKSt9nothrow_t");
void *
mpyi_new_array_nothrow(size_t n, const void *tag) MPYI_EXPORT("_ZnamRKSt9nothrow_t");
void *
mpyi_new_aligned_nothrow(size_t n, size_t alignment, const void *tag)
    MPYI_EXPORT("_ZnwmSt11align_val_tRKSt9nothrow_t");
void *
mpyi_new_array_aligned_nothrow(size_t n, size_t alignment, const void *tag)
    MPYI_EXPORT("_ZnamSt11align_val_tRKSt9nothrow_t");

void
mpyi_delete_array(void *p) MPYI_EXPORT("_ZdaPv");
void
mpyi_delete_sized(void *p, size_t n) MPYI_EXPORT("_ZdlPvm");
void
mpyi_delete_array_sized(void *p, size_t n) MPYI_EXPORT("_ZdaPvm");
void
mpyi_delete_nothrow(void *p, const void *tag) MPYI_EXPORT("_ZdlPvRKSt9nothrow_t");
void
mpyi_delete_array_nothrow(void *p, const void *tag) MPYI_EXPORT("_ZdaPvRKSt9nothrow_t");
void
mpyi_delete_array_aligned(void *p, size_t alignment) MPYI_EXPORT("_ZdaPvSt11align_val_t");
void
mpyi_delete_sized_aligned(void *p, size_t n, size_t alignment)
    MPYI_EXPORT("_ZdlPvmSt11align_val_t");
void
mpyi_delete_array_sized_aligned(void *p, size_t n, size_t alignment)
    MPYI_EXPORT("_ZdaPvmSt11align_val_t");
void
mpyi_delete_aligned_nothrow(void *p, size_t alignment, const void *tag)
    MPYI_EXPORT("_ZdlPvSt11align_val_tRKSt9nothrow_t");
void
mpyi_delete_array_aligned_nothrow(void *p, size_t alignment, const void *tag)
    MPYI_EXPORT("_ZdaPvSt11align_val_tRKSt9nothrow_t");

#endif /* MPY_PRELOAD_NEW_H */
