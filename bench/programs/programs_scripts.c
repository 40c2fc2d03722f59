/* SPDX-License-Identifier: MIT */
/*
 * programs_scripts.c - what the interpreters are asked to do: tables of small objects, text of all
 * lengths, sorting, and dropping everything again, several times.
 */
#include "programs/programs.h"

const char programs_python[] =
    "import sys, json, collections\n"
    "class C:\n"
    "    def __init__(self, i):\n"
    "        self.i, self.s, self.t = i, 'x' * (i % 50), (i, str(i))\n"
    "n = int(sys.argv[1])\n"
    "table = collections.defaultdict(list)\n"
    "for i in range(n):\n"
    "    table[f'key {i * 7919 % 1009}'].append(C(i))\n"
    "for r in range(3):\n"
    "    text = json.dumps({k: [(c.i, c.s, c.t) for c in v] for k, v in table.items()})\n"
    "    back = json.loads(text)\n"
    "print(len(text), len(back))\n";

const char programs_perl[] =
    "my ($n, %h) = (shift);\n"
    "for my $r (1 .. 3) {\n"
    "    %h = ();\n"
    "    push @{$h{'key ' . ($_ * 7919 % 1009)}}, {i => $_, s => 'x' x ($_ % 60)} for 1 .. $n;\n"
    "    my @l = map { my $k = $_; map { \"$k:$_->{i}:\" . length $_->{s} } @{$h{$k}} } keys %h;\n"
    "    @l = sort @l;\n"
    "    my $t = join ',', @l;\n"
    "    $t =~ s/(\\d+):(\\d+)/$2:$1/g;\n"
    "}\n";

const char programs_lua[] =
    "local n = tonumber(arg[1])\n"
    "for r = 1, 4 do\n"
    "  local t = {}\n"
    "  for i = 1, n do\n"
    "    local k = 'key ' .. i * 7919 % 1009\n"
    "    t[k] = t[k] or {}\n"
    "    t[k][#t[k] + 1] = {i = i, s = ('x'):rep(i % 80), f = function() return i end}\n"
    "  end\n"
    "  local parts = {}\n"
    "  for k, l in pairs(t) do\n"
    "    for _, v in ipairs(l) do parts[#parts + 1] = v.i .. ':' .. #v.s end\n"
    "  end\n"
    "  local s = table.concat(parts, ','):gsub('(%d+):(%d+)', '%2:%1')\n"
    "end\n";

const char programs_node[] =
    "const n = Number(process.argv[2]);\n"
    "for (let r = 0; r < 3; r++) {\n"
    "  const m = new Map();\n"
    "  for (let i = 0; i < n; i++) m.set('key ' + i * 7919 % n, {i, s: 'x'.repeat(i % 50), a: "
    "[i]});\n"
    "  JSON.parse(JSON.stringify([...m]));\n"
    "  const b = [];\n"
    "  for (let i = 0; i < 20000; i++) b.push(Buffer.alloc(i % 3000, i));\n"
    "  Buffer.concat(b);\n"
    "}\n";

const char programs_sqlite[] =
    "CREATE TABLE t AS WITH RECURSIVE c(i) AS\n"
    "  (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < (SELECT n FROM n))\n"
    "  SELECT i, printf('word %d', i * 7919 % 10007) w, i % 97 s, zeroblob(i % 300) d FROM c;\n"
    "CREATE INDEX tw ON t (w);\n"
    "CREATE INDEX ts ON t (s, w);\n"
    "UPDATE t SET w = upper(w) WHERE s % 3 = 0;\n"
    "DELETE FROM t WHERE i % 11 = 0;\n"
    "SELECT s, count(*), sum(length(d)), min(w), max(w) FROM t GROUP BY s ORDER BY 2 DESC, 1;\n"
    "SELECT length(group_concat(w, ',')) FROM (SELECT w FROM t ORDER BY w);\n"
    "SELECT length(json_group_array(json_object('w', w, 's', s))) FROM t;\n";

const char programs_cmake[] =
    "set(list \"\")\n"
    "foreach(i RANGE 1 ${N})\n"
    "  math(EXPR v \"(${i} * 7919) % 1009\")\n"
    "  list(APPEND list \"value ${v}\")\n"
    "  set(name_${v} \"text ${i}\")\n"
    "  string(REGEX REPLACE \"([0-9])([0-9])\" \"\\\\2\\\\1\" text \"${name_${v}}\")\n"
    "endforeach()\n"
    "list(SORT list)\n"
    "list(REMOVE_DUPLICATES list)\n";

const char programs_jq[] =
    "group_by(.v % 97) | map({k: (.[0].v % 97), n: length, ids: (map(.id) | sort), s: (map(.s | "
    "gsub(\"[0-4]\"; \"-\")) | sort), a: (map(.a) | flatten | unique)})";
