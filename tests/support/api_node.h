/* SPDX-License-Identifier: MIT */
/*
 * support/api_node.h - host types whose instances say when they die.
 *
 * A node has an id, four references the library manages, room for references it does not know of
 * (types with a traverse callback), and a guard that callbacks check: whoever sees a node whose
 * guard is wrong sees freed memory. Every callback is written down in the node's log.
 */
#ifndef MPY_TEST_SUPPORT_API_NODE_H
#define MPY_TEST_SUPPORT_API_NODE_H

#include "minipy.h"

#define API_NODE_REFS  4
#define API_NODE_GUARD 0x600DDA7A600DDA7Au
#define API_LOG_IDS    4096

/* What has happened, by id. */
struct api_log {
    uint8_t finalized[API_LOG_IDS], released[API_LOG_IDS];
    unsigned finalizers, releases; /* calls altogether */
    unsigned faults;               /* something was not as it should be */
    int one_id;                    /* several nodes have the same id */
    int collect;                   /* finalizers collect everything */
    int raise;                     /* finalizers leave an error */
    mpy_object *rescued;           /* a list finalizers put their object in, or NULL */
    int rescue_from;               /* ... if its id is at least this */
};

struct api_node {
    mpy_object *refs[API_NODE_REFS];
    uint64_t guard;
    struct api_log *log;
    int id;
    uint32_t extra_count; /* references only traverse and clear know of */
    mpy_object **extra;   /* from mpy_mem_malloc(), or NULL */
};

/* A node whose data are too large for a cell: 100 references, 2,000 bytes. */
#define API_BIG_REFS 100
struct api_big_node {
    mpy_object *refs[API_BIG_REFS];
    uint64_t guard;
    struct api_log *log;
    int id;
    char rest[2000 - 8 * API_BIG_REFS - 24];
};

/* What kind of type api_node_type() makes. */
#define API_NODE_PLAIN    0u
#define API_NODE_FINALIZE 1u /* with a finalizer */
#define API_NODE_TRAVERSE 2u /* with a traverse and a clear callback */
#define API_NODE_BIG      4u /* struct api_big_node; not with TRAVERSE */
#define API_NODE_ATTRS    8u /* takes attributes, too */
#define API_NODE_TYPES    16u

mpy_object *
api_node_type(unsigned kind);

/* A new node of a type that api_node_type(kind) made, not of one below it; NULL with an error. log
 * may be NULL. */
mpy_object *
api_node_new(mpy_object *type, unsigned kind, struct api_log *log, int id);

/* Data of a node of a type that is not BIG / is BIG. */
struct api_node *
api_node_data(mpy_object *node, mpy_object *type);
struct api_big_node *
api_big_data(mpy_object *node, mpy_object *type);

/* Adds a reference only the callbacks know of; 0 or -1. */
int
api_node_add_extra(struct api_node *node, mpy_object *value);

#endif /* MPY_TEST_SUPPORT_API_NODE_H */
