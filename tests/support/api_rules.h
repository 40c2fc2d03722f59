/* SPDX-License-Identifier: MIT */
/*
 * support/api_rules.h - what the files api/test_rules*.c share: one log that all nodes write to,
 * and the few calls they are made and looked at with.
 */
#ifndef MPY_TEST_SUPPORT_API_RULES_H
#define MPY_TEST_SUPPORT_API_RULES_H

#include "support/api_node.h"
#include "support/api_world.h"

#define REFS(o, n) assert_int_equal(mpy_refcount(o), (n))

/* What happened to nodes since rules_fresh_log(). */
extern struct api_log rules_log;

struct api_log *
rules_fresh_log(void);

/* A full collection. */
mpy_gc_result
rules_collect(void);

/* A node that writes to rules_log. */
mpy_object *
rules_node(mpy_object *type, unsigned kind, int id);

/* Makes reference `at` of a node a new one to value. */
void
rules_set_ref(mpy_object *node, mpy_object *type, int at, mpy_object *value);

#endif /* MPY_TEST_SUPPORT_API_RULES_H */
