#!/bin/sh
# SPDX-License-Identifier: MIT
# Hosts compiled with a compiler that can do so call the library without a procedure linkage table.
# Usage: check_calls.sh ROOT SCRATCH COMPILER
set -u
root=$1 scratch=$2 compiler=$3

command -v "$compiler" >/dev/null 2>&1 || { echo "$compiler is not installed: skipped"; exit 77; }
mkdir -p "$scratch" || exit 1
cat >"$scratch/host.c" <<'END' || exit 1
#include <minipy.h>
mpy_object *first(mpy_object *list);
mpy_object *
first(mpy_object *list)
{
    return mpy_list_get(list, 0);
}
END
for mode in -fpie -fPIC -fno-pie; do
    "$compiler" -std=c11 -O2 "$mode" -I"$root/include" -S -o "$scratch/host.s" "$scratch/host.c" || exit 1
    if ! grep -q 'mpy_list_get' "$scratch/host.s"; then
        echo "$compiler $mode: no call of mpy_list_get"
        exit 1
    fi
    if grep -Eq '(call|jmp|bl?)[[:space:]]+mpy_list_get' "$scratch/host.s"; then
        echo "$compiler $mode: mpy_list_get is called through the procedure linkage table"
        exit 1
    fi
done
echo "calls: $compiler calls the library through stored addresses"
