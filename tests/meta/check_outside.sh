#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs a build into a prefix, moves the prefix, and builds and runs a host outside the tree through
# pkg-config (shared, static), find_package (shared, static) and FetchContent.
# Usage: check_outside.sh ROOT BUILD SCRATCH
set -eu
root=$1 build=$2 scratch=$3
here=$root/tests/meta/outside

rm -rf "$scratch"
mkdir -p "$scratch"
cmake --install "$build" --prefix "$scratch/first" >"$scratch/install.log"
mv "$scratch/first" "$scratch/prefix" # what is installed must not remember where
prefix=$scratch/prefix
pc=$(find "$prefix" -name minipy.pc)
libdir=$(dirname "$(dirname "$pc")")
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH

run() {
    what=$1
    shift
    printf '%s: ' "$what"
    "$@"
}

by_pkg_config() {
    compiler=$1 source=$2 out=$scratch/pc_$3
    # shellcheck disable=SC2046
    $compiler -o "$out" "$source" $(pkg-config --cflags --libs minipy)
    run "pkg-config, shared" env LD_LIBRARY_PATH="$libdir" "$out"
    run "shared, under libminipy-malloc.so" env LD_LIBRARY_PATH="$libdir" \
        LD_PRELOAD="$libdir/libminipy-malloc.so" "$out"
    # shellcheck disable=SC2046
    $compiler -o "$out.static" "$source" $(pkg-config --cflags minipy) "$libdir/libminipy.a" \
        $(pkg-config --static --libs minipy | sed 's/-lminipy//g')
    run "pkg-config, static" "$out.static"
}

by_cmake() {
    use=$1
    cmake -S "$here" -B "$scratch/$use" -G Ninja -DUSE="$use" -DCMAKE_PREFIX_PATH="$prefix" \
        -DMINIPY_CHECKOUT="$root" -DFETCHCONTENT_FULLY_DISCONNECTED=ON >"$scratch/$use.log" 2>&1 ||
        { cat "$scratch/$use.log"; exit 1; }
    cmake --build "$scratch/$use" --target host_c host_cc >>"$scratch/$use.log" 2>&1 ||
        { cat "$scratch/$use.log"; exit 1; }
    run "CMake $use" "$scratch/$use/host_c"
    run "CMake $use" "$scratch/$use/host_cc"
}

by_pkg_config "${CC:-cc} -std=c11" "$here/host.c" c
by_pkg_config "${CXX:-c++} -std=c++17" "$here/host.cc" cc
by_cmake package
by_cmake static
by_cmake fetch
