/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens after an AEX, once the host has entered again (CSSA 1).
 *
 *   tick       no valid EXITINFO.  In the program: the registers go from the SSA frame to the top
 *              of the thread's kernel stack, the frame is pointed at stage two, which reschedules.
 *              In the kernel: only need_resched is set; the kernel is not preempted.
 *   exception  in the program: likewise, and stage two serves it.  In the kernel: the fix-up table,
 *              else the frame is pointed at a panic.
 *
 * The threat: the host decides when to enter here, and can do so at any moment with no exception
 * behind it. That is a tick, and harmless. What kind of exception it was is believed from the SSA
 * frame only, which the CPU wrote.
 */
#include "kernel/arch/exception.h"

#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/errno.h>

#include "kernel/arch/fixup.h"
#include "kernel/arch/fpu.h"
#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/cputime.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/vcpus.h"
#include "kernel/sgx/ssa.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/cpuid.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#define TICK_VECTOR 0x100 /* fault_vector of a tick */
#define PF_WRITE 2U
#define PF_FETCH 16U

extern char kernel_image_start[], kernel_image_end[];
void exception_stage2(void);
void exception_kernel_panic(void);
void exit_to_user(void);
extern char exit_to_user_end[];

static bool in_kernel(uint64_t rip)
{
    return rip >= (uint64_t)kernel_image_start && rip < (uint64_t)kernel_image_end;
}

static void regs_from_ssa(struct user_regs *r, const struct ssa_gpr *g)
{
    r->r15 = g->r15;
    r->r14 = g->r14;
    r->r13 = g->r13;
    r->r12 = g->r12;
    r->rbp = g->rbp;
    r->rbx = g->rbx;
    r->r11 = g->r11;
    r->r10 = g->r10;
    r->r9 = g->r9;
    r->r8 = g->r8;
    r->rax = g->rax;
    r->rcx = g->rcx;
    r->rdx = g->rdx;
    r->rsi = g->rsi;
    r->rdi = g->rdi;
    r->orig_rax = ~0UL;
    r->rip = g->rip;
    r->rflags = g->rflags & ~RFLAGS_TF; /* it would trap on the way out, in the kernel */
    r->rsp = g->rsp;
}

static void stage1_kernel(struct vcpu *v, struct ssa_gpr *g)
{
    uint64_t fixup = fixup_find(g->rip);
    if (fixup) {
        g->rip = fixup;
        return;
    }
    v->fault_rip = g->rip;
    g->rip = (uint64_t)exception_kernel_panic;
}

/*
 * Nothing but the note, except on the last steps to the program, which come after the look at
 * need_resched: a program that then computes for ever would keep the others from the CPU.  These
 * steps only read the registers from the kernel stack, so they can be taken again.
 */
static void tick_kernel(struct vcpu *v, struct ssa_gpr *g)
{
    if (g->rip < (uint64_t)exit_to_user || g->rip >= (uint64_t)exit_to_user_end)
        return;
    g->rip = (uint64_t)exit_to_user;
    g->rsp = (uint64_t)v->running->regs;
    g->rflags = RFLAGS_FIXED & ~0x200UL;
}

static void stage1_user(struct vcpu *v, struct ssa_gpr *g)
{
    struct user_regs *r = v->running->regs;
    regs_from_ssa(r, g);
    g->rip = (uint64_t)exception_stage2;
    g->rsp = (uint64_t)r;
    g->rflags = RFLAGS_FIXED & ~0x200UL;
    g->gsbase = v->head.self;
}

void exception_stage1(void)
{
    if (!kernel.params)
        return; /* a tick in the kernel's first instructions */
    struct vcpu *v = vcpu_this();
    uint64_t frame = v->head.self + VCPU_SSA_PAGE * PAGE_SIZE;
    uint64_t end = frame + (uint64_t)kernel.params->ssa_frame_pages * PAGE_SIZE;
    struct ssa_gpr *g = (struct ssa_gpr *)(end - sizeof(*g));
    const struct ssa_exinfo *x = (const struct ssa_exinfo *)((char *)g - sizeof(*x));

    v->aexs++;
    if (g->exitinfo & EXITINFO_VALID) {
        v->fault_vector = EXITINFO_VECTOR(g->exitinfo);
        v->fault_addr = x->maddr;
        v->fault_error = x->errcd;
    } else {
        v->ticks++;
        v->tick_at = 0;
        __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
        vcpu_stop_note(); /* from here on it does not get to the program without a look */
        /* Stage two may be about to read what the last exception was. */
        if (in_kernel(g->rip)) {
            tick_kernel(v, g);
            return;
        }
        v->fault_vector = TICK_VECTOR;
    }
    if (in_kernel(g->rip))
        stage1_kernel(v, g);
    else
        stage1_user(v, g);
}

static void user_page_fault(uint64_t addr, uint64_t error)
{
    unsigned access = (error & PF_FETCH) ? MM_EXEC : (error & PF_WRITE) ? MM_WRITE : MM_READ;
    int err = -EFAULT;

    current->minflt++;
    if (user_range_ok(addr, 1))
        err = mm_fault(current_process()->mm, addr, access);
    switch (err) {
    case 0: return;
    case -EACCES: signal_force_fault(SIGSEGV, SEGV_ACCERR, addr, VECTOR_PF, error); return;
    case -EIO: signal_force_fault(SIGBUS, BUS_ADRERR, addr, VECTOR_PF, error); return;
    case -ENOMEM: signal_force_fault(SIGKILL, SI_KERNEL, addr, VECTOR_PF, error); return;
    default: signal_force_fault(SIGSEGV, SEGV_MAPERR, addr, VECTOR_PF, error);
    }
}

/* #UD: what an enclave may not execute but a program may: syscall and cpuid. */
static void user_invalid_opcode(struct user_regs *r)
{
    uint8_t b[2] = {0};

    if (copy_in(b, r->rip, 2))
        b[0] = 0;
    if (b[0] == 0x0f && b[1] == 0x05) {
        syscall_trap(r);
        return;
    }
    if (b[0] == 0x0f && b[1] == 0xa2) {
        cpuid_emulate(r);
        return;
    }
    signal_force_fault(SIGILL, ILL_ILLOPN, r->rip, VECTOR_UD, 0);
}

/*
 * Which of the unmasked exceptions it was: as Linux, the first of this order.  None: the program's
 * state has changed since, and the instruction is tried again.
 */
static void user_fp_exception(const struct user_regs *r, int vector)
{
    uint32_t e = vector == VECTOR_MF ? fpu_x87_exceptions() : fpu_sse_exceptions();
    int code = e & 1      ? FPE_FLTINV
               : e & 4    ? FPE_FLTDIV
               : e & 8    ? FPE_FLTOVF
               : e & 0x12 ? FPE_FLTUND
               : e & 0x20 ? FPE_FLTRES
                          : 0;
    if (code)
        signal_force_fault(SIGFPE, code, r->rip, vector, 0);
}

void exception_user(struct user_regs *r)
{
    struct vcpu *v = vcpu_this();
    uint64_t addr = v->fault_addr, error = v->fault_error, vector = v->fault_vector;

    v->faults++;
    if (thread_is_guest() && vector != TICK_VECTOR && vector != VECTOR_PF && vector != VECTOR_UD)
        guest_leave(r); /* at home it comes again */
    switch (vector) {
    case TICK_VECTOR:
        if (stack_fault_due(r))
            signal_force_fault(SIGBUS, SI_KERNEL, 0, VECTOR_SS, 0);
        sched_tick();
        return;
    case VECTOR_PF:
        if (unlikely(cpu_split_wanted()))
            cpu_split_enter();
        user_page_fault(addr, error);
        cpu_split_leave();
        return;
    case VECTOR_UD: user_invalid_opcode(r); return;
    case VECTOR_DE: signal_force_fault(SIGFPE, FPE_INTDIV, r->rip, VECTOR_DE, 0); return;
    case VECTOR_MF:
    case VECTOR_XM: user_fp_exception(r, (int)vector); return;
    case VECTOR_BP:
        r->rip++; /* an enclave reports it at the instruction, Linux after it */
        signal_force_fault(SIGTRAP, SI_KERNEL, 0, VECTOR_BP, 0);
        return;
    case VECTOR_DB: signal_force_fault(SIGTRAP, TRAP_TRACE, r->rip, VECTOR_DB, 0); return;
    case VECTOR_AC: signal_force_fault(SIGBUS, BUS_ADRALN, 0, VECTOR_AC, 0); return;
    default:
        /* #GP and the rest: Linux says SI_KERNEL and no address. */
        signal_force_fault(SIGSEGV, SI_KERNEL, 0, (int)vector, error);
    }
}

void exception_fatal(void)
{
    static uint32_t failing;
    struct vcpu *v = vcpu_this();

    /* The host can take away the very memory that would carry the message. */
    while (__atomic_exchange_n(&failing, 1, __ATOMIC_RELAXED))
        ocall_leave();
    if (v->fault_vector == VECTOR_PF && host_range_ok(v->fault_addr, 1))
        panic("the host's memory at 0x%lx is not there", (unsigned long)v->fault_addr);
    panic("fault in the kernel: vector %lu at +0x%lx, address 0x%lx, error 0x%lx",
          (unsigned long)v->fault_vector,
          (unsigned long)(v->fault_rip - (uint64_t)kernel_image_start),
          (unsigned long)v->fault_addr, (unsigned long)v->fault_error);
}

void exit_work(struct user_regs *regs)
{
    struct thread *t = current;
    struct vcpu *v = vcpu_this();

    for (;;) {
        if (unlikely(satellite_due()))
            satellite_visit(regs);
        if (__atomic_load_n(&v->need_resched, __ATOMIC_RELAXED) &&
            __atomic_exchange_n(&v->need_resched, 0, __ATOMIC_RELAXED)) {
            sched_resched();
            if (thread_is_guest()) /* perhaps kicked: to look costs an exit */
                guest_resume(regs);
        }
        if (__atomic_load_n(&t->signal_pending, __ATOMIC_RELAXED) || t->exit_work) {
            /* Cleared before the looks at what it stands for. */
            (void)__atomic_exchange_n(&t->exit_work, 0, __ATOMIC_SEQ_CST);
            mm_cut_rest();
            rseq_resume(regs);
            if (thread_is_guest() && __atomic_load_n(&t->signal_pending, __ATOMIC_RELAXED))
                guest_leave(regs);
            if (__atomic_load_n(&t->signal_pending, __ATOMIC_RELAXED) || t->restore_blocked) {
                signal_deliver(regs, regs->orig_rax != ~0UL);
                regs->orig_rax = ~0UL;
            }
            if (!user_range_ok(regs->rip, 1))
                signal_bad_rip(regs->rip);
        }
        v = vcpu_this(); /* a user copy may have slept */
        if (!__atomic_load_n(&v->need_resched, __ATOMIC_RELAXED) &&
            !__atomic_load_n(&t->signal_pending, __ATOMIC_RELAXED) &&
            !__atomic_load_n(&t->exit_work, __ATOMIC_RELAXED))
            break;
    }
    if (t->fpu_parked)
        fpu_unpark(t);
}
