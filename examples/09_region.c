/* SPDX-License-Identifier: MIT */
/*
 * 09_region.c - a heap for every request: what a request allocates is freed in one step, and a
 * limit with a callback keeps the program in bounds.
 *
 * A "server" answers requests that build a list of words. Answers are kept in a cache, which is a
 * region, too; when memory runs short, the cache goes.
 */
#include <minipy/memstat.h>
#include <minipy/region.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
    struct word *next;
    char text[24];
};

struct server {
    mpy_region *cache;
    long cached, dropped;
};

/* The words of a request, in its region. NULL: out of memory. */
static struct word *
parse(mpy_region *request, long number)
{
    struct word *words = NULL;
    for (long i = 0; i < 1000; i++) {
        struct word *word = mpy_region_malloc(request, sizeof *word);
        if (word == NULL) {
            return NULL;
        }
        (void)snprintf(word->text, sizeof word->text, "word %ld of %ld", i, number);
        word->next = words;
        words = word;
    }
    return words;
}

/* One request: 0, or -1 when memory ran out. */
static int
answer(struct server *server, long number)
{
    int result = -1;
    char *copy = NULL;
    mpy_region *request = mpy_region_new(NULL);
    struct word *words = request != NULL ? parse(request, number) : NULL;
    if (words == NULL) {
        goto done;
    }
    copy = mpy_region_malloc(server->cache, 10000);
    if (copy == NULL) {
        goto done;
    }
    (void)strcpy(copy, words->text);
    server->cached++;
    result = 0;
done:
    mpy_region_destroy(request); /* a thousand words, in as many steps as they have pools */
    return result;
}

/* Asked before a request for memory fails. */
static int
drop_cache(void *data, const mpy_pressure *pressure)
{
    struct server *server = data;
    printf("%llu of %llu bytes in use: dropping %ld answers\n", (unsigned long long)pressure->used,
           (unsigned long long)pressure->limit, server->cached);
    server->dropped += server->cached;
    server->cached = 0;
    mpy_region_clear(server->cache);
    return 1; /* try again */
}

int
main(void)
{
    struct server server = {mpy_region_new(NULL), 0, 0};
    mpy_region_stats stats = {.size = sizeof stats, .version = 1};
    if (server.cache == NULL || mpy_mem_on_pressure(NULL, 0, drop_cache, &server) < 0) {
        return EXIT_FAILURE;
    }
    mpy_mem_set_limit(2u << 20);
    for (long number = 0; number < 500; number++) {
        if (answer(&server, number) < 0) {
            (void)fprintf(stderr, "request %ld failed\n", number);
            return EXIT_FAILURE;
        }
    }
    if (mpy_region_stats_get(server.cache, &stats) < 0) {
        return EXIT_FAILURE;
    }
    printf("500 requests in %llu bytes; %ld answers dropped, %llu still cached\n",
           (unsigned long long)mpy_mem_get_limit(), server.dropped,
           (unsigned long long)stats.large_blocks);
    mpy_region_destroy(server.cache);
    return server.dropped > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
