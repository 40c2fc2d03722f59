/* SPDX-License-Identifier: MIT */
/* test: long */
/*
 * stress/test_api_soup.c - random sequences of valid calls over a pool of objects of every type.
 *
 * Each step takes up to three objects from the pool, whatever they are, makes one call with them,
 * and puts what it gets back into the pool: containers end up in each other, in instances, in
 * types, in exceptions, in iterators. Objects of one host type are mischievous: their hash,
 * comparison, truth, iteration and finalizer make a step of their own, in the middle of whatever
 * the library is doing. Collections of all generations are steps, too, and the automatic ones are
 * frequent.
 *
 * What must hold: a call fails if and only if an error is set; it is never a SystemError (the calls
 * are valid) or a MemoryError (there is memory); the heap is in order, looked at every CHECK steps;
 * in the end everything can be dropped and nothing is left. A round has its seed; MINIPY_TEST_SEED
 * runs one alone.
 *
 * repr, comparison and hash of an object with many paths through it take as long as there are
 * paths: they are asked of light objects only.
 */
#include "support/api_node.h"
#include "support/api_random.h"
#include "support/api_world.h"
#include "support/scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS  20000u /* 10,000,000 in the long run */
#define ROUND  2000u  /* steps with one seed */
#define CHECK  250u
#define POOL   96u
#define LIMIT  100 /* elements of a container before it is emptied */
#define WEIGHT 300

/* What a step wants its first object to be. */
#define ANY   0
#define LIST  1
#define DICT  2
#define TUPLE 3
#define STR   4
#define ITER  5
#define PLAIN 6
#define NODE  7
#define TYPE  8
#define EXC   9
#define CALLS 10
#define KEY   11 /* a mischievous one */

struct args {
    mpy_object *a, *b, *c; /* held by the step */
    int64_t i, j;          /* -3 .. 8 */
};

struct call {
    const char *name;
    void (*run)(const struct args *x);
    int want, want_b;
};

static struct {
    struct api_world *world;
    struct api_random random;
    struct api_log log;
    mpy_object *node_type, *traverse_type, *mischief_type, *error_type;
    mpy_object *pool[POOL];
    uint64_t steps, errors;
    unsigned nested; /* steps within steps */
    const char *running;
} soup;

static unsigned
draw(unsigned n)
{
    return api_random_below(&soup.random, n);
}

static void
step(void);

/* ---- the pool ------------------------------------------------------------------------------- */

/* What most calls give: would fill the pool. */
static int
is_common(mpy_object *o)
{
    return !mpy_priv_is_heap(o) || mpy_str_check(o) || mpy_type_check(o) || mpy_float_check(o) ||
           mpy_refcount(o) == MPY_PRIV_REFCNT_IMMORTAL;
}

/* The slot's old object goes last: its finalizer may look at the pool. */
static void
put(mpy_object *o)
{
    mpy_object **slot = &soup.pool[draw(POOL)], *old = *slot;
    if (is_common(o) && draw(6) != 0) {
        return;
    }
    *slot = mpy_newref(o);
    mpy_xdecref(old);
}

static int
fits(mpy_object *o, int want)
{
    switch (want) {
    case LIST:
        return mpy_list_check(o);
    case DICT:
        return mpy_dict_check(o);
    case TUPLE:
        return mpy_tuple_check(o);
    case STR:
        return mpy_str_check(o);
    case ITER:
        return mpy_iter_check(o) == 1;
    case PLAIN:
        return mpy_object_is_instance(o, soup.world->plain_type) == 1;
    case NODE:
        return mpy_object_is_instance(o, soup.node_type) == 1;
    case TYPE:
        return mpy_type_check(o);
    case EXC:
        return mpy_err_given_matches(o, soup.error_type) == 1 && !mpy_type_check(o);
    case CALLS:
        return mpy_call_check(o) == 1;
    case KEY:
        return mpy_object_is_instance(o, soup.mischief_type) == 1;
    default:
        return 1;
    }
}

/* A new reference to an object of the pool, of the wanted sort if there is one. */
static mpy_object *
take(int want)
{
    unsigned start = draw(POOL);
    for (unsigned k = 0; k < POOL; k++) {
        mpy_object *o = soup.pool[(start + k) % POOL];
        if (o != NULL && fits(o, want)) {
            return mpy_newref(o);
        }
    }
    return mpy_newref(MPY_NONE);
}

/* ---- results -------------------------------------------------------------------------------- */

static void
failed(void)
{
    char text[MPY_ERR_TEXT_MAX + 1];
    int code = mpy_err_code();
    if (code == MPY_EXC_SYSTEM_ERROR || code == MPY_EXC_MEMORY_ERROR || code == 0) {
        const char *running = soup.running;
        (void)api_take_error(text, sizeof text);
        fail_msg("%s: error %d: %s", running, code, text);
    }
    soup.errors++;
    if (draw(8) == 0) {
        mpy_object *exc = mpy_err_take();
        put(exc);
        mpy_decref(exc);
    } else {
        mpy_err_clear();
    }
}

static void
got_int(ptrdiff_t r)
{
    if (r == -1) {
        failed();
    } else if (mpy_err_occurred()) {
        fail_msg("%s: succeeded with error %d set", soup.running, mpy_err_code());
    }
}

static void
got(mpy_object *o)
{
    if (o == NULL) {
        failed();
        return;
    }
    got_int(0);
    put(o);
    mpy_decref(o);
}

static void
got_found(int r, mpy_object *out)
{
    if (r == 1) {
        got(out);
    } else {
        assert_null(out);
        got_int(r);
    }
}

/* ---- keeping things small ------------------------------------------------------------------- */

/* Takes from *budget what walking every path through o costs. */
static void
weigh(mpy_object *o, int depth, int *budget)
{
    ptrdiff_t n;
    if (--*budget < 0 || depth > 60) {
        return;
    }
    if (mpy_list_check(o) || mpy_tuple_check(o)) {
        n = mpy_object_length(o);
        for (ptrdiff_t i = 0; i < n && *budget >= 0; i++) {
            mpy_object *item = mpy_list_check(o) ? mpy_list_get(o, i) : mpy_tuple_get(o, i);
            weigh(item, depth + 1, budget);
            mpy_decref(item);
        }
    } else if (mpy_dict_check(o)) {
        mpy_dict_cursor cursor = MPY_DICT_START;
        mpy_object *key, *value;
        while (*budget >= 0 && mpy_dict_next(o, &cursor, &key, &value) == 1) {
            weigh(key, depth + 1, budget);
            weigh(value, depth + 1, budget);
            mpy_decref(key);
            mpy_decref(value);
        }
    } else if (mpy_err_given_matches(o, soup.error_type) == 1 && !mpy_type_check(o)) {
        mpy_object *args = mpy_exc_get_args(o);
        weigh(args, depth + 1, budget);
        mpy_decref(args);
    }
}

static int
light(mpy_object *o)
{
    int budget = WEIGHT;
    weigh(o, 0, &budget);
    return budget >= 0;
}

/* Room for one more; for lists and dicts made if need be. */
static int
has_room(mpy_object *o)
{
    ptrdiff_t n;
    if (!mpy_list_check(o) && !mpy_dict_check(o) && !mpy_tuple_check(o) && !mpy_str_check(o) &&
        !mpy_bytes_check(o)) {
        return 1;
    }
    n = mpy_object_length(o);
    if (n > LIMIT && mpy_list_check(o)) {
        got_int(mpy_list_clear(o));
    } else if (n > LIMIT && mpy_dict_check(o)) {
        got_int(mpy_dict_clear(o));
    }
    return n <= LIMIT;
}

/* ---- calls: making -------------------------------------------------------------------------- */

static const char *const words[] = {
    "attr",         "x",       "",    "h\xc3\xa9",
    "\xe2\x82\xac", "a, b, c", "key", "longer than most of the others here"};

static const char *
word(void)
{
    return words[draw(sizeof words / sizeof words[0])];
}

static mpy_object *
new_node(void)
{
    int traverse = (int)draw(2);
    mpy_object *type = traverse ? soup.traverse_type : soup.node_type;
    unsigned kind = API_NODE_FINALIZE | (traverse ? API_NODE_TRAVERSE : 0);
    mpy_object *o = api_node_new(type, kind, &soup.log, 1);
    mpy_object *value = take(ANY);
    if (o != NULL && traverse) {
        (void)api_node_add_extra(api_node_data(o, type), value);
    }
    mpy_decref(value);
    return o;
}

static void
do_new(const struct args *x)
{
    mpy_object *three[3] = {x->a, x->b, x->c};
    switch (draw(16)) {
    case 0:
    case 14:
        got(mpy_list_from_array(three, draw(4)));
        break;
    case 1:
        got(mpy_tuple_from_array(three, draw(4)));
        break;
    case 2:
    case 15:
        got(mpy_dict_new(draw(30)));
        break;
    case 3:
        got(mpy_str_from_utf8(word()));
        break;
    case 4:
        got(mpy_str_format("%s %lld %T", word(), (long long)x->i, x->a));
        break;
    case 5:
        got(mpy_float_from_double((double)x->i * 1e200));
        break;
    case 6:
        got(mpy_int_from_i64(x->i));
        break;
    case 7:
        got(mpy_type_new_instance(soup.world->plain_type));
        break;
    case 8:
    case 9:
        got(mpy_type_new_instance(soup.mischief_type));
        break;
    case 10:
        got(mpy_iter_range(x->i, x->j, x->i == 0 ? 1 : x->i));
        break;
    case 11:
        got(mpy_bytes_from_data("bytes", (size_t)(x->i < 0 ? 0 : x->i % 6)));
        break;
    case 12:
        got(mpy_tuple_pack(2, x->a, x->b));
        break;
    default:
        got(new_node());
        break;
    }
}

static mpy_object *
native(mpy_object *self, mpy_object *const *argv, size_t nargs, mpy_object *kwnames)
{
    (void)kwnames;
    if (soup.nested < 2 && draw(4) == 0) {
        step();
    }
    if (draw(10) == 0) {
        mpy_err_set(soup.error_type, "the native function failed");
        return NULL;
    }
    return nargs > 0 ? mpy_newref(argv[0]) : self != NULL ? mpy_newref(self) : MPY_NONE;
}

static const mpy_func_spec native_spec = {
    .name = "native", .fn = native, .max_args = MPY_ARGS_ANY, .flags = MPY_FUNC_KEYWORDS};

static void
do_func(const struct args *x)
{
    got(mpy_func_new(&native_spec, draw(2) == 0 ? NULL : x->a));
}

static void
do_type(const struct args *x)
{
    static const mpy_type_spec spec = {.size = sizeof(mpy_type_spec),
                                       .version = 1,
                                       .name = "t.Soup",
                                       .flags = MPY_TYPE_BASE | MPY_TYPE_ATTRS};
    int below = mpy_type_check(x->a) && mpy_type_is_subtype(x->a, soup.world->plain_type) == 1;
    got(mpy_type_from_spec(&spec, below && draw(3) == 0 ? x->a : soup.world->plain_type));
}

/* ---- calls: containers ---------------------------------------------------------------------- */

static void
do_list_change(const struct args *x)
{
    if (!mpy_list_check(x->a) || !has_room(x->a)) {
        return;
    }
    switch (draw(8)) {
    case 0:
        got_int(mpy_list_append(x->a, x->b));
        break;
    case 1:
        got_int(mpy_list_insert(x->a, (ptrdiff_t)x->i, x->b));
        break;
    case 2:
        got_int(mpy_list_set(x->a, (ptrdiff_t)x->i, x->b));
        break;
    case 3:
        got(mpy_list_pop(x->a, (ptrdiff_t)x->i));
        break;
    case 4:
        got_int(mpy_list_reverse(x->a));
        break;
    case 5:
        if (has_room(x->b) && mpy_iter_check(x->b) == 0) {
            got_int(mpy_list_extend(x->a, x->b));
        }
        break;
    case 6:
        if (draw(6) == 0) {
            got_int(mpy_list_clear(x->a));
        }
        break;
    default:
        got_int(mpy_object_del_item(x->a, mpy_int_from_i64(x->i)));
        break;
    }
}

static void
do_list_read(const struct args *x)
{
    mpy_object *out[4];
    ptrdiff_t n;
    if (!mpy_list_check(x->a)) {
        return;
    }
    switch (draw(4)) {
    case 0:
        got(mpy_list_get(x->a, (ptrdiff_t)x->i));
        break;
    case 1:
        got(mpy_list_get_slice(x->a, (ptrdiff_t)x->i, (ptrdiff_t)x->j));
        break;
    case 2:
        got(mpy_list_as_tuple(x->a));
        break;
    default:
        n = mpy_list_copy_out(x->a, (ptrdiff_t)x->i, 4, out);
        got_int(n);
        for (ptrdiff_t i = 0; i < n; i++) {
            put(out[i]);
            mpy_decref(out[i]);
        }
        break;
    }
}

static void
do_dict_change(const struct args *x)
{
    mpy_object *out = NULL;
    int r;
    if (!mpy_dict_check(x->a) || !has_room(x->a) || !light(x->b)) {
        return;
    }
    switch (draw(8)) {
    case 0:
    case 1:
        got_int(mpy_dict_set(x->a, x->b, x->c));
        break;
    case 2:
        got_int(mpy_dict_set_utf8(x->a, word(), x->c));
        break;
    case 3:
        r = mpy_dict_set_default(x->a, x->b, x->c, &out);
        got_found(r == 0 ? 1 : r, out);
        break;
    case 4:
        got_int(mpy_dict_del(x->a, x->b));
        break;
    case 5:
        r = mpy_dict_pop(x->a, x->b, &out);
        got_found(r, out);
        break;
    case 6:
        if (mpy_dict_check(x->c) && has_room(x->c)) {
            got_int(mpy_dict_update(x->a, x->c));
        }
        break;
    default:
        if (draw(6) == 0) {
            got_int(mpy_dict_clear(x->a));
        }
        break;
    }
}

static void
do_dict_read(const struct args *x)
{
    mpy_object *out = NULL;
    int r;
    if (!mpy_dict_check(x->a) || !light(x->b)) {
        return;
    }
    switch (draw(7)) {
    case 0:
        r = mpy_dict_get(x->a, x->b, &out);
        got_found(r, out);
        break;
    case 1:
        r = mpy_dict_get_utf8(x->a, word(), &out);
        got_found(r, out);
        break;
    case 2:
        got_int(mpy_dict_contains(x->a, x->b));
        break;
    case 3:
        got(mpy_dict_keys(x->a));
        break;
    case 4:
        got(mpy_dict_values(x->a));
        break;
    case 5:
        got(mpy_dict_items(x->a));
        break;
    default:
        got(mpy_dict_copy(x->a));
        break;
    }
}

static void
do_dict_walk(const struct args *x)
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
        put(key);
        put(value);
        mpy_decref(key);
        mpy_decref(value);
        if (draw(10) == 0 && soup.nested < 2) {
            step();
        }
    }
    got_int(r);
}

/* ---- calls: protocol ------------------------------------------------------------------------ */

static void
do_items(const struct args *x)
{
    if (mpy_dict_check(x->a) && !light(x->b)) {
        return;
    }
    switch (draw(4)) {
    case 0:
        got(mpy_object_get_item(x->a, draw(2) == 0 ? x->b : mpy_int_from_i64(x->i)));
        break;
    case 1:
        if (has_room(x->a)) {
            got_int(mpy_object_set_item(x->a, x->b, x->c));
        }
        break;
    case 2:
        got_int(mpy_object_del_item(x->a, x->b));
        break;
    default:
        if (light(x->a) && light(x->b)) {
            got_int(mpy_object_contains(x->a, x->b));
        }
        break;
    }
}

static void
do_attrs(const struct args *x)
{
    mpy_object *name = api_good(mpy_str_from_utf8(word())), *out = NULL;
    int r;
    switch (draw(8)) {
    case 0:
    case 1:
        got_int(mpy_object_set_attr(x->a, name, x->b));
        break;
    case 2:
        got(mpy_object_get_attr(x->a, name));
        break;
    case 3:
        r = mpy_object_find_attr(x->a, name, &out);
        got_found(r, out);
        break;
    case 4:
        got_int(mpy_object_del_attr(x->a, name));
        break;
    case 5:
        got_int(mpy_object_has_attr(x->a, name));
        break;
    case 6:
        got(mpy_object_generic_get_attr(x->a, name));
        break;
    default:
        got_int(mpy_object_set_attr_utf8(x->a, word(), x->c));
        break;
    }
    mpy_decref(name);
}

/* References of a data instance, set by the host itself. */
static void
do_node(const struct args *x)
{
    struct api_node *node;
    if (!fits(x->a, NODE)) {
        return;
    }
    node = api_node_data(x->a, soup.node_type);
    assert_non_null(node);
    if (draw(4) == 0) {
        mpy_clear(&node->refs[draw(API_NODE_REFS)]);
    } else {
        mpy_assign(&node->refs[draw(API_NODE_REFS)], x->b);
    }
}

static void
do_ask(const struct args *x)
{
    int64_t hash;
    if (!light(x->a) || !light(x->b)) {
        return;
    }
    switch (draw(9)) {
    case 0:
        got(mpy_object_repr(x->a));
        break;
    case 1:
        got(mpy_object_str(x->a));
        break;
    case 2:
        got_int(mpy_object_hash(x->a, &hash));
        break;
    case 3:
        got_int(mpy_object_is_true(x->a));
        break;
    case 4:
    case 5:
        got(mpy_object_compare(x->a, x->b, (int)draw(6)));
        break;
    case 6:
        got_int(mpy_object_compare_bool(x->a, x->b, draw(2) == 0 ? MPY_EQ : MPY_NE));
        break;
    case 7:
        got_int(mpy_object_length(x->a));
        break;
    default:
        got(mpy_object_type(x->a));
        got_int(mpy_object_sizeof(x->a));
        break;
    }
}

static void
do_number(const struct args *x)
{
    mpy_object *small = mpy_int_from_i64(x->i);
    mpy_object *b = draw(3) == 0 ? x->b : small;
    if (!has_room(x->a) || !has_room(b)) {
        return;
    }
    switch (draw(8)) {
    case 0:
        got(mpy_number_add(x->a, b));
        break;
    case 1:
        got(mpy_number_subtract(x->a, b));
        break;
    case 2:
        got(mpy_number_multiply(x->a, small));
        break;
    case 3:
        got(mpy_number_true_divide(x->a, b));
        break;
    case 4:
        got(mpy_number_floor_divide(x->a, b));
        break;
    case 5:
        got(mpy_number_remainder(x->a, b));
        break;
    case 6:
        got(draw(2) == 0 ? mpy_number_negative(x->a) : mpy_number_absolute(x->a));
        break;
    default:
        got(draw(2) == 0 ? mpy_number_to_int(x->a) : mpy_number_to_float(x->a));
        break;
    }
}

static void
do_text(const struct args *x)
{
    int64_t at;
    if (!mpy_str_check(x->a) || !mpy_str_check(x->b) || !has_room(x->a) || !has_room(x->b)) {
        return;
    }
    switch (draw(7)) {
    case 0:
        got(mpy_str_concat(x->a, x->b));
        break;
    case 1:
        got(mpy_str_substring(x->a, (ptrdiff_t)x->i, (ptrdiff_t)x->j));
        break;
    case 2:
        if (mpy_str_length(x->b) > 0) {
            got(mpy_str_split(x->a, x->b, (ptrdiff_t)x->i));
        }
        break;
    case 3:
        got(mpy_str_replace(x->a, x->b, x->a, 2));
        break;
    case 4:
        got_int(mpy_str_find(x->a, x->b, 0, 50, x->i < 0 ? -1 : 1, &at));
        break;
    case 5:
        got(mpy_str_intern(word()));
        break;
    default:
        if (has_room(x->c) && mpy_iter_check(x->c) == 0) {
            got(mpy_str_join(x->b, x->c));
        }
        break;
    }
}

static int
visit_put(void *data, mpy_object *item)
{
    int *left = data;
    put(item);
    return --*left <= 0;
}

static void
do_iter(const struct args *x)
{
    mpy_object *out = NULL;
    int left = 30, r;
    switch (draw(4)) {
    case 0:
        got(mpy_iter_get(x->a));
        break;
    case 1:
        got_int(mpy_iter_each(x->a, visit_put, &left));
        break;
    default:
        if (mpy_iter_check(x->a) == 1) {
            r = mpy_iter_next(x->a, &out);
            got_found(r, out);
        }
        break;
    }
}

static void
do_call(const struct args *x)
{
    mpy_object *argv[2] = {x->b, x->c};
    switch (draw(3)) {
    case 0:
        got(mpy_call(x->a, argv, draw(3), NULL));
        break;
    case 1:
        got(mpy_call_noargs(x->a));
        break;
    default:
        got(mpy_call_method_utf8(x->b, word(), argv, draw(3)));
        break;
    }
}

static void
do_error(const struct args *x)
{
    mpy_object *exc;
    int code = 1 + (int)draw(26);
    if (code == MPY_EXC_SYSTEM_ERROR || code == MPY_EXC_MEMORY_ERROR) {
        code = MPY_EXC_TYPE_ERROR; /* those two would look like faults */
    }
    mpy_err_set_object(draw(2) == 0 ? soup.error_type : mpy_exc_type(code), x->b);
    exc = mpy_err_take();
    assert_non_null(exc);
    got(mpy_newref(exc));
    if (fits(x->a, EXC) && draw(2) == 0) {
        got_int(mpy_exc_set_cause(exc, x->a));
    }
    got(mpy_exc_get_args(exc));
    if (light(exc)) {
        got(mpy_err_message(exc));
    }
    mpy_decref(exc);
}

static void
do_types(const struct args *x)
{
    got(mpy_object_type(x->a));
    if (mpy_type_check(x->a)) {
        got(mpy_type_name(x->a));
        if (mpy_type_is_subtype(x->a, soup.world->plain_type) == 1) {
            got(mpy_type_new_instance(x->a));
        }
        got_int(mpy_object_is_instance(x->b, x->a));
    }
}

static void
do_gc(const struct args *x)
{
    switch (draw(7)) {
    case 0:
        got_int(mpy_gc_collect(2, NULL));
        break;
    case 1:
        got_int(mpy_gc_collect((int)draw(2), NULL));
        break;
    case 2:
        got(mpy_gc_get_referents(x->a));
        break;
    case 3:
        if (draw(4) == 0) {
            got(mpy_gc_get_referrers(x->a));
        }
        break;
    case 4:
        got_int(mpy_gc_is_tracked(x->a));
        got_int(mpy_gc_is_finalized(x->a));
        break;
    case 5:
        if (draw(8) == 0) {
            (void)(draw(2) == 0 ? mpy_gc_disable() : mpy_gc_enable());
        }
        break;
    default:
        got_int(mpy_checkpoint());
        break;
    }
}

static const struct call calls[] = {
    {"new", do_new, ANY, ANY},
    {"new", do_new, ANY, LIST},
    {"new", do_new, PLAIN, NODE},
    {"new", do_new, DICT, ANY},
    {"new", do_new, ITER, KEY},
    {"func_new", do_func, ANY, ANY},
    {"type_from_spec", do_type, ANY, ANY},
    {"list, changing", do_list_change, LIST, ANY},
    {"list, changing", do_list_change, LIST, ANY},
    {"list, reading", do_list_read, LIST, ANY},
    {"dict, changing", do_dict_change, DICT, ANY},
    {"dict, changing", do_dict_change, DICT, ANY},
    {"dict, changing", do_dict_change, DICT, KEY},
    {"dict, changing", do_dict_change, DICT, KEY},
    {"dict, reading", do_dict_read, DICT, ANY},
    {"dict, reading", do_dict_read, DICT, KEY},
    {"items", do_items, DICT, KEY},
    {"items", do_items, LIST, KEY},
    {"dict_next", do_dict_walk, DICT, ANY},
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
};

static void
step(void)
{
    const struct call *call = &calls[draw(sizeof calls / sizeof calls[0])];
    struct args x = {take(call->want), take(call->want_b), take(ANY), (int64_t)draw(12) - 3,
                     (int64_t)draw(12) - 3};
    const char *outer = soup.running;

    soup.running = call->name;
    soup.nested++;
    soup.steps++;
    /* Types that everybody needs are left as they are. */
    if (x.a != soup.world->plain_type && x.a != soup.mischief_type && x.a != soup.error_type) {
        call->run(&x);
    }
    soup.nested--;
    soup.running = outer;
    mpy_decref(x.a);
    mpy_decref(x.b);
    mpy_decref(x.c);
}

/* ---- mischief ------------------------------------------------------------------------------- */

static void
make_mischief(void)
{
    if (soup.nested < 4 && draw(2) == 0) {
        step();
    }
}

static int
raise_sometimes(void)
{
    if (draw(20) == 0) {
        mpy_err_set(soup.error_type, "mischief");
        return -1;
    }
    return 0;
}

static int
mischief_hash(mpy_object *self, int64_t *out)
{
    (void)self;
    make_mischief();
    *out = draw(3); /* not even the same each time */
    return raise_sometimes();
}

static mpy_object *
mischief_compare(mpy_object *a, mpy_object *b, int op)
{
    (void)op;
    make_mischief();
    if (raise_sometimes() < 0) {
        return NULL;
    }
    switch (draw(4)) {
    case 0:
        return mpy_constant(MPY_CONST_NOT_IMPLEMENTED);
    case 1:
        return mpy_newref(draw(2) == 0 ? a : b);
    default:
        return mpy_bool_from_int((int)draw(2));
    }
}

static int
mischief_is_true(mpy_object *self)
{
    (void)self;
    make_mischief();
    return raise_sometimes() < 0 ? -1 : (int)draw(2);
}

static int
mischief_next(mpy_object *self, mpy_object **out)
{
    (void)self;
    *out = NULL;
    make_mischief();
    if (raise_sometimes() < 0) {
        return -1;
    }
    if (draw(5) == 0) {
        return 0;
    }
    *out = take(ANY);
    return 1;
}

static mpy_object *
mischief_repr(mpy_object *self)
{
    (void)self;
    make_mischief();
    return raise_sometimes() < 0 ? NULL : mpy_str_from_utf8(word());
}

/* Now and then it brings itself back, through the pool. */
static void
mischief_finalize(mpy_object *self)
{
    make_mischief();
    if (draw(6) == 0) {
        put(self);
    }
}

static const mpy_type_spec mischief_spec = {.size = sizeof(mpy_type_spec),
                                            .version = 1,
                                            .name = "t.Mischief",
                                            .flags = MPY_TYPE_ATTRS,
                                            .finalize = mischief_finalize,
                                            .repr = mischief_repr,
                                            .hash = mischief_hash,
                                            .compare = mischief_compare,
                                            .is_true = mischief_is_true,
                                            .next = mischief_next};

/* ---- rounds --------------------------------------------------------------------------------- */

static uint64_t seed_now;

/* Finalizers are called once, so this ends: what they put into the pool goes in the next turn. */
static void
empty_the_pool(void)
{
    int left;
    do {
        for (unsigned i = 0; i < POOL; i++) {
            mpy_clear(&soup.pool[i]);
        }
        api_done(mpy_gc_collect(2, NULL));
        left = 0;
        for (unsigned i = 0; i < POOL; i++) {
            left += soup.pool[i] != NULL;
        }
    } while (left > 0);
    soup.nested = 0;
    (void)mpy_gc_enable();
}

static int
swallow(void *data, const char *bytes, size_t n)
{
    (void)data;
    (void)bytes;
    (void)n;
    return 0;
}

/* A round has a runtime of its own: what it leaves over is its own fault. */
static void
run_round(uint64_t seed, struct api_world *world)
{
    seed_now = seed;
    soup.random.state = seed;
    soup.world = world;
    soup.node_type = api_good(api_node_type(API_NODE_FINALIZE));
    soup.traverse_type = api_good(api_node_type(API_NODE_FINALIZE | API_NODE_TRAVERSE));
    soup.mischief_type = api_good(mpy_type_from_spec(&mischief_spec, NULL));
    soup.error_type = api_good(mpy_exc_type(MPY_EXC_EXCEPTION));
    memset(&soup.log, 0, sizeof soup.log);
    soup.log.one_id = 1;
    api_done(mpy_gc_set_threshold(0, 16 + (int64_t)draw(100)));
    for (unsigned i = 0; i < POOL / 2; i++) {
        mpy_object *o = api_make(world, (int)draw(API_BASIC));
        put(o);
        mpy_decref(o);
    }
    for (unsigned i = 0; i < ROUND; i++) {
        step();
        if (i % CHECK == 0) {
            assert_int_equal(mpy_debug_check_heap(world->rt), 0);
        }
    }
    /* Types hold objects, too, as their attributes. No more mischief from here on. */
    soup.nested = 100;
    mpy_clear(&soup.node_type);
    mpy_clear(&soup.traverse_type);
    mpy_clear(&soup.mischief_type);
    mpy_clear(&soup.error_type);
    mpy_clear(&world->plain_type);
    mpy_clear(&world->data_type);
    empty_the_pool();
    assert_int_equal(soup.log.faults, 0);
}

/* A world whose runtime keeps what finalizers raise to itself. */
static void
open_quietly(struct api_world *world)
{
    mpy_config *config = mpy_config_new();
    memset(world, 0, sizeof *world);
    assert_non_null(config);
    mpy_config_set_error_fn(config, swallow, NULL);
    assert_int_equal(mpy_runtime_new(config, &world->rt), MPY_OK);
    mpy_config_free(config);
    world->plain_type = api_good(api_world_plain_type());
    world->data_type = api_good(api_world_data_type());
}

static void
test_soup(void **state)
{
    uint64_t asked = api_random_asked(), rounds = test_scaled(STEPS) / ROUND;
    struct api_world world;

    (void)state;
    soup.steps = soup.errors = 0;
    for (uint64_t i = 1; i <= rounds; i++) {
        open_quietly(&world);
        run_round(asked != 0 ? asked : i, &world);
        if (api_world_close(&world) < 0) {
            fail_msg("something was left over");
        }
        if (asked != 0) {
            break;
        }
    }
    seed_now = 0;
    /* Most calls do what they are asked for. */
    assert_true(soup.errors * 2 < soup.steps);
}

static int
teardown(void **state)
{
    (void)state;
    if (seed_now != 0) {
        print_error("the round's seed: MINIPY_TEST_SEED=%llu\n", (unsigned long long)seed_now);
    }
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_soup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
