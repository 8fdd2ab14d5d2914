/* SPDX-License-Identifier: Apache-2.0 */
/* tgkill reaches exactly its thread; a process signal goes to a thread that does not block it. */
#include "check.h"
#include <pthread.h>
#include <sys/syscall.h>

static volatile int receiver;
static volatile int worker_tid;
static volatile int stop;

static void handler(int sig)
{
    (void)sig;
    receiver = (int)syscall(SYS_gettid);
}

static void *worker(void *arg)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    worker_tid = (int)syscall(SYS_gettid);
    while (!stop)
        usleep(1000);
    return arg;
}

static int wait_receiver(void)
{
    for (int i = 0; i < 2000 && !receiver; i++)
        usleep(1000);
    return receiver;
}

int main(void)
{
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART};
    pthread_t thread;
    sigset_t set;
    int tid = (int)syscall(SYS_gettid);

    sigaction(SIGUSR1, &act, NULL);
    sigaction(SIGUSR2, &act, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    need(pthread_create(&thread, NULL, worker, NULL) == 0);
    while (!worker_tid)
        usleep(1000);

    check_ok(syscall(SYS_tgkill, getpid(), worker_tid, SIGUSR1));
    check_eq(wait_receiver(), worker_tid);
    receiver = 0;
    check_ok(syscall(SYS_tgkill, getpid(), tid, SIGUSR1));
    check_eq(wait_receiver(), tid);
    receiver = 0;
    check_ok(kill(getpid(), SIGUSR2));
    check_eq(wait_receiver(), worker_tid);

    check_err(syscall(SYS_tgkill, getpid(), 0, SIGUSR1), EINVAL);
    check_err(syscall(SYS_tgkill, getpid(), 999999, SIGUSR1), ESRCH);
    check_err(syscall(SYS_tgkill, getpid(), tid, 99), EINVAL);
    stop = 1;
    pthread_join(thread, NULL);
    return check_done();
}
