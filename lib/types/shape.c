/* SPDX-License-Identifier: MIT */
/*
 * types/shape.c - the tree of shapes of a type (see types/shape.h), after Self's maps.
 *
 * Looking a name up happens rarely: the attribute cache (types/attr.c) answers repeated questions.
 * So a shape stores only its last name, and the search walks up to the root; shapes with more than
 * FEW names get a small hash table when they are first searched. If memory for it is out the walk
 * still works.
 *
 * Capacity. A new family starts with one value word a cell. An instance that outgrows its cell
 * raises the capacity of those after it: at once up to LEARN_FAST words, beyond that only when such
 * instances are common (one in LEARN_SHARE), so a single large instance does not make every later
 * one large.
 *
 * Invariants: see types/shape.h; family->count is the number of shapes in the three trees together.
 * Lock: the runtime's. Nothing here runs code of the host.
 */
#include "types/shape.h"

#include <string.h>

#define FEW         8u
#define LEARN_FAST  8u
#define LEARN_SHARE 8u

struct mpyi_shapes *
mpyi_shapes_new(struct mpyi_thread *t)
{
    struct mpyi_shapes *family = mpyi_array_alloc(t->heap, sizeof *family);
    if (family == NULL) {
        return mpyi_err_no_memory();
    }
    memset(family, 0, sizeof *family);
    family->preferred = 1;
    return family;
}

/* A shape without name and place in the tree. */
static struct mpyi_shape *
new_shape(struct mpyi_thread *t, struct mpyi_shapes *family, uint32_t count, uint32_t slots)
{
    struct mpyi_shape *shape = mpyi_array_alloc(t->heap, sizeof *shape);
    if (shape == NULL) {
        return mpyi_err_no_memory();
    }
    memset(shape, 0, sizeof *shape);
    shape->head.count = count;
    shape->head.inline_max = count <= slots ? slots : 0;
    shape->slots = slots;
    shape->family = family;
    family->count++;
    return shape;
}

static uint32_t
table_size(uint32_t count)
{
    uint32_t size = 16;
    while (size < 2 * count) {
        size *= 2;
    }
    return size;
}

static void
free_shape(struct mpyi_thread *t, struct mpyi_shape *shape)
{
    if (shape->table != NULL) {
        mpyi_array_free(t->heap, shape->table,
                        sizeof *shape->table * table_size(shape->head.count));
        mpyi_array_free(t->heap, shape->names, sizeof *shape->names * shape->head.count);
    }
    mpy_xdecref(shape->name);
    mpyi_array_free(t->heap, shape, sizeof *shape);
}

/* Frees a shape with everything below it, and its siblings: bottom up, without recursion. */
static void
free_tree(struct mpyi_thread *t, struct mpyi_shape *shape)
{
    while (shape != NULL) {
        struct mpyi_shape *next;
        while (shape->child != NULL) {
            shape = shape->child;
        }
        next = shape->sibling;
        if (next == NULL && shape->parent != NULL) {
            next = shape->parent;
            next->child = NULL;
        }
        free_shape(t, shape);
        shape = next;
    }
}

void
mpyi_shapes_free(struct mpyi_thread *t, struct mpyi_shapes *family)
{
    if (family != NULL) {
        free_tree(t, family->roots);
        free_tree(t, family->dicts);
        mpyi_array_free(t->heap, family, sizeof *family);
    }
}

struct mpyi_shape *
mpyi_shapes_root(struct mpyi_thread *t, struct mpyi_shapes *family)
{
    struct mpyi_shape *root = family->roots;
    while (root != NULL && root->slots != family->preferred) {
        root = root->sibling;
    }
    if (root == NULL) {
        root = new_shape(t, family, 0, family->preferred);
        if (root == NULL) {
            return NULL;
        }
        root->sibling = family->roots;
        family->roots = root;
    }
    family->root = root;
    return root;
}

struct mpyi_shape *
mpyi_shape_dict(struct mpyi_thread *t, struct mpyi_shapes *family, uint32_t slots)
{
    struct mpyi_shape *shape = family->dicts;
    while (shape != NULL && shape->slots != slots) {
        shape = shape->sibling;
    }
    if (shape == NULL) {
        shape = new_shape(t, family, 1, slots);
        if (shape != NULL) {
            shape->is_dict = 1;
            shape->sibling = family->dicts;
            family->dicts = shape;
        }
    }
    return shape;
}

/* ---- searching ----------------------------------------------------------------------------------
 */

static inline uint32_t
hash_name(const mpy_object *name)
{
    return (uint32_t)(((uint64_t)(uintptr_t)name >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> 40);
}

/* Gives a shape with many names its table; without memory it stays without. */
static void
build_table(struct mpyi_thread *t, struct mpyi_shape *shape)
{
    uint32_t count = shape->head.count;
    uint32_t size = table_size(count);
    uint16_t *table = mpyi_array_alloc(t->heap, sizeof *table * size);
    mpy_object **names = mpyi_array_alloc(t->heap, sizeof(mpy_object *) * count);

    if (table == NULL || names == NULL) {
        mpyi_array_free(t->heap, table, sizeof *table * size);
        mpyi_array_free(t->heap, names, sizeof(mpy_object *) * count);
        return;
    }
    memset(table, 0, sizeof *table * size);
    for (const struct mpyi_shape *s = shape; s->name != NULL; s = s->parent) {
        uint32_t slot = s->head.count - 1;
        uint32_t i = hash_name(s->name) & (size - 1);
        while (table[i] != 0) {
            i = (i + 1) & (size - 1);
        }
        table[i] = (uint16_t)(slot + 1);
        names[slot] = s->name;
    }
    shape->table = table;
    shape->names = names;
}

uint32_t
mpyi_shape_find(struct mpyi_thread *t, struct mpyi_shape *shape, const mpy_object *name)
{
    MPY_ASSERT(!shape->is_dict);
    if (shape->head.count > FEW && shape->table == NULL) {
        build_table(t, shape);
    }
    if (shape->table != NULL) {
        uint32_t mask = table_size(shape->head.count) - 1;
        for (uint32_t i = hash_name(name) & mask; shape->table[i] != 0; i = (i + 1) & mask) {
            if (shape->names[shape->table[i] - 1] == name) {
                return shape->table[i] - 1u;
            }
        }
        return MPYI_SHAPE_NONE;
    }
    for (const struct mpyi_shape *s = shape; s->name != NULL; s = s->parent) {
        if (s->name == name) {
            return s->head.count - 1;
        }
    }
    return MPYI_SHAPE_NONE;
}

mpy_object *
mpyi_shape_name(const struct mpyi_shape *shape, uint32_t slot)
{
    while (shape->head.count > slot + 1) {
        shape = shape->parent;
    }
    return shape->name;
}

/* ---- growing ------------------------------------------------------------------------------------
 */

int
mpyi_shape_add(struct mpyi_thread *t, struct mpyi_shape *shape, mpy_object *name,
               struct mpyi_shape **out)
{
    struct mpyi_shape *child = shape->child;
    MPY_ASSERT(!shape->is_dict);
    while (child != NULL && child->name != name) {
        child = child->sibling;
    }
    if (child == NULL) {
        if (shape->head.count >= MPYI_SHAPE_COUNT_MAX || shape->family->count >= MPYI_SHAPES_MAX) {
            return 0;
        }
        child = new_shape(t, shape->family, shape->head.count + 1, shape->slots);
        if (child == NULL) {
            return -1;
        }
        child->name = mpy_newref(name);
        child->parent = shape;
        child->sibling = shape->child;
        shape->child = child;
    }
    *out = child;
    return 1;
}

void
mpyi_shapes_learn(struct mpyi_shapes *family, uint32_t count, uint64_t live)
{
    if (count <= family->preferred || count > MPYI_SHAPE_SLOTS_MAX) {
        return;
    }
    family->overflows++;
    if (count <= LEARN_FAST || (uint64_t)family->overflows * LEARN_SHARE > live) {
        family->preferred = count;
        family->overflows = 0;
        family->root = NULL;
    }
}
