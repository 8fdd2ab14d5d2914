/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time.  Read from the TSC and scaled with parameters that start from the host's clocks and are
 * corrected against them now and then, without ever running backwards.  The host is trusted for
 * the wall clock's value and for the rate; a program that must not believe it needs another source.
 *
 * Timers run their function on a vCPU in kernel context, no lock held, and must not sleep.
 */
#ifndef KERNEL_SCHED_CLOCK_H
#define KERNEL_SCHED_CLOCK_H

#include "kernel/types.h"
#include "lib/tree.h"

/*
 * CLOCK_MONOTONIC, ns.  As rdtsc it may be read a little before what the code before it has loaded;
 * for what a program is told see clock_order.
 */
ktime_t clock_mono(void);
ktime_t clock_real(void);     /* CLOCK_REALTIME, ns since the epoch */
ktime_t clock_boot_off(void); /* CLOCK_BOOTTIME - CLOCK_MONOTONIC */
uint64_t tsc_read(void);
ktime_t clock_ticks_ns(uint64_t ticks); /* how long the TSC takes for so many */
/*
 * The time that is read next is not before anything that was loaded until now: two threads that
 * tell each other the time on two vCPUs never see it go back.
 */
static inline void clock_order(void)
{
    __asm__ volatile("lfence" ::: "memory");
}
/* Compares with the host's clocks when that was last done more than a second ago.  No lock held. */
void clock_sync_if_stale(void);
struct host_clock;
void clock_init(const struct host_clock *sample);

struct timer {
    struct tree_node node;      /* [timer lock] */
    ktime_t expires;            /* [timer lock] CLOCK_MONOTONIC */
    bool armed;                 /* [timer lock] */
    void (*fn)(struct timer *); /* [I] */
};

void timer_init(struct timer *t, void (*fn)(struct timer *));
/* (Re-)arms. */
void timer_set(struct timer *t, ktime_t expires);
/*
 * Disarms; true when it was armed.  Does not return while fn runs on another vCPU, and then fn has
 * not armed it again: hold no lock that fn takes, and do not call it from fn.
 */
bool timer_cancel(struct timer *t);
/* Runs what is due; returns the next deadline or KTIME_NEVER. */
ktime_t timer_run(void);
/* The next deadline or KTIME_NEVER; cheap, without the lock. */
ktime_t timer_next(void);

#endif
