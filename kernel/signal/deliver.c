/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Delivery: a thread on its way back to its program takes what is pending.
 *
 * For each signal: ignored ones are dropped, the default is done, a handler gets a frame on the
 * program's stack (frame.c).  A further signal that the handler's mask does not block interrupts
 * the handler at its first instruction, as in Linux.
 *
 * A system call that was interrupted is restarted or ends with EINTR.  Restarting steps RIP back
 * to the `syscall` instruction, or to what its patched site has there (kernel/sys/patch.h).
 */
#include <linux/signal.h>
#include <asm/unistd.h>
#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/proc/family.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/usercopy.h"

/* Makes the program enter the kernel again with call nr. */
static void restart_call(struct user_regs *regs, uint64_t nr)
{
    regs->rax = nr;
    regs->rip -= 2;
}

/* No handler runs: the call is repeated as if nothing had been. */
static void restart_quietly(struct user_regs *regs)
{
    switch (-(int64_t)regs->rax) {
    case ERESTARTSYS:
    case ERESTARTNOINTR:
    case ERESTARTNOHAND: restart_call(regs, regs->orig_rax); break;
    case ERESTART_RESTARTBLOCK: restart_call(regs, __NR_restart_syscall); break;
    default: break;
    }
}

/* A handler runs: what the call returns after it. */
static void restart_after(struct user_regs *regs, const struct action *a)
{
    switch (-(int64_t)regs->rax) {
    case ERESTARTSYS:
        if (a->flags & SA_RESTART)
            restart_call(regs, regs->orig_rax);
        else
            regs->rax = (uint64_t)-EINTR;
        break;
    case ERESTARTNOINTR: restart_call(regs, regs->orig_rax); break;
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK: regs->rax = (uint64_t)-EINTR; break;
    default: break;
    }
}

static void do_default(int sig)
{
    switch (signal_default(sig)) {
    case DEFAULT_IGNORE:
    case DEFAULT_CONT: break;
    case DEFAULT_STOP:
        if (sig == SIGSTOP || !group_is_orphaned(current_process()->pgid))
            signal_stop(current_process(), sig);
        break;
    case DEFAULT_TERM:
        /* Never a core: it would be the enclave's memory. */
        process_exit(sig);
    }
}

/*
 * The frame could not be written, or the handler cannot be: SIGSEGV, fatal if that was the
 * signal.
 */
static void frame_failed(int sig)
{
    struct process *p = current_process();

    if (sig == SIGSEGV) {
        spin_lock(&p->lock);
        p->sighand->action[SIGSEGV - 1].handler = HANDLER_DEFAULT;
        spin_unlock(&p->lock);
    }
    signal_force_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
}

/* before: the mask without the handler's. */
static void run_handler(struct user_regs *regs, int sig, const struct action *a,
                        const siginfo_t *info, sigset_t before)
{
    struct thread *t = current;

    if (rseq_signal(regs) ||
        frame_push(regs, sig, a, info, t->restore_blocked ? t->saved_blocked : before)) {
        signal_set_blocked(before);
        frame_failed(sig);
        return;
    }
    t->restore_blocked = false;
}

/*
 * A call that waited with another mask and was not interrupted gives the old mask back before any
 * signal is taken: one that came too late stays pending, as if it had come after the call.
 */
static void restore_mask(const struct user_regs *regs)
{
    struct thread *t = current;

    switch (-(int64_t)regs->rax) {
    case EINTR:
    case ERESTARTSYS:
    case ERESTARTNOHAND:
    case ERESTART_RESTARTBLOCK: return;
    default: break;
    }
    t->restore_blocked = false;
    signal_set_blocked(t->saved_blocked);
}

void signal_deliver(struct user_regs *regs, bool in_syscall)
{
    struct thread *t = current;
    siginfo_t info;
    int sig;

    if (t->restore_blocked && in_syscall)
        restore_mask(regs);
    for (;;) {
        if (thread_told_to_die(t))
            thread_die();
        if (t->process->stop_signal) {
            signal_stop_here(t->process);
            continue;
        }
        if (t->process->news)
            family_tell_news(t->process);
        sigset_t before = t->blocked;
        struct action a;
        sig = signal_take_action(&info, &a);
        if (!sig)
            break;
        if (a.handler == HANDLER_IGNORE)
            continue;
        if (a.handler == HANDLER_DEFAULT) {
            do_default(sig);
            continue;
        }
        if (in_syscall)
            restart_after(regs, &a);
        in_syscall = false;
        run_handler(regs, sig, &a, &info, before);
        if (!thread_interrupted())
            return;
    }
    if (in_syscall)
        restart_quietly(regs);
    if (t->restore_blocked) {
        t->restore_blocked = false;
        signal_set_blocked(t->saved_blocked);
    }
}

/* Entered through the restart stub: goes on with what was interrupted. */
long sys_restart_syscall(void);
long sys_restart_syscall(void)
{
    struct restart *r = &current->restart;
    return r->fn ? r->fn(r) : -EINTR;
}
