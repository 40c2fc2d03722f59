/* SPDX-License-Identifier: MIT */
/*
 * objects_memory.c - bytes per object: growth of the resident memory over a million objects.
 *
 * Each kind is measured in a process of its own, which starts the peer, makes the objects with the
 * collector off, and reports; so no kind finds memory that another one has left behind. Elements of
 * containers are shared and not counted.
 */
#include <string.h>

#include "objects/objects.h"
#include "peers/peer.h"

#define OBJECTS ((size_t)1000000)

static char text[256];
static peer_obj elements[16];

static peer_obj
make_int(size_t i)
{
    return peer_int((int64_t)i + 1000);
}

static peer_obj
make_float(size_t i)
{
    return peer_float((double)i);
}

static peer_obj
make_str8(size_t i)
{
    (void)i;
    return peer_str(text, 8);
}

static peer_obj
make_str32(size_t i)
{
    (void)i;
    return peer_str(text, 32);
}

static peer_obj
make_str200(size_t i)
{
    (void)i;
    return peer_str(text, 200);
}

static peer_obj
make_list0(size_t i)
{
    (void)i;
    return peer_list_new();
}

static peer_obj
make_list10(size_t i)
{
    (void)i;
    return peer_list_of(elements, 10);
}

static peer_obj
make_tuple2(size_t i)
{
    (void)i;
    return peer_tuple_of(elements, 2);
}

static peer_obj
make_tuple10(size_t i)
{
    (void)i;
    return peer_tuple_of(elements, 10);
}

static peer_obj
make_dict0(size_t i)
{
    (void)i;
    return peer_dict_new();
}

static peer_obj
make_dict8(size_t i)
{
    peer_obj dict = make_dict0(i);
    for (size_t k = 0; k < 8; k++) {
        peer_dict_set(dict, peer.names[k], peer.shared);
    }
    return dict;
}

static peer_obj
make_inst3(size_t i)
{
    (void)i;
    peer_obj instance = peer_instance(peer.instance_type);
    for (size_t k = 0; k < 3; k++) {
        peer_attr_set(instance, peer.names[k], peer.shared);
    }
    return instance;
}

struct kind {
    const char *row;
    peer_obj (*make)(size_t i);
};

static const struct kind kinds[] = {
    {"bytes_int", make_int},       {"bytes_float", make_float},   {"bytes_str8", make_str8},
    {"bytes_str32", make_str32},   {"bytes_str200", make_str200}, {"bytes_list0", make_list0},
    {"bytes_list10", make_list10}, {"bytes_tuple2", make_tuple2}, {"bytes_tuple10", make_tuple10},
    {"bytes_dict0", make_dict0},   {"bytes_dict8", make_dict8},   {"bytes_inst3", make_inst3},
};

static void
measure(const void *data)
{
    const struct kind *kind = data;
    size_t count = worker_count(OBJECTS, 100000);
    peer_obj *objects = worker_map(count * sizeof objects[0]);
    peer_start();
    peer_gc_disable();
    memset(text, 'q', sizeof text);
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        elements[i] = peer.shared;
    }
    peer_decref(kind->make(0));
    double before = worker_resident_bytes();
    for (size_t i = 0; i < count; i++) {
        objects[i] = kind->make(i);
    }
    double after = worker_resident_bytes();
    worker_emit(kind->row, (after - before) / (double)count, "bytes");
}

void
objects_memory_run(void)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (worker_wants(kinds[i].row)) {
            worker_in_child(measure, &kinds[i]);
        }
    }
}
