#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What libminipy-malloc.so exports: the malloc family and C++'s operators, all of them and without versions, and one private name.

A reference such as malloc@GLIBC_2.2.5 is only satisfied by a name without a version. The library needs nothing but the C library
(libstdc++ would come into every process), and its thread-local words are few: loaded late, it lives off what is set aside.

Usage: check_preload_exports.py READELF LIBRARY
"""
import itertools
import re
import subprocess
import sys

FAMILY = """malloc calloc realloc reallocarray free cfree free_sized free_aligned_sized posix_memalign aligned_alloc memalign
valloc pvalloc malloc_usable_size malloc_trim malloc_stats mallopt mallinfo mallinfo2""".split()
PRIVATE = ["mpy_priv_preload_block"]
NEEDED = re.compile(r"^(libc\.|ld-|libpthread\.|libdl\.)")
TLS_MAX = 128


def operators():
    """Mangled: new and delete, plain and array, sized, aligned, nothrow."""
    for array, aligned, nothrow in itertools.product((False, True), ("", "St11align_val_t"), ("", "RKSt9nothrow_t")):
        yield f"_Zn{'a' if array else 'w'}m{aligned}{nothrow}"
        yield f"_Zd{'a' if array else 'l'}Pv{aligned}{nothrow}"
        if not nothrow:
            yield f"_Zd{'a' if array else 'l'}Pvm{aligned}"


def read(readelf, option, library):
    return subprocess.run([readelf, option, "--wide", library], check=True, capture_output=True, text=True).stdout.splitlines()


def exported(lines):
    for line in lines:
        fields = line.split()
        if len(fields) >= 8 and fields[0].rstrip(":").isdigit() and fields[6] not in ("UND", "ABS") and fields[4] != "LOCAL":
            yield fields[7], fields[3]


def main():
    readelf, library = sys.argv[1:3]
    found = dict(exported(read(readelf, "--dyn-syms", library)))
    wanted = set(FAMILY) | set(operators()) | {f"{name}@@MINIPY_PRIVATE" for name in PRIVATE}
    faults = [f"{name}: not exported, or in the wrong version node" for name in sorted(wanted - found.keys())]
    faults += [f"{name}: exported, and should not be" for name in sorted(found.keys() - wanted)]
    faults += [f"{name}: exported as {kind}, not as a function" for name, kind in found.items() if kind != "FUNC"]
    for line in read(readelf, "--dynamic", library):
        library_needed = re.search(r"\(NEEDED\).*\[(.*)\]", line)
        if library_needed and not NEEDED.match(library_needed[1]):
            faults.append(f"needs {library_needed[1]}")
        if "TEXTREL" in line:
            faults.append("has relocations in its code")
    for line in read(readelf, "--segments", library):
        fields = line.split()
        if fields[:1] == ["TLS"] and int(fields[5], 16) > TLS_MAX:
            faults.append(f"{int(fields[5], 16)} bytes of thread-local storage, more than {TLS_MAX}")
    print("\n".join(faults) or f"exports of the preload library: {len(found)} names")
    return 1 if faults else 0


sys.exit(main())
