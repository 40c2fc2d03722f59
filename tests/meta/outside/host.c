/* SPDX-License-Identifier: MIT */
/* The smallest host in C: asks for the version, allocates, writes, frees. */
#include <minipy/base.h>
#include <minipy/mem.h>

#include <stdio.h>
#include <string.h>

int
main(void)
{
    char *block = mpy_mem_malloc(64);
    if (block == NULL) {
        return 1;
    }
    memset(block, 'x', 64);
    mpy_mem_free(block);
    printf("libminipy %s from C\n", mpy_version_string());
    return mpy_version_hex() == MPY_LIB_VERSION_HEX ? 0 : 1;
}
