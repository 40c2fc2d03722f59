/* SPDX-License-Identifier: MIT */
/*
 * unit/alloc/report_test.h - a sink for reports that can stop them, and a runtime to report on.
 */
#ifndef MPY_TEST_UNIT_REPORT_TEST_H
#define MPY_TEST_UNIT_REPORT_TEST_H

#include "alloc_test.h"

#include "minipy/memstat.h"

struct report_sink {
    char *text; /* ends with a NUL */
    size_t length, calls, stop_at;
};

static inline int
report_take(void *data, const char *bytes, size_t n)
{
    struct report_sink *sink = data;
    if (++sink->calls == sink->stop_at) {
        return 1;
    }
    sink->text = realloc(sink->text, sink->length + n + 1);
    assert_non_null(sink->text);
    memcpy(sink->text + sink->length, bytes, n);
    sink->length += n;
    sink->text[sink->length] = '\0';
    return 0;
}

typedef int (*report_fn)(mpy_runtime *rt, mpy_write_fn write, void *data);

/* The whole report; freed by free(). */
static inline char *
report_of(report_fn report, mpy_runtime *rt)
{
    struct report_sink sink = {NULL, 0, 0, 0};
    assert_int_equal(report(rt, report_take, &sink), 0);
    assert_non_null(sink.text);
    return sink.text;
}

/* A report that is stopped says so and does not call again; a bad runtime is refused. */
static inline void
report_check_failures(report_fn report)
{
    int word;
    struct report_sink sink = {NULL, 0, 0, 0};
    assert_int_equal(report(NULL, report_take, &sink), 0);
    free(sink.text);
    size_t calls = sink.calls;
    for (size_t stop = 1; stop <= calls; stop++) {
        sink = (struct report_sink){NULL, 0, 0, stop};
        assert_int_equal(report(NULL, report_take, &sink), -1);
        assert_int_equal(sink.calls, stop);
        free(sink.text);
    }
    sink = (struct report_sink){NULL, 0, 0, 0};
    assert_int_equal(report((mpy_runtime *)(void *)&word, report_take, &sink), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(sink.calls, 0);
    assert_int_equal(report(NULL, NULL, NULL), -1);
}

static struct mpyi_rtheap *report_heap;

static inline struct mpyi_rtheap *
report_find_heap(mpy_runtime *rt)
{
    return (void *)rt == (void *)&report_heap ? report_heap : NULL;
}

static inline mpy_runtime *
report_runtime_open(void)
{
    MPYI_HOOK_SET(runtime_heap, report_find_heap);
    report_heap = mpyi_rtheap_new(NULL);
    assert_non_null(report_heap);
    return (mpy_runtime *)(void *)&report_heap;
}

static inline void
report_runtime_close(void)
{
    mpyi_rtheap_free(report_heap);
    report_heap = NULL;
    MPYI_HOOK_SET(runtime_heap, NULL);
}

#endif /* MPY_TEST_UNIT_REPORT_TEST_H */
