#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every exported function is reached while allocations fail: by a scenario of tests/oom or by a call of support/api_calls*.c.

Usage: check_oom_coverage.py READELF LIBRARY TESTS

tests/oom/test_coverage.c compares the scenarios with the headers, and sees to it that a scenario calls what it claims to reach. This
script compares them with the library itself, whose exports may differ from what the headers declare.
"""
import pathlib
import re
import subprocess
import sys

REACHES = re.compile(r'\.reaches\s*=\s*((?:"[^"]*"\s*)+)')
CALL = re.compile(r'\{"(mpy_\w+)",')


def exported(readelf, library):
    text = subprocess.run(
        [readelf, "--dyn-syms", "--wide", library], check=True, capture_output=True, text=True
    ).stdout
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[3] in ("FUNC", "IFUNC") and fields[6] not in ("UND", "ABS"):
            name = fields[7].partition("@")[0]
            if fields[4] != "LOCAL" and name.startswith("mpy_") and not name.startswith("mpy_priv_"):
                yield name


def reached(tests):
    """Yields (name, file) of every claim."""
    for path in sorted((tests / "oom").glob("test_*.c")):
        for match in REACHES.finditer(path.read_text()):
            for name in match.group(1).replace('"', " ").split():
                yield name, path.name
    for path in sorted((tests / "support").glob("api_calls*.c")):
        for name in CALL.findall(path.read_text()):
            yield name, path.name


def main():
    readelf, library, tests = sys.argv[1:4]
    functions = set(exported(readelf, library))
    claims = dict(reached(pathlib.Path(tests)))
    faults = [f"{name}: exported, but no scenario reaches it" for name in sorted(functions - claims.keys())]
    faults += [f"{name}: named in {claims[name]}, but not exported" for name in sorted(claims.keys() - functions)]
    if not functions:
        faults.append(f"{library}: exports no function")
    print("\n".join(faults) or f"out of memory: {len(functions)} functions, all reached")
    return 1 if faults else 0


sys.exit(main())
