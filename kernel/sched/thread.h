/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread of a program: a kernel stack, the program's registers on top of it, the vector state
 * while it is switched out, and what it waits for.
 *
 *   RUNNING --thread_block--> BLOCKED --thread_wake--> RUNNABLE --schedule--> RUNNING --> DEAD
 *   RUNNING --not its turn--> PARKED --its turn may have come--> RUNNABLE       (turns.h)
 *
 * Legend: [I] immutable, [o] the thread itself, [r] the run queue's lock, [p] process lock,
 * [a] atomic.
 */
#ifndef KERNEL_SCHED_THREAD_H
#define KERNEL_SCHED_THREAD_H

#include "kernel/arch/regs.h"
#include "kernel/arch/vcpu.h"
#include "kernel/proc/usage.h"
#include "kernel/sched/cputime.h"
#include "kernel/sched/lock.h"
#include "kernel/sched/rseq.h"
#include "kernel/sched/schedparam.h"
#include "kernel/signal/sigset.h"
#include "lib/list.h"

struct process;
struct pi_state;
struct cred;
struct turn;
struct stay;

enum thread_state { THREAD_RUNNABLE, THREAD_RUNNING, THREAD_BLOCKED, THREAD_PARKED, THREAD_DEAD };

struct thread {
    uint64_t ksp;        /* [r] kernel RSP while switched out; context_switch: offset 0 */
    uint64_t fs_base;    /* [o] the program's FS; valid while switched out */
    void *xstate;        /* [I] vector state while parked: kernel.xstate_size bytes, 64-aligned */
    uint32_t fpu_parked; /* [o] enum fpu_parked: where the program's vector state is */
    uint32_t exit_work;  /* [a] not 0: exit_to_user has something to do before going back */
    uint32_t signal_pending; /* [a] look at the signal queues before returning to the program */
    struct user_regs *regs;  /* [I] the program's registers, on top of the kernel stack */
    void *stack;             /* [I] lowest address of the kernel stack */
    struct process *process; /* [I] a reference */
    int tid;                 /* [I] but for exec */
    struct ref ref;
    struct list run_link;     /* [r] on the run queue, or PARKED in its group */
    struct turn *turn;        /* [r] of its address space, or NULL: sched/turns.h */
    struct list process_link; /* [p] among the process's threads */
    struct list number_link;  /* [process_tree_lock] by tid, in the table of numbers */
    uint32_t state;           /* [r] enum thread_state */
    struct vcpu *on;          /* [r] where it runs, while RUNNING */
    uint32_t wake_pending;    /* [r] woken while it was not asleep: it does not fall asleep next */

    /* Signals (kernel/signal). */
    sigset_t blocked;          /* [o] */
    sigset_t saved_blocked;    /* [o] to be restored after a sigsuspend-like call … */
    bool restore_blocked;      /* [o] … when this is set (set exit_work too) */
    struct sigqueue *sigqueue; /* [p] queued to this thread; kernel/signal/ owns the type */
    uint32_t interruptible;    /* [a] sleeps in a way that a signal ends */
    uint32_t killable; /* [a] sleeps in a way that only being told to die ends (thread_interrupt) */
    uaddr_t altstack_sp;  /* [o] */
    size_t altstack_size; /* [o] */
    int altstack_flags;   /* [o] */
    struct restart {      /* [o] for restart_syscall(2): nanosleep, poll, futex */
        long (*fn)(struct restart *);
        uint64_t arg[6];
    } restart;

    uaddr_t clear_child_tid; /* [o] set_tid_address */
    uaddr_t robust_list;     /* [o] */
    size_t robust_list_len;  /* [o] */
    struct list pi_owned; /* [pi_lock] futexes of which it is the owner; kernel/sched/futex/pi.c */
    struct pi_state *pi_wait; /* [pi_lock] the one that it waits for */
    uint32_t pi_exit;         /* [pi_lock] enum pi_exit: can it still be waited for? */
    bool goes;                /* [o] it is to go to a satellite before it begins; satellite/ */
    ktime_t answer_stands;    /* [o] ns that its last call's answer will be the same; vfs/vfs.h */
    ktime_t goes_from;        /* [o] … and not again before it has used so much time */
    struct stay *stay;        /* [o] its process is in a satellite; satellite/ */
    struct sem_undos *sem_undos;  /* [o] a reference or NULL; kernel/ipc/sysv/sem_undo.c */
    struct rseq_state rseq;       /* rseq.h says who writes what */
    struct schedparam schedparam; /* [p] */
    uint64_t timer_slack, timer_slack_default; /* [o] ns; without effect */
    char comm[16];                             /* [o] */
    const struct cred *cred; /* [o] a reference, replaced under [p]; proc/id/cred.h */
    ktime_t start_time;      /* [I] but for exec: CLOCK_MONOTONIC */
    struct cputime cputime;  /* [o] */
    uint64_t nvcsw, nivcsw;  /* [o] */
    struct io_usage io;      /* [o] */
    uint64_t minflt;         /* [o] */
    int exit_signal_code;    /* [p] wait status when the whole process is told to die; 0: not */
};

static inline struct thread *thread_current(void)
{
    struct thread *t;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(t) : "i"(offsetof(struct vcpu, running)));
    return t;
}
#define current thread_current()

/*
 * A new thread of process p that will first run fn(arg) on its kernel stack; when fn returns, the
 * thread goes to its program with the registers in t->regs (zeroed here).  One reference, the
 * caller's; not yet runnable.  -ENOMEM.
 */
MUST_CHECK int thread_new(struct process *p, void (*fn)(void *), void *arg, struct thread **out);
void thread_put(struct thread *t);
/* Makes a new thread runnable. */
void thread_start(struct thread *t);
/* The current thread ends; its kernel stack is freed by the next one that runs. */
NORETURN void thread_exit(void);

/*
 * Sleeping.  thread_block sleeps until thread_wake(t) or `deadline` (CLOCK_MONOTONIC, ns); a wake
 * that came since the last thread_block returned is not lost.  Returns 0 when woken, -ETIMEDOUT,
 * or with `interruptible` -ERESTARTSYS when a signal that is not blocked is pending.  Spurious
 * returns of 0 are allowed: callers loop over their condition.  No spin lock may be held.
 */
int thread_block(ktime_t deadline, bool interruptible);
/* The same without a deadline, which only being told to die ends besides: 0 or -ERESTARTSYS. */
MUST_CHECK int thread_block_killable(void);
/* May be called with spin locks held, from a timer, on any vCPU. */
void thread_wake(struct thread *t);
/* Ends an interruptible sleep of t so that it looks at its signals. */
void thread_interrupt(struct thread *t);
/* Gives other runnable threads a turn. */
void thread_yield(void);
/* Lets completions that are there already take effect, without giving up the CPU. */
void thread_yield_to_events(void);
/* True when the current thread must not go back to its program: call thread_die. */
static inline bool thread_told_to_die(const struct thread *t)
{
    return __atomic_load_n(&t->exit_signal_code, __ATOMIC_RELAXED) != 0;
}
/* True when the current thread has a deliverable signal or is told to die. */
static inline bool thread_interrupted(void)
{
    return __atomic_load_n(&current->signal_pending, __ATOMIC_RELAXED) != 0;
}

#endif
