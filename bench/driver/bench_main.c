/* SPDX-License-Identifier: MIT */
/*
 * bench_main.c - minipy-bench: runs the workers of all installed peers and reports.
 *
 * Rounds are interleaved: round 1 of every peer, then round 2 of every peer, and so on, so that a
 * machine that slows down meanwhile slows all peers alike. Only ratios taken in one run count.
 *
 * Exit status: 0 measured (missed targets included), 1 a worker failed or a file could not be
 * written, 2 wrong arguments, 3 a peer is absent and --require-peers was given.
 */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/report.h"
#include "driver/runner.h"

#define MAX_SUBJECTS    8
#define ROUNDS          5
#define TIMEOUT_SECONDS 600

static const char usage[] =
    "minipy-bench [SUBJECT...] [options]\n"
    "\n"
    "  subjects: alloc objects gc lock memory, which is the default, and programs; alloc\n"
    "  brings programs along, unless --quick, --filter or --peers narrows it\n"
    "\n"
    "  --quick           fewer rounds, smaller counts\n"
    "  --rounds N        rounds to run and take medians over (5; 3 with --quick, 1 for memory)\n"
    "  --peers A,B       only these peers, e.g. minipy,glibc\n"
    "  --filter TEXT     only rows whose name contains TEXT\n"
    "  --json FILE       also write the medians in Google Benchmark's JSON schema\n"
    "  --out DIR         where plots and their data go (build/bench)\n"
    "  --no-plot         no plots\n"
    "  --require-peers   fail when a peer or gnuplot is absent\n"
    "  --list            say what would run, and stop\n";

struct options {
    const struct subject *subjects[MAX_SUBJECTS];
    size_t subject_count;
    size_t rounds;
    const char *peers; /* comma-separated, or NULL */
    const char *json;
    const char *out;
    bool plot;
    bool require_peers;
    bool list;
    struct runner_options runner;
};

struct receiver {
    struct results *results;
    enum peer peer;
};

static int
fail_usage(const char *what)
{
    (void)fprintf(stderr, "minipy-bench: %s\n\n%s", what, usage);
    return 2;
}

static bool
parse_flag(struct options *options, const char *argument)
{
    if (strcmp(argument, "--quick") == 0) {
        options->runner.quick = true;
    } else if (strcmp(argument, "--no-plot") == 0) {
        options->plot = false;
    } else if (strcmp(argument, "--require-peers") == 0) {
        options->require_peers = true;
    } else if (strcmp(argument, "--list") == 0) {
        options->list = true;
    } else {
        return false;
    }
    return true;
}

static bool
parse_value(struct options *options, const char *argument, const char *value)
{
    if (strcmp(argument, "--rounds") == 0) {
        char *end;
        options->rounds = strtoul(value, &end, 10);
        return *end == '\0' && options->rounds >= 1 && options->rounds <= RESULTS_MAX_ROUNDS;
    }
    if (strcmp(argument, "--peers") == 0) {
        options->peers = value;
    } else if (strcmp(argument, "--filter") == 0) {
        options->runner.filter = value;
    } else if (strcmp(argument, "--json") == 0) {
        options->json = value;
    } else if (strcmp(argument, "--out") == 0) {
        options->out = value;
    } else {
        return false;
    }
    return true;
}

static bool
check_peers(const char *list)
{
    char copy[256];
    char *rest = copy;
    const char *name;
    (void)snprintf(copy, sizeof copy, "%s", list == NULL ? "minipy" : list);
    while ((name = strsep(&rest, ",")) != NULL) {
        if (catalog_find_peer(name) == PEER_COUNT) {
            return false;
        }
    }
    return true;
}

static bool
is_chosen(const struct options *options, const struct subject *subject)
{
    for (size_t i = 0; i < options->subject_count; i++) {
        if (options->subjects[i] == subject) {
            return true;
        }
    }
    return false;
}

/* What was not named: all that need not be; and, beside the allocator's own rows in full, what its
   preload library does for programs. */
static void
choose_subjects(struct options *options)
{
    const struct subject *programs = catalog_find_subject("programs");
    if (options->subject_count == 0) {
        for (size_t i = 0; i < catalog_subject_count; i++) {
            if (!catalog_subjects[i].when_named) {
                options->subjects[options->subject_count++] = &catalog_subjects[i];
            }
        }
    } else if (is_chosen(options, catalog_find_subject("alloc")) && !is_chosen(options, programs) &&
               !options->runner.quick && options->runner.filter == NULL && options->peers == NULL &&
               options->subject_count < MAX_SUBJECTS) {
        options->subjects[options->subject_count++] = programs;
    }
}

/* 0, or the exit status. */
static int
parse_arguments(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct subject *subject = catalog_find_subject(argv[i]);
        if (strcmp(argv[i], "--help") == 0) {
            (void)fputs(usage, stdout);
            exit(0);
        }
        if (subject != NULL && options->subject_count < MAX_SUBJECTS) {
            options->subjects[options->subject_count++] = subject;
        } else if (!parse_flag(options, argv[i])) {
            if (i + 1 >= argc || !parse_value(options, argv[i], argv[i + 1])) {
                return fail_usage(argv[i]);
            }
            i++;
        }
    }
    if (!check_peers(options->peers)) {
        return fail_usage("no such peer");
    }
    choose_subjects(options);
    return 0;
}

static bool
peer_is_wanted(const struct options *options, enum peer peer)
{
    char copy[256];
    char *rest = copy;
    const char *name;
    if (options->peers == NULL) {
        return true;
    }
    (void)snprintf(copy, sizeof copy, "%s", options->peers);
    while ((name = strsep(&rest, ",")) != NULL) {
        if (catalog_find_peer(name) == peer) {
            return true;
        }
    }
    return false;
}

static bool
program_is_wanted(const struct options *options, const struct program *program,
                  const struct subject *subject)
{
    return strcmp(program->subject, subject->name) == 0 && peer_is_wanted(options, program->peer);
}

/* Says which programs cannot run; returns how many. */
static size_t
report_absent(const struct options *options)
{
    size_t absent = 0;
    for (size_t s = 0; s < options->subject_count; s++) {
        for (size_t i = 0; i < catalog_program_count; i++) {
            const struct program *program = &catalog_programs[i];
            char buffer[512];
            if (!program_is_wanted(options, program, options->subjects[s])) {
                continue;
            }
            const char *why = runner_absent(&options->runner, program, buffer, sizeof buffer);
            if (why != NULL) {
                (void)fprintf(stderr, "minipy-bench: ABSENT: %s of %s: %s\n", program->subject,
                              catalog_peer_name(program->peer), why);
                absent++;
            } else if (options->list) {
                printf("%s\t%s\t%s %s\n", program->subject, catalog_peer_name(program->peer),
                       program->worker, program->part);
            }
        }
    }
    return absent;
}

static void
show_progress(const struct subject *subject, size_t round, size_t rounds, const char *peer)
{
    if (isatty(STDERR_FILENO)) {
        if (peer == NULL) {
            (void)fprintf(stderr, "\r\033[K");
        } else {
            (void)fprintf(stderr, "\r\033[K%s: round %zu of %zu, %s", subject->name, round, rounds,
                          peer);
        }
        (void)fflush(stderr);
    }
}

static int
receive_row(void *data, const char *row, double value, const char *unit)
{
    const struct receiver *receiver = data;
    return results_add(receiver->results, receiver->peer, row, value, unit);
}

/* The program that is the i-th of a round: two rounds forwards, two backwards, so that nobody is
   always the first on a core that was idle. */
static size_t
turn(size_t round, size_t i)
{
    return round / 2 % 2 == 0 ? i : catalog_program_count - 1 - i;
}

/* Number of worker runs that failed. */
static size_t
measure(const struct options *options, struct results *results)
{
    const struct subject *subject = results->subject;
    size_t rounds = options->rounds;
    size_t failures = 0;
    if (rounds == 0) {
        rounds = options->runner.quick ? subject->rounds_quick : ROUNDS;
    }
    for (size_t round = 1; round <= rounds; round++) {
        for (size_t i = 0; i < catalog_program_count; i++) {
            const struct program *program = &catalog_programs[turn(round, i)];
            char buffer[512];
            if (!program_is_wanted(options, program, subject) ||
                runner_absent(&options->runner, program, buffer, sizeof buffer) != NULL) {
                continue;
            }
            struct receiver receiver = {results, program->peer};
            struct runner_options runner = options->runner;
            runner.round = round;
            show_progress(subject, round, rounds, catalog_peer_name(program->peer));
            if (runner_run(&runner, program, receive_row, &receiver) != 0) {
                failures++;
            }
        }
    }
    show_progress(subject, 0, 0, NULL);
    if (results_add_geometric_mean(results) != 0) {
        failures++;
    }
    return failures;
}

/* Creates a folder and those above it. */
static int
make_directories(const char *path)
{
    char copy[4096];
    (void)snprintf(copy, sizeof copy, "%s", path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0777);
        *slash = '/';
    }
    return mkdir(copy, 0777) == 0 || errno == EEXIST ? 0 : -1;
}

static const char *
own_directory(char *buffer, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", buffer, size - 1);
    if (length < 0) {
        return ".";
    }
    buffer[length] = '\0';
    return dirname(buffer);
}

int
main(int argc, char **argv)
{
    static struct results results[MAX_SUBJECTS];
    char directory[4096];
    size_t failures = 0;
    struct options options = {.out = "build/bench", .plot = true};
    options.runner.timeout_seconds = TIMEOUT_SECONDS;
    options.runner.directory = own_directory(directory, sizeof directory);
    int status = parse_arguments(&options, argc, argv);
    if (status != 0) {
        return status;
    }
    size_t absent = report_absent(&options);
    if (absent > 0 && options.require_peers) {
        return 3;
    }
    if (options.list) {
        return 0;
    }
    if (options.plot && make_directories(options.out) != 0) {
        (void)fprintf(stderr, "minipy-bench: cannot create %s\n", options.out);
        return 1;
    }
    for (size_t i = 0; i < options.subject_count; i++) {
        results_init(&results[i], options.subjects[i]);
        failures += measure(&options, &results[i]);
        (void)report_table(stdout, &results[i]);
        (void)fflush(stdout);
        failures += options.plot && report_plot(options.out, &results[i]) != 0;
        failures += options.plot && report_curve_plots(options.out, &results[i]) != 0;
    }
    failures += options.json != NULL && report_json(options.json, results, options.subject_count);
    for (size_t i = 0; i < options.subject_count; i++) {
        results_free(&results[i]);
    }
    return failures == 0 ? 0 : 1;
}
