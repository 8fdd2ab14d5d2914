/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clocks: CLOCK_MONOTONIC = mono_base + ((tsc - tsc_base) * mult >> 32), and the wall clock at
 * a fixed distance from it. All of it is in `struct vvar`, published under a sequence count,
 * because readers may be in any context.  The TSC is read between the two looks at the count, so
 * that no reader uses the parameters after their time.
 *
 * The host's samples steer it. At a sync readers are stopped (the count is odd, the vDSO's too),
 * the line through "now" is kept (so that time never jumps back on any vCPU), and its slope is
 * chosen to meet the host's clock a second later; a clock that is behind by more than 100 ms is set
 * forward at once. A lying host can make time run wrong, as it always can, but not backwards,
 * still, or beyond what 64 bits hold: the slope changes by at most 20 % a sync and stays that of a
 * TSC between KHZ_MIN and KHZ_MAX, and a sample beyond TIME_MAX is no sample.
 *
 * Lock: sync_lock for writers.
 */
#include "kernel/sched/clock.h"

#include "abi/host/start.h"
#include "kernel/kernel.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sched/lock.h"
#include "kernel/vdso/vdso.h"
#include "kernel/vdso/vvar.h"

#define NSEC_PER_SEC 1000000000LL
#define STALE_NS NSEC_PER_SEC
#define STEP_NS (NSEC_PER_SEC / 10)
#define RATE_WINDOW_NS (NSEC_PER_SEC / 20)
#define KHZ_MIN 100000UL
#define KHZ_MAX 20000000UL
#define TIME_MAX (INT64_MAX / 2) /* 146 years: sums of two times do not overflow */

static struct vvar params; /* [seq] what vDSO readers get too */
static struct spinlock sync_lock;
static struct host_clock first; /* [I] the first sample: the rate is measured from it */
static uint64_t nominal_mult;   /* [sync_lock] best estimate of ns per TSC tick, 32.32 */
static ktime_t boot_off;        /* [sync_lock] */

uint64_t tsc_read(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}

static int64_t mono_at(const struct vvar *p, uint64_t tsc)
{
    int64_t delta = (int64_t)(tsc - p->tsc_base);
    if (delta < 0)
        delta = 0; /* another CPU's TSC is a little behind */
    return p->mono_base + (int64_t)(((unsigned __int128)(uint64_t)delta * p->mult) >> 32);
}

/* The parameters, and the TSC at a moment when they held. */
static uint64_t params_read(struct vvar *out)
{
    uint64_t tsc;
    uint32_t seq;
    do {
        while ((seq = __atomic_load_n(&params.seq, __ATOMIC_ACQUIRE)) & 1)
            cpu_relax();
        *out = params;
        tsc = tsc_read();
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (seq != __atomic_load_n(&params.seq, __ATOMIC_RELAXED));
    return tsc;
}

ktime_t clock_ticks_ns(uint64_t ticks)
{
    struct vvar p;
    (void)params_read(&p);
    return (ktime_t)(((unsigned __int128)ticks * p.mult) >> 32);
}

ktime_t clock_mono(void)
{
    struct vvar p;
    uint64_t tsc = params_read(&p);
    return mono_at(&p, tsc);
}

ktime_t clock_real(void)
{
    struct vvar p;
    uint64_t tsc = params_read(&p);
    return mono_at(&p, tsc) + p.real_off;
}

ktime_t clock_boot_off(void)
{
    return boot_off;
}

/* Only slow paths divide by 128 bits; seconds of TSC times 2^32 do not fit 64. */
static uint64_t mult_for(uint64_t ticks, int64_t ns)
{
    while ((uint64_t)ns >> 32) {
        ns >>= 1;
        ticks >>= 1;
    }
    return ticks ? ((uint64_t)ns << 32) / ticks : UINT64_MAX >> 16;
}

static uint64_t mult_clamp(uint64_t mult, uint64_t around)
{
    uint64_t span = around / 5;
    return MAX(MIN(mult, around + span), around - span);
}

static uint64_t mult_of_khz(uint64_t khz)
{
    return (1000000UL << 32) / khz;
}

static bool time_possible(int64_t ns)
{
    return ns >= 0 && ns < TIME_MAX;
}

static bool sample_possible(const struct host_clock *s)
{
    return time_possible(s->mono_ns) && time_possible(s->real_ns) && time_possible(s->boot_ns);
}

/* The rate since the first sample, as far as it may be believed at once. */
static uint64_t rate_estimate(const struct host_clock *s)
{
    uint64_t mult = mult_for(s->tsc - first.tsc, s->mono_ns - first.mono_ns);
    mult = mult_clamp(mult, nominal_mult);
    return MAX(MIN(mult, mult_of_khz(KHZ_MIN)), mult_of_khz(KHZ_MAX));
}

/* Readers wait from here until params_publish. */
static void params_stop(void)
{
    __atomic_store_n(&params.seq, params.seq | 1, __ATOMIC_RELAXED);
    vdso_stop();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void params_publish(const struct vvar *p)
{
    uint32_t seq = params.seq | 1;
    __atomic_store_n(&params.seq, seq, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    params.tsc_base = p->tsc_base;
    params.mono_base = p->mono_base;
    params.real_off = p->real_off;
    params.boot_off = p->boot_off;
    params.mult = p->mult;
    params.tsc_valid_until = p->tsc_valid_until;
    __atomic_store_n(&params.seq, seq + 1, __ATOMIC_RELEASE);
    vdso_update(&params);
}

/*
 * Where the line must go from `tsc` on, which is now, so that it meets the host's clock in a
 * second; s is a little older.
 */
static void clock_steer_locked(const struct host_clock *s, uint64_t tsc) REQUIRES(sync_lock)
{
    if (s->tsc > first.tsc && s->mono_ns - first.mono_ns > RATE_WINDOW_NS)
        nominal_mult = rate_estimate(s);
    int64_t now = mono_at(&params, tsc);
    int64_t host_now =
        s->mono_ns + (int64_t)(((unsigned __int128)(tsc - s->tsc) * nominal_mult) >> 32);
    int64_t behind = host_now - now;
    struct vvar p = {.tsc_base = tsc,
                     .mono_base = now,
                     .real_off = s->real_ns - s->mono_ns,
                     .boot_off = s->boot_ns - s->mono_ns};

    if (behind > STEP_NS) {
        p.mono_base = host_now;
        behind = 0;
    }
    int64_t second = NSEC_PER_SEC + MAX(behind, -STEP_NS);
    int64_t extra = (int64_t)nominal_mult / 1000 * ((second - NSEC_PER_SEC) / 1000) / 1000;
    p.mult = mult_clamp(nominal_mult + (uint64_t)extra, nominal_mult);
    p.tsc_valid_until = tsc + ((uint64_t)NSEC_PER_SEC << 32) / nominal_mult;
    boot_off = p.boot_off;
    params_publish(&p);
}

void clock_init(const struct host_clock *s)
{
    uint64_t khz = s->tsc_khz;
    if (khz < KHZ_MIN || khz > KHZ_MAX)
        panic("the host claims a TSC of %lu kHz", (unsigned long)khz);
    if (!sample_possible(s))
        panic("the host's clocks say what cannot be");
    first = *s;
    nominal_mult = mult_of_khz(khz);
    struct vvar p = {.tsc_base = s->tsc,
                     .mono_base = s->mono_ns,
                     .real_off = s->real_ns - s->mono_ns,
                     .boot_off = s->boot_ns - s->mono_ns,
                     .mult = nominal_mult,
                     /* the first rate is an estimate: look again soon */
                     .tsc_valid_until = s->tsc + khz * (RATE_WINDOW_NS / 1000000) * 2};
    boot_off = p.boot_off;
    params_publish(&p);
}

void clock_sync_if_stale(void)
{
    struct host_clock s;
    if (tsc_read() < __atomic_load_n(&params.tsc_valid_until, __ATOMIC_RELAXED))
        return;
    ocall_clock(&s);
    uint64_t now = tsc_read();
    spin_lock(&sync_lock);
    /* A sample from the future or from long ago is no sample. */
    uint64_t second = ((uint64_t)NSEC_PER_SEC << 32) / nominal_mult;
    if (s.tsc <= now && now - s.tsc < second && s.tsc >= params.tsc_base && sample_possible(&s)) {
        params_stop();
        clock_order();
        clock_steer_locked(&s, MAX(tsc_read(), now));
    }
    spin_unlock(&sync_lock);
}
