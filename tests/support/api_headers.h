/* SPDX-License-Identifier: MIT */
/*
 * support/api_headers.h - the names of the public functions, read from the headers themselves.
 *
 * For tests that promise to cover all of them.
 */
#ifndef MPY_TEST_SUPPORT_API_HEADERS_H
#define MPY_TEST_SUPPORT_API_HEADERS_H

/* Calls fn for every function that the headers of objects declare: object.h, number.h, str.h,
   bytes.h, list.h, tuple.h, dict.h, iter.h, call.h, err.h, type.h and gc.h. Returns how many there
   were. `tests` is the path of the tests' folder. */
unsigned
api_each_function(const char *tests,
                  void (*fn)(void *data, const char *header, const char *function), void *data);

#endif /* MPY_TEST_SUPPORT_API_HEADERS_H */
