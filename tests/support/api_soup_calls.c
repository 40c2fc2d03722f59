/* SPDX-License-Identifier: MIT */
/*
 * support/api_soup_calls.c - random calls that make objects, and those that work on any object.
 */
#include "support/api_soup.h"

/* ---- calls: making -------------------------------------------------------------------------- */

static mpy_object *
new_node(void)
{
    int traverse = (int)soup_draw(2);
    mpy_object *type = traverse ? soup.traverse_type : soup.node_type;
    unsigned kind = API_NODE_FINALIZE | (traverse ? API_NODE_TRAVERSE : 0);
    mpy_object *o = api_node_new(type, kind, &soup.log, 1);
    mpy_object *value = soup_take(ANY);
    if (o != NULL && traverse) {
        (void)api_node_add_extra(api_node_data(o, type), value);
    }
    mpy_decref(value);
    return o;
}

static void
do_new(const struct soup_args *x)
{
    mpy_object *three[3] = {x->a, x->b, x->c};
    switch (soup_draw(16)) {
    case 0:
    case 14:
        soup_got(mpy_list_from_array(three, soup_draw(4)));
        break;
    case 1:
        soup_got(mpy_tuple_from_array(three, soup_draw(4)));
        break;
    case 2:
    case 15:
        soup_got(mpy_dict_new(soup_draw(30)));
        break;
    case 3:
        soup_got(mpy_str_from_utf8(soup_word()));
        break;
    case 4:
        soup_got(mpy_str_format("%s %lld %T", soup_word(), (long long)x->i, x->a));
        break;
    case 5:
        soup_got(mpy_float_from_double((double)x->i * 1e200));
        break;
    case 6:
        soup_got(mpy_int_from_i64(x->i));
        break;
    case 7:
        soup_got(mpy_type_new_instance(soup.world->plain_type));
        break;
    case 8:
    case 9:
        soup_got(mpy_type_new_instance(soup.mischief_type));
        break;
    case 10:
        soup_got(mpy_iter_range(x->i, x->j, x->i == 0 ? 1 : x->i));
        break;
    case 11:
        soup_got(mpy_bytes_from_data("bytes", (size_t)(x->i < 0 ? 0 : x->i % 6)));
        break;
    case 12:
        soup_got(mpy_tuple_pack(2, x->a, x->b));
        break;
    default:
        soup_got(new_node());
        break;
    }
}

static mpy_object *
native(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)kwnames;
    if (soup.nested < 2 && soup_draw(4) == 0) {
        soup_step();
    }
    if (soup_draw(10) == 0) {
        mpy_err_set(soup.error_type, "the native function failed");
        return NULL;
    }
    return nargs > 0 ? mpy_newref(argv[0]) : self != NULL ? mpy_newref(self) : MPY_NONE;
}

static const mpy_func_spec native_spec = {
    .name = "native", .fn = native, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};

static void
do_func(const struct soup_args *x)
{
    soup_got(mpy_func_new(&native_spec, soup_draw(2) == 0 ? NULL : x->a));
}

static void
do_type(const struct soup_args *x)
{
    static const mpy_type_spec spec = {.size = sizeof(mpy_type_spec),
                                       .version = 1,
                                       .name = "t.Soup",
                                       .flags = MPY_TYPE_BASE | MPY_TYPE_ATTRS};
    int below = mpy_type_check(x->a) && mpy_type_is_subtype(x->a, soup.world->plain_type) == 1;
    soup_got(mpy_type_from_spec(&spec, below && soup_draw(3) == 0 ? x->a : soup.world->plain_type));
}

/* ---- calls: protocol ------------------------------------------------------------------------ */

static void
do_items(const struct soup_args *x)
{
    if (mpy_dict_check(x->a) && !soup_light(x->b)) {
        return;
    }
    switch (soup_draw(4)) {
    case 0:
        soup_got(mpy_object_get_item(x->a, soup_draw(2) == 0 ? x->b : mpy_int_from_i64(x->i)));
        break;
    case 1:
        if (soup_has_room(x->a)) {
            soup_got_int(mpy_object_set_item(x->a, x->b, x->c));
        }
        break;
    case 2:
        soup_got_int(mpy_object_del_item(x->a, x->b));
        break;
    default:
        if (soup_light(x->a) && soup_light(x->b)) {
            soup_got_int(mpy_object_contains(x->a, x->b));
        }
        break;
    }
}

static void
do_attrs(const struct soup_args *x)
{
    mpy_object *name = api_good(mpy_str_from_utf8(soup_word())), *out = NULL;
    int r;
    switch (soup_draw(8)) {
    case 0:
    case 1:
        soup_got_int(mpy_object_set_attr(x->a, name, x->b));
        break;
    case 2:
        soup_got(mpy_object_get_attr(x->a, name));
        break;
    case 3:
        r = mpy_object_find_attr(x->a, name, &out);
        soup_got_found(r, out);
        break;
    case 4:
        soup_got_int(mpy_object_del_attr(x->a, name));
        break;
    case 5:
        soup_got_int(mpy_object_has_attr(x->a, name));
        break;
    case 6:
        soup_got(mpy_object_generic_get_attr(x->a, name));
        break;
    default:
        soup_got_int(mpy_object_set_attr_utf8(x->a, soup_word(), x->c));
        break;
    }
    mpy_decref(name);
}

/* References of a data instance, set by the host itself. */
static void
do_node(const struct soup_args *x)
{
    struct api_node *node;
    if (!soup_fits(x->a, NODE)) {
        return;
    }
    node = api_node_data(x->a, soup.node_type);
    assert_non_null(node);
    if (soup_draw(4) == 0) {
        mpy_clear(&node->refs[soup_draw(API_NODE_REFS)]);
    } else {
        mpy_assign(&node->refs[soup_draw(API_NODE_REFS)], x->b);
    }
}

static void
do_ask(const struct soup_args *x)
{
    int64_t hash;
    if (!soup_light(x->a) || !soup_light(x->b)) {
        return;
    }
    switch (soup_draw(9)) {
    case 0:
        soup_got(mpy_object_repr(x->a));
        break;
    case 1:
        soup_got(mpy_object_str(x->a));
        break;
    case 2:
        soup_got_int(mpy_object_hash(x->a, &hash));
        break;
    case 3:
        soup_got_int(mpy_object_is_true(x->a));
        break;
    case 4:
    case 5:
        soup_got(mpy_object_compare(x->a, x->b, (int)soup_draw(6)));
        break;
    case 6:
        soup_got_int(mpy_object_compare_bool(x->a, x->b, soup_draw(2) == 0 ? MPY_EQ : MPY_NE));
        break;
    case 7:
        soup_got_int(mpy_object_length(x->a));
        break;
    default:
        soup_got(mpy_object_type(x->a));
        soup_got_int(mpy_object_sizeof(x->a));
        break;
    }
}

static void
do_number(const struct soup_args *x)
{
    mpy_object *small = mpy_int_from_i64(x->i);
    mpy_object *b = soup_draw(3) == 0 ? x->b : small;
    if (!soup_has_room(x->a) || !soup_has_room(b)) {
        return;
    }
    switch (soup_draw(8)) {
    case 0:
        soup_got(mpy_number_add(x->a, b));
        break;
    case 1:
        soup_got(mpy_number_subtract(x->a, b));
        break;
    case 2:
        soup_got(mpy_number_multiply(x->a, small));
        break;
    case 3:
        soup_got(mpy_number_true_divide(x->a, b));
        break;
    case 4:
        soup_got(mpy_number_floor_divide(x->a, b));
        break;
    case 5:
        soup_got(mpy_number_remainder(x->a, b));
        break;
    case 6:
        soup_got(soup_draw(2) == 0 ? mpy_number_negative(x->a) : mpy_number_absolute(x->a));
        break;
    default:
        soup_got(soup_draw(2) == 0 ? mpy_number_to_int(x->a) : mpy_number_to_float(x->a));
        break;
    }
}

static void
do_text(const struct soup_args *x)
{
    int64_t at;
    if (!mpy_str_check(x->a) || !mpy_str_check(x->b) || !soup_has_room(x->a) ||
        !soup_has_room(x->b)) {
        return;
    }
    switch (soup_draw(7)) {
    case 0:
        soup_got(mpy_str_concat(x->a, x->b));
        break;
    case 1:
        soup_got(mpy_str_substring(x->a, (ptrdiff_t)x->i, (ptrdiff_t)x->j));
        break;
    case 2:
        if (mpy_str_length(x->b) > 0) {
            soup_got(mpy_str_split(x->a, x->b, (ptrdiff_t)x->i));
        }
        break;
    case 3:
        soup_got(mpy_str_replace(x->a, x->b, x->a, 2));
        break;
    case 4:
        soup_got_int(mpy_str_find(x->a, x->b, 0, 50, x->i < 0 ? -1 : 1, &at));
        break;
    case 5:
        soup_got(mpy_str_intern(soup_word()));
        break;
    default:
        if (soup_has_room(x->c) && mpy_iter_check(x->c) == 0) {
            soup_got(mpy_str_join(x->b, x->c));
        }
        break;
    }
}

static int
visit_put(void *data, mpy_object *item)
{
    int *left = data;
    soup_put(item);
    return --*left <= 0;
}

static void
do_iter(const struct soup_args *x)
{
    mpy_object *out = NULL;
    int left = 30, r;
    switch (soup_draw(4)) {
    case 0:
        soup_got(mpy_iter_get(x->a));
        break;
    case 1:
        soup_got_int(mpy_iter_each(x->a, visit_put, &left));
        break;
    default:
        if (mpy_iter_check(x->a) == 1) {
            r = mpy_iter_next(x->a, &out);
            soup_got_found(r, out);
        }
        break;
    }
}

static void
do_call(const struct soup_args *x)
{
    mpy_object *argv[2] = {x->b, x->c};
    switch (soup_draw(3)) {
    case 0:
        soup_got(mpy_call(x->a, argv, soup_draw(3), NULL));
        break;
    case 1:
        soup_got(mpy_call_noargs(x->a));
        break;
    default:
        soup_got(mpy_call_method_utf8(x->b, soup_word(), argv, soup_draw(3)));
        break;
    }
}

static void
do_error(const struct soup_args *x)
{
    mpy_object *exc;
    int code = 1 + (int)soup_draw(26);
    if (code == MPY_EXC_SYSTEM_ERROR || code == MPY_EXC_MEMORY_ERROR) {
        code = MPY_EXC_TYPE_ERROR; /* those two would look like faults */
    }
    mpy_err_set_object(soup_draw(2) == 0 ? soup.error_type : mpy_exc_type(code), x->b);
    exc = mpy_err_take();
    assert_non_null(exc);
    soup_got(mpy_newref(exc));
    if (soup_fits(x->a, EXC) && soup_draw(2) == 0) {
        soup_got_int(mpy_exc_set_cause(exc, x->a));
    }
    soup_got(mpy_exc_get_args(exc));
    if (soup_light(exc)) {
        soup_got(mpy_err_message(exc));
    }
    mpy_decref(exc);
}

static void
do_types(const struct soup_args *x)
{
    soup_got(mpy_object_type(x->a));
    if (mpy_type_check(x->a)) {
        soup_got(mpy_type_name(x->a));
        if (mpy_type_is_subtype(x->a, soup.world->plain_type) == 1) {
            soup_got(mpy_type_new_instance(x->a));
        }
        soup_got_int(mpy_object_is_instance(x->b, x->a));
    }
}

static void
do_gc(const struct soup_args *x)
{
    switch (soup_draw(7)) {
    case 0:
        soup_got_int(mpy_gc_collect(2, NULL));
        break;
    case 1:
        soup_got_int(mpy_gc_collect((int)soup_draw(2), NULL));
        break;
    case 2:
        soup_got(mpy_gc_get_referents(x->a));
        break;
    case 3:
        if (soup_draw(4) == 0) {
            soup_got(mpy_gc_get_referrers(x->a));
        }
        break;
    case 4:
        soup_got_int(mpy_gc_is_tracked(x->a));
        soup_got_int(mpy_gc_is_finalized(x->a));
        break;
    case 5:
        if (soup_draw(8) == 0) {
            (void)(soup_draw(2) == 0 ? mpy_gc_disable() : mpy_gc_enable());
        }
        break;
    default:
        soup_got_int(mpy_checkpoint());
        break;
    }
}

const struct soup_call soup_calls[] = {{"new", do_new, ANY, ANY},
                                       {"new", do_new, ANY, LIST},
                                       {"new", do_new, PLAIN, NODE},
                                       {"new", do_new, DICT, ANY},
                                       {"new", do_new, ITER, KEY},
                                       {"func_new", do_func, ANY, ANY},
                                       {"type_from_spec", do_type, ANY, ANY},
                                       {"list, changing", soup_list_change, LIST, ANY},
                                       {"list, changing", soup_list_change, LIST, ANY},
                                       {"list, reading", soup_list_read, LIST, ANY},
                                       {"dict, changing", soup_dict_change, DICT, ANY},
                                       {"dict, changing", soup_dict_change, DICT, ANY},
                                       {"dict, changing", soup_dict_change, DICT, KEY},
                                       {"dict, changing", soup_dict_change, DICT, KEY},
                                       {"dict, reading", soup_dict_read, DICT, ANY},
                                       {"dict, reading", soup_dict_read, DICT, KEY},
                                       {"items", do_items, DICT, KEY},
                                       {"items", do_items, LIST, KEY},
                                       {"dict_next", soup_dict_walk, DICT, ANY},
                                       {"dict_each", soup_dict_each, DICT, ANY},
                                       {"items", do_items, ANY, ANY},
                                       {"attributes", do_attrs, PLAIN, ANY},
                                       {"attributes", do_attrs, ANY, ANY},
                                       {"attributes", do_attrs, TYPE, ANY},
                                       {"data", do_node, NODE, ANY},
                                       {"protocol", do_ask, ANY, ANY},
                                       {"protocol", do_ask, LIST, LIST},
                                       {"protocol", do_ask, TUPLE, TUPLE},
                                       {"protocol", do_ask, LIST, KEY},
                                       {"protocol", do_ask, DICT, DICT},
                                       {"data", do_node, NODE, LIST},
                                       {"attributes", do_attrs, PLAIN, PLAIN},
                                       {"numbers", do_number, ANY, ANY},
                                       {"str", do_text, STR, STR},
                                       {"iter", do_iter, ANY, ANY},
                                       {"iter", do_iter, ITER, ANY},
                                       {"call", do_call, CALLS, ANY},
                                       {"err", do_error, EXC, ANY},
                                       {"types", do_types, TYPE, ANY},
                                       {"gc", do_gc, ANY, ANY},
                                       {NULL, NULL, ANY, ANY}};

const unsigned soup_call_count = sizeof soup_calls / sizeof soup_calls[0] - 1;
