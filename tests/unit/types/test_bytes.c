/* SPDX-License-Identifier: MIT */
/*
 * unit/types/test_bytes.c - layout and limits; behaviour is compared with CPython's in
 * api/test_bytes.c.
 */
#include "support/api_world.h"

#include <string.h>

#include "types/bytes.h"
#include "types/hash.h"

static void
test_layout(void **state)
{
    mpy_object *o = api_good(mpyi_bytes_new(mpyi_current(), "12345678", 8));
    struct mpyi_bytes *b = mpyi_bytes_of(o);
    int64_t hash;
    (void)state;
    assert_int_equal(b->size, 8);
    assert_memory_equal(mpyi_bytes_data(b), "12345678", 9);
    assert_true(b->hash == 0);
    assert_int_equal(mpy_object_hash(o, &hash), 0);
    assert_true(b->hash == (uint64_t)hash && b->hash == mpyi_hash_bytes("12345678", 8));
    mpy_decref(o);
}

/* The empty one is shared between runtimes: it never changes. */
static void
test_empty_is_static(void **state)
{
    mpy_object *a = mpyi_bytes_new(mpyi_current(), NULL, 0),
               *b = mpyi_bytes_new(mpyi_current(), "", 0);
    int64_t hash;
    (void)state;
    assert_ptr_equal(a, b);
    assert_int_equal(mpy_object_hash(a, &hash), 0);
    assert_true(hash != 0 && mpyi_bytes_of(a)->hash == 0);
    assert_true(mpyi_head(a)->refcnt == 0xFFFFFFFFu);
    assert_int_equal(mpyi_bytes_data(mpyi_bytes_of(a))[0], 0);
}

static void
test_too_long(void **state)
{
    mpy_object *o = api_good(mpyi_bytes_new(mpyi_current(), "ab", 2));
    (void)state;
    assert_null(mpyi_bytes_alloc(mpyi_current(), MPYI_BYTES_MAX + 1));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    assert_null(mpy_number_multiply(o, mpy_int_from_i64(MPY_INT_MAX)));
    api_expect_error(MPY_EXC_MEMORY_ERROR);
    mpy_decref(o);
}

static void
test_large(void **state)
{
    mpy_object *o = api_good(mpyi_bytes_new(mpyi_current(), "xyz", 3)), *many;
    const uint8_t *data;
    size_t n, i;
    (void)state;
    many = api_good(mpy_number_multiply(o, mpy_int_from_i64(1001)));
    assert_int_equal(mpy_bytes_view(many, &data, &n), 0);
    assert_int_equal(n, 3003);
    for (i = 0; i < n; i++) {
        assert_int_equal(data[i], "xyz"[i % 3]);
    }
    assert_int_equal(data[n], 0);
    mpy_decref(many);
    mpy_decref(o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_layout, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_empty_is_static, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_too_long, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_large, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
