// SPDX-License-Identifier: MIT
// The smallest host in C++: asks for the version, allocates, writes, frees.
#include <minipy/base.h>
#include <minipy/mem.h>

#include <cstdio>
#include <cstring>

int main()
{
    void *block = mpy_mem_malloc(64);
    if (block == nullptr) {
        return 1;
    }
    std::memset(block, 'x', 64);
    mpy_mem_free(block);
    std::printf("libminipy %s from C++\n", mpy_version_string());
    return mpy_version_hex() == MPY_LIB_VERSION_HEX ? 0 : 1;
}
