/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPUs.  The first is built and measured with the enclave; the others are made when there is work
 * for them, out of pages that SGX2 adds: the block's pages, then a page that becomes a TCS (EMODT,
 * proven by EACCEPT).  MRENCLAVE is therefore the same for any number of them.
 *
 *   not there --vcpu_add--> STARTING --first EENTER--> BOOTED; none ever ends
 *
 * Interrupts: a vCPU that computes in a program sees nothing until an AEX.  Who wants its attention
 * sets need_resched there and asks the host for an AEX.  The host may not obey; then a signal or a
 * slice comes late, as it may make everything late.
 *
 * Stops: for changes to code that others may be executing, and for membarrier(2).  A vCPU counts as
 * stopped when it said so itself in stage one of an AEX, or is seen outside or in its idle thread; in
 * each case it looks at need_resched, which was set before, on its way to a program, and waits there.
 * So nothing depends on the host's word.
 *
 * Locks: none.  `making` and `stop.busy` admit one at a time; what waits for stop.busy is in the kernel
 * and so does not keep the other from stopping it.
 */
#include "kernel/sched/vcpus.h"

#include "abi/host/start.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sched/sched.h"
#include "lib/config.h"
#include "lib/string.h"

#define SPINS_BETWEEN_INTERRUPTS 20000U
#define SPINS_BETWEEN_YIELDS 1000U

void syscall_gate(void);

static struct {
    unsigned limit;      /* [a] lowered when no more can be made */
    unsigned count;      /* [a] */
    haddr_t blocks;      /* [I] */
    uint32_t making;     /* [a] one is being made */
    uint32_t interrupts; /* [a] some vCPU's `interrupt` is set */
} vcpus = {.limit = 1, .count = 1};

static struct {
    uint32_t busy; /* [a] held by who stops the others */
    uint32_t on;   /* [a] the others wait */
    uint32_t seq;  /* [a] number of the stop */
} stop;

bool vcpus_many; /* [a] lock.h */

void vcpus_init(unsigned limit, haddr_t blocks)
{
    uint32_t measured = kernel.config->head->vcpu_count;

    vcpus.limit = measured ? MIN(limit, measured) : limit;
    vcpus.blocks = blocks;
}

unsigned vcpus_limit(void)
{
    return __atomic_load_n(&vcpus.limit, __ATOMIC_RELAXED);
}

unsigned vcpus_count(void)
{
    return __atomic_load_n(&vcpus.count, __ATOMIC_ACQUIRE);
}

struct vcpu *vcpu_get(unsigned index)
{
    return vcpu_at(kernel.params, index);
}

/* --- making ------------------------------------------------------------------------------- */

struct piece {
    unsigned page, n; /* within a vCPU's block */
};

/* Adds the block's pages; with false none of them is there. */
static bool block_add(uintptr_t block)
{
    const struct piece pieces[] = {
        {0, VCPU_GS_PAGES},
        {VCPU_TCS_PAGE, 1},
        {VCPU_SSA_PAGE, VCPU_NSSA * kernel.params->ssa_frame_pages},
        {VCPU_XSTACK_PAGE, VCPU_XSTACK_PAGES},
        {VCPU_STACK_PAGE, VCPU_STACK_PAGES},
    };
    unsigned i = 0;

    for (; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        if (epage_add(block + pieces[i].page * PAGE_SIZE, pieces[i].n))
            break;
    if (i == sizeof(pieces) / sizeof(pieces[0]))
        return true;
    while (i-- > 0)
        epage_remove(block + pieces[i].page * PAGE_SIZE, pieces[i].n);
    return false;
}

static void tcs_fill(struct tcs_page *t, uintptr_t block)
{
    *t = (struct tcs_page){
        .ossa = block + VCPU_SSA_PAGE * PAGE_SIZE,
        .nssa = VCPU_NSSA,
        .oentry = kernel.params->entry,
        .ofsbasgx = block,
        .ogsbasgx = block,
        .fslimit = 0xffffffff,
        .gslimit = 0xffffffff,
    };
}

static bool vcpu_make(unsigned index)
{
    struct vcpu *v = vcpu_get(index);
    uintptr_t block = (uintptr_t)v, tcs = block + VCPU_TCS_PAGE * PAGE_SIZE;

    if (!block_add(block))
        return false;
    v->head = (struct vcpu_head){.self = block, .index = index};
    v->syscall_entry = (uint64_t)syscall_gate;
    v->host_unsafe = (volatile struct host_vcpu *)(vcpus.blocks + index * sizeof(struct host_vcpu));
    if (!sched_init_vcpu(v))
        return false;
    tcs_fill((struct tcs_page *)tcs, block);
    if (epage_make_tcs(tcs))
        return false;
    v->need_resched = 1; /* it may come into a stop */
    vcpus_many = true;
    v->state = VCPU_STARTING;
    __atomic_store_n(&vcpus.count, index + 1, __ATOMIC_RELEASE);
    return !ocall_vcpu_start(index);
}

bool vcpu_add(void)
{
    if (vcpus_count() >= vcpus_limit() || __atomic_exchange_n(&vcpus.making, 1, __ATOMIC_ACQUIRE))
        return false;
    unsigned index = vcpus_count();
    bool made = index < vcpus_limit() && vcpu_make(index);
    if (!made) {
        log_debug("there are %u vCPUs and can be no more", index);
        __atomic_store_n(&vcpus.limit, vcpus_count(), __ATOMIC_RELAXED);
    }
    __atomic_store_n(&vcpus.making, 0, __ATOMIC_RELEASE);
    return made;
}

/* --- interrupts --------------------------------------------------------------------------- */

void vcpu_interrupt_later(struct vcpu *v)
{
    __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&v->interrupt, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&vcpus.interrupts, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&vcpu_this()->need_resched, 1, __ATOMIC_RELAXED);
}

void vcpus_interrupts_send(void)
{
    if (likely(!__atomic_load_n(&vcpus.interrupts, __ATOMIC_RELAXED)) ||
        !__atomic_exchange_n(&vcpus.interrupts, 0, __ATOMIC_ACQ_REL))
        return;
    for (unsigned i = 0; i < vcpus_count(); i++) {
        struct vcpu *v = vcpu_get(i);
        if (__atomic_exchange_n(&v->interrupt, 0, __ATOMIC_ACQ_REL) && v != vcpu_this())
            ocall_vcpu_interrupt(i);
    }
}

/* --- stops -------------------------------------------------------------------------------- */

void vcpu_stop_note(void)
{
    __atomic_store_n(&vcpu_this()->stop_seen, __atomic_load_n(&stop.seq, __ATOMIC_RELAXED),
                     __ATOMIC_RELEASE);
}

static bool is_stopped(const struct vcpu *v, uint32_t seq)
{
    return __atomic_load_n(&v->stop_seen, __ATOMIC_ACQUIRE) == seq ||
           __atomic_load_n(&v->ocall_rsp, __ATOMIC_ACQUIRE) || v->state == VCPU_STARTING ||
           sched_vcpu_idle(v);
}

static void wait_stopped(struct vcpu *v, uint32_t seq)
{
    for (unsigned spins = 0; !is_stopped(v, seq); spins++) {
        if (spins % SPINS_BETWEEN_INTERRUPTS == 0)
            ocall_vcpu_interrupt(v->head.index);
        else if (spins % SPINS_BETWEEN_YIELDS == 0)
            ocall_yield();
        cpu_relax();
    }
}

/* The number comes last: who notes it finds `on` and need_resched set on its way to a program. */
static void stop_others(void)
{
    struct vcpu *me = vcpu_this();

    __atomic_store_n(&stop.on, 1, __ATOMIC_SEQ_CST);
    unsigned n = vcpus_count(); /* one that comes later starts with need_resched */
    for (unsigned i = 0; i < n; i++)
        if (vcpu_get(i) != me)
            __atomic_store_n(&vcpu_get(i)->need_resched, 1, __ATOMIC_RELEASE);
    uint32_t seq = __atomic_add_fetch(&stop.seq, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < n; i++)
        if (vcpu_get(i) != me)
            wait_stopped(vcpu_get(i), seq);
}

static void spin_while(const uint32_t *word)
{
    for (unsigned spins = 1; __atomic_load_n(word, __ATOMIC_ACQUIRE); spins++) {
        if (spins % SPINS_BETWEEN_YIELDS == 0)
            ocall_yield();
        cpu_relax();
    }
}

void vcpus_stopped(void (*fn)(void *), void *arg)
{
    while (__atomic_exchange_n(&stop.busy, 1, __ATOMIC_ACQUIRE))
        spin_while(&stop.busy);
    if (vcpus_count() > 1)
        stop_others();
    if (fn)
        fn(arg);
    __atomic_store_n(&stop.on, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&stop.busy, 0, __ATOMIC_RELEASE);
}

void vcpu_stop_point(void)
{
    if (likely(!__atomic_load_n(&stop.on, __ATOMIC_ACQUIRE)))
        return;
    vcpu_stop_note();
    spin_while(&stop.on);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
