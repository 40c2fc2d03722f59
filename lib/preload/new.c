/* SPDX-License-Identifier: MIT */
/*
 * preload/new.c - operator new and delete: the four that all other forms call.
 *
 * A failing operator new must call the new-handler again and again, and throw std::bad_alloc when
 * there is none. C can do neither without knowing a C++ runtime from inside. So when there is no
 * memory, the operator of the runtime that the program has loaded takes over: it asks malloc (this
 * library) once more, runs the handlers and throws. No symbol of libstdc++ is needed to load this
 * library. A C++ runtime loaded with RTLD_LOCAL is in no scope that dlsym() would search, hence the
 * list of names. Without any runtime there is nobody who could catch: the process ends with a
 * message.
 *
 * Compiled with -fexceptions: exceptions pass through these frames.
 *
 * Lock: none.
 */
#include "preload/new.h"

#include "base/assert.h"

#include <dlfcn.h>

void *
mpyi_cxx_runtime(const char *mangled)
{
    static const char *const names[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};
    void *found = mpyi_next(mangled);
    for (size_t i = 0; found == NULL && i < sizeof names / sizeof names[0]; i++) {
        void *library = dlopen(names[i], RTLD_LAZY | RTLD_NOLOAD);
        if (library != NULL) {
            found = dlsym(library, mangled);
            (void)dlclose(library);
        }
    }
    return found;
}

static MPYI_SLOW void *
out_of_memory(size_t n)
{
    void *(*runtime)(size_t) = NULL;
    *(void **)&runtime = mpyi_cxx_runtime("_Znwm");
    if (runtime == NULL) {
        mpyi_fatal("operator new: out of memory for %zu bytes, and no C++ runtime to throw "
                   "std::bad_alloc",
                   n);
    }
    return runtime(n);
}

static MPYI_SLOW void *
out_of_memory_aligned(size_t n, size_t alignment)
{
    void *(*runtime)(size_t, size_t) = NULL;
    *(void **)&runtime = mpyi_cxx_runtime("_ZnwmSt11align_val_t");
    if (runtime == NULL) {
        mpyi_fatal("operator new: out of memory for %zu bytes, and no C++ runtime to throw "
                   "std::bad_alloc",
                   n);
    }
    return runtime(n, alignment);
}

static MPYI_HOT void *
own_new(size_t n)
{
    void *p = mpyi_malloc(n);
    return MPY_LIKELY(p != NULL) ? p : out_of_memory(n);
}

static void *
own_new_aligned(size_t n, size_t alignment)
{
    void *p = mpyi_aligned(alignment, n, MPYI_CALLER);
    return MPY_LIKELY(p != NULL) ? p : out_of_memory_aligned(n, alignment);
}

void *
mpyi_new(size_t n) MPYI_HOT __attribute__((alias("own_new")));

void *
mpyi_new_aligned(size_t n, size_t alignment) __attribute__((alias("own_new_aligned")));

int
mpyi_new_is_own(void)
{
    return mpyi_new == own_new;
}

int
mpyi_new_aligned_is_own(void)
{
    return mpyi_new_aligned == own_new_aligned;
}

void
mpyi_delete(void *p)
{
    mpyi_free(p);
}

void
mpyi_delete_aligned(void *p, size_t alignment)
{
    (void)alignment;
    mpyi_free(p);
}
