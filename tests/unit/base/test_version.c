/* SPDX-License-Identifier: MIT */
/*
 * test_version.c - the version is the header's, features and ABI are answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "minipy/base.h"

#include "base/assert.h"
#include "base/features.h"

#include <stdio.h>
#include <string.h>

static void
text_and_number_agree(void **state)
{
    (void)state;
    char text[32];
    uint32_t hex = mpy_version_hex();
    snprintf(text, sizeof text, "%u.%u.%u", hex >> 24, hex >> 16 & 255, hex >> 8 & 255);
    assert_string_equal(mpy_version_string(), text);
    assert_int_equal(hex, MPY_LIB_VERSION_HEX);
    assert_int_equal(hex & 255, 0);
}

static void
features_are_those_of_the_build(void **state)
{
    (void)state;
    assert_int_equal(mpy_feature("asan"), MPYI_ASAN);
    assert_int_equal(mpy_feature("tsan"), MPYI_TSAN);
    assert_int_equal(mpy_feature("bypass-pools"), MPYI_BYPASS);
    assert_int_equal(mpy_feature("debug"), MPY_DEBUG > 0);
    assert_int_equal(mpy_feature("no such feature"), 0);
    assert_int_equal(mpy_feature(""), 0);
    assert_int_equal(mpy_feature(NULL), 0);
}

static void
build_info_names_the_debug_level(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "debug level %d", MPY_DEBUG);
    assert_non_null(strstr(mpy_build_info(), text));
}

static void
only_the_same_abi_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(mpy_abi_check(MPY_ABI_VERSION), 0);
    assert_int_equal(mpy_abi_check(MPY_ABI_VERSION + 1), -1);
    assert_int_equal(mpy_abi_check(0), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_number_agree),
        cmocka_unit_test(features_are_those_of_the_build),
        cmocka_unit_test(build_info_names_the_debug_level),
        cmocka_unit_test(only_the_same_abi_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
