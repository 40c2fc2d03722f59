/* SPDX-License-Identifier: MIT */
/*
 * support/internal/fake_runtime.h - a runtime of heap, collector and one thread, for tests that
 * look into the collector without the layers above it.
 *
 * Its types have one layout each and know what dies. Every object carries an id; fake_dead[id]
 * counts how often that object was torn down or freed in bulk (it must end at 1).
 *
 *   fake_node       FIXED     three references
 *   fake_tuple      VAR       any number, inline up to 4
 *   fake_list       INDIRECT  any number
 *   fake_shaped     SHAPED    two references, inline; fake_shaped_far: behind a pointer
 *   fake_custom     CUSTOM    one fixed reference, one that only its callbacks know
 *   fake_final      FIXED     a finalizer: calls fake_on_finalize
 *   fake_acyclic    FIXED     never tracked, with a finalizer
 *   fake_atom       ATOM
 *   fake_type()               a host's type, whose instances are FIXED
 *
 * What the layers above would provide is defined weakly: a program that links them gets theirs.
 */
#ifndef MPY_TEST_SUPPORT_FAKE_RUNTIME_H
#define MPY_TEST_SUPPORT_FAKE_RUNTIME_H

#include "gc/internal.h"

struct fake_runtime {
    struct mpy_runtime rt;
    struct mpyi_thread thread;
};

#define FAKE_IDS 200000u

extern uint8_t fake_dead[FAKE_IDS];

/* Called by finalizers; NULL: nothing. */
extern void (*fake_on_finalize)(mpy_object *o);

/* Called for each visit of a fake_custom's references; NULL: nothing. */
extern void (*fake_on_traverse)(void);

/* Unraisable errors so far. */
extern int fake_unraisable;

extern const struct mpyi_type fake_node, fake_tuple, fake_list, fake_shaped, fake_shaped_far,
    fake_custom, fake_final, fake_acyclic, fake_atom;

/* A runtime that the calling thread is attached to. */
struct fake_runtime *
fake_runtime_new(void);

/* The current one's thread. */
struct mpyi_thread *
fake_thread(void);

/* Checks the collector and the heap, and ends the runtime. */
void
fake_runtime_free(struct fake_runtime *fake);

/* A new object of one of the types, tracked (but for atoms and acyclic ones), with n references
   where the type lets one choose; all of them NULL. Never NULL. */
mpy_object *
fake_new(const struct mpyi_type *type, uint32_t id, size_t n);

/* The same without tracking: under construction. */
mpy_object *
fake_new_untracked(const struct mpyi_type *type, uint32_t id, size_t n);

/* A host's type and an instance of one. */
mpy_object *
fake_type(uint32_t id);
mpy_object *
fake_instance(mpy_object *type, uint32_t id);

uint32_t
fake_id(mpy_object *o);

/* Number of references an object can hold, and the i-th, borrowed. */
size_t
fake_width(mpy_object *o);
mpy_object *
fake_get(mpy_object *o, size_t i);

/* Stores a new reference (NULL: none) in the i-th place, dropping what was there. */
void
fake_set(mpy_object *o, size_t i, mpy_object *child);

/* Full collection: the number of objects freed. Fails the test on an error. */
uint64_t
fake_collect(int generation);

#endif
