/* SPDX-License-Identifier: Apache-2.0 */
/* Ending as a program in an enclave has ended: see ending.h. */
#include "cli/ending.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

void ending_as(int status)
{
    const struct rlimit none = {0, 0};
    sigset_t set;
    fflush(NULL);
    if (!WIFSIGNALED(status))
        _exit(WEXITSTATUS(status));
    int sig = WTERMSIG(status);
    setrlimit(RLIMIT_CORE, &none);
    signal(sig, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(sig);
    _exit(128 + sig);
}
