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
    /* Takes `submit` new entries; then waits up to timeout ns (0: not at all, < 0: without
     * limit) for a completion. 0 or -errno (-EINTR: a signal came, -ETIME). */
    int (*enter)(struct ring *r, uint32_t submit, int64_t timeout);
    void (*wake)(struct ring *r);      /* ends another thread's wait */
    void (*interrupt)(struct ring *r); /* in a signal handler: ends the wait that it interrupted */
    const char *name;
};

/* Opens the kind asked for (auto: io_uring if this host allows it): 0 or -errno after a printed
 * line. */
int ring_open(enum runtime_io io, struct host_ring *shared, struct ring **out);
/* Each kind: -errno silently. */
int ring_uring_open(struct host_ring *shared, struct ring **out);
int ring_threads_open(struct host_ring *shared, struct ring **out);

#endif
