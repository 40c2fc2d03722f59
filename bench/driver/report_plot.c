/* SPDX-License-Identifier: MIT */
/*
 * report_plot.c - a picture of one subject: grouped bars, a group per row, a bar per peer.
 *
 * A bar's height is log2(peer / minipy) with an axis labelled in times, so that "twice as fast" and
 * "twice as slow" are equally tall and a bar below the line at 1x shows where minipy loses. The
 * data file has the same numbers as the table; the gnuplot script stays beside it.
 */
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/report.h"

#define PATH_BYTES 4096
#define FARTHEST   7 /* 128x: one extreme row must not flatten all others */

static const char *const colours[PEER_COUNT] = {
    [PEER_MINIPY] = "#222222",   [PEER_GLIBC] = "#4e79a7",    [PEER_JEMALLOC] = "#f28e2b",
    [PEER_MIMALLOC] = "#59a14f", [PEER_TCMALLOC] = "#b07aa1", [PEER_CPYTHON] = "#e15759",
};

struct plot {
    const struct results *results;
    bool peers[PEER_COUNT]; /* which have a ratio in any row */
    size_t rows;            /* rows with a ratio */
    unsigned bars;          /* peers that are drawn */
    double highest, lowest; /* of the bars, in powers of two */
};

static bool
row_is_plotted(const struct results *results, const struct row *row)
{
    enum peer peer;
    return !report_is_curve(row) && results_best_ratio(results, row, &peer) > 0;
}

static struct plot
measure_plot(const struct results *results)
{
    struct plot plot = {.results = results};
    for (size_t i = 0; i < results->count; i++) {
        plot.rows += row_is_plotted(results, &results->rows[i]) ? 1 : 0;
        for (unsigned peer = PEER_MINIPY + 1; peer < PEER_COUNT; peer++) {
            double ratio = results_ratio(results, &results->rows[i], (enum peer)peer);
            if (ratio > 0 && !report_is_curve(&results->rows[i])) {
                plot.peers[peer] = true;
                plot.highest = fmax(plot.highest, log2(ratio));
                plot.lowest = fmin(plot.lowest, log2(ratio));
            }
        }
    }
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        plot.bars += plot.peers[peer] ? 1 : 0;
    }
    return plot;
}

static int
write_data(const char *path, const struct plot *plot)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    (void)fprintf(file, "row");
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (plot->peers[peer]) {
            (void)fprintf(file, "\t%s", catalog_peer_name((enum peer)peer));
        }
    }
    for (size_t i = 0; i < plot->results->count; i++) {
        const struct row *row = &plot->results->rows[i];
        if (!row_is_plotted(plot->results, row)) {
            continue;
        }
        (void)fprintf(file, "\n%s", row->name);
        for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
            double ratio = results_ratio(plot->results, row, (enum peer)peer);
            if (plot->peers[peer] && ratio > 0) {
                (void)fprintf(file, "\t%.4f", ratio);
            } else if (plot->peers[peer]) {
                (void)fprintf(file, "\t?");
            }
        }
    }
    (void)fprintf(file, "\n");
    return fclose(file);
}

/* Labels "1/4x", "1x", "4x" at powers of two, up to FARTHEST: bars beyond are cut off there. */
static void
write_axis(FILE *file, const struct plot *plot)
{
    int from = (int)fmax(floor(plot->lowest - .25), -FARTHEST);
    int to = (int)fmin(ceil(plot->highest + .25), FARTHEST);
    (void)fprintf(file, "set yrange [%d:%d]\nset ytics (", from, to);
    for (int power = from; power <= to; power++) {
        (void)fprintf(file, power < 0 ? "%s\"1/%.0fx\" %d" : "%s\"%.0fx\" %d",
                      power == from ? "" : ", ", exp2(power < 0 ? -power : power), power);
    }
    (void)fprintf(file, ")\n");
}

static int
write_script(const char *path, const char *base, const struct plot *plot)
{
    unsigned width = 200 + (unsigned)plot->rows * (plot->bars * 10 + 22);
    unsigned column = 2;
    const char *separator = "plot";
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    width = width < 800 ? 800 : width;
    (void)fprintf(file,
                  "if (ARG1 eq 'png') {\n    set terminal pngcairo size %u,620 "
                  "background rgb 'white' noenhanced font 'sans,11'\n} else {\n",
                  width);
    (void)fprintf(file,
                  "    set terminal svg size %u,620 background rgb 'white' noenhanced "
                  "font 'sans,13'\n}\n",
                  width);
    (void)fprintf(file, "set output '%s.'.ARG1\n", base);
    (void)fprintf(file,
                  "set title \"libminipy against its peers: %s\\n"
                  "peer's figure divided by libminipy's; above 1x libminipy is better%s\"\n",
                  plot->results->subject->title,
                  fmax(plot->highest, -plot->lowest) > FARTHEST
                      ? "; bars that end at the frame go beyond it"
                      : "");
    (void)fprintf(
        file, "set ylabel 'peer / libminipy'\nset datafile separator '\\t'\n"
              "set datafile missing '?'\nset style data histograms\n"
              "set style histogram clustered gap 1\n"
              "set style fill solid 0.9 noborder\nset boxwidth 0.95\n"
              "set grid ytics back lt 1 lc rgb '#cccccc'\nset xtics rotate by 45 right scale 0\n"
              "set key outside top right\nset arrow 1 from graph 0, first 0 "
              "to graph 1, first 0 nohead lw 2 lc rgb '#222222' front\n");
    write_axis(file, plot);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (plot->peers[peer]) {
            (void)fprintf(file,
                          "%s '%s.dat' skip 1 using (log($%u)/log(2)):xtic(1) title '%s' "
                          "lc rgb '%s'",
                          separator, base, column, catalog_peer_name((enum peer)peer),
                          colours[peer]);
            separator = ",";
            column++;
        }
    }
    (void)fprintf(file, "\n");
    return fclose(file);
}

const char *
report_peer_style(enum peer peer)
{
    static char style[64];
    (void)snprintf(style, sizeof style, "lw %d pt 7 ps 0.6 lc rgb '%s'",
                   peer == PEER_MINIPY ? 3 : 1, colours[peer]);
    return style;
}

int
report_run_gnuplot(const char *script, const char *format)
{
    int status = -1;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)execlp("gnuplot", "gnuplot", "-c", script, format, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) {
        return -1;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int
report_plot(const char *directory, const struct results *results)
{
    char base[PATH_BYTES];
    char data[PATH_BYTES + 8];
    char script[PATH_BYTES + 8];
    struct plot plot = measure_plot(results);
    if (plot.rows == 0) {
        return 0;
    }
    (void)snprintf(base, sizeof base, "%s/bench-%s", directory, results->subject->name);
    (void)snprintf(data, sizeof data, "%s.dat", base);
    (void)snprintf(script, sizeof script, "%s.gp", base);
    if (write_data(data, &plot) != 0 || write_script(script, base, &plot) != 0) {
        (void)fprintf(stderr, "minipy-bench: cannot write %s\n", base);
        return -1;
    }
    if (report_run_gnuplot(script, "svg") != 0 || report_run_gnuplot(script, "png") != 0) {
        (void)fprintf(stderr, "minipy-bench: gnuplot is missing or failed: no plot of %s\n",
                      results->subject->name);
        return -1;
    }
    return 0;
}
