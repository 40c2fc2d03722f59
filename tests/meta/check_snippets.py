#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles and runs every complete C program shown in the documentation.

Usage: check_snippets.py ROOT SCRATCH COMPILER LIBRARY

A program is a ```c block that defines main(). Each is built with warnings as errors against the shared library and must
exit with 0. A documentation without any program is an error, too: the README promises one.
"""
import os
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"^```c\n(.*?)^```", re.MULTILINE | re.DOTALL)


def main():
    root, scratch = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    compiler, library = sys.argv[3], pathlib.Path(sys.argv[4])
    scratch.mkdir(parents=True, exist_ok=True)
    failures = programs = 0
    for document in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        blocks = BLOCK.findall(document.read_text(encoding="utf-8"))
        for number, text in enumerate(b for b in blocks if re.search(r"\bmain\(", b)):
            programs += 1
            name = f"{document.stem}_{number}"
            source, program = scratch / f"{name}.c", scratch / name
            source.write_text(text, encoding="utf-8")
            build = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{root / 'include'}", str(source), "-o", str(program),
                     f"-L{library.parent}", f"-Wl,-rpath,{library.parent}", "-lminipy", "-pthread"]
            for command in (build, [str(program)]):
                done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False)
                if done.returncode != 0:
                    print(f"{document.name}, program {number}: {command[0]} ended with {done.returncode}\n{done.stdout}{done.stderr}")
                    failures += 1
                    break
    print(f"{programs} programs, {failures} failures")
    return 1 if failures or not programs else 0


if __name__ == "__main__":
    sys.exit(main())
