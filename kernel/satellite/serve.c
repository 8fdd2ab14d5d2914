/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A satellite's life: it has one vCPU and, besides the guest's, one thread, the steward, which lets guests in, one after
 * the other.  As long as there is one the steward sleeps and the guest reads what the base says: whoever waits for a
 * message waits outside for it, since there is nothing else to do here.
 *
 * A guest that computes is interrupted by a signal of the base's host to look for messages (guest_resume).
 */
#include <linux/errno.h>

#include "kernel/arch/fpu.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/guest.h"
#include "kernel/sched/cputime.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/waitq.h"
#include "kernel/signal/signal.h"
#include "lib/string.h"

static struct {
    struct link *link; /* [I] once it is open */
    int fd;            /* [I] */
} base;

struct letter letter_box;

void guest_send(const struct wire_head *h, const void *body, size_t n)
{
    if (link_send(base.link, h, sizeof(*h), body, n))
        ocall_exit(0);
}

static bool receive(struct letter *l, enum link_wait wait)
{
    int err = link_receive(base.link, l->data, LINK_MAX, &l->n, wait);

    if (err == -EAGAIN)
        return false;
    if (err || l->n < sizeof(struct wire_head))
        ocall_exit(0);
    return true;
}

static ktime_t waited; /* outside, while the guest's thread counts as running */

void guest_next(struct letter *l)
{
    ktime_t start = clock_mono();

    while (!receive(l, LINK_WAIT_BLOCK))
        ;
    waited += clock_mono() - start;
}

ktime_t guest_cpu_time(void)
{
    return thread_cpu_time(current) - waited;
}

bool guest_peek(struct letter *l)
{
    return receive(l, LINK_NO_WAIT);
}

/* A process without files or directories, which are the base's, and its thread, a reference. */
static int process_make(void (*fn)(void *), struct thread **out)
{
    struct process *p = process_alloc();

    if (!p)
        return -ENOMEM;
    for (unsigned i = 0; i < RLIM_NLIMITS; i++)
        p->rlimits[i] = (struct rlimit64){RLIM64_INFINITY, RLIM64_INFINITY};
    p->cred = cred_first(0, 0);
    p->sighand = sighand_new();
    int err = p->cred && p->sighand ? thread_new(p, fn, NULL, out) : -ENOMEM;
    if (err) {
        process_put(p);
        return err;
    }
    signal_thread_init(*out);
    fpu_reset(*out);
    return process_attach(*out, kernel.init, false);
}

/* From its arrival until it has gone with all that it had. */
static void guest_live(void)
{
    struct waiter w;
    struct thread *t;

    if (process_make(guest_main, &t))
        ocall_exit(0);
    waited = 0;
    waitq_add(&kernel.init->child_wait, &w);
    thread_start(t);
    thread_put(t);
    while (processes_count() > 1)
        (void)thread_block(KTIME_NEVER, false);
    waitq_del(&kernel.init->child_wait, &w);
}

static void steward_main(void *arg)
{
    const struct wire_head ended = {.kind = WIRE_ENDED};

    (void)arg;
    if (link_open(base.fd, false, &base.link))
        ocall_exit(0);
    for (;;) {
        guest_next(&letter_box);
        switch (letter_head(&letter_box)->kind) {
        case WIRE_PLACE:
            guest_live();
            if (guest_ended())
                guest_send(&ended, NULL, 0);
            break;
        /* These were sent when the guest was about to leave by itself. */
        case WIRE_END: guest_send(&ended, NULL, 0); break;
        case WIRE_COME_HOME: break;
        default: panic("the base said %lu to nobody", letter_head(&letter_box)->kind);
        }
    }
}

void satellite_main(int link_fd)
{
    struct thread *t;

    base.fd = link_fd;
    letter_box.data = kpages_alloc_any((LINK_MAX + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!letter_box.data || process_init() || process_make(steward_main, &t))
        panic("out of memory at start; raise sgx.enclave_size or --memory");
    kernel.satellite = true;
    str_copy(t->comm, "steward", sizeof(t->comm));
    thread_start(t);
    sched_idle();
}
