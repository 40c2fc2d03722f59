/* SPDX-License-Identifier: MIT */
/*
 * support/api_own_values.c - who owns what: object.h, number.h, str.h and bytes.h.
 */
#include "support/api_own.h"

static mpy_object *
fresh_float(void)
{
    return api_good(mpy_float_from_double(1.5e300));
}

/* A result that is a new object, or the operand `o`, which has n references without it. */
static void
drop_new_or(mpy_object *result, mpy_object *o, size_t n)
{
    if (result == o) {
        REFS(o, n + 1);
        mpy_decref(result);
    } else {
        drop_new(result);
    }
    REFS(o, n);
}

/* ---- object.h ------------------------------------------------------------------------------- */

static void
own_counting(struct api_world *w)
{
    mpy_object *x = fresh(), *y = fresh(), *slot = NULL;
    mpy_object *many[3] = {x, NULL, y};

    (void)w;
    REFS(x, 1);
    mpy_incref(x);
    REFS(x, 2);
    mpy_decref(x);
    REFS(x, 1);
    mpy_xincref(x);
    mpy_xincref(NULL);
    REFS(x, 2);
    mpy_xdecref(x);
    mpy_xdecref(NULL);
    assert_ptr_equal(mpy_newref(x), x);
    REFS(x, 2);
    assert_ptr_equal(mpy_xnewref(x), x);
    assert_null(mpy_xnewref(NULL));
    REFS(x, 3);
    mpy_decref(x);
    mpy_decref(x);
    mpy_assign(&slot, x);
    REFS(x, 2);
    mpy_assign(&slot, slot);
    REFS(x, 2);
    mpy_assign(&slot, y);
    REFS(x, 1);
    REFS(y, 2);
    mpy_clear(&slot);
    assert_null(slot);
    mpy_clear(&slot);
    REFS(y, 1);
    mpy_incref_many(many, 3);
    REFS(x, 2);
    REFS(y, 2);
    mpy_decref_many(many, 3);
    {
        MPY_AUTO mpy_object *automatic = mpy_newref(x);
        assert_true(mpy_is(automatic, x));
        REFS(x, 2);
    }
    REFS(x, 1);
    REFS(MPY_NONE, MPY_PRIV_REFCNT_IMMORTAL);
    REFS(mpy_int_from_i64(5), MPY_PRIV_REFCNT_IMMORTAL);
    mpy_decref(x);
    mpy_decref(y);
}

static void
own_protocol(struct api_world *w)
{
    mpy_object *x = fresh(), *s = fresh_str(), *o = api_make(w, API_PLAIN);
    size_t type_refs = mpy_refcount(w->plain_type);
    mpy_object *r;
    int64_t hash;

    r = api_good(mpy_object_type(o));
    assert_ptr_equal(r, w->plain_type);
    REFS(r, type_refs + 1);
    mpy_decref(r);
    drop_new(mpy_object_repr(x));
    drop_new(mpy_object_str(x));
    drop_new_or(mpy_object_str(s), s, 1);
    drop_new(mpy_object_repr(o));
    api_done(mpy_object_hash(s, &hash));
    api_done(mpy_object_hash(o, &hash));
    api_done(mpy_object_is_true(x));
    r = api_good(mpy_object_compare(x, x, MPY_EQ));
    assert_ptr_equal(r, MPY_TRUE);
    api_done(mpy_object_compare_bool(s, s, MPY_LE));
    api_done(mpy_object_contains(x, o));
    api_done(mpy_object_length(x));
    api_done(mpy_object_sizeof(x));
    api_done(mpy_object_is_instance(o, w->plain_type));
    assert_ptr_equal(mpy_constant(MPY_CONST_TRUE), MPY_TRUE);
    REFS(x, 1);
    REFS(s, 1);
    REFS(o, 1);
    REFS(w->plain_type, type_refs);
    mpy_decref(x);
    mpy_decref(s);
    mpy_decref(o);
}

static void
own_attributes(struct api_world *w)
{
    mpy_object *o = api_make(w, API_PLAIN), *x = fresh(), *y = fresh(), *out;
    mpy_object *name = api_good(mpy_str_from_utf8("field"));

    api_done(mpy_object_set_attr(o, name, x));
    REFS(x, 2);
    out = api_good(mpy_object_get_attr(o, name));
    assert_ptr_equal(out, x);
    REFS(x, 3);
    mpy_decref(out);
    assert_int_equal(mpy_object_find_attr(o, name, &out), 1);
    REFS(x, 3);
    mpy_decref(out);
    assert_int_equal(mpy_object_has_attr(o, name), 1);
    api_done(mpy_object_set_attr_utf8(o, "field", y));
    REFS(x, 1);
    REFS(y, 2);
    api_done(mpy_object_set_attr(o, name, y));
    REFS(y, 2);
    assert_int_equal(mpy_object_find_attr_utf8(o, "field", &out), 1);
    assert_ptr_equal(out, y);
    REFS(y, 3);
    mpy_decref(out);
    assert_int_equal(mpy_object_find_attr_utf8(o, "missing", &out), 0);
    assert_null(out);
    api_done(mpy_object_generic_set_attr(o, name, x));
    REFS(x, 2);
    REFS(y, 1);
    out = api_good(mpy_object_generic_get_attr(o, name));
    REFS(x, 3);
    mpy_decref(out);
    out = api_good(mpy_object_get_attr_utf8(o, "field"));
    REFS(x, 3);
    mpy_decref(out);
    api_done(mpy_object_del_attr(o, name));
    REFS(x, 1);
    api_done(mpy_object_set_attr(o, name, x));
    REFS(o, 1);
    mpy_decref(o);
    REFS(x, 1);
    mpy_decref(name);
    mpy_decref(x);
    mpy_decref(y);
}

/* Attributes of a type, and the members of a data instance. */
static void
own_members(struct api_world *w)
{
    mpy_object *o = api_make(w, API_DATA), *x = fresh(), *y = fresh(), *out;
    struct api_data *data;
    void *raw;

    api_done(mpy_object_set_attr_utf8(w->plain_type, "shared", x));
    REFS(x, 2);
    out = api_good(mpy_object_get_attr_utf8(w->plain_type, "shared"));
    REFS(x, 3);
    mpy_decref(out);
    out = api_good(mpy_str_from_utf8("shared"));
    api_done(mpy_object_del_attr(w->plain_type, out));
    mpy_decref(out);
    REFS(x, 1);
    api_done(mpy_object_set_attr_utf8(o, "first", x));
    REFS(x, 2);
    api_done(mpy_type_data(o, w->data_type, &raw));
    REFS(o, 1);
    data = raw;
    assert_ptr_equal(data->first, x);
    mpy_assign(&data->second, x);
    REFS(x, 3);
    mpy_assign(&data->first, y);
    REFS(x, 2);
    REFS(y, 2);
    out = api_good(mpy_object_get_attr_utf8(o, "second"));
    assert_ptr_equal(out, x);
    REFS(x, 3);
    mpy_decref(out);
    mpy_decref(o);
    REFS(x, 1);
    REFS(y, 1);
    mpy_decref(x);
    mpy_decref(y);
}

static void
own_items(struct api_world *w)
{
    mpy_object *list = api_make(w, API_LIST), *dict = api_make(w, API_NO_DICT);
    mpy_object *x = fresh(), *y = fresh(), *key = fresh_str(), *other = fresh_str(), *out;

    api_done(mpy_object_set_item(list, mpy_int_from_i64(-1), x));
    REFS(x, 2);
    out = api_good(mpy_object_get_item(list, mpy_int_from_i64(2)));
    assert_ptr_equal(out, x);
    REFS(x, 3);
    mpy_decref(out);
    api_done(mpy_object_set_item(list, mpy_int_from_i64(2), y));
    REFS(x, 1);
    REFS(y, 2);
    api_done(mpy_object_del_item(list, mpy_int_from_i64(2)));
    REFS(y, 1);
    api_done(mpy_object_set_item(dict, key, x));
    REFS(key, 2);
    REFS(x, 2);
    api_done(mpy_object_set_item(dict, other, y));
    REFS(key, 2);
    REFS(other, 1);
    REFS(x, 1);
    out = api_good(mpy_object_get_item(dict, other));
    assert_ptr_equal(out, y);
    REFS(y, 3);
    mpy_decref(out);
    api_done(mpy_object_del_item(dict, other));
    REFS(key, 1);
    REFS(y, 1);
    REFS(list, 1);
    REFS(dict, 1);
    mpy_decref(list);
    mpy_decref(dict);
    mpy_decref(x);
    mpy_decref(y);
    mpy_decref(key);
    mpy_decref(other);
}

/* ---- number.h, str.h, bytes.h --------------------------------------------------------------- */

static void
own_numbers(struct api_world *w)
{
    mpy_object *f = fresh_float(), *g = api_good(mpy_float_from_double(2e300));
    mpy_object *s = api_make(w, API_STR);
    double d;

    REFS(f, 1);
    drop_new(mpy_number_subtract(g, f));
    drop_new(mpy_number_add(g, f));
    drop_new(mpy_number_negative(f));
    drop_new_or(mpy_number_absolute(f), f, 1);
    drop_new_or(mpy_number_to_float(f), f, 1);
    drop_new_or(mpy_number_multiply(f, mpy_int_from_i64(1)), f, 1);
    mpy_decref(api_good(mpy_number_true_divide(f, g)));
    drop_new_or(mpy_number_floor_divide(f, mpy_int_from_i64(1)), f, 1);
    mpy_decref(api_good(mpy_number_remainder(f, g)));
    mpy_decref(api_good(mpy_number_to_int(s)));
    mpy_decref(api_good(mpy_number_to_float(s)));
    mpy_decref(api_good(mpy_int_from_i64(3)));
    mpy_decref(api_good(mpy_int_from_u64(3)));
    mpy_decref(api_good(mpy_int_from_str("3", 10)));
    mpy_decref(api_good(mpy_bool_from_int(3)));
    api_done(mpy_float_as_double(f, &d));
    REFS(f, 1);
    REFS(g, 1);
    REFS(s, 1);
    mpy_decref(f);
    mpy_decref(g);
    mpy_decref(s);
}

/* Arithmetic of sequences shares the elements. */
static void
own_sequences(struct api_world *w)
{
    mpy_object *x = fresh(), *s = fresh_str();
    mpy_object *list = api_good(mpy_list_from_array(&x, 1));
    mpy_object *tuple = api_good(mpy_tuple_from_array(&x, 1)), *r;

    (void)w;
    REFS(x, 3);
    r = api_good(mpy_number_add(list, list));
    REFS(r, 1);
    REFS(x, 5);
    mpy_decref(r);
    r = api_good(mpy_number_multiply(list, mpy_int_from_i64(3)));
    REFS(x, 6);
    mpy_decref(r);
    r = api_good(mpy_number_add(tuple, tuple));
    REFS(x, 5);
    mpy_decref(r);
    r = api_good(mpy_number_multiply(mpy_int_from_i64(2), tuple));
    REFS(x, 5);
    mpy_decref(r);
    drop_new_or(mpy_number_multiply(tuple, mpy_int_from_i64(1)), tuple, 1);
    drop_new(mpy_number_multiply(list, mpy_int_from_i64(1)));
    drop_new(mpy_number_add(s, s));
    drop_new(mpy_number_multiply(s, mpy_int_from_i64(2)));
    REFS(list, 1);
    REFS(tuple, 1);
    REFS(s, 1);
    mpy_decref(list);
    mpy_decref(tuple);
    mpy_decref(s);
    REFS(x, 1);
    mpy_decref(x);
}

static void
own_str(struct api_world *w)
{
    mpy_object *s = fresh_str(), *t = api_good(mpy_str_from_utf8("another text, long enough"));
    mpy_object *blank = api_good(mpy_str_from_utf8(" ")), *x = fresh();
    mpy_object *list = api_good(mpy_list_new(0)), *a, *b, *part;
    const char *utf8;
    int64_t at;

    (void)w;
    drop_new(mpy_str_from_utf8_n("a text that is cut before its end", 20));
    drop_new(mpy_str_format("a format, long enough: %O %R %T", x, s, s));
    drop_new(mpy_str_concat(s, t));
    drop_new(mpy_str_substring(s, 2, 30));
    drop_new_or(mpy_str_substring(s, 0, 1000), s, 1);
    drop_new_or(mpy_str_replace(s, t, t, -1), s, 1);
    drop_new(mpy_str_replace(s, blank, t, -1));
    api_done(mpy_list_append(list, s));
    api_done(mpy_list_append(list, t));
    drop_new(mpy_str_join(blank, list));
    drop_new(mpy_str_join(NULL, list));
    REFS(s, 2);
    a = api_good(mpy_str_split(s, blank, -1));
    REFS(a, 1);
    part = api_good(mpy_list_get(a, mpy_list_length(a) - 1));
    REFS(part, 2);
    mpy_decref(a);
    REFS(part, 1);
    mpy_decref(part);
    mpy_decref(api_good(mpy_str_split(s, NULL, 2)));
    a = api_good(mpy_str_intern("an interned text, of this test"));
    b = api_good(mpy_str_intern("an interned text, of this test"));
    assert_ptr_equal(a, b);
    mpy_decref(a);
    mpy_decref(b);
    api_done(mpy_str_as_utf8(s, &utf8, NULL));
    api_done(mpy_str_length(s));
    api_done(mpy_str_find(s, blank, 0, 100, 1, &at));
    api_done(mpy_str_contains(s, blank));
    api_done(mpy_str_equal_utf8(s, "x", 1));
    mpy_decref(list);
    REFS(s, 1);
    REFS(t, 1);
    REFS(x, 1);
    mpy_decref(s);
    mpy_decref(t);
    mpy_decref(blank);
    mpy_decref(x);
}

static void
own_writer(struct api_world *w)
{
    mpy_object *s = fresh_str(), *x = fresh();
    mpy_strwriter *writer = mpy_strwriter_new(0);

    (void)w;
    assert_non_null(writer);
    api_done(mpy_strwriter_utf8(writer, "abc", 3));
    api_done(mpy_strwriter_char(writer, 0x20AC));
    api_done(mpy_strwriter_str(writer, s));
    api_done(mpy_strwriter_repr(writer, x));
    api_done(mpy_strwriter_format(writer, "%O %d", s, 7));
    REFS(s, 1);
    REFS(x, 1);
    drop_new(mpy_strwriter_finish(writer));
    writer = mpy_strwriter_new(1000);
    assert_non_null(writer);
    api_done(mpy_strwriter_str(writer, s));
    mpy_strwriter_discard(writer);
    mpy_strwriter_discard(NULL);
    REFS(s, 1);
    mpy_decref(s);
    mpy_decref(x);
}

static void
own_bytes(struct api_world *w)
{
    static const char text[] = "bytes of their own, nobody shares them";
    mpy_object *b = api_good(mpy_bytes_from_data(text, sizeof text));
    const uint8_t *data;
    size_t n;

    (void)w;
    REFS(b, 1);
    drop_new(mpy_bytes_concat(b, b));
    drop_new(mpy_number_add(b, b));
    api_done(mpy_bytes_view(b, &data, &n));
    assert_int_equal(n, sizeof text);
    REFS(b, 1);
    mpy_decref(b);
}

const struct own_case api_own_values[] = {
    {own_counting, "mpy_incref mpy_decref mpy_xincref mpy_xdecref mpy_newref mpy_xnewref mpy_clear "
                   "mpy_assign mpy_incref_many mpy_decref_many mpy_refcount mpy_is"},
    {own_protocol, "mpy_object_type mpy_object_repr mpy_object_str mpy_object_hash "
                   "mpy_object_is_true mpy_object_compare mpy_object_compare_bool "
                   "mpy_object_contains mpy_object_length mpy_object_sizeof "
                   "mpy_object_is_instance mpy_constant"},
    {own_attributes, "mpy_object_get_attr mpy_object_get_attr_utf8 mpy_object_find_attr "
                     "mpy_object_find_attr_utf8 mpy_object_set_attr mpy_object_set_attr_utf8 "
                     "mpy_object_del_attr mpy_object_has_attr mpy_object_generic_get_attr "
                     "mpy_object_generic_set_attr"},
    {own_members, "mpy_type_data"},
    {own_items, "mpy_object_get_item mpy_object_set_item mpy_object_del_item"},
    {own_numbers, "mpy_int_from_i64 mpy_int_from_u64 mpy_int_from_str mpy_float_from_double "
                  "mpy_float_as_double mpy_bool_from_int mpy_number_add mpy_number_subtract "
                  "mpy_number_multiply mpy_number_true_divide mpy_number_floor_divide "
                  "mpy_number_remainder mpy_number_negative mpy_number_absolute mpy_number_to_int "
                  "mpy_number_to_float"},
    {own_sequences, "mpy_number_add mpy_number_multiply"},
    {own_str, "mpy_str_from_utf8 mpy_str_from_utf8_n mpy_str_format mpy_str_vformat "
              "mpy_str_intern mpy_str_as_utf8 mpy_str_length mpy_str_substring mpy_str_concat "
              "mpy_str_join mpy_str_split mpy_str_replace mpy_str_find mpy_str_contains "
              "mpy_str_equal_utf8"},
    {own_writer, "mpy_strwriter_new mpy_strwriter_utf8 mpy_strwriter_char mpy_strwriter_str "
                 "mpy_strwriter_repr mpy_strwriter_format mpy_strwriter_finish "
                 "mpy_strwriter_discard"},
    {own_bytes, "mpy_bytes_from_data mpy_bytes_view mpy_bytes_concat"},
    {NULL, NULL}};
