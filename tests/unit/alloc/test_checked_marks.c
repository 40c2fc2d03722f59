/* SPDX-License-Identifier: MIT */
/* The table of records: finding, growing, the queue, and no memory. */
#include "unit/alloc/alloc_test.h"

#include "alloc/checked_marks.h"

enum { COUNT = 5000 };

static struct mpyi_marks marks;
static struct mpyi_mark *all[COUNT];

static void
insert(size_t i, char *p)
{
    all[i] = mpyi_marks_new(&marks);
    assert_non_null(all[i]);
    all[i]->p = p;
    all[i]->front = 16;
    all[i]->total = 64;
    mpyi_marks_insert(&marks, all[i]);
}

static int
count_marks(void *data, const struct mpyi_mark *mark)
{
    (void)mark;
    return ++*(size_t *)data == 10000;
}

static void
records_are_found_and_go(void **state)
{
    (void)state;
    char *base = (char *)(uintptr_t)0x100000;
    assert_null(mpyi_marks_find(&marks, base));
    for (size_t i = 0; i < COUNT; i++) {
        insert(i, base + i * 64);
        assert_int_equal(all[i]->serial, i + 1);
    }
    size_t n = 0;
    assert_int_equal(mpyi_marks_each(&marks, count_marks, &n), 0);
    assert_int_equal(n, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(mpyi_marks_find(&marks, base + i * 64), all[i]);
        assert_null(mpyi_marks_find(&marks, base + i * 64 + 8));
        if (i % 500 == 0) {
            assert_ptr_equal(mpyi_marks_around(&marks, base + i * 64 - 16), all[i]);
            assert_ptr_equal(mpyi_marks_around(&marks, base + i * 64 + 47), all[i]);
        }
    }
    assert_null(mpyi_marks_around(&marks, base - 17));
    for (size_t i = 0; i < COUNT; i += 2) {
        mpyi_marks_remove(&marks, all[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(mpyi_marks_find(&marks, base + i * 64) != NULL, i % 2);
    }
    assert_int_equal(marks.count, COUNT / 2);
    mpyi_marks_destroy(&marks);
    assert_int_equal(marks.count, 0);
    assert_null(mpyi_marks_find(&marks, base + 64));
}

static void
the_queue_is_first_in_first_out(void **state)
{
    (void)state;
    assert_null(mpyi_marks_dequeue(&marks));
    for (size_t i = 0; i < 10; i++) {
        insert(i, (char *)(uintptr_t)(0x1000 + i * 64));
        mpyi_marks_enqueue(&marks, all[i]);
    }
    assert_int_equal(marks.queued_bytes, 640);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(marks.queued_count, 10 - i);
        assert_ptr_equal(mpyi_marks_dequeue(&marks), all[i]);
    }
    assert_null(mpyi_marks_dequeue(&marks));
    assert_int_equal(marks.queued_bytes, 0);
    mpyi_marks_destroy(&marks);
}

static void
no_memory_for_records(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 2; n++) {
        mpyi_os_fail_after(n);
        assert_null(mpyi_marks_new(&marks));
        mpyi_os_fail_after(0);
        struct mpyi_mark *mark = mpyi_marks_new(&marks);
        assert_non_null(mark);
        mpyi_marks_drop(&marks, mark);
        mpyi_marks_destroy(&marks);
    }
    /* A table that cannot grow serves with longer chains. */
    for (size_t i = 0; i < 800; i++) {
        insert(i, (char *)(uintptr_t)(0x1000 + i * 64));
    }
    size_t buckets = marks.bucket_count;
    marks.bucket_count = 4;
    memset((void *)marks.buckets, 0, buckets * sizeof *marks.buckets);
    for (size_t i = 0; i < 800; i++) {
        mpyi_marks_insert(&marks, all[i]);
    }
    mpyi_os_fail_after(1);
    mpyi_marks_drop(&marks, mpyi_marks_new(&marks));
    mpyi_os_fail_after(0);
    assert_int_equal(marks.bucket_count, 4);
    assert_ptr_equal(mpyi_marks_find(&marks, all[700]->p), all[700]);
    marks.bucket_count = buckets;
    mpyi_marks_destroy(&marks);
}

/* A region uses its table again after it was destroyed. */
static void
a_destroyed_table_is_empty(void **state)
{
    (void)state;
    for (size_t i = 0; i < 20; i++) {
        insert(i, (char *)(uintptr_t)(0x1000 + i * 64));
        all[i]->total = 64;
        mpyi_marks_enqueue(&marks, all[i]);
    }
    assert_int_equal(marks.queued_bytes, 20 * 64);
    mpyi_marks_destroy(&marks);
    assert_int_equal(marks.count + marks.queued_bytes + marks.queued_count, 0);
    assert_null(mpyi_marks_dequeue(&marks));
    assert_null(mpyi_marks_find(&marks, (void *)(uintptr_t)0x1000));
    insert(0, (char *)(uintptr_t)0x1000);
    assert_int_equal(marks.count, 1);
    mpyi_marks_destroy(&marks);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_found_and_go),
        cmocka_unit_test(the_queue_is_first_in_first_out),
        cmocka_unit_test(no_memory_for_records),
        cmocka_unit_test(a_destroyed_table_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
