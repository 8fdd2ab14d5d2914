/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doorkeeper: descriptors that nobody outside waits to see closed go out with the next exit, in
 * the vCPU's shared block.  Some of them may still be had back:
 *
 *   KEPT --1 ms, or an exit that brings news--> LEAVING --the next exit--> closed
 *     '--ocall_close_undo--> open again
 *
 * A ticket is a slot of the table and how often it has been used, so that an old one names nothing.
 * Lock: closing.lock, for a few instructions.
 */
#include "kernel/ocall/closing.h"

#include "kernel/kernel.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/lock.h"
#include "lib/list.h"

#define KEEP_MAX 96

struct kept {
    struct list link; /* [l] in `keeping` or `spare` */
    int fd;           /* [l] -1: spare */
    uint32_t uses;    /* [l] */
    ktime_t until;    /* [l] */
};

static struct {
    struct spinlock lock;
    unsigned leaving;           /* [a] */
    unsigned kept;              /* [a] */
    int32_t fd[HOST_CLOSE_MAX]; /* [l] those that leave */
    struct list keeping;        /* [l] oldest first */
    struct list spare;          /* [l] */
    struct kept slot[KEEP_MAX];
} closing;

void ocall_closing_init(void)
{
    spin_init(&closing.lock);
    list_init(&closing.keeping);
    list_init(&closing.spare);
    for (unsigned i = 0; i < KEEP_MAX; i++) {
        closing.slot[i].fd = -1;
        list_add_tail(&closing.spare, &closing.slot[i].link);
    }
}

void ocall_close_later(int fd)
{
    spin_lock(&closing.lock);
    bool room = closing.leaving < HOST_CLOSE_MAX;
    if (room)
        closing.fd[closing.leaving++] = fd;
    spin_unlock(&closing.lock);
    if (!room)
        ocall_close(fd);
}

uint32_t ocall_close_keep(int fd)
{
    uint32_t ticket = 0;
    spin_lock(&closing.lock);
    struct list *l = list_pop(&closing.spare);
    if (l) {
        struct kept *k = list_entry(l, struct kept, link);
        k->fd = fd;
        k->uses = (k->uses + 1) & 0xffffff;
        k->until = clock_mono() + OCALL_EPOCH_NS;
        list_add_tail(&closing.keeping, &k->link);
        closing.kept++;
        ticket = (k->uses << 8 | (uint32_t)(k - closing.slot)) + 1;
    }
    spin_unlock(&closing.lock);
    return ticket;
}

/* With the lock held: the slot is spare again; its descriptor is the caller's. */
static int release(struct kept *k)
{
    int fd = k->fd;
    k->fd = -1;
    list_del(&k->link);
    list_add_head(&closing.spare, &k->link);
    closing.kept--;
    return fd;
}

int ocall_close_undo(uint32_t ticket)
{
    uint32_t i = (ticket - 1) & 0xff, uses = (ticket - 1) >> 8;
    int fd = -1;
    if (!ticket || i >= KEEP_MAX)
        return -1;
    spin_lock(&closing.lock);
    struct kept *k = &closing.slot[i];
    if (k->fd >= 0 && k->uses == uses)
        fd = release(k);
    spin_unlock(&closing.lock);
    return fd;
}

/* With the lock held: the next descriptor to leave, or -1. */
static int leave_next(bool all, ktime_t now)
{
    if (closing.leaving)
        return closing.fd[--closing.leaving];
    if (list_empty(&closing.keeping))
        return -1;
    struct kept *k = list_entry(closing.keeping.next, struct kept, link);
    return all || k->until <= now ? release(k) : -1;
}

void closing_send(volatile struct host_vcpu *h, bool all)
{
    unsigned kept = __atomic_load_n(&closing.kept, __ATOMIC_RELAXED), n = 0;
    if (!kept && !__atomic_load_n(&closing.leaving, __ATOMIC_RELAXED))
        return;
    ktime_t now = kept && !all ? clock_mono() : 0;
    spin_lock(&closing.lock);
    for (int fd; n < HOST_CLOSE_MAX && (fd = leave_next(all, now)) >= 0; n++)
        h->close_fds[n] = fd;
    spin_unlock(&closing.lock);
    h->close_count = n;
}
