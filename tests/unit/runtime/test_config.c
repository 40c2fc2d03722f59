/* SPDX-License-Identifier: MIT */
/*
 * Options of a config: names, ranges, defaults, and failing allocation.
 */
#include "support/cm.h"

#include "minipy/debug.h"

#include "runtime/config.h"

static void
test_defaults(void **state)
{
    (void)state;
    struct mpy_config c;
    mpyi_config_defaults(&c);
    assert_int_equal(c.gc_enabled, 1);
    assert_int_equal(c.gc_threshold0, 2000);
    assert_int_equal(c.gc_threshold1, 10);
    assert_int_equal(c.gc_threshold2, 75);
    assert_int_equal(c.switch_interval, 5000000);
    assert_int_equal(c.limit_bytes, 0);
    assert_int_equal(c.limit_depth, 1000);
    assert_null(c.error_fn);
    assert_null(c.error_data);
}

/* Every option: its whole range is accepted, the values beside it are not, others keep theirs. */
static void
test_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t low, high;
    } options[] = {
#define ROW(field, name, dflt, low, high) {name, low, high},
        MPYI_CONFIG_OPTIONS(ROW)
#undef ROW
    };
    mpy_config *config = mpy_config_new();
    struct mpy_config before;
    int64_t value;
    assert_non_null(config);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        const char *name = options[i].name;
        assert_int_equal(mpy_config_has(config, name), 1);
        assert_int_equal(mpy_config_set_int(config, name, options[i].low), 0);
        assert_int_equal(mpy_config_get_int(config, name, &value), 0);
        assert_true(value == options[i].low);
        assert_int_equal(mpy_config_set_int(config, name, options[i].high), 0);
        assert_int_equal(mpy_config_get_int(config, name, &value), 0);
        assert_true(value == options[i].high);
        before = *config;
        if (options[i].low > INT64_MIN) {
            assert_int_equal(mpy_config_set_int(config, name, options[i].low - 1), -1);
            assert_int_equal(mpy_status_last(), MPY_E_INVAL);
        }
        if (options[i].high < INT64_MAX) {
            assert_int_equal(mpy_config_set_int(config, name, options[i].high + 1), -1);
        }
        assert_memory_equal(&before, config, sizeof before);
    }
    mpy_config_free(config);
}

static void
test_wrong_arguments(void **state)
{
    (void)state;
    mpy_config *config = mpy_config_new();
    int64_t value = 77;
    assert_non_null(config);
    assert_int_equal(mpy_config_has(config, "no.such"), 0);
    assert_int_equal(mpy_config_has(config, ""), 0);
    assert_int_equal(mpy_config_has(config, NULL), 0);
    assert_int_equal(mpy_config_has(NULL, "gc.enabled"), 0);
    assert_int_equal(mpy_config_set_int(config, "no.such", 1), -1);
    assert_int_equal(mpy_config_set_int(config, NULL, 1), -1);
    assert_int_equal(mpy_config_set_int(NULL, "gc.enabled", 1), -1);
    assert_int_equal(mpy_config_get_int(config, "gc.enable", &value), -1);
    assert_int_equal(mpy_config_get_int(config, "gc.enabled", NULL), -1);
    assert_int_equal(mpy_config_get_int(NULL, "gc.enabled", &value), -1);
    assert_int_equal(mpy_status_last(), MPY_E_INVAL);
    assert_int_equal(value, 0);
    mpy_config_set_error_fn(NULL, NULL, NULL);
    mpy_config_free(config);
    mpy_config_free(NULL);
}

static int
ignore(void *data, const char *bytes, size_t n)
{
    (void)data;
    (void)bytes;
    (void)n;
    return 0;
}

static void
test_error_fn(void **state)
{
    (void)state;
    int word = 0;
    mpy_config *config = mpy_config_new();
    assert_non_null(config);
    mpy_config_set_error_fn(config, ignore, &word);
    assert_true(config->error_fn == ignore);
    assert_ptr_equal(config->error_data, &word);
    mpy_config_free(config);
}

static void
test_out_of_memory(void **state)
{
    (void)state;
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_NTH, 1), 0);
    assert_null(mpy_config_new());
    assert_int_equal(mpy_status_last(), MPY_E_NOMEM);
    assert_int_equal(mpy_debug_fail_alloc(NULL, MPY_FAIL_OFF, 0), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_wrong_arguments), cmocka_unit_test(test_error_fn),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
