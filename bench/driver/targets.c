/* SPDX-License-Identifier: MIT */
/*
 * targets.c - the figures libminipy must reach, row by row.
 *
 * A row may have several targets. "Parity" is written as within 1.05 of the peer: medians of two
 * equal programs differ by that much on a shared machine. A peer's time divided by minipy's is
 * "times"; minipy's time divided by a peer's is "within". Sizes of objects are given as their
 * blocks; resident memory may be 4 % above them, for the allocator's own tables and the ends of
 * pools.
 */
#include "driver/catalog.h"

#define PARITY 1.05

/* clang-format off */
#define AT_MOST(row, bound)      {SUBJECT, row, TARGET_AT_MOST, bound, PEER_COUNT}
#define BLOCK(row, bytes)        {SUBJECT, row, TARGET_AT_MOST, (bytes) * 1.04, PEER_COUNT}
#define TIMES(row, peer, bound)  {SUBJECT, row, TARGET_TIMES_PEER, bound, PEER_##peer}
#define TIMES_BEST(row, bound)   {SUBJECT, row, TARGET_TIMES_BEST, bound, PEER_COUNT}
#define WITHIN(row, peer, bound) {SUBJECT, row, TARGET_WITHIN_PEER, bound, PEER_##peer}
#define WITHIN_BEST(row, bound)  {SUBJECT, row, TARGET_WITHIN_BEST, bound, PEER_COUNT}
/* clang-format on */

const struct target catalog_targets[] = {
#define SUBJECT "alloc"
    TIMES("pair64", GLIBC, 2.8),
    TIMES_BEST("pair64", 1.2),
    TIMES_BEST("pair64_inline_sized", 3.5),
    TIMES("pair512", GLIBC, 2.8),
    TIMES_BEST("pair512", 1.2),
    TIMES_BEST("pair512_inline_sized", 3.5),
    WITHIN_BEST("lifo16", 1.2),
    WITHIN_BEST("batch_fifo64", 1.3),
    WITHIN_BEST("batch_rand64", 1.3),
    TIMES("batch_rand512", GLIBC, 3.5),
    WITHIN("batch_rand512", MIMALLOC, 1.1),
    TIMES("mix100k", GLIBC, 2.8),
    WITHIN("mix100k", MIMALLOC, PARITY),
    TIMES("hist100k", GLIBC, 2.6),
    WITHIN_BEST("hist100k", PARITY),
    TIMES("hist5k", GLIBC, 2.9),
    TIMES("hist5k", CPYTHON, 3.7),
    WITHIN_BEST("hist5k", PARITY),
    TIMES_BEST(CATALOG_GEOMETRIC_MEAN, 1.0),
    AT_MOST("prodcons64", 35),
    TIMES_BEST("prodcons64", 1.0),
    AT_MOST("prodcons256", 64),
    TIMES_BEST("prodcons256", 1.0),
    AT_MOST("churn_2_over_1", 1 / 1.85),
    AT_MOST("large513_64k", 30),
    WITHIN_BEST("large513_64k", 1.3),
    WITHIN("server", JEMALLOC, PARITY),
#undef SUBJECT

#define SUBJECT "objects"
    WITHIN("incref_decref", CPYTHON, PARITY),
    TIMES("int", CPYTHON, 6),
    TIMES("float", CPYTHON, 3),
    TIMES("str8", CPYTHON, 1.6),
    TIMES("str32", CPYTHON, 1.6),
    TIMES("str200", CPYTHON, 1.3),
    TIMES("list0", CPYTHON, 1.5),
    TIMES("list10", CPYTHON, 1.3),
    TIMES("tuple2", CPYTHON, 1.5),
    TIMES("tuple10", CPYTHON, 1.3),
    TIMES("dict0", CPYTHON, 1.4),
    TIMES("dict8", CPYTHON, 1.7),
    TIMES("inst3", CPYTHON, 1.8),
    TIMES("list_append", CPYTHON, 1.8),
    WITHIN("list_get", CPYTHON, PARITY),
    TIMES("list_iter_sum", CPYTHON, 2),
    TIMES("dict_insert_str", CPYTHON, 1.5),
    TIMES("dict_insert_int", CPYTHON, 1.3),
    TIMES("dict_hit_same_10k", CPYTHON, 2),
    TIMES("dict_hit_equal_10k", CPYTHON, 1.8),
    TIMES("dict_miss_10k", CPYTHON, 1.4),
    TIMES("dict_hit_same_1m", CPYTHON, 1.8),
    TIMES("dict_hit_equal_1m", CPYTHON, 1.8),
    TIMES("dict_hit_int_1m", CPYTHON, 1.5),
    TIMES("dict_delete", CPYTHON, 1.4),
    TIMES("dict_iterate", CPYTHON, 2),
    TIMES("dict_get_utf8", CPYTHON, 2.7),
    TIMES("intern_hit", CPYTHON, 3.5),
    TIMES("hash8", CPYTHON, 3),
    TIMES("hash32", CPYTHON, 4),
    TIMES("hash200", CPYTHON, 4),
    TIMES("attr_get", CPYTHON, 2.5),
    TIMES("attr_set", CPYTHON, 1.8),
    TIMES("attr_get_utf8", CPYTHON, 4),
    TIMES("attr_missing", CPYTHON, 10),
    TIMES("call0", CPYTHON, 1.4),
    TIMES("call1", CPYTHON, 1.4),
    TIMES("call2", CPYTHON, 1.4),
    TIMES("call_method", CPYTHON, 1.8),
    TIMES("weakref", CPYTHON, 1.4),
    TIMES("raise_clear", CPYTHON, 2),
    TIMES("tree_tuple_build", CPYTHON, 3),
    TIMES("tree_tuple_drop", CPYTHON, 1.4),
    TIMES("tree_inst_build", CPYTHON, 3.5),
    TIMES("tree_inst_drop", CPYTHON, 1.4),
    TIMES("deep_drop", CPYTHON, 1.4),
#undef SUBJECT

#define SUBJECT "gc"
    TIMES("live_rand", CPYTHON, 4),
    TIMES("live_rand_nolist", CPYTHON, 15),
    TIMES("live_tree", CPYTHON, 2.3),
    TIMES("live_seq", CPYTHON, 2.3),
    TIMES("garbage_cyc2", CPYTHON, 8),
    TIMES("garbage_ring", CPYTHON, 7),
    TIMES("again", CPYTHON, 500),
    AT_MOST("young_1m", 20),
    AT_MOST("young_5m", 20),
    AT_MOST("young_5m_over_1m", 1.1),
    AT_MOST("short_lived_cost", 1.2),
    AT_MOST("fifo512_cost", 3.5),
    AT_MOST("build_cost", 15),
    AT_MOST("grow_seq_on", 60),
    AT_MOST("grow_seq_on_over_off", 2.0),
    AT_MOST("grow_seq_pause", 100),
    AT_MOST("grow_rand_pause", 200),
    AT_MOST("fork_dirtied", 5),
#undef SUBJECT

#define SUBJECT "lock"
    AT_MOST("release_acquire", 14),
    TIMES("release_acquire", CPYTHON, 3),
    AT_MOST("attach_held", 4),
    AT_MOST("attach_own", 16),
    AT_MOST("attach_new", 60),
    WITHIN("handoff_p50", CPYTHON, PARITY),
    WITHIN("handoff_p99", CPYTHON, PARITY),
    AT_MOST("io_wait_p50", 100),
    AT_MOST("io_wait_p99", 500),
    AT_MOST("io_wakeup_period", 3000.0 / 2500),
    AT_MOST("io_cpu_slowdown", 1 / .95),
    AT_MOST("two_runtimes_over_one", 1 / 1.9),
#undef SUBJECT

#define SUBJECT "memory"
    AT_MOST("hist_rss_over_live", 1.07),
    AT_MOST("hist_rss_over_live_obj", 1.03),
    AT_MOST("hist_free90_over_peak", .96),
    AT_MOST("hist_free90_over_peak_obj", .96),
    AT_MOST("hist_free_all_mb", 20),
    AT_MOST("hist_free_all_mb_obj", 20),
    AT_MOST("bytes_int", .5),
    AT_MOST("bytes_float", .5),
    BLOCK("bytes_str8", 48),
    BLOCK("bytes_str32", 72),
    BLOCK("bytes_str200", 240),
    BLOCK("bytes_list0", 40),
    BLOCK("bytes_list10", 128),
    BLOCK("bytes_tuple2", 40),
    BLOCK("bytes_tuple10", 104),
    BLOCK("bytes_dict0", 48),
    BLOCK("bytes_dict8", 200),
    BLOCK("bytes_inst3", 48),
#undef SUBJECT
};
const size_t catalog_target_count = sizeof catalog_targets / sizeof catalog_targets[0];
