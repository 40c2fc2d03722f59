/* SPDX-License-Identifier: MIT */
/*
 * base/hooks.c - storage of the hooks, see base/hooks.h.
 *
 * All NULL at the start: a lower layer works without the upper ones, as it does in the preload
 * library, which has none.
 */
#include "base/hooks.h"

struct mpyi_hooks mpyi_hooks;
