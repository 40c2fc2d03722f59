/* SPDX-License-Identifier: MIT */
/*
 * base/callsite.c - from a place inside the library out to its caller, see base/callsite.h.
 *
 * Compiled twice: with MPY_OWN_TEXT=1 for the shared libraries, whose own ELF header says where
 * their text is; and with 0 for the static library, which has no text of its own in the program it
 * is linked into. There the immediate caller has to do.
 *
 * Frames are unwound by their tables (the compiler's own unwinder), because the library keeps no
 * frame pointers. A copy of the unwinder is linked in, so that a shared library depends on nothing
 * but libc for this, and nothing has to be loaded at a bad moment. It only reads: tables are found
 * through _dl_find_object() (glibc 2.35), which takes no lock, elsewhere through dl_iterate_phdr(),
 * whose lock a thread may take again. It is asked only when the address at hand is the library's
 * own, and never while a lock of this library is held.
 *
 * Lock: none.
 */
#include "base/callsite.h"

#include <stddef.h>
#include <stdint.h>

#ifndef MPY_OWN_TEXT
#define MPY_OWN_TEXT 0
#endif

#if MPY_OWN_TEXT

#include <elf.h>
#include <link.h>
#include <unwind.h>

extern const char own_header[] __asm__("__ehdr_start") __attribute__((visibility("hidden")));

/* 1 when the address lies in a part of this library that may be executed. Shared libraries are
   linked at address 0: addresses in the header are offsets from it. */
static int
is_own(uintptr_t site)
{
    const ElfW(Ehdr) *header = (const void *)own_header;
    const ElfW(Phdr) *part = (const void *)(own_header + header->e_phoff);
    uintptr_t offset = site - (uintptr_t)own_header;
    for (unsigned i = 0; i < header->e_phnum; i++, part++) {
        /* A return address behind a function's last instruction, a call, may be the end. */
        if (part->p_type == PT_LOAD && (part->p_flags & PF_X) != 0 &&
            offset - part->p_vaddr - 1 < part->p_memsz) {
            return 1;
        }
    }
    return 0;
}

static _Unwind_Reason_Code
look(struct _Unwind_Context *context, void *data)
{
    uintptr_t *found = data;
    uintptr_t site = _Unwind_GetIP(context);
    if (is_own(site)) {
        return _URC_NO_REASON;
    }
    *found = site;
    return _URC_NORMAL_STOP;
}

const void *
mpyi_host_site(const void *site)
{
    uintptr_t found = 0;
    if (site == NULL || !is_own((uintptr_t)site)) {
        return site;
    }
    (void)_Unwind_Backtrace(look, &found);
    /* Only compared and printed, never dereferenced. */
    return found != 0 ? (const void *)found : site;
}

#else

const void *
mpyi_host_site(const void *site)
{
    return site;
}

#endif
