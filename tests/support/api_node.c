/* SPDX-License-Identifier: MIT */
/*
 * support/api_node.c - see support/api_node.h.
 *
 * finalize has only the object, so it asks for the data through the base of all node types that are
 * not big, or of those that are: both are found by the object's own type.
 */
#include "support/api_node.h"

#include <string.h>

MPY_STATIC_ASSERT(sizeof(struct api_big_node) == 2000, "a big node has 2,000 bytes of data");

static int
in_range(const struct api_log *log, int id)
{
    (void)log;
    return id >= 0 && id < API_LOG_IDS;
}

static void
note_release(struct api_log *log, int id, uint64_t guard)
{
    if (log == NULL) {
        return;
    }
    if (guard != API_NODE_GUARD || !in_range(log, id)) {
        log->faults++;
        return;
    }
    log->releases++;
    log->released[id]++;
}

static void
node_release(void *data)
{
    struct api_node *node = data;
    if (node->extra_count != 0 && node->log != NULL) {
        node->log->faults++; /* clear has to come first */
    }
    mpy_mem_free(node->extra);
    note_release(node->log, node->id, node->guard);
    node->guard = 0;
}

static void
big_release(void *data)
{
    struct api_big_node *node = data;
    note_release(node->log, node->id, node->guard);
    node->guard = 0;
}

static int
node_traverse(void *data, mpy_visit_fn visit, void *arg)
{
    struct api_node *node = data;
    for (uint32_t i = 0; i < node->extra_count; i++) {
        int r = visit(node->extra[i], arg);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

static void
node_clear(void *data)
{
    struct api_node *node = data;
    while (node->extra_count > 0) {
        mpy_decref(node->extra[--node->extra_count]);
    }
}

/* Everything a node refers to is whole, whatever died before. */
static void
check_refs(struct api_log *log, mpy_object *const *refs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mpy_object *text = refs[i] != NULL ? mpy_object_type(refs[i]) : NULL;
        if (refs[i] != NULL && (text == NULL || mpy_refcount(refs[i]) == 0)) {
            log->faults++;
        }
        mpy_xdecref(text);
    }
}

static void
note_finalize(mpy_object *self, struct api_log *log, int id, uint64_t guard)
{
    if (guard != API_NODE_GUARD || !in_range(log, id) || (log->released[id] != 0 && !log->one_id)) {
        log->faults++;
        return;
    }
    log->finalizers++;
    log->finalized[id]++;
    if (log->collect && mpy_gc_collect(2, NULL) < 0) {
        log->faults++;
    }
    if (log->rescued != NULL && id >= log->rescue_from && mpy_list_append(log->rescued, self) < 0) {
        log->faults++;
    }
    if (log->raise) {
        mpy_err_set_code(MPY_EXC_KEY_ERROR, "raised by a finalizer");
    }
}

static void
node_finalize(mpy_object *self)
{
    mpy_object *type = mpy_object_type(self);
    struct api_node *node = api_node_data(self, type);
    mpy_decref(type);
    if (node != NULL && node->log != NULL) {
        check_refs(node->log, node->refs, API_NODE_REFS);
        check_refs(node->log, node->extra, node->extra_count);
        note_finalize(self, node->log, node->id, node->guard);
    }
}

static void
big_finalize(mpy_object *self)
{
    mpy_object *type = mpy_object_type(self);
    struct api_big_node *node = api_big_data(self, type);
    mpy_decref(type);
    if (node != NULL && node->log != NULL) {
        check_refs(node->log, node->refs, API_BIG_REFS);
        note_finalize(self, node->log, node->id, node->guard);
    }
}

mpy_object *
api_node_type(unsigned kind)
{
    /* A spec has to stay where it is: one for every kind. */
    static mpy_type_spec specs[API_NODE_TYPES];
    mpy_type_spec *spec = &specs[kind % API_NODE_TYPES];
    int big = (kind & API_NODE_BIG) != 0;

    spec->size = sizeof *spec;
    spec->version = 1;
    spec->name = "t.Node";
    spec->flags = MPY_TYPE_BASE | ((kind & API_NODE_ATTRS) != 0 ? MPY_TYPE_ATTRS : 0);
    spec->ref_count = big ? API_BIG_REFS : API_NODE_REFS;
    spec->data_size = big ? sizeof(struct api_big_node) : sizeof(struct api_node);
    spec->release = big ? big_release : node_release;
    if ((kind & API_NODE_FINALIZE) != 0) {
        spec->finalize = big ? big_finalize : node_finalize;
    }
    if ((kind & API_NODE_TRAVERSE) != 0) {
        spec->traverse = node_traverse;
        spec->clear = node_clear;
    }
    return mpy_type_from_spec(spec, NULL);
}

mpy_object *
api_node_new(mpy_object *type, unsigned kind, struct api_log *log, int id)
{
    mpy_object *o = mpy_type_new_instance(type);
    void *data;
    if (o == NULL || mpy_type_data(o, type, &data) < 0) {
        mpy_xdecref(o);
        return NULL;
    }
    if ((kind & API_NODE_BIG) != 0) {
        struct api_big_node *big = data;
        big->guard = API_NODE_GUARD;
        big->log = log;
        big->id = id;
    } else {
        struct api_node *node = data;
        node->guard = API_NODE_GUARD;
        node->log = log;
        node->id = id;
    }
    return o;
}

struct api_node *
api_node_data(mpy_object *node, mpy_object *type)
{
    void *data;
    return mpy_type_data(node, type, &data) < 0 ? NULL : data;
}

struct api_big_node *
api_big_data(mpy_object *node, mpy_object *type)
{
    void *data;
    return mpy_type_data(node, type, &data) < 0 ? NULL : data;
}

int
api_node_add_extra(struct api_node *node, mpy_object *value)
{
    mpy_object **more =
        mpy_mem_realloc(node->extra, (node->extra_count + 1) * sizeof(mpy_object *));
    if (more == NULL) {
        return -1;
    }
    node->extra = more;
    node->extra[node->extra_count++] = mpy_newref(value);
    return 0;
}
