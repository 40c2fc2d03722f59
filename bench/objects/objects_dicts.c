/* SPDX-License-Identifier: MIT */
/*
 * objects_dicts.c - dicts.
 *
 *   dict_insert_str, _int    a million fresh keys in random order into an empty dict, per key
 *   dict_hit_same_10k, _1m   looking up a key that is the very object in the dict
 *   dict_hit_equal_10k, _1m  looking up a key that is equal, but another object; its hash is known
 *   dict_hit_int_1m          the same with ints
 *   dict_miss_10k            looking up a key that is not there
 *   dict_delete              deleting a million keys in random order, per key
 *   dict_iterate             walking over a million entries, per entry, the API's quickest way
 *   dict_next                the same with a call for each entry
 *   dict_get_utf8            looking up a C string in a dict of 8
 *
 * Keys are strs of 10 bytes, or ints that are no neighbours.
 */
#include <stdio.h>

#include "objects/objects.h"
#include "peers/peer.h"

#define SMALL ((size_t)10000)
#define LARGE ((size_t)1000000)

enum key_kind { KEYS_STR, KEYS_OTHER_STR, KEYS_INT };

struct keys {
    peer_obj *items;
    size_t count;
};

static struct {
    peer_obj dict;
    struct keys stored;  /* keys of the dict */
    struct keys queries; /* what is looked up, in random order */
} table;

static peer_obj
make_key(enum key_kind kind, size_t i)
{
    char text[32];
    if (kind == KEYS_INT) {
        return peer_int((int64_t)i * 7 + 1000);
    }
    int length = snprintf(text, sizeof text, "%s%07zu", kind == KEYS_STR ? "key" : "mis", i);
    return peer_str(text, (size_t)length);
}

static struct keys
make_keys(enum key_kind kind, size_t count)
{
    struct keys keys = {worker_map(count * sizeof keys.items[0]), count};
    for (size_t i = 0; i < count; i++) {
        keys.items[i] = make_key(kind, i);
    }
    return keys;
}

static void
shuffle_keys(struct keys keys)
{
    struct worker_random random = WORKER_RANDOM_INIT;
    worker_shuffle(&random, (void **)keys.items, keys.count);
}

static void
drop_keys(struct keys keys)
{
    for (size_t i = 0; i < keys.count; i++) {
        peer_decref(keys.items[i]);
    }
    worker_unmap(keys.items, keys.count * sizeof keys.items[0]);
}

static peer_obj
make_dict(struct keys keys)
{
    peer_obj dict = peer_dict_new();
    for (size_t i = 0; i < keys.count; i++) {
        peer_dict_set(dict, keys.items[i], peer.shared);
    }
    return dict;
}

static double
time_inserts(enum key_kind kind, size_t n)
{
    struct keys keys = make_keys(kind, n);
    shuffle_keys(keys);
    double start = worker_now_ns();
    peer_obj dict = make_dict(keys);
    double elapsed = worker_now_ns() - start;
    peer_decref(dict);
    drop_keys(keys);
    return elapsed;
}

static double
body_insert_str(size_t n)
{
    return time_inserts(KEYS_STR, n);
}

static double
body_insert_int(size_t n)
{
    return time_inserts(KEYS_INT, n);
}

/* `queried` KEYS_STR with `same`: the stored keys themselves, otherwise fresh objects. */
static void
setup_table(size_t full_size, enum key_kind stored, enum key_kind queried, bool same)
{
    size_t size = full_size == SMALL ? SMALL : worker_count(full_size, SMALL);
    table.stored = make_keys(stored, size);
    table.dict = make_dict(table.stored);
    table.queries = make_keys(queried, size);
    for (size_t i = 0; i < size; i++) {
        if (same) {
            peer_decref(table.queries.items[i]);
            table.queries.items[i] = table.stored.items[i];
            peer_incref(table.queries.items[i]);
        }
        (void)peer_hash(table.queries.items[i]);
    }
    shuffle_keys(table.queries);
}

static void
drop_table(void)
{
    peer_decref(table.dict);
    drop_keys(table.stored);
    drop_keys(table.queries);
}

static void
setup_same_10k(void)
{
    setup_table(SMALL, KEYS_STR, KEYS_STR, true);
}

static void
setup_equal_10k(void)
{
    setup_table(SMALL, KEYS_STR, KEYS_STR, false);
}

static void
setup_miss_10k(void)
{
    setup_table(SMALL, KEYS_STR, KEYS_OTHER_STR, false);
}

static void
setup_same_1m(void)
{
    setup_table(LARGE, KEYS_STR, KEYS_STR, true);
}

static void
setup_equal_1m(void)
{
    setup_table(LARGE, KEYS_STR, KEYS_STR, false);
}

static void
setup_int_1m(void)
{
    setup_table(LARGE, KEYS_INT, KEYS_INT, false);
}

static double
body_look_up(size_t n)
{
    size_t found = 0;
    size_t at = 0;
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        found += (size_t)peer_dict_probe(table.dict, table.queries.items[at]);
        if (++at == table.queries.count) {
            at = 0;
        }
    }
    WORKER_KEEP(found);
    return worker_now_ns() - start;
}

static double
body_delete(size_t n)
{
    struct keys keys = make_keys(KEYS_STR, n);
    peer_obj dict = make_dict(keys);
    shuffle_keys(keys);
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_dict_delete(dict, keys.items[i]);
    }
    double elapsed = worker_now_ns() - start;
    peer_decref(dict);
    drop_keys(keys);
    return elapsed;
}

static double
time_walk(size_t n, size_t (*walk)(peer_obj dict))
{
    struct keys keys = make_keys(KEYS_STR, n);
    peer_obj dict = make_dict(keys);
    double start = worker_now_ns();
    if (walk(dict) != n) {
        worker_fail("a dict has lost entries");
    }
    double elapsed = worker_now_ns() - start;
    peer_decref(dict);
    drop_keys(keys);
    return elapsed;
}

static double
body_iterate(size_t n)
{
    return time_walk(n, peer_dict_entries);
}

static double
body_next(size_t n)
{
    return time_walk(n, peer_dict_entries_by_next);
}

static void
setup_utf8(void)
{
    table.dict = peer_dict_new();
    for (size_t i = 0; i < PEER_NAMES; i++) {
        peer_dict_set(table.dict, peer.names[i], peer.shared);
    }
}

static void
drop_utf8(void)
{
    peer_decref(table.dict);
}

static double
body_get_utf8(size_t n)
{
    size_t found = 0;
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        found += (size_t)peer_dict_probe_utf8(table.dict, "gamma");
    }
    WORKER_KEEP(found);
    return worker_now_ns() - start;
}

void
objects_dicts_run(void)
{
    static const struct worker_row rows[] = {
        {"dict_insert_str", LARGE, body_insert_str, NULL, NULL},
        {"dict_insert_int", LARGE, body_insert_int, NULL, NULL},
        {"dict_hit_same_10k", 3000000, body_look_up, setup_same_10k, drop_table},
        {"dict_hit_equal_10k", 3000000, body_look_up, setup_equal_10k, drop_table},
        {"dict_miss_10k", 3000000, body_look_up, setup_miss_10k, drop_table},
        {"dict_hit_same_1m", LARGE, body_look_up, setup_same_1m, drop_table},
        {"dict_hit_equal_1m", LARGE, body_look_up, setup_equal_1m, drop_table},
        {"dict_hit_int_1m", LARGE, body_look_up, setup_int_1m, drop_table},
        {"dict_delete", LARGE, body_delete, NULL, NULL},
        {"dict_iterate", LARGE, body_iterate, NULL, NULL},
        {"dict_next", LARGE, body_next, NULL, NULL},
        {"dict_get_utf8", 2000000, body_get_utf8, setup_utf8, drop_utf8},
    };
    worker_run_rows(rows, sizeof rows / sizeof rows[0]);
}
