#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every lib/<layer>/x.c has tests/unit/<layer>/test_x.c, and every unit test a source; test_x_part.c is another part of x's.

Usage: check_unit_tests.py ROOT
"""
import pathlib
import sys


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    faults = []
    count = 0
    for layer in (root / "lib" / "LAYERS").read_text().split():
        sources = {path.stem for path in (root / "lib" / layer).glob("*.c")}
        tests = {path.stem.removeprefix("test_") for path in (root / "tests" / "unit" / layer).glob("test_*.c")}
        headers = {path.stem for path in (root / "lib" / layer).glob("*.h")}
        faults += [f"lib/{layer}/{name}.c has no tests/unit/{layer}/test_{name}.c" for name in sorted(sources - tests)]
        faults += [
            f"tests/unit/{layer}/test_{name}.c tests no file of lib/{layer}/"
            for name in sorted(tests - sources - headers)
            if not any(name.startswith(source + "_") for source in sources)
        ]
        count += len(sources)
    print("\n".join(faults) or f"unit tests: {count} sources, each with its test")
    return 1 if faults else 0


sys.exit(main())
