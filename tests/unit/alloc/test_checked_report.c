/* SPDX-License-Identifier: MIT */
/* What the messages say; tests/fault has every fault by a program of its own. */
#include "unit/alloc/alloc_test.h"

#include "alloc/checked.h"

#include <stdio.h>

static char said[2048];

static void
remember(void *data, const char *text)
{
    (void)data;
    (void)snprintf(said, sizeof said, "%s", text);
}

static struct mpyi_mark
a_mark(void)
{
    static char block[64];
    return (struct mpyi_mark){.p = block + 16,
                              .n = 20,
                              .total = 64,
                              .serial = 7,
                              .front = 16,
                              .alloc_site = (void *)(uintptr_t)&remember,
                              .state = MPYI_MARK_LIVE};
}

static void
every_fault_has_its_text(void **state)
{
    (void)state;
    static const struct {
        enum mpyi_block_fault fault;
        const char *text;
    } cases[] = {
        {MPYI_DOUBLE_FREE, "double free: the block was freed before"},
        {MPYI_WRONG_SIZE, "wrong size: 30 bytes were given, 20 requested"},
        {MPYI_WRONG_KIND, "wrong domain: the block belongs to mpy_mem_*"},
        {MPYI_OVERFLOW, "overflow: the byte 2 past its end was written"},
        {MPYI_UNDERFLOW, "underflow: the byte 3 before its start was written"},
        {MPYI_WRITE_AFTER_FREE, "write after free: its byte 4 was written"},
        {MPYI_USE_OF_FREED, "use after free: it was passed on"},
    };
    const struct mpyi_asker asker = {NULL, NULL, (void *)(uintptr_t)&every_fault_has_its_text, 30};
    struct mpyi_mark mark = a_mark();
    mpy_debug_set_fatal_handler(remember, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *p = cases[i].fault == MPYI_OVERFLOW           ? mark.p + 21
                        : cases[i].fault == MPYI_UNDERFLOW        ? mark.p - 3
                        : cases[i].fault == MPYI_WRITE_AFTER_FREE ? mark.p + 4
                                                                  : mark.p;
        mpyi_checked_block_fault(&asker, cases[i].fault, p, &mark, 0);
        assert_non_null(strstr(said, cases[i].text));
        assert_non_null(strstr(said, "block: 20 bytes at 0x"));
        assert_non_null(strstr(said, "serial 7, large"));
        assert_non_null(strstr(said, "\n  allocated at 0x"));
        assert_non_null(strstr(said, "(unit_alloc_checked_report+0x"));
        assert_non_null(strstr(said, "\n  found at 0x"));
        assert_non_null(strstr(said, "\n  next: "));
    }
    mpy_debug_set_fatal_handler(NULL, NULL);
}

static void
addresses_that_malloc_never_returns(void **state)
{
    (void)state;
    static int variable;
    int local;
    void *block = malloc(100);
    assert_true(mpyi_checked_not_malloced(&variable));
    assert_true(mpyi_checked_not_malloced("text"));
    assert_true(mpyi_checked_not_malloced(&local));
    assert_false(mpyi_checked_not_malloced(block));
    assert_false(mpyi_checked_not_malloced(NULL));
    free(block);
}

static void
free_nothing(void)
{
    const struct mpyi_asker asker = {NULL, mpyi_mem_enter(), NULL, 0};
    mpyi_checked_bad_pointer(&asker, (void *)(uintptr_t)8);
}

static void
a_bad_pointer_is_fatal(void **state)
{
    (void)state;
    test_dies(free_nothing);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_has_its_text),
        cmocka_unit_test(addresses_that_malloc_never_returns),
        cmocka_unit_test(a_bad_pointer_is_fatal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
