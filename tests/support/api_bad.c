/* SPDX-License-Identifier: MIT */
/*
 * support/api_bad.c - see support/api_bad.h. Memory is compared around the second call: the first
 * one may fill caches. The text of a MemoryError is made in advance and names nothing.
 */
#include "support/api_bad.h"

#include <string.h>

static void
check(struct api_world *w, const struct api_bad *b, unsigned *faults)
{
    char text[MPY_ERR_TEXT_MAX + 1];
    for (int turn = 0; turn < 2; turn++) {
        ptrdiff_t blocks = mpy_mem_allocated_blocks(w->rt);
        ptrdiff_t mem = mpy_mem_allocated_blocks(NULL);
        int result = b->call(w);
        int code = api_take_error(text, sizeof text);
        const char *name = strstr(text, b->function);
        if (result != API_FAILED || (code != b->code && (code != b->other || code == 0))) {
            (*faults)++;
            print_error("%s(%s): result %d, error %d instead of %d: %s\n", b->function, b->how,
                        result, code, b->code, text);
        } else if (code != MPY_EXC_MEMORY_ERROR && (name == NULL || name != text)) {
            (*faults)++;
            print_error("%s(%s): the text does not name the function: %s\n", b->function, b->how,
                        text);
        }
        if (turn == 1 &&
            (mpy_mem_allocated_blocks(w->rt) != blocks || mpy_mem_allocated_blocks(NULL) != mem)) {
            (*faults)++;
            print_error("%s(%s): blocks changed by %td and %td\n", b->function, b->how,
                        mpy_mem_allocated_blocks(w->rt) - blocks,
                        mpy_mem_allocated_blocks(NULL) - mem);
        }
    }
}

void
api_check_bad(struct api_world *world, const struct api_bad *table)
{
    unsigned faults = 0;
    for (; table->function != NULL; table++) {
        check(world, table, &faults);
    }
    assert_int_equal(faults, 0);
}
