/* SPDX-License-Identifier: MIT */
/*
 * unit/object/test_dealloc.c - death: deep chains on a small stack, finalizers, resurrection,
 * threads without the lock.
 */
#include "support/api_world.h"
#include "support/scale.h"

#include "minipy/debug.h"

#include "object/object.h"

#include <pthread.h>
#include <string.h>

/* ---- deep chains
 * ---------------------------------------------------------------------------------- */

static size_t depth;

static mpy_object *
chain_of_tuples(struct api_world *world)
{
    mpy_object *o = api_good(mpy_tuple_pack(1, MPY_NONE));
    (void)world;
    for (size_t i = 0; i < depth; i++) {
        mpy_object *outer = api_good(mpy_tuple_pack(2, o, MPY_NONE));
        mpy_decref(o);
        o = outer;
    }
    return o;
}

static mpy_object *
chain_of_lists(struct api_world *world)
{
    mpy_object *o = api_good(mpy_list_new(0));
    (void)world;
    for (size_t i = 0; i < depth; i++) {
        mpy_object *outer = api_good(mpy_list_from_array(&o, 1));
        mpy_decref(o);
        o = outer;
    }
    return o;
}

static mpy_object *
chain_of_dicts(struct api_world *world)
{
    mpy_object *o = api_good(mpy_dict_new(0));
    (void)world;
    for (size_t i = 0; i < depth / 4; i++) {
        mpy_object *outer = api_good(mpy_dict_new(0));
        api_done(mpy_dict_set(outer, mpy_int_from_i64(1), o));
        mpy_decref(o);
        o = outer;
    }
    return o;
}

static mpy_object *
chain_of_instances(struct api_world *world)
{
    mpy_object *name = api_good(mpy_str_intern("next"));
    mpy_object *o = api_good(mpy_call_noargs(world->plain_type));
    for (size_t i = 0; i < depth; i++) {
        mpy_object *outer = api_good(mpy_call_noargs(world->plain_type));
        api_done(mpy_object_set_attr(outer, name, o));
        mpy_decref(o);
        o = outer;
    }
    mpy_decref(name);
    return o;
}

/* Instances with data and a release hook. */
static mpy_object *
chain_of_data(struct api_world *world)
{
    mpy_object *o = api_good(mpy_type_new_instance(world->data_type));
    for (size_t i = 0; i < depth; i++) {
        void *data;
        mpy_object *outer = api_good(mpy_type_new_instance(world->data_type));
        api_done(mpy_type_data(outer, world->data_type, &data));
        mpy_assign(&((struct api_data *)data)->first, o);
        mpy_decref(o);
        o = outer;
    }
    return o;
}

struct drop {
    mpy_view *view;
    mpy_object *o;
    int status;
};

static void *
drop_in_thread(void *arg)
{
    struct drop *d = arg;
    mpy_thread_token *token;
    d->status = mpy_thread_attach(d->view, &token);
    if (d->status == MPY_OK) {
        mpy_decref(d->o);
        mpy_thread_detach(token);
    }
    return NULL;
}

/* Drops o on a thread with a stack of 64 KiB. */
static void
drop_on_small_stack(struct api_world *world, mpy_object *o)
{
    struct drop d = {.view = mpy_view_of(world->rt), .o = o, .status = -1};
    pthread_attr_t attr;
    pthread_t thread;
    mpy_thread_token *token;
    size_t stack = 64 * 1024;
    assert_int_equal(pthread_attr_init(&attr), 0);
    if (mpy_feature("asan") || mpy_feature("tsan")) {
        stack = 512 * 1024; /* their frames and thread data are larger */
    }
    assert_int_equal(pthread_attr_setstacksize(&attr, stack), 0);
    token = mpy_gil_release();
    assert_int_equal(pthread_create(&thread, &attr, drop_in_thread, &d), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    mpy_gil_acquire(token);
    (void)pthread_attr_destroy(&attr);
    mpy_view_close(d.view);
    assert_int_equal(d.status, MPY_OK);
}

static void
test_deep(void **state)
{
    mpy_object *(*const makers[])(struct api_world *) = {
        chain_of_tuples, chain_of_lists, chain_of_dicts, chain_of_instances, chain_of_data};
    depth = test_scaled(20000);
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        mpy_object *o = makers[i](*state);
        drop_on_small_stack(*state, o);
    }
    assert_null(mpyi_current()->dying);
}

/* ---- finalizers
 * ------------------------------------------------------------------------------------ */

struct node {
    mpy_object *next;
};

static struct {
    mpy_object *type;
    mpy_object *saved; /* what a finalizer brings back */
    unsigned finalized, released, deepest, running;
    int mode;
} f;

enum { COUNT, RESURRECT, RAISE, DROP_NEXT, SAVE_FIRST, SAVE_LAST, KEEP_SELF, MAKE_CHAIN, CREATE };

static mpy_object *
chain_of_nodes(unsigned n);

static void
node_finalize(mpy_object *self)
{
    void *data;
    f.finalized++;
    f.running++;
    f.deepest = f.running > f.deepest ? f.running : f.deepest;
    api_done(mpy_type_data(self, f.type, &data));
    if (f.mode == RESURRECT) {
        f.saved = mpy_newref(self);
    } else if (f.mode == RAISE) {
        mpy_err_set_code(MPY_EXC_VALUE_ERROR, "from a finalizer");
    } else if (f.mode == DROP_NEXT) {
        mpy_clear(&((struct node *)data)->next);
    } else if (f.mode == SAVE_LAST) {
        if (((struct node *)data)->next == NULL) {
            f.saved = mpy_newref(self);
        }
        mpy_clear(&((struct node *)data)->next);
    } else if (f.mode == SAVE_FIRST) {
        if (f.saved == NULL) {
            f.saved = mpy_newref(self);
        }
        mpy_clear(&((struct node *)data)->next);
    } else if (f.mode == KEEP_SELF) {
        mpy_assign(&((struct node *)data)->next, self);
    } else if (f.mode == MAKE_CHAIN) {
        f.saved = mpy_newref(self);
        f.mode = DROP_NEXT;
        mpy_object *chain = chain_of_nodes(100);
        mpy_decref(chain);
    } else if (f.mode == CREATE) {
        mpy_object *list = api_good(mpy_list_from_array(&self, 1));
        mpy_decref(list);
    }
    f.running--;
}

static void
node_release(void *data)
{
    (void)data;
    f.released++;
}

static void
open_nodes(int mode)
{
    const mpy_type_spec spec = {.size = sizeof spec,
                                .version = 1,
                                .name = "t.Node",
                                .ref_count = 1,
                                .data_size = sizeof(struct node),
                                .finalize = node_finalize,
                                .release = node_release};
    memset(&f, 0, sizeof f);
    f.mode = mode;
    f.type = api_good(mpy_type_from_spec(&spec, NULL));
}

static mpy_object *
new_node(mpy_object *next)
{
    void *data;
    mpy_object *o = api_good(mpy_type_new_instance(f.type));
    api_done(mpy_type_data(o, f.type, &data));
    mpy_assign(&((struct node *)data)->next, next);
    return o;
}

/* A new reference to the first of n. */
static mpy_object *
chain_of_nodes(unsigned n)
{
    mpy_object *o = NULL;
    for (unsigned i = 0; i < n; i++) {
        mpy_object *outer = new_node(o);
        mpy_xdecref(o);
        o = outer;
    }
    return o;
}

static void
test_finalize_once(void **state)
{
    mpy_object *o;
    (void)state;
    open_nodes(RESURRECT);
    o = new_node(NULL);
    mpy_decref(o);
    assert_ptr_equal(f.saved, o);
    assert_int_equal(mpy_refcount(o), 1);
    assert_int_equal(mpy_gc_is_tracked(o), 1);
    assert_int_equal(f.finalized, 1);
    assert_int_equal(f.released, 0);
    mpy_decref(f.saved);
    assert_int_equal(f.finalized, 1);
    assert_int_equal(f.released, 1);
    mpy_decref(f.type);
}

/* Resurrection in the middle of a teardown: the chain below stays whole. */
static void
test_resurrect_inside(void **state)
{
    mpy_object *inner, *outer;
    (void)state;
    open_nodes(RESURRECT);
    inner = new_node(NULL);
    outer = api_good(mpy_list_from_array(&inner, 1));
    mpy_decref(inner);
    mpy_decref(outer);
    assert_ptr_equal(f.saved, inner);
    assert_int_equal(f.released, 0);
    f.mode = COUNT;
    mpy_clear(&f.saved);
    assert_int_equal(f.released, 1);
    mpy_decref(f.type);
}

static char error_text[300];

static int
note_error(void *data, const char *bytes, size_t n)
{
    (void)data;
    n = n < sizeof error_text - 1 ? n : sizeof error_text - 1;
    memcpy(error_text, bytes, n);
    error_text[n] = '\0';
    return 0;
}

/* The error that was set before the finalizer is still there; its own is reported. */
static void
test_finalizer_raises(void **state)
{
    struct api_world *world = *state;
    open_nodes(RAISE);
    world->rt->error_fn = note_error;
    mpy_err_set_code(MPY_EXC_KEY_ERROR, "set before");
    mpy_decref(new_node(NULL));
    assert_int_equal(mpy_err_code(), MPY_EXC_KEY_ERROR);
    assert_string_equal(mpyi_current()->error.text, "set before");
    mpy_err_clear();
    assert_string_equal(
        error_text, "Error ignored in finalizer of 'Node' object: ValueError: from a finalizer\n");
    assert_int_equal(f.released, 1);
    world->rt->error_fn = NULL;
    mpy_decref(f.type);
}

/* Every finalizer drops the next object: nested, but not without bound. */
static void
test_finalizers_that_drop(void **state)
{
    unsigned n = 5000;
    open_nodes(DROP_NEXT);
    mpy_object *o = chain_of_nodes(n);
    drop_on_small_stack(*state, o);
    assert_int_equal(f.finalized, n);
    assert_int_equal(f.released, n);
    assert_in_range(f.deepest, 2, 40);
    assert_null(mpyi_current()->late);
    mpy_decref(f.type);
}

/* One that had to wait for its finalizer comes back whole and tracked. Which of a chain have to
   wait is the business of dealloc.c: every length is tried. */
static void
test_resurrect_late(void **state)
{
    (void)state;
    for (unsigned n = 25; n < 80; n++) {
        mpy_object *o;
        open_nodes(SAVE_LAST);
        mpy_object *last = o = new_node(NULL);
        for (unsigned i = 1; i < n; i++) {
            mpy_object *outer = new_node(o);
            mpy_decref(o);
            o = outer;
        }
        mpyi_head(last)->gcword |= MPYI_GC_WEAKREF;
        mpy_decref(o);
        assert_int_equal(f.finalized, n);
        assert_int_equal(f.released, n - 1);
        assert_int_equal(mpy_refcount(f.saved), 1);
        assert_ptr_equal(f.saved, last);
        assert_int_equal(mpyi_head(last)->gcword & MPYI_GC_WEAKREF, MPYI_GC_WEAKREF);
        assert_int_equal(mpy_gc_is_tracked(f.saved), 1);
        assert_int_equal(mpy_gc_is_finalized(f.saved), 1);
        assert_ptr_equal(mpyi_type_of(f.saved), f.type);
        mpy_clear(&f.saved);
        assert_int_equal(f.finalized, n);
        assert_int_equal(f.released, n);
        mpy_decref(f.type);
    }
}

/* The first of a chain, dropped by a list that dies, lives on; those that wait for their finalizers
   do not wait for it. */
static void
test_others_late(void **state)
{
    (void)state;
    open_nodes(SAVE_FIRST);
    mpy_object *o = chain_of_nodes(100);
    mpy_object *list = api_good(mpy_list_from_array(&o, 1));
    mpy_decref(o);
    mpy_decref(list);
    assert_ptr_equal(f.saved, o);
    assert_int_equal(f.finalized, 100);
    assert_int_equal(f.released, 99);
    mpy_clear(&f.saved);
    mpy_decref(f.type);
}

/* Its finalizer makes an old object refer to itself alone: the next full collection looks at it. */
static void
test_resurrect_into_a_cycle(void **state)
{
    (void)state;
    open_nodes(KEEP_SELF);
    mpy_object *o = new_node(NULL);
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    assert_int_not_equal(mpyi_head(o)->gcword & MPY_PRIV_GC_IDLE, 0);
    mpy_decref(o);
    assert_int_equal(f.finalized, 1);
    assert_int_equal(f.released, 0);
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    assert_int_equal(f.released, 1);
    mpy_decref(f.type);
}

/* The same when the collector calls the first finalizer, which makes the others. */
static void
test_others_late_in_a_collection(void **state)
{
    (void)state;
    open_nodes(MAKE_CHAIN);
    mpy_object *o = new_node(NULL);
    void *data;
    api_done(mpy_type_data(o, f.type, &data));
    mpy_assign(&((struct node *)data)->next, o);
    mpy_decref(o);
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    assert_ptr_equal(f.saved, o);
    assert_int_equal(f.finalized, 101);
    assert_int_equal(f.released, 100);
    mpy_clear(&((struct node *)data)->next);
    mpy_clear(&f.saved);
    assert_int_equal(f.released, 101);
    mpy_decref(f.type);
}

/* A type that only an instance keeps, which only the type refers to. */
static void
test_old_type_in_a_cycle(void **state)
{
    (void)state;
    open_nodes(COUNT);
    mpy_object *name = api_good(mpy_str_intern("instance"));
    mpy_object *o = new_node(NULL);
    api_done(mpy_object_set_attr(f.type, name, o));
    mpy_decref(o);
    mpy_decref(name);
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    mpy_decref(f.type);
    assert_int_equal(f.released, 0);
    assert_int_equal(mpy_gc_collect(2, NULL), 0);
    assert_int_equal(f.released, 1);
}

/* What a finalizer drops is gone when its drop returns, in the middle of a teardown, too. */
static void
test_finalizer_creates(void **state)
{
    mpy_object *items[3];
    mpy_object *list;
    (void)state;
    open_nodes(CREATE);
    for (int i = 0; i < 3; i++) {
        items[i] = new_node(NULL);
    }
    list = api_good(mpy_list_from_array(items, 3));
    mpy_decref_many(items, 3);
    mpy_decref(list);
    assert_int_equal(f.finalized, 3);
    assert_int_equal(f.released, 3);
    mpy_decref(f.type);
}

/* ---- without the lock
 * ------------------------------------------------------------------------------ */

static void
note_report(void *data, const char *text)
{
    (void)data;
    strncpy(error_text, text, sizeof error_text - 1);
}

static void
test_not_attached(void **state)
{
    mpy_object *o = api_make(*state, API_LIST);
    mpy_thread_token *token = mpy_gil_release();
    error_text[0] = '\0';
    mpy_debug_set_fatal_handler(note_report, NULL);
    mpy_decref(o);
    mpy_debug_set_fatal_handler(NULL, NULL);
    mpy_gil_acquire(token);
    assert_int_equal(strstr(error_text, "'list'") != NULL, MPY_DEBUG >= 1);
    assert_int_equal(mpyi_head(o)->refcnt, 0);
    mpyi_head(o)->refcnt = 1;
    mpy_decref(o);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deep, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_finalize_once, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_resurrect_inside, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_finalizer_raises, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_finalizers_that_drop, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_resurrect_late, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_others_late, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_resurrect_into_a_cycle, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_others_late_in_a_collection, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_old_type_in_a_cycle, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_finalizer_creates, api_setup, api_teardown),
        cmocka_unit_test_setup_teardown(test_not_attached, api_setup, api_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
