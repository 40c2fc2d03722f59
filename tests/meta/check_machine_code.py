#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fast paths in docs/allocator.md are what the compiler makes of the C code above them.

Usage: check_machine_code.py ROOT COMPILER

Compiles that code at -O2. The instructions of the listing, labels apart, have to occur in each function in that order; what
the page says it leaves out may stand between: stores of members, and what saves arguments across the rare call.
"""
import pathlib
import re
import subprocess
import sys

LEFT_OUT = re.compile(r"(push|pop) %rbx|mov %(rdi|rsi), |mov %rbx, |mov 0x8\(%rsp\), %rsi|(sub|add) \$0x10, %rsp|test %rax, %rax|je$|jmp$|ret$")


def plain(instruction):
    """An instruction without its suffix of size, with hexadecimal numbers, without the target of a jump in the function."""
    text = re.sub(r"\s+", " ", instruction.strip()).replace("(%rip)", "")
    text = re.sub(r"^(mov|cmp|sub|add|lea|test|push|pop)[lq] ", r"\1 ", text)
    text = re.sub(r"(?<![\w%.])(-?)(\d+)(?=\(|,|$)", lambda m: f"{m.group(1)}{int(m.group(2)):#x}" if int(m.group(2)) else m.group(2), text)
    text = re.sub(r"\$(-?)(\d+)(?![\dx])", lambda m: f"${m.group(1)}{int(m.group(2)):#x}", text)
    text = text.replace("@gottpoff", "@GOTTPOFF")
    text = re.sub(r"^(jmp|call) \*?(mpy_\w+)(@\w+)?$", r"\1 \2", text)
    return re.sub(r"^(j\w+) (\.L\w+|slow|far)$", r"\1", text).replace(", ", ",").replace(",", ", ")


def listing(block):
    """{function: instructions} of the page."""
    functions, name = {}, None
    for line in block.splitlines():
        match = re.match(r"(?:(\w+):)?\s+(\w+(?: {1,6}[^\s,]+(?:, [^\s,]+)*)?)", line)
        if match is None:
            continue
        label, instruction = match.groups()
        if label and label not in ("slow", "far"):
            name = label
            functions[name] = []
        functions[name].append(plain(instruction))
    return functions


def compiled(compiler, root, code):
    """{function: instructions} of the compiler."""
    command = [compiler, "-std=c11", "-O2", "-fPIC", "-fcf-protection=none", "-fno-asynchronous-unwind-tables", f"-I{root / 'include'}",
               "-xc", "-", "-S", "-o", "-"]
    text = subprocess.run(command, input="#include <minipy/mem.h>\n" + code, capture_output=True, text=True, check=True).stdout
    functions, name = {}, None
    for line in text.splitlines():
        if match := re.match(r"([a-z]\w*):$", line):
            name = match.group(1)
            functions[name] = []
        elif re.match(r"\t[a-z]", line) and name is not None:
            functions[name].append(plain(line))
    return functions


def compare(name, shown, made):
    """A text about the first difference, or None."""
    at = 0
    for instruction in made:
        if at < len(shown) and instruction == shown[at]:
            at += 1
        elif not LEFT_OUT.match(instruction):
            return f"{name}: the compiler makes '{instruction}', where the page has '{shown[at] if at < len(shown) else 'nothing more'}'"
    return f"{name}: the compiler makes no '{shown[at]}' there" if at < len(shown) else None


def main():
    root, compiler = pathlib.Path(sys.argv[1]), sys.argv[2]
    page = (root / "docs" / "allocator.md").read_text(encoding="utf-8")
    section = re.search(r"^## The fast paths, in machine code\n(.*?)^## ", page, re.MULTILINE | re.DOTALL).group(1)
    code = re.search(r"^```c\n(.*?)^```", section, re.MULTILINE | re.DOTALL).group(1)
    shown = listing(re.search(r"^```\n(make:.*?)^```", section, re.MULTILINE | re.DOTALL).group(1))
    made = compiled(compiler, root, code)
    faults = [fault for name in ("make", "drop") if (fault := compare(name, shown[name], made[name]))]
    print("\n".join(faults) or f"machine code: {sum(map(len, shown.values()))} instructions, all as shown")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
