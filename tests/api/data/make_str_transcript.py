#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes str.txt: what CPython's str and bytes do, for test_str.c and test_bytes.c to repeat.

Usage: make_str_transcript.py > str.txt

One case a line, fields separated by tabs: operation, operands, result. Text is percent-encoded; "-" is None; a list is its items, each
behind a "|"; an exception is "!" and its type. Only characters that were assigned long ago appear, so that no version of Unicode matters.
"""
import random
import urllib.parse

LETTERS = "aab .,'\"\\\n\t\r\x00\x7f\xa0\xad\xe9\u0130\u03b1\u2003\u2028\u20ac\ufeff\uffff\U0001f600\U000e0001"


class Number(int):
    """A number, as opposed to text."""


def shown(value):
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "".join("|" + shown(item) for item in value)
    return urllib.parse.quote(value, safe="") or "%"


def emit(name, fn, *args):
    try:
        result = shown(fn(*args))
    except (ValueError, TypeError, IndexError) as error:
        result = "!" + type(error).__name__
    print(name, *(shown(a) for a in args), result, sep="\t")


def clamped(i, length):
    return min(max(i, 0), length)


def substring(s, begin, end):
    begin, end = clamped(begin, len(s)), clamped(end, len(s))
    return s[begin:end] if end > begin else ""


def find(s, sub, begin, end, direction):
    return s.find(sub, begin, end) if direction > 0 else s.rfind(sub, begin, end)


def compare(a, b):
    return int("".join(str(int(x)) for x in (a < b, a <= b, a == b, a != b, a > b, a >= b)), 2)


def some_text(rng, longest=12):
    letters = LETTERS if rng.random() < 0.5 else "ab "
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, longest)))


def some_part(rng, text):
    if rng.random() < 0.2:
        return some_text(rng, 3)
    begin = rng.randint(0, len(text))
    return text[begin : begin + rng.randint(0, 3)]


def str_cases(rng, text):
    part = some_part(rng, text)
    emit("repr", repr, text)
    emit("length", len, text)
    emit("item", lambda s, i: s[i], text, rng.randint(-14, 14))
    emit("substring", substring, text, rng.randint(-2, 14), rng.randint(-2, 14))
    emit("find", find, text, part, rng.randint(0, 4), rng.randint(3, 14), rng.choice((1, -1)))
    emit("contains", lambda s, t: t in s, text, part)
    emit("split", lambda s, t, n: s.split(t, n), text, part, rng.choice((-1, -1, 0, 1, 2)))
    emit("split", lambda s, t, n: s.split(t, n), text, None, rng.choice((-1, -1, 0, 1, 2)))
    emit("replace", lambda s, a, b, n: s.replace(a, b, n), text, part, some_text(rng, 3), rng.choice((-1, -1, 0, 1, 3)))
    emit("join", lambda s, t: s.join(t.split(None)), part, text)
    emit("concat", lambda a, b: a + b, text, part)
    emit("repeat", lambda a, n: a * n, text, rng.randint(-1, 9))
    emit("compare", compare, text, some_text(rng) if rng.random() < 0.5 else text + part)


def bytes_cases(rng, data):
    part = data[rng.randint(0, len(data)) :][: rng.randint(0, 3)]
    emit("bytes_repr", lambda b: repr(b), data)
    emit("bytes_item", lambda b, i: b[i], data, rng.randint(-9, 9))
    emit("bytes_contains", lambda a, b: b in a, data, part)
    emit("bytes_contains_int", lambda a, i: i in a, data, rng.randint(-1, 256))
    emit("bytes_concat", lambda a, b: a + b, data, part)
    emit("bytes_repeat", lambda a, n: a * n, data, rng.randint(-1, 5))
    emit("bytes_compare", compare, data, rng.randbytes(rng.randint(0, 3)) if rng.random() < 0.5 else data + part)


def main():
    rng = random.Random(21)
    for text in ["", "a", "'", '"', "'\"", "\\", "\u20ac" * 3, "  a  b ", "aaaa", "abababab"] + [some_text(rng) for _ in range(70)]:
        str_cases(rng, text)
    for _ in range(40):
        bytes_cases(rng, rng.randbytes(rng.randint(0, 8)) if rng.random() < 0.6 else some_text(rng, 5).encode())


main()
