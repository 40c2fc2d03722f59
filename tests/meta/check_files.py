#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files: an SPDX line at the top, names unique in lib/, no unfinished words, no trailing blanks; over 700 lines is a warning.

Usage: check_files.py ROOT
"""
import collections
import pathlib
import re
import sys

LONG = 700
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def sources(root):
    for top in ("include", "lib", "tests", "examples", "bench"):
        for path in sorted((root / top).rglob("*")):
            if path.is_file() and path.suffix in (".c", ".h", ".cc", ".cpp"):
                yield path


def check(path, name, faults, warnings):
    lines = path.read_text().splitlines()
    if not any("SPDX-License-Identifier:" in line for line in lines[:3]):
        faults.append(f"{name}: no SPDX-License-Identifier in the first three lines")
    if len(lines) > LONG:
        warnings.append(f"{name}: {len(lines)} lines, over {LONG}: consider splitting it")
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line):
            faults.append(f"{name}:{number}: {line.strip()}")
        if line != line.rstrip():
            faults.append(f"{name}:{number}: blanks at the end of the line")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    faults, warnings = [], []
    names = collections.defaultdict(list)
    count = 0
    for path in sources(root):
        name = str(path.relative_to(root))
        check(path, name, faults, warnings)
        if name.startswith("lib/") and path.suffix == ".c":
            names[path.name].append(name)
        count += 1
    faults += [f"one name, several files: {', '.join(same)}" for same in names.values() if len(same) > 1]
    for line in warnings:
        print(f"warning: {line}")
    print("\n".join(faults) or f"files: {count} looked at")
    return 1 if faults else 0


sys.exit(main())
