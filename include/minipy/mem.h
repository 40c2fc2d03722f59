/* SPDX-License-Identifier: MIT */
/*
 * minipy/mem.h - the allocator: three domains of memory, as CPython has them.
 *
 *   mpy_raw_*  the system allocator.
 *   mpy_mem_*  pools of this library for requests of up to MPY_SMALL_MAX bytes; a heap per thread,
 *              no lock; any thread may free any block. Larger requests go to malloc.
 *   mpy_obj_*  the same over a heap that belongs to the current runtime; freed with the runtime.
 *
 * Rules of all three
 *   Sizes are bytes. A request of 0 bytes gives a unique pointer. NULL may be freed. A block is
 *   freed by its own domain, and only once. On failure a function returns NULL, changes nothing,
 *   and (mem, raw) leaves MPY_E_NOMEM in mpy_status_last(); the obj domain raises MemoryError.
 *   free_sized() takes the size that was last requested for the block; it saves the look-up.
 *
 * Alignment
 *   mem and raw: 16 bytes for requests of 16 bytes and more (sizes are rounded up to a multiple
 *   of 16), 8 bytes below. obj: 8 bytes, sizes rounded up to a multiple of 8.
 *
 * Threads
 *   raw and mem: any thread, never blocks on a lock in the common case. obj: the thread must be
 *   attached and hold the runtime's lock; without it the functions fail cleanly.
 */
#ifndef MPY_MEM_H
#define MPY_MEM_H

#include "minipy/base.h"

/* Geometry, fixed. An arena is a run of 64 pools; a pool holds blocks of one size class. */
#define MPY_ARENA_SIZE  262144u
#define MPY_POOL_SIZE   4096u
#define MPY_SMALL_MAX   512u
#define MPY_CLASS_COUNT 64

MPY_EXTERN_C_BEGIN

typedef struct mpy_runtime mpy_runtime;

/*
 * What inlined callers know of a heap: one magazine ("bin") a size class, of two arrays. A malloc
 * takes the block below `top`, unless top == lo: nothing left. A free writes to `put`, unless
 * put == hi: no room. Out of line the arrays then change places. Two, so that a malloc never reads
 * what the free before it is about to write. A closed bin has top == lo and put == hi, so every
 * inlined call goes out of line. bins[0] is always closed.
 */
struct mpy_priv_bin {
    void **top;
    void **lo;
    void **put;
    void **hi;
};

struct mpy_priv_heap {
    struct mpy_priv_bin bins[MPY_CLASS_COUNT + 1];
};

/* The library's words in thread-local storage. `mem` and `obj` are never NULL: a thread without a
   heap points at a static closed one. */
struct mpy_priv_tls {
    struct mpy_priv_heap *mem;
    struct mpy_priv_heap *obj;
    void *thread; /* the attached thread state that holds its runtime's lock, or NULL */
};

extern MPY_API_DATA __thread struct mpy_priv_tls mpy_priv_tls
    __attribute__((tls_model("initial-exec")));

/* ---- raw: the system allocator ------------------------------------------------------------ */

MPY_NODISCARD MPY_API void *
mpy_raw_malloc(size_t n);

/* Zeroed memory for nelem * elsize bytes; NULL when the product overflows. */
MPY_NODISCARD MPY_API void *
mpy_raw_calloc(size_t nelem, size_t elsize);

/* Changes the size, moving the block if needed. p NULL: malloc. On failure p is unchanged. */
MPY_NODISCARD MPY_API void *
mpy_raw_realloc(void *p, size_t n);

MPY_API void
mpy_raw_free(void *p);

MPY_API void
mpy_raw_free_sized(void *p, size_t n);

/* ---- mem: any thread, no lock -------------------------------------------------------------- */

/* Out-of-line forms of the functions below. */
MPY_NODISCARD MPY_API void *
mpy_priv_mem_malloc(size_t n);

MPY_API void
mpy_priv_mem_free_sized(void *p, size_t n);

MPY_NODISCARD MPY_API void *
mpy_priv_obj_malloc(size_t n);

MPY_API void
mpy_priv_obj_free_sized(void *p, size_t n);

/* Size class of a request of 1..MPY_SMALL_MAX bytes: the block has 8 * class bytes. */
MPY_INLINE unsigned
mpy_priv_mem_class(size_t n)
{
    return ((unsigned)((n + 15) >> 4) << 1) - (n <= 8);
}

MPY_INLINE unsigned
mpy_priv_obj_class(size_t n)
{
    return n <= 8 ? 1u : (unsigned)((n + 7) >> 3);
}

/* Pops a block; NULL when there is none to pop, or the bin is closed. The block's memory is not
   touched. */
MPY_INLINE void *
mpy_priv_bin_pop(struct mpy_priv_bin *bin)
{
    void **top = bin->top;
    if (MPY_LIKELY(top != bin->lo)) {
        void *p = *--top;
        bin->top = top;
        if (p == NULL) {
            __builtin_unreachable(); /* spares callers that test for NULL a second test */
        }
        return p;
    }
    return NULL;
}

/* Pushes a block; 0 when there is no room to push, or the bin is closed. */
MPY_INLINE int
mpy_priv_bin_push(struct mpy_priv_bin *bin, void *p)
{
    void **put = bin->put;
    if (MPY_LIKELY(put != bin->hi)) {
        *put = p;
        bin->put = put + 1;
        return 1;
    }
    return 0;
}

/* The same where the class is known at once, by a constant size or in the obj domain: onto malloc's
   own array, while that holds 1 to 31 blocks, so that the block just freed, whose lines are in the
   cache, comes next. */
MPY_INLINE int
mpy_priv_bin_push_near(struct mpy_priv_bin *bin, void *p)
{
    void **top = bin->top;
    if (MPY_LIKELY((uintptr_t)top - (uintptr_t)bin->lo - sizeof *top < 31 * sizeof *top)) {
        *top = p;
        bin->top = top + 1;
        return 1;
    }
    return mpy_priv_bin_push(bin, p);
}

/* Sizes whose fast path is worth a host's code: constants that have a size class. A host under
   AddressSanitizer takes the call, which knows the true size; its magazines are closed anyway. */
#if defined(__SANITIZE_ADDRESS__)
#define MPY_PRIV_INLINE_SIZE(n) 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MPY_PRIV_INLINE_SIZE(n) 0
#endif
#endif
#ifndef MPY_PRIV_INLINE_SIZE
#define MPY_PRIV_INLINE_SIZE(n) (__builtin_constant_p(n) && (n)-1 < MPY_SMALL_MAX)
#endif

#ifdef MPY_NO_INLINE

MPY_NODISCARD MPY_API void *
mpy_mem_malloc(size_t n);

MPY_API void
mpy_mem_free_sized(void *p, size_t n);

MPY_NODISCARD MPY_API void *
mpy_obj_malloc(size_t n);

MPY_API void
mpy_obj_free_sized(void *p, size_t n);

#else

/* A block of at least n bytes, contents indeterminate; NULL when out of memory. O(1). */
MPY_NODISCARD MPY_INLINE void *
mpy_mem_malloc(size_t n)
{
    if (MPY_PRIV_INLINE_SIZE(n)) {
        void *p = mpy_priv_bin_pop(&mpy_priv_tls.mem->bins[mpy_priv_mem_class(n)]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return mpy_priv_mem_malloc(n);
}

/* Frees p, whose last requested size was n. p may be NULL. O(1). */
MPY_INLINE void
mpy_mem_free_sized(void *p, size_t n)
{
    if (MPY_PRIV_INLINE_SIZE(n) && MPY_LIKELY(p != NULL) &&
        mpy_priv_bin_push_near(&mpy_priv_tls.mem->bins[mpy_priv_mem_class(n)], p)) {
        return;
    }
    mpy_priv_mem_free_sized(p, n);
}

/* As mpy_mem_malloc, from the heap of the current runtime; raises MemoryError. Lock needed. */
MPY_NODISCARD MPY_INLINE void *
mpy_obj_malloc(size_t n)
{
    if (MPY_PRIV_INLINE_SIZE(n)) {
        void *p = mpy_priv_bin_pop(&mpy_priv_tls.obj->bins[mpy_priv_obj_class(n)]);
        if (MPY_LIKELY(p != NULL)) {
            return p;
        }
    }
    return mpy_priv_obj_malloc(n);
}

/* As mpy_mem_free_sized, for blocks of the current runtime's heap. Lock needed. */
MPY_INLINE void
mpy_obj_free_sized(void *p, size_t n)
{
    if (MPY_PRIV_INLINE_SIZE(n) && MPY_LIKELY(p != NULL) &&
        mpy_priv_bin_push_near(&mpy_priv_tls.obj->bins[mpy_priv_obj_class(n)], p)) {
        return;
    }
    mpy_priv_obj_free_sized(p, n);
}

#endif /* MPY_NO_INLINE */

/* Zeroed memory for nelem * elsize bytes; NULL when the product overflows. */
MPY_NODISCARD MPY_API void *
mpy_mem_calloc(size_t nelem, size_t elsize);

/* Changes the size to n. All bytes up to the smaller of mpy_mem_usable_size(p) and the new size
   are kept. p NULL: malloc; n 0: a block of size 0, never a free. On failure p is unchanged. */
MPY_NODISCARD MPY_API void *
mpy_mem_realloc(void *p, size_t n);

/* Frees a block of any size from any thread. O(1). */
MPY_API void
mpy_mem_free(void *p);

/* A block whose address is a multiple of `alignment`, a power of two; NULL otherwise, with
   MPY_E_INVAL. Freed by mpy_mem_free, never by mpy_mem_free_sized. */
MPY_NODISCARD MPY_API void *
mpy_mem_aligned_alloc(size_t alignment, size_t n);

/* Bytes that may be used in the block: at least what was requested. 0 for NULL. */
MPY_API size_t
mpy_mem_usable_size(const void *p);

/* Copy of the first n bytes of s, or up to its NUL, terminated by a NUL; freed by mpy_mem_free. */
MPY_NODISCARD MPY_API char *
mpy_mem_strndup(const char *s, size_t n);

/* ---- obj: the current runtime's heap, lock held --------------------------------------------- */

MPY_NODISCARD MPY_API void *
mpy_obj_calloc(size_t nelem, size_t elsize);

MPY_NODISCARD MPY_API void *
mpy_obj_realloc(void *p, size_t n);

MPY_API void
mpy_obj_free(void *p);

/* ---- giving memory back ---------------------------------------------------------------------- */

/* Empties the calling thread's magazines (rt NULL) or the runtime's (lock held), and returns empty
   arenas to the system until at most keep_bytes of them are kept. *released, unless NULL, gets the
   number of bytes returned. 0, or -1 when rt is not the current runtime. Cost: proportional to the
   number of arenas. */
MPY_NODISCARD MPY_API int
mpy_mem_trim(mpy_runtime *rt, size_t keep_bytes, size_t *released);

/* Changes how many bytes of free memory are kept for reuse: empty arenas of the process (rt NULL)
   or of each of the two spaces of a runtime (lock held), and freed blocks above MPY_SMALL_MAX in
   the cache of a thread or of the runtime. What is above that goes back at once; other threads'
   caches follow when their threads take a slow path. Before the first call MINIPY_KEEP_BYTES and
   MINIPY_LARGE_CACHE_BYTES say; more than the latter is never cached. 0, or -1 when rt is not the
   current runtime. Cost: proportional to what is given back. */
MPY_NODISCARD MPY_API int
mpy_mem_set_keep(mpy_runtime *rt, size_t keep_bytes);

/* ---- limits of the process ------------------------------------------------------------------- */

/* Most bytes that raw, mem and the regions of the process may use together; 0: no limit. A runtime
   has its own (mpy_runtime_set_limit). What counts: pools (4 KiB each) that belong to threads and
   regions, empty ones they keep included; larger blocks, with those that wait in a thread's cache;
   raw blocks. It is enforced when another pool, larger or raw block is wanted: blocks of pools
   that are there already are still given out. What is wanted is counted first, by one atomic step
   that fails when it does not fit, so several threads together never pass the limit, by one byte.
   Then the thread's caches are emptied, then the pressure callback is asked, then the request
   fails with MPY_E_NOMEM and nothing is changed.
   A limit below what is in use frees nothing: it makes the next such request fail. Any thread.
   Without a limit threads count larger blocks in advance: up to 128 KiB of each other thread stay
   counted, without being in use, until it next takes or gives a larger block; so does the last one
   that it gave, of less than 32 MiB. What ended threads have left for the next goes back first.
   Cost: that, as a rule constant. */
MPY_API void
mpy_mem_set_limit(uint64_t bytes);

/* 0: none. Any thread. */
MPY_API uint64_t
mpy_mem_get_limit(void);

/* Bytes in use as the limit counts them: under a limit exact, without one up to 128 KiB and a block
   more for each other thread (see above). What ended threads have left for the next goes back
   first. Cost: that, as a rule constant. Any thread. */
MPY_API uint64_t
mpy_mem_used(void);

/* What a pressure callback is told. */
typedef struct mpy_pressure {
    uint32_t size, version; /* sizeof(mpy_pressure), 1 */
    mpy_runtime *rt;        /* NULL: the process */
    uint64_t requested;     /* bytes of the request that is about to fail; 0: soft limit passed */
    uint64_t used, limit;   /* as the limit counts; limit 0: none */
} mpy_pressure;

/* Frees what it can spare. 1: something was freed (or the limit raised), the request is tried
   again, once; 0: it fails. */
typedef int (*mpy_pressure_fn)(void *data, const mpy_pressure *pressure);

/* Sets the callback for the process (rt NULL, any thread) or a runtime (the current one, lock
   held); fn NULL removes it. It is called when a request is about to fail because of a limit or the
   system, not because of mpy_debug_fail_alloc(); in a runtime after an emergency collection and
   before MemoryError. With soft_bytes it is also called when slow paths find more than that in
   use, once until usage was below again.

   The callback runs in the thread that asked for memory, with no lock of the allocator held. It may
   free, allocate (a request that does not fit fails without calling it again) and change limits;
   it may not take locks that its thread could hold around an allocation. That of the process may
   be called by several threads at once. That of a runtime may be called in the middle of any
   operation on objects, so it may use mpy_mem_*, mpy_obj_*, mpy_region_* and
   mpy_runtime_set_limit(), but no object.
   0, or -1 with MPY_E_INVAL when rt is not the current runtime. A call may still be on its way in
   another thread when the callback of the process is replaced: `data` has to outlive that. */
MPY_NODISCARD MPY_API int
mpy_mem_on_pressure(mpy_runtime *rt, uint64_t soft_bytes, mpy_pressure_fn fn, void *data);

/* ---- allocators of the host ------------------------------------------------------------------ */

#define MPY_DOMAIN_RAW 0
#define MPY_DOMAIN_MEM 1
#define MPY_DOMAIN_OBJ 2 /* of a runtime: mpy_config_set_allocator() */

/* "It can free and resize every block of the domain that is alive": a wrapper that hands every call
   on to the allocator it found, or that allocator itself. */
#define MPY_ALLOCATOR_COMPATIBLE 1u

/* What serves a domain. Functions get `ctx`; sizes are at least 1 and at most PTRDIFF_MAX. Blocks
   are aligned as the domain promises: 16 bytes serve all. NULL from an allocating function: out of
   memory, nothing changed. `p` of realloc, free, free_sized and usable_size is a live block, never
   NULL. The last three may be NULL: free is called instead of free_sized; requests with an
   alignment above 16 fail; mpy_mem_usable_size() is 0. mem and raw call from any thread, at the
   same time; obj with the runtime's lock. No lock of the allocator is held, but the function may
   call only the previous allocator of its domain, not the domain itself. */
typedef struct mpy_allocator {
    uint32_t size, version; /* sizeof(mpy_allocator), 1 */
    uint32_t flags;         /* MPY_ALLOCATOR_* */
    uint32_t reserved;      /* 0 */
    void *ctx;
    void *(*malloc)(void *ctx, size_t n);
    void *(*calloc)(void *ctx, size_t nelem, size_t elsize);
    void *(*realloc)(void *ctx, void *p, size_t n);
    void (*free)(void *ctx, void *p);
    void (*free_sized)(void *ctx, void *p, size_t n);
    void *(*aligned_alloc)(void *ctx, size_t alignment, size_t n);
    size_t (*usable_size)(void *ctx, const void *p);
} mpy_allocator;

/* Replaces the allocator of MPY_DOMAIN_RAW or MPY_DOMAIN_MEM for the process; *allocator is copied.
   Blocks that are alive are freed by whoever is installed when they are freed. So after the
   domain's first allocation only an allocator with MPY_ALLOCATOR_COMPATIBLE is taken. To chain, get
   the previous one first and call it; to remove a wrapper, set what was got, with that flag. A mem
   allocator closes the magazines: every request is a call. Other threads follow at their next slow
   path. Failures on demand and checks go on above it; limits and statistics of this library do not
   see a host's blocks. Regions keep pools of their own. 0, or -1: MPY_E_BUSY (not compatible, and
   blocks may be alive), MPY_E_INVAL (domain, NULL, size, a required function is missing),
   MPY_E_NOMEM. Any thread. */
MPY_NODISCARD MPY_API int
mpy_mem_set_allocator(int domain, const mpy_allocator *allocator);

/* The one in force: the library's own, or the host's that was set last. 0, or -1 with MPY_E_INVAL.
   Its functions may be called directly. Any thread. */
MPY_NODISCARD MPY_API int
mpy_mem_get_allocator(int domain, mpy_allocator *out);

/* ---- arenas of the host ---------------------------------------------------------------------- */

/* Supplies the memory that pools are cut from. alloc gives `size` bytes at a multiple of
   `alignment`, readable and writable, contents of no matter, or NULL; free takes one such piece
   back, whole. Asked for are arenas of MPY_ARENA_SIZE at a multiple of it, one by one, and given
   back when they have been empty for a while or at a trim. GC cells of a runtime have to lie in one
   range: for them the host is asked once, for 64 MiB or what the option "gc.range_bytes" says, and
   has it back when the runtime ends. Called with a lock of the allocator held: neither function may
   call mpy_mem_*, mpy_region_* or the runtime. Tables, and blocks above MPY_SMALL_MAX, are not
   pools. */
typedef struct mpy_arena_allocator {
    uint32_t size, version; /* sizeof(mpy_arena_allocator), 1 */
    void *ctx;
    void *(*alloc)(void *ctx, size_t size, size_t alignment);
    void (*free)(void *ctx, void *p, size_t size);
} mpy_arena_allocator;

/* Who supplies the arenas of mem and of the regions of the process; copied. Only before the first
   allocation of mem (or a statistic of it): MPY_E_BUSY later. 0, or -1 with MPY_E_INVAL when it is
   NULL, too small or lacks a function. Any thread. */
MPY_NODISCARD MPY_API int
mpy_mem_set_arena_allocator(const mpy_arena_allocator *arenas);

/* The one in force: the host's, or the system's (mmap), for hosts that chain. 0, or -1 with
   MPY_E_INVAL. Any thread. */
MPY_NODISCARD MPY_API int
mpy_mem_get_arena_allocator(mpy_arena_allocator *out);

MPY_EXTERN_C_END

#endif /* MPY_MEM_H */
