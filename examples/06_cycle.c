/* SPDX-License-Identifier: MIT */
/*
 * 06_cycle.c - a cycle, its finalizer, and the collection that frees it.
 */
#include <minipy.h>

#include <stdio.h>
#include <stdlib.h>

static void
say_goodbye(mpy_object *self)
{
    MPY_AUTO mpy_object *name = mpy_object_get_attr_utf8(self, "name");
    const char *text;
    if (name != NULL && mpy_str_as_utf8(name, &text, NULL) == 0) {
        printf("finalizer of %s\n", text);
    }
}

static const mpy_type_spec person_spec = {
    .size = sizeof(mpy_type_spec),
    .version = 1,
    .name = "example.Person",
    .flags = MPY_TYPE_ATTRS,
    .finalize = say_goodbye,
};

/* A new Person; NULL with an error set. */
static mpy_object *
person_new(mpy_object *type, const char *name)
{
    mpy_object *person = mpy_call_noargs(type);
    MPY_AUTO mpy_object *text = mpy_str_from_utf8(name);
    if (person == NULL || text == NULL || mpy_object_set_attr_utf8(person, "name", text) < 0) {
        mpy_xdecref(person);
        return NULL;
    }
    return person;
}

static int
run(void)
{
    mpy_gc_result result = {.size = sizeof result, .version = 1};
    MPY_AUTO mpy_object *type = mpy_type_from_spec(&person_spec, NULL);
    mpy_object *ann, *bob;
    if (type == NULL) {
        return -1;
    }
    ann = person_new(type, "Ann");
    bob = person_new(type, "Bob");
    if (ann == NULL || bob == NULL || mpy_object_set_attr_utf8(ann, "friend", bob) < 0 ||
        mpy_object_set_attr_utf8(bob, "friend", ann) < 0) {
        mpy_xdecref(ann);
        mpy_xdecref(bob);
        return -1;
    }
    mpy_decref(ann);
    mpy_decref(bob);
    printf("given up, but each still holds the other\n");
    if (mpy_gc_collect(2, &result) < 0) {
        return -1;
    }
    printf("collected %llu objects\n", (unsigned long long)result.collected);
    return 0;
}

int
main(void)
{
    mpy_runtime *rt;
    int result;
    if (mpy_runtime_new(NULL, &rt) != MPY_OK) {
        return EXIT_FAILURE;
    }
    result = run();
    return mpy_runtime_free(rt, NULL) == MPY_OK && result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
