/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous requests to the host: io_uring's rings, written and read by the kernel itself. A
 * request's completion calls its function in kernel context on the vCPU that finds it (no lock
 * held, must not sleep). The request must stay in place until then. Submission happens with the
 * vCPU's next wait, or at once when `ring_flush` is called.
 */
#ifndef KERNEL_OCALL_RING_H
#define KERNEL_OCALL_RING_H

#include "kernel/types.h"

struct ring_request {
    void (*done)(struct ring_request *r, int32_t result); /* result: checked to be >= -4095 */
    uint32_t slot;                                        /* ring.c's own */
    bool active; /* ring.c's own: submitted, not completed */
};

/* One-shot: completes with POLL* revents of the host descriptor, or -errno. */
void ring_poll_add(struct ring_request *r, int fd, uint32_t events);
/* Makes a request complete soon (perhaps with -ECANCELED). */
void ring_cancel(struct ring_request *r);

/* For sched: completes what is there; true when there was something. */
bool ring_reap(void);
/* True while a request is under way. */
bool ring_busy(void);
/* True while there are completions to be reaped, or requests that the host has not been given. */
bool ring_ready(void);
bool ring_queued(void);
/* Hands what is queued to the host without waiting. */
void ring_flush(void);
/* The same, even if there is nothing: the host also sees to the vCPU's inboxes (inbox.h). */
void ring_look(void);
/* For an idle vCPU: submits, waits for a wake-up, `deadline`, and if `watch` a completion. */
void ring_wait(ktime_t deadline, bool watch);

#endif
