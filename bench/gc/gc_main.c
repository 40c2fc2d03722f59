/* SPDX-License-Identifier: MIT */
/*
 * gc_main.c - the collector worker: cost of full and young collections, and what the collector
 * costs a program that allocates.
 *
 * Nodes are collectable objects with three references in a C struct: a host type on either peer.
 */
#include "gc/gc.h"

int
main(int argc, char **argv)
{
    (void)worker_start(argc, argv);
    worker_stay_on_round();
    gc_full_run();
    gc_young_run();
    gc_growth_run();
    return 0;
}
