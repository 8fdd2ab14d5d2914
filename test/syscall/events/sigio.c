/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of readiness: O_ASYNC with F_SETOWN, F_SETOWN_EX and F_SETSIG on pipes and sockets, the same by
 * ioctl, SIGURG, and what the settings say.
 */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>
#include <sys/syscall.h>
#include <sys/time.h>

#ifndef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17
#endif

static sigset_t set;

/* Waits for one of our signals, or for a moment to see that there is none: 0. */
static int next(siginfo_t *info, int patient)
{
    struct timespec t = {patient ? 10 : 0, patient ? 0 : 20000000};
    memset(info, 0, sizeof(*info));
    int sig = sigtimedwait(&set, info, &t);
    return sig < 0 ? 0 : sig;
}

static void none(void)
{
    siginfo_t info;
    check_eq(next(&info, 0), 0);
}

static void drain(void)
{
    siginfo_t info;
    while (next(&info, 0))
        ;
}

static void settings(void)
{
    struct f_owner_ex ex = {.type = 9, .pid = getpid()};
    int fds[2];
    uint32_t ids[2];
    need(pipe(fds) == 0);
    check_eq(fcntl(fds[0], F_GETOWN), 0);
    check_eq(fcntl(fds[0], F_GETSIG), 0);
    check_ok(fcntl(fds[0], F_GETOWN_EX, &ex));
    check(ex.type == F_OWNER_TID && ex.pid == 0);
    check_ok(fcntl(fds[0], F_SETOWN, getpid()));
    check_eq(fcntl(fds[0], F_GETOWN), getpid());
    check_ok(fcntl(fds[0], F_GETOWN_EX, &ex));
    check(ex.type == F_OWNER_PID && ex.pid == getpid());
    check_ok(fcntl(fds[0], F_GETOWNER_UIDS, ids));
    check(ids[0] == getuid() && ids[1] == geteuid());
    check_ok(fcntl(fds[0], F_SETOWN, -getpgrp()));
    check_ok(fcntl(fds[0], F_GETOWN_EX, &ex));
    check(ex.type == F_OWNER_PGRP && ex.pid == getpgrp());
    ex = (struct f_owner_ex){F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
    check_ok(fcntl(fds[0], F_SETOWN_EX, &ex));
    check_ok(fcntl(fds[0], F_SETOWN, 0));
    check_eq(fcntl(fds[0], F_GETOWN), 0);
    ex.type = 9;
    check_err(fcntl(fds[0], F_SETOWN_EX, &ex), EINVAL);
    ex = (struct f_owner_ex){F_OWNER_PID, 4194303};
    check_err(fcntl(fds[0], F_SETOWN_EX, &ex), ESRCH);
    check_err(fcntl(fds[0], F_SETOWN, 4194303), ESRCH);
    check_err(fcntl(fds[0], F_SETOWN, INT32_MIN), EINVAL);
    check_err(fcntl(fds[0], F_SETOWN_EX, (void *)8), EFAULT);
    check_err(fcntl(fds[0], F_SETSIG, 65), EINVAL);
    check_ok(fcntl(fds[0], F_SETSIG, SIGUSR1));
    check_eq(fcntl(fds[0], F_GETSIG), SIGUSR1);
    check_eq(fcntl(dup(fds[0]), F_GETSIG), SIGUSR1); /* of the description */
    check_eq(fcntl(fds[1], F_GETSIG), 0);
    close(fds[0]);
    close(fds[1]);
}

static void pipes(void)
{
    siginfo_t info;
    char c;
    int fds[2];
    need(pipe(fds) == 0);
    check_ok(fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK));
    check_eq(write(fds[1], "a", 1), 1);
    none(); /* nobody owns it */
    check_ok(fcntl(fds[0], F_SETOWN, getpid()));
    check_eq(fcntl(fds[0], F_GETFL), O_ASYNC | O_NONBLOCK);
    check_eq(read(fds[0], &c, 1), 1);
    none();
    check_eq(write(fds[1], "a", 1), 1);
    check_eq(next(&info, 1), SIGIO);
    check_eq(info.si_code, SI_KERNEL);
    none();
    check_eq(read(fds[0], &c, 1), 1);
    check_err(read(fds[0], &c, 1), EAGAIN);
    none(); /* reading is no news */
    check_ok(fcntl(fds[0], F_SETSIG, SIGRTMIN + 1));
    check_eq(write(fds[1], "a", 1), 1);
    check_eq(next(&info, 1), SIGRTMIN + 1);
    check_eq(info.si_code, POLL_IN);
    check_eq(info.si_fd, fds[0]);
    check_eq(info.si_band, POLLIN | POLLRDNORM);
    check_ok(fcntl(fds[0], F_SETFL, O_NONBLOCK));
    check_eq(read(fds[0], &c, 1), 1);
    check_eq(write(fds[1], "a", 1), 1);
    none();
    /* The writer's end. */
    check_ok(fcntl(fds[1], F_SETOWN, getpid()));
    check_ok(fcntl(fds[1], F_SETSIG, SIGRTMIN + 2));
    check_ok(fcntl(fds[1], F_SETFL, O_NONBLOCK));
    char block[4096] = "";
    while (write(fds[1], block, sizeof(block)) > 0)
        ;
    check_ok(fcntl(fds[1], F_SETFL, O_ASYNC | O_NONBLOCK));
    while (read(fds[0], block, sizeof(block)) > 0)
        ;
    check_eq(next(&info, 1), SIGRTMIN + 2);
    check_eq(info.si_code, POLL_OUT);
    check_eq(info.si_fd, fds[1]);
    close(fds[0]);
    close(fds[1]);
    drain();
}

static void others(void)
{
    int e = eventfd(0, EFD_NONBLOCK), fds[2], file = open("file", O_RDWR | O_CREAT, 0600);
    uint64_t one = 1;
    check_ok(fcntl(e, F_SETOWN, getpid()));
    check_ok(fcntl(e, F_SETFL, O_ASYNC | O_NONBLOCK));
    check_eq(write(e, &one, 8), 8);
    none(); /* has no such thing */
    check_ok(fcntl(file, F_SETFL, O_ASYNC));
    int on = 1;
    check_err(ioctl(e, FIOASYNC, &(int){0}) == 0 ? ioctl(e, FIOASYNC, &on) : -1, ENOTTY);
    close(e);
    close(file);
    need(pipe2(fds, 0) == 0);
    check_ok(fcntl(fds[0], F_SETOWN, getpid()));
    check_ok(ioctl(fds[0], FIOASYNC, &on));
    check(fcntl(fds[0], F_GETFL) & O_ASYNC);
    check_eq(write(fds[1], "a", 1), 1);
    siginfo_t info;
    check_eq(next(&info, 1), SIGIO);
    check_ok(close(fds[1]));
    check_eq(next(&info, 1), SIGIO); /* the end of the file */
    close(fds[0]);
}

static void sockets(int type)
{
    siginfo_t info;
    int s[2], on = 1, who = -getpgrp();
    char c;
    need(socketpair(AF_UNIX, type, 0, s) == 0);
    check_ok(ioctl(s[0], FIOSETOWN, &who));
    check_ok(ioctl(s[0], SIOCGPGRP, &who));
    check_eq(who, -getpgrp());
    who = getpid();
    check_ok(ioctl(s[0], SIOCSPGRP, &who));
    check_eq(fcntl(s[0], F_GETOWN), getpid());
    check_ok(ioctl(s[0], FIOASYNC, &on));
    check_ok(fcntl(s[0], F_SETSIG, SIGRTMIN + 3));
    none();
    check_eq(send(s[1], "a", 1, 0), 1);
    check_eq(next(&info, 1), SIGRTMIN + 3);
    check_eq(info.si_code, POLL_IN);
    check_eq(info.si_fd, s[0]);
    none();
    check_eq(recv(s[0], &c, 1, 0), 1);
    check_err(recv(s[0], &c, 1, MSG_DONTWAIT), EAGAIN);
    none();
    /* A process group, and one thread. */
    check_ok(fcntl(s[0], F_SETSIG, 0));
    struct f_owner_ex ex = {F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
    check_ok(fcntl(s[0], F_SETOWN_EX, &ex));
    check_eq(send(s[1], "a", 1, 0), 1);
    check_eq(next(&info, 1), SIGIO);
    close(s[0]);
    close(s[1]);
}

static void group(void)
{
    siginfo_t info;
    int fds[2];
    if (getpgrp() != getpid() && setpgid(0, 0)) {
        check(1); /* others are in it */
        return;
    }
    need(pipe(fds) == 0);
    check_ok(fcntl(fds[0], F_SETOWN, -getpgrp()));
    check_ok(fcntl(fds[0], F_SETFL, O_ASYNC));
    check_eq(write(fds[1], "a", 1), 1);
    check_eq(next(&info, 1), SIGIO);
    close(fds[0]);
    close(fds[1]);
}

static void urgent(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    siginfo_t info;
    char c;
    int l = socket(AF_INET, SOCK_STREAM, 0), x = socket(AF_INET, SOCK_STREAM, 0);
    need(bind(l, (void *)&a, sizeof(a)) == 0 && listen(l, 1) == 0);
    need(getsockname(l, (void *)&a, &len) == 0 && connect(x, (void *)&a, len) == 0);
    int y = accept(l, NULL, NULL);
    need(y >= 0);
    check_eq(send(x, "a", 1, MSG_OOB), 1);
    none();
    check_eq(recv(y, &c, 1, MSG_OOB), 1);
    check_ok(fcntl(y, F_SETOWN, getpid())); /* O_ASYNC is not needed for this */
    check_eq(send(x, "b", 1, 0), 1);
    none();
    check_eq(send(x, "c", 1, MSG_OOB), 1);
    check_eq(next(&info, 1), SIGURG);
    check_eq(info.si_code, SI_KERNEL);
    none();
    check_eq(recv(y, &c, 1, MSG_OOB), 1);
    check_eq(c, 'c');
    /* A listener hears of connections. */
    int again = socket(AF_INET, SOCK_STREAM, 0);
    check_ok(fcntl(l, F_SETOWN, getpid()));
    check_ok(fcntl(l, F_SETFL, O_ASYNC));
    check_ok(connect(again, (void *)&a, len));
    check_eq(next(&info, 1), SIGIO);
    close(again);
    close(x);
    close(y);
    close(l);
}

int main(void)
{
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigaddset(&set, SIGURG);
    sigaddset(&set, SIGUSR1);
    for (int i = 1; i <= 3; i++)
        sigaddset(&set, SIGRTMIN + i);
    sigprocmask(SIG_BLOCK, &set, NULL);
    settings();
    pipes();
    others();
    sockets(SOCK_STREAM);
    sockets(SOCK_DGRAM);
    sockets(SOCK_SEQPACKET);
    group();
    urgent();
    return check_done();
}
