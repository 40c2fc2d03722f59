/* SPDX-License-Identifier: MIT */
/*
 * gc/mark.c - the second pass: what can be reached from outside stops being white.
 *
 * Roots are the white objects whose count and expected count differ, found 64 at a time. From them
 * marking goes depth first, but every object waits a while between being found and being read: its
 * address enters a ring of FETCH entries and its memory is asked for. That hides most of the 80 ns
 * which a random access to a large heap costs, and is where this pass gets its speed.
 *
 *       root --> [ring, prefetched] --> scan: children --> ring, when it has room
 *                  ^       ^                     \-------> stack, when that has room
 *                  |       \------- stack         \------> pending, a bit a granule
 *                  \--- pending, swept in address order
 *
 * The stack is bounded and overflows into a bitmap, so marking never needs memory. Objects with
 * many references go to the bitmap at once, where address order pays.
 *
 *   white   clear: not part of the pass, or reached
 *   pending set:   reached, not scanned yet; never white at the same time
 *   ring and stack are empty whenever a word of the bitmaps is done
 *
 * Lock: the runtime's; nothing may change objects meanwhile.
 */
#include "gc/internal.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define RING  32u /* power of two */
#define FETCH 12u /* entries in the ring before the oldest is read */
#define MANY  64u /* references that are not worth a place in ring and stack */

/* An entry of the ring whose array is being fetched. */
#define ARRAY_TAG ((uintptr_t)1)

/* What the loops of marking need, copied out of the pass and never pointed at: so stores into the
   bitmaps cannot change it as far as the compiler knows, and it stays in registers. */
struct marker {
    uintptr_t base;
    uint64_t limit;
    uint64_t *white, *pending;
    const uint8_t *classes;
    uintptr_t *ring;     /* RING entries */
    mpy_object **stack;  /* MPYI_GC_MARK_STACK entries */
    unsigned depth;      /* entries of stack */
    unsigned head, tail; /* ring entries head .. tail - 1, modulo RING */
    size_t word;         /* word of the bitmaps being worked on */
    size_t again;        /* lowest word that has to be swept again */
};

#define FORCE_INLINE inline __attribute__((always_inline))

/* ---- comparing counts -------------------------------------------------------------------------
 */

uint64_t
mpyi_gc_equal64_portable(const uint8_t *a, const uint8_t *b)
{
    const uint64_t low7 = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t equal = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t x;
        uint64_t y;
        __builtin_memcpy(&x, a + i * 8, sizeof x);
        __builtin_memcpy(&y, b + i * 8, sizeof y);
        x ^= y;
        /* The top bit of each byte that is 0, then the 8 of them side by side. */
        x = ~(((x & low7) + low7) | x | low7);
        equal |= ((x >> 7) * UINT64_C(0x0102040810204080) >> 56) << (i * 8);
    }
    return equal;
}

uint64_t
mpyi_gc_equal64(const uint8_t *a, const uint8_t *b)
{
#if defined(__SSE2__)
    uint64_t equal = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i x = _mm_load_si128((const __m128i *)(const void *)(a + i * 16));
        __m128i y = _mm_load_si128((const __m128i *)(const void *)(b + i * 16));
        uint64_t bits = (uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));
        equal |= bits << (i * 16);
    }
    return equal;
#else
    return mpyi_gc_equal64_portable(a, b);
#endif
}

/* Objects with 256 references or more: makes the low bytes say what the full comparison says. */
static void
settle_big(struct mpyi_gc_pass *pass)
{
    for (size_t i = pass->from; i < pass->to; i++) {
        for (uint64_t bits = pass->pending[i]; bits != 0; bits &= bits - 1) {
            size_t granule = i * 64 + mpyi_ctz64(bits);
            mpy_object *o = mpyi_gc_object_at(pass, granule);
            uint64_t expected = mpyi_gc_expected(o, mpyi_gc_type(o)) - pass->held;
            uint8_t low = pass->count[granule];
            int balanced = mpyi_gc_side_counted(pass, granule) == expected;
            pass->low[granule] = (uint8_t)(balanced ? low : low + 1);
        }
        pass->pending[i] = 0;
    }
}

/* ---- marking ----------------------------------------------------------------------------------
 */

static FORCE_INLINE void
ring_push(struct marker *m, uintptr_t entry)
{
    m->ring[m->tail++ % RING] = entry;
}

/* Marks the object that a word refers to. 1: it was white; then *granule is set. */
static FORCE_INLINE int
blacken(uintptr_t base, uint64_t limit, uint64_t *white, const mpy_object *child, size_t *granule)
{
    uint64_t r = mpyi_gc_rotated(base, child);
    uint64_t bit;
    uint64_t old;
    if (r >= limit) {
        return 0;
    }
    bit = UINT64_C(1) << (r >> 2 & 63);
    old = white[r >> 8];
    if ((old & bit) == 0) {
        return 0;
    }
    white[r >> 8] = old & ~bit;
    *granule = (size_t)(r >> 2);
    return 1;
}

static FORCE_INLINE void
set_pending(struct marker *m, size_t granule)
{
    size_t word = granule >> 6;
    m->pending[word] |= UINT64_C(1) << (granule & 63);
    if (word <= m->word && word < m->again) {
        m->again = word;
    }
}

/* A reference was found: if it makes its object black, the object has to be scanned. */
static FORCE_INLINE void
reach(struct marker *m, mpy_object *child)
{
    size_t granule;
    if (!blacken(m->base, m->limit, m->white, child, &granule)) {
        return;
    }
    if (m->tail - m->head < RING - 2) {
        __builtin_prefetch(child);
        ring_push(m, (uintptr_t)child);
    } else if (MPY_LIKELY(m->depth < MPYI_GC_MARK_STACK)) {
        m->stack[m->depth++] = child;
    } else {
        set_pending(m, granule);
    }
}

static FORCE_INLINE void
reach_many(struct marker *m, struct mpyi_refs refs)
{
    for (size_t i = 0; i < refs.count; i++) {
        size_t granule;
        if (blacken(m->base, m->limit, m->white, refs.items[i], &granule)) {
            set_pending(m, granule);
        }
    }
}

/* For callbacks: a marker that they may point at. */
struct visit {
    struct mpyi_gc_pass *pass;
    size_t word, again;
};

static int
reach_visited(mpy_object *child, void *data)
{
    struct visit *visit = data;
    struct mpyi_gc_pass *pass = visit->pass;
    size_t granule;
    if (child != NULL && blacken(pass->base, pass->limit, pass->white, child, &granule)) {
        pass->pending[granule >> 6] |= UINT64_C(1) << (granule & 63);
        if (granule >> 6 <= visit->word && granule >> 6 < visit->again) {
            visit->again = granule >> 6;
        }
    }
    return 0;
}

static size_t
scan_custom(struct mpyi_gc_pass *pass, mpy_object *o, size_t word, size_t again)
    __attribute__((noinline));

/* What the callbacks of o know; the new value of marker.again. */
static size_t
scan_custom(struct mpyi_gc_pass *pass, mpy_object *o, size_t word, size_t again)
{
    struct visit visit = {pass, word, again};
    (void)mpyi_custom_traverse(o, mpyi_gc_type(o), reach_visited, &visit);
    return visit.again;
}

static FORCE_INLINE void
scan(struct marker *m, struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type)
{
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    if (MPY_UNLIKELY(type->layout == MPYI_LAYOUT_CUSTOM)) {
        m->again = scan_custom(pass, o, m->word, m->again);
    }
    if (MPY_UNLIKELY(refs.count > MANY)) {
        reach_many(m, refs);
    } else {
        mpy_object **ref = refs.items;
        for (size_t left = refs.count; left != 0; left--, ref++) {
            reach(m, *ref);
        }
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
        reach(m, mpyi_type_object(type));
    }
}

/* The oldest entry of the ring: an object's array is fetched before the object is scanned. */
static FORCE_INLINE void
advance(struct marker *m, struct mpyi_gc_pass *pass)
{
    uintptr_t entry = m->ring[m->head++ % RING];
    mpy_object *o = (mpy_object *)(entry & ~ARRAY_TAG);
    const struct mpyi_type *type = mpyi_gc_type(o);
    if ((entry & ARRAY_TAG) == 0 && type->layout == MPYI_LAYOUT_INDIRECT) {
        struct mpyi_refs refs = mpyi_gc_refs(o, type);
        if (refs.count > 0) {
            __builtin_prefetch(refs.items);
            ring_push(m, entry | ARRAY_TAG);
            return;
        }
    }
    scan(m, pass, o, type);
}

/* Works until at most `keep` entries wait in the ring and none on the stack. */
static FORCE_INLINE void
work(struct marker *m, struct mpyi_gc_pass *pass, unsigned keep)
{
    while (m->tail - m->head > keep || m->depth > 0) {
        while (m->depth > 0 && m->tail - m->head < FETCH) {
            mpy_object *o = m->stack[--m->depth];
            __builtin_prefetch(o);
            ring_push(m, (uintptr_t)o);
        }
        advance(m, pass);
    }
}

/* Scans the objects of a word, all of them black already. */
static FORCE_INLINE void
mark_word(struct marker *m, struct mpyi_gc_pass *pass, uint64_t found)
{
    while (found != 0) {
        size_t granule = m->word * 64 + mpyi_ctz64(found);
        mpy_object *o = mpyi_gc_object_in(m->base, m->classes, granule);
        found &= found - 1;
        __builtin_prefetch(o);
        ring_push(m, (uintptr_t)o);
        if (m->tail - m->head >= FETCH || found == 0) {
            work(m, pass, found != 0 ? FETCH / 2 : 0);
        }
    }
}

/* The white objects of a word that something outside refers to. */
static inline uint64_t
roots_of_word(const struct mpyi_gc_pass *pass, size_t i)
{
    uint64_t white = pass->white[i];
    return white == 0 ? 0 : white & ~mpyi_gc_equal64(pass->count + i * 64, pass->low + i * 64);
}

void
mpyi_gc_mark(struct mpyi_gc_pass *pass)
{
    uintptr_t ring[RING];
    struct marker m = {
        .base = pass->base,
        .limit = pass->limit,
        .white = pass->white,
        .pending = pass->pending,
        .classes = pass->space->classes,
        .ring = ring,
        .stack = pass->state->mark_stack,
        .again = pass->from,
    };
    size_t end = pass->to;
    int first_sweep = 1;
    if (pass->any_big) {
        settle_big(pass);
    }
    while (m.again < end) {
        m.word = m.again;
        m.again = end;
        for (; m.word < end; m.word++) {
            uint64_t found = m.pending[m.word];
            if (first_sweep) {
                found |= roots_of_word(pass, m.word);
            }
            while (found != 0) {
                m.pending[m.word] = 0;
                m.white[m.word] &= ~found;
                mark_word(&m, pass, found);
                found = m.pending[m.word];
            }
        }
        first_sweep = 0;
    }
}

uint64_t
mpyi_gc_count_white(const struct mpyi_gc_pass *pass)
{
    uint64_t n = 0;
    for (size_t i = pass->from; i < pass->to; i++) {
        n += mpyi_popcount64(pass->white[i]);
    }
    return n;
}
