/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that are waited for: which vCPU has which request.
 *
 * The host may write to a vCPU's inboxes in the shared block at any time.  Which request one is for is in the vCPU's
 * own chain, in the same order; the answer is read once, and says only how many bytes of untrusted memory the receiver
 * is to copy, or that there are none.  That a message is lost or made up the receiver finds out (satellite/link.c).
 *
 * Lock: inbox_lock, for the queue and the requests' states, never held while outside.
 */
#include "kernel/ocall/inbox.h"

#include <linux/errno.h>

#include "abi/host/start.h"
#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/ocall/ocall.h"

static struct spinlock inbox_lock;
static struct list queue = LIST_INIT(queue); /* [inbox_lock] */
static unsigned queued;                      /* [inbox_lock] read without it as a hint */

static void enqueue_locked(struct inbox_request *r) REQUIRES(inbox_lock)
{
    r->state = INBOX_QUEUED;
    list_add_tail(&queue, &r->link);
    __atomic_store_n(&queued, queued + 1, __ATOMIC_RELAXED);
}

static struct inbox_request *dequeue_locked(void) REQUIRES(inbox_lock)
{
    struct list *l = list_pop(&queue);

    if (!l)
        return NULL;
    __atomic_store_n(&queued, queued - 1, __ATOMIC_RELAXED);
    return list_entry(l, struct inbox_request, link);
}

bool inbox_waiting(void)
{
    return __atomic_load_n(&queued, __ATOMIC_RELAXED) != 0;
}

void inbox_add(struct inbox_request *r, int fd, haddr_t buf)
{
    r->fd = fd;
    r->buf = buf;
    r->cancelled = false;
    spin_lock(&inbox_lock);
    enqueue_locked(r);
    spin_unlock(&inbox_lock);
}

void inbox_cancel(struct inbox_request *r)
{
    spin_lock(&inbox_lock);
    enum inbox_state state = r->state;
    unsigned vcpu = r->vcpu;
    if (state == INBOX_QUEUED) {
        list_del(&r->link);
        __atomic_store_n(&queued, queued - 1, __ATOMIC_RELAXED);
        r->state = INBOX_IDLE;
    }
    r->cancelled = true;
    spin_unlock(&inbox_lock);
    if (state == INBOX_QUEUED)
        r->done(r, -ECANCELED);
    else if (state == INBOX_GIVEN)
        ocall_vcpu_wake(vcpu);
}

void inbox_give(struct vcpu *v)
{
    volatile struct host_vcpu *h = v->host_unsafe;
    struct inbox_request **end = &v->inboxes, *r;
    unsigned n = 0;

    if (!inbox_waiting())
        return;
    spin_lock(&inbox_lock);
    while (n < SATELLITE_MAX && (r = dequeue_locked()) != NULL) {
        r->state = INBOX_GIVEN;
        r->vcpu = v->head.index;
        r->next = NULL;
        *end = r;
        end = &r->next;
        h->inbox[n].fd = r->fd;
        h->inbox[n].buf = r->buf;
        h->inbox[n].got = -EAGAIN;
        n++;
    }
    spin_unlock(&inbox_lock);
    h->inbox_count = n;
}

/* What the host says of one: true when it is done. */
static bool answered(struct inbox_request *r, int64_t got)
{
    spin_lock(&inbox_lock);
    if (got == -EAGAIN && r->cancelled)
        got = -ECANCELED;
    if (got == -EAGAIN)
        enqueue_locked(r);
    else
        r->state = INBOX_IDLE;
    spin_unlock(&inbox_lock);
    if (got == -EAGAIN)
        return false;
    r->done(r, host_result(got, HOST_LINK_MAX));
    return true;
}

bool inbox_reap(struct vcpu *v)
{
    volatile struct host_vcpu *h = v->host_unsafe;
    struct inbox_request *r = v->inboxes, *next;
    bool any = false;

    if (!r)
        return false;
    v->inboxes = NULL;
    for (unsigned i = 0; r; r = next, i++) {
        next = r->next;
        any |= answered(r, h->inbox[i].got);
    }
    h->inbox_count = 0;
    return any;
}
