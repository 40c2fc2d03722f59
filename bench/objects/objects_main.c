/* SPDX-License-Identifier: MIT */
/*
 * objects_main.c - the objects worker: PART "" times operations through the public C API of a
 * peer, PART "memory" measures bytes per object.
 *
 * The collector is on, as it is for a host, unless a row says otherwise.
 */
#include <string.h>

#include "objects/objects.h"
#include "peers/peer.h"

int
main(int argc, char **argv)
{
    const char *part = worker_start(argc, argv);
    if (strcmp(part, "memory") == 0) {
        objects_memory_run();
        return 0;
    }
    worker_stay_on_round();
    peer_start();
    objects_values_run();
    objects_lists_run();
    objects_dicts_run();
    objects_calls_run();
    objects_trees_run();
    return 0;
}
