/* SPDX-License-Identifier: MIT */
/*
 * support/api_soup.c - the pool of random calls, and the type that makes mischief.
 */
#include "support/api_soup.h"

#include <string.h>

#define LIMIT  100 /* elements of a container before it is emptied */
#define WEIGHT 300 /* paths through an object that is light */

struct soup soup;

static const char *const words[] = {
    "attr",         "x",       "",    "h\xc3\xa9",
    "\xe2\x82\xac", "a, b, c", "key", "longer than most of the others here"};

const char *
soup_word(void)
{
    return words[soup_draw(sizeof words / sizeof words[0])];
}

/* ---- the pool ------------------------------------------------------------------------------- */

unsigned
soup_draw(unsigned n)
{
    return api_random_below(&soup.random, n);
}

/* What most calls give: would fill the pool. */
static int
is_common(mpy_object *o)
{
    return !mpy_priv_is_heap(o) || mpy_str_check(o) || mpy_type_check(o) || mpy_float_check(o) ||
           mpy_refcount(o) == MPY_PRIV_REFCNT_IMMORTAL;
}

/* The slot's old object goes last: its finalizer may look at the pool. */
void
soup_put(mpy_object *o)
{
    mpy_object **slot = &soup.pool[soup_draw(POOL)], *old = *slot;
    if (is_common(o) && soup_draw(6) != 0) {
        return;
    }
    *slot = mpy_newref(o);
    mpy_xdecref(old);
}

int
soup_fits(mpy_object *o, int want)
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
mpy_object *
soup_take(int want)
{
    unsigned start = soup_draw(POOL);
    for (unsigned k = 0; k < POOL; k++) {
        mpy_object *o = soup.pool[(start + k) % POOL];
        if (o != NULL && soup_fits(o, want)) {
            return mpy_newref(o);
        }
    }
    return mpy_newref(MPY_NONE);
}

/* ---- results -------------------------------------------------------------------------------- */

static void
soup_failed(void)
{
    char text[MPY_ERR_TEXT_MAX + 1];
    int code = mpy_err_code();
    if (code == MPY_EXC_SYSTEM_ERROR || code == MPY_EXC_MEMORY_ERROR || code == 0) {
        const char *running = soup.running;
        (void)api_take_error(text, sizeof text);
        fail_msg("%s: error %d: %s", running, code, text);
    }
    soup.errors++;
    if (soup_draw(8) == 0) {
        mpy_object *exc = mpy_err_take();
        soup_put(exc);
        mpy_decref(exc);
    } else {
        mpy_err_clear();
    }
}

void
soup_got_int(ptrdiff_t r)
{
    if (r == -1) {
        soup_failed();
    } else if (mpy_err_occurred()) {
        fail_msg("%s: succeeded with error %d set", soup.running, mpy_err_code());
    }
}

void
soup_got(mpy_object *o)
{
    if (o == NULL) {
        soup_failed();
        return;
    }
    soup_got_int(0);
    soup_put(o);
    mpy_decref(o);
}

void
soup_got_found(int r, mpy_object *out)
{
    if (r == 1) {
        soup_got(out);
    } else {
        assert_null(out);
        soup_got_int(r);
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

int
soup_light(mpy_object *o)
{
    int budget = WEIGHT;
    weigh(o, 0, &budget);
    return budget >= 0;
}

/* Room for one more; for lists and dicts made if need be. */
int
soup_has_room(mpy_object *o)
{
    ptrdiff_t n;
    if (!mpy_list_check(o) && !mpy_dict_check(o) && !mpy_tuple_check(o) && !mpy_str_check(o) &&
        !mpy_bytes_check(o)) {
        return 1;
    }
    n = mpy_object_length(o);
    if (n > LIMIT && mpy_list_check(o)) {
        soup_got_int(mpy_list_clear(o));
    } else if (n > LIMIT && mpy_dict_check(o)) {
        soup_got_int(mpy_dict_clear(o));
    }
    return n <= LIMIT;
}

/* ---- a step --------------------------------------------------------------------------------- */

void
soup_step(void)
{
    const struct soup_call *call = &soup_calls[soup_draw(soup_call_count)];
    struct soup_args x = {soup_take(call->want), soup_take(call->want_b), soup_take(ANY),
                          (int64_t)soup_draw(12) - 3, (int64_t)soup_draw(12) - 3};
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
    if (soup.nested < 4 && soup_draw(2) == 0) {
        soup_step();
    }
}

static int
raise_sometimes(void)
{
    if (soup_draw(20) == 0) {
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
    *out = soup_draw(3); /* not even the same each time */
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
    switch (soup_draw(4)) {
    case 0:
        return mpy_constant(MPY_CONST_NOT_IMPLEMENTED);
    case 1:
        return mpy_newref(soup_draw(2) == 0 ? a : b);
    default:
        return mpy_bool_from_int((int)soup_draw(2));
    }
}

static int
mischief_is_true(mpy_object *self)
{
    (void)self;
    make_mischief();
    return raise_sometimes() < 0 ? -1 : (int)soup_draw(2);
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
    if (soup_draw(5) == 0) {
        return 0;
    }
    *out = soup_take(ANY);
    return 1;
}

static mpy_object *
mischief_repr(mpy_object *self)
{
    (void)self;
    make_mischief();
    return raise_sometimes() < 0 ? NULL : mpy_str_from_utf8(soup_word());
}

/* Now and then it brings itself back, through the pool. */
static void
mischief_finalize(mpy_object *self)
{
    make_mischief();
    if (soup_draw(6) == 0) {
        soup_put(self);
    }
}

const mpy_type_spec soup_mischief_spec = {.size = sizeof(mpy_type_spec),
                                          .version = 1,
                                          .name = "t.Mischief",
                                          .flags = MPY_TYPE_ATTRS,
                                          .finalize = mischief_finalize,
                                          .repr = mischief_repr,
                                          .hash = mischief_hash,
                                          .compare = mischief_compare,
                                          .is_true = mischief_is_true,
                                          .next = mischief_next};
