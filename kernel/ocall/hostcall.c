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
#include "kernel/ocall/hostmem.h"
#include "kernel/ocall/ocall.h"
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

/* Descriptors that the next exit will close. */
static struct {
    struct spinlock lock;
    unsigned n;                 /* [l] */
    int32_t fd[HOST_CLOSE_MAX]; /* [l] */
} closing;

void ocall_close_later(int fd)
{
    spin_lock(&closing.lock);
    bool room = closing.n < HOST_CLOSE_MAX;
    if (room)
        closing.fd[closing.n++] = fd;
    spin_unlock(&closing.lock);
    if (!room)
        ocall_close(fd);
}

static void closing_send(volatile struct host_vcpu *h)
{
    spin_lock(&closing.lock);
    for (unsigned i = 0; i < closing.n; i++)
        h->close_fds[i] = closing.fd[i];
    h->close_count = closing.n;
    closing.n = 0;
    spin_unlock(&closing.lock);
}

int64_t host_call_quiet(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5)
{
    struct vcpu *v = vcpu_this();
    volatile struct host_vcpu *h = v->host_unsafe;

    if (v->running && !v->running->fpu_parked)
        fpu_park();
    h->ocall.nr = nr;
    h->ocall.arg[0] = a0;
    h->ocall.arg[1] = a1;
    h->ocall.arg[2] = a2;
    h->ocall.arg[3] = a3;
    h->ocall.arg[4] = a4;
    h->ocall.arg[5] = a5;
    if (closing.n)
        closing_send(h);
    v->exits++;
    ocall_leave();
    if (unlikely(h->signals))
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
    return h->ocall.ret;
}

int64_t host_call(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                  uint64_t a5)
{
    int64_t ret = host_call_quiet(nr, a0, a1, a2, a3, a4, a5);
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
