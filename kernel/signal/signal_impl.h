/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared inside kernel/signal only: actions, queues, and the steps of delivery.
 *
 * A queue holds, for each pending signal, a bit in `pending`; its siginfo is an entry on the
 * list, or there is none: then it is a SI_KERNEL one (bit in `bare`) or its entry could not be
 * allocated (SI_USER, as Linux).  Signals below SIGRTMIN are queued once.  One entry is part of
 * the queue, so that a signal to a thread that takes it at once allocates nothing.
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
    struct action action[NSIGNALS]; /* [process lock] by signal - 1 */
};

struct sigentry {
    struct list link;
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
    unsigned count;       /* [process lock] entries */
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
#define SYNC_SIGNALS                                                   \
    (SIG_BIT(4) | SIG_BIT(5) | SIG_BIT(7) | SIG_BIT(8) | SIG_BIT(11) | \
     SIG_BIT(31)) /* ILL TRAP BUS FPE SEGV SYS */

static inline bool sig_valid(int sig)
{
    return sig >= 1 && sig <= NSIGNALS;
}

/* Queue primitives (queue.c); the process's lock is held. */
int sigqueue_add(struct sigqueue *q, int sig, const siginfo_t *info, unsigned limit);
/* The entry of a POSIX timer's signal that is still pending, or NULL. */
struct sigentry *sigqueue_find_timer(struct sigqueue *q, int timer_id);
/* Takes signal sig off, with its siginfo. */
void sigqueue_take(struct sigqueue *q, int sig, siginfo_t *info);
void sigqueue_flush(struct sigqueue *q, sigset_t set);
/* The signal to deliver first out of `set` (not empty): synchronous ones, then by number. */
int sigset_first(sigset_t set);

/*
 * Takes the next pending signal in `wanted` of the current thread or its process; 0: none.
 * (send.c)
 */
int signal_take(sigset_t wanted, siginfo_t *info);
bool action_ignores(const struct action *a, int sig);
/* Sends with the process's lock held; t: the thread that it is for, or NULL.  (send.c) */
int signal_send_locked(struct process *p, struct thread *t, int sig, const siginfo_t *info);
/* A timer's signal is about to reach the program: completes its siginfo.  (ptimer.c) */
void ptimer_delivered_locked(struct process *p, siginfo_t *info);

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
