/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pidfd of the own process: opened close-on-exec, never ready while it lives, signals through it,
 * copies of descriptors, its line in fdinfo, waitid; and what is no pidfd.
 */
#include "futex.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static volatile sig_atomic_t got_signal, got_code, got_value;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)context;
    got_signal = sig;
    got_code = info->si_code;
    got_value = info->si_value.sival_int;
}

static long open_(int pid, unsigned flags)
{
    return syscall(SYS_pidfd_open, pid, flags);
}

static long send_(int fd, int sig, void *info, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static void check_send(int fd, int plain)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    siginfo_t info = {.si_signo = SIGUSR2, .si_code = SI_QUEUE};

    sigaction(SIGUSR1, &act, NULL);
    sigaction(SIGUSR2, &act, NULL);
    check_eq(send_(fd, 0, NULL, 0), 0);
    check_eq(send_(fd, SIGUSR1, NULL, 0), 0);
    check(eventually(got_signal == SIGUSR1));
    check_eq(got_code, SI_USER);
    info.si_value.sival_int = 77;
    check_eq(send_(fd, SIGUSR2, &info, 0), 0);
    check(eventually(got_signal == SIGUSR2));
    check_eq(got_code, SI_QUEUE);
    check_eq(got_value, 77);
    check_err(send_(fd, SIGUSR1, &info, 0), EINVAL);
    check_err(send_(fd, SIGUSR1, (void *)8, 0), EFAULT);
    check_err(send_(fd, SIGUSR1, NULL, 1u << 20), EINVAL);
    check_err(send_(fd, 65, NULL, 0), EINVAL);
    check_err(send_(plain, SIGUSR1, NULL, 0), EBADF);
    check_err(send_(-1, SIGUSR1, NULL, 0), EBADF);
}

static void check_info(int fd)
{
    char path[64], text[512] = "", want[64];
    int dir;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    dir = open(path, O_RDONLY);
    need(dir >= 0);
    check(read(dir, text, sizeof(text) - 1) > 0);
    close(dir);
    snprintf(want, sizeof(want), "Pid:\t%d\nNSpid:\t%d", getpid(), getpid());
    check(strstr(text, want) != NULL);
}

int main(void)
{
    int plain = open("/dev/null", O_RDONLY), fd = (int)open_(getpid(), 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    siginfo_t info;
    char byte;

    need(fd >= 0);
    check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
    check_eq(poll(&p, 1, 0), 0);
    check_err(read(fd, &byte, 1), EINVAL);
    check_err(write(fd, &byte, 1), EINVAL);
    check_err(open_(0, 0), EINVAL);
    check_err(open_(-1, 0), EINVAL);
    check_err(open_(getpid(), 1), EINVAL);
    check_err(open_(0x3ffffff0, 0), ESRCH);
    int other = (int)check_ok(open_(getpid(), O_NONBLOCK));
    check_eq(fcntl(other, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    close(other);

    check_send(fd, plain);
    check_info(fd);

    int copy = (int)check_ok(syscall(SYS_pidfd_getfd, fd, plain, 0));
    check(copy != plain);
    check_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
    struct stat a, b;
    check(!fstat(plain, &a) && !fstat(copy, &b) && a.st_rdev == b.st_rdev);
    check_err(syscall(SYS_pidfd_getfd, fd, 999, 0), EBADF);
    check_err(syscall(SYS_pidfd_getfd, fd, plain, 1), EINVAL);
    check_err(syscall(SYS_pidfd_getfd, plain, plain, 0), EBADF);

    check_err(waitid(P_PIDFD, (id_t)fd, &info, WEXITED), ECHILD);
    check_err(waitid(P_PIDFD, (id_t)plain, &info, WEXITED), EBADF);
    check_err(waitid(P_PIDFD, 999, &info, WEXITED), EBADF);
    return check_done();
}
