/* SPDX-License-Identifier: MIT */
/*
 * gc/mark.c - the second pass: what can be reached from outside stops being white.
 *
 * From now on the table `low` holds the state of each granule, a byte:
 *
 *   DONE     no object of the pass begins here, or it is reached and scanned or about to be
 *   WHITE    an object that is not known to be reachable
 *   PENDING  reached, to be scanned when the sweep gets there
 *
 * Roots are the objects whose count and expected count differ; they begin as PENDING, found 16 at a
 * time. One sweep over the table in address order scans what is PENDING. A reference that leads on
 * in that direction makes its object PENDING, so most objects are read in the order of their
 * addresses, as a stream. What lies behind the sweep is scanned at once, depth first; it would
 * stall for a random access of 80 ns each, so such an object waits a while between being found and
 * being read: its address enters a ring and its memory is asked for.
 *
 *   sweep --> scan --> ahead:  PENDING, the sweep will find it
 *               ^ \--> behind: [ring, prefetched], when that is full the stack, when that is full
 *               |                |    ^-- stack    PENDING, for another sweep
 *               \----------------/
 *
 * Marking is over as soon as no WHITE is left: then what waits need not be read. So a list that
 * holds a whole heap spares reading the heap, where nothing is garbage.
 *
 * The stack is bounded and overflows into the table, so marking never needs memory. (A byte each
 * and no bitmap: objects that lie together are reached together, and with a bitmap each would wait
 * for the store of the one before.)
 *
 * Invariants: ring and stack are empty between sweeps; PENDING before the sweep only below `again`;
 * left is the number of WHITE.
 * At the end nothing is PENDING, unless nothing is WHITE; white has a bit for each WHITE.
 * Lock: the runtime's; nothing may change objects meanwhile.
 */
#include "gc/internal.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define RING        64u   /* power of two */
#define FETCH       16u   /* entries in the ring before the oldest is read */
#define DENSE       8u    /* objects among 64 granules: the processor fetches ahead by itself */
#define SWEEP_AHEAD 1024u /* bytes, with a little help */
#define MANY        64u   /* references that are not worth a place in ring and stack */

/* An entry of the ring whose array is being fetched. */
#define ARRAY_TAG ((uintptr_t)1)

#define DONE    MPYI_GC_STATE_DONE
#define WHITE   MPYI_GC_STATE_WHITE
#define PENDING MPYI_GC_STATE_PENDING

/* What the loops of marking need, copied out of the pass and never pointed at: so stores into the
   table cannot change it as far as the compiler knows, and it stays in registers. */
struct marker {
    uintptr_t base;
    uint64_t limit;
    uint8_t *states;
    const uint8_t *classes;
    uintptr_t *ring;              /* RING entries */
    mpy_object **stack;           /* MPYI_GC_MARK_STACK entries */
    const struct mpyi_type *type; /* of the object scanned last */
    unsigned depth;               /* entries of stack */
    unsigned head, tail;          /* ring entries head .. tail - 1, modulo RING */
    size_t ahead;                 /* first granule that the sweep has not reached */
    size_t again;                 /* lowest granule that has to be swept again */
    size_t left;                  /* granules that are WHITE */
};

#define FORCE_INLINE inline __attribute__((always_inline))

/* ---- 64 granules at a time --------------------------------------------------------------------
 */

uint64_t
mpyi_gc_states_begin_portable(uint8_t *low, const uint8_t *count, uint64_t white)
{
    uint64_t balanced = 0;
    for (unsigned i = 0; i < 64; i++) {
        uint64_t object = white >> i & 1;
        uint64_t equal = low[i] == count[i];
        balanced |= (object & equal) << i;
        low[i] = object == 0 ? DONE : equal != 0 ? WHITE : PENDING;
    }
    return balanced;
}

uint64_t
mpyi_gc_states_find_portable(const uint8_t *states, uint8_t wanted)
{
    const uint64_t low7 = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t found = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t x;
        __builtin_memcpy(&x, states + i * 8, sizeof x);
        x ^= wanted * UINT64_C(0x0101010101010101);
        /* The top bit of each byte that is 0, then the 8 of them side by side. */
        x = ~(((x & low7) + low7) | x | low7);
        found |= ((x >> 7) * UINT64_C(0x0102040810204080) >> 56) << (i * 8);
    }
    return found;
}

#if defined(__SSE2__)

uint64_t
mpyi_gc_states_begin(uint8_t *low, const uint8_t *count, uint64_t white)
{
    uint64_t balanced = 0;
    const __m128i bit = _mm_set1_epi64x((int64_t)UINT64_C(0x8040201008040201));
    const __m128i pending = _mm_set1_epi8(PENDING);
    for (unsigned i = 0; i < 4; i++, white >>= 16) {
        __m128i *at = (__m128i *)(void *)(low + i * 16);
        __m128i equal = _mm_cmpeq_epi8(*at, *(const __m128i *)(const void *)(count + i * 16));
        /* Each of the 16 bits in a byte of its own: 0xFF or 0. */
        __m128i object = _mm_cvtsi32_si128((int)(white & 0xFFFF));
        object = _mm_unpacklo_epi8(object, object);
        object = _mm_shufflelo_epi16(object, 0x50);
        object = _mm_shuffle_epi32(object, 0x50);
        object = _mm_cmpeq_epi8(_mm_and_si128(object, bit), bit);
        /* PENDING - 1 == WHITE */
        *at = _mm_and_si128(object, _mm_add_epi8(pending, equal));
        equal = _mm_and_si128(object, equal);
        balanced |= (uint64_t)(uint16_t)_mm_movemask_epi8(equal) << (i * 16);
    }
    return balanced;
}

uint64_t
mpyi_gc_states_find(const uint8_t *states, uint8_t wanted)
{
    const __m128i pattern = _mm_set1_epi8((char)wanted);
    uint64_t found = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i x = _mm_load_si128((const __m128i *)(const void *)(states + i * 16));
        uint64_t bits = (uint16_t)_mm_movemask_epi8(_mm_cmpeq_epi8(x, pattern));
        found |= bits << (i * 16);
    }
    return found;
}

#else

uint64_t
mpyi_gc_states_begin(uint8_t *low, const uint8_t *count, uint64_t white)
{
    return mpyi_gc_states_begin_portable(low, count, white);
}

uint64_t
mpyi_gc_states_find(const uint8_t *states, uint8_t wanted)
{
    return mpyi_gc_states_find_portable(states, wanted);
}

#endif

/* Objects with 256 references or more: their states follow from the full comparison. By how much
   that lowers the number of those that are WHITE. */
static size_t
settle_big(struct mpyi_gc_pass *pass)
{
    size_t fewer = 0;
    for (size_t i = pass->from; i < pass->to; i++) {
        for (uint64_t bits = pass->pending[i]; bits != 0; bits &= bits - 1) {
            size_t granule = i * 64 + mpyi_ctz64(bits);
            mpy_object *o = mpyi_gc_object_at(pass, granule);
            uint64_t expected = mpyi_gc_expected(o, mpyi_gc_type(o)) - pass->held;
            int balanced = mpyi_gc_side_counted(pass, granule) == expected;
            /* With the low bytes different they cannot be balanced. */
            fewer += pass->low[granule] == WHITE && !balanced;
            pass->low[granule] = balanced ? WHITE : PENDING;
        }
        pass->pending[i] = 0;
    }
    return fewer;
}

/* From counts to states; the number of those that are WHITE. */
static size_t
begin_states(struct mpyi_gc_pass *pass)
{
    size_t left = 0;
    for (size_t i = pass->from; i < pass->to; i++) {
        if (pass->white[i] != 0) {
            left += mpyi_popcount64(
                mpyi_gc_states_begin(pass->low + i * 64, pass->count + i * 64, pass->white[i]));
        }
    }
    if (pass->any_big) {
        left -= settle_big(pass);
    }
    return left;
}

/* ---- marking ----------------------------------------------------------------------------------
 */

static FORCE_INLINE void
ring_push(struct marker *m, uintptr_t entry)
{
    m->ring[m->tail++ % RING] = entry;
}

static FORCE_INLINE void
set_pending(struct marker *m, size_t granule)
{
    m->states[granule] = PENDING;
    if (granule < m->ahead && granule < m->again) {
        m->again = granule;
    }
}

/* A reference was found: if it leads to a white object, that has to be scanned. */
static FORCE_INLINE void
reach(struct marker *m, mpy_object *child, int use_ring)
{
    uint64_t r = mpyi_gc_rotated(m->base, child);
    size_t granule = (size_t)(r >> 2);
    if (r >= m->limit || m->states[granule] != WHITE) {
        return;
    }
    m->left--;
    if (granule >= m->ahead) {
        m->states[granule] = PENDING;
        return;
    }
    m->states[granule] = DONE;
    if (use_ring && m->tail - m->head < RING - 2) {
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
        uint64_t r = mpyi_gc_rotated(m->base, refs.items[i]);
        if (r < m->limit && m->states[r >> 2] == WHITE) {
            m->left--;
            set_pending(m, (size_t)(r >> 2));
        }
    }
}

/* Instances refer to their host's type; most often to the same as the one before. */
static FORCE_INLINE void
reach_type(struct marker *m, const struct mpyi_type *type, int use_ring)
{
    if (type != m->type) {
        m->type = type;
        if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
            reach(m, mpyi_type_object(type), use_ring);
        }
    }
}

/* For callbacks: a marker that they may point at. */
struct visit {
    struct mpyi_gc_pass *pass;
    size_t ahead, again, left;
};

static int
reach_visited(mpy_object *child, void *data)
{
    struct visit *visit = data;
    struct mpyi_gc_pass *pass = visit->pass;
    uint64_t r = mpyi_gc_rotated(pass->base, child);
    size_t granule = (size_t)(r >> 2);
    if (r < pass->limit && pass->low[granule] == WHITE) {
        pass->low[granule] = PENDING;
        visit->left--;
        if (granule < visit->ahead && granule < visit->again) {
            visit->again = granule;
        }
    }
    return 0;
}

static void
scan_custom(struct visit *visit, mpy_object *o) __attribute__((noinline));

/* What the callbacks of o know. */
static void
scan_custom(struct visit *visit, mpy_object *o)
{
    (void)mpyi_custom_traverse(o, mpyi_gc_type(o), reach_visited, visit);
}

static FORCE_INLINE void
reach_array(struct marker *m, mpy_object *const *items, size_t n, int use_ring)
{
    for (; n != 0; n--, items++) {
        reach(m, *items, use_ring);
    }
}

static FORCE_INLINE void
scan(struct marker *m, struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type)
{
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    if (MPY_UNLIKELY(type->layout == MPYI_LAYOUT_CUSTOM)) {
        struct visit visit = {pass, m->ahead, m->again, m->left};
        scan_custom(&visit, o);
        m->again = visit.again;
        m->left = visit.left;
    }
    if (MPY_UNLIKELY(refs.count > MANY)) {
        reach_many(m, refs);
    } else {
        reach_array(m, refs.items, refs.count, 1);
    }
    reach_type(m, type, 1);
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

/* The found objects of a word enter the ring, for they are few and far between. */
static FORCE_INLINE void
queue_word(struct marker *m, struct mpyi_gc_pass *pass, size_t word, uint64_t found)
{
    for (; found != 0; found &= found - 1) {
        size_t granule = word * 64 + mpyi_ctz64(found);
        mpy_object *o = mpyi_gc_object_in(m->base, m->classes, granule);
        m->states[granule] = DONE;
        __builtin_prefetch(o);
        ring_push(m, (uintptr_t)o);
        work(m, pass, FETCH - 1);
    }
}

/* Scans the found objects of a word in order, but for those of rare layouts, which it returns. What
   lies behind goes to the stack. */
static __attribute__((noinline)) uint64_t
scan_word(struct marker *shared, size_t word, uint64_t found)
{
    struct marker m = *shared;
    unsigned size_class = m.classes[word / MPYI_GC_POOL_WORDS];
    uint32_t inverse = mpyi_class_inverse[size_class];
    size_t size = mpyi_class_size(size_class);
    uintptr_t pool = m.base + (word / MPYI_GC_POOL_WORDS << MPYI_POOL_SHIFT);
    unsigned last = (unsigned)(word % MPYI_GC_POOL_WORDS) * 64 * 32 + 31;
    uint64_t rare = 0;
    for (; found != 0; found &= found - 1) {
        unsigned block = mpyi_block_index_by(inverse, mpyi_ctz64(found) * 32 + last);
        uintptr_t at = pool + block * size;
        const struct mpyi_type *type = mpyi_gc_type((mpy_object *)at);
        __builtin_prefetch((const void *)(at + SWEEP_AHEAD));
        if (MPY_UNLIKELY(type->layout != MPYI_LAYOUT_FIXED)) {
            rare |= found & -found;
            continue;
        }
        m.states[word * 64 + mpyi_ctz64(found)] = DONE;
        reach_array(&m, (mpy_object **)(at + type->ref_offset), type->ref_count, 0);
        reach_type(&m, type, 0);
    }
    shared->type = m.type;
    shared->depth = m.depth;
    shared->again = m.again;
    shared->left = m.left;
    return rare;
}

/* White is what is still WHITE. */
static void
end_states(struct mpyi_gc_pass *pass)
{
    for (size_t i = pass->from; i < pass->to; i++) {
        if (pass->white[i] != 0) {
            pass->white[i] = mpyi_gc_states_find(pass->low + i * 64, WHITE);
        }
    }
}

void
mpyi_gc_mark(struct mpyi_gc_pass *pass)
{
    uintptr_t ring[RING];
    struct marker m = {
        .base = pass->base,
        .limit = pass->limit,
        .states = pass->low,
        .classes = pass->space->classes,
        .ring = ring,
        .stack = pass->state->mark_stack,
        .again = pass->from * 64,
    };
    size_t end = pass->to;
    m.left = begin_states(pass);
    while (m.again < end * 64 && m.left != 0) {
        size_t word = m.again / 64;
        m.again = end * 64;
        for (; word < end && m.left != 0; word++) {
            uint64_t found = 0;
            m.ahead = (word + 1) * 64;
            if (pass->white[word] != 0) {
                found = mpyi_gc_states_find(m.states + word * 64, PENDING);
            }
            if (mpyi_popcount64(found) >= DENSE) {
                found = scan_word(&m, word, found);
            }
            queue_word(&m, pass, word, found);
            if (m.head != m.tail || m.depth != 0) {
                work(&m, pass, m.tail - m.head - 1);
            }
        }
        work(&m, pass, 0);
    }
    end_states(pass);
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
