/* SPDX-License-Identifier: Apache-2.0 */
/* wait4 and waitid: who is meant, what is told, when a status is taken and when not. */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

static int raw_waitid(int which, int id, siginfo_t *info, int options)
{
    return (int)syscall(SYS_waitid, which, id, info, options, NULL);
}

static int killed_by(void *arg)
{
    syscall(SYS_kill, syscall(SYS_getpid), (int)(long)arg);
    return 1;
}

static void statuses(void)
{
    struct rusage ru;
    int status;

    pid_t pid = child_start(child_exits, (void *)300);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, (300 & 0xff) << 8);
    pid = child_start(killed_by, (void *)SIGTERM);
    check_eq(wait4(-1, &status, 0, &ru), pid);
    check_eq(status, SIGTERM);
    pid = child_start(killed_by, (void *)SIGKILL);
    check_eq(waitpid(0, &status, 0), pid);
    check_eq(status, SIGKILL);
    pid = child_start(child_sleeps, NULL);
    check_eq(waitpid(pid, &status, WNOHANG), 0);
    check_ok(kill(pid, SIGKILL));
    check_eq(waitpid(-getpgrp(), NULL, 0), pid);
    check_err(kill(pid, 0), ESRCH);
}

static void nobody(void)
{
    siginfo_t info;

    check_err(waitpid(-1, NULL, 0), ECHILD);
    check_err(waitpid(getppid(), NULL, 0), ECHILD);
    check_err(waitpid(getpid(), NULL, WNOHANG), ECHILD);
    check_err(syscall(SYS_wait4, INT32_MIN, NULL, 0, NULL), ESRCH);
    check_err(syscall(SYS_wait4, -1, NULL, 0x100, NULL), EINVAL);
    check_err(raw_waitid(P_ALL, 0, &info, WEXITED), ECHILD);
    check_err(raw_waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
    check_err(raw_waitid(P_PID, 0, &info, WEXITED), EINVAL);
    check_err(raw_waitid(P_PGID, -1, &info, WEXITED), EINVAL);
    check_err(raw_waitid(P_PIDFD, -1, &info, WEXITED), EINVAL);
    check_err(raw_waitid(P_PIDFD, 0, &info, WEXITED), EBADF);
    check_err(raw_waitid(9, 0, &info, WEXITED), EINVAL);
}

static void info_fields(void)
{
    siginfo_t info;
    int status;

    pid_t pid = child_start(child_exits, (void *)5);
    check_ok(raw_waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
    check_eq(info.si_signo, SIGCHLD);
    check_eq(info.si_code, CLD_EXITED);
    check_eq(info.si_pid, pid);
    check_eq(info.si_uid, getuid());
    check_eq(info.si_status, 5);
    check_ok(kill(pid, SIGTERM)); /* a zombie takes it and nothing comes of it */
    check_eq(getpgid(pid), getpgrp());
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 5 << 8);

    pid = child_start(child_sleeps, NULL);
    memset(&info, 0xff, sizeof(info));
    check_ok(raw_waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    check_eq(info.si_signo, 0);
    check_eq(info.si_pid, 0);
    check_ok(kill(pid, SIGHUP));
    check_ok(raw_waitid(P_PGID, 0, &info, WEXITED));
    check_eq(info.si_code, CLD_KILLED);
    check_eq(info.si_status, SIGHUP);
    check_eq(info.si_pid, pid);
    pid = child_start(child_exits, NULL);
    check_ok(raw_waitid(P_PID, pid, NULL, WEXITED));
}

static void other_signals(void)
{
    int status;

    /* Not SIGCHLD: a "clone" child, of which only __WCLONE and __WALL know. */
    pid_t pid = child_clone(child_exits, (void *)3, CLONE_VM);
    check_err(waitpid(pid, &status, 0), ECHILD);
    check_eq(waitpid(pid, &status, __WCLONE), pid);
    signal(SIGUSR1, SIG_IGN); /* before there is somebody to send it */
    pid = child_clone(child_exits, (void *)4, CLONE_VM | SIGUSR1);
    check_eq(waitpid(-1, &status, __WALL), pid);
    check_eq(status, 4 << 8);
    pid = child_start(child_exits, NULL);
    check_err(waitpid(pid, &status, __WCLONE), ECHILD);
    check_eq(waitpid(pid, &status, __WALL | __WNOTHREAD), pid);
}

static volatile sig_atomic_t heard;
static siginfo_t last;

static void on_child(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    last = *info;
    heard++;
}

static void the_signal(void)
{
    struct sigaction act = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct rusage ru;
    int status;

    sigaction(SIGCHLD, &act, NULL);
    pid_t pid = child_start(child_exits, (void *)6);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(heard, 1);
    check_eq(last.si_code, CLD_EXITED);
    check_eq(last.si_pid, pid);
    check_eq(last.si_status, 6);

    act.sa_flags |= SA_NOCLDWAIT;
    sigaction(SIGCHLD, &act, NULL);
    pid = child_start(child_exits, (void *)6);
    check_err(waitpid(pid, &status, 0), ECHILD);
    check_eq(heard, 2);
    signal(SIGCHLD, SIG_IGN);
    pid = child_start(child_exits, (void *)6);
    check_err(waitpid(-1, &status, 0), ECHILD);
    check_err(kill(pid, 0), ESRCH);
    signal(SIGCHLD, SIG_DFL);
    check_ok(getrusage(RUSAGE_CHILDREN, &ru));
}

static void by_descriptor(void)
{
    siginfo_t info;
    pid_t pid = child_start(child_sleeps, NULL);
    int fd = (int)check_ok(syscall(SYS_pidfd_open, pid, 0));
    int idle = (int)check_ok(syscall(SYS_pidfd_open, pid, O_NONBLOCK));
    struct pollfd p = {.fd = fd, .events = POLLIN};

    check_eq(poll(&p, 1, 0), 0);
    check_err(raw_waitid(P_PIDFD, idle, &info, WEXITED), EAGAIN);
    check_ok(syscall(SYS_pidfd_send_signal, fd, SIGINT, NULL, 0));
    check_eq(poll(&p, 1, 10000), 1);
    check_eq(p.revents, POLLIN);
    check_ok(syscall(SYS_pidfd_send_signal, fd, SIGINT, NULL, 0)); /* a zombie */
    check_ok(raw_waitid(P_PIDFD, fd, &info, WEXITED));
    check_eq(info.si_status, SIGINT);
    check_err(raw_waitid(P_PIDFD, fd, &info, WEXITED), ECHILD);
    check_err(syscall(SYS_pidfd_send_signal, fd, SIGINT, NULL, 0), ESRCH);
    check_eq(poll(&p, 1, 0), 1);
    close(fd);
    close(idle);
}

int main(void)
{
    signal(SIGCHLD, SIG_DFL);
    nobody();
    statuses();
    info_fields();
    other_signals();
    the_signal();
    by_descriptor();
    check_err(waitpid(-1, NULL, __WALL), ECHILD);
    return check_done();
}
