/* SPDX-License-Identifier: MIT */
/*
 * thrower.cc - a library in C++ for a host in C that loads it, and with it the C++ runtime, into a
 * scope of its own.
 */
#include <cstdint>
#include <new>
#include <string>
#include <vector>

static volatile std::size_t huge = PTRDIFF_MAX;

/* 0 when new works, and throws where it has to. */
extern "C" int
thrower_run()
{
    std::vector<std::string> strings;
    for (int i = 0; i < 1000; i++) {
        strings.push_back(std::string(static_cast<std::size_t>(i), 'x'));
    }
    if (::operator new(huge, std::nothrow) != nullptr) {
        return 1;
    }
    try {
        ::operator delete(::operator new(huge));
    } catch (const std::bad_alloc &) {
        return 0;
    }
    return 2;
}
