/* SPDX-License-Identifier: MIT */
/*
 * minipy.h - all of libminipy. Each header can also be included alone.
 */
#ifndef MPY_MINIPY_H
#define MPY_MINIPY_H

#include "minipy/base.h"
#include "minipy/bytes.h"
#include "minipy/call.h"
#include "minipy/debug.h"
#include "minipy/dict.h"
#include "minipy/err.h"
#include "minipy/gc.h"
#include "minipy/iter.h"
#include "minipy/list.h"
#include "minipy/mem.h"
#include "minipy/memstat.h"
#include "minipy/number.h"
#include "minipy/object.h"
#include "minipy/region.h"
#include "minipy/runtime.h"
#include "minipy/str.h"
#include "minipy/thread.h"
#include "minipy/tuple.h"
#include "minipy/type.h"

#endif /* MPY_MINIPY_H */
