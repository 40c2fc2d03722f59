/* SPDX-License-Identifier: MIT */
/*
 * preload/new_forms.c - the other forms of new and delete, made of the four in new.c.
 *
 * They call what the C++ standard says the default forms call, through the dynamic linker: a
 * program that replaces operator new(size_t) and operator delete(void *) alone then gets its own
 * ones for arrays and sized deletes, too. Sizes are not looked at.
 *
 *   new[](n)              -> new(n)                  delete[](p), delete(p, n)  -> delete(p)
 *   new(n, nothrow)       -> new(n), caught          delete[](p, n)             -> delete[](p)
 *   new[](n, align)       -> new(n, align)           delete(p, n, align)        -> delete(p, align)
 *
 * C cannot catch: the nothrow forms allocate themselves as long as the operators they are made of
 * are this library's, and leave everything else, handlers included, to the C++ runtime's.
 *
 * Lock: none.
 */
#include "preload/new.h"

/* ---- new ------------------------------------------------------------------------------------- */

void *
mpyi_new_array(size_t n)
{
    return mpyi_new(n);
}

void *
mpyi_new_array_aligned(size_t n, size_t alignment)
{
    return mpyi_new_aligned(n, alignment);
}

static MPYI_SLOW void *
runtime_nothrow(const char *mangled, size_t n, const void *tag)
{
    void *(*runtime)(size_t, const void *) = NULL;
    *(void **)&runtime = mpyi_cxx_runtime(mangled);
    return runtime != NULL ? runtime(n, tag) : NULL;
}

static MPYI_SLOW void *
runtime_aligned_nothrow(const char *mangled, size_t n, size_t alignment, const void *tag)
{
    void *(*runtime)(size_t, size_t, const void *) = NULL;
    *(void **)&runtime = mpyi_cxx_runtime(mangled);
    return runtime != NULL ? runtime(n, alignment, tag) : NULL;
}

void *
mpyi_new_nothrow(size_t n, const void *tag)
{
    void *p = mpyi_new_is_own() ? mpyi_malloc(n) : NULL;
    return p != NULL ? p : runtime_nothrow("_ZnwmRKSt9nothrow_t", n, tag);
}

void *
mpyi_new_array_nothrow(size_t n, const void *tag)
{
    void *p = mpyi_new_is_own() ? mpyi_malloc(n) : NULL;
    return p != NULL ? p : runtime_nothrow("_ZnamRKSt9nothrow_t", n, tag);
}

void *
mpyi_new_aligned_nothrow(size_t n, size_t alignment, const void *tag)
{
    void *p = mpyi_new_aligned_is_own() ? mpyi_aligned(alignment, n, MPYI_CALLER) : NULL;
    return p != NULL
               ? p
               : runtime_aligned_nothrow("_ZnwmSt11align_val_tRKSt9nothrow_t", n, alignment, tag);
}

void *
mpyi_new_array_aligned_nothrow(size_t n, size_t alignment, const void *tag)
{
    void *p = mpyi_new_aligned_is_own() ? mpyi_aligned(alignment, n, MPYI_CALLER) : NULL;
    return p != NULL
               ? p
               : runtime_aligned_nothrow("_ZnamSt11align_val_tRKSt9nothrow_t", n, alignment, tag);
}

/* ---- delete ---------------------------------------------------------------------------------- */

void
mpyi_delete_array(void *p)
{
    mpyi_delete(p);
}

void
mpyi_delete_sized(void *p, size_t n)
{
    (void)n;
    mpyi_delete(p);
}

void
mpyi_delete_array_sized(void *p, size_t n)
{
    (void)n;
    mpyi_delete_array(p);
}

void
mpyi_delete_nothrow(void *p, const void *tag)
{
    (void)tag;
    mpyi_delete(p);
}

void
mpyi_delete_array_nothrow(void *p, const void *tag)
{
    (void)tag;
    mpyi_delete_array(p);
}

void
mpyi_delete_array_aligned(void *p, size_t alignment)
{
    mpyi_delete_aligned(p, alignment);
}

void
mpyi_delete_sized_aligned(void *p, size_t n, size_t alignment)
{
    (void)n;
    mpyi_delete_aligned(p, alignment);
}

void
mpyi_delete_array_sized_aligned(void *p, size_t n, size_t alignment)
{
    (void)n;
    mpyi_delete_array_aligned(p, alignment);
}

void
mpyi_delete_aligned_nothrow(void *p, size_t alignment, const void *tag)
{
    (void)tag;
    mpyi_delete_aligned(p, alignment);
}

void
mpyi_delete_array_aligned_nothrow(void *p, size_t alignment, const void *tag)
{
    (void)tag;
    mpyi_delete_array_aligned(p, alignment);
}
