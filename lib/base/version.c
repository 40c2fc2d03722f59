/* SPDX-License-Identifier: MIT */
/*
 * base/version.c - what was built, and whether a compiled host may run with it.
 *
 * The numbers come from minipy/base.h alone; the build facts from the compiler's macros.
 *
 * Lock: none; everything here is constant.
 */
#include "minipy/base.h"

#include "base/assert.h"
#include "base/features.h"

#include <string.h>

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#if defined(__x86_64__)
#define MACHINE "x86-64"
#elif defined(__aarch64__)
#define MACHINE "aarch64"
#else
#define MACHINE "unknown machine"
#endif

#if MPYI_ASAN
#define TEXT_ASAN ", asan"
#else
#define TEXT_ASAN ""
#endif

#if MPYI_TSAN
#define TEXT_TSAN ", tsan"
#else
#define TEXT_TSAN ""
#endif

#if MPYI_BYPASS
#define TEXT_BYPASS ", bypass-pools"
#else
#define TEXT_BYPASS ""
#endif

struct feature {
    const char *name;
    int present;
};

static const struct feature features[] = {
    {"asan", MPYI_ASAN},
    {"tsan", MPYI_TSAN},
    {"bypass-pools", MPYI_BYPASS},
    {"debug", MPY_DEBUG > 0},
};

const char *
mpy_version_string(void)
{
    return TEXT(MPY_LIB_VERSION_MAJOR) "." TEXT(MPY_LIB_VERSION_MINOR) "." TEXT(
        MPY_LIB_VERSION_PATCH);
}

uint32_t
mpy_version_hex(void)
{
    return MPY_LIB_VERSION_HEX;
}

const char *
mpy_build_info(void)
{
    return COMPILER ", " MACHINE ", debug level " TEXT(MPY_DEBUG) TEXT_ASAN TEXT_TSAN TEXT_BYPASS;
}

int
mpy_feature(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof features / sizeof features[0]; i++) {
        if (strcmp(name, features[i].name) == 0) {
            return features[i].present;
        }
    }
    return 0;
}

int
mpy_abi_check(uint32_t header_abi)
{
    return header_abi == MPY_ABI_VERSION ? 0 : -1;
}
