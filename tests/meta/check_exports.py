#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the shared library exports: names that start with mpy_, mpy_priv_* in their own version node, no data except TLS.

Usage: check_exports.py READELF LIBRARY
"""
import subprocess
import sys


def exported(text):
    """Yields (type, name, version node) of every defined dynamic symbol in readelf's table."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 8 or not fields[0].rstrip(":").isdigit():
            continue
        kind, binding, section, name = fields[3], fields[4], fields[6], fields[7]
        if section in ("UND", "ABS") or binding == "LOCAL":
            continue
        name, _, version = name.partition("@@")
        yield kind, name, version


def main():
    readelf, library = sys.argv[1:3]
    text = subprocess.run(
        [readelf, "--dyn-syms", "--wide", library], check=True, capture_output=True, text=True
    ).stdout
    faults, count = [], 0
    for kind, name, version in exported(text):
        count += 1
        if not name.startswith("mpy_"):
            faults.append(f"{name}: exported, but does not start with mpy_")
        node = "MINIPY_PRIVATE" if name.startswith("mpy_priv_") else "MINIPY_0.1"
        if version != node:
            faults.append(f"{name}: in version node {version or '(none)'}, not {node}")
        if kind not in ("FUNC", "TLS", "IFUNC"):
            faults.append(f"{name}: exports data ({kind}); hosts would copy it")
    if count == 0:
        faults.append(f"{library}: exports nothing")
    print("\n".join(faults) or f"exports: {count} names")
    return 1 if faults else 0


sys.exit(main())
