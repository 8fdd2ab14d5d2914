/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared inside kernel/signal only: actions, queues, and the steps of delivery.
 *
 * A queue holds, for each pending signal, a bit in `pending`; its siginfo is an entry on the
 * list, or there is none: then it is a SI_KERNEL one (bit in `bare`) or its entry could not be
 * allocated (SI_USER, as Linux).  Signals below SIGRTMIN are queued once, but for timers'.
 *
 * An entry is allocated, or the one that is part of the queue, so that a signal to a thread that
 * takes it at once allocates nothing, or part of a POSIX timer, which always has its own.  All
 * are counted for a user against RLIMIT_SIGPENDING: the receiver's, a timer's from timer_create on.
 */
#ifndef KERNEL_SIGNAL_SIGNAL_IMPL_H
#define KERNEL_SIGNAL_SIGNAL_IMPL_H

#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"

#define NSIGNALS 64
#define SIGNAL_RT_MIN 32
#define SIGINFO_KEPT 48 /* bytes of a siginfo_t that any layout uses; the rest is zero */

/* As rt_sigaction(2) has it in memory. */
struct action {
    uaddr_t handler; /* or HANDLER_DEFAULT, HANDLER_IGNORE */
    uint64_t flags;  /* SA_* */
    uaddr_t restorer;
    sigset_t mask;
};
#define HANDLER_DEFAULT 0UL
#define HANDLER_IGNORE 1UL

struct sighand {
    struct ref ref;
    struct spinlock lock; /* processes may share it (CLONE_SIGHAND); after a process's lock */
    struct action action[NSIGNALS]; /* [l] by signal - 1; a handler alone is read without it */
};

struct ptimer;
struct user;

struct sigentry {
    struct list link;
    struct sigqueue *queue; /* [process lock] where a timer's entry is queued, or NULL */
    struct ptimer *timer;   /* [I] whose it is, or NULL */
    struct user *user;      /* [process lock] a reference: for whom it counts */
    union {
        int32_t signo; /* = si_signo */
        uint8_t info[SIGINFO_KEPT];
        uint64_t align;
    };
};

struct sigqueue {
    sigset_t pending;     /* [process lock] */
    sigset_t bare;        /* [process lock] pending with SI_KERNEL and no entry */
    struct list entries;  /* [process lock] in order of arrival */
    struct sigentry slot; /* [process lock] the entry that costs no allocation … */
    bool slot_used;       /* … when this is false */

    /* For a thread's queue only. */
    sigset_t waiting; /* [process lock] rt_sigtimedwait wants these, blocked or not */
    uint64_t trapno, error_code, cr2; /* [o] of the last fault, for the frame */
};

enum default_action { DEFAULT_TERM, DEFAULT_IGNORE, DEFAULT_STOP, DEFAULT_CONT };
enum default_action signal_default(int sig);

#define UNBLOCKABLE (SIG_BIT(9) | SIG_BIT(19)) /* KILL STOP */
#define STOP_SIGNALS \
    (SIG_BIT(19) | SIG_BIT(20) | SIG_BIT(21) | SIG_BIT(22)) /* STOP TSTP TTIN TTOU */
#define CONT_SIGNALS SIG_BIT(18)
#define CORE_SIGNALS                                                                             \
    (SIG_BIT(3) | SIG_BIT(4) | SIG_BIT(5) | SIG_BIT(6) | SIG_BIT(7) | SIG_BIT(8) | SIG_BIT(11) | \
     SIG_BIT(24) | SIG_BIT(25) | SIG_BIT(31)) /* QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS */
#define SYNC_SIGNALS                                                   \
    (SIG_BIT(4) | SIG_BIT(5) | SIG_BIT(7) | SIG_BIT(8) | SIG_BIT(11) | \
     SIG_BIT(31)) /* ILL TRAP BUS FPE SEGV SYS */

static inline bool sig_valid(int sig)
{
    return sig >= 1 && sig <= NSIGNALS;
}

/*
 * Queue primitives (queue.c); the process's lock is held.  sigqueue_add: 0, or -EAGAIN when a
 * real-time signal that carries data would be entry `limit` + 1 of the user.
 */
int sigqueue_add(struct sigqueue *q, int sig, const siginfo_t *info, struct user *user,
                 uint64_t limit);
/* One more entry of a user: false: that would be more than limit, and force is not given. */
bool sigentry_charge(struct sigentry *e, struct user *user, uint64_t limit, bool force);
void sigentry_uncharge(struct sigentry *e);
/* A timer's own entry, which is on no queue; never fails. */
void sigqueue_add_entry(struct sigqueue *q, struct sigentry *e);
/* Takes a timer's entry off its queue. */
void sigentry_remove(struct sigentry *e);
/* Takes signal sig off, with its siginfo; true: it was a timer's (ptimer_taken). */
bool sigqueue_take(struct sigqueue *q, int sig, siginfo_t *info);
/* Forgets pending signals; those of timers are told (ptimer_dropped_locked). */
void sigqueue_flush(struct sigqueue *q, sigset_t set);
/* The signal to deliver first out of `set` (not empty): synchronous ones, then by number. */
int sigset_first(sigset_t set);

/*
 * Takes the next pending signal in `wanted` of the current thread or its process; 0: none.
 * (send.c)
 */
int signal_take(sigset_t wanted, siginfo_t *info);
/*
 * Takes the next signal that is not blocked, with the action as it is at this moment; SA_RESETHAND
 * takes effect, and for a handler the mask is already the handler's.  0: none.  (send.c)
 */
int signal_take_action(siginfo_t *info, struct action *out);
bool action_ignores(const struct action *a, int sig);
/* Sends with the process's lock held; t: the thread that it is for, or NULL.  (send.c) */
int signal_send_locked(struct process *p, struct thread *t, int sig, const siginfo_t *info);
/*
 * What a signal to t, or NULL for the process, does at once, which is to stop or end a stop's being
 * pending; false: it is ignored, not to be queued.  The process's lock is held.  (send.c)
 */
bool signal_prepare_locked(struct process *p, struct thread *t, int sig);
/* Tells whoever should act on a signal that is on a queue now. (send.c) */
void signal_notify_locked(struct process *p, struct thread *t, int sig);

/*
 * A timer's signal is about to reach the program: completes its siginfo, and the timer goes on
 * counting.  No lock held.  (ptimer.c)
 */
void ptimer_taken(struct process *p, siginfo_t *info);
/* A timer's pending signal was forgotten; the process's lock is held. */
void ptimer_dropped_locked(struct ptimer *t);
/* A SIGALRM is about to reach the program: a periodic ITIMER_REAL goes on.  No lock. (itimer.c) */
void itimer_taken(struct process *p);

/* siginfo.c: which member of the union a (signal, code) pair uses. */
enum siginfo_layout {
    LAYOUT_KILL,
    LAYOUT_TIMER,
    LAYOUT_POLL,
    LAYOUT_FAULT,
    LAYOUT_CHLD,
    LAYOUT_RT,
    LAYOUT_SYS,
};
enum siginfo_layout siginfo_layout(int sig, int code);
/*
 * Copies a siginfo that a program made, for signal sig, or -1: the one that it names itself.
 * -EFAULT, or -E2BIG when it uses bytes that a signal's layout does not have.
 */
MUST_CHECK int siginfo_in(siginfo_t *info, uaddr_t uinfo, int sig);

/* stop.c.  A stop signal that the current thread has taken has its default effect. */
void signal_stop(struct process *p, int sig);
/* The current thread, on its way to the program, stays while its process is stopped. */
void signal_stop_here(struct process *p);
/* A thread is gone: perhaps all that are left have stopped. */
void signal_stop_check_locked(struct process *p);

/* A signal was queued: wakes who reads or polls a signalfd for it.  (ipc/signalfd.c) */
void signalfd_notify(int sig);

/*
 * frame.c: pushes a frame for the handler and points regs at it.  Or -EFAULT: regs are unchanged.
 */
MUST_CHECK int frame_push(struct user_regs *regs, int sig, const struct action *a,
                          const siginfo_t *info, sigset_t saved_mask);

/* altstack.c */
bool altstack_contains(const struct thread *t, uaddr_t sp);
/* A user's stack_t. */
struct user_altstack {
    uaddr_t sp;
    int32_t flags;
    int32_t pad;
    uint64_t size;
};
long altstack_set(struct thread *t, const struct user_altstack *ss, uaddr_t sp, size_t min_size);
void altstack_reset(struct thread *t);

static inline void siginfo_init(siginfo_t *info, int sig, int code)
{
    __builtin_memset(info, 0, sizeof(*info));
    info->si_signo = sig;
    info->si_code = code;
}

#endif
