/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of the host process.  A signal can change what a program does, and the host can invent any
 * number of them at any moment: what gets in is the measured configuration's decision, all of them
 * (CONFIG_F_HOST_SIGNALS), one SIGTERM (CONFIG_F_HOST_SIGTERM), or none.
 */
#include "kernel/signal/from_host.h"

#include <asm/siginfo.h>
#include <asm/signal.h>

#include "kernel/kernel.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/proc/process.h"
#include "kernel/signal/signal.h"
#include "lib/config.h"

#define FORWARDED                                                                                 \
    (SIG_BIT(SIGHUP) | SIG_BIT(SIGINT) | SIG_BIT(SIGQUIT) | SIG_BIT(SIGUSR1) | SIG_BIT(SIGUSR2) | \
     SIG_BIT(SIGTERM) | SIG_BIT(SIGWINCH) | SIG_BIT(SIGTSTP) | SIG_BIT(SIGCONT) |                 \
     SIG_BIT(SIGALRM))

static uint64_t allowed_of(uint64_t set)
{
    static bool term_used;
    if (config_flag(kernel.config, CONFIG_F_HOST_SIGNALS))
        return set & FORWARDED;
    if (config_flag(kernel.config, CONFIG_F_HOST_SIGTERM) && (set & SIG_BIT(SIGTERM)))
        return __atomic_exchange_n(&term_used, true, __ATOMIC_RELAXED) ? 0 : SIG_BIT(SIGTERM);
    return 0;
}

void signals_from_host(void)
{
    uint64_t set = host_signals_take();
    if (!set || !kernel.first)
        return;
    for (set = allowed_of(set); set; set &= set - 1) {
        siginfo_t info = {.si_signo = __builtin_ctzl(set) + 1, .si_code = SI_KERNEL};
        (void)signal_send_process(kernel.first, info.si_signo, &info);
    }
}
