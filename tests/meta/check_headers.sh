#!/bin/sh
# SPDX-License-Identifier: MIT
# Every public header compiles alone, twice included, with one compiler and no warning.
# Usage: check_headers.sh ROOT SCRATCH COMPILER LANGUAGE FLAG...
set -u
root=$1 scratch=$2 compiler=$3 language=$4
shift 4

command -v "$compiler" >/dev/null 2>&1 || { echo "$compiler is not installed: skipped"; exit 77; }
mkdir -p "$scratch" || exit 1
[ "$language" = c ] && suffix=c || suffix=cc
failed=0 count=0
for header in "$root"/include/*.h "$root"/include/minipy/*.h; do
    [ -e "$header" ] || continue
    name=${header#"$root"/include/}
    unit=$scratch/$(echo "$name" | tr '/.' '__').$suffix
    printf '#include <%s>\n#include <%s>\nint main(void)\n{\n    return 0;\n}\n' "$name" "$name" >"$unit"
    if ! "$compiler" "$@" -I"$root/include" -fsyntax-only "$unit"; then
        echo "$name does not compile alone with $compiler $*"
        failed=1
    fi
    count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "no public header found"; exit 1; }
[ "$failed" = 0 ] && echo "headers: $count compile alone with $compiler $*"
exit "$failed"
