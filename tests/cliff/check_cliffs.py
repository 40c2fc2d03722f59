#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No pattern around the edge of a magazine, a pool or an arena costs far more instructions than the ordinary path.

Usage: check_cliffs.py VALGRIND PATTERNS SCRATCH

Runs the program PATTERNS (cliff/patterns.c) under callgrind, with magazines open and closed, and compares instructions per call:

  step   a block or two up and down, begun at every fill of two magazines: with the same inside a magazine ("ordinary");
         of large blocks, at every fill of the first places of a bin, and up and down beyond them
  swing  up and down by a magazine, a pool, the cached empty pools, an arena, and a block or two more: with a run over
         many pools, in which every magazine is refilled and flushed ("batch")

The same for calls with a constant size that are inlined into the host, or of which one is (".inlined", ".half"), for a runtime's
blocks (".obj") and a region's (".region").

With closed magazines every call works on the bitmaps, so that the steps stand right at the edges of pools.
"""
import collections
import pathlib
import sys

import counts

MOST = 1.5
REFERENCE = {"step": "ordinary", "swing": "batch", "swing_fifo": "batch_fifo"}


def measure(valgrind, program, scratch, closed):
    """Instructions per call: {(group, size): {(base, up): cost}}."""
    costs = collections.defaultdict(dict)
    measured = counts.measure(valgrind, program, scratch / f"callgrind.{closed}.out", MINIPY_CLOSED=str(closed))
    for label, cost in measured.items():
        group, size, base, up = label.split("/")
        costs[group, int(size)][int(base), int(up)] = cost
    return costs


def compare(costs, mode, faults):
    for (group, size), of_group in sorted(costs.items()):
        kind, dot, face = group.partition(".")
        if kind not in REFERENCE:
            continue
        (ordinary,) = costs[REFERENCE[kind] + dot + face, size].values()
        (base, up), worst = max(of_group.items(), key=lambda item: item[1])
        line = f"{mode:6} {size:3} bytes {group:13} {worst:6.1f} instructions a call, {REFERENCE[kind]} {ordinary:6.1f}: x {worst / ordinary:.2f}"
        print(line)
        if worst > MOST * ordinary:
            faults.append(f"{line} (from {base} blocks, {up} up and down)")


def main():
    valgrind, program, scratch = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    faults = []
    for closed, mode in enumerate(("open", "closed")):
        costs = measure(valgrind, program, scratch, closed)
        compare(costs, mode, faults)
    print("\n".join(["over the limit:", *faults]) if faults else f"no pattern above {MOST} times its ordinary path")
    return 1 if faults else 0


sys.exit(main())
