# SPDX-License-Identifier: MIT
"""Instructions per operation of a program that marks its measurements for callgrind.

The program prints a line `LABEL OPERATIONS` for each measurement and dumps callgrind's counts under the same label, as
cliff/patterns.c does.
"""
import os
import re
import subprocess


def dumped(path):
    """Yields (label, instructions) of each part of callgrind's file."""
    label = None
    with path.open() as lines:
        for line in lines:
            if match := re.match(r"desc: Trigger: Client Request: (\S+)", line):
                label = match.group(1)
            elif (match := re.match(r"totals: (\d+)", line)) and label is not None:
                yield label, int(match.group(1))
                label = None


def measure(valgrind, program, path, **environment):
    """{label: instructions per operation}; callgrind's file goes to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    run = subprocess.run(
        [valgrind, "--tool=callgrind", "--combine-dumps=yes", "--dump-line=no", f"--callgrind-out-file={path}", program],
        env={**os.environ, "MINIPY_RESERVE_BYTES": "1g", **environment},
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        raise SystemExit(f"{program} ended with {run.returncode}: {run.stderr[-2000:]}")
    operations = {label: int(count) for label, count in map(str.split, run.stdout.splitlines())}
    costs = {label: count / operations[label] for label, count in dumped(path)}
    if len(costs) < len(operations):
        raise SystemExit(f"{len(operations)} measurements, but callgrind's file has {len(costs)}")
    return costs
