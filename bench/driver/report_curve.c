/* SPDX-License-Identifier: MIT */
/*
 * report_curve.c - rows that form a curve: NAME@X, one row for each X.
 *
 * They would swamp the table and the bars, so they have a small table of their own, a line a peer,
 * and a picture with a line for each peer: absolute values, not ratios, because their shape is what
 * they are measured for.
 */
#include <string.h>

#include "driver/report.h"

#define PATH_BYTES 4096
#define CURVES_MAX 16
#define WIDTH      5

/* What the axes of the known curves mean; others get their names. */
static const struct {
    const char *name;
    const char *x;
    const char *y;
} axes[] = {
    {"churn_threads", "threads", "elapsed ns per malloc+free pair of all threads together"},
    {"rss_mb", "step: 0-4 grow, 5-8 free 90 %, 9-13 idle, 14-17 grow, 18-19 free all, 20-24 idle",
     "resident MB; nobody asks for memory to be given back"},
};

struct curve {
    char name[RESULTS_NAME_MAX];
    const char *x, *y;
    const struct results *results;
};

bool
report_is_curve(const struct row *row)
{
    return strchr(row->name, '@') != NULL;
}

static size_t
prefix_length(const struct row *row)
{
    return (size_t)(strchr(row->name, '@') - row->name);
}

static bool
is_point(const struct curve *curve, const struct row *row)
{
    return report_is_curve(row) && prefix_length(row) == strlen(curve->name) &&
           strncmp(row->name, curve->name, prefix_length(row)) == 0;
}

static const char *
point_x(const struct row *row)
{
    return strchr(row->name, '@') + 1;
}

static struct curve
make_curve(const struct results *results, const struct row *row)
{
    struct curve curve = {.results = results};
    memcpy(curve.name, row->name, prefix_length(row));
    curve.x = "x";
    curve.y = row->unit;
    for (size_t i = 0; i < sizeof axes / sizeof axes[0]; i++) {
        if (strcmp(axes[i].name, curve.name) == 0) {
            curve.x = axes[i].x;
            curve.y = axes[i].y;
        }
    }
    return curve;
}

/* The curves of a subject, in the order of their first points; how many. */
static size_t
find_curves(const struct results *results, struct curve *curves)
{
    size_t count = 0;
    for (size_t i = 0; i < results->count; i++) {
        const struct row *row = &results->rows[i];
        bool known = !report_is_curve(row);
        for (size_t c = 0; c < count && !known; c++) {
            known = is_point(&curves[c], row);
        }
        if (!known && count < CURVES_MAX) {
            curves[count++] = make_curve(results, row);
        }
    }
    return count;
}

static bool
has_points(const struct curve *curve, enum peer peer)
{
    for (size_t i = 0; i < curve->results->count; i++) {
        const struct row *row = &curve->results->rows[i];
        if (is_point(curve, row) && results_own(row, peer).rounds > 0) {
            return true;
        }
    }
    return false;
}

/* A line a peer: its values, then its smallest and largest ratio to minipy. */
static void
print_line(FILE *out, const struct curve *curve, enum peer peer)
{
    double least = 0;
    double most = 0;
    (void)fprintf(out, "  %-10s", catalog_peer_name(peer));
    for (size_t i = 0; i < curve->results->count; i++) {
        const struct row *row = &curve->results->rows[i];
        if (is_point(curve, row)) {
            struct summary summary = results_own(row, peer);
            double ratio = results_ratio(curve->results, row, peer);
            (void)fprintf(out, " %*.*f", WIDTH, summary.median < 100 ? 1 : 0, summary.median);
            least = ratio > 0 && (least == 0 || ratio < least) ? ratio : least;
            most = ratio > most ? ratio : most;
        }
    }
    if (peer != PEER_MINIPY && least > 0) {
        (void)fprintf(out, "  %.2f..%.2fx", least, most);
    }
    (void)fprintf(out, "\n");
}

void
report_curve_tables(FILE *out, const struct results *results)
{
    struct curve curves[CURVES_MAX];
    size_t count = find_curves(results, curves);
    for (size_t c = 0; c < count; c++) {
        (void)fprintf(out, "\n%s: %s\nby %s\n  %-10s", curves[c].name, curves[c].y, curves[c].x,
                      "");
        for (size_t i = 0; i < results->count; i++) {
            if (is_point(&curves[c], &results->rows[i])) {
                (void)fprintf(out, " %*s", WIDTH, point_x(&results->rows[i]));
            }
        }
        (void)fprintf(out, "\n");
        for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
            if (has_points(&curves[c], (enum peer)peer)) {
                print_line(out, &curves[c], (enum peer)peer);
            }
        }
    }
    (void)fprintf(out, "%s", count > 0 ? "\n" : "");
}

static int
write_data(const char *path, const struct curve *curve)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    (void)fprintf(file, "x");
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        (void)fprintf(file, "\t%s", catalog_peer_name((enum peer)peer));
    }
    for (size_t i = 0; i < curve->results->count; i++) {
        const struct row *row = &curve->results->rows[i];
        if (!is_point(curve, row)) {
            continue;
        }
        (void)fprintf(file, "\n%s", point_x(row));
        for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
            struct summary summary = results_own(row, (enum peer)peer);
            if (summary.rounds > 0) {
                (void)fprintf(file, "\t%.4f", summary.median);
            } else {
                (void)fprintf(file, "\t?");
            }
        }
    }
    (void)fprintf(file, "\n");
    return fclose(file);
}

static int
write_script(const char *path, const char *base, const struct curve *curve)
{
    const char *separator = "plot";
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    (void)fprintf(file, "if (ARG1 eq 'png') {\n    set terminal pngcairo size 900,520 "
                        "background rgb 'white' noenhanced font 'sans,11'\n} else {\n"
                        "    set terminal svg size 900,520 background rgb 'white' noenhanced "
                        "font 'sans,13'\n}\n");
    (void)fprintf(file,
                  "set output '%s.'.ARG1\nset title \"%s: %s\\nlower is better\"\n"
                  "set xlabel '%s'\nset yrange [0:*]\nset datafile separator '\\t'\n"
                  "set datafile missing '?'\nset grid lt 1 lc rgb '#cccccc'\n"
                  "set xtics 1\nset key outside top right\n",
                  base, curve->name, curve->y, curve->x);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        if (has_points(curve, (enum peer)peer)) {
            (void)fprintf(file, "%s '%s.dat' skip 1 using 1:%u title '%s' with linespoints %s",
                          separator, base, peer + 2, catalog_peer_name((enum peer)peer),
                          report_peer_style((enum peer)peer));
            separator = ",";
        }
    }
    (void)fprintf(file, "\n");
    return fclose(file);
}

static int
plot_curve(const char *directory, const struct curve *curve)
{
    char base[PATH_BYTES];
    char data[PATH_BYTES + 8];
    char script[PATH_BYTES + 8];
    (void)snprintf(base, sizeof base, "%s/bench-%s-%s", directory, curve->results->subject->name,
                   curve->name);
    (void)snprintf(data, sizeof data, "%s.dat", base);
    (void)snprintf(script, sizeof script, "%s.gp", base);
    if (write_data(data, curve) != 0 || write_script(script, base, curve) != 0) {
        (void)fprintf(stderr, "minipy-bench: cannot write %s\n", base);
        return -1;
    }
    return report_run_gnuplot(script, "svg") != 0 || report_run_gnuplot(script, "png") != 0 ? -1
                                                                                            : 0;
}

int
report_curve_plots(const char *directory, const struct results *results)
{
    struct curve curves[CURVES_MAX];
    size_t count = find_curves(results, curves);
    for (size_t c = 0; c < count; c++) {
        if (plot_curve(directory, &curves[c]) != 0) {
            (void)fprintf(stderr, "minipy-bench: no plot of %s\n", curves[c].name);
            return -1;
        }
    }
    return 0;
}
