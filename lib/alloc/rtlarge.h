/* SPDX-License-Identifier: MIT */
/*
 * alloc/rtlarge.h - blocks of a runtime above 512 bytes: malloc's, with a prefix, all in one ring.
 *
 * Lock: the runtime's.
 */
#ifndef MPY_ALLOC_RTLARGE_H
#define MPY_ALLOC_RTLARGE_H

#include "alloc/rtheap.h"

/* A block of at least n bytes; flag is MPYI_LARGE_* or 0. NULL: limit or system. */
void *
mpyi_rtlarge_alloc(struct mpyi_rtheap *heap, size_t n, size_t flag);

/* Changes the size; NULL: p is unchanged. */
void *
mpyi_rtlarge_realloc(struct mpyi_rtheap *heap, void *p, size_t n);

void
mpyi_rtlarge_free(struct mpyi_rtheap *heap, void *p);

/* Usable bytes. */
size_t
mpyi_rtlarge_size(const void *p);

/* Frees every block and the cache. */
void
mpyi_rtlarge_free_all(struct mpyi_rtheap *heap);

/* 0, or -1 after a report. */
int
mpyi_rtlarge_check(const struct mpyi_rtheap *heap);

#endif /* MPY_ALLOC_RTLARGE_H */
