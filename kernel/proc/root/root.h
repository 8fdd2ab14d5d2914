/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Root processes: those that the host asked for, the first one and (with `cella exec`) any number beside it.
 * Each is a child of init, leads a session and a process group of its own, and has host descriptors as its
 * standard streams.
 *
 *   root_new ──► root_start ──► its thread loads the program ──► runs ──► root_ended
 *                                  └─ it cannot: FAILED is told, the process ends
 *
 * What becomes of it is told to the host (abi/host/control.h) if there is a control channel.
 */
#ifndef KERNEL_PROC_ROOT_ROOT_H
#define KERNEL_PROC_ROOT_ROOT_H

#include "kernel/types.h"

struct process;

/* The root process of that id, with a reference on it; NULL. */
struct process *root_lookup(uint64_t id) MUST_CHECK;

/*
 * For the process's last thread, when it has given up everything: tells the host, if p is a root process.
 * Then it does not count any more, and those who wait for init's children look again.
 */
void root_ended(struct process *p, int wait_status);
/* Those whose end has not been told. */
unsigned roots_count(void);
/* All its threads have stopped by sig.  True: the host was told; false: there is nobody to tell. */
bool root_stopped(struct process *p, int sig);

#endif
