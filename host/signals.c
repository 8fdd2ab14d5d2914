/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of the host process.
 *
 *   ticks   a POSIX timer of the vCPU's thread, armed when the kernel asks (ocall tick); the same
 *           signal comes from another vCPU that wants this one's attention
 *   others  passed on to the program as far as the configuration allows; the rest keep their
 *           default action
 *
 * A handler that finds the thread in the enclave (at the AEP) enters it again with CSSA 1, so that
 * the kernel sees the interruption at once; it then returns and the AEP resumes. A signal that
 * comes while the thread is outside is noted in the shared block; the kernel looks there after each
 * ocall. It may come just before a wait that it should end, which its eventfd then does; and it may
 * come on the way from an exception to ERESUME, after which the kernel does not look: a timer brings it
 * again soon.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/enclave/layout.h"
#include "host/ring.h"
#include "host/runtime_impl.h"
#include "lib/config.h"

#define RETRY_NS 500000

static const int program_signals[] = {SIGHUP,  SIGINT,   SIGQUIT, SIGUSR1, SIGUSR2,
                                      SIGTERM, SIGWINCH, SIGTSTP, SIGCONT, SIGALRM};
#define PROGRAM_SIGNALS (sizeof(program_signals) / sizeof(program_signals[0]))

static void enter_interrupted(void)
{
    struct sgx_enclave_run run = {.tcs = layout_tcs(host.options->layout, host_cpu->index)};
    if (enclave_enter(EENTER, NULL, &run) || run.function != EEXIT) {
        static const char text[] = "cella: the kernel failed while it handled an interrupt\n";
        (void)!write(host.log_fd, text, sizeof(text) - 1);
        _exit(125);
    }
}

void tick_set(int64_t ns)
{
    struct itimerspec its = {.it_value = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}};
    if (!host_cpu->tick_made) {
        struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL};
        /* Where sigev_notify_thread_id lies, for which not every C library has a name. */
        memcpy((char *)&ev + 16, &host_cpu->tid, sizeof(int));
        if (!ns || timer_create(CLOCK_MONOTONIC, &ev, &host_cpu->tick))
            return;
        host_cpu->tick_made = true;
    }
    host_cpu->tick_armed = ns;
    timer_settime(host_cpu->tick, 0, &its, NULL);
}

static void on_tick(int sig, siginfo_t *info, void *uc)
{
    int saved = errno;

    if (sig == TICK_SIGNAL && info->si_code == SI_TIMER)
        host_cpu->tick_armed = false;
    if (host.device->at_aep(uc)) {
        enter_interrupted();
    } else {
        __atomic_store_n(&host.vcpus[host_cpu->index].kick, 1, __ATOMIC_RELEASE);
        vcpu_wake(host_cpu->index);
        tick_set(RETRY_NS);
    }
    errno = saved;
}

/* Only the first vCPU's thread lets them in. */
static void on_program_signal(int sig, siginfo_t *info, void *uc)
{
    __atomic_fetch_or(&host.vcpus[0].signals, 1UL << (sig - 1), __ATOMIC_RELEASE);
    on_tick(sig, info, uc);
}

/* The CPU's exceptions must stay deliverable: the kernel may fault while it handles a tick. */
static void all_but_exceptions(sigset_t *set)
{
    static const int exceptions[] = {SIGSEGV, SIGILL, SIGSYS, SIGFPE, SIGBUS, SIGTRAP};
    sigfillset(set);
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        sigdelset(set, exceptions[i]);
}

static int handle(int sig, void (*fn)(int, siginfo_t *, void *))
{
    struct sigaction sa = {.sa_sigaction = fn, .sa_flags = SA_SIGINFO | SA_RESTART};
    all_but_exceptions(&sa.sa_mask);
    return host.device->sigaction(sig, &sa);
}

/* An ignored signal stays ignored, as after exec (nohup). */
static bool ignored(int sig)
{
    struct sigaction old;
    return sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

void signals_block(sigset_t *old)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < PROGRAM_SIGNALS; i++)
        sigaddset(&set, program_signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, old);
}

void signals_block_all(sigset_t *old)
{
    sigset_t set;
    all_but_exceptions(&set);
    sigdelset(&set, TICK_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &set, old);
}

int signals_init(void)
{
    signal(SIGPIPE, SIG_IGN);
    int ret = handle(TICK_SIGNAL, on_tick);
    if (!ret)
        ret = handle(SIGTRAP,
                     on_tick); /* int3 and single steps come as signals, not through the vDSO */
    if (host.options->control_listen >= 0)
        return ret; /* its thread takes them */
    if (host.link_fd >= 0)
        return ret; /* the base does */
    const struct config *c = host.options->config;
    uint64_t set = config_host_signals(c);
    if (config_flag(c, CONFIG_F_HOST_SIGTERM))
        set |= 1UL << (SIGTERM - 1);
    for (size_t i = 0; i < PROGRAM_SIGNALS && !ret; i++) {
        int sig = program_signals[i];
        if (set >> (sig - 1) & 1 && !ignored(sig))
            ret = handle(sig, on_program_signal);
    }
    return ret;
}
