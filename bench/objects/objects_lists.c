/* SPDX-License-Identifier: MIT */
/*
 * objects_lists.c - lists.
 *
 *   list_append     appending a million elements to an empty list, per element
 *   list_get        the element at an index, as a reference of one's own, released again
 *   list_iter_sum   iterating over a million ints and adding them up, per element
 */
#include "objects/objects.h"
#include "peers/peer.h"

#define INDEXED ((size_t)1024)
#define SUMMED  ((size_t)1000000)

static peer_obj list;

static double
body_append(size_t n)
{
    peer_obj fresh = peer_list_new();
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_list_append(fresh, peer.shared);
    }
    double elapsed = worker_now_ns() - start;
    peer_decref(fresh);
    return elapsed;
}

static void
setup_get(void)
{
    list = peer_list_new();
    for (size_t i = 0; i < INDEXED; i++) {
        peer_list_append(list, peer.shared);
    }
}

static void
drop_list(void)
{
    peer_decref(list);
}

static double
body_get(size_t n)
{
    double start = worker_now_ns();
    for (size_t i = 0; i < n; i++) {
        peer_obj o = peer_list_get(list, i % INDEXED);
        WORKER_KEEP(o);
        peer_decref(o);
    }
    return worker_now_ns() - start;
}

static void
setup_sum(void)
{
    size_t n = worker_count(SUMMED, 1000);
    list = peer_list_new();
    for (size_t i = 0; i < n; i++) {
        peer_obj value = peer_int((int64_t)i + 1000);
        peer_list_append(list, value);
        peer_decref(value);
    }
}

/* Goes over the list as often as n asks for. */
static double
body_sum(size_t n)
{
    int64_t sum = 0;
    size_t done = 0;
    double start = worker_now_ns();
    while (done < n) {
        peer_obj iterator = peer_iterate(list);
        peer_obj item;
        while (done < n && (item = peer_iter_next(iterator)) != NULL) {
            sum += peer_int_value(item);
            peer_decref(item);
            done++;
        }
        peer_decref(iterator);
    }
    WORKER_KEEP(sum);
    return worker_now_ns() - start;
}

void
objects_lists_run(void)
{
    static const struct worker_row rows[] = {
        {"list_append", 1000000, body_append, NULL, NULL},
        {"list_get", 5000000, body_get, setup_get, drop_list},
        {"list_iter_sum", SUMMED, body_sum, setup_sum, drop_list},
    };
    worker_run_rows(rows, sizeof rows / sizeof rows[0]);
}
