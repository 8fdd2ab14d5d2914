/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a siginfo says: si_code decides, together with the signal's number, which member of its
 * union is meant.  Codes above 0 and below SI_KERNEL are a signal's own, of which each has so
 * many; others are the same for all signals.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time_types.h>

#include "kernel/proc/id/cred.h"
#include "kernel/signal/signal_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#define NSIGPOLL_CODES 6
#define SI_LAST_GENERAL (-7) /* SI_DETHREAD */

static const struct {
    uint8_t codes, layout;
} own[] = {
    [SIGILL] = {NSIGILL, LAYOUT_FAULT},   [SIGFPE] = {NSIGFPE, LAYOUT_FAULT},
    [SIGSEGV] = {NSIGSEGV, LAYOUT_FAULT}, [SIGBUS] = {NSIGBUS, LAYOUT_FAULT},
    [SIGTRAP] = {NSIGTRAP, LAYOUT_FAULT}, [SIGCHLD] = {NSIGCHLD, LAYOUT_CHLD},
    [SIGPOLL] = {NSIGPOLL, LAYOUT_POLL},  [SIGSYS] = {NSIGSYS, LAYOUT_SYS},
};
#define OWN_COUNT ((int)(sizeof(own) / sizeof(own[0])))

static bool has_own(int sig)
{
    return sig > 0 && sig < OWN_COUNT && own[sig].codes;
}

enum siginfo_layout siginfo_layout(int sig, int code)
{
    if (code > SI_USER && code < SI_KERNEL) {
        if (has_own(sig) && code <= own[sig].codes)
            return own[sig].layout;
        return code <= NSIGPOLL_CODES ? LAYOUT_POLL : LAYOUT_KILL;
    }
    switch (code) {
    case SI_TIMER: return LAYOUT_TIMER;
    case SI_SIGIO: return LAYOUT_POLL;
    default: return code < 0 ? LAYOUT_RT : LAYOUT_KILL;
    }
}

static bool known(int sig, int code)
{
    if (code == SI_KERNEL || code == SI_ASYNCNL)
        return true;
    if (code > SI_USER)
        return code <= (has_own(sig) ? own[sig].codes : NSIGPOLL_CODES);
    return code >= SI_LAST_GENERAL;
}

int siginfo_in(siginfo_t *info, uaddr_t uinfo, int sig)
{
    const uint8_t *bytes = (const uint8_t *)info;

    if (copy_in(info, uinfo, sizeof(*info)))
        return -EFAULT;
    if (sig >= 0)
        info->si_signo = sig;
    for (size_t i = SIGINFO_KEPT; i < sizeof(*info) && !known(info->si_signo, info->si_code); i++)
        if (bytes[i])
            return reject(-E2BIG, "siginfo of an unknown layout");
    memset((uint8_t *)info + SIGINFO_KEPT, 0, sizeof(*info) - SIGINFO_KEPT);
    return 0;
}

void signal_to_self(int sig)
{
    siginfo_t info;

    siginfo_from_self(&info, sig, SI_USER);
    (void)signal_send_thread(current, sig, &info);
}

void siginfo_from_self(siginfo_t *info, int sig, int code)
{
    struct process *p = current_process();
    siginfo_init(info, sig, code);
    info->si_pid = p->pid;
    info->si_uid = current_cred()->uid;
}
