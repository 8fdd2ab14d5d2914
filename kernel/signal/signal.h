/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as the rest of the kernel sees them.  A signal is queued to a thread or a process and
 * delivered when a thread goes back to its program (signal_deliver, called from the gate's exit
 * path).
 *
 * Lock: process->lock guards both queues, the actions and the choice of a thread.
 */
#ifndef KERNEL_SIGNAL_SIGNAL_H
#define KERNEL_SIGNAL_SIGNAL_H

#include <asm/siginfo.h>

#include "kernel/sched/lock.h"
#include "kernel/signal/sigset.h"
#include "kernel/types.h"

struct thread;
struct process;
struct user_regs;
extern struct spinlock process_tree_lock;

/*
 * Internal results of interruptible calls (Linux's values); signal_deliver turns them into -EINTR
 * or a restart.
 */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

struct sighand *sighand_new(void) MUST_CHECK;
struct sighand *sighand_clone(struct sighand *s) MUST_CHECK;
struct sighand *sighand_get(struct sighand *s);
bool sighand_is_shared(const struct sighand *s);
void sighand_put(struct sighand *s);
void sighand_exec(struct sighand *s); /* handlers back to default */
struct sigqueue *sigqueue_new(void) MUST_CHECK;
void sigqueue_free(struct sigqueue *q);
/* A new thread's own signal state: no alternate stack, or its creator's.  The caller has set its mask. */
void signal_thread_init(struct thread *t);
void signal_thread_copy(struct thread *t, const struct thread *from);
/*
 * The thread left its process's list: others take over the process's signals that it would have
 * taken, and wake-ups that a stop waits for.
 */
void signal_thread_gone_locked(struct process *p, struct thread *t);

/*
 * Sends.  0, -EAGAIN (queue full for real-time signals), -ESRCH (the thread is gone).  info NULL:
 * SI_KERNEL, which needs no memory and works from timers.  Never sleep.
 */
int signal_send_thread(struct thread *t, int sig, const siginfo_t *info);
int signal_send_process(struct process *p, int sig, const siginfo_t *info);
/* Would the current thread take no notice of it: blocked or ignored? */
bool signal_is_ignored(int sig);
/* The same from the current process, as kill(2) does, but without asking for permission. */
void signal_send_from_self(struct process *p, int sig);
/* To all members of a process group: 0, or -ESRCH when there is none.  _locked: the tree lock is held. */
int signal_send_group(int pgid, int sig, const siginfo_t *info);
int signal_send_group_locked(int pgid, int sig, const siginfo_t *info) REQUIRES(process_tree_lock);
/*
 * A child's end, with the signal for it (0: none), or its stop and going on, to a parent.  The tree lock is
 * held.  True: the parent will not wait for it.  (child.c)
 */
bool signal_child_ended(struct process *parent, int sig, const siginfo_t *info);
void signal_child_stopped(struct process *parent, const siginfo_t *info);
/* What a system call raises beside its error (SIGPIPE, SIGXFSZ): to the current thread, as if from itself. */
void signal_to_self(int sig);
/* SIGCONT, SIGKILL or the process's end: a stop, also one that is only taken, is over.  (stop.c) */
void signal_continue_locked(struct process *p, int sig);
/* What kill(2) and its kind put in, with the sender's ids. */
void siginfo_from_self(siginfo_t *info, int sig, int code);
/* A fault of the current thread: delivered even when blocked or ignored (then the process dies). */
void signal_force_fault(int sig, int code, uaddr_t addr, int trapno, uint64_t error_code);
/* The current thread would go on at an address that no program can have: SIGSEGV, as from a jump. */
void signal_bad_rip(uaddr_t rip);
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
/*
 * For calls that wait with another mask (sigsuspend, ppoll …): sets it until the thread goes back
 * to its program, where the old one is restored after any handler has its frame.
 */
void signal_set_blocked_until_return(sigset_t set);
/* What /proc/<pid>/status shows.  t: NULL when it has ended. */
struct signal_sets {
    sigset_t pending, shared; /* to the thread, to its process */
    sigset_t blocked, ignored, caught;
    unsigned queued; /* entries that count for RLIMIT_SIGPENDING */
};
void signal_sets(struct process *p, struct thread *t, struct signal_sets *out);
/* Bytes of stack that one signal frame takes at most: AT_MINSIGSTKSZ. */
size_t signal_min_stack(void);

/* A new process's interval timers (itimer.c) and POSIX timers (ptimer.c); exec ends the latter. */
void itimers_init(struct process *p);
void itimers_end(struct process *p); /* also RLIMIT_CPU's */
/* RLIMIT_CPU has changed. */
void cpu_limit_changed(struct process *p);
void ptimers_init(struct process *p);
void ptimers_exec(struct process *p);

#endif
