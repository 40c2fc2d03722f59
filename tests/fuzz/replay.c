/* SPDX-License-Identifier: MIT */
/*
 * fuzz/replay.c - runs a fuzz target over files, and every file of folders, without libFuzzer.
 *
 *   replay_x PATH..
 *
 * An input that fails aborts the program; its name is the last one on stderr.
 */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST = 1 << 16 };

static int
run_file(const char *name)
{
    static uint8_t data[MOST];
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        perror(name);
        return -1;
    }
    size_t size = fread(data, 1, sizeof data, file);
    int failed = ferror(file) || !feof(file);
    (void)fclose(file);
    if (failed) {
        (void)fprintf(stderr, "%s: cannot be read, or is too long\n", name);
        return -1;
    }
    (void)fprintf(stderr, "%s\n", name);
    /* A copy of just this size, so that a read beyond it is found. */
    uint8_t *copy = malloc(size + (size == 0));
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

/* Number of files run; -1 when one could not be. */
static int
run_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    int done = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int n = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && done >= 0) {
            done = n < (int)sizeof path && run_file(path) == 0 ? done + 1 : -1;
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return count < 0 ? -1 : done;
}

int
main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat info;
        int folder = stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode);
        int done = folder ? run_folder(argv[i]) : run_file(argv[i]) + 1;
        if (done < (folder ? 0 : 1)) {
            return EXIT_FAILURE;
        }
        total += done;
    }
    printf("%d inputs\n", total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
