/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restartable sequences (rseq(2)): a program's critical section on per-CPU data, of which the
 * thread either executes the last instruction without having been preempted or interrupted by a
 * signal, or is sent to the section's abort handler.  A program's CPU is the vCPU that runs it.
 *
 * The area in the program, struct rseq, names the CPU and points to the section that the thread may
 * be in.  On the way to the program after a switch, an interrupt or with a signal's frame, RIP is
 * compared with that section.  This costs nothing while no thread is preempted.
 *
 * The threat: all of it is the program's memory.  A section is refused, with SIGSEGV, unless its
 * abort handler has the registered signature before it, and lies outside the section.
 *
 * Lock: none; a thread deals with its own area.  `event` may be set by anybody.
 */
#include "kernel/sched/rseq.h"

#include <asm/siginfo.h>
#include <asm/signal.h>
#include <linux/errno.h>
#include <linux/rseq.h>

#include "kernel/arch/vcpu.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/patch.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define CPU_UNINITIALIZED (~0U)
#define AREA_SIZE_MIN 32U
#define AREA_SIZE_MAX 4096U

/* The area as far as it is ours; Linux 6.3 and later have the last two fields. */
struct area {
    uint32_t cpu_id_start, cpu_id;
    uint64_t rseq_cs;
    uint32_t flags, node_id, mm_cid;
};
_Static_assert(offsetof(struct area, mm_cid) + 4 == RSEQ_FEATURE_SIZE, "struct rseq");

static int section_clear(const struct rseq_state *r)
{
    static const uint64_t none;
    return copy_out(r->area + offsetof(struct area, rseq_cs), &none, sizeof(none));
}

/* Reads the section that the area points to: 1, 0 when to none, -EFAULT, -EINVAL. */
static int section_read(const struct rseq_state *r, struct rseq_cs *cs)
{
    uint64_t at;
    uint32_t sig;

    if (copy_in(&at, r->area + offsetof(struct area, rseq_cs), sizeof(at)))
        return -EFAULT;
    if (!at)
        return 0;
    if (copy_in(cs, at, sizeof(*cs)))
        return -EFAULT;
    uint64_t end;
    if (cs->version || __builtin_add_overflow(cs->start_ip, cs->post_commit_offset, &end) ||
        !user_range_ok(cs->start_ip, cs->post_commit_offset) || !user_range_ok(cs->abort_ip, 1) ||
        cs->abort_ip - cs->start_ip < cs->post_commit_offset)
        return -EINVAL;
    if (copy_in(&sig, cs->abort_ip - sizeof(sig), sizeof(sig)))
        return -EFAULT;
    return sig == r->sig ? 1 : -EINVAL;
}

/* Sends a thread that is in a section to its abort handler. */
static int section_leave(const struct rseq_state *r, struct user_regs *regs)
{
    struct rseq_cs cs;
    uint32_t flags;

    int ret = section_read(r, &cs);
    if (ret <= 0)
        return ret;
    uint64_t rip = patch_program_rip(current_process()->mm, regs->rip);
    if (rip - cs.start_ip >= cs.post_commit_offset)
        return section_clear(r);
    if (copy_in(&flags, r->area + offsetof(struct area, flags), sizeof(flags)))
        return -EFAULT;
    if (cs.flags || flags)
        return -EINVAL; /* sections that wanted not to be restarted were never much use */
    ret = section_clear(r);
    if (!ret)
        regs->rip = cs.abort_ip;
    return ret;
}

static int cpu_tell(struct rseq_state *r)
{
    uint32_t cpu = vcpu_this()->head.index, ids[2] = {cpu, cpu}, node_cid[2] = {0, cpu};

    if (r->cpu == cpu + 1)
        return 0;
    r->cpu = cpu + 1;
    if (copy_out(r->area, ids, sizeof(ids)))
        return -EFAULT;
    return copy_out(r->area + offsetof(struct area, node_id), node_cid, sizeof(node_cid));
}

void rseq_copy(struct thread *t, const struct thread *from)
{
    t->rseq.area = from->rseq.area;
    t->rseq.size = from->rseq.size;
    t->rseq.sig = from->rseq.sig;
}

void rseq_interrupted(struct thread *t)
{
    if (!t->rseq.area)
        return;
    __atomic_store_n(&t->rseq.event, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&t->exit_work, 1, __ATOMIC_RELEASE);
}

/* There are no sections around system calls: after one only the CPU can be news. */
void rseq_switched(struct thread *t, unsigned vcpu)
{
    if (t->rseq.area && (t->regs->orig_rax == ~0UL || t->rseq.cpu != vcpu + 1))
        rseq_interrupted(t);
}

static uint32_t barriers; /* [a] how often all were interrupted */

void rseq_interrupt_all(void)
{
    __atomic_add_fetch(&barriers, 1, __ATOMIC_SEQ_CST);
}

void rseq_after_stop(void)
{
    struct vcpu *v = vcpu_this();
    uint32_t n = __atomic_load_n(&barriers, __ATOMIC_ACQUIRE);

    if (likely(v->rseq_barriers == n))
        return;
    v->rseq_barriers = n;
    rseq_interrupted(current);
}

/* A copy may sleep and come back on another vCPU, which sets `event` again. */
void rseq_resume(struct user_regs *regs)
{
    struct rseq_state *r = &current->rseq;

    while (r->area && __atomic_exchange_n(&r->event, 0, __ATOMIC_ACQ_REL)) {
        if (section_leave(r, regs) || cpu_tell(r)) {
            signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
            return;
        }
    }
}

int rseq_signal(struct user_regs *regs)
{
    struct rseq_state *r = &current->rseq;

    return r->area ? section_leave(r, regs) : 0;
}

static long rseq_unregister(struct rseq_state *r, uaddr_t area, unsigned len, unsigned sig)
{
    const uint32_t ids[2] = {0, CPU_UNINITIALIZED}, node_cid[2] = {0, 0};

    if (!r->area || r->area != area || r->size != len)
        return reject(-EINVAL, "not what was registered");
    if (r->sig != sig)
        return reject(-EPERM, "another signature");
    if (copy_out(area, ids, sizeof(ids)) ||
        copy_out(area + offsetof(struct area, node_id), node_cid, sizeof(node_cid)))
        return -EFAULT;
    *r = (struct rseq_state){0};
    return 0;
}

long sys_rseq(uaddr_t rseq, unsigned len, int flags, unsigned sig)
{
    struct rseq_state *r = &current->rseq;
    uint64_t cs;

    if (flags == RSEQ_FLAG_UNREGISTER)
        return rseq_unregister(r, rseq, len, sig);
    if (flags)
        return reject(-EINVAL, "unknown flags");
    if (r->area) {
        if (r->area != rseq || r->size != len)
            return reject(-EINVAL, "another area is registered");
        return r->sig != sig ? -EPERM : -EBUSY;
    }
    if (rseq % RSEQ_ALIGN || len < AREA_SIZE_MIN || len > AREA_SIZE_MAX)
        return reject(-EINVAL, "unaligned, or of a wrong size");
    if (!user_range_ok(rseq, len) ||
        copy_in(&cs, rseq + offsetof(struct area, rseq_cs), sizeof(cs)))
        return -EFAULT;
    *r = (struct rseq_state){.area = rseq, .size = len, .sig = sig};
    /* A C library may use the memory of a thread that is gone: what it says is no section. */
    if (section_clear(r)) {
        *r = (struct rseq_state){0};
        return -EFAULT;
    }
    rseq_interrupted(current);
    return 0;
}
