#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every environment variable MINIPY_* that the library reads is in the tables of docs/, and every one in them is read.

Usage: check_environment.py ROOT
"""
import pathlib
import re
import sys

PAGES = ("debugging.md", "allocator.md")


def read_by_the_library(root):
    """Names that stand in lib/ as strings of their own, and where."""
    found = {}
    for path in sorted((root / "lib").rglob("*.[ch]")):
        for name in re.findall(r'"(MINIPY_[A-Z0-9_]+)"', path.read_text()):
            found.setdefault(name, path.relative_to(root))
    return found


def in_the_tables(root):
    """Names in the first column of a table, with or without a value; options of CMake begin with -D."""
    found = {}
    for page in PAGES:
        for line in (root / "docs" / page).read_text().splitlines():
            column = line.split("|")[1] if line.startswith("| `") else ""
            for name in re.findall(r"`(MINIPY_[A-Z0-9_]+)[=`]", column):
                found.setdefault(name, page)
    return found


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    read, told = read_by_the_library(root), in_the_tables(root)
    faults = [f"{read[name]}: {name} is in no table of docs/{' or docs/'.join(PAGES)}" for name in sorted(read.keys() - told.keys())]
    faults += [f"docs/{told[name]}: nothing in lib/ reads {name}" for name in sorted(told.keys() - read.keys())]
    if not read:
        faults.append("lib/ reads no variable at all: has their table changed its form?")
    print("\n".join(faults) or f"environment: {len(read)} variables, all documented")
    return 1 if faults else 0


sys.exit(main())
