/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of the host process.
 *
 *   ticks   a POSIX timer of the vCPU's thread, armed when the kernel asks (ocall tick)
 *   others  passed on to the program as far as the configuration allows; the rest keep their
 *           default action
 *
 * A handler that finds the thread in the enclave (at the AEP) enters it again with CSSA 1, so that
 * the kernel sees the interruption at once; it then returns and the AEP resumes. A signal that
 * comes while the thread is outside is noted in the shared block; the kernel looks there after each
 * ocall. It may come just before a wait that it should end, so the timer is armed to ring again.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/enclave/layout.h"
#include "host/ring.h"
#include "host/runtime_impl.h"
#include "lib/config.h"

#define TICK_SIGNAL (SIGRTMAX - 1)
#define RETRY_NS 500000

static void enter_interrupted(void)
{
    struct sgx_enclave_run run = {.tcs = layout_tcs(host.options->layout, 0)};
    if (enclave_enter(EENTER, NULL, &run) || run.function != EEXIT) {
        static const char text[] = "cella: the kernel failed while it handled an interrupt\n";
        (void)!write(2, text, sizeof(text) - 1);
        _exit(125);
    }
}

void tick_set(int64_t ns)
{
    struct itimerspec its = {.it_value = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}};
    if (!host.tick_made) {
        struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL};
        ev._sigev_un._tid = (int)syscall(SYS_gettid);
        if (!ns || timer_create(CLOCK_MONOTONIC, &ev, &host.tick))
            return;
        host.tick_made = true;
    }
    timer_settime(host.tick, 0, &its, NULL);
}

static void on_tick(int sig, siginfo_t *info, void *uc)
{
    int saved = errno;
    (void)sig;
    (void)info;
    if (host.device->at_aep(uc))
        enter_interrupted();
    else {
        host.ring->interrupt(host.ring);
        tick_set(RETRY_NS);
    }
    errno = saved;
}

static void on_program_signal(int sig, siginfo_t *info, void *uc)
{
    __atomic_fetch_or(&host.vcpus[0].signals, 1UL << (sig - 1), __ATOMIC_RELEASE);
    on_tick(sig, info, uc);
}

static int handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&sa.sa_mask);
    /* The CPU's exceptions must stay deliverable: the kernel may fault while it handles a tick. */
    static const int exceptions[] = {SIGSEGV, SIGILL, SIGSYS, SIGFPE, SIGBUS, SIGTRAP};
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        sigdelset(&sa.sa_mask, exceptions[i]);
    return host.device->sigaction(sig, &sa);
}

/* An ignored signal stays ignored, as after exec (nohup). */
static bool ignored(int sig)
{
    struct sigaction old;
    return sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

int signals_init(void)
{
    static const int all[] = {SIGHUP,  SIGINT,   SIGQUIT, SIGUSR1, SIGUSR2,
                              SIGTERM, SIGWINCH, SIGTSTP, SIGCONT, SIGALRM};
    const struct config *c = host.options->config;

    signal(SIGPIPE, SIG_IGN);
    int ret = handle(TICK_SIGNAL, on_tick);
    if (!ret)
        ret = handle(SIGTRAP,
                     on_tick); /* int3 and single steps come as signals, not through the vDSO */
    if (config_flag(c, CONFIG_F_HOST_SIGNALS))
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !ret; i++)
            ret = ignored(all[i]) ? 0 : handle(all[i], on_program_signal);
    else if (config_flag(c, CONFIG_F_HOST_SIGTERM))
        ret = handle(SIGTERM, on_program_signal);
    return ret;
}
