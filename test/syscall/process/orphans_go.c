/* SPDX-License-Identifier: Apache-2.0 */
/* Whose children orphans become, and what they are told. */
#include "check.h"
#include "child.h"
#include <pthread.h>
#include <sys/prctl.h>

static volatile int ready, told, signalled;
static volatile pid_t grandchild, first_parent, second_parent;

static void on_signal(int sig)
{
    signalled = sig;
}

static int grand(void *arg)
{
    if (arg) {
        signal(SIGUSR1, on_signal);
        prctl(PR_SET_PDEATHSIG, SIGUSR1, 0, 0, 0);
    }
    first_parent = getppid();
    grandchild = (pid_t)syscall(SYS_getpid);
    ready = 1;
    while (getppid() == first_parent)
        child_nap(1);
    second_parent = getppid();
    if (arg)
        child_await(&signalled);
    return 9;
}

static int middle(void *arg)
{
    child_start(grand, arg);
    child_await(&ready);
    return 0;
}

static void to_subreaper(long pdeath)
{
    int status, got;

    ready = signalled = 0;
    pid_t pid = child_start(middle, (void *)pdeath);
    check_eq(waitpid(pid, NULL, 0), pid);
    check_eq(first_parent, pid);
    check_eq(waitpid(grandchild, &status, 0), grandchild);
    check_eq(status, 9 << 8);
    check_eq(second_parent, getpid());
    check_eq(signalled, pdeath ? SIGUSR1 : 0);
    check_ok(prctl(PR_GET_CHILD_SUBREAPER, &got));
    check_eq(got, 1);
}

/* The signal comes when the thread ends that made the child. */
static void *makes_child(void *arg)
{
    (void)arg;
    ready = signalled = 0;
    child_start(grand, (void *)1);
    child_await(&ready);
    return NULL;
}

static void of_a_thread(void)
{
    pthread_t thread;
    int status;

    need(pthread_create(&thread, NULL, makes_child, NULL) == 0);
    pthread_join(thread, NULL);
    check(child_await(&signalled));
    check_eq(signalled, SIGUSR1);
    check_eq(waitpid(grandchild, &status, WNOHANG), 0); /* still our child */
    check_err(waitpid(grandchild + 1000, &status, __WNOTHREAD), ECHILD);
    check_ok(kill(grandchild, SIGKILL));
    check_eq(waitpid(grandchild, &status, __WNOTHREAD), grandchild);
}

int main(void)
{
    int got = 7;

    check_ok(prctl(PR_GET_CHILD_SUBREAPER, &got));
    check_eq(got, 0);
    check_ok(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    check_err(prctl(PR_SET_PDEATHSIG, 65, 0, 0, 0), EINVAL);
    check_ok(prctl(PR_SET_PDEATHSIG, SIGUSR2, 0, 0, 0));
    check_ok(prctl(PR_GET_PDEATHSIG, &got));
    check_eq(got, SIGUSR2);
    check_ok(prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0));
    to_subreaper(0);
    to_subreaper(1);
    of_a_thread();
    return check_done();
}
