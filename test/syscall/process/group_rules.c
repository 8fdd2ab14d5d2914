/* SPDX-License-Identifier: Apache-2.0 */
/* setpgid, setsid, getpgid, getsid across processes: who may put whom into which group. */
#include "check.h"
#include "child.h"

extern char **environ;

static volatile int phase, failed;

#define IN_CHILD(cond) (failed += !(cond))

/* Exits when told, so that others can look at it. */
static int stays(void *arg)
{
    (void)arg;
    while (!phase)
        child_nap(1);
    return 0;
}

static pid_t start_stays(void)
{
    phase = 0;
    return child_start(stays, NULL);
}

static void end(pid_t pid)
{
    phase = 1;
    check_eq(waitpid(pid, NULL, 0), pid);
}

static int leads_session(void *arg)
{
    (void)arg;
    IN_CHILD(setsid() == getpid());
    IN_CHILD(getsid(0) == getpid() && getpgrp() == getpid());
    IN_CHILD(setsid() == -1);
    IN_CHILD(setpgid(0, 0) == -1);
    IN_CHILD(setpgid(0, getppid()) == -1);
    phase = 1;
    while (phase == 1)
        child_nap(1);
    return 0;
}

static void in_other_session(void)
{
    phase = failed = 0;
    pid_t pid = child_start(leads_session, NULL);
    need(child_await(&phase));
    check_eq(failed, 0);
    check_eq(getsid(pid), pid);
    check_err(setpgid(pid, 0), EPERM);
    check_err(setpgid(pid, getpgrp()), EPERM);
    pid_t other = child_start(child_sleeps, NULL);
    check_err(setpgid(other, pid), EPERM);
    kill(other, SIGKILL);
    check_eq(waitpid(other, NULL, 0), other);
    phase = 2;
    check_eq(waitpid(pid, NULL, 0), pid);
}

static void groups(void)
{
    pid_t a = start_stays(), b = child_start(stays, NULL);

    check_eq(getpgid(a), getpgrp());
    check_eq(getpgid(0), getpgrp());
    check_eq(getsid(a), getsid(0));
    check_ok(setpgid(a, 0));
    check_eq(getpgid(a), a);
    check_ok(setpgid(a, a));
    check_ok(setpgid(b, a));
    check_eq(getpgid(b), a);
    check_ok(setpgid(b, b));
    check_ok(setpgid(a, b));
    check_ok(setpgid(b, getpgrp()));
    check_eq(getpgid(a), b); /* the group lives on without who gave it its number */
    check_ok(setpgid(b, b));
    check_err(setpgid(b, -1), EINVAL);
    check_err(setpgid(b, 4194303), EPERM);
    check_err(setpgid(getppid(), 0), ESRCH);
    check_err(setpgid(4194303, 0), ESRCH);
    check_err(getpgid(4194303), ESRCH);
    check_err(getsid(-1), ESRCH);
    check_err(kill(-4194303, 0), ESRCH);
    check_ok(kill(-b, 0));
    end(b);
    check_eq(waitpid(-b, NULL, 0), a);
    check_err(kill(-b, 0), ESRCH);
}

/* A child with another program is left alone, and is itself free to go. */
static void after_exec(void)
{
    char *argv[] = {"sleep", "100", NULL};
    pid_t pid = vfork();

    if (pid == 0) {
        execve("/bin/sleep", argv, environ);
        _exit(1);
    }
    check_err(setpgid(pid, 0), EACCES);
    check_err(setpgid(pid, getpgrp()), EACCES);
    check_ok(kill(pid, SIGKILL));
    check_eq(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    /* Whatever the caller made of us: in a session or group of our own. */
    if (getpgrp() == getpid())
        check_err(setsid(), EPERM);
    else
        check_ok(setpgid(0, 0));
    check_eq(getpgrp(), getpid());
    groups();
    in_other_session();
    after_exec();
    return check_done();
}
