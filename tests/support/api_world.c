/* SPDX-License-Identifier: MIT */
/*
 * support/api_world.c - see support/api_world.h.
 *
 * The two host types of a world stand for the two shapes an instance can have: Plain keeps
 * attributes, Data keeps two references and a pointer to the counters its callbacks raise.
 */
#include "support/api_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mpy_object *
return_none(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)self;
    (void)argv;
    (void)nargs;
    (void)kwnames;
    return MPY_NONE;
}

static const mpy_func_spec anything_spec = {
    .name = "anything", .fn = return_none, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};

static const mpy_func_spec data_methods[] = {
    {.name = "poke", .fn = return_none, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS},
    {.name = NULL}};

static const mpy_member_spec data_members[] = {{"first", 0, 0}, {"second", 1, 0}, {NULL, 0, 0}};

static void
data_release(void *data)
{
    const struct api_data *d = data;
    if (d->counts != NULL) {
        d->counts->released++;
    }
}

static const mpy_type_spec plain_spec = {.size = sizeof(mpy_type_spec),
                                         .version = 1,
                                         .name = "t.Plain",
                                         .flags = MPY_TYPE_ATTRS | MPY_TYPE_BASE};

static const mpy_type_spec data_spec = {.size = sizeof(mpy_type_spec),
                                        .version = 1,
                                        .name = "t.Data",
                                        .flags = MPY_TYPE_BASE,
                                        .ref_count = 2,
                                        .data_size = sizeof(struct api_data),
                                        .members = data_members,
                                        .methods = data_methods,
                                        .release = data_release};

mpy_object *
api_good(mpy_object *o)
{
    if (o == NULL) {
        char text[MPY_ERR_TEXT_MAX + 1];
        int code = api_take_error(text, sizeof text);
        fail_msg("unexpected error %d: %s (status %s)", code, text,
                 mpy_status_text(mpy_status_last()));
    }
    return o;
}

ptrdiff_t
api_done(ptrdiff_t r)
{
    if (r < 0) {
        char text[MPY_ERR_TEXT_MAX + 1];
        int code = api_take_error(text, sizeof text);
        fail_msg("unexpected error %d: %s", code, text);
    }
    return r;
}

int
api_take_error(char *text, size_t size)
{
    int code = mpy_err_code();
    if (text != NULL && size > 0) {
        text[0] = '\0';
    }
    if (code != 0) {
        mpy_object *exc = mpy_err_take();
        mpy_object *message = exc != NULL ? mpy_err_message(exc) : NULL;
        const char *utf8;
        if (message != NULL && text != NULL && mpy_str_as_utf8(message, &utf8, NULL) == 0) {
            (void)snprintf(text, size, "%s", utf8);
        }
        mpy_xdecref(message);
        mpy_xdecref(exc);
        mpy_err_clear();
    }
    return code;
}

void
api_expect_error(int code)
{
    char text[MPY_ERR_TEXT_MAX + 1];
    int got = api_take_error(text, sizeof text);
    if (got != code) {
        fail_msg("expected error %d, got %d: %s", code, got, text);
    }
}

char *
api_repr(mpy_object *o)
{
    mpy_object *text = api_good(mpy_object_repr(o));
    const char *utf8;
    char *copy;

    api_done(mpy_str_as_utf8(text, &utf8, NULL));
    copy = strdup(utf8);
    assert_non_null(copy);
    mpy_decref(text);
    return copy;
}

ptrdiff_t
api_blocks(struct api_world *world)
{
    ptrdiff_t blocks;
    api_done(mpy_gc_collect(2, NULL));
    blocks = mpy_mem_allocated_blocks(world->rt);
    assert_true(blocks >= 0);
    return blocks;
}

mpy_object *
api_world_plain_type(void)
{
    return mpy_type_from_spec(&plain_spec, NULL);
}

mpy_object *
api_world_data_type(void)
{
    return mpy_type_from_spec(&data_spec, NULL);
}

void
api_world_open(struct api_world *world)
{
    memset(world, 0, sizeof *world);
    assert_int_equal(mpy_runtime_new(NULL, &world->rt), MPY_OK);
    world->plain_type = api_good(api_world_plain_type());
    world->data_type = api_good(api_world_data_type());
}

int
api_world_close(struct api_world *world)
{
    mpy_leak_report report = {.size = sizeof report, .version = 1};
    int result = 0;
    mpy_status status;

    if (mpy_err_occurred()) {
        char text[MPY_ERR_TEXT_MAX + 1];
        int code = api_take_error(text, sizeof text);
        print_error("an error was left set: %d: %s\n", code, text);
        result = -1;
    }
    mpy_clear(&world->plain_type);
    mpy_clear(&world->data_type);
    status = mpy_runtime_free(world->rt, &report);
    if (status != MPY_OK) {
        print_error("mpy_runtime_free(): %s\n", mpy_status_text(status));
        return -1;
    }
    if (report.objects != 0 || report.blocks != 0) {
        print_error("left over: %llu objects, %llu blocks\n%s\n",
                    (unsigned long long)report.objects, (unsigned long long)report.blocks,
                    report.text);
        result = -1;
    }
    world->rt = NULL;
    return result;
}

int
api_setup(void **state)
{
    struct api_world *world = malloc(sizeof *world);
    assert_non_null(world);
    api_world_open(world);
    *state = world;
    return 0;
}

int
api_teardown(void **state)
{
    struct api_world *world = *state;
    int result = api_world_close(world);
    free(world);
    return result;
}

static mpy_object *
make_container(int kind)
{
    mpy_object *items[3] = {mpy_int_from_i64(1), mpy_int_from_i64(2), mpy_int_from_i64(3)};
    mpy_object *strs[2], *o, *list;

    switch (kind) {
    case API_LIST:
    case API_CYCLE_LIST:
        return mpy_list_from_array(items, 3);
    case API_TUPLE:
        return mpy_tuple_from_array(items, 3);
    case API_NO_TUPLE:
        return mpy_tuple_from_array(NULL, 0);
    case API_NO_DICT:
        return mpy_dict_new(0);
    case API_DICT:
        o = api_good(mpy_dict_new(0));
        api_done(mpy_dict_set_utf8(o, "a", items[0]));
        return o;
    case API_ITERATOR:
        list = api_good(mpy_list_from_array(items, 3));
        o = mpy_iter_get(list);
        mpy_decref(list);
        return o;
    default:
        strs[0] = api_good(mpy_str_from_utf8("x"));
        strs[1] = api_good(mpy_str_from_utf8("y"));
        o = mpy_list_from_array(strs, 2);
        mpy_decref_many(strs, 2);
        return o;
    }
}

static mpy_object *
make_host(struct api_world *world, int kind)
{
    mpy_object *o, *method;
    void *data;

    if (kind == API_PLAIN) {
        o = api_good(mpy_type_new_instance(world->plain_type));
        api_done(mpy_object_set_attr_utf8(o, "attr", mpy_int_from_i64(1)));
        return o;
    }
    o = api_good(mpy_type_new_instance(world->data_type));
    api_done(mpy_type_data(o, world->data_type, &data));
    ((struct api_data *)data)->counts = &world->counts;
    world->counts.initialised++;
    if (kind == API_DATA) {
        return o;
    }
    method = mpy_object_get_attr_utf8(o, "poke");
    mpy_decref(o);
    return method;
}

static mpy_object *
make_exception(void)
{
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "text");
    return mpy_err_take();
}

static mpy_object *
make(struct api_world *world, int kind)
{
    switch (kind) {
    case API_NONE:
        return MPY_NONE;
    case API_TRUE:
        return MPY_TRUE;
    case API_INT:
        return mpy_int_from_i64(1);
    case API_FLOAT:
        return mpy_float_from_double(2.5);
    case API_BOXED:
        return mpy_float_from_double(1e300);
    case API_STR:
        return mpy_str_from_utf8("12");
    case API_ATTR:
        return mpy_str_from_utf8("attr");
    case API_KEY:
        return mpy_str_from_utf8("a");
    case API_POKE:
        return mpy_str_from_utf8("poke");
    case API_BYTES:
        return mpy_bytes_from_data("12", 2);
    case API_RANGE:
        return mpy_iter_range(0, 3, 1);
    case API_FUNCTION:
        return mpy_func_new(&anything_spec, NULL);
    case API_HOST_TYPE:
        return mpy_newref(world->plain_type);
    case API_DATA_TYPE:
        return mpy_newref(world->data_type);
    case API_TYPE:
        return mpy_type_builtin(MPY_TYPE_ID_LIST);
    case API_EXC_TYPE:
        return mpy_exc_type(MPY_EXC_VALUE_ERROR);
    case API_EXCEPTION:
        return make_exception();
    case API_METHOD:
    case API_PLAIN:
    case API_DATA:
        return make_host(world, kind);
    default:
        return make_container(kind);
    }
}

mpy_object *
api_make(struct api_world *world, int kind)
{
    return api_good(make(world, kind));
}

const char *
api_kind_name(int kind)
{
    static const char *const names[API_KINDS] = {
        "NoneType", "bool",  "int",   "float", "float",    "str",        "bytes",
        "list",     "tuple", "dict",  "range", "iterator", "function",   "method",
        "Plain",    "Data",  "type",  "type",  "type",     "ValueError", "list",
        "str",      "str",   "tuple", "dict",  "type",     "str",        "list"};
    return names[kind];
}
