#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes one CTestTestfile.cmake with the chosen tests of every build, and one test for each stage already run.

Usage: compose.py STAGES FOLDER

A test keeps its command, working folder, time limit and environment; its name gets the build's name in front. What says
"skipped" counts as a failure here: skip codes are dropped, and cmocka's skip line is one to fail at.
"""
import json
import pathlib
import subprocess
import sys

# build, labels to run, labels to leave out, scale of the work, environment
MATRIX = [
    ("release", "ci", "long", 10, []),
    ("debug", "quick", "long|meta", 1, []),
    ("clang", "quick", "long|meta", 1, []),
    ("asan-bypass", "quick|oom|stress", "long|meta", 1, []),
    ("asan-pools", "quick|oom|stress", "long|meta", 1, []),
    ("tsan", "threads", "long|meta", 1, []),
    ("fuzz", "fuzz", "long|meta", 1, []),
    ("checked", "unit", "long|meta", 1, []),
    ("secure", "unit|fault|stress", "long|meta", 1, []),
    ("jemalloc", "unit|threads", "long|meta", 1, []),
    ("checked", "stress", "long|meta", 1, ["MINIPY_GC_STRESS=1"]),
]
KEEP = ("WORKING_DIRECTORY", "RUN_SERIAL", "PROCESSORS", "RESOURCE_LOCK", "WILL_FAIL", "PASS_REGULAR_EXPRESSION")
REFER = ("DEPENDS", "FIXTURES_SETUP", "FIXTURES_CLEANUP", "FIXTURES_REQUIRED")
SKIPPED = r"\[  SKIPPED \]"


def quoted(value):
    """A CMake bracket argument, which nothing inside can end or expand."""
    text = str(value)
    level = 1
    while f"]{'=' * level}]" in text:
        level += 1
    return f"[{'=' * level}[{text}]{'=' * level}]"


def listed(value):
    return ";".join(value) if isinstance(value, list) else value


def add(lines, name, command, properties):
    lines.append(f"add_test({quoted(name)} {' '.join(quoted(word) for word in command)})")
    pairs = " ".join(f"{key} {quoted(listed(value))}" for key, value in properties.items())
    lines.append(f"set_tests_properties({quoted(name)} PROPERTIES {pairs})")


def tests_of(build, include, exclude):
    command = ["ctest", "--test-dir", f"build/{build}", "--show-only=json-v1", "-L", f"^({include})$", "-LE", f"^({exclude})$"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return []
    return json.loads(done.stdout)["tests"]


def compose(lines, build, include, exclude, scale, environment):
    group = f"{build}-{include}" if environment else build
    tests = tests_of(build, include, exclude)
    if not tests:
        add(lines, f"{group}/has-tests", ["sh", "-c", "echo no test was found; exit 1"], {"LABELS": group})
    for test in tests:
        properties = {entry["name"]: entry["value"] for entry in test.get("properties", [])}
        own = properties.get("ENVIRONMENT", [])
        own = [own] if isinstance(own, str) else own
        kept = {key: properties[key] for key in KEEP if key in properties}
        for key in REFER:
            if key in properties:
                kept[key] = [f"{group}/{name}" for name in properties[key]]
        kept["LABELS"] = group
        kept["TIMEOUT"] = float(properties.get("TIMEOUT", 300)) * (3 if scale > 1 else 1)
        kept["ENVIRONMENT"] = [f"MINIPY_TEST_SCALE={scale}", *own, *environment]
        failing = properties.get("FAIL_REGULAR_EXPRESSION", [])
        kept["FAIL_REGULAR_EXPRESSION"] = [*([failing] if isinstance(failing, str) else failing), SKIPPED]
        command = test.get("command") or ["sh", "-c", "echo this test was not built; exit 1"]
        if properties.get("DISABLED"):
            command = ["sh", "-c", "echo this test is disabled; exit 1"]
        add(lines, f"{group}/{test['name']}", command, kept)


def main():
    stages, folder = map(pathlib.Path, sys.argv[1:3])
    root = pathlib.Path.cwd()
    lines = []
    for line in stages.read_text().splitlines():
        name, code, seconds = line.split()
        text = f"echo {name}: exit status {code} after {seconds} s, see {stages.parent}/{name}.log; exit {code}"
        add(lines, f"stage/{name}", ["sh", "-c", text], {"LABELS": "stages"})
    for row in MATRIX:
        compose(lines, *row)
    bench = [root / "build/release/bench/minipy-bench", "--quick", "--require-peers", "--out", root / "build/ci/bench"]
    add(lines, "bench/quick", bench, {"LABELS": "bench", "TIMEOUT": 900, "RUN_SERIAL": "ON", "WORKING_DIRECTORY": root})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")
    print(f"{sum(line.startswith('add_test') for line in lines)} tests composed")


main()
