/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of links that are waited for.  While a request is queued nobody looks for its message; a vCPU that goes to
 * sleep takes all of those along to the host, which receives what comes and ends the sleep.  That vCPU then calls the
 * request's function, in kernel context, no lock held; it must not sleep.  A request must stay in place until then.
 *
 *   IDLE --add--> QUEUED --give--> GIVEN --reap--> IDLE (done), or QUEUED again: none has come
 */
#ifndef KERNEL_OCALL_INBOX_H
#define KERNEL_OCALL_INBOX_H

#include "kernel/types.h"
#include "lib/list.h"

struct vcpu;

struct inbox_request {
    /* As ocall_link_receive; but for -EAGAIN. -ECANCELED: by inbox_cancel */
    void (*done)(struct inbox_request *r, long result);
    /* inbox.c's own: */
    struct list link;           /* QUEUED */
    struct inbox_request *next; /* GIVEN */
    haddr_t buf;
    int fd;
    unsigned vcpu; /* GIVEN */
    enum inbox_state { INBOX_IDLE, INBOX_QUEUED, INBOX_GIVEN } state;
    bool cancelled;
};

/* The next message of the host's descriptor, into buf of HOST_LINK_MAX bytes (hostbuf_link_get). Nobody else may
 * receive from it until done. */
void inbox_add(struct inbox_request *r, int fd, haddr_t buf);
/* Makes it be done soon, perhaps before this returns, if it is not. May leave the enclave. */
void inbox_cancel(struct inbox_request *r);

/* For sched: true while there are messages that nobody looks for. A hint. */
bool inbox_waiting(void);
/* The calling vCPU v is about to wait in the host: it takes those along, and must reap afterwards. */
void inbox_give(struct vcpu *v);
/* True when there was a message. */
bool inbox_reap(struct vcpu *v);

#endif
