/* SPDX-License-Identifier: MIT */
/*
 * support/api_literal.h - values from Python literals, built through the public interface.
 *
 * Understood: None, True, False, ints, floats, inf, nan, str and bytes with the escapes repr() and
 * ascii() write, tuples, lists, dicts, and range(start, stop, step). Nothing else: no expressions,
 * no prefixes but b, blanks only as repr() places them. A test's own parser, so that it may
 * recurse.
 */
#ifndef MPY_TEST_SUPPORT_API_LITERAL_H
#define MPY_TEST_SUPPORT_API_LITERAL_H

#include "minipy.h"

/* The value of the literal that is the whole text. NULL when it is none, or when a value cannot be
   made: an error is then set or not. */
mpy_object *
api_literal(const char *text);

#endif /* MPY_TEST_SUPPORT_API_LITERAL_H */
