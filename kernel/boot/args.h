/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trusted copy of what the host passed at start-up (abi/host/start.h), taken apart and bounded.
 * The words are still the host's: whether one is used at all, the measured configuration decides.
 */
#ifndef KERNEL_BOOT_ARGS_H
#define KERNEL_BOOT_ARGS_H

#include "abi/host/start.h"
#include "kernel/types.h"

struct boot_args {
    uint32_t flags; /* HOST_FLAG_* */
    uint32_t ncpu;
    char **argv;   /* NULL-terminated; empty when the host gave none */
    char **envp;   /* NULL-terminated */
    char *cwd;     /* "" when not given */
    char *program; /* "" when not given */
    char *trace;   /* "" : all calls */
    char *hostname;
    uint32_t uid, gid, umask;
    int control_fd;
    int link_fd;         /* with HOST_FLAG_SATELLITE */
    uint32_t satellites; /* that may be asked for, <= SATELLITE_MAX; none in a satellite */
    haddr_t side;        /* leaf hashes, in untrusted memory */
    size_t side_len;
    haddr_t table; /* of files, likewise */
    size_t table_len;
    struct host_clock clock;
};

/* Copies and checks; panics with what is wrong. Needs the heap. */
void boot_args_take(const struct host_start *s);

#endif
