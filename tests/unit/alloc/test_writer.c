/* SPDX-License-Identifier: MIT */
/*
 * test_writer.c - pieces arrive whole, in order and few; a function that stops is not called again.
 */
#include "alloc_test.h"

#include "alloc/writer.h"

#include <stdio.h>

struct sink {
    char text[20000];
    size_t length, calls, stop_at;
};

static int
take(void *data, const char *bytes, size_t n)
{
    struct sink *sink = data;
    assert_true(n > 0 && n <= MPYI_WRITER_BYTES);
    assert_true(sink->length + n < sizeof sink->text);
    memcpy(sink->text + sink->length, bytes, n);
    sink->length += n;
    return ++sink->calls == sink->stop_at;
}

static void
pieces_are_put_together(void **state)
{
    (void)state;
    static struct sink sink;
    static char expected[20000];
    struct mpyi_writer out;
    size_t length = 0;
    mpyi_writer_begin(&out, take, &sink);
    for (int i = 0; i < 2000; i++) {
        mpyi_writer_print(&out, "%d,", i * 37);
        length += (size_t)snprintf(expected + length, sizeof expected - length, "%d,", i * 37);
    }
    assert_int_equal(mpyi_writer_end(&out), 0);
    assert_int_equal(sink.length, length);
    assert_memory_equal(sink.text, expected, length);
    assert_true(sink.calls <= length / (MPYI_WRITER_BYTES - 512) + 1);
    assert_int_equal(mpyi_writer_end(&out), 0); /* nothing twice */
    assert_int_equal(sink.length, length);
}

static void
long_pieces_are_cut(void **state)
{
    (void)state;
    static struct sink sink;
    struct mpyi_writer out;
    memset(&sink, 0, sizeof sink);
    mpyi_writer_begin(&out, take, &sink);
    mpyi_writer_print(&out, "%700d", 5);
    mpyi_writer_print(&out, "%s", "");
    assert_int_equal(mpyi_writer_end(&out), 0);
    assert_int_equal(sink.length, 511);
}

static void
a_stop_is_final(void **state)
{
    (void)state;
    static struct sink sink;
    struct mpyi_writer out;
    memset(&sink, 0, sizeof sink);
    sink.stop_at = 2;
    mpyi_writer_begin(&out, take, &sink);
    for (int i = 0; i < 3000; i++) {
        mpyi_writer_print(&out, "line %d\n", i);
    }
    assert_int_equal(mpyi_writer_end(&out), -1);
    assert_int_equal(sink.calls, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_put_together),
        cmocka_unit_test(long_pieces_are_cut),
        cmocka_unit_test(a_stop_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
