/* SPDX-License-Identifier: MIT */
/*
 * base/callsite.h - the place in the host's code that a request came from.
 *
 * A block of an object is asked for deep inside the library; what a host wants to read is which of
 * its own lines led there. That is the innermost return address outside the library's own text:
 *
 *   host: make_list()          <- this one
 *   library: mpy_list_append(), mpyi_array_realloc(), ...
 *
 * Lock: none; any thread, and from within malloc().
 */
#ifndef MPY_BASE_CALLSITE_H
#define MPY_BASE_CALLSITE_H

/* `site` is a return address of a function that is active on the calling thread's stack, or NULL.
   When it lies inside the library, the innermost one outside of it, as long as there is one;
   otherwise, and always in the static library, `site` itself. About a microsecond; allocates
   nothing. */
const void *
mpyi_host_site(const void *site);

#endif /* MPY_BASE_CALLSITE_H */
