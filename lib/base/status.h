/* SPDX-License-Identifier: MIT */
/*
 * base/status.h - writing the calling thread's last status; reading it is mpy_status_last().
 */
#ifndef MPY_BASE_STATUS_H
#define MPY_BASE_STATUS_H

#include "minipy/base.h"

/* Remembers why the calling thread's last call failed. Never allocates. */
void
mpyi_status_set(mpy_status status);

#endif /* MPY_BASE_STATUS_H */
