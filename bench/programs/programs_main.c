/* SPDX-License-Identifier: MIT */
/*
 * programs_main.c - Debian's programs at work under the allocator that is preloaded.
 *
 * Rows: <program> is the time of processors that it took, in ms (user and system, its children
 * included; of redis the server's alone), <program>_rss the peak of its resident memory in MiB. All
 * programs of a round run on one core. Wall time said more of the machine's neighbours than of
 * allocators. Each does what such a program is used for, for about half a second; Python runs with
 * PYTHONMALLOC=malloc, since its own pools would hide the allocator.
 */
#include "programs/programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker.h"

#define INPUT "input"

struct program_row {
    const char *name;
    const char *text;  /* the script, or what the input is made of */
    size_t operations; /* of a full run; the script gets the number */
    void (*run)(const struct program_row *row);
};

static char count_text[32];

static const char *
count_of(const struct program_row *row)
{
    (void)snprintf(count_text, sizeof count_text, "%zu", worker_count(row->operations, 100));
    return count_text;
}

/* program INPUT COUNT */
static void
run_script(const struct program_row *row)
{
    programs_write(INPUT, row->text);
    const char *const arguments[] = {row->name, INPUT, count_of(row), NULL};
    programs_emit(row->name, programs_run(arguments, NULL));
}

/* cmake -D N=COUNT -P INPUT */
static void
run_cmake(const struct program_row *row)
{
    char define[48];
    (void)snprintf(define, sizeof define, "-DN=%s", count_of(row));
    programs_write(INPUT, row->text);
    const char *const arguments[] = {"cmake", define, "-P", INPUT, NULL};
    programs_emit(row->name, programs_run(arguments, NULL));
}

/* The text with the count in front, on standard input. */
static void
run_sqlite(const struct program_row *row)
{
    char script[4096];
    (void)snprintf(script, sizeof script, "CREATE TABLE n AS SELECT %s AS n;\n%s", count_of(row),
                   row->text);
    programs_write(INPUT, script);
    static const char *const arguments[] = {"sqlite3", ":memory:", NULL};
    programs_emit(row->name, programs_run(arguments, INPUT));
}

/* A file of COUNT pieces made by a format that takes a number twice. */
static void
write_pieces(const struct program_row *row, const char *head, const char *tail,
             void (*piece)(FILE *file, size_t i))
{
    size_t n = worker_count(row->operations, 100);
    FILE *file = fopen(INPUT, "w");
    if (file == NULL || fputs(head, file) < 0) {
        worker_fail("cannot write a file below /tmp");
    }
    for (size_t i = 0; i < n; i++) {
        piece(file, i);
    }
    if (fputs(tail, file) < 0 || fclose(file) != 0) {
        worker_fail("cannot write a file below /tmp");
    }
}

static void
json_piece(FILE *file, size_t i)
{
    (void)fprintf(file, "%s{\"id\":%zu,\"v\":%zu,\"s\":\"text %zu\",\"a\":[%zu,%zu]}",
                  i == 0 ? "" : ",", i, i * 7919 % 1009, i, i % 7, i % 11);
}

static void
run_jq(const struct program_row *row)
{
    write_pieces(row, "[", "]", json_piece);
    const char *const arguments[] = {"jq", "-c", row->text, INPUT, NULL};
    programs_emit(row->name, programs_run(arguments, NULL));
}

static void
c_piece(FILE *file, size_t i)
{
    (void)fprintf(
        file,
        "struct s%zu { struct s%zu *next; int v[%zu]; };\n"
        "int f%zu(struct s%zu *p, int n) { int t = %zu; for (; p; p = p->next)\n"
        "for (int i = 0; i < n %% %zu; i++) { t += p->v[i] * (i ^ n); if (t & 8) t = -t;\n"
        "switch (t %% 5) { case 0: t++; break; case 1: n--; break; default: t ^= i; } }\n"
        "return t; }\n",
        i, i, i % 50 + 1, i, i, i, i % 50 + 1);
}

static void
run_gcc(const struct program_row *row)
{
    write_pieces(row, "", "", c_piece);
    static const char *const arguments[] = {"gcc", "-O2",       "-x",  "c", "-S",
                                            "-o",  "/dev/null", INPUT, NULL};
    programs_emit(row->name, programs_run(arguments, NULL));
}

/* A repository of COUNT files in ten commits, packed from nothing. */
static void
run_git(const struct program_row *row)
{
    static const char *const init[] = {"git", "init", "-q", "repository", NULL};
    static const char *const import[] = {"git", "-C", "repository", "fast-import", "--quiet", NULL};
    static const char *const pack[] = {"git",   "-C",         "repository",  "repack",
                                       "-adfq", "--depth=50", "--window=50", NULL};
    size_t n = worker_count(row->operations, 100);
    FILE *file = fopen(INPUT, "w");
    if (file == NULL) {
        worker_fail("cannot write a file below /tmp");
    }
    for (size_t commit = 0; commit < 10; commit++) {
        (void)fprintf(file,
                      "commit refs/heads/main\ncommitter A <a@example.org> %zu +0000\n"
                      "data 1\nx\n",
                      1600000000 + commit);
        for (size_t i = 0; i < n; i++) {
            char text[6000];
            int length = 0;
            for (size_t line = 0; line < 40 + i % 60; line++) {
                length += snprintf(text + length, sizeof text - (size_t)length,
                                   "line %zu of file %zu in commit %zu\n", line * 7919 % 1009, i,
                                   line % 11 == commit ? commit : 0);
            }
            (void)fprintf(file, "M 644 inline d%zu/f%zu\ndata %d\n%s\n", i % 20, i, length, text);
        }
    }
    if (fclose(file) != 0) {
        worker_fail("cannot write a file below /tmp");
    }
    (void)programs_run(init, NULL);
    (void)programs_run(import, INPUT);
    programs_emit(row->name, programs_run(pack, NULL));
}

static const struct program_row rows[] = {
    {"python3.11", programs_python, 30000, run_script},
    {"perl", programs_perl, 40000, run_script},
    {"lua5.4", programs_lua, 40000, run_script},
    {"node", programs_node, 40000, run_script},
    {"sqlite3", programs_sqlite, 80000, run_sqlite},
    {"jq", programs_jq, 12000, run_jq},
    {"gcc", NULL, 120, run_gcc},
    {"cmake", programs_cmake, 8000, run_cmake},
    {"git", NULL, 200, run_git},
};

/* The row itself or its memory. */
static bool
is_wanted(const char *name)
{
    char memory[64];
    (void)snprintf(memory, sizeof memory, "%s_rss", name);
    return worker_wants(name) || worker_wants(memory);
}

int
main(int argc, char **argv)
{
    (void)worker_start(argc, argv);
    worker_stay_on_round();
    (void)setenv("PYTHONMALLOC", "malloc", 1);
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    (void)setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (is_wanted(rows[i].name) && programs_have(rows[i].name)) {
            programs_enter();
            rows[i].run(&rows[i]);
            programs_leave();
        }
    }
    if (is_wanted("redis-server")) {
        programs_enter();
        programs_redis();
        programs_leave();
    }
    return 0;
}
