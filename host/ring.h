/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What serves a vCPU's rings: the kernel's io_uring, or threads with ordinary system calls.  Both
 * present the same memory (struct host_ring, io_uring's entries) to the enclave.
 */
#ifndef HOST_RING_H
#define HOST_RING_H

#include "abi/host/start.h"
#include "host/runtime.h"

struct ring {
    int (*submit)(struct ring *r, uint32_t n); /* takes n new entries: 0 or -errno */
    void (*woken)(struct ring *r); /* after fd was readable: not again for what is there now */
    int fd;                        /* readable while there are completions */
    const char *name;
};

/* Opens the kind asked for (auto: io_uring if this host allows it): 0 or -errno after a printed
 * line. */
int ring_open(enum runtime_io io, struct host_ring *shared, struct ring **out);
/* Each kind: -errno silently. */
int ring_uring_open(struct host_ring *shared, struct ring **out);
int ring_threads_open(struct host_ring *shared, struct ring **out);

#endif
