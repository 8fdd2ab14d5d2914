/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process does with each signal: default, ignore, or a handler.  The table is shared by its
 * threads, and with CLONE_SIGHAND by other processes.
 *
 * Lock: its own, after the process's.
 */
#include <linux/signal.h>
#include <linux/errno.h>

#include "kernel/mm/heap.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define SA_KNOWN                                                                       \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
     SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER)

struct sighand *sighand_new(void)
{
    struct sighand *s = kzalloc(sizeof(*s));
    if (s) {
        ref_init(&s->ref);
        spin_init(&s->lock);
    }
    return s;
}

struct sighand *sighand_get(struct sighand *s)
{
    ref_get(&s->ref);
    return s;
}

bool sighand_is_shared(const struct sighand *s)
{
    return __atomic_load_n(&s->ref.count, __ATOMIC_RELAXED) != 1;
}

struct sighand *sighand_clone(struct sighand *s)
{
    struct sighand *c = sighand_new();
    if (c) {
        spin_lock(&s->lock);
        memcpy(c->action, s->action, sizeof(c->action));
        spin_unlock(&s->lock);
    }
    return c;
}

void sighand_put(struct sighand *s)
{
    if (ref_put(&s->ref))
        kfree(s);
}

void sighand_exec(struct sighand *s)
{
    for (int i = 0; i < NSIGNALS; i++) {
        struct action *a = &s->action[i];
        *a = (struct action){.handler =
                                 a->handler == HANDLER_IGNORE ? HANDLER_IGNORE : HANDLER_DEFAULT};
    }
}

enum default_action signal_default(int sig)
{
    switch (sig) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH: return DEFAULT_IGNORE;
    case SIGCONT: return DEFAULT_CONT;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU: return DEFAULT_STOP;
    default: return DEFAULT_TERM;
    }
}

bool action_ignores(const struct action *a, int sig)
{
    if (a->handler != HANDLER_DEFAULT)
        return a->handler == HANDLER_IGNORE;
    enum default_action d = signal_default(sig);
    return d == DEFAULT_IGNORE || d == DEFAULT_CONT;
}

/* A signal that is now ignored is not pending any more. */
static void flush_ignored_locked(struct process *p, int sig) REQUIRES(p->lock)
{
    sigqueue_flush(p->sigqueue, SIG_BIT(sig));
    list_for_each(l, &p->threads)
        sigqueue_flush(list_entry(l, struct thread, process_link)->sigqueue, SIG_BIT(sig));
}

long sys_rt_sigaction(int sig, uaddr_t act, uaddr_t oact, size_t sigsetsize)
{
    struct process *p = current_process();
    struct action new = {0}, old;

    if (sigsetsize != sizeof(sigset_t))
        return reject(-EINVAL, "sigset size");
    if (act && copy_in(&new, act, sizeof(new)))
        return -EFAULT;
    if (!sig_valid(sig) || (act && (SIG_BIT(sig) & UNBLOCKABLE)))
        return -EINVAL;
    new.mask &= ~UNBLOCKABLE;
    new.flags &= SA_KNOWN; /* so that a program can tell which flags are known */
    spin_lock(&p->lock);
    spin_lock(&p->sighand->lock);
    old = p->sighand->action[sig - 1];
    if (act)
        p->sighand->action[sig - 1] = new;
    spin_unlock(&p->sighand->lock);
    if (act && action_ignores(&new, sig))
        flush_ignored_locked(p, sig);
    spin_unlock(&p->lock);
    if (oact && copy_out(oact, &old, sizeof(old)))
        return -EFAULT;
    return 0;
}
