/* SPDX-License-Identifier: MIT */
/*
 * gc/count.c - the first pass: how many references to each object come from objects.
 *
 * Pools in address order, blocks in address order: the objects themselves are read as a stream,
 * which the processor fetches ahead; only the counts, a byte for 32 bytes of heap, are hit at
 * random. Item arrays are elsewhere, so those of the objects a little ahead are asked for early.
 *
 * What is an object? A block that its pool's bitmap calls allocated and whose gcword says TRACKED.
 * Magazines are flushed before, so that no freed block passes for allocated. Objects under
 * construction and atoms are not tracked: what they refer to has a reference that nobody counts,
 * which makes it a root, as it has to be.
 *
 * Counts are kept modulo 256 and compared with the low byte of the object's own count. Objects with
 * 256 or more references are set aside in `pending` and compared in full before marking.
 *
 *   after a pass, for every white object that is no garbage itself: counted <= expected + held,
 *   and the difference is the number of references from outside
 *
 * An instance of a host's type counts as one reference to that type (the type's own count leaves
 * instances out, see mpyi_gc_expected()).
 *
 * Lock: the runtime's.
 */
#include "gc/internal.h"

#include <string.h>

/* Bytes ahead that objects, and objects ahead whose arrays, are fetched. */
#define FETCH_AHEAD 1024u
#define ARRAY_AHEAD 4u

/* What the inner loops need, apart from the pass: stores of bytes into the tables may change any
   memory as far as the compiler knows, but no variable whose address is not taken. */
struct counter {
    uintptr_t base;
    uint64_t limit;
    uint8_t *count;
    const struct mpyi_type *type; /* of hosts: its last instances, not yet counted as references */
    size_t instances;
    uint64_t origin; /* of the pool, in the units of mpyi_gc_rotated() .. */
    uint64_t spread; /* .. and the bits in which its references differ from that; FAR: they leave
                        the space, or the pool is not one of instances of one type */
    int begun;       /* objects of the pool have been met */
};

#define FAR UINT64_MAX

/* A pool in units of mpyi_gc_rotated(). */
#define POOL_SHIFT (MPYI_POOL_SHIFT - 3)

static inline struct counter
counter_of(const struct mpyi_gc_pass *pass)
{
    struct counter counter = {.base = pass->base, .limit = pass->limit, .count = pass->count};
    return counter;
}

static inline __attribute__((always_inline)) void
count_ref(struct counter counter, struct mpyi_gc_pass *pass, const mpy_object *child)
{
    uint64_t r = mpyi_gc_rotated(counter.base, child);
    if (r < counter.limit && MPY_UNLIKELY(++counter.count[r >> 2] == 0)) {
        mpyi_gc_side_carry(pass, r >> 2);
    }
}

/* Instances of one type come in rows: they are counted as references to it all at once. */
static __attribute__((noinline)) void
flush_type(const struct counter *counter, struct mpyi_gc_pass *pass, size_t n)
{
    uint64_t r = mpyi_gc_rotated(counter->base, mpyi_type_object(counter->type));
    if (n != 0 && r < counter->limit) {
        n += counter->count[r >> 2];
        counter->count[r >> 2] = (uint8_t)n;
        for (; n >= 256; n -= 256) {
            mpyi_gc_side_carry(pass, r >> 2);
        }
    }
}

static int
count_visited(mpy_object *child, void *data)
{
    struct mpyi_gc_pass *pass = data;
    if (child != NULL) {
        count_ref(counter_of(pass), pass, child);
    }
    return 0;
}

static void
count_custom(struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type)
    __attribute__((noinline));

static void
count_custom(struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type)
{
    (void)mpyi_custom_traverse(o, type, count_visited, pass);
}

static inline __attribute__((always_inline)) void
count_array(struct counter counter, struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n)
{
    for (; n != 0; n--, items++) {
        count_ref(counter, pass, *items);
    }
}

/* Not marked cold: gcc 12 would take all of the loop's way here for as cold as the call. */
static __attribute__((noinline)) void
carry(struct mpyi_gc_pass *pass, size_t granule)
{
    mpyi_gc_side_carry(pass, granule);
}

/* FAR if the word is a reference, else 0. */
static inline uint64_t
leads_out(const mpy_object *child)
{
    return child != NULL && mpy_priv_is_heap(child) ? FAR : 0;
}

/* The same for a pool's objects; where the references lead, as counter.spread has it. */
static inline __attribute__((always_inline)) uint64_t
count_near(struct counter counter, struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n)
{
    uint64_t spread = 0;
    for (; n != 0; n--, items++) {
        mpy_object *child = *items;
        uint64_t r = mpyi_gc_rotated(counter.base, child);
        if (r >= counter.limit) {
            spread |= leads_out(child);
            continue;
        }
        spread |= r ^ counter.origin;
        if (MPY_UNLIKELY(++counter.count[r >> 2] == 0)) {
            carry(pass, r >> 2);
        }
    }
    return spread;
}

static inline __attribute__((always_inline)) void
count_refs(struct counter counter, struct mpyi_gc_pass *pass, mpy_object *o,
           const struct mpyi_type *type)
{
    struct mpyi_refs refs = mpyi_gc_refs(o, type);
    count_array(counter, pass, refs.items, refs.count);
    if (MPY_UNLIKELY(type->layout == MPYI_LAYOUT_CUSTOM)) {
        count_custom(pass, o, type);
    }
    if ((type->traits & MPYI_TRAIT_HEAP) != 0) {
        count_ref(counter, pass, mpyi_type_object(type));
    }
}

static void
note_rare(struct mpyi_gc_pass *pass, size_t granule, uint64_t expected,
          const struct mpyi_type *type) __attribute__((noinline));

/* Objects with many references, and special ones. */
static void
note_rare(struct mpyi_gc_pass *pass, size_t granule, uint64_t expected,
          const struct mpyi_type *type)
{
    if (expected >= 256) {
        pass->pending[granule >> 6] |= UINT64_C(1) << (granule & 63);
        pass->any_big = 1;
    }
    if (mpyi_gc_is_special(type)) {
        pass->state->side.notes[granule / MPYI_GC_POOL_GRANULES] |= MPYI_GC_NOTE_SPECIAL;
        pass->any_special = 1;
    }
}

/* The expected count of a white object. */
static inline void
note_object(struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type, size_t granule,
            uint8_t *low, uint32_t held)
{
    uint64_t expected = mpyi_gc_expected(o, type) - held;
    int special = mpyi_gc_is_special(type);
    low[granule] = (uint8_t)expected;
    if (MPY_UNLIKELY((expected >= 256) | special)) {
        note_rare(pass, granule, expected, type);
    }
}

void
mpyi_gc_whiten(struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type)
{
    size_t granule = mpyi_gc_granule(pass, o);
    size_t word = granule >> 6;
    pass->white[word] |= UINT64_C(1) << (granule & 63);
    pass->from = word < pass->from ? word : pass->from;
    pass->to = word >= pass->to ? word + 1 : pass->to;
    pass->examined++;
    note_object(pass, o, type, granule, pass->low, pass->held);
}

/* The array of an object a little ahead will be wanted soon. */
static inline void
fetch_array(const char *block)
{
    const struct mpy_priv_header *head = (const struct mpy_priv_header *)(const void *)block;
    if ((head->gcword & MPY_PRIV_GC_TRACKED) != 0) {
        const struct mpyi_type *type = (const struct mpyi_type *)head->type;
        if (type->layout == MPYI_LAYOUT_INDIRECT) {
            __builtin_prefetch(*(void *const *)(const void *)(block + type->ref_offset));
        }
    }
}

/* An object of any layout, or of a type that needs care. */
static __attribute__((noinline)) void
count_any(struct mpyi_gc_pass *pass, mpy_object *o, const struct mpyi_type *type)
{
    note_object(pass, o, type, mpyi_gc_granule(pass, o), pass->low, 0);
    count_refs(counter_of(pass), pass, o, type);
}

/* Count and gcword of an object as they lie in memory, as one number. */
#define WORD(gcword) ((uint64_t)(gcword) << 32)
#define RARE         (MPYI_TRAIT_FINALIZE | MPYI_TRAIT_METATYPE)

/* One word of a pool's bitmap of allocated blocks. Those that are objects. spans: where their
   references lead is of interest. */
static inline __attribute__((always_inline)) uint64_t
count_blocks(struct counter *counter, struct mpyi_gc_pass *pass, char *first, size_t size,
             uint64_t allocated, int spans)
{
    struct counter c = *counter;
    uint8_t *low = pass->low;
    uint64_t objects = allocated;
    for (uint64_t left = allocated; left != 0; left &= left - 1) {
        unsigned i = mpyi_ctz64(left);
        char *block = first + i * size;
        uint64_t word;
        uint32_t traits;
        mpy_object **items;
        const struct mpyi_type *type = mpyi_gc_type((mpy_object *)(void *)block);
        memcpy(&word, block, sizeof word);
        __builtin_prefetch(block + FETCH_AHEAD);
        if (MPY_UNLIKELY((word & WORD(MPY_PRIV_GC_TRACKED)) == 0)) {
            objects &= ~(left & -left);
            continue;
        }
        if ((word & WORD(MPY_PRIV_GC_IDLE)) == 0) {
            mpyi_head((mpy_object *)(void *)block)->gcword =
                (uint32_t)(word >> 32) | MPY_PRIV_GC_IDLE;
        }
        traits = type->traits;
        if (MPY_UNLIKELY(type->layout != MPYI_LAYOUT_FIXED || (traits & RARE) != 0 ||
                         (uint32_t)word >= 256)) {
            if (i + ARRAY_AHEAD < 64 && (allocated >> (i + ARRAY_AHEAD) & 1) != 0) {
                fetch_array(block + ARRAY_AHEAD * size);
            }
            count_any(pass, (mpy_object *)(void *)block, type);
            c.spread = FAR;
            continue;
        }
        low[((uintptr_t)block - c.base) >> MPYI_GC_GRANULE_SHIFT] = (uint8_t)word;
        items = (mpy_object **)(void *)(block + type->ref_offset);
        if (spans) {
            c.spread |= count_near(c, pass, items, type->ref_count);
        } else {
            count_array(c, pass, items, type->ref_count);
        }
        if (MPY_LIKELY((traits & MPYI_TRAIT_HEAP) != 0)) {
            if (MPY_UNLIKELY(type != c.type)) {
                if (c.begun || left != allocated) {
                    c.spread = FAR;
                }
                flush_type(counter, pass, c.instances);
                c.instances = 0;
                counter->type = c.type = type;
            }
            c.instances++;
        } else {
            c.spread = FAR;
        }
    }
    counter->instances = c.instances;
    counter->spread = c.spread;
    counter->begun |= allocated != 0;
    return objects;
}

static __attribute__((noinline)) uint64_t
count_word(struct counter *counter, struct mpyi_gc_pass *pass, char *first, size_t size,
           uint64_t allocated)
{
    return count_blocks(counter, pass, first, size, allocated, 0);
}

static __attribute__((noinline)) uint64_t
count_word_spans(struct counter *counter, struct mpyi_gc_pass *pass, char *first, size_t size,
                 uint64_t allocated)
{
    return count_blocks(counter, pass, first, size, allocated, 1);
}

/* How far the references of a pool lead. */
static void
note_span(struct mpyi_gc_pass *pass, size_t index, uint64_t spread)
{
    uint64_t pools = spread >> POOL_SHIFT;
    unsigned k = pools == 0 ? 0 : mpyi_log2(pools) + 1;
    if (k < MPYI_GC_NOTE_SPAN) {
        pass->state->side.notes[index] |= (uint8_t)(k + 1);
        pass->any_span = 1;
    }
}

/* A pool; its objects. */
static void
count_pool(struct counter *counter, struct mpyi_gc_pass *pass, size_t index, size_t size,
           uint64_t blocks[2])
{
    char *first = (char *)pass->base + (index << MPYI_POOL_SHIFT);
    mpyi_pool_allocated_bits(&pass->space->pools[index], blocks);
    if (!pass->state->expect_garbage) {
        blocks[0] = count_word(counter, pass, first, size, blocks[0]);
        blocks[1] = count_word(counter, pass, first + 64 * size, size, blocks[1]);
        return;
    }
    counter->origin = (uint64_t)index << POOL_SHIFT;
    counter->spread = 0;
    counter->begun = 0;
    blocks[0] = count_word_spans(counter, pass, first, size, blocks[0]);
    blocks[1] = count_word_spans(counter, pass, first + 64 * size, size, blocks[1]);
    note_span(pass, index, counter->spread);
}

/* The granules in which blocks of a pool begin. */
static void
granules_of_blocks(unsigned size_class, const uint64_t blocks[2], uint64_t granules[2])
{
    granules[0] = granules[1] = 0;
    for (unsigned w = 0; w < 2; w++) {
        for (uint64_t left = blocks[w]; left != 0; left &= left - 1) {
            size_t granule = (w * 64 + mpyi_ctz64(left)) * mpyi_class_size(size_class) / 32;
            granules[granule >> 6] |= UINT64_C(1) << (granule & 63);
        }
    }
}

/* White bits of the pools of a class that consist of objects: made when the first is met. */
struct full_pool {
    uint64_t blocks[2], white[2];
};

static void
whiten_pool(struct mpyi_gc_pass *pass, size_t index, const uint64_t objects[2],
            struct full_pool *full)
{
    uint64_t *white = pass->white + index * MPYI_GC_POOL_WORDS;
    if (objects[0] != full->blocks[0] || objects[1] != full->blocks[1]) {
        full->blocks[0] = objects[0];
        full->blocks[1] = objects[1];
        granules_of_blocks(pass->space->classes[index], objects, full->white);
    }
    white[0] = full->white[0];
    white[1] = full->white[1];
    pass->examined += mpyi_popcount64(objects[0]) + mpyi_popcount64(objects[1]);
}

void
mpyi_gc_clear_cards(struct mpyi_gc_pass *pass)
{
    size_t first = mpyi_gc_page((const void *)pass->base);
    size_t pools = mpyi_gc_pool_count(pass->state->heap);
    size_t before_end = MPYI_GC_MAP_BYTES - first;
    if (pools >= MPYI_GC_MAP_BYTES) {
        memset(pass->gc->cards, 0, MPYI_GC_MAP_BYTES);
    } else if (pools <= before_end) {
        memset(pass->gc->cards + first, 0, pools);
    } else {
        memset(pass->gc->cards + first, 0, before_end);
        memset(pass->gc->cards, 0, pools - before_end);
    }
}

void
mpyi_gc_count_all(struct mpyi_gc_pass *pass)
{
    struct full_pool full[MPYI_CLASS_SLOTS];
    struct counter counter = counter_of(pass);
    size_t pools = mpyi_gc_pool_count(pass->state->heap);
    memset(full, 0, sizeof full);
    for (size_t i = 0; i < pools; i++) {
        unsigned size_class = pass->space->classes[i];
        uint64_t blocks[2];
        if (size_class == 0) {
            continue;
        }
        count_pool(&counter, pass, i, mpyi_class_size(size_class), blocks);
        whiten_pool(pass, i, blocks, &full[size_class]);
    }
    flush_type(&counter, pass, counter.instances);
    pass->from = 0;
    pass->to = pools * MPYI_GC_POOL_WORDS;
    mpyi_gc_clear_cards(pass);
}

void
mpyi_gc_count_list(struct mpyi_gc_pass *pass, mpy_object *const *items, size_t n)
{
    pass->from = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct mpyi_type *type = mpyi_gc_type(items[i]);
        if ((mpyi_head(items[i])->gcword & MPY_PRIV_GC_TRACKED) != 0) {
            mpyi_gc_whiten(pass, items[i], type);
            count_refs(counter_of(pass), pass, items[i], type);
        }
    }
    if (pass->from == SIZE_MAX) {
        pass->from = 0;
    }
}
