/* SPDX-License-Identifier: MIT */
/*
 * 07_threads.c - worker threads that attach to a runtime through a view.
 */
#define _DEFAULT_SOURCE /* usleep */
#include <minipy.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct work {
    mpy_view *view;
    mpy_object *results; /* a list; appending is atomic under the runtime's lock */
};

static void *
worker(void *data)
{
    struct work *work = data;
    mpy_thread_token *token;
    if (mpy_thread_attach(work->view, &token) != MPY_OK) {
        return NULL; /* the runtime is shutting down: an error, never a hang */
    }
    for (int i = 0; i < 5; i++) {
        mpy_thread_token *saved = mpy_gil_release();
        (void)usleep(1000); /* blocking work, without the lock */
        mpy_gil_acquire(saved);
        MPY_AUTO mpy_object *n = mpy_int_from_i64(i);
        if (n == NULL || mpy_list_append(work->results, n) < 0) {
            mpy_err_unraisable("worker");
        }
    }
    mpy_thread_detach(token);
    return NULL;
}

int
main(void)
{
    struct work work = {0};
    pthread_t threads[4];
    mpy_thread_token *saved;
    mpy_runtime *rt;
    ptrdiff_t n;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return EXIT_FAILURE;
    }
    work.view = mpy_view_of(rt);
    work.results = mpy_list_new(0);
    if (work.view == NULL || work.results == NULL) {
        return EXIT_FAILURE;
    }
    saved = mpy_gil_release(); /* joining blocks */
    for (int i = 0; i < 4; i++) {
        if (pthread_create(&threads[i], NULL, worker, &work) != 0) {
            return EXIT_FAILURE;
        }
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    mpy_gil_acquire(saved);
    n = mpy_list_length(work.results);
    printf("%td results from 4 threads\n", n);
    mpy_decref(work.results);
    mpy_view_close(work.view);
    return mpy_runtime_free(rt, NULL) == MPY_OK && n == 20 ? EXIT_SUCCESS : EXIT_FAILURE;
}
