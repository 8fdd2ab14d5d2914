/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of the host process.  A signal can change what a program does, and the host can invent any
 * number of them at any moment: what gets in is the measured configuration's decision, some of them,
 * all (CONFIG_F_HOST_SIGNALS), one SIGTERM (CONFIG_F_HOST_SIGTERM), or none.
 *
 * What the host's terminal sends to its foreground group, of which all that it sees is the cella process, goes
 * to the group that has that terminal's foreground in here; everything else to the first process.
 */
#include "kernel/signal/from_host.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "kernel/fs/host/host.h"
#include "kernel/kernel.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/proc/process.h"
#include "kernel/signal/signal.h"
#include "lib/config.h"

/* What a terminal sends to its foreground group. */
#define TERMINAL_SIGNALS (SIG_BIT(SIGINT) | SIG_BIT(SIGQUIT) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGWINCH))

static uint64_t allowed_of(uint64_t set)
{
    static bool term_used;
    uint64_t allowed = config_host_signals(kernel.config);
    uint64_t once = config_flag(kernel.config, CONFIG_F_HOST_SIGTERM) ? SIG_BIT(SIGTERM) : 0;

    if ((set & once & ~allowed) && __atomic_exchange_n(&term_used, true, __ATOMIC_RELAXED))
        once = 0;
    return set & (allowed | once);
}

bool signal_is_key(int sig)
{
    return SIG_BIT(sig) & TERMINAL_SIGNALS;
}

bool signal_let_in(int sig)
{
    return allowed_of(SIG_BIT(sig)) != 0;
}

void signals_from_host(void)
{
    uint64_t set = host_signals_take();
    if (!set || !kernel.first)
        return;
    for (set = allowed_of(set); set; set &= set - 1) {
        siginfo_t info = {.si_signo = __builtin_ctzl(set) + 1, .si_code = SI_KERNEL};
        if (signal_is_key(info.si_signo) && host_tty_signal(info.si_signo))
            continue;
        (void)signal_send_process(kernel.first, info.si_signo, &info);
    }
}
