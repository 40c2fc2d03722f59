/* SPDX-License-Identifier: MIT */
/* The static library has no text of its own; tests/fault/test_sites.c looks at the shared one. */
#include "support/cm.h"

#include "base/callsite.h"

static void
a_place_stays_what_it_is(void **state)
{
    (void)state;
    assert_null(mpyi_host_site(NULL));
    const void *here = __builtin_return_address(0);
    assert_ptr_equal(mpyi_host_site(here), here);
    const void *inside = (const void *)(uintptr_t)&mpyi_host_site;
    assert_ptr_equal(mpyi_host_site(inside), inside);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
