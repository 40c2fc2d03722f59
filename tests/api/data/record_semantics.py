#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records what CPython 3.11 answers: the transcript that api/test_semantics.c compares libminipy with.

Usage: python3.11 record_semantics.py > semantics.txt

A line is `operation <tab> argument <tab> ... <tab> => <tab> result`. Arguments are literals in ASCII,
evaluated anew for every line; a result is its repr in UTF-8, or `!` and the name of the exception.

Two rules differ from CPython's by design and are applied here: an int beyond 63 bits is an
OverflowError, and indices given to slices and searches are clamped at 0 instead of counting from the
end. Everything else is recorded as it comes. The random numbers are seeded: the file can be made
again, byte for byte.
"""
import ast
import itertools
import operator
import random
import struct
import sys

LIMIT = 1 << 62


class FreshNan(ast.NodeTransformer):
    """Every `nan` is an object of its own, as it is in the program that reads the transcript."""

    def visit_Name(self, node):
        if node.id == "nan":
            return ast.copy_location(ast.parse("float('nan')", mode="eval").body, node)
        return node


def value(source):
    tree = ast.fix_missing_locations(FreshNan().visit(ast.parse(source, mode="eval")))
    return eval(compile(tree, "literal", "eval"), {"inf": float("inf"), "float": float, "range": range})


def fits(o):
    if isinstance(o, int):
        return -LIMIT <= o < LIMIT
    if isinstance(o, dict):
        return all(map(fits, o)) and all(map(fits, o.values()))
    return all(map(fits, o)) if isinstance(o, (list, tuple)) else True


def clamp(i):
    return max(0, i)


def find(s, sub, start, end):
    i = s.find(sub, clamp(start), clamp(end))
    return None if i < 0 else i


def rfind(s, sub, start, end):
    i = s.rfind(sub, clamp(start), clamp(end))
    return None if i < 0 else i


def change(method):
    def run(o, *args):
        getattr(o, method)(*args)
        return o
    return run


def answer(method):
    def run(o, *args):
        return getattr(o, method)(*args), o
    return run


def set_item(o, key, item):
    o[key] = item
    return o


def del_item(o, key):
    del o[key]
    return o


def dict_get(d, key):
    return (d[key],) if key in d else ()


def dict_pop(d, key):
    return ((d.pop(key),) if key in d else ()), d


OPERATIONS = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "neg": operator.neg, "abs": abs,
    "int": int, "float": float, "intparse": int,
    "lt": operator.lt, "le": operator.le, "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge,
    "hash": hash, "hasheq": lambda a, b: hash(a) == hash(b), "bool": bool, "len": len,
    "repr": repr, "str": str, "type": lambda o: type(o).__name__,
    "getitem": operator.getitem, "setitem": set_item, "delitem": del_item, "contains": operator.contains,
    "slice": lambda o, i, j: o[clamp(i):clamp(j)],
    "list": list, "tuple": tuple,
    "insert": change("insert"), "append": change("append"), "extend": change("extend"),
    "reverse": change("reverse"), "pop": answer("pop"),
    "dget": dict_get, "dpop": dict_pop, "dsetdefault": answer("setdefault"), "update": change("update"),
    "keys": lambda d: list(d.keys()), "values": lambda d: list(d.values()), "items": lambda d: list(d.items()),
    "find": find, "rfind": rfind, "split": lambda s, sep, n: s.split(sep, n),
    "replace": lambda s, a, b, n: s.replace(a, b, n), "join": lambda sep, items: sep.join(items),
}

lines = {}


def record(operation, *sources):
    try:
        result = OPERATIONS[operation](*map(value, sources))
        text = repr(result) if fits(result) else "!OverflowError"
    except Exception as exc:
        text = "!" + type(exc).__name__
    line = "\t".join((operation,) + sources + ("=>", text))
    assert line.count("\n") == 0 and len(line.encode()) < 4000, line
    lines[line] = None


def literals(*values):
    return [ascii(v) for v in values]


def edge(i):
    """An int of CPython is part of the corpus when it fits."""
    return -LIMIT <= i < LIMIT


rng = random.Random(20240229)

INTS = sorted({i for k in (0, 1, 2, 7, 8, 15, 16, 31, 32, 52, 53, 54, 60, 61, 62) for d in (-2, -1, 0, 1, 2, 3)
               for i in ((1 << k) + d, -(1 << k) + d) if edge(i)} | {10, 97, 1000, 10 ** 9, 10 ** 18, -10 ** 18})
FLOATS = ["0.0", "-0.0", "1.0", "-1.0", "0.5", "-0.5", "2.5", "-2.5", "0.1", "1e16", "-1e16", "1e15", "123456789.125",
          "9007199254740992.0", "9007199254740993.0", "4.611686018427388e+18", "1e22", "1e23", "1e100", "1e300", "-1e300",
          "1.7976931348623157e+308", "2.2250738585072014e-308", "5e-324", "1e-5", "0.0001", "inf", "-inf", "nan"]
TEXTS = ["", "a", "b", "abc", "abd", "ab", "Abc", "a b c", "  a  b ", "aaa", "aXbXc", "h\u00e9llo", "\u20ac uro", "\U0001f600!",
         "\u65e5\u672c\u8a9e", "x\u00e9y\u20acz\U0001f600", "it's", 'say "hi"', "it's \"both\"", "tab\there", "nl\nhere", "\\", "\x00", "\x7f"]


def numbers():
    mixed = literals(*INTS) + FLOATS + ["True", "False"]
    few = literals(0, 1, -1, 2, -2, 3, -3, 7, -7, 10, 1000, (1 << 53) + 1, LIMIT - 1, -LIMIT) + FLOATS[:14] + [
        "1e300", "inf", "-inf", "nan", "5e-324", "True", "False"]
    for a, b in itertools.product(few, few):
        for op in ("add", "sub", "mul", "truediv", "floordiv", "mod"):
            if rng.random() < 0.38:
                record(op, a, b)
    for _ in range(700):
        record(rng.choice(("add", "sub", "mul", "truediv", "floordiv", "mod")), rng.choice(mixed), rng.choice(mixed))
    for _ in range(300):
        a, b = (str(rng.randrange(-LIMIT, LIMIT) >> rng.randrange(62)) for _ in "ab")
        record(rng.choice(("add", "sub", "mul", "truediv", "truediv", "floordiv", "mod")), a, b)
    for a in mixed:
        for op in ("neg", "abs", "int", "float", "bool", "repr", "str", "type"):
            record(op, a)
        if a != "nan":
            record("hash", a)
    for a in ("'1'", "None", "[1]", "(1,)", "{}", "b'1'"):
        for b in ("1", "2.5", "'x'", "None", "[2]", "(2,)", "{}", "True"):
            for op in ("add", "sub", "mul", "truediv", "floordiv"):
                record(op, a, b)
                record(op, b, a)
        for op in ("neg", "abs"):
            record(op, a)
    for seq in ("'ab'", "'\\xe9'", "[1, 'x']", "(1, 2)", "''", "[]", "()"):
        for n in ("0", "1", "3", "-1", "True", "False", "2.0"):
            record("mul", seq, n)
            record("mul", n, seq)


def doubles():
    """repr and back, of every order of magnitude and of random bits."""
    for k in range(-324, 309, 4):
        record("repr", repr(float(f"1e{k}")))
        record("repr", repr(rng.random() * float(f"1e{k}")))
    for k in range(-1074, 1024, 13):
        record("repr", repr(2.0 ** k))
        record("hash", repr(2.0 ** k))
    for _ in range(300):
        d = struct.unpack("<d", struct.pack("<Q", rng.getrandbits(64)))[0]
        if d == d:
            record("repr", repr(d))
            record("hash", repr(d))
    for _ in range(100):
        record("repr", repr(rng.randrange(1, 10 ** rng.randrange(1, 18)) / 10 ** rng.randrange(0, 12)))
    for _ in range(120):
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 40)))
        record("float", ascii(f"{rng.choice(('', '-', '+'))}{digits}.{digits[::-1]}e{rng.randrange(-330, 310)}"))
    for text in ("1", " 1.5 ", "-1.5\n", "1e5", "1E+5", ".5", "5.", ".", "", " ", "e5", "1e", "1e+", "inf", "-Infinity", "+INF", "nan",
                 "-NaN", "infinit", "nanx", "1_000.5", "1__0", "_1", "1_", "1_.5", "1._5", "1e1_0", "0x10", "1.5.5", "--1", "1 2",
                 "1e400", "-1e400", "1e-400", "9007199254740993", "2.2250738585072012e-308", "2.2250738585072011e-308",
                 "179769313486231580793728971405301e276", "179769313486231580793728971405304e276", "0e1000", "1\x002", "\u00bd", "1,5",
                 "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "100000000000000016777215", "100000000000000016777216"):
        record("float", ascii(text))


def comparisons():
    corpus = ["0", "1", "-1", "2", "True", "False", "1.0", "0.0", "-0.0", "1.5", "inf", "-inf", "nan", "9007199254740993", "9007199254740992.0",
              str(LIMIT - 1), str(-LIMIT), "4.611686018427388e+18", "-4.611686018427388e+18", "None", "''", "'a'", "'b'", "'ab'", "'\\xe9'", "'\\u20ac'",
              "b''", "b'a'", "b'ab'", "[]", "[1]", "[1, 2]", "[1.0, 2]", "[2]", "[[1], 2]", "[1, 'a']", "['a', 1]", "[nan]", "()", "(1,)", "(1, 2)",
              "(1.0, True)", "(1, 'x')", "((), 1)", "{}", "{1: 2}", "{1.0: 2}", "{1: 2, 'a': 3}", "{'a': 3, 1: 2}", "{1: 3}", "range(0, 3, 1)",
              "range(0, 4, 2)", "range(0, 3, 2)", "range(5, 5, 1)", "range(0, 0, 3)"]
    for a, b in itertools.product(corpus, corpus):
        chance = 1 if a == b else 0.16
        for op in ("lt", "le", "eq", "ne", "gt", "ge"):
            if rng.random() < chance:
                record(op, a, b)
    hashable = [c for c in corpus if c[0] not in "[{" and c not in ("nan",)]
    for a, b in itertools.product(hashable, hashable):
        if value(a) == value(b):
            record("hasheq", a, b)
    for a, b in (("(1, 2.0)", "(1.0, 2)"), ("(True, 0)", "(1, False)"), ("((1,), 'a')", "((1.0,), 'a')"), ("(1.5, None)", "(1.5, None)"),
                 ("'\\xe9\\u20ac'", "'\\xe9\\u20ac'"), ("b'\\x00\\xff'", "b'\\x00\\xff'"), ("-0.0", "False")):
        record("hasheq", a, b)
    for a in corpus + ["{'a': []}", "([],)", "(1, {})"]:
        for op in ("bool", "len", "repr", "str", "type", "list", "tuple"):
            record(op, a)
        if a.startswith(("[", "{", "([", "(1, {")):
            record("hash", a)


def texts():
    sources = literals(*TEXTS)
    odd = literals("\u00ad", "\u00a0", "\u0378", "\u200b", "\u2028", "\u3000", "\ue000", "\ufeff", "\ufffd", "\uffff", "\U0001f468\u200d", "\U000e0001",
                   "\U0010ffff", "\x1b[0m", "\x80\x9f", "a\rb", "\x01\x1f\x20\x7e\x7f", "\u0301", "\u0627\u0644", "'", '"', "'\"", "\\'", "\\n", "\u2029\u1680")
    for s in sources + odd:
        for op in ("repr", "str", "len", "bool", "list"):
            record(op, s)
        record("repr", f"[{s}, ({s},), {{{s}: {s}}}]")
    for code in range(256):
        record("repr", ascii(chr(code)))
        record("repr", repr(bytes([code])))
    for _ in range(60):
        record("repr", ascii("".join(chr(rng.choice((rng.randrange(32, 127), rng.randrange(0xa1, 0x250), rng.randrange(0x4e00, 0x9000), rng.randrange(0x1f300, 0x1f500),
                                                    39, 34, 92, 10))) for _ in range(rng.randrange(1, 20)))))
    for data in ("b''", "b'abc'", "b\"it's\"", "b'\\'\"'", "b'\\x00\\n\\t\\r\\\\\\xff'"):
        for op in ("repr", "str", "len", "bool", "list"):
            record(op, data)
        for i in ("0", "-1", "2", "9", "-9"):
            record("getitem", data, i)
        for item in ("97", "300", "-1", "b'b'", "b''", "b'bc'", "'b'"):
            record("contains", data, item)
        record("add", data, "b'xyz'")
    subs = literals("", "a", "b", "ab", "X", " ", "\u00e9", "\u20ac", "aa", "c", "\U0001f600", "\u672c", "zz")
    for s, sub in itertools.product(sources[:16], subs):
        record("contains", s, sub)
        for op in ("find", "rfind"):
            record(op, s, sub, "0", "1000")
            record(op, s, sub, str(rng.randrange(-2, 5)), str(rng.randrange(-2, 8)))
        if rng.random() < 0.6:
            record("split", s, sub, str(rng.choice((-1, -1, 0, 1, 2))))
            record("replace", s, sub, rng.choice(subs), str(rng.choice((-1, -1, 0, 1, 2, 5))))
    blanks = literals("", " ", "a", " a ", "a b", "  a \t\n b  c ", "\u3000a\u00a0b\u2003", "a\x1cb\x85c", "\x0ba\x0cb", "a\u200bb")
    for s, n in itertools.product(blanks, ("-1", "0", "1", "2", "5")):
        record("split", s, "None", n)
    for s in sources[:16]:
        for i in ("0", "1", "-1", "2", "-2", "5", "-9"):
            record("getitem", s, i)
        for _ in range(6):
            record("slice", s, str(rng.randrange(-3, 7)), str(rng.randrange(-3, 9)))
        record("add", s, rng.choice(sources))
    for sep in literals("", ",", "\u20ac", "--"):
        for items in ("[]", "['a']", "['a', 'b', 'c']", "('x', '\\xe9', '')", "'abc'", "{'k': 1, 'l': 2}", "['a', 1]", "[b'a']", "[None]", "5", "range(0, 2, 1)", "range(0, 0, 1)"):
            record("join", sep, items)


def parsing():
    plain = ["0", "1", "-1", "+7", "007", " 12 ", "\t12\n", "1 2", "", " ", "-", "+", "--1", "1-", "12a", "z", "Z", "1_000", "1__0", "_1", "1_", "0x1F", "0b101", "0o17",
             "0X1f", "0B1", "0O7", "0x", "0b2", "0o8", "-0x10", "0_1", "0x_f", "00", "0_0", "01", "1.5", "1e3", "4611686018427387903", "-4611686018427387904",
             "9223372036854775807", "- 1", "\u00a012\u2003", "12\x0b", "f", "10", "777", "zzz", "0000000000000000000000000000001", "1\u00e9", "99999999999999999999999"]
    for text in plain:
        for base in ("10", "0", "2", "8", "16", "36", "7"):
            record("intparse", ascii(text), base)
        record("int", ascii(text))
    for base in range(2, 37):
        for _ in range(2):
            i = rng.randrange(0, LIMIT)
            digits = ""
            while i:
                i, d = divmod(i, base)
                digits = "0123456789abcdefghijklmnopqrstuvwxyz"[d] + digits
            record("intparse", ascii(rng.choice(("", "-")) + rng.choice((digits, digits.upper()))), str(base))
    for o in ("None", "[]", "(1,)", "{}", "range(0, 1, 1)"):
        record("int", o)
        record("float", o)


def containers():
    lists = ["[]", "[1]", "[1, 2, 3]", "[1, 'a', None, 2.5]", "[[1], [2, [3]]]", "[True, 1, 1.0]"]
    for o in lists:
        for i in range(-5, 6):
            record("getitem", o, str(i))
            record("setitem", o, str(i), "'new'")
            record("delitem", o, str(i))
            record("insert", o, str(clamp(i)), "'in'")
            if i >= -1:
                record("pop", o, str(i))
            record("slice", o, str(i), str(rng.randrange(-3, 7)))
        for key in ("1.0", "'a'", "None", "True", "[]"):
            record("getitem", o, key)
            record("setitem", o, key, "0")
            record("delitem", o, key)
        record("reverse", o)
        record("append", o, "[9]")
        for other in ("[]", "(4, 5)", "'xy'", "{'k': 1}", "b'z'", "range(0, 5, 2)", "3", "None"):
            record("extend", o, other)
            record("contains", o, other)
            record("add", o, other)
        for item in ("1", "1.0", "True", "'a'", "None", "[1]", "nan"):
            record("contains", o, item)
    for o in ("()", "(1,)", "(1, 2)", "('a', (None,), [1])"):
        for op in ("repr", "str", "list", "bool", "len"):
            record(op, o)
        for i in ("0", "1", "-1", "-3", "5", "'x'", "1.0", "True"):
            record("getitem", o, i)
            record("setitem", o, i, "1")
            record("delitem", o, i)
            record("contains", o, i)
    dicts = ["{}", "{1: 'a'}", "{'a': 1, 'b': 2}", "{1: 1, 2: 2, 3: 3}", "{None: [], (): {}, 1.5: 'x'}", "{'\\xe9': 1, b'x': 2}", "{'a': {'b': {'c': []}}}"]
    for d in dicts:
        for op in ("repr", "str", "keys", "values", "items", "list", "tuple", "bool", "len"):
            record(op, d)
        for key in ("1", "1.0", "True", "'a'", "'b'", "None", "()", "b'x'", "'\\xe9'", "[]", "{}", "([],)", "nan", "-0.0", "1.5"):
            for op in ("dget", "getitem", "delitem", "dpop", "contains"):
                record(op, d, key)
            record("setitem", d, key, "'new'")
            record("dsetdefault", d, key, "'new'")
        for other in dicts:
            record("update", d, other)
            record("eq", d, other)
    record("repr", "{1: 'int', 1.0: 'float', True: 'bool'}")
    record("repr", "{0: 0, -0.0: 1, False: 2}")


def ranges():
    for start, stop, step in itertools.product((0, 1, -3, 10), (0, 5, -4, 11), (1, 2, -1, -3, 7)):
        r = f"range({start}, {stop}, {step})"
        for op in ("repr", "len", "bool", "list"):
            record(op, r)
        for i in ("0", "-1", "1", "2", "-3", "50"):
            record("getitem", r, i)
        for item in ("0", "1", "-3", "4", "2.0", "1.5", "True", "'a'", "None"):
            if rng.random() < 0.4:
                record("contains", r, item)
    for r in (f"range({LIMIT - 3}, {LIMIT - 1}, 1)", f"range({-LIMIT}, {LIMIT - 1}, {1 << 60})", f"range({LIMIT - 1}, {-LIMIT}, {-(1 << 61)})"):
        for op in ("repr", "len", "bool", "list"):
            record(op, r)
        record("getitem", r, "1")
        record("contains", r, str(LIMIT - 2))


def main():
    if sys.version_info[:2] != (3, 11):
        sys.exit("the transcript is CPython 3.11's")
    for part in (numbers, doubles, comparisons, texts, parsing, containers, ranges):
        part()
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write("# CPython 3.11's answers; made by record_semantics.py\n")
    for line in lines:
        print(line)


main()
