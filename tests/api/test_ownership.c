/* SPDX-License-Identifier: MIT */
/*
 * api/test_ownership.c - who owns what, function by function.
 *
 * The three sentences of minipy/object.h: what is returned is a new reference, what is passed is
 * borrowed, nothing is stolen. Each case makes objects of its own, whose counts are therefore known
 * exactly, calls the functions it names, and states every count after every step. A case runs twice
 * to fill caches, then several times more, and may not leave a single block behind.
 *
 * The last two tests walk the tables of support/api_calls.h: no call that changes nothing may
 * change a count; and every function of the headers is named by a case or known to deal in no
 * references.
 */
#include "support/api_calls.h"
#include "support/api_headers.h"

#include <errno.h>
#include <string.h>

#define RUNS 5

struct own_case {
    void (*run)(struct api_world *w);
    const char *functions; /* separated by blanks */
};

/* A list of its own: one reference, a container the collector knows. */
static mpy_object *
fresh(void)
{
    return api_good(mpy_list_new(0));
}

/* A str nobody else has, long enough not to be shared. */
static mpy_object *
fresh_str(void)
{
    return api_good(mpy_str_from_utf8("a text of its own, which nobody shares"));
}

static mpy_object *
fresh_float(void)
{
    return api_good(mpy_float_from_double(1.5e300));
}

#define REFS(o, n) assert_int_equal(mpy_refcount(o), (n))

/* A result nobody else has: drops it. */
static void
drop_new(mpy_object *o)
{
    REFS(api_good(o), 1);
    mpy_decref(o);
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

/* ---- object.h -----------------------------------------------------------------------------------
 */

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

/* ---- number.h, str.h, bytes.h -------------------------------------------------------------------
 */

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

/* ---- list.h, tuple.h, dict.h, iter.h ------------------------------------------------------------
 */

static void
own_list(struct api_world *w)
{
    mpy_object *x = fresh(), *y = fresh(), *pair[2] = {x, y}, *list, *r, *out[3];

    (void)w;
    list = api_good(mpy_list_from_array(pair, 2));
    REFS(list, 1);
    REFS(x, 2);
    r = api_good(mpy_list_get(list, 0));
    assert_ptr_equal(r, x);
    REFS(x, 3);
    mpy_decref(r);
    assert_int_equal(mpy_list_copy_out(list, 0, 3, out), 2);
    REFS(x, 3);
    REFS(y, 3);
    mpy_decref_many(out, 2);
    api_done(mpy_list_set(list, 0, y));
    REFS(x, 1);
    REFS(y, 3);
    api_done(mpy_list_set(list, 0, y));
    REFS(y, 3);
    api_done(mpy_list_insert(list, 1, x));
    api_done(mpy_list_append(list, x));
    REFS(x, 3);
    api_done(mpy_list_reverse(list));
    REFS(x, 3);
    REFS(y, 3);
    r = api_good(mpy_list_get_slice(list, 1, 4));
    REFS(r, 1);
    REFS(x, 4);
    REFS(y, 5);
    mpy_decref(r);
    r = api_good(mpy_list_as_tuple(list));
    REFS(r, 1);
    REFS(x, 5);
    mpy_decref(r);
    api_done(mpy_list_extend(list, list));
    REFS(list, 1);
    REFS(x, 5);
    REFS(y, 5);
    r = api_good(mpy_list_pop(list, -1));
    assert_ptr_equal(r, y);
    REFS(y, 5);
    mpy_decref(r);
    r = api_good(mpy_list_pop(list, 0));
    assert_ptr_equal(r, x);
    REFS(x, 5);
    mpy_decref(r);
    api_done(mpy_list_clear(list));
    REFS(x, 1);
    REFS(y, 1);
    api_done(mpy_list_length(list));
    api_done(mpy_list_append(list, x));
    mpy_decref(list);
    REFS(x, 1);
    mpy_decref(x);
    mpy_decref(y);
}

static void
own_tuple(struct api_world *w)
{
    mpy_object *x = fresh(), *y = fresh(), *pair[2] = {x, y}, *tuple, *r;

    (void)w;
    tuple = api_good(mpy_tuple_from_array(pair, 2));
    REFS(tuple, 1);
    REFS(x, 2);
    r = api_good(mpy_tuple_get(tuple, 1));
    assert_ptr_equal(r, y);
    REFS(y, 3);
    mpy_decref(r);
    r = api_good(mpy_tuple_pack(3, x, x, y));
    REFS(r, 1);
    REFS(x, 4);
    mpy_decref(r);
    api_done(mpy_tuple_length(tuple));
    mpy_decref(tuple);
    REFS(x, 1);
    REFS(y, 1);
    r = api_good(mpy_tuple_from_array(NULL, 0));
    REFS(r, MPY_PRIV_REFCNT_IMMORTAL);
    assert_ptr_equal(r, mpy_tuple_pack(0));
    mpy_decref(x);
    mpy_decref(y);
}

static void
own_dict(struct api_world *w)
{
    mpy_object *dict = api_make(w, API_NO_DICT), *key = fresh_str(), *same = fresh_str();
    mpy_object *x = fresh(), *y = fresh(), *out;

    api_done(mpy_dict_set(dict, key, x));
    REFS(key, 2);
    REFS(x, 2);
    assert_int_equal(mpy_dict_get(dict, same, &out), 1);
    assert_ptr_equal(out, x);
    REFS(x, 3);
    REFS(same, 1);
    mpy_decref(out);
    api_done(mpy_dict_set(dict, same, y));
    REFS(same, 1);
    REFS(key, 2);
    REFS(x, 1);
    REFS(y, 2);
    assert_int_equal(mpy_dict_contains(dict, same), 1);
    assert_int_equal(mpy_dict_set_default(dict, same, x, &out), 1);
    assert_ptr_equal(out, y);
    REFS(y, 3);
    REFS(x, 1);
    mpy_decref(out);
    assert_int_equal(mpy_dict_set_default(dict, same, x, NULL), 1);
    REFS(y, 2);
    api_done(mpy_dict_del(dict, same));
    REFS(key, 1);
    REFS(y, 1);
    assert_int_equal(mpy_dict_set_default(dict, key, x, &out), 0);
    assert_ptr_equal(out, x);
    REFS(x, 3);
    REFS(key, 2);
    mpy_decref(out);
    assert_int_equal(mpy_dict_pop(dict, same, &out), 1);
    assert_ptr_equal(out, x);
    REFS(x, 2);
    REFS(key, 1);
    mpy_decref(out);
    assert_int_equal(mpy_dict_set_default(dict, key, y, NULL), 0);
    REFS(y, 2);
    assert_int_equal(mpy_dict_pop(dict, same, NULL), 1);
    REFS(y, 1);
    REFS(key, 1);
    assert_int_equal(mpy_dict_pop(dict, same, &out), 0);
    assert_null(out);
    assert_int_equal(mpy_dict_get(dict, same, &out), 0);
    assert_null(out);
    REFS(dict, 1);
    mpy_decref(dict);
    mpy_decref(key);
    mpy_decref(same);
    mpy_decref(x);
    mpy_decref(y);
}

static void
own_dict_views(struct api_world *w)
{
    mpy_object *dict = api_make(w, API_NO_DICT), *key = fresh_str(), *x = fresh();
    mpy_object *k, *v, *r, *item, *copy;
    mpy_dict_cursor cursor = MPY_DICT_START;

    api_done(mpy_dict_set(dict, key, x));
    assert_int_equal(mpy_dict_next(dict, &cursor, &k, &v), 1);
    assert_ptr_equal(k, key);
    assert_ptr_equal(v, x);
    REFS(key, 3);
    REFS(x, 3);
    mpy_decref(k);
    mpy_decref(v);
    assert_int_equal(mpy_dict_next(dict, &cursor, &k, &v), 0);
    cursor = (mpy_dict_cursor)MPY_DICT_START;
    assert_int_equal(mpy_dict_next(dict, &cursor, NULL, NULL), 1);
    REFS(key, 2);
    REFS(x, 2);
    r = api_good(mpy_dict_keys(dict));
    REFS(r, 1);
    REFS(key, 3);
    mpy_decref(r);
    r = api_good(mpy_dict_values(dict));
    REFS(r, 1);
    REFS(x, 3);
    mpy_decref(r);
    r = api_good(mpy_dict_items(dict));
    item = api_good(mpy_list_get(r, 0));
    REFS(item, 2);
    mpy_decref(r);
    REFS(item, 1);
    REFS(key, 3);
    REFS(x, 3);
    mpy_decref(item);
    copy = api_good(mpy_dict_copy(dict));
    REFS(copy, 1);
    REFS(key, 3);
    REFS(x, 3);
    api_done(mpy_dict_update(copy, dict));
    REFS(key, 3);
    REFS(x, 3);
    api_done(mpy_dict_clear(copy));
    REFS(key, 2);
    REFS(x, 2);
    api_done(mpy_dict_update(copy, dict));
    REFS(x, 3);
    mpy_decref(copy);
    api_done(mpy_dict_set_utf8(dict, "k", x));
    REFS(x, 3);
    assert_int_equal(mpy_dict_get_utf8(dict, "k", &v), 1);
    REFS(x, 4);
    mpy_decref(v);
    mpy_decref(dict);
    REFS(key, 1);
    REFS(x, 1);
    mpy_decref(key);
    mpy_decref(x);
}

static int
see_borrowed(void *data, mpy_object *item)
{
    size_t *seen = data;
    *seen = mpy_refcount(item);
    return 0;
}

static void
own_iter(struct api_world *w)
{
    mpy_object *x = fresh(), *list = api_good(mpy_list_from_array(&x, 1)), *it, *same, *out;
    size_t seen = 0;

    (void)w;
    it = api_good(mpy_iter_get(list));
    REFS(it, 1);
    REFS(list, 2);
    same = api_good(mpy_iter_get(it));
    assert_ptr_equal(same, it);
    REFS(it, 2);
    mpy_decref(same);
    assert_int_equal(mpy_iter_check(it), 1);
    assert_int_equal(mpy_iter_next(it, &out), 1);
    assert_ptr_equal(out, x);
    REFS(x, 3);
    mpy_decref(out);
    assert_int_equal(mpy_iter_next(it, &out), 0);
    assert_null(out);
    mpy_decref(it);
    REFS(list, 1);
    assert_int_equal(mpy_iter_each(list, see_borrowed, &seen), 0);
    assert_in_range(seen, 2, 3);
    REFS(list, 1);
    REFS(x, 2);
    drop_new(mpy_iter_range(0, 1000, 7));
    mpy_decref(list);
    REFS(x, 1);
    mpy_decref(x);
}

/* An iterator dropped half way, over every kind of container. */
static void
own_iter_dropped(struct api_world *w)
{
    static const int kinds[] = {API_LIST, API_TUPLE, API_DICT, API_STR, API_BYTES, API_RANGE};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        mpy_object *o = api_make(w, kinds[i]), *it = api_good(mpy_iter_get(o)), *out;
        size_t refs = mpy_refcount(o);
        assert_int_equal(mpy_iter_next(it, &out), 1);
        mpy_decref(out);
        REFS(o, refs);
        mpy_decref(it);
        REFS(o, 1);
        mpy_decref(o);
    }
}

/* ---- call.h -------------------------------------------------------------------------------------
 */

static size_t seen_refs[4];

/* Gives its first argument back, and writes down the counts it sees. */
static mpy_object *
give_first(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    seen_refs[0] = self != NULL ? mpy_refcount(self) : 0;
    seen_refs[1] = nargs > 0 ? mpy_refcount(argv[0]) : 0;
    seen_refs[2] = kwnames != NULL ? mpy_refcount(kwnames) : 0;
    return nargs > 0 ? mpy_newref(argv[0]) : MPY_NONE;
}

static const mpy_func_spec first_spec = {
    .name = "first", .fn = give_first, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};

static void
own_call(struct api_world *w)
{
    mpy_object *self = fresh(), *x = fresh(), *f = api_good(mpy_func_new(&first_spec, self));
    mpy_object *name = api_good(mpy_str_from_utf8("a_keyword")), *argv[2] = {x, self};
    mpy_object *names = api_good(mpy_tuple_pack(1, name)), *r, *args, *kwargs;

    (void)w;
    REFS(f, 1);
    REFS(self, 2);
    r = api_good(mpy_call(f, argv, 1, NULL));
    assert_ptr_equal(r, x);
    REFS(x, 2);
    assert_int_equal(seen_refs[0], 2);
    assert_int_equal(seen_refs[1], 1);
    mpy_decref(r);
    r = api_good(mpy_call(f, argv, 1, names));
    assert_int_equal(seen_refs[2], 1);
    mpy_decref(r);
    assert_ptr_equal(api_good(mpy_call_noargs(f)), MPY_NONE);
    args = api_good(mpy_tuple_pack(1, x));
    kwargs = api_good(mpy_dict_new(0));
    api_done(mpy_dict_set(kwargs, name, self));
    r = api_good(mpy_call_tuple(f, args, kwargs));
    assert_ptr_equal(r, x);
    REFS(x, 3);
    mpy_decref(r);
    REFS(self, 3);
    assert_int_equal(mpy_call_check(f), 1);
    mpy_decref(args);
    mpy_decref(kwargs);
    REFS(x, 1);
    REFS(names, 1);
    mpy_decref(names);
    REFS(name, 1);
    REFS(f, 1);
    mpy_decref(f);
    REFS(self, 1);
    api_done(mpy_recursion_enter("test"));
    mpy_recursion_leave();
    mpy_decref(self);
    mpy_decref(x);
    mpy_decref(name);
}

static const mpy_func_spec give_methods[] = {
    {.name = "give", .fn = give_first, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS},
    {.name = NULL}};

static int
init_first(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)kwnames;
    seen_refs[3] = nargs > 0 ? mpy_refcount(argv[0]) : 0;
    return nargs > 0 ? mpy_object_set_attr_utf8(self, "kept", argv[0]) : 0;
}

static const mpy_type_spec give_spec = {.size = sizeof(mpy_type_spec),
                                        .version = 1,
                                        .name = "t.Give",
                                        .flags = MPY_TYPE_ATTRS | MPY_TYPE_BASE,
                                        .methods = give_methods,
                                        .init = init_first};

static void
own_method(struct api_world *w)
{
    mpy_object *type = api_good(mpy_type_from_spec(&give_spec, NULL)), *o, *method, *r, *name;
    mpy_object *x = fresh(), *argv[2];
    size_t type_refs = mpy_refcount(type);

    (void)w;
    assert_int_equal(type_refs, 1);
    o = api_good(mpy_call(type, &x, 1, NULL));
    REFS(o, 1);
    REFS(type, 1);
    REFS(x, 2);
    assert_int_equal(seen_refs[3], 1);
    name = api_good(mpy_str_from_utf8("give"));
    argv[0] = o;
    argv[1] = x;
    r = api_good(mpy_call_method(name, argv, 2, NULL));
    assert_ptr_equal(r, x);
    REFS(x, 3);
    assert_int_equal(seen_refs[0], 1);
    assert_int_equal(seen_refs[1], 2);
    mpy_decref(r);
    r = api_good(mpy_call_method_utf8(o, "give", &x, 1));
    assert_ptr_equal(r, x);
    mpy_decref(r);
    method = api_good(mpy_object_get_attr(o, name));
    REFS(method, 1);
    REFS(o, 2);
    r = api_good(mpy_call(method, &x, 1, NULL));
    REFS(x, 3);
    mpy_decref(r);
    mpy_decref(method);
    REFS(o, 1);
    mpy_decref(o);
    REFS(x, 1);
    mpy_decref(x);
    mpy_decref(name);
    REFS(type, 1);
    mpy_decref(type);
}

/* ---- err.h --------------------------------------------------------------------------------------
 */

static int
write_nothing(void *data, const char *bytes, size_t n)
{
    (void)data;
    return n != 0 && bytes == NULL;
}

static void
own_err(struct api_world *w)
{
    mpy_object *value = fresh(), *exc, *args, *cause, *again;
    mpy_object *type = api_good(mpy_err_new_type("t.Error", NULL, NULL));
    size_t type_refs = mpy_refcount(type);

    (void)w;
    assert_int_equal(type_refs, 1);
    mpy_err_set_object(type, value);
    REFS(value, 2);
    mpy_err_clear();
    REFS(value, 1);
    REFS(type, type_refs);
    mpy_err_set(type, "text");
    mpy_err_set(type, "another text");
    assert_int_equal(mpy_err_matches(type), 1);
    mpy_err_clear();
    REFS(type, type_refs);
    mpy_err_set_object(type, value);
    exc = mpy_err_take();
    assert_non_null(exc);
    assert_int_equal(mpy_err_occurred(), 0);
    REFS(exc, 1);
    REFS(value, 2);
    args = api_good(mpy_exc_get_args(exc));
    assert_int_equal(mpy_tuple_length(args), 1);
    mpy_decref(args);
    REFS(value, 2);
    mpy_err_restore(exc);
    REFS(exc, 2);
    again = mpy_err_take();
    assert_ptr_equal(again, exc);
    REFS(exc, 2);
    mpy_decref(again);
    mpy_err_set_object(type, exc);
    REFS(exc, 2);
    mpy_err_restore(NULL);
    assert_int_equal(mpy_err_occurred(), 0);
    REFS(exc, 1);
    mpy_err_set_code(MPY_EXC_VALUE_ERROR, "the cause");
    cause = mpy_err_take();
    api_done(mpy_exc_set_cause(exc, cause));
    REFS(cause, 2);
    again = api_good(mpy_exc_get_cause(exc));
    assert_ptr_equal(again, cause);
    REFS(cause, 3);
    mpy_decref(again);
    api_done(mpy_err_display(exc, write_nothing, NULL));
    api_done(mpy_exc_set_cause(exc, NULL));
    REFS(cause, 1);
    assert_null(mpy_exc_get_cause(exc));
    api_done(mpy_exc_set_cause(exc, cause));
    assert_int_equal(mpy_err_given_matches(exc, type), 1);
    REFS(exc, 1);
    mpy_decref(exc);
    REFS(cause, 1);
    REFS(value, 1);
    REFS(type, type_refs);
    mpy_decref(cause);
    mpy_decref(value);
    mpy_decref(type);
}

static void
own_err_texts(struct api_world *w)
{
    mpy_object *type = api_good(mpy_exc_type(MPY_EXC_OS_ERROR)), *exc;

    (void)w;
    REFS(type, MPY_PRIV_REFCNT_IMMORTAL);
    mpy_err_format(type, "%d of %s", 7, "them");
    exc = mpy_err_take();
    REFS(exc, 1);
    mpy_decref(api_good(mpy_err_message(exc)));
    REFS(exc, 1);
    mpy_decref(exc);
    errno = ENOENT;
    mpy_err_from_errno(NULL, "file");
    assert_int_equal(mpy_err_code(), MPY_EXC_OS_ERROR);
    mpy_err_no_memory();
    exc = mpy_err_take();
    assert_non_null(exc);
    mpy_decref(exc);
    mpy_err_format_code(MPY_EXC_KEY_ERROR, "%s", "text");
    mpy_err_clear();
}

/* ---- type.h, gc.h -------------------------------------------------------------------------------
 */

static void
own_type(struct api_world *w)
{
    size_t base_refs = mpy_refcount(w->plain_type);
    mpy_object *type = api_good(mpy_type_from_spec(&give_spec, w->plain_type)), *o, *r;

    REFS(type, 1);
    REFS(w->plain_type, base_refs + 1);
    mpy_decref(api_good(mpy_type_name(type)));
    mpy_decref(api_good(mpy_type_qualname(type)));
    assert_int_equal(mpy_type_is_subtype(type, w->plain_type), 1);
    assert_int_equal(mpy_object_is_subclass(type, w->plain_type), 1);
    o = api_good(mpy_type_new_instance(type));
    REFS(o, 1);
    REFS(type, 1);
    r = api_good(mpy_object_type(o));
    REFS(type, 2);
    mpy_decref(r);
    mpy_decref(o);
    REFS(type, 1);
    mpy_decref(type);
    REFS(w->plain_type, base_refs);
    r = api_good(mpy_type_builtin(MPY_TYPE_ID_DICT));
    REFS(r, MPY_PRIV_REFCNT_IMMORTAL);
}

static void
own_gc(struct api_world *w)
{
    mpy_object *x = fresh(), *list = api_good(mpy_list_from_array(&x, 1)), *r;

    (void)w;
    r = api_good(mpy_gc_get_referents(list));
    REFS(r, 1);
    assert_int_equal(mpy_list_length(r), 1);
    REFS(x, 3);
    mpy_decref(r);
    r = api_good(mpy_gc_get_referrers(x));
    REFS(r, 1);
    assert_int_equal(mpy_list_length(r), 1);
    REFS(list, 2);
    mpy_decref(r);
    api_done(mpy_gc_is_tracked(x));
    api_done(mpy_gc_is_finalized(x));
    api_done(mpy_gc_collect(2, NULL));
    REFS(x, 2);
    REFS(list, 1);
    mpy_decref(list);
    mpy_decref(x);
}

/* ---- running them -------------------------------------------------------------------------------
 */

static const struct own_case cases[] = {
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
    {own_list, "mpy_list_new mpy_list_from_array mpy_list_length mpy_list_get mpy_list_copy_out "
               "mpy_list_set mpy_list_insert mpy_list_append mpy_list_extend mpy_list_pop "
               "mpy_list_get_slice mpy_list_reverse mpy_list_clear mpy_list_as_tuple"},
    {own_tuple, "mpy_tuple_from_array mpy_tuple_pack mpy_tuple_length mpy_tuple_get"},
    {own_dict,
     "mpy_dict_new mpy_dict_length mpy_dict_get mpy_dict_set mpy_dict_set_default mpy_dict_del "
     "mpy_dict_pop mpy_dict_contains"},
    {own_dict_views, "mpy_dict_next mpy_dict_keys mpy_dict_values mpy_dict_items mpy_dict_copy "
                     "mpy_dict_update mpy_dict_clear mpy_dict_get_utf8 mpy_dict_set_utf8"},
    {own_iter, "mpy_iter_get mpy_iter_next mpy_iter_check mpy_iter_each mpy_iter_range"},
    {own_iter_dropped, "mpy_iter_get mpy_iter_next"},
    {own_call, "mpy_func_new mpy_call mpy_call_noargs mpy_call_tuple mpy_call_check "
               "mpy_recursion_enter mpy_recursion_leave"},
    {own_method, "mpy_call mpy_call_method mpy_call_method_utf8"},
    {own_err, "mpy_err_set mpy_err_set_object mpy_err_clear mpy_err_matches mpy_err_given_matches "
              "mpy_err_take mpy_err_restore mpy_err_new_type mpy_err_display mpy_exc_get_cause "
              "mpy_exc_set_cause mpy_exc_get_args mpy_err_set_code"},
    {own_err_texts, "mpy_exc_type mpy_err_format mpy_err_message mpy_err_from_errno "
                    "mpy_err_no_memory mpy_err_format_code"},
    {own_type, "mpy_type_from_spec mpy_type_builtin mpy_type_name mpy_type_qualname "
               "mpy_type_is_subtype mpy_type_new_instance mpy_object_is_subclass"},
    {own_gc, "mpy_gc_get_referents mpy_gc_get_referrers mpy_gc_is_tracked mpy_gc_is_finalized "
             "mpy_gc_collect"},
};

#define CASES (sizeof cases / sizeof cases[0])

static void
test_cases(void **state)
{
    struct api_world *w = *state;
    for (size_t i = 0; i < CASES; i++) {
        ptrdiff_t blocks, mem;
        cases[i].run(w);
        cases[i].run(w);
        blocks = api_blocks(w);
        mem = mpy_mem_allocated_blocks(NULL);
        for (int run = 0; run < RUNS; run++) {
            cases[i].run(w);
        }
        if (api_blocks(w) != blocks || mpy_mem_allocated_blocks(NULL) != mem) {
            fail_msg("%.40s...: %td blocks left over, %td of mem", cases[i].functions,
                     api_blocks(w) - blocks, mpy_mem_allocated_blocks(NULL) - mem);
        }
    }
}

/* ---- every call of the tables -------------------------------------------------------------------
 */

#define MAX_ARGS 4

static unsigned faults;

static void
call_keeps_counts(struct api_world *w, const struct api_call *call)
{
    mpy_object *v[MAX_ARGS];
    size_t n = api_arg_count(call), before[MAX_ARGS];

    api_make_args(w, call, v);
    for (size_t i = 0; i < n; i++) {
        before[i] = mpy_refcount(v[i]);
    }
    if (call->call(v) != API_OK) {
        faults++;
        print_error("%s: failed\n", call->name);
        mpy_err_clear();
    }
    for (size_t i = 0; i < n && (call->flags & API_CHANGES) == 0; i++) {
        if (mpy_refcount(v[i]) != before[i]) {
            faults++;
            print_error("%s: references to argument '%s': %zu before, %zu after\n", call->name,
                        call->args[i].name, before[i], mpy_refcount(v[i]));
        }
    }
    api_drop_args(call, v);
}

static void
test_borrowed(void **state)
{
    struct api_world *w = *state;
    faults = 0;
    for (size_t i = 0; api_tables[i] != NULL; i++) {
        for (const struct api_call *call = api_tables[i]; call->name != NULL; call++) {
            ptrdiff_t blocks;
            call_keeps_counts(w, call);
            blocks = api_blocks(w);
            call_keeps_counts(w, call);
            call_keeps_counts(w, call);
            if (api_blocks(w) != blocks) {
                faults++;
                print_error("%s: %td blocks left over\n", call->name, api_blocks(w) - blocks);
            }
        }
    }
    assert_int_equal(faults, 0);
}

/* ---- nothing forgotten --------------------------------------------------------------------------
 */

/* Functions that neither take nor give references, or only look at a value. */
static const char no_references[] =
    " mpy_object_id mpy_is_none mpy_int_check mpy_float_check mpy_bool_check mpy_int_as_i64 "
    "mpy_int_as_u64 mpy_int_as_double mpy_str_check mpy_hash_bytes mpy_bytes_check mpy_list_check "
    "mpy_tuple_check mpy_dict_check mpy_type_check mpy_err_occurred mpy_err_code "
    "mpy_err_matches_code mpy_err_unraisable mpy_gc_enable mpy_gc_disable mpy_gc_is_enabled "
    "mpy_gc_set_threshold mpy_gc_get_threshold mpy_gc_get_stats mpy_gc_visit_objects ";

static int
names(const char *list, const char *function)
{
    size_t n = strlen(function);
    for (const char *at = strstr(list, function); at != NULL; at = strstr(at + 1, function)) {
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) {
            return 1;
        }
    }
    return 0;
}

static void
look_up(void *data, const char *header, const char *function)
{
    (void)data;
    for (size_t i = 0; i < CASES; i++) {
        if (names(cases[i].functions, function)) {
            return;
        }
    }
    if (!names(no_references, function)) {
        faults++;
        print_error("%s: no case names %s\n", header, function);
    }
}

static void
test_nothing_forgotten(void **state)
{
    (void)state;
    faults = 0;
    assert_true(api_each_function(MPY_TEST_SOURCE_DIR, look_up, NULL) > 150);
    assert_int_equal(faults, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_cases, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_borrowed, api_setup, api_teardown),
        cmocka_unit_test(test_nothing_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
