/* SPDX-License-Identifier: MIT */
/*
 * 02_allocator.c - the allocator alone: no runtime, no lock, any thread.
 *
 * A linked list is built in one thread and freed in another, then the program asks where its
 * memory is.
 */
#include <minipy/memstat.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct node {
    struct node *next;
    long value;
};

static void *
free_list(void *data)
{
    struct node *node = data;
    while (node != NULL) {
        struct node *next = node->next;
        mpy_mem_free_sized(node, sizeof *node); /* knows the size: no look-up at all */
        node = next;
    }
    return NULL;
}

int
main(void)
{
    struct node *list = NULL;
    mpy_mem_stats stats = {.size = sizeof stats, .version = 1};
    size_t released = 0;
    pthread_t thread;

    for (long i = 0; i < 100000; i++) {
        struct node *node = mpy_mem_malloc(sizeof *node);
        if (node == NULL) {
            return EXIT_FAILURE;
        }
        node->next = list;
        node->value = i;
        list = node;
    }
    if (mpy_mem_stats_get(NULL, &stats) < 0) {
        return EXIT_FAILURE;
    }
    printf("100000 nodes of %zu bytes: %llu arenas, %llu full pools\n", sizeof *list,
           (unsigned long long)stats.arenas, (unsigned long long)stats.pools_full);

    if (pthread_create(&thread, NULL, free_list, list) != 0) {
        return EXIT_FAILURE;
    }
    (void)pthread_join(thread, NULL);
    if (mpy_mem_trim(NULL, 0, &released) < 0) {
        return EXIT_FAILURE;
    }
    printf("freed by another thread; %zu bytes went back to the system\n", released);
    return EXIT_SUCCESS;
}
