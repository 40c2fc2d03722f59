/* SPDX-License-Identifier: MIT */
/*
 * 10_heap_map.c - pictures of a heap: every block of 1 MiB, every pool of 32 MiB, every arena of
 * 1 GiB; and its statistics as JSON.
 *
 *   10_heap_map [MEBIBYTES]
 *
 * The heap is filled the way programs fill theirs: many small blocks, few bigger ones; later most
 * of what came first is freed, while a few long-lived blocks hold on to their pools. Each picture
 * is an .svg file in the working directory, to be opened in a browser: it names pools and arenas
 * under the pointer. Blocks are not written to, so even the largest heap needs little memory.
 */
#include <minipy/memstat.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct block {
    void *p;
    size_t n;
};

static uint64_t
next_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Sizes as in a program with strings, nodes and a few buffers. */
static size_t
next_size(void)
{
    uint64_t r = next_random() % 16;
    return r < 6 ? 16 + r * 16 : r < 13 ? 64 + next_random() % 64 : 128 + next_random() % 385;
}

/* Allocates up to `bytes`; how many blocks, 0 when out of memory. */
static size_t
fill(struct block *blocks, size_t bytes)
{
    size_t count = 0;
    for (size_t sum = 0; sum < bytes; sum += blocks[count++].n) {
        blocks[count].n = next_size();
        blocks[count].p = mpy_mem_malloc(blocks[count].n);
        if (blocks[count].p == NULL) {
            return 0;
        }
    }
    return count;
}

/* The first half loses nearly everything, in stretches; the rest a few blocks here and there. */
static void
age(struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t stretch = i * 24 / count;
        unsigned keep_of_64 = i >= count / 2     ? 56
                              : stretch % 3 == 0 ? 0
                              : stretch % 3 == 1 ? 40
                                                 : 2;
        if (next_random() % 64 >= keep_of_64) {
            mpy_mem_free_sized(blocks[i].p, blocks[i].n);
            blocks[i].p = NULL;
        }
    }
}

static int
write_to_file(void *file, const char *bytes, size_t n)
{
    return fwrite(bytes, 1, n, file) != n;
}

/* 0, or -1. */
static int
save(const char *name, int (*dump)(mpy_runtime *, mpy_write_fn, void *))
{
    FILE *file = fopen(name, "w");
    if (file == NULL) {
        perror(name);
        return -1;
    }
    int result = dump(NULL, write_to_file, file);
    if (fclose(file) != 0) {
        result = -1;
    }
    return result;
}

/* 0; 1 when there are no pools to be seen; -1 when something failed. */
static int
show(size_t mebibytes)
{
    char svg[64], json[64];
    size_t bytes = mebibytes << 20;
    struct block *blocks = malloc((bytes / 16 + 1) * sizeof *blocks); /* virtual until used */
    if (blocks == NULL) {
        return -1;
    }
    size_t count = fill(blocks, bytes - bytes / 8);
    age(blocks, count);
    (void)snprintf(svg, sizeof svg, "heap_map_%zu_mib.svg", mebibytes);
    (void)snprintf(json, sizeof json, "heap_map_%zu_mib.json", mebibytes);
    int result =
        count == 0 || save(svg, mpy_mem_dump_map) < 0 || save(json, mpy_mem_dump_json) < 0 ? -1 : 0;
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    if (result == 0 && mpy_mem_stats_get(NULL, &stats) == 0 && stats.arena_bytes > 0) {
        printf("%s: %" PRIu64 " arenas, %" PRIu64 " blocks, %" PRIu64 " %% allocated\n", svg,
               stats.arenas, stats.blocks_allocated,
               stats.bytes_allocated * 100 / stats.arena_bytes);
    } else if (result == 0) {
        printf("%s: nothing to see, this library was built without pools\n", svg);
        result = 1;
    }
    for (size_t i = 0; i < count; i++) {
        mpy_mem_free(blocks[i].p);
    }
    free(blocks);
    return mpy_mem_trim(NULL, 0, NULL) < 0 ? -1 : result;
}

int
main(int argc, char **argv)
{
    static const size_t sizes[] = {1, 32, 1024};
    if (argc > 1) {
        size_t mebibytes = strtoul(argv[1], NULL, 10);
        return mebibytes >= 1 && mebibytes <= 16384 && show(mebibytes) >= 0 ? EXIT_SUCCESS
                                                                            : EXIT_FAILURE;
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int result = show(sizes[i]);
        if (result != 0) {
            return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        }
    }
    return EXIT_SUCCESS;
}
