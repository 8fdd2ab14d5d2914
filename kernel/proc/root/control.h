/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control channel: what the host asks of a live enclave, and what it is told (abi/host/control.h).
 */
#ifndef KERNEL_PROC_ROOT_CONTROL_H
#define KERNEL_PROC_ROOT_CONTROL_H

#include "kernel/types.h"

/* Boot: starts the thread that serves requests.  fd: the host's descriptor that tells of them. */
MUST_CHECK int control_start(int fd);
/* Is there one? */
bool control_open(void);
/* Tells the host what became of the root process `id`; leaves the enclave.  Nothing without a channel. */
void control_tell(uint64_t id, unsigned what, int64_t value, const char *text);

#endif
