/* SPDX-License-Identifier: MIT */
/*
 * base/tls.c - definitions of the thread-local words, see base/tls.h.
 *
 * Invariant: mpy_priv_tls.mem and mpy_priv_tls.obj are never NULL. They start at the null heap,
 * which stays all zero: nothing can be pushed to or popped from a closed bin.
 *
 * Lock: none; every word belongs to its thread.
 */
#include "base/tls.h"

struct mpy_priv_heap mpyi_null_heap;

__thread struct mpy_priv_tls mpy_priv_tls = {&mpyi_null_heap, &mpyi_null_heap, NULL};

__thread struct mpyi_tls mpyi_tls;
