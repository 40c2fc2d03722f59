/* SPDX-License-Identifier: MIT */
/*
 * early.c - a library that is busy before anybody expects it: its constructor runs before that of
 * the preload library and before main(). It allocates, starts threads that allocate, registers
 * handlers of fork() that allocate, and forks.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define BLOCKS  2000

int
early_finish(void);

static pthread_t threads[THREADS];
static int started;
static char *kept[BLOCKS];
static int forked = -1;

static size_t
size_of(size_t i)
{
    return 1 + i * 7 % 1500;
}

static int
churn(void)
{
    void *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        blocks[i] = malloc(size_of(i));
        if (blocks[i] == NULL) {
            return 1;
        }
        memset(blocks[i], 1, size_of(i));
    }
    for (size_t i = 0; i < 200; i++) {
        free(blocks[i]);
    }
    return 0;
}

static void *
work(void *data)
{
    for (int i = 0; i < 200; i++) {
        if (churn() != 0) {
            return data;
        }
    }
    return NULL;
}

static void
in_handler(void)
{
    (void)churn();
}

__attribute__((constructor)) static void
early(void)
{
    (void)pthread_atfork(in_handler, in_handler, in_handler); /* before the library's own */
    for (size_t i = 0; i < BLOCKS; i++) {
        kept[i] = malloc(size_of(i));
        memset(kept[i], (int)i & 0x7f, size_of(i));
    }
    while (started < THREADS && pthread_create(&threads[started], NULL, work, threads) == 0) {
        started++;
    }
    pid_t pid = fork();
    if (pid == 0) {
        _exit(churn());
    }
    (void)waitpid(pid, &forked, 0);
}

/* Joins the threads and checks what the constructor allocated; 0 when all went well. */
int
early_finish(void)
{
    if (started != THREADS || forked != 0) {
        return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        void *result;
        if (pthread_join(threads[i], &result) != 0 || result != NULL) {
            return 2;
        }
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t n = size_of(i);
        if (kept[i] == NULL || kept[i][0] != (int)(i & 0x7f) || kept[i][n - 1] != (int)(i & 0x7f)) {
            return 3;
        }
        free(kept[i]);
    }
    return 0;
}
