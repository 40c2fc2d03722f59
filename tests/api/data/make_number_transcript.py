#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes number.txt: what CPython computes, for test_number.c to repeat.

Usage: make_number_transcript.py > number.txt

One case a line, fields separated by tabs: operation, operands, result. Ints and floats are written as repr does; text is
percent-encoded; a result that is an exception is "!" and its type. An int beyond 63 bits is "!OverflowError".
"""
import math
import random
import struct
import urllib.parse

LOW, HIGH = -(2**62), 2**62 - 1
BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "fdiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "cmp": lambda a, b: int("".join(str(int(x)) for x in (a < b, a <= b, a == b, a != b, a > b, a >= b)), 2),
}
UNARY = {"neg": lambda a: -a, "abs": abs, "hash": hash, "int": int, "float": float, "repr": lambda a: Text(repr(a))}
INTS = [0, 1, -1, 2, -2, 3, 7, -7, 10, 255, 2**31, -(2**31), 2**53, 2**53 + 1, -(2**53) - 1, 2**61 - 1, 2**61 - 2, HIGH, LOW, HIGH - 1, LOW + 1]
FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, 0.1, -7.5, 3.0, 1e16, 1e22, 2.0**53, 2.0**62, -(2.0**62), 2.0**-127, 2.0**-128, 2.0**128, 1e300, -1e300, 5e-324]
FLOATS += [2.0**-1022, 1.7976931348623157e308, math.inf, -math.inf, math.nan]
INT_TEXTS = ["0", "12", "-12", "+7", " 12 ", "\t9\n", "1_000", "1__0", "_1", "1_", "", " ", "-", "+-1", "0x1F", "0X1f", "0b101", "0o17", "0x_1", "0x", "017", "00", "0_0"]
INT_TEXTS += ["z", "Zz", "1.0", "1e3", "4611686018427387903", "4611686018427387904", "-4611686018427387904", "-4611686018427387905", "9" * 40, "9" * 40 + "x"]
INT_TEXTS += ["\u2003 5\u3000", "5\u00e9", "1 2", "--1", "0b2", "ff", "- 1"]
FLOAT_TEXTS = ["0", "1.5", "-1.5", "+.5", "5.", ".", "", "1e5", "1E+5", "1e-5", "1e", "1e+", "e5", "inf", "-Infinity", "nan", "+NaN", "infin", "1_0.5_0", "1__0"]
FLOAT_TEXTS += ["_1", "1_", "1_.5", "1._5", "1e1_0", "1e_1", " 2.5 ", "\u20032.5\u3000", "0x10", "1.5x", "1e400", "-1e400", "1e-400", "123456789" * 20, "0." + "0" * 300 + "1"]
FLOAT_TEXTS += ["2.2250738585072011e-308", "1.7976931348623159e308", "- 1", "1,5", "9007199254740993"]


class Text(str):
    """Text, as opposed to a number written as one."""


def shown(value):
    if isinstance(value, Text):
        return urllib.parse.quote(value, safe="")
    if isinstance(value, int) and not LOW <= value <= HIGH:
        return "!OverflowError"
    return repr(value)


def outcome(fn, *args):
    try:
        return shown(fn(*args))
    except (ValueError, TypeError, ZeroDivisionError, OverflowError) as error:
        return "!" + type(error).__name__


def emit(name, fn, *args):
    print(name, *(shown(a) for a in args), outcome(fn, *args), sep="\t")


def some_number(rng):
    kind = rng.randrange(6)
    if kind < 2:
        return rng.choice(INTS) if kind else rng.randint(LOW, HIGH) >> rng.randint(0, 62)
    if kind < 4:
        return rng.choice(FLOATS)
    return rng.uniform(-1000, 1000) if kind == 4 else struct.unpack("d", rng.randbytes(8))[0]


def main():
    rng = random.Random(20)
    for value in INTS + FLOATS + [some_number(rng) for _ in range(60)]:
        for name, fn in UNARY.items():
            if name != "hash" or value == value:
                emit(name, fn, value)
    for name, fn in BINARY.items():
        for _ in range(180):
            emit(name, fn, some_number(rng), some_number(rng))
    for text in INT_TEXTS:
        for base in (10, 0, 16, 2, 36, 8):
            emit("int_text", lambda t, b: int(t, b), Text(text), base)
    for base in (1, 37, -1, 35):
        emit("int_text", lambda t, b: int(t, b), Text("1"), base)
    for text in FLOAT_TEXTS:
        emit("float_text", lambda t: float(t), Text(text))


main()
