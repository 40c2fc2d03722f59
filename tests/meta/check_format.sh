#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C file is as clang-format leaves it.   Usage: check_format.sh ROOT LIST_FILE
set -u
cd "$1" || exit 1
command -v clang-format >/dev/null 2>&1 || { echo "clang-format is not installed: skipped"; exit 77; }
find include lib tests examples bench \( -name '*.c' -o -name '*.h' \) -print 2>/dev/null | sort >"$2"
if xargs clang-format --dry-run --Werror --ferror-limit=1 <"$2"; then
    echo "format: $(wc -l <"$2") files clean"
else
    echo "run: ./dev format"
    exit 1
fi
