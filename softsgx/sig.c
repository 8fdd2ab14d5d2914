/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application's signal actions.  softsgx's stub is the handler of the exception signals always,
 * and of any other signal as long as the application has a handler for it; the table holds what the
 * application asked for.  Every handler of ours runs with all asynchronous signals blocked.
 */
#include "softsgx/sig.h"
#include "softsgx/encl.h"
#include "softsgx/softsgx.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define NSIGNALS 64
#define SA_RESTORER_FLAG 0x04000000UL
#define FLAGS_PASSED (SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT)

/* The kernel's struct sigaction. */
struct kernel_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint64_t mask;
};

struct app_action {
    void *handler; /* SIG_DFL, SIG_IGN or a function */
    unsigned long flags;
    uint64_t mask;
};

static struct lock sig_lock; /* guards the table's writers; readers see each action in one piece */
static struct app_action actions[NSIGNALS + 1];
static bool sig_ready;

static bool is_sync(int sig)
{
    return SIGBIT(sig) & SIGMASK_SYNC;
}

static bool is_function(const void *handler)
{
    return handler != (void *)SIG_DFL && handler != (void *)SIG_IGN;
}

static long kernel_sigaction(int sig, const struct kernel_action *act, struct kernel_action *old)
{
    return softsgx_syscall(SYS_rt_sigaction, (long)sig, act, old, 8L);
}

/* Tells the kernel what actions[sig] needs. */
static long action_install(int sig)
{
    const struct app_action *a = &actions[sig];
    struct kernel_action k = {
        .handler = a->handler, .flags = a->flags & ~SA_RESTORER_FLAG, .mask = a->mask};
    if (is_sync(sig) || is_function(a->handler)) {
        k.handler = (void *)softsgx_signal_stub;
        k.flags = (a->flags & FLAGS_PASSED) | SA_SIGINFO | SA_ONSTACK | SA_RESTORER_FLAG;
        if (is_sync(sig))
            k.flags |= SA_NODEFER;
        k.restorer = (void *)softsgx_restorer;
        k.mask = SIGMASK_ASYNC;
    }
    return kernel_sigaction(sig, &k, NULL);
}

void sig_init(void)
{
    uint64_t mask = lock_take_host(&sig_lock);
    for (int sig = 1; sig <= NSIGNALS && !sig_ready; sig++) {
        struct kernel_action k;
        if (kernel_sigaction(sig, NULL, &k))
            continue;
        actions[sig] = (struct app_action){k.handler, k.flags, k.mask};
        if (is_sync(sig) || is_function(k.handler))
            action_install(sig);
    }
    sig_ready = true;
    lock_drop_host(&sig_lock, mask);
}

static void action_export(const struct app_action *a, struct sigaction *out)
{
    memset(out, 0, sizeof(*out));
    out->sa_handler = (sighandler_t)a->handler;
    out->sa_flags = (int)(a->flags & ~SA_RESTORER_FLAG);
    memcpy(&out->sa_mask, &a->mask, sizeof(a->mask));
}

int softsgx_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
    long err = 0;
    if (sig < 1 || sig > NSIGNALS || (act && (sig == SIGKILL || sig == SIGSTOP)))
        return -EINVAL;
    sig_init();
    uint64_t mask = lock_take_host(&sig_lock);
    struct app_action before = actions[sig];
    if (act) {
        actions[sig].handler = (void *)act->sa_handler;
        actions[sig].flags = (unsigned int)act->sa_flags;
        memcpy(&actions[sig].mask, &act->sa_mask, sizeof(actions[sig].mask));
        err = action_install(sig);
        if (err)
            actions[sig] = before;
    }
    lock_drop_host(&sig_lock, mask);
    if (!err && old)
        action_export(&before, old);
    return (int)err;
}

/* Dies of the signal: either the instruction faults again on return, or it is sent again. */
static void action_default(int sig, const siginfo_t *info, ucontext_t *uc)
{
    struct kernel_action k = {.handler = (void *)SIG_DFL};
    kernel_sigaction(sig, &k, NULL);
    uint64_t mask;
    memcpy(&mask, &uc->uc_sigmask, sizeof(mask));
    mask &= ~SIGBIT(sig);
    memcpy(&uc->uc_sigmask, &mask, sizeof(mask));
    if (info->si_code <= 0 || sig == SIGTRAP || sig == SIGSYS)
        softsgx_syscall(SYS_tgkill, (long)getpid(), (long)gettid(), (long)sig);
}

void sig_deliver(int sig, siginfo_t *info, ucontext_t *uc)
{
    struct app_action a = actions[sig];
    if (!is_function(a.handler)) {
        /* An exception cannot be ignored. */
        if (a.handler == (void *)SIG_DFL || (is_sync(sig) && info->si_code > 0))
            action_default(sig, info, uc);
        return;
    }
    if (a.flags & SA_RESETHAND) {
        actions[sig].handler = (void *)SIG_DFL;
        action_install(sig);
    }
    uint64_t mask, async = SIGMASK_ASYNC;
    int saved = errno;
    memcpy(&mask, &uc->uc_sigmask, sizeof(mask));
    mask |= a.mask | (a.flags & SA_NODEFER ? 0 : SIGBIT(sig));
    mask &= ~SIGMASK_SYNC;
    softsgx_syscall(SYS_rt_sigprocmask, (long)SIG_SETMASK, &mask, 0L, 8L);
    ((void (*)(int, siginfo_t *, void *))a.handler)(sig, info, uc);
    softsgx_syscall(SYS_rt_sigprocmask, (long)SIG_BLOCK, &async, 0L, 8L);
    errno = saved;
}

bool softsgx_at_aep(const void *ucontext)
{
    const ucontext_t *uc = ucontext;
    const struct lp *lp = softsgx_lp;
    return lp && (uint64_t)UC(uc, RIP) == lp->aep && UC(uc, RAX) == ENCLU_ERESUME &&
           (uint64_t)UC(uc, RCX) == lp->aep;
}
