/* SPDX-License-Identifier: MIT */
/*
 * types/type.c - types made from specs, and what can be asked of any type.
 *
 * A host's type is one GC cell: struct mpyi_type, filled in from the base and then from the spec,
 * and what only host types have. Slots are copied down, so using one never walks up the bases; the
 * callbacks that see a part of the data (traverse, clear, release) are the exception: every type
 * calls its own with its own part (types/instance.c), and the slot only says that there is one.
 *
 * A type does not die before its last instance: when its count reaches 0 with instances left, it
 * stays as it is, tracked, and the last instance takes it along. It owns its base and a dict of
 * methods and class attributes; methods know it by a serial number, so that is no cycle.
 *
 * Invariants: data_size and part_offset are multiples of 8; refs of the bases come first, without
 * plain bytes between references.
 *
 * Lock: the runtime's. Creation runs no code of the host.
 */
#include "types/type.h"

#include "types/attr.h"
#include "types/dict.h"
#include "types/exc.h"
#include "types/function.h"
#include "types/instance.h"
#include "types/protocol.h"

#include <string.h>

#define DATA_MAX   ((size_t)1 << 40)
#define SPEC_FLAGS (MPY_TYPE_ATTRS | MPY_TYPE_BASE | MPY_TYPE_ACYCLIC)

static uint64_t last_serial; /* of all runtimes; atomic */

/* ---- checking the spec
 * ---------------------------------------------------------------------------- */

int
mpyi_type_name_ok(const char *name)
{
    size_t n = strlen(name);
    return n != 0 && name[n - 1] != '.';
}

static int
contradiction(const char *function, const char *what)
{
    (void)mpyi_err_format(MPY_EXC_VALUE_ERROR, "%s(): argument 'spec': %s", function, what);
    return -1;
}

/* int0: everything that does not depend on the base. */
static int
check_spec(const char *function, const mpy_type_spec *s)
{
    size_t refs_size = (size_t)s->ref_count * sizeof(mpy_object *);
    if (s->version != 1 || s->size < offsetof(mpy_type_spec, init)) {
        return contradiction(function, "unknown size or version");
    }
    if (s->name == NULL || s->name[0] == '\0') {
        return contradiction(function, "the type has no name");
    }
    if (!mpyi_type_name_ok(s->name)) {
        return contradiction(function, "the type's name ends in a dot");
    }
    if ((s->flags & ~SPEC_FLAGS) != 0) {
        return contradiction(function, "unknown flags");
    }
    if (s->data_size > DATA_MAX || s->data_size < refs_size) {
        return contradiction(function, "data_size does not fit ref_count, or is too large");
    }
    if ((s->traverse == NULL) != (s->clear == NULL)) {
        return contradiction(function, "traverse and clear need each other");
    }
    if (s->traverse != NULL && s->data_size == 0) {
        return contradiction(function, "traverse without data");
    }
    for (const mpy_member_spec *m = s->members; m != NULL && m->name != NULL; m++) {
        if (m->index >= s->ref_count || (m->flags & ~MPY_MEMBER_READONLY) != 0) {
            return contradiction(function, "a member has an index beyond ref_count, or unknown "
                                           "flags");
        }
    }
    for (const mpy_func_spec *f = s->methods; f != NULL && f->name != NULL; f++) {
        if (mpyi_function_check_spec(function, f) < 0) {
            return -1;
        }
    }
    return 0;
}

/* References and bytes of data that instances of a base have. */
static void
data_of_base(const struct mpyi_type *base, uint32_t *refs, size_t *size)
{
    *refs = 0;
    *size = 0;
    if ((base->traits & MPYI_TRAIT_HEAP) != 0) {
        *refs = mpyi_heap_type(base)->data_refs;
        *size = mpyi_heap_type(base)->data_size;
    } else if ((base->traits & MPYI_TRAIT_EXCEPTION) != 0) {
        *refs = MPYI_EXC_REFS;
        *size = MPYI_EXC_REFS * sizeof(mpy_object *);
    }
}

/* int0: the base may be one, and the data of the two fit. */
static int
check_base(const char *function, const mpy_type_spec *s, const struct mpyi_type *base)
{
    uint32_t refs;
    size_t size;
    if ((base->traits & MPYI_TRAIT_BASE) == 0) {
        (void)mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s(): argument 'base': type '%s' is final",
                              function, base->name);
        return -1;
    }
    data_of_base(base, &refs, &size);
    if (s->ref_count != 0 && size != refs * sizeof(mpy_object *)) {
        (void)mpyi_err_format(MPY_EXC_TYPE_ERROR,
                              "%s(): argument 'spec': references cannot follow the plain bytes of "
                              "base '%s': use traverse",
                              function, base->name);
        return -1;
    }
    if (size > DATA_MAX || (uint64_t)refs + s->ref_count > UINT32_MAX / 16) {
        return contradiction(function, "too much data");
    }
    return 0;
}

/* ---- filling the type in
 * -------------------------------------------------------------------------- */

#define TAKE(slot)                                                                                 \
    do {                                                                                           \
        if (s->slot != NULL) {                                                                     \
            to->slot = s->slot;                                                                    \
        }                                                                                          \
    } while (0)

static void
set_slots(struct mpyi_slots *to, const mpy_type_spec *s)
{
    TAKE(init);
    TAKE(finalize);
    TAKE(release);
    TAKE(traverse);
    TAKE(clear);
    TAKE(repr);
    TAKE(str);
    if (s->compare != NULL) {
        to->hash = mpyi_hash_unhashable; /* equal objects must hash alike: only the host can say */
    }
    TAKE(hash);
    TAKE(compare);
    TAKE(is_true);
    TAKE(get_attr);
    TAKE(set_attr);
    TAKE(length);
    TAKE(get_item);
    TAKE(set_item);
    TAKE(contains);
    TAKE(iter);
    TAKE(next);
    TAKE(call);
    TAKE(add);
    TAKE(subtract);
    TAKE(multiply);
    TAKE(true_divide);
    TAKE(floor_divide);
    TAKE(remainder);
    TAKE(negative);
}

#undef TAKE

/* Where instances keep what. */
static void
set_layout(struct mpyi_heap_type *heap, const mpy_type_spec *s)
{
    struct mpyi_type *type = &heap->type;
    uint32_t refs;
    size_t size;
    uint32_t attrs = (type->traits & MPYI_TRAIT_ATTRS) != 0;

    data_of_base(type->base, &refs, &size);
    heap->part_offset = (uint32_t)size;
    heap->data_refs = refs + s->ref_count;
    heap->data_size = (size + s->data_size + 7) & ~(size_t)7;

    if (heap->data_size == 0 && attrs) {
        type->layout = MPYI_LAYOUT_SHAPED;
        type->ref_offset = offsetof(struct mpyi_shaped, values);
        return;
    }
    type->layout = type->slots.traverse != NULL ? MPYI_LAYOUT_CUSTOM : MPYI_LAYOUT_FIXED;
    type->ref_count = attrs + heap->data_refs;
    type->data_offset = (uint32_t)(sizeof(struct mpy_priv_header) + attrs * sizeof(mpy_object *));
    type->ref_offset = sizeof(struct mpy_priv_header);
    if (type->data_offset + heap->data_size <= MPYI_CELL_MAX) {
        type->instance_size = type->data_offset + (uint32_t)heap->data_size;
        if (type->instance_size < MPYI_CELL_MIN) {
            type->instance_size = MPYI_CELL_MIN;
        }
        return;
    }
    type->traits |= MPYI_TRAIT_LARGE;
    type->data_offset -= (uint32_t)sizeof(struct mpy_priv_header);
    type->ref_offset = MPYI_LARGE_POINTER;
    type->count_offset = MPYI_LARGE_COUNT;
    type->instance_size = MPYI_LARGE_CELL;
    if (type->layout == MPYI_LAYOUT_FIXED) {
        type->layout = MPYI_LAYOUT_INDIRECT;
    }
}

static void
fill_type(struct mpyi_heap_type *heap, const mpy_type_spec *s, const struct mpyi_type *base)
{
    struct mpyi_type *type = &heap->type;
    type->head.flags = base->head.flags;
    type->traits = MPYI_TRAIT_HEAP | (base->traits & (MPYI_TRAIT_ATTRS | MPYI_TRAIT_EXCEPTION));
    type->traits |= (s->flags & MPY_TYPE_ATTRS) != 0 ? MPYI_TRAIT_ATTRS : 0;
    type->traits |= (s->flags & MPY_TYPE_BASE) != 0 ? MPYI_TRAIT_BASE : 0;
    type->traits |= (s->flags & MPY_TYPE_ACYCLIC) != 0 ? MPYI_TRAIT_ACYCLIC : 0;
    type->id = 255;
    type->exc_code = base->exc_code;
    type->base = base;
    type->dealloc = mpyi_instance_dealloc;
    type->empty = mpyi_instance_empty;
    type->extra_size = mpyi_instance_extra_size;
    type->free_extra = mpyi_instance_free_extra;
    type->slots = base->slots;
    set_slots(&type->slots, s);
    type->traits |= type->slots.finalize != NULL ? MPYI_TRAIT_FINALIZE : 0;
    set_layout(heap, s);
    heap->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
}

/* ---- what the type owns
 * --------------------------------------------------------------------------- */

/* int0: copies of spec and names. */
static int
copy_spec(struct mpyi_thread *t, const char *function, struct mpyi_heap_type *heap,
          const mpy_type_spec *s)
{
    size_t size = strlen(s->name) + 1;
    const char *dot = strrchr(s->name, '.');
    mpy_type_spec *copy;
    mpy_object *text = mpyi_str_new(t, function, s->name, size - 1); /* valid UTF-8? */

    if (text == NULL) {
        return -1;
    }
    mpy_decref(text);
    heap->names = mpyi_array_alloc(t->heap, size);
    if (heap->names == NULL) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    heap->names_size = size;
    memcpy(heap->names, s->name, size);
    heap->type.qualname = heap->names;
    heap->type.name = dot != NULL ? heap->names + (dot + 1 - s->name) : heap->names;
    copy = mpyi_array_alloc(t->heap, sizeof *copy);
    if (copy == NULL) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    *copy = *s;
    copy->name = heap->names;
    heap->spec = copy;
    return 0;
}

/* int0: the names of the members, interned: a name that is not is taken for one nobody has. */
static int
intern_members(struct mpyi_thread *t, struct mpyi_heap_type *heap)
{
    const mpy_member_spec *members = heap->spec->members;
    size_t n = 0;
    while (members != NULL && members[n].name != NULL) {
        n++;
    }
    if (n == 0) {
        return 0;
    }
    heap->member_names = mpyi_array_alloc(t->heap, sizeof(mpy_object *) * n);
    if (heap->member_names == NULL) {
        (void)mpyi_err_no_memory();
        return -1;
    }
    memset(heap->member_names, 0, sizeof(mpy_object *) * n);
    heap->member_count = n;
    for (size_t i = 0; i < n; i++) {
        heap->member_names[i] =
            mpyi_intern_text(t, "mpy_type_from_spec", members[i].name, strlen(members[i].name));
        if (heap->member_names[i] == NULL) {
            return -1;
        }
    }
    return 0;
}

/* int0: the dict, with a function for each method. */
static int
make_dict(struct mpyi_thread *t, struct mpyi_heap_type *heap)
{
    mpy_object *dict = heap->type.refs[1] = mpyi_dict_new(t, 0);
    if (dict == NULL) {
        return -1;
    }
    mpyi_head(dict)->gcword |= MPYI_GC_INNER;
    for (const mpy_func_spec *f = heap->spec->methods; f != NULL && f->name != NULL; f++) {
        mpy_object *name = mpyi_intern_text(t, "mpy_type_from_spec", f->name, strlen(f->name));
        mpy_object *function = name != NULL ? mpyi_function_new(t, f, NULL, heap->serial) : NULL;
        int result = function != NULL ? mpyi_dict_set(t, dict, name, function) : -1;
        mpy_xdecref(name);
        mpy_xdecref(function);
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

mpy_object *
mpyi_type_make(struct mpyi_thread *t, const char *function, const mpy_type_spec *spec,
               const struct mpyi_type *base)
{
    struct mpyi_heap_type *heap;
    mpy_type_spec whole;
    size_t given;

    if (spec == NULL) {
        return mpyi_err_argument(function, "spec", "mpy_type_spec", NULL);
    }
    given = spec->size < sizeof whole ? spec->size : sizeof whole;
    memset(&whole, 0, sizeof whole);
    memcpy(&whole, spec, given < sizeof(uint32_t) ? sizeof(uint32_t) : given);
    if (check_spec(function, &whole) < 0 || check_base(function, &whole, base) < 0) {
        return NULL;
    }
    heap = (struct mpyi_heap_type *)mpyi_gc_new(t, &mpyi_type_type, sizeof *heap);
    if (heap == NULL) {
        return NULL;
    }
    memset((char *)heap + sizeof(struct mpy_priv_header), 0,
           sizeof *heap - sizeof(struct mpy_priv_header));
    heap->type.traits = MPYI_TRAIT_HEAP;
    if (copy_spec(t, function, heap, &whole) < 0) {
        goto fail;
    }
    fill_type(heap, &whole, base);
    if ((base->traits & MPYI_TRAIT_HEAP) != 0) {
        heap->type.refs[0] = mpy_newref(mpyi_type_object(base));
    }
    if (intern_members(t, heap) < 0 || make_dict(t, heap) < 0) {
        goto fail;
    }
    mpyi_gc_track(t, (mpy_object *)heap);
    return (mpy_object *)heap;

fail:
    mpy_decref((mpy_object *)heap);
    return NULL;
}

mpy_object *
mpy_type_from_spec(const mpy_type_spec *spec, mpy_object *base)
{
    struct mpyi_thread *t = mpyi_enter1(__func__, base);
    if (t == NULL) {
        return NULL;
    }
    if (base != NULL && !mpy_type_check(base)) {
        return mpyi_err_argument(__func__, "base", "type", base);
    }
    mpyi_safe_point(t);
    return mpyi_type_make(t, __func__, spec, base != NULL ? mpyi_type(base) : &mpyi_object_type);
}

/* ---- death
 * ----------------------------------------------------------------------------------------- */

/* Everything but the references and the cell. */
static void
free_owned(struct mpyi_thread *t, struct mpyi_heap_type *heap)
{
    mpyi_shapes_free(t, heap->shapes);
    for (size_t i = 0; i < heap->member_count; i++) {
        mpy_xdecref(heap->member_names[i]);
    }
    mpyi_array_free(t->heap, heap->member_names, sizeof(mpy_object *) * heap->member_count);
    mpyi_array_free(t->heap, (void *)(uintptr_t)heap->spec, sizeof *heap->spec);
    mpyi_array_free(t->heap, heap->names, heap->names_size);
    mpyi_attr_cache_invalidate(t);
}

void
mpyi_type_dealloc(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_heap_type *heap = mpyi_heap_type_of(o);
    MPY_ASSERT(heap->live == 0);
    for (size_t i = 0; i < 2; i++) {
        mpyi_xdrop(t, heap->type.refs[i]);
    }
    free_owned(t, heap);
    mpyi_gc_free(t, o, sizeof *heap);
}

void
mpyi_type_instance_gone(struct mpyi_thread *t, struct mpyi_heap_type *type)
{
    const struct mpy_priv_header *head = &type->type.head.head;
    type->live--;
    if (type->live == 0 && head->refcnt == 0) {
        mpyi_dying(t, (mpy_object *)type);
    } else if ((head->gcword & MPY_PRIV_GC_IDLE) != 0) {
        mpyi_gc_candidate((mpy_object *)type); /* an instance is a reference to its type */
    }
}

void
mpyi_type_empty(struct mpyi_thread *t, mpy_object *o)
{
    struct mpyi_heap_type *heap = mpyi_heap_type_of(o);
    mpy_object *dict = heap->type.refs[1];
    /* The base stays: instances that are still there need its slots. */
    heap->type.refs[1] = NULL;
    mpyi_attr_cache_invalidate(t);
    mpyi_xdrop(t, dict);
}

size_t
mpyi_type_extra_size(const mpy_object *o)
{
    const struct mpyi_type *type = mpyi_type(o);
    if ((type->traits & MPYI_TRAIT_HEAP) == 0) {
        return 0;
    }
    return sizeof(mpy_type_spec) + mpyi_heap_type(type)->names_size +
           sizeof(mpy_object *) * mpyi_heap_type(type)->member_count;
}

void
mpyi_type_free_extra(struct mpyi_thread *t, mpy_object *o)
{
    free_owned(t, mpyi_heap_type_of(o));
}

/* ---- questions
 * --------------------------------------------------------------------------------------- */

/* The thread, or NULL with an error when `type` is no type. */
static struct mpyi_thread *
enter_with_type(const char *function, const char *argument, const mpy_object *type)
{
    struct mpyi_thread *t = mpyi_enter1(function, type);
    if (t != NULL && !mpy_type_check(type)) {
        return mpyi_err_argument(function, argument, "type", type);
    }
    return t;
}

mpy_object *
mpy_type_name(mpy_object *type)
{
    struct mpyi_thread *t = enter_with_type(__func__, "type", type);
    const char *name = t != NULL ? mpyi_type(type)->name : NULL;
    return t != NULL ? mpyi_str_new(t, __func__, name, strlen(name)) : NULL;
}

mpy_object *
mpy_type_qualname(mpy_object *type)
{
    struct mpyi_thread *t = enter_with_type(__func__, "type", type);
    const char *name = t != NULL ? mpyi_type(type)->qualname : NULL;
    return t != NULL ? mpyi_str_new(t, __func__, name, strlen(name)) : NULL;
}

int
mpy_type_is_subtype(mpy_object *a, mpy_object *b)
{
    if (enter_with_type(__func__, "a", a) == NULL || enter_with_type(__func__, "b", b) == NULL) {
        return -1;
    }
    return mpyi_type_is_subtype(mpyi_type(a), mpyi_type(b));
}

mpy_object *
mpy_type_new_instance(mpy_object *type)
{
    struct mpyi_thread *t = enter_with_type(__func__, "type", type);
    if (MPY_UNLIKELY(t == NULL)) {
        return NULL;
    }
    if (MPY_UNLIKELY((mpyi_type(type)->traits & (MPYI_TRAIT_HEAP | MPYI_TRAIT_EXCEPTION)) == 0)) {
        return mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s(): cannot create '%s' instances", __func__,
                               mpyi_type(type)->name);
    }
    mpyi_safe_point(t);
    return mpyi_instance_new(t, mpyi_type(type));
}

int
mpy_type_data(mpy_object *o, mpy_object *type, void **out)
{
    const struct mpyi_type *actual;
    struct mpyi_thread *t = enter_with_type(__func__, "type", type);
    if (MPY_UNLIKELY(out == NULL)) {
        if (t != NULL) {
            (void)mpyi_err_argument(__func__, "out", "pointer", NULL);
        }
        return -1;
    }
    *out = NULL;
    if (MPY_UNLIKELY(t == NULL)) {
        return -1;
    }
    if (MPY_UNLIKELY(o == NULL || !mpyi_type_is_subtype(mpyi_type_of(o), mpyi_type(type)))) {
        (void)mpyi_err_argument(__func__, "o", mpyi_type(type)->name, o);
        return -1;
    }
    if (MPY_UNLIKELY((mpyi_type(type)->traits & MPYI_TRAIT_HEAP) == 0 ||
                     mpyi_heap_type(mpyi_type(type))->data_size == 0)) {
        (void)mpyi_err_format(MPY_EXC_TYPE_ERROR, "%s(): instances of '%s' have no data", __func__,
                              mpyi_type(type)->name);
        return -1;
    }
    actual = mpyi_type_of(o);
    *out = (char *)mpyi_instance_data(o, actual) + mpyi_heap_type(mpyi_type(type))->part_offset;
    return 0;
}
