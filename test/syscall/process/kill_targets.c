/* SPDX-License-Identifier: Apache-2.0 */
/* kill and its kind: one process, a group, all; with whose permission, and by which descriptor. */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <grp.h>

#define NOBODY 65534

static volatile int ready, failed;
static volatile pid_t victim;

#define IN_CHILD(cond) (failed += !(cond))

static int reap(pid_t pid)
{
    int status = -1;

    check_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void groups(void)
{
    pid_t a = child_start(child_sleeps, NULL), b = child_start(child_sleeps, NULL);
    pid_t c = child_start(child_sleeps, NULL);

    check_ok(setpgid(a, a));
    check_ok(setpgid(b, a));
    check_ok(kill(-a, 0));
    check_ok(kill(-a, SIGTERM));
    check_eq(reap(a), SIGTERM);
    check_eq(reap(b), SIGTERM);
    check_eq(waitpid(c, NULL, WNOHANG), 0);
    check_ok(kill(c, SIGINT));
    check_eq(reap(c), SIGINT);
    check_err(kill(c, SIGINT), ESRCH);
    check_err(kill(INT32_MIN, 0), ESRCH);
    check_err(kill(getpid(), 65), EINVAL);
    check_err(syscall(SYS_tgkill, c, c, SIGINT), ESRCH);
}

static void numbers(void)
{
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    pid_t a = child_start(child_sleeps, NULL), b = child_start(child_sleeps, NULL);

    info.si_pid = getpid();
    check_err(syscall(SYS_tgkill, a, b, SIGUSR1), ESRCH);
    check_ok(syscall(SYS_tgkill, a, a, 0));
    check_ok(syscall(SYS_tgkill, a, a, SIGUSR1));
    check_eq(reap(a), SIGUSR1);
    check_ok(syscall(SYS_rt_sigqueueinfo, b, SIGUSR1, &info));
    check_eq(reap(b), SIGUSR1);
    a = child_start(child_sleeps, NULL);
    info.si_code = SI_USER;
    check_err(syscall(SYS_rt_sigqueueinfo, a, SIGUSR1, &info), EPERM);
    check_ok(syscall(SYS_tkill, a, SIGUSR2));
    check_eq(reap(a), SIGUSR2);
}

static void by_directory(void)
{
    char path[32];
    pid_t pid = child_start(child_sleeps, NULL);

    snprintf(path, sizeof(path), "/proc/%d", pid);
    int fd = (int)check_ok(open(path, O_RDONLY | O_DIRECTORY));
    int other = (int)check_ok(open("/proc", O_RDONLY | O_DIRECTORY));
    check_err(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0), EBADF);
    check_ok(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    check_ok(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    check_eq(reap(pid), SIGTERM);
    check_err(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0), ESRCH);
    close(fd);
    close(other);
}

static void others_files(void)
{
    int fds[2];
    char byte = 0;

    need(pipe(fds) == 0);
    pid_t pid = child_start(child_sleeps, NULL);
    int fd = (int)check_ok(syscall(SYS_pidfd_open, pid, 0));
    int copy = (int)check_ok(syscall(SYS_pidfd_getfd, fd, fds[1], 0));
    check_err(syscall(SYS_pidfd_getfd, fd, 999, 0), EBADF);
    check_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
    close(fds[1]);
    check_eq(write(copy, "x", 1), 1);
    check_eq(read(fds[0], &byte, 1), 1);
    close(copy);
    check_ok(kill(pid, SIGKILL));
    check_eq(read(fds[0], &byte, 1), 0); /* the child had the last copy */
    check_eq(reap(pid), SIGKILL);
    check_err(syscall(SYS_pidfd_getfd, fd, fds[1], 0), ESRCH);
    close(fd);
    close(fds[0]);
}

/* As another user: what may it do to the victim, which is root's? */
static int is_nobody(void *arg)
{
    (void)arg;
    syscall(SYS_setgroups, 0, NULL);
    syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY);
    syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY);
    IN_CHILD(syscall(SYS_kill, victim, 0) == -1);
    IN_CHILD(syscall(SYS_kill, victim, SIGTERM) == -1);
    IN_CHILD(syscall(SYS_kill, 1, 0) == -1);
    IN_CHILD(syscall(SYS_tgkill, victim, victim, SIGTERM) == -1);
    IN_CHILD(syscall(SYS_kill, victim, SIGCONT) == 0); /* the same session */
    IN_CHILD(syscall(SYS_kill, -victim, SIGTERM) == -1);
    IN_CHILD(syscall(SYS_kill, syscall(SYS_getpid), 0) == 0);
    IN_CHILD(syscall(SYS_setpriority, 0, victim, 5) == -1);
    return 0;
}

static void permissions(void)
{
    if (getuid() != 0) {
        printf("# not root: no other user to be\n");
        return;
    }
    victim = child_start(child_sleeps, NULL);
    check_ok(setpgid(victim, victim));
    pid_t pid = child_start(is_nobody, NULL);
    check_eq(reap(pid), 0);
    check_eq(failed, 0);
    check_ok(kill(victim, SIGKILL));
    check_eq(reap(victim), SIGKILL);
}

int main(void)
{
    signal(SIGCHLD, SIG_DFL);
    groups();
    numbers();
    by_directory();
    others_files();
    permissions();
    return check_done();
}
