/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaving the enclave.  The program's vector registers are parked first: the host would read them,
 * and would leave its own in their place.
 */
#include "kernel/ocall/hostcall.h"

#include <linux/errno.h>

#include "kernel/arch/fpu.h"
#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/ocall/closing.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/thread.h"

static uint64_t epoch; /* [a] */

uint64_t ocall_epoch(void)
{
    return __atomic_load_n(&epoch, __ATOMIC_ACQUIRE);
}

void ocall_epoch_end(void)
{
    __atomic_fetch_add(&epoch, 1, __ATOMIC_ACQ_REL);
}

static int64_t leave(struct vcpu *v, volatile struct host_vcpu *h, enum ocall_nr nr,
                     const uint64_t arg[6])
{
    h->ocall.nr = nr;
    for (unsigned i = 0; i < 6; i++)
        h->ocall.arg[i] = arg[i];
    v->exits++;
    ocall_leave();
    /* Whoever saw this vCPU outside (vcpus.c) set need_resched before. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (unlikely(h->kick)) {
        h->kick = 0;
        v->tick_at = 0;
        __atomic_store_n(&v->resched_yield, 1, __ATOMIC_RELAXED);
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
    }
    if (unlikely(h->signals))
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
    return h->ocall.ret;
}

static int64_t call(enum ocall_nr nr, const uint64_t arg[6], bool news)
{
    struct vcpu *v = vcpu_this();
    volatile struct host_vcpu *h = v->host_unsafe;

    if (v->running && !v->running->fpu_parked)
        fpu_park();
    closing_send(h, news);
    return leave(v, h, nr, arg);
}

void host_yield(void)
{
    struct vcpu *v = vcpu_this();

    if (v->running && !v->running->fpu_parked)
        fpu_park();
    leave(v, v->host_unsafe, OCALL_yield, (const uint64_t[6]){0});
}

int64_t host_call_quiet(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5)
{
    return call(nr, (const uint64_t[6]){a0, a1, a2, a3, a4, a5}, false);
}

/* What is kept for the time being could not be used after news: it closes with this exit. */
int64_t host_call(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                  uint64_t a5)
{
    if (unlikely(__atomic_load_n(&vcpu_this()->need_resched, __ATOMIC_RELAXED)))
        sched_leaving();
    int64_t ret = call(nr, (const uint64_t[6]){a0, a1, a2, a3, a4, a5}, true);
    ocall_epoch_end();
    return ret;
}

int64_t host_result(int64_t ret, int64_t max)
{
    if (ret >= 0)
        return ret <= max ? ret : -EIO;
    return ret >= -4095 ? ret : -EIO;
}

uint64_t host_signals_take(void)
{
    volatile struct host_vcpu *h = vcpu_this()->host_unsafe;
    if (!h->signals)
        return 0;
    ocall_epoch_end();
    return __atomic_exchange_n(&h->signals, 0, __ATOMIC_RELAXED);
}
