/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal frame: what Linux puts on a program's stack before a handler runs, and rt_sigreturn,
 * which takes it off again.  From high addresses to low:
 *
 *     the interrupted stack, its 128-byte red zone
 *     vector state in XSAVE's standard format, 64-byte aligned: sw_reserved in bytes 464..511 of
 *     the legacy part says its size, FP_XSTATE_MAGIC2 follows it
 *     siginfo, ucontext, the restorer's address as the handler's return address   <- RSP = 16 n - 8
 *
 * The threat: all of the frame is the program's to change before rt_sigreturn.  Registers are
 * taken as they are but for the flags; XRSTOR judges the vector image behind a fix-up.  A frame
 * that cannot be read or is refused is SIGSEGV.
 */
#include <asm/sigcontext.h>
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/arch/fpu.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/patch.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define UC_FP_XSTATE 1UL
#define UC_SIGCONTEXT_SS 2UL
#define UC_STRICT_RESTORE_SS 4UL
#define USER_CS 0x33
#define USER_SS 0x2b
#define RED_ZONE 128UL

#define XSAVE_SW_OFF 464
#define XSAVE_LEGACY 512
#define XSAVE_HEADER 64
#define XSAVE_MIN (XSAVE_LEGACY + XSAVE_HEADER)
#define XFEATURE_FP 1UL
#define XFEATURE_SSE 2UL
#define FAULT_TRIES 3 /* another thread may take pages away while a frame is written */

#define SIGRETURN_FLAGS (RFLAGS_USER & ~RFLAGS_TF)

struct user_context {
    uint64_t flags, link;
    struct user_altstack stack;
    struct sigcontext_64 mc;
    sigset_t mask;
};

struct frame {
    uaddr_t restorer;
    struct user_context uc;
    siginfo_t info;
};

_Static_assert(sizeof(struct user_context) == 304, "struct ucontext");
_Static_assert(sizeof(struct frame) == 440, "struct rt_sigframe");

static size_t fp_frame_size(void)
{
    return kernel.xsave_size + FP_XSTATE_MAGIC2_SIZE;
}

size_t signal_min_stack(void)
{
    /* Frame, vector state and the worst of both alignments. */
    return ALIGN_UP(sizeof(struct frame) + 16 + 8 + fp_frame_size() + 63, 16UL);
}

/* What software says about a vector image: the end of the legacy part and the header behind it. */
struct fp_tail {
    struct _fpx_sw_bytes sw;
    uint64_t xstate_bv, xcomp_bv, reserved[6];
};
_Static_assert(sizeof(struct fp_tail) == XSAVE_MIN - XSAVE_SW_OFF, "struct fp_tail");

static int fp_copy_out(uaddr_t fp)
{
    struct fp_tail tail = {
        .sw =
            {
                .magic1 = FP_XSTATE_MAGIC1,
                .extended_size = (uint32_t)fp_frame_size(),
                .xfeatures = kernel.xfrm,
                .xstate_size = (uint32_t)kernel.xsave_size,
            },
    };
    uint32_t magic2 = FP_XSTATE_MAGIC2;

    if (!user_range_ok(fp, fp_frame_size()))
        return -EFAULT;
    for (int tries = 0; fpu_save_user(fp, &tail.xstate_bv); tries++)
        if (tries == FAULT_TRIES || zero_out(fp, fp_frame_size()))
            return -EFAULT;
    if (copy_out(fp + XSAVE_SW_OFF, &tail, sizeof(tail)))
        return -EFAULT;
    return copy_out(fp + kernel.xsave_size, &magic2, sizeof(magic2));
}

/* Where the frame goes: *fp gets the vector state's place.  0: no room on the alternate stack. */
static uaddr_t frame_place(const struct user_regs *regs, const struct action *a, uaddr_t *fp)
{
    const struct thread *t = current;
    bool on_alt = altstack_contains(t, regs->rsp);
    uaddr_t sp = regs->rsp - RED_ZONE;

    if ((a->flags & SA_ONSTACK) && t->altstack_size && !on_alt) {
        sp = t->altstack_sp + t->altstack_size;
        on_alt = true;
    }
    *fp = ALIGN_DOWN(sp - fp_frame_size(), 64UL);
    sp = ALIGN_DOWN(*fp - sizeof(struct frame), 16UL) - 8;
    if (on_alt && (sp <= t->altstack_sp || sp - t->altstack_sp > t->altstack_size))
        return 0;
    return sp;
}

static void context_fill(struct user_context *uc, const struct user_regs *r, uaddr_t fp,
                         sigset_t saved_mask)
{
    const struct thread *t = current;
    struct sigcontext_64 *mc = &uc->mc;

    uc->flags = UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
    uc->stack = (struct user_altstack){
        .sp = t->altstack_sp, .flags = t->altstack_flags, .size = t->altstack_size};
    uc->mask = saved_mask;
    mc->r8 = r->r8;
    mc->r9 = r->r9;
    mc->r10 = r->r10;
    mc->r11 = r->r11;
    mc->r12 = r->r12;
    mc->r13 = r->r13;
    mc->r14 = r->r14;
    mc->r15 = r->r15;
    mc->di = r->rdi;
    mc->si = r->rsi;
    mc->bp = r->rbp;
    mc->bx = r->rbx;
    mc->dx = r->rdx;
    mc->ax = r->rax;
    mc->cx = r->rcx;
    mc->sp = r->rsp;
    mc->ip = patch_program_rip(current_process()->mm, r->rip);
    mc->flags = r->rflags;
    mc->cs = USER_CS;
    mc->ss = USER_SS;
    mc->err = t->sigqueue->error_code;
    mc->trapno = t->sigqueue->trapno;
    mc->cr2 = t->sigqueue->cr2;
    mc->oldmask = saved_mask;
    mc->fpstate = fp;
}

static void context_take(struct user_regs *r, const struct sigcontext_64 *mc)
{
    r->r8 = mc->r8;
    r->r9 = mc->r9;
    r->r10 = mc->r10;
    r->r11 = mc->r11;
    r->r12 = mc->r12;
    r->r13 = mc->r13;
    r->r14 = mc->r14;
    r->r15 = mc->r15;
    r->rdi = mc->di;
    r->rsi = mc->si;
    r->rbp = mc->bp;
    r->rbx = mc->bx;
    r->rdx = mc->dx;
    r->rax = mc->ax;
    r->rcx = mc->cx;
    r->rsp = mc->sp;
    r->rip = patch_resume_rip(current_process()->mm, mc->ip);
    r->rflags = (mc->flags & SIGRETURN_FLAGS) | RFLAGS_FIXED;
}

int frame_push(struct user_regs *regs, int sig, const struct action *a, const siginfo_t *info,
               sigset_t saved_mask)
{
    struct thread *t = current;
    struct frame f;
    uaddr_t fp, sp = frame_place(regs, a, &fp);

    if (!sp || !(a->flags & SA_RESTORER) || !user_range_ok(a->handler, 1))
        return -EFAULT;
    memset(&f.uc, 0, sizeof(f.uc));
    f.restorer = a->restorer;
    context_fill(&f.uc, regs, fp, saved_mask);
    f.info = *info;
    if (fp_copy_out(fp) || copy_out(sp, &f, sizeof(f)))
        return -EFAULT;

    if ((uint32_t)t->altstack_flags & SS_AUTODISARM)
        altstack_reset(t);
    fpu_start_over(); /* the handler starts with the initial vector state */
    regs->rdi = (uint64_t)sig;
    regs->rsi = sp + offsetof(struct frame, info);
    regs->rdx = sp + offsetof(struct frame, uc);
    regs->rax = 0;
    regs->rsp = sp;
    regs->rip = a->handler;
    regs->rflags &= ~(RFLAGS_DF | RFLAGS_TF);
    return 0;
}

/* Is this a whole image, as fp_copy_out writes it? */
static bool fp_is_whole(const struct _fpx_sw_bytes *sw, uaddr_t fp)
{
    uint32_t magic2;
    return sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size == kernel.xsave_size &&
           sw->xstate_size <= sw->extended_size && (sw->xfeatures & kernel.xfrm) == kernel.xfrm &&
           user_range_ok(fp, kernel.xsave_size) &&
           !copy_in(&magic2, fp + kernel.xsave_size, sizeof(magic2)) && magic2 == FP_XSTATE_MAGIC2;
}

/* Has a thread's fault on each page of [fp, fp + n) served. */
static int fp_touch(uaddr_t fp, size_t n)
{
    uint8_t byte;
    for (uaddr_t at = fp; at < fp + n; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE)
        if (copy_in(&byte, at, 1))
            return -EFAULT;
    return 0;
}

static int fp_restore_whole(uaddr_t fp, const uint64_t *header)
{
    for (int tries = 0; fpu_restore_user(fp, header); tries++)
        if (tries == FAULT_TRIES || fp_touch(fp, kernel.xsave_size))
            return -EFAULT;
    return 0;
}

/*
 * An image that a program has made or cut: of a smaller size, with fewer components, or only the
 * legacy part.  What it does not have becomes initial.  area: kernel.xsave_size zero bytes,
 * 64-aligned.
 */
static int fp_restore_partial(uaddr_t fp, const struct _fpx_sw_bytes *sw, uint8_t *area)
{
    uint64_t *header = (uint64_t *)(area + XSAVE_LEGACY);
    uint64_t xfeatures = XFEATURE_FP | XFEATURE_SSE;
    size_t n = XSAVE_LEGACY;
    uint32_t magic2;

    if (sw->magic1 == FP_XSTATE_MAGIC1 && sw->xstate_size >= XSAVE_MIN &&
        sw->xstate_size <= kernel.xsave_size && sw->xstate_size <= sw->extended_size &&
        !copy_in(&magic2, fp + sw->xstate_size, sizeof(magic2)) && magic2 == FP_XSTATE_MAGIC2) {
        n = sw->xstate_size;
        xfeatures = sw->xfeatures;
    }
    if (copy_in(area, fp, n))
        return -EFAULT;
    uint64_t xstate_bv = n > XSAVE_LEGACY ? header[0] : xfeatures;
    memset(header, 0, XSAVE_HEADER);
    header[0] = xstate_bv & xfeatures & kernel.xfrm;
    return fpu_restore_checked(area);
}

static int fp_restore(uaddr_t fp)
{
    struct fp_tail tail;

    if (!fp) {
        fpu_start_over();
        return 0;
    }
    if (copy_in(&tail.sw, fp + XSAVE_SW_OFF, sizeof(tail.sw)))
        return -EFAULT;
    if (fp & (tail.sw.magic1 == FP_XSTATE_MAGIC1 ? 63 : 15))
        return -EINVAL; /* as the instructions themselves have it */
    if (fp_is_whole(&tail.sw, fp) && !copy_in(&tail, fp + XSAVE_SW_OFF, sizeof(tail)))
        return fp_restore_whole(fp, &tail.xstate_bv);
    uint8_t *area = kzalloc(kernel.xsave_size);
    if (!area)
        return -ENOMEM;
    int err = fp_restore_partial(fp, &tail.sw, area);
    kfree(area);
    return err;
}

/* Returns the restored RAX, which the dispatcher then stores where it is already. */
long sys_rt_sigreturn(void)
{
    struct thread *t = current;
    struct user_regs *regs = t->regs;
    struct user_context uc;

    if (copy_in(&uc, regs->rsp - 8 + offsetof(struct frame, uc), sizeof(uc)))
        goto bad;
    signal_set_blocked(uc.mask);
    /*
     * The registers count even if the vector state is refused: that is then a fault of the program
     * where it was.  So is a RIP where no program can be; it never gets there (exit_work).
     */
    context_take(regs, &uc.mc);
    regs->orig_rax = ~0UL; /* no system call to restart */
    if (fp_restore(uc.mc.fpstate))
        goto bad;
    /* Errors are ignored, as in Linux: the handler may have left the alternate stack in any way. */
    (void)altstack_set(t, &uc.stack, regs->rsp, MINSIGSTKSZ);
    if (!user_range_ok(regs->rip, 1))
        signal_bad_rip(regs->rip);
    return (long)regs->rax;
bad:
    regs->orig_rax = ~0UL;
    signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
    return (long)regs->rax;
}
