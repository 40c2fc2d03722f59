/* SPDX-License-Identifier: MIT */
/*
 * report_json.c - results in the JSON schema of Google Benchmark, for tools that read it.
 *
 * One entry per subject, row and peer, named "subject/row/peer": the median over the rounds in
 * real_time and cpu_time, with time_unit "ns", "us" or "ms". Rows that are no times (bytes, ratios)
 * have time_unit "ns" because the schema demands one; the field "unit" has the true unit of every
 * entry. "min", "max" and "samples" are extra.
 */
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench_config.h"
#include "driver/report.h"

static bool
is_time_unit(const char *unit)
{
    return strcmp(unit, "ns") == 0 || strcmp(unit, "us") == 0 || strcmp(unit, "ms") == 0;
}

static json_t *
make_context(void)
{
    char host[256] = "";
    char date[64] = "";
    struct tm local;
    time_t now = time(NULL);
    (void)gethostname(host, sizeof host - 1);
    if (localtime_r(&now, &local) != NULL) {
        (void)strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S%z", &local);
    }
    return json_pack(
        "{s:s, s:s, s:s, s:I, s:s, s:i}", "date", date, "host_name", host, "executable",
        "minipy-bench", "num_cpus", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "library_build_type",
        strcmp(BENCH_BUILD_TYPE, "Debug") == 0 ? "debug" : "release", "json_schema_version", 1);
}

static json_t *
make_entry(const struct results *results, const struct row *row, enum peer peer)
{
    char name[128];
    struct summary summary = results_own(row, peer);
    (void)snprintf(name, sizeof name, "%s/%s/%s", results->subject->name, row->name,
                   catalog_peer_name(peer));
    json_t *samples = json_array();
    for (size_t i = 0; i < row->samples[peer].count; i++) {
        (void)json_array_append_new(samples, json_real(row->samples[peer].values[i]));
    }
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:f, s:f, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:o}", "name",
        name, "run_name", name, "run_type", "aggregate", "aggregate_name", "median", "repetitions",
        (json_int_t)summary.rounds, "iterations", (json_int_t)summary.rounds, "real_time",
        summary.median, "cpu_time", summary.median, "time_unit",
        is_time_unit(row->unit) ? row->unit : "ns", "unit", row->unit, "subject",
        results->subject->name, "workload", row->name, "peer", catalog_peer_name(peer), "min",
        summary.least, "max", summary.most, "samples", samples);
}

static int
add_entries(json_t *entries, const struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
            if (results->rows[i].samples[peer].count > 0 &&
                json_array_append_new(
                    entries, make_entry(results, &results->rows[i], (enum peer)peer)) != 0) {
                return -1;
            }
        }
    }
    return 0;
}

int
report_json(const char *path, const struct results *results, size_t count)
{
    int failed = 0;
    json_t *entries = json_array();
    for (size_t i = 0; i < count && failed == 0; i++) {
        failed = add_entries(entries, &results[i]);
    }
    json_t *root = json_pack("{s:o, s:o}", "context", make_context(), "benchmarks", entries);
    if (root == NULL || failed != 0 || json_dump_file(root, path, JSON_INDENT(2)) != 0) {
        (void)fprintf(stderr, "minipy-bench: cannot write %s\n", path);
        failed = -1;
    }
    json_decref(root);
    return failed;
}
