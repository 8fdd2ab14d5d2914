/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all rooms of the kernel share: facts about this enclave, fixed at boot, and the few
 * functions that everything uses.  State of one room alone is static in its file, with its lock beside it.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "abi/host/layout.h"
#include "kernel/sched/lock.h"
#include "kernel/types.h"
#include "lib/list.h"

struct config;
struct process;

struct kernel {
    const struct enclave_params *params; /* [I] measured */
    const struct config *config;         /* [I] measured and checked; read with lib/config.h */
    const void *config_blob;             /* [I] */
    size_t config_len;                   /* [I] */
    struct boot_args *boot_args; /* [I] trusted copy of what the host passed: argv, env … (boot/) */
    uint64_t xfrm;               /* [I] state components enabled in SECS.ATTRIBUTES.XFRM */
    size_t xsave_size;           /* [I] of a save area for xfrm, standard format (signal frames) */
    size_t xstate_size;          /* [I] an upper bound for any format: the SSA frame */
    bool trace;                  /* [I] trace system calls */
    bool cpu_split;              /* [a] some process's time is told apart; sched/cputime.h */
    bool satellite;              /* [I] this enclave is one; satellite/ */
    bool stats;                  /* [I] --stats */
    uint32_t hwcap2;             /* [I] AT_HWCAP2 for programs */
    bool quiet;                  /* [I] -q */
    bool debug_enclave;          /* [I] the host may read and write all of it */
    bool debug_log;              /* [I] -v */
    uint32_t uid;          /* [I] the first process's user, who is the host's user to the host */
    struct process *init;  /* [I] process 1: the parent of the first, and of orphans */
    struct process *first; /* [I] once made: the process whose end ends the enclave */
};

extern struct kernel kernel;

/* A broken invariant: prints and ends the enclave.  Say both values. */
NORETURN void panic(const char *fmt, ...) PRINTF(1, 2);
/* To the host's stderr, one line with prefix; log_warn always, log_debug with -v. */
void log_warn(const char *fmt, ...) PRINTF(1, 2);
void log_debug(const char *fmt, ...) PRINTF(1, 2);

#endif
