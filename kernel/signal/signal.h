/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as the rest of the kernel sees them.  A signal is queued to a thread or a process and
 * delivered when a thread goes back to its program (signal_deliver, called from the gate's exit path).
 */
#ifndef KERNEL_SIGNAL_SIGNAL_H
#define KERNEL_SIGNAL_SIGNAL_H

#include <asm/siginfo.h>

#include "kernel/signal/sigset.h"
#include "kernel/types.h"

struct thread;
struct process;
struct user_regs;

/* Internal results of interruptible calls (Linux's values); signal_deliver turns them into -EINTR or a restart. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

struct sighand *sighand_new(void) MUST_CHECK;
struct sighand *sighand_clone(struct sighand *s) MUST_CHECK;
void sighand_put(struct sighand *s);
void sighand_exec(struct sighand *s); /* handlers back to default */
struct sigqueue *sigqueue_new(void) MUST_CHECK;
void sigqueue_free(struct sigqueue *q);

/* 0 or -EAGAIN (queue full for real-time signals).  info NULL: SI_KERNEL. */
int signal_send_thread(struct thread *t, int sig, const siginfo_t *info);
int signal_send_process(struct process *p, int sig, const siginfo_t *info);
/* A fault of the current thread: delivered even when blocked or ignored (then the process dies). */
void signal_force_fault(int sig, int code, uaddr_t addr, int trapno, uint64_t error_code);
/*
 * On the way back to the program: delivers pending signals, restarts interrupted calls, ends the
 * thread if it is told to.  `regs` are the current thread's; in_syscall: regs->rax holds a result.
 * Called only when thread_interrupted() or a restore_blocked is set.  May not return.
 */
void signal_deliver(struct user_regs *regs, bool in_syscall);
/* Recomputes t->signal_pending after a change of t->blocked. */
void signal_recalc(struct thread *t);
/* Sets the current thread's mask (SIGKILL and SIGSTOP never blocked). */
void signal_set_blocked(sigset_t set);

#endif
