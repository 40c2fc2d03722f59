#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keys chosen to collide cost no more than others.

Usage: check_flood.py VALGRIND FLOOD SCRATCH

Runs the program FLOOD (cliff/flood.c) under callgrind and compares instructions per operation on a dict of 100,000 keys: chosen keys
with random keys of the same type and length. Three secrets, so that none is lucky.
"""
import pathlib
import sys

import counts

MOST = 2.0


def main():
    valgrind, program, scratch = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    faults = []
    for seed in (1, 2, 3):
        costs = counts.measure(valgrind, program, scratch / f"callgrind.flood.{seed}.out", MINIPY_HASHSEED=str(seed))
        for label, cost in costs.items():
            kind, keys, operation = label.split("/")
            if keys == "random":
                continue
            random = costs[f"{kind}/random/{operation}"]
            line = f"secret {seed}: {kind} {keys:9} {operation:6} {cost:6.1f} instructions, random keys {random:6.1f}: x {cost / random:.2f}"
            print(line)
            if cost > MOST * random:
                faults.append(line)
    print("\n".join(["over the limit:", *faults]) if faults else f"no keys above {MOST} times random ones")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
