/* SPDX-License-Identifier: MIT */
/*
 * support/cm.h - cmocka and the headers it wants to come first.
 */
#ifndef MPY_TEST_SUPPORT_CM_H
#define MPY_TEST_SUPPORT_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif /* MPY_TEST_SUPPORT_CM_H */
