/* SPDX-License-Identifier: MIT */
/*
 * alloc/checked_marks.c - the table of alloc/checked_marks.h.
 *
 * Memory comes in whole mappings and not from any allocator that is being checked. A table that
 * cannot grow gets longer chains; only a record that cannot be had makes a request fail.
 *
 * Lock: see the header.
 */
#include "alloc/checked_marks.h"

#include "alloc/os.h"

#include "minipy/mem.h"

#define CHUNK_BYTES   65536u
#define FIRST_BUCKETS 1024u

struct mpyi_marks_chunk {
    struct mpyi_marks_chunk *next;
    struct mpyi_mark marks[];
};

#define CHUNK_MARKS ((CHUNK_BYTES - sizeof(struct mpyi_marks_chunk)) / sizeof(struct mpyi_mark))

static struct mpyi_mark **
bucket_of(const struct mpyi_marks *marks, const void *p)
{
    uint64_t hash = ((uint64_t)(uintptr_t)p >> 3) * UINT64_C(0x9e3779b97f4a7c15);
    return &marks->buckets[(hash >> 32) & (marks->bucket_count - 1)];
}

static void
release_buckets(struct mpyi_mark **buckets, size_t count)
{
    if (buckets != NULL) {
        mpyi_os_release((void *)buckets, count * sizeof *buckets);
    }
}

static void
grow(struct mpyi_marks *marks)
{
    size_t old_count = marks->bucket_count;
    struct mpyi_mark **old = marks->buckets;
    size_t count = old_count != 0 ? 2 * old_count : FIRST_BUCKETS;
    struct mpyi_mark **fresh = mpyi_os_map(count * sizeof *fresh, MPY_POOL_SIZE);
    if (fresh == NULL) {
        return;
    }
    marks->buckets = fresh;
    marks->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        struct mpyi_mark *next;
        for (struct mpyi_mark *mark = old[i]; mark != NULL; mark = next) {
            next = mark->next;
            struct mpyi_mark **bucket = bucket_of(marks, mark->p);
            mark->next = *bucket;
            *bucket = mark;
        }
    }
    release_buckets(old, old_count);
}

static int
add_chunk(struct mpyi_marks *marks)
{
    struct mpyi_marks_chunk *chunk = mpyi_os_map(CHUNK_BYTES, MPY_POOL_SIZE);
    if (chunk == NULL) {
        return -1;
    }
    chunk->next = marks->chunks;
    marks->chunks = chunk;
    for (size_t i = 0; i < CHUNK_MARKS; i++) {
        chunk->marks[i].next = marks->unused;
        marks->unused = &chunk->marks[i];
    }
    return 0;
}

struct mpyi_mark *
mpyi_marks_new(struct mpyi_marks *marks)
{
    if (marks->count >= 2 * marks->bucket_count) {
        grow(marks);
    }
    if (marks->bucket_count == 0 || (marks->unused == NULL && add_chunk(marks) < 0)) {
        return NULL;
    }
    struct mpyi_mark *mark = marks->unused;
    marks->unused = mark->next;
    *mark = (struct mpyi_mark){.serial = ++marks->serial, .state = MPYI_MARK_LIVE};
    return mark;
}

void
mpyi_marks_drop(struct mpyi_marks *marks, struct mpyi_mark *mark)
{
    mark->state = 0;
    mark->next = marks->unused;
    marks->unused = mark;
}

void
mpyi_marks_insert(struct mpyi_marks *marks, struct mpyi_mark *mark)
{
    struct mpyi_mark **bucket = bucket_of(marks, mark->p);
    mark->next = *bucket;
    *bucket = mark;
    marks->count++;
}

struct mpyi_mark *
mpyi_marks_find(const struct mpyi_marks *marks, const void *p)
{
    if (marks->bucket_count == 0) {
        return NULL;
    }
    struct mpyi_mark *mark = *bucket_of(marks, p);
    while (mark != NULL && mark->p != p) {
        mark = mark->next;
    }
    return mark;
}

struct mpyi_mark *
mpyi_marks_around(const struct mpyi_marks *marks, const void *p)
{
    for (size_t i = 0; i < marks->bucket_count; i++) {
        for (struct mpyi_mark *mark = marks->buckets[i]; mark != NULL; mark = mark->next) {
            if ((uintptr_t)p - ((uintptr_t)mark->p - mark->front) < mark->total) {
                return mark;
            }
        }
    }
    return NULL;
}

void
mpyi_marks_remove(struct mpyi_marks *marks, struct mpyi_mark *mark)
{
    struct mpyi_mark **link = bucket_of(marks, mark->p);
    while (*link != mark) {
        link = &(*link)->next;
    }
    *link = mark->next;
    marks->count--;
    mpyi_marks_drop(marks, mark);
}

void
mpyi_marks_enqueue(struct mpyi_marks *marks, struct mpyi_mark *mark)
{
    mark->queued = NULL;
    if (marks->queue.last != NULL) {
        marks->queue.last->queued = mark;
    } else {
        marks->queue.first = mark;
    }
    marks->queue.last = mark;
    marks->queued_bytes += mark->total;
    marks->queued_count++;
}

struct mpyi_mark *
mpyi_marks_dequeue(struct mpyi_marks *marks)
{
    struct mpyi_mark *mark = marks->queue.first;
    if (mark == NULL) {
        return NULL;
    }
    marks->queue.first = mark->queued;
    if (mark->queued == NULL) {
        marks->queue.last = NULL;
    }
    marks->queued_bytes -= mark->total;
    marks->queued_count--;
    return mark;
}

int
mpyi_marks_each(const struct mpyi_marks *marks, mpyi_mark_fn fn, void *data)
{
    for (size_t i = 0; i < marks->bucket_count; i++) {
        for (struct mpyi_mark *mark = marks->buckets[i]; mark != NULL; mark = mark->next) {
            int result = fn(data, mark);
            if (result != 0) {
                return result;
            }
        }
    }
    return 0;
}

void
mpyi_marks_destroy(struct mpyi_marks *marks)
{
    release_buckets(marks->buckets, marks->bucket_count);
    while (marks->chunks != NULL) {
        struct mpyi_marks_chunk *chunk = marks->chunks;
        marks->chunks = chunk->next;
        mpyi_os_release(chunk, CHUNK_BYTES);
    }
    marks->buckets = NULL;
    marks->bucket_count = 0;
    marks->count = 0;
    marks->unused = NULL;
    marks->queue.first = NULL;
    marks->queue.last = NULL;
    marks->queued_bytes = 0;
    marks->queued_count = 0;
}
