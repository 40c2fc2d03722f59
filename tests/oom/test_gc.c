/* SPDX-License-Identifier: MIT */
/*
 * Out of memory in the collector: it may leave garbage for later, it never breaks anything.
 */
#include "support/internal/oom.h"

static unsigned finalized;

static void
finalize(mpy_object *self)
{
    /* Allocates, and may fail: reported, not propagated. */
    mpy_object *list = mpy_list_new(3);
    if (list != NULL) {
        (void)!mpy_list_append(list, self);
        mpy_decref(list);
    }
    mpy_err_clear();
    finalized++;
}

static int
traverse(void *data, mpy_visit_fn visit, void *arg)
{
    return visit(*(mpy_object **)data, arg);
}

static void
clear(void *data)
{
    mpy_clear((mpy_object **)data);
}

static const mpy_type_spec node_spec = {.size = sizeof node_spec,
                                        .version = 1,
                                        .name = "t.Node",
                                        .flags = MPY_TYPE_ATTRS,
                                        .finalize = finalize};
static const mpy_type_spec custom_spec = {.size = sizeof custom_spec,
                                          .version = 1,
                                          .name = "t.Custom",
                                          .data_size = 8,
                                          .traverse = traverse,
                                          .clear = clear};

/* A ring of n lists; NULL: MemoryError. */
static mpy_object *
ring(int n)
{
    mpy_object *first = mpy_list_new(0);
    mpy_object *last = mpy_xnewref(first);
    for (int i = 1; i < n && last != NULL; i++) {
        mpy_object *next = mpy_list_new(0);
        if (next == NULL || mpy_list_append(last, next) < 0) {
            mpy_clear(&next);
        }
        mpy_decref(last);
        last = next;
    }
    if (last == NULL || mpy_list_append(last, first) < 0) {
        mpy_clear(&first);
    }
    mpy_xdecref(last);
    return first;
}

static int
rings(void *unused)
{
    int result = OOM_FAILED;
    mpy_gc_result run = {.size = sizeof run, .version = 1};
    mpy_object *kept = ring(50), *dropped = NULL;
    (void)unused;
    OOM_NEED(kept != NULL);
    for (int i = 0; i < 20; i++) {
        dropped = ring(20);
        OOM_NEED(dropped != NULL);
        mpy_clear(&dropped);
        OOM_NEED(mpy_gc_collect(i % 3, &run) == 0);
    }
    OOM_CHECK(mpy_gc_is_tracked(kept) == 1 && mpy_gc_is_finalized(kept) == 0);
    mpy_object *o = mpy_list_get(kept, 0);
    OOM_CHECK(o != NULL && mpy_list_length(o) == 1); /* what is alive was left alone */
    mpy_decref(o);
    result = OOM_OK;
out:
    mpy_xdecref(kept);
    return result;
}

static int
finalizers(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *type = mpy_type_from_spec(&node_spec, NULL), *a = NULL, *b = NULL;
    (void)unused;
    OOM_NEED(type != NULL);
    for (int i = 0; i < 15; i++) {
        a = mpy_call_noargs(type);
        b = a != NULL ? mpy_call_noargs(type) : NULL;
        OOM_NEED(b != NULL);
        OOM_NEED(mpy_object_set_attr_utf8(a, "other", b) == 0);
        OOM_NEED(mpy_object_set_attr_utf8(b, "other", a) == 0);
        mpy_clear(&a);
        mpy_clear(&b);
        OOM_NEED(i % 5 != 0 || mpy_gc_collect(2, NULL) == 0);
    }
    result = OOM_OK;
out:
    mpy_xdecref(a);
    mpy_xdecref(b);
    mpy_xdecref(type);
    return result;
}

static int
callbacks(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *type = mpy_type_from_spec(&custom_spec, NULL), *list = NULL, *o = NULL;
    (void)unused;
    OOM_NEED(type != NULL);
    for (int i = 0; i < 15; i++) {
        void *data;
        o = mpy_call_noargs(type);
        list = o != NULL ? mpy_list_new(0) : NULL;
        OOM_NEED(list != NULL);
        OOM_CHECK(mpy_type_data(o, type, &data) == 0);
        mpy_assign((mpy_object **)data, list);
        OOM_NEED(mpy_list_append(list, o) == 0);
        mpy_clear(&o);
        mpy_clear(&list);
        OOM_NEED(i % 5 != 0 || mpy_gc_collect(2, NULL) == 0);
    }
    result = OOM_OK;
out:
    mpy_xdecref(o);
    mpy_xdecref(list);
    mpy_xdecref(type);
    return result;
}

static int
count(void *data, mpy_object *o)
{
    (void)o;
    ++*(size_t *)data;
    return 0;
}

static int
settings(void *unused)
{
    int result = OOM_FAILED;
    mpy_gc_stats stats = {.size = sizeof stats, .version = 1};
    mpy_object *o = ring(30), *list = NULL;
    int64_t old;
    size_t seen = 0;
    (void)unused;
    OOM_NEED(o != NULL);
    OOM_CHECK(mpy_gc_get_threshold(0, &old) == 0);
    OOM_NEED(mpy_gc_set_threshold(0, 100000) == 0);
    OOM_NEED(mpy_gc_set_threshold(0, old) == 0);
    OOM_CHECK(mpy_gc_disable() == 1 && mpy_gc_is_enabled() == 0 && mpy_gc_enable() == 0);
    OOM_CHECK(mpy_gc_get_stats(2, &stats) == 0);
    OOM_CHECK(mpy_gc_visit_objects(2, count, &seen) == 0 && seen >= 30);
    list = mpy_gc_get_referrers(o);
    OOM_NEED(list != NULL);
    OOM_CHECK(mpy_list_length(list) == 1);
    mpy_clear(&list);
    list = mpy_gc_get_referents(o);
    OOM_NEED(list != NULL);
    OOM_CHECK(mpy_list_length(list) == 1);
    mpy_clear(&list);
    OOM_NEED(mpy_checkpoint() == 0);
    result = OOM_OK;
out:
    mpy_xdecref(o);
    mpy_xdecref(list);
    return result;
}

/* Automatic collections while a program builds, with memory failing under them. */
static int
growing(void *unused)
{
    int result = OOM_FAILED;
    mpy_object *keep = mpy_list_new(0);
    int64_t old;
    (void)unused;
    OOM_NEED(keep != NULL);
    OOM_CHECK(mpy_gc_get_threshold(0, &old) == 0 && mpy_gc_set_threshold(0, 16) == 0);
    for (int i = 0; i < 300; i++) {
        mpy_object *o = ring(2);
        int rc = o != NULL && i % 4 == 0 ? mpy_list_append(keep, o) : 0;
        OOM_NEED(o != NULL);
        mpy_decref(o);
        OOM_NEED(rc == 0);
    }
    OOM_CHECK(mpy_list_length(keep) == 75);
    result = OOM_OK;
out:
    mpy_xdecref(keep);
    if (mpy_gc_set_threshold(0, 2000) != 0) {
        mpy_err_clear();
    }
    if (result == OOM_FAILED) {
        mpy_err_no_memory();
    }
    return result;
}

static const struct oom_scenario scenarios[] = {
    {.name = "rings",
     .reaches = "mpy_gc_collect mpy_gc_is_tracked mpy_gc_is_finalized",
     .run = rings},
    {.name = "finalizers", .reaches = "mpy_gc_collect", .run = finalizers},
    {.name = "callbacks", .reaches = "mpy_gc_collect", .run = callbacks},
    {.name = "settings",
     .reaches = "mpy_gc_get_threshold mpy_gc_set_threshold mpy_gc_disable mpy_gc_is_enabled "
                "mpy_gc_enable mpy_gc_get_stats mpy_gc_visit_objects mpy_gc_get_referrers "
                "mpy_gc_get_referents",
     .run = settings},
    {.name = "growing", .reaches = "mpy_gc_set_threshold", .run = growing},
    {.name = NULL},
};

int
main(void)
{
    return oom_main("out of memory: collector", scenarios);
}
