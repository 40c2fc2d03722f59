/* SPDX-License-Identifier: MIT */
/*
 * support/api_soup_containers.c - random calls on lists and dicts.
 */
#include "support/api_soup.h"

void
soup_list_change(const struct soup_args *x)
{
    if (!mpy_list_check(x->a) || !soup_has_room(x->a)) {
        return;
    }
    switch (soup_draw(8)) {
    case 0:
        soup_got_int(mpy_list_append(x->a, x->b));
        break;
    case 1:
        soup_got_int(mpy_list_insert(x->a, (ptrdiff_t)x->i, x->b));
        break;
    case 2:
        soup_got_int(mpy_list_set(x->a, (ptrdiff_t)x->i, x->b));
        break;
    case 3:
        soup_got(mpy_list_pop(x->a, (ptrdiff_t)x->i));
        break;
    case 4:
        soup_got_int(mpy_list_reverse(x->a));
        break;
    case 5:
        if (soup_has_room(x->b) && mpy_iter_check(x->b) == 0) {
            soup_got_int(mpy_list_extend(x->a, x->b));
        }
        break;
    case 6:
        if (soup_draw(6) == 0) {
            soup_got_int(mpy_list_clear(x->a));
        }
        break;
    default:
        soup_got_int(mpy_object_del_item(x->a, mpy_int_from_i64(x->i)));
        break;
    }
}

void
soup_list_read(const struct soup_args *x)
{
    mpy_object *out[4];
    ptrdiff_t n;
    if (!mpy_list_check(x->a)) {
        return;
    }
    switch (soup_draw(4)) {
    case 0:
        soup_got(mpy_list_get(x->a, (ptrdiff_t)x->i));
        break;
    case 1:
        soup_got(mpy_list_get_slice(x->a, (ptrdiff_t)x->i, (ptrdiff_t)x->j));
        break;
    case 2:
        soup_got(mpy_list_as_tuple(x->a));
        break;
    default:
        n = mpy_list_copy_out(x->a, (ptrdiff_t)x->i, 4, out);
        soup_got_int(n);
        for (ptrdiff_t i = 0; i < n; i++) {
            soup_put(out[i]);
            mpy_decref(out[i]);
        }
        break;
    }
}

void
soup_dict_change(const struct soup_args *x)
{
    mpy_object *out = NULL;
    int r;
    if (!mpy_dict_check(x->a) || !soup_has_room(x->a) || !soup_light(x->b)) {
        return;
    }
    switch (soup_draw(8)) {
    case 0:
    case 1:
        soup_got_int(mpy_dict_set(x->a, x->b, x->c));
        break;
    case 2:
        soup_got_int(mpy_dict_set_utf8(x->a, soup_word(), x->c));
        break;
    case 3:
        r = mpy_dict_set_default(x->a, x->b, x->c, &out);
        soup_got_found(r == 0 ? 1 : r, out);
        break;
    case 4:
        soup_got_int(mpy_dict_del(x->a, x->b));
        break;
    case 5:
        r = mpy_dict_pop(x->a, x->b, &out);
        soup_got_found(r, out);
        break;
    case 6:
        if (mpy_dict_check(x->c) && soup_has_room(x->c)) {
            soup_got_int(mpy_dict_update(x->a, x->c));
        }
        break;
    default:
        if (soup_draw(6) == 0) {
            soup_got_int(mpy_dict_clear(x->a));
        }
        break;
    }
}

void
soup_dict_read(const struct soup_args *x)
{
    mpy_object *out = NULL;
    int r;
    if (!mpy_dict_check(x->a) || !soup_light(x->b)) {
        return;
    }
    switch (soup_draw(7)) {
    case 0:
        r = mpy_dict_get(x->a, x->b, &out);
        soup_got_found(r, out);
        break;
    case 1:
        r = mpy_dict_get_utf8(x->a, soup_word(), &out);
        soup_got_found(r, out);
        break;
    case 2:
        soup_got_int(mpy_dict_contains(x->a, x->b));
        break;
    case 3:
        soup_got(mpy_dict_keys(x->a));
        break;
    case 4:
        soup_got(mpy_dict_values(x->a));
        break;
    case 5:
        soup_got(mpy_dict_items(x->a));
        break;
    default:
        soup_got(mpy_dict_copy(x->a));
        break;
    }
}

/* Does anything in between, to the dict too. */
static int
visit_entry(void *data, mpy_object *key, mpy_object *value)
{
    int *left = data;
    if (soup_draw(10) == 0 && soup.nested < 2) {
        soup_step();
    }
    soup_put(key);
    soup_put(value);
    return --*left == 0;
}

void
soup_dict_each(const struct soup_args *x)
{
    int left = 20;
    if (mpy_dict_check(x->a)) {
        soup_got_int(mpy_dict_each(x->a, visit_entry, &left));
    }
}

void
soup_dict_walk(const struct soup_args *x)
{
    mpy_dict_cursor cursor = MPY_DICT_START;
    mpy_object *key, *value;
    int r = 0;
    if (!mpy_dict_check(x->a)) {
        return;
    }
    for (int i = 0; i < 20; i++) {
        r = mpy_dict_next(x->a, &cursor, &key, &value);
        if (r != 1) {
            break;
        }
        soup_put(key);
        soup_put(value);
        mpy_decref(key);
        mpy_decref(value);
        if (soup_draw(10) == 0 && soup.nested < 2) {
            soup_step();
        }
    }
    soup_got_int(r);
}
