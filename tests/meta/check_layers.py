#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Layers: a file in lib/<layer>/ includes "x/..." only of its own or an earlier layer; public headers include public ones only.

Usage: check_layers.py ROOT
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def includes(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def check_library(root, layers, faults):
    allowed_above = {"preload": {"base", "alloc", "preload"}}
    for path in sorted((root / "lib").rglob("*.[ch]")):
        parts = path.relative_to(root / "lib").parts
        layer = parts[0]
        if len(parts) < 2 or (layer not in layers and layer not in allowed_above):
            faults.append(f"{path.relative_to(root)}: lies in no layer that lib/LAYERS names")
            continue
        allowed = allowed_above.get(layer) or set(layers[: layers.index(layer) + 1])
        for number, quote, name in includes(path):
            where = f"{path.relative_to(root)}:{number}"
            target = name.split("/")[0] if "/" in name else None
            if name.endswith(".c"):
                faults.append(f"{where}: includes a source file, {name}")
            elif quote == '"' and target is None:
                faults.append(f'{where}: "{name}" wants its layer: "{layer}/{name}"')
            elif quote == '"' and target not in allowed and target != "minipy":
                faults.append(f'{where}: layer {layer} may not include "{name}"')
            elif target in layers and quote == "<":
                faults.append(f"{where}: internal headers are included with quotes, {name}")
            elif name == "minipy.h":
                faults.append(f"{where}: include the public header that is needed, not all of them")


def check_public(root, layers, faults):
    for path in sorted((root / "include").rglob("*.h")):
        for number, _, name in includes(path):
            target = name.split("/")[0]
            if target in layers or ".." in name or (root / "lib" / name).exists():
                faults.append(f"{path.relative_to(root)}:{number}: a public header includes {name}")


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    layers = (root / "lib" / "LAYERS").read_text().split()
    faults = []
    check_library(root, layers, faults)
    check_public(root, layers, faults)
    print("\n".join(faults) or f"layers: {' > '.join(layers)}: in order")
    return 1 if faults else 0


sys.exit(main())
