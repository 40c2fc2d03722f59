/* SPDX-License-Identifier: MIT */
/*
 * alloc/report.c - the statistics as text and as JSON.
 *
 * Both go through the same two tables of fields, so that what one shows the other has. Numbers are
 * whole or built from whole ones: a host's locale must not put a comma into them.
 *
 *   in use      share of the blocks of a class's pools that are allocated
 *   spare       pools - pools_needed: what moving blocks together would set free
 *
 * Lock: as alloc/stats.c.
 */
#include "alloc/census.h"
#include "alloc/writer.h"

#include <inttypes.h>

struct field {
    const char *name; /* in JSON: that of the struct's field */
    const char *label;
    size_t offset; /* of a uint64_t */
};

#define FIELD(name, label)                                                                         \
    {                                                                                              \
#name, label, offsetof(mpy_mem_stats, name)                                                \
    }

static const struct field fields[] = {
    FIELD(arenas, "arenas"),
    FIELD(arena_bytes, "bytes in arenas"),
    FIELD(arenas_created, "arenas created"),
    FIELD(arenas_released, "arenas released"),
    FIELD(pools_unused, "pools unused"),
    FIELD(pools_empty, "pools empty"),
    FIELD(pools_used, "pools used"),
    FIELD(pools_full, "pools full"),
    FIELD(blocks_allocated, "blocks allocated"),
    FIELD(bytes_allocated, "bytes allocated"),
    FIELD(large_blocks, "large blocks"),
    FIELD(large_bytes, "bytes in large blocks"),
    FIELD(heaps, "heaps"),
    FIELD(reserved_bytes, "bytes reserved"),
    FIELD(peak_bytes, "peak bytes"),
};

#define FIELDS (sizeof fields / sizeof fields[0])

static uint64_t
value(const mpy_mem_stats *stats, const struct field *field)
{
    return *(const uint64_t *)(const void *)((const char *)stats + field->offset);
}

/* Thousandths of the blocks of a class's pools that are allocated. */
static unsigned
permille(const mpy_class_stats *stats)
{
    uint64_t blocks = stats->pools * stats->blocks_per_pool;
    return blocks == 0 ? 0 : (unsigned)(stats->blocks_allocated * 1000 / blocks);
}

static uint64_t
spare_pools(const mpy_class_stats *stats)
{
    return stats->pools > stats->pools_needed ? stats->pools - stats->pools_needed : 0;
}

/* ---- text -------------------------------------------------------------------------------------
 */

static void
text_class(struct mpyi_writer *out, unsigned size_class, const mpy_class_stats *stats)
{
    unsigned in_use = permille(stats);
    mpyi_writer_print(out,
                      "%5u %5" PRIu32 " %8" PRIu64 " %11" PRIu64 " %11" PRIu64 " %11" PRIu64
                      " %4u.%u %8" PRIu64 "\n",
                      size_class, stats->block_size, stats->pools, stats->blocks_allocated,
                      stats->blocks_free, stats->blocks_untouched, in_use / 10, in_use % 10,
                      spare_pools(stats));
}

int
mpy_mem_dump_stats(mpy_runtime *rt, mpy_write_fn write, void *data)
{
    struct mpyi_writer out;
    struct mpyi_census census;
    mpy_mem_stats stats;
    if (write == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_census_take(rt, &census, &stats) < 0) {
        return -1;
    }
    mpyi_writer_begin(&out, write, data);
    for (size_t i = 0; i < FIELDS; i++) {
        mpyi_writer_print(&out, "%-22s %16" PRIu64 "\n", fields[i].label,
                          value(&stats, &fields[i]));
    }
    mpyi_writer_print(&out, "\nclass  size    pools   allocated        free   untouched"
                            "  in %%    spare\n");
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        mpy_class_stats in_class;
        mpyi_census_class(&census, c, &in_class);
        if (in_class.pools > 0) {
            text_class(&out, c, &in_class);
        }
    }
    return mpyi_writer_end(&out);
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static void
json_class(struct mpyi_writer *out, unsigned size_class, const mpy_class_stats *stats)
{
    unsigned in_use = permille(stats);
    mpyi_writer_print(out,
                      "{\"class\":%u,\"block_size\":%" PRIu32 ",\"blocks_per_pool\":%" PRIu32
                      ",\"pools\":%" PRIu64 ",\"blocks_allocated\":%" PRIu64
                      ",\"blocks_free\":%" PRIu64 ",\"blocks_untouched\":%" PRIu64,
                      size_class, stats->block_size, stats->blocks_per_pool, stats->pools,
                      stats->blocks_allocated, stats->blocks_free, stats->blocks_untouched);
    mpyi_writer_print(out,
                      ",\"pools_needed\":%" PRIu64 ",\"pools_by_fill\":[%" PRIu64 ",%" PRIu64
                      ",%" PRIu64 ",%" PRIu64 "],\"in_use\":%u.%03u}",
                      stats->pools_needed, stats->pools_by_fill[0], stats->pools_by_fill[1],
                      stats->pools_by_fill[2], stats->pools_by_fill[3], in_use / 1000,
                      in_use % 1000);
}

int
mpy_mem_dump_json(mpy_runtime *rt, mpy_write_fn write, void *data)
{
    struct mpyi_writer out;
    struct mpyi_census census;
    mpy_mem_stats stats;
    const char *separator = "";
    if (write == NULL) {
        return mpyi_invalid();
    }
    if (mpyi_census_take(rt, &census, &stats) < 0) {
        return -1;
    }
    mpyi_writer_begin(&out, write, data);
    mpyi_writer_print(&out, "{\"version\":1,\"scope\":\"%s\"", rt == NULL ? "process" : "runtime");
    for (size_t i = 0; i < FIELDS; i++) {
        mpyi_writer_print(&out, ",\"%s\":%" PRIu64, fields[i].name, value(&stats, &fields[i]));
    }
    mpyi_writer_print(&out, ",\"classes\":[");
    for (unsigned c = 1; c <= MPY_CLASS_COUNT; c++) {
        mpy_class_stats in_class;
        mpyi_census_class(&census, c, &in_class);
        if (in_class.pools > 0) {
            mpyi_writer_print(&out, "%s\n", separator);
            json_class(&out, c, &in_class);
            separator = ",";
        }
    }
    mpyi_writer_print(&out, "]}\n");
    return mpyi_writer_end(&out);
}
