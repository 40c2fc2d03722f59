# SPDX-License-Identifier: MIT
#
# What the library links: pthreads, libtommath (big integers), utf8proc (Unicode), and xxHash's header (inlined).
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(UTF8PROC REQUIRED IMPORTED_TARGET libutf8proc)
find_library(TOMMATH_LIBRARY tommath)
find_path(TOMMATH_INCLUDE_DIR tommath.h PATH_SUFFIXES libtommath)
find_path(XXHASH_INCLUDE_DIR xxhash.h)
mark_as_advanced(TOMMATH_LIBRARY TOMMATH_INCLUDE_DIR XXHASH_INCLUDE_DIR)
foreach(need TOMMATH_LIBRARY TOMMATH_INCLUDE_DIR XXHASH_INCLUDE_DIR)
    if(NOT ${need})
        message(FATAL_ERROR "${need} was not found. On Debian: apt-get install libtommath-dev libutf8proc-dev libxxhash-dev")
    endif()
endforeach()
