#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs one of Debian's programs with and without libminipy-malloc.so: the same exit status, output and files?

Usage: programs.py NAME LIBRARY SCRATCH SOURCE_ROOT

Every run starts in an empty folder and with the same small environment. A scenario returns text: what the program answered. The
first thing under the library is a run with MINIPY_MALLOC_STATS=1, which proves that the library is in that very program.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

SCALE = max(1, int(os.environ.get("MINIPY_TEST_SCALE", "1")))
LIMIT = 240  # seconds for one command


class Machine:
    """One side of the comparison: runs commands in its folder, with or without the library."""

    def __init__(self, library, folder, root):
        self.library, self.folder, self.root = library, folder, root
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONHASHSEED": "1",
            "PYTHONMALLOC": "malloc",
            "PERL_HASH_SEED": "0",
        }
        if library:
            self.environment["LD_PRELOAD"] = str(library)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name):
        return (self.folder / name).read_bytes().hex()

    def start(self, *command):
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, *command, stdin="", more=None):
        """Standard output and error of a command that must succeed."""
        done = subprocess.run(
            command, cwd=self.folder, env={**self.environment, **(more or {})}, input=stdin, text=True, errors="replace",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False,
        )
        if done.returncode != 0:
            side = "with" if self.library else "without"
            raise SystemExit(f"{side} the library: {' '.join(command)}: exit status {done.returncode}\n{done.stdout[-4000:]}")
        return done.stdout


def numbers(n, seed=12345):
    """n numbers below 2^31, the same every time."""
    for _ in range(n):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        yield seed


# ---- scenarios ----------------------------------------------------------------------------------------------------------------


def sqlite3(m):
    n = 10000 * SCALE
    script = f"""
        PRAGMA journal_mode = WAL;
        CREATE TABLE word (id INTEGER PRIMARY KEY, text TEXT, size INT, data BLOB);
        WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {n})
            INSERT INTO word SELECT i, printf('word %d of many', (i * 7919) % {n}), i % 97, zeroblob(i % 700) FROM c;
        CREATE INDEX word_text ON word (text);
        CREATE INDEX word_size ON word (size, text);
        UPDATE word SET text = upper(text) WHERE size % 3 = 0;
        DELETE FROM word WHERE id % 11 = 0;
        SELECT size, count(*), sum(length(data)), min(text), max(text) FROM word GROUP BY size ORDER BY 2 DESC, 1 LIMIT 20;
        SELECT count(*) FROM word a JOIN word b ON a.text = b.text WHERE a.size < 40;
        SELECT group_concat(text, ',') FROM (SELECT text FROM word WHERE size = 13 ORDER BY text LIMIT 500);
        SELECT json_group_array(json_object('t', text, 's', size)) FROM word WHERE id < 300;
        VACUUM;
        PRAGMA integrity_check;
    """
    out = m.run("sqlite3", "test.db", stdin=script)
    return out + m.run("sqlite3", "test.db", ".dump")[-20000:]


def git(m):
    more = {"GIT_AUTHOR_DATE": "2020-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z", "GIT_CONFIG_NOSYSTEM": "1"}
    name = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "gc.auto=0"]
    out = m.run("git", "init", "-q", "-b", "main", ".", more=more)
    for commit in range(4):
        for i, value in enumerate(numbers(60 * SCALE, commit + 1)):
            m.write(f"d{i % 7}/f{i}.txt", "".join(f"line {k * value % 1000}\n" for k in range(value % 300)))
        m.run("git", "add", "-A", more=more)
        out += m.run(*name, "commit", "-q", "-m", f"commit {commit}", more=more)
    m.run(*name, "checkout", "-q", "-b", "side", "HEAD~2", more=more)
    m.write("side.txt", "side\n")
    m.run("git", "add", "-A", more=more)
    m.run(*name, "commit", "-q", "-m", "side", more=more)
    out += m.run(*name, "merge", "-q", "-m", "merge", "main", more=more)
    out += m.run("git", "log", "--format=%H %T %s", "--stat", "-M", more=more)
    m.run("git", "repack", "-adfq", "--threads=4", more=more)
    out += m.run("git", "fsck", "--full", "--strict", more=more)
    out += m.run("git", "grep", "-c", "line 7", more=more) + m.run("git", "blame", "d0/f0.txt", more=more)
    m.run("git", "clone", "-q", "--no-local", ".", "copy", more=more)
    return out + m.run("git", "-C", "copy", "rev-parse", "HEAD^{tree}", more=more) + m.run("git", "diff", "HEAD~1", "--shortstat", more=more)


def node(m):
    m.write("main.js", """
        const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
        const crypto = require('crypto'), zlib = require('zlib');
        function work(n, seed) {
            const map = new Map();
            for (let i = 0; i < n; i++) map.set(`key ${(i * 7919 + seed) % n}`, { i, s: 'x'.repeat(i % 50), a: [i, i + 1] });
            const text = JSON.stringify([...map.entries()].sort());
            const buffers = [];
            for (let i = 0; i < 300; i++) buffers.push(Buffer.alloc(i * 37 + 1, i));
            const packed = zlib.gzipSync(text + Buffer.concat(buffers).toString('base64'));
            return crypto.createHash('sha256').update(zlib.gunzipSync(packed)).digest('hex');
        }
        if (!isMainThread) { parentPort.postMessage(work(workerData.n, workerData.seed)); }
        else {
            const n = Number(process.argv[2]), results = {};
            let left = 3;
            for (let seed = 1; seed <= 3; seed++) {
                new Worker(__filename, { workerData: { n, seed } }).on('message', (m) => { results[seed] = m; })
                    .on('exit', (code) => { results['exit' + seed] = code; if (--left === 0) console.log(JSON.stringify(results, Object.keys(results).sort())); });
            }
            console.log(work(n, 0));
            console.log([3, 1, 2].toSorted ? 'node' : 'node', 10n ** 60n, 'aXbX'.replaceAll('X', '-'));
        }
    """)
    return m.run("node", "main.js", str(3000 * SCALE))


def python(m):
    m.write("main.py", """
import collections, concurrent.futures, ctypes, decimal, gzip, hashlib, json, multiprocessing, re, sqlite3, subprocess, sys, threading
import xml.etree.ElementTree as tree

def work(seed, n=int(sys.argv[1])):
    table = collections.defaultdict(list)
    for i in range(n):
        table[f"key {(i * 7919 + seed) % 997}"].append((i, str(i) * (i % 9), {i: bytes(i % 600)}))
    text = json.dumps({k: [(a, b, len(c[a])) for a, b, c in v] for k, v in sorted(table.items())})
    words = collections.Counter(re.findall(r"[0-9]{3}", text)).most_common(20)
    root = tree.Element("r")
    for word, count in words:
        tree.SubElement(root, "w", n=str(count)).text = word
    return hashlib.sha256(gzip.decompress(gzip.compress(text.encode() + tree.tostring(root)))).hexdigest()

if __name__ == "__main__":
    print([work(i) for i in range(3)])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(list(pool.map(work, range(4))))
    with multiprocessing.get_context("fork").Pool(3) as pool:
        print(pool.map(work, range(4)))
    print(decimal.Decimal(2) ** 3000, sum(x * x for x in range(20000)), 3 ** 5000 % 10 ** 40)
    print(subprocess.run(["echo", "child"], capture_output=True, text=True).stdout)
    db = sqlite3.connect(":memory:")
    print(db.execute("select sum(value) from json_each(?)", [json.dumps(list(range(1000)))]).fetchall())
    libc = ctypes.CDLL(None)
    libc.malloc.restype = libc.realloc.restype = ctypes.c_void_p
    libc.realloc.argtypes, libc.free.argtypes = [ctypes.c_void_p, ctypes.c_size_t], [ctypes.c_void_p]
    p = libc.malloc(100)
    ctypes.memmove(p, b"x" * 100, 100)
    p = libc.realloc(p, 100000)
    print(ctypes.string_at(p, 100) == b"x" * 100)
    libc.free(p)
""")
    return m.run("python3.11", "main.py", str(2000 * SCALE))


def compile_with(m, compiler):
    include = ["-I", f"{m.root}/include", "-I", f"{m.root}/lib", "-D_GNU_SOURCE", "-DMPY_DEBUG=0", "-DMPY_BYPASS_POOLS=0"]
    out = ""
    sources = ["alloc/mem.c", "alloc/arena.c", "types/dict.c", "types/str_repr.c"][: 2 if SCALE == 1 else 4]
    for source in sources:
        name = pathlib.Path(source).stem
        m.run(compiler, "-std=c11", "-O2", "-g", *include, "-fPIC", "-S", f"{m.root}/lib/{source}", "-o", f"{name}.s")
        out += m.read(f"{name}.s")
    m.write("main.c", "#include <stdio.h>\nint main(void) { puts(__VERSION__); return 0; }\n")
    m.run(compiler, "-O2", "-flto", "main.c", "-o", "main")
    out += m.run("./main")
    m.write("wrong.c", "int f(void) { return undeclared + ; }\n")
    wrong = subprocess.run([compiler, "-c", "wrong.c"], cwd=m.folder, env=m.environment, capture_output=True, text=True, check=False)
    return out + f"{wrong.returncode} {wrong.stderr}"


def gcc(m):
    m.write("main.cc", "#include <map>\n#include <regex>\n#include <string>\nint main() { std::map<std::string, int> m; m[\"a\"] = 1;"
            " return std::regex_match(std::string(\"aab\"), std::regex(\"a*b\")) ? 0 : 1; }\n")
    m.run("g++", "-std=c++17", "-O2", "main.cc", "-o", "main_cc")
    return compile_with(m, "gcc") + m.run("./main_cc")


def clang(m):
    return compile_with(m, "clang")


def perl(m):
    m.write("main.pl", r"""
        use strict; use warnings; use List::Util qw(sum); use Digest::SHA qw(sha256_hex);
        my ($n, %h, @a) = (shift);
        for my $i (1 .. $n) { push @{ $h{"key " . ($i * 7919 % 1009)} }, { i => $i, s => "x" x ($i % 60) }; }
        for my $k (sort keys %h) { push @a, join(",", $k, map { "$_->{i}:" . length $_->{s} } @{ $h{$k} }); }
        my $text = join("\n", @a);
        (my $copy = $text) =~ s/(\d+):(\d+)/$2:$1/g;
        print sha256_hex($copy), "\n", sum(map { scalar @$_ } values %h), "\n";
        my %count; $count{$_}++ for $copy =~ /(\d\d)/g;
        print "$_ $count{$_}\n" for (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 9];
        my $pid = fork(); if (!$pid) { my @x = map { "y" x $_ } 1 .. 2000; exit(@x == 2000 ? 7 : 1); }
        waitpid($pid, 0); print $? >> 8, "\n"; print sprintf("%s\n", join " ", map { reverse split //, $_ } @a[0 .. 3]);
    """)
    return m.run("perl", "main.pl", str(20000 * SCALE))


def cmake(m):
    m.write("src/CMakeLists.txt", """
        cmake_minimum_required(VERSION 3.25)
        project(sample C)
        foreach(i RANGE 40)
            file(WRITE "${CMAKE_BINARY_DIR}/s${i}.c" "int f${i}(void) { return ${i}; }\\n")
            add_library(l${i} STATIC "${CMAKE_BINARY_DIR}/s${i}.c")
        endforeach()
        file(WRITE "${CMAKE_BINARY_DIR}/m.c" "int f3(void); int main(void) { return f3() - 3; }\\n")
        add_executable(sample "${CMAKE_BINARY_DIR}/m.c")
        target_link_libraries(sample l3)
        enable_testing()
        add_test(NAME sample COMMAND sample)
    """)
    m.write("work.cmake", """
        set(list "")
        foreach(i RANGE 1 ${N})
            math(EXPR v "(${i} * 7919) % 1009")
            list(APPEND list "value ${v}")
        endforeach()
        list(SORT list)
        list(REMOVE_DUPLICATES list)
        list(JOIN list "," text)
        string(REGEX REPLACE "([0-9])([0-9])" "\\\\2\\\\1" text "${text}")
        string(SHA256 hash "${text}")
        message(STATUS "${hash}")
    """)
    out = m.run("cmake", "-DN=" + str(2000 * SCALE), "-P", "work.cmake")
    m.run("cmake", "-S", "src", "-B", "build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release")
    m.run("cmake", "--build", "build")
    listed = m.run("ctest", "--test-dir", "build", "--show-only=json-v1").replace(str(m.folder), "HERE")
    return out + listed + m.run("build/sample") + ("100% tests passed" if "100% tests passed" in m.run("ctest", "--test-dir", "build") else "")


def lua(m):
    m.write("main.lua", """
        local n = tonumber(arg[1])
        local t, keys = {}, {}
        for i = 1, n do
            local k = ("key %d"):format(i * 7919 % 1009)
            t[k] = t[k] or {}
            t[k][#t[k] + 1] = { i = i, s = ("x"):rep(i % 80) }
        end
        for k in pairs(t) do keys[#keys + 1] = k end
        table.sort(keys)
        local sum = 0
        for round = 1, 5 do
            local parts = {}
            for _, k in ipairs(keys) do
                for _, v in ipairs(t[k]) do parts[#parts + 1] = v.i .. ":" .. #v.s; sum = (sum * 31 + v.i + #v.s) % 1000000007 end
            end
            local text = table.concat(parts, ","):gsub("(%d+):(%d+)", "%2:%1")
            sum = (sum + #text + select(2, text:gsub("7", ""))) % 1000000007
            collectgarbage()
        end
        print(sum, #keys, pcall(error, { 1 }))
        local co = coroutine.wrap(function() for i = 1, 1000 do coroutine.yield(("z"):rep(i)) end end)
        local total = 0
        for s in co do total = total + #s end
        print(total, string.pack(">I4z", 7, "end"):byte(1, -1))
    """.replace("pcall(error, { 1 })", "(pcall(error, { 1 }))"))
    return m.run("lua5.4", "main.lua", str(10000 * SCALE))


def jq(m):
    n = 3000 * SCALE
    rows = ",".join(f'{{"id":{i},"v":{v % 1000},"s":"text {v}","a":[{v % 7},{v % 11}]}}' for i, v in enumerate(numbers(n)))
    m.write("in.json", f"[{rows}]")
    program = ("group_by(.v % 97) | map({k: (.[0].v % 97), n: length, sum: (map(.v) | add), ids: (map(.id) | sort | .[:20]),"
               " s: (map(.s | gsub(\"[0-4]\"; \"-\")) | sort | .[0:5]), a: (map(.a) | flatten | unique)})")
    return m.run("jq", "-S", program, "in.json") + m.run("jq", "-c", "[paths(numbers)] | length", "in.json")


def gdb(m):
    m.write("main.c", """
        #include <stdio.h>
        #include <stdlib.h>
        struct node { int value; struct node *next; };
        static int sum(const struct node *n) { int s = 0; for (; n; n = n->next) s += n->value; return s; }
        int main(void) {
            struct node *list = NULL;
            for (int i = 0; i < 100; i++) { struct node *n = malloc(sizeof *n); n->value = i; n->next = list; list = n; }
            printf("%d\\n", sum(list));
            return 0;
        }
    """)
    m.write("script.gdb", """
        set pagination off
        set confirm off
        set debuginfod enabled off
        break sum
        run
        backtrace
        print *n
        print n->next->next->value
        ptype struct node
        finish
        python print(sum(int(gdb.parse_and_eval(f"list->value + {i}")) for i in range(2000)))
        python print(len([s.name for s in gdb.selected_frame().block()]))
        info line sum
        continue
    """)
    m.run("gcc", "-g", "-O0", "main.c", "-o", "main")
    text = m.run("gdb", "-nx", "-batch", "-x", "script.gdb", "./main")
    varies = re.compile(r"0x|warning|libthread_db|\(process ")
    return "\n".join(line for line in text.splitlines() if not varies.search(line))


def redis(m):
    server = m.start(
        "redis-server", "--port", "0", "--unixsocket", "s", "--save", "", "--appendonly", "no", "--enable-debug-command", "local",
        "--daemonize", "no", "--activedefrag", "no",
    )
    client = ["redis-cli", "-s", "s"]
    try:
        for _ in range(300):
            if (m.folder / "s").exists() or server.poll() is not None:
                break
            time.sleep(0.05)
        commands = []
        for i, value in enumerate(numbers(3000 * SCALE)):
            commands += [
                f"SET key:{value % 5000} {'v' * (value % 700)}", f"APPEND key:{value % 5000} {value}", f"HSET h:{i % 50} f{value % 900} {value}",
                f"LPUSH l:{i % 20} {'e' * (value % 90)}", f"SADD s:{i % 9} {value % 3000}", f"ZADD z {value % 1000} m{value % 2000}",
            ]
            if value % 5 == 0:
                commands += [f"DEL key:{(value >> 8) % 5000}", f"LTRIM l:{i % 20} 0 400", f"SETRANGE key:{value % 777} 3000 tail"]
        out = m.run(*client, stdin="\n".join(commands)) + m.run(*client, "DEBUG", "DIGEST")
        if m.library and "libminipy-malloc" not in pathlib.Path(f"/proc/{server.pid}/maps").read_text():
            raise SystemExit("redis-server runs without the library")
        answers = m.run(
            "redis-benchmark", "-s", "s", "-q", "-n", str(2000 * SCALE), "-c", "20", "-r", "1000", "-P", "4", "-d", "300",
            "-t", "set,get,lpush,hset",
        )
        out += " ".join(name for name in ("SET", "GET", "LPUSH", "HSET") if f"{name}: " in answers)
        # What the benchmark left behind depends on its random numbers; everything else must have survived it.
        m.run(*client, "EVAL", "for _, k in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', k) end", "0", "key:00000*")
        m.run(*client, "DEL", "mylist", "myhash")
        m.run(*client, "MEMORY", "PURGE")
        out += m.run(*client, "DEBUG", "DIGEST") + m.run(*client, "HGETALL", "h:7") + m.run(*client, "ZRANGE", "z", "0", "50", "WITHSCORES")
        m.run(*client, "SHUTDOWN", "NOSAVE")
        log = server.communicate(timeout=30)[0].decode()
        if server.returncode != 0:
            raise SystemExit(f"redis-server: exit status {server.returncode}\n{log[-3000:]}")
        return out
    finally:
        if server.poll() is None:
            server.kill()


# What answers, the scenario, and the command that must show the library's statistics.
PROGRAMS = {
    "redis-server": (redis, ["redis-server", "--version"]),
    "sqlite3": (sqlite3, ["sqlite3", "-version"]),
    "git": (git, ["git", "--version"]),
    "node": (node, ["node", "--version"]),
    "python3.11": (python, ["python3.11", "--version"]),
    "gcc": (gcc, ["gcc", "--version"]),
    "clang": (clang, ["clang", "--version"]),
    "perl": (perl, ["perl", "-e", "1"]),
    "cmake": (cmake, ["cmake", "--version"]),
    "lua5.4": (lua, ["lua5.4", "-v"]),
    "jq": (jq, ["jq", "-n", "1"]),
    "gdb": (gdb, ["gdb", "--version"]),
}


def difference(plain, preloaded):
    ours, theirs = preloaded.splitlines(), plain.splitlines()
    for number, (a, b) in enumerate(zip(theirs, ours), 1):
        if a != b:
            return f"line {number}:\n  without: {a[:300]}\n  with:    {b[:300]}"
    return f"{len(theirs)} lines without, {len(ours)} lines with the library"


def main():
    name, library, scratch, root = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    scenario, proof = PROGRAMS[name]
    if shutil.which(name, path="/usr/bin:/bin") is None:
        raise SystemExit(f"{name} is not installed; ./dev setup preload installs it")
    seconds = []
    texts = []
    for side in (None, library):
        machine = Machine(side, scratch / name / "x", root)  # one folder for both: paths show up in what programs write
        if side and "libminipy-malloc" not in machine.run(*proof, more={"MINIPY_MALLOC_STATS": "1"}):
            raise SystemExit(f"{name} runs without the library")
        start = time.monotonic()
        texts.append(scenario(machine))
        seconds.append(time.monotonic() - start)
    shutil.rmtree(scratch / name, ignore_errors=True)
    if texts[0] != texts[1]:
        raise SystemExit(f"{name}: another result, {difference(*texts)}")
    if len(texts[0]) < 20:
        raise SystemExit(f"{name}: no result to compare")
    print(f"{name}: the same {len(texts[0])} bytes; {seconds[0]:.2f} s without, {seconds[1]:.2f} s with the library")


main()
