/* SPDX-License-Identifier: MIT */
/*
 * objects_values.c - creating and dropping one object, and hashing.
 *
 *   incref_decref            one more reference to a counted object, and back
 *   incref_decref_4          the same, four times between two branches of the loop
 *   int, float               a number beyond the small ones a peer may keep
 *   str8, str32, str200      a str of so many ASCII bytes
 *   list0 ... inst3          containers with so many elements; the elements exist already
 *   hash8, hash32, hash200   the hash function over bytes: nothing is cached
 *   intern_hit               the interned str of a C string that is interned already
 *
 * Texts change from one operation to the next by taking turns, not by writing to one of them: a
 * byte stored just before the peer reads the word around it would cost more than some of the rows.
 */
#include <string.h>

#include "objects/objects.h"
#include "peers/peer.h"

#define TEXTS      16
#define TEXT_BYTES 256

static char texts[TEXTS][TEXT_BYTES];
static peer_obj elements[16];

static void
setup_values(void)
{
    for (int i = 0; i < TEXTS; i++) {
        memset(texts[i], 'a' + i, TEXT_BYTES);
    }
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++) {
        elements[i] = peer.shared;
    }
}

/* One reference more and one less; the compiler may not join the two. */
#define COUNT_PAIR(o)                                                                              \
    do {                                                                                           \
        peer_incref(o);                                                                            \
        WORKER_KEEP(o);                                                                            \
        peer_decref(o);                                                                            \
        WORKER_KEEP(o);                                                                            \
    } while (0)

static double
body_incref_decref_4(size_t n)
{
    peer_obj o = peer.shared;
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i += 4) {
        COUNT_PAIR(o);
        COUNT_PAIR(o);
        COUNT_PAIR(o);
        COUNT_PAIR(o);
    }
    return worker_now_ns() - start;
}

static double
body_incref_decref(size_t n)
{
    peer_obj o = peer.shared;
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        COUNT_PAIR(o);
    }
    return worker_now_ns() - start;
}

/* Bodies that make one object an iteration and drop it; `i` is the iteration. */
#define MAKE_AND_DROP(name, expression)                                                            \
    static double body_##name(size_t n)                                                            \
    {                                                                                              \
        double start = worker_now_ns();                                                            \
        for (size_t i = 0; i < n; i++) {                                                           \
            peer_obj o = (expression);                                                             \
            WORKER_KEEP(o);                                                                        \
            peer_decref(o);                                                                        \
        }                                                                                          \
        return worker_now_ns() - start;                                                            \
    }

static peer_obj
make_dict8(void)
{
    peer_obj dict = peer_dict_new();
    for (size_t k = 0; k < 8; k++) {
        peer_dict_set(dict, peer.names[k], peer.shared);
    }
    return dict;
}

static peer_obj
make_instance3(void)
{
    peer_obj instance = peer_instance(peer.instance_type);
    for (size_t k = 0; k < 3; k++) {
        peer_attr_set(instance, peer.names[k], peer.shared);
    }
    return instance;
}

MAKE_AND_DROP(int, peer_int(((int64_t)1 << 40) + (int64_t)i))
MAKE_AND_DROP(float, peer_float((double)i))
MAKE_AND_DROP(str8, peer_str(texts[i % TEXTS], 8))
MAKE_AND_DROP(str32, peer_str(texts[i % TEXTS], 32))
MAKE_AND_DROP(str200, peer_str(texts[i % TEXTS], 200))
MAKE_AND_DROP(list0, peer_list_new())
MAKE_AND_DROP(list10, peer_list_of(elements, 10))
MAKE_AND_DROP(tuple2, peer_tuple_of(elements, 2))
MAKE_AND_DROP(tuple10, peer_tuple_of(elements, 10))
MAKE_AND_DROP(dict0, peer_dict_new())
MAKE_AND_DROP(dict8, make_dict8())
MAKE_AND_DROP(inst3, make_instance3())
MAKE_AND_DROP(intern, peer_intern("gamma"))

static double
time_hashes(size_t n, size_t length)
{
    uint64_t sum = 0;
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        sum += peer_hash_bytes(texts[i % TEXTS], length);
    }
    WORKER_KEEP(sum);
    return worker_now_ns() - start;
}

static double
body_hash8(size_t n)
{
    return time_hashes(n, 8);
}

static double
body_hash32(size_t n)
{
    return time_hashes(n, 32);
}

static double
body_hash200(size_t n)
{
    return time_hashes(n, 200);
}

void
objects_values_run(void)
{
    static const struct worker_row rows[] = {
        {"incref_decref_4", 5000000, body_incref_decref_4, setup_values, NULL},
        {"incref_decref", 5000000, body_incref_decref, setup_values, NULL},
        {"int", 3000000, body_int, setup_values, NULL},
        {"float", 3000000, body_float, setup_values, NULL},
        {"str8", 2000000, body_str8, setup_values, NULL},
        {"str32", 2000000, body_str32, setup_values, NULL},
        {"str200", 2000000, body_str200, setup_values, NULL},
        {"list0", 3000000, body_list0, setup_values, NULL},
        {"list10", 1000000, body_list10, setup_values, NULL},
        {"tuple2", 3000000, body_tuple2, setup_values, NULL},
        {"tuple10", 1000000, body_tuple10, setup_values, NULL},
        {"dict0", 3000000, body_dict0, setup_values, NULL},
        {"dict8", 250000, body_dict8, setup_values, NULL},
        {"inst3", 500000, body_inst3, setup_values, NULL},
        {"hash8", 3000000, body_hash8, setup_values, NULL},
        {"hash32", 3000000, body_hash32, setup_values, NULL},
        {"hash200", 2000000, body_hash200, setup_values, NULL},
        {"intern_hit", 2000000, body_intern, setup_values, NULL},
    };
    worker_run_rows(rows, sizeof rows / sizeof rows[0]);
}
