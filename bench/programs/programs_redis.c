/* SPDX-License-Identifier: MIT */
/*
 * programs_redis.c - redis-server under load of redis-benchmark, over a socket in the folder.
 *
 * Rows: redis-server is the time that the client takes for all requests, redis-server_rss the peak
 * of the server, which holds what the requests left.
 */
#include "programs/programs.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker.h"

#define SOCKET_NAME "redis.sock"

static void
wait_for_socket(pid_t server)
{
    for (int i = 0; i < 1000 && access(SOCKET_NAME, R_OK) != 0; i++) {
        worker_sleep_us(10000);
    }
    if (access(SOCKET_NAME, R_OK) != 0) {
        (void)kill(server, SIGKILL);
        worker_fail("redis-server does not answer");
    }
}

void
programs_redis(void)
{
    static const char *const server[] = {"redis-server", "--port", "0", "--unixsocket",
                                         SOCKET_NAME,    "--save", "",  "--appendonly",
                                         "no",           NULL};
    static const char *const stop[] = {"redis-cli", "-s", SOCKET_NAME, "SHUTDOWN", "NOSAVE", NULL};
    char count[32];
    (void)snprintf(count, sizeof count, "%zu", worker_count(100000, 10000));
    const char *const load[] = {"redis-benchmark",
                                "-s",
                                SOCKET_NAME,
                                "-q",
                                "-n",
                                count,
                                "-r",
                                "100000",
                                "-P",
                                "16",
                                "-d",
                                "200",
                                "-t",
                                "set,get,lpush,hset",
                                NULL};
    if (!programs_have("redis-server") || !programs_have("redis-benchmark") ||
        !programs_have("redis-cli")) {
        return;
    }
    pid_t pid = programs_start(server, NULL);
    wait_for_socket(pid);
    (void)programs_run(load, NULL);
    (void)programs_run(stop, NULL);
    programs_emit("redis-server", programs_wait(pid, server[0]));
}
