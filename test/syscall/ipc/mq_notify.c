/* SPDX-License-Identifier: Apache-2.0 */
/* mq_notify: once, when a message comes into the empty queue and nobody waits; by a signal, by a thread of the C
 * library (a cookie in a netlink socket), or not at all; who may ask, and when the asking ends. */
#include "ipc.h"
#define NOTIFY_COOKIE_LEN 32
#include <fcntl.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/socket.h>

static char name[64];
static mqd_t q;
static volatile int signals, code, value, pid;
static volatile unsigned uid;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    signals++;
    code = info->si_code;
    value = info->si_value.sival_int;
    pid = info->si_pid;
    uid = info->si_uid;
}

static void put(void)
{
    check_ok(mq_send(q, "x", 1, 0));
}

static void take(void)
{
    char buf[20];

    check_eq(mq_receive(q, buf, 20, NULL), 1);
}

static long receiver(void *arg)
{
    char buf[20];

    (void)arg;
    return mq_receive(q, buf, 20, NULL);
}

static void by_signal(void)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct caller c;

    sigaction(SIGUSR1, &act, NULL);
    ev.sigev_value.sival_int = 4711;
    check_ok(mq_notify(q, &ev));
    check_err(mq_notify(q, &ev), EBUSY);
    put();
    check_eq(signals, 1);
    check_eq(code, SI_MESGQ);
    check_eq(value, 4711);
    check_eq(pid, getpid());
    check_eq(uid, getuid());
    take();
    put(); /* once only */
    check_eq(signals, 1);
    check_ok(mq_notify(q, &ev));
    put(); /* the queue was not empty */
    check_eq(signals, 1);
    take();
    take();
    caller_sleep(&c, receiver, NULL);
    put(); /* somebody waits */
    check_eq(caller_join(&c), 1);
    check_eq(signals, 1);
    put();
    check_eq(signals, 2);
    take();

    check_ok(mq_notify(q, &ev));
    check_ok(mq_notify(q, NULL));
    check_ok(mq_notify(q, NULL));
    put();
    check_eq(signals, 2);
    take();
    ev.sigev_signo = 0;
    check_ok(mq_notify(q, &ev));
    put();
    take();
    ev.sigev_notify = SIGEV_NONE;
    check_ok(mq_notify(q, &ev));
    check_err(mq_notify(q, &ev), EBUSY);
    put();
    check_ok(mq_notify(q, &ev));
    check_ok(mq_notify(q, NULL));
    take();
    check_eq(signals, 2);
}

static void refused(void)
{
    struct sigevent ev = {.sigev_notify = 77, .sigev_signo = SIGUSR1};

    check_err(mq_notify(q, &ev), EINVAL);
    ev.sigev_notify = SIGEV_SIGNAL;
    ev.sigev_signo = 65;
    check_err(mq_notify(q, &ev), EINVAL);
    ev.sigev_signo = SIGUSR1;
    check_err(mq_notify(-1, &ev), EBADF);
    check_err(mq_notify(0, &ev), EBADF);
    check_err(mq_notify(0, NULL), EBADF);
    check_err(syscall(SYS_mq_notify, q, 8L), EFAULT);
}

/* Any descriptor of the queue that this process closes ends it. */
static void closing(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    mqd_t r = (mqd_t)check_ok(mq_open(name, O_RDONLY));

    signals = 0;
    check_ok(mq_notify(r, &ev));
    check_ok(close(dup(q)));
    put();
    check_eq(signals, 0);
    take();
    check_ok(mq_notify(r, &ev));
    check_ok(mq_close(r));
    check_ok(mq_notify(q, &ev));
    check_ok(mq_notify(q, NULL));
}

static volatile int told;

static void on_thread(union sigval v)
{
    told += v.sival_int;
}

static void by_thread(void)
{
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_thread};

    ev.sigev_value.sival_int = 3;
    for (int i = 1; i <= 3; i++) {
        check_ok(mq_notify(q, &ev));
        check_err(mq_notify(q, &ev), EBUSY);
        put();
        for (int n = 0; n < 5000 && told != 3 * i; n++)
            pause_ms(1);
        check_eq(told, 3 * i);
        take();
    }
    check_ok(mq_notify(q, &ev));
    check_ok(mq_notify(q, NULL));
    put();
    take();
    pause_ms(10);
    check_eq(told, 9);
}

/* What lies below that: the kernel's own interface. */
static void by_cookie(void)
{
    int s = (int)check_ok(socket(AF_NETLINK, SOCK_RAW, 0)), pair[2];
    char cookie[NOTIFY_COOKIE_LEN], got[100];
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD, .sigev_signo = s};
    struct pollfd p = {.fd = s, .events = POLLIN};

    for (int i = 0; i < NOTIFY_COOKIE_LEN; i++)
        cookie[i] = (char)(i + 65);
    ev.sigev_value.sival_ptr = cookie;
    check_ok(syscall(SYS_mq_notify, q, &ev));
    check_eq(poll(&p, 1, 0), 0);
    put();
    check_eq(poll(&p, 1, 1000), 1);
    check_eq(recv(s, got, sizeof(got), 0), NOTIFY_COOKIE_LEN);
    check(!memcmp(got, cookie, NOTIFY_COOKIE_LEN - 1));
    check_eq(got[NOTIFY_COOKIE_LEN - 1], 1); /* woken up */
    take();
    check_ok(syscall(SYS_mq_notify, q, &ev));
    check_ok(syscall(SYS_mq_notify, q, NULL));
    check_eq(recv(s, got, sizeof(got), MSG_DONTWAIT), NOTIFY_COOKIE_LEN);
    check_eq(got[NOTIFY_COOKIE_LEN - 1], 2); /* removed */
    check_ok(syscall(SYS_mq_notify, q, &ev));
    check_ok(close(dup(q)));
    check_eq(recv(s, got, sizeof(got), MSG_DONTWAIT), NOTIFY_COOKIE_LEN);
    check_eq(got[NOTIFY_COOKIE_LEN - 1], 2);
    check_err(recv(s, got, sizeof(got), MSG_DONTWAIT), EAGAIN);
    check_ok(syscall(SYS_mq_notify, q, &ev));
    close(s); /* nobody will hear it */
    put();
    take();

    check_err(syscall(SYS_mq_notify, q, &ev), EBADF);
    ev.sigev_signo = q;
    check_err(syscall(SYS_mq_notify, q, &ev), ENOTSOCK);
    check_ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ev.sigev_signo = pair[0];
    check_err(syscall(SYS_mq_notify, q, &ev), EINVAL);
    ev.sigev_value.sival_ptr = (void *)8;
    check_err(syscall(SYS_mq_notify, q, &ev), EFAULT);
    ev.sigev_notify = SIGEV_NONE;
    check_ok(syscall(SYS_mq_notify, q, &ev));
    check_ok(syscall(SYS_mq_notify, q, NULL));
}

int main(void)
{
    struct mq_attr a = {.mq_maxmsg = 4, .mq_msgsize = 20};

    snprintf(name, sizeof(name), "/cella-test-%d", getpid());
    q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
    by_signal();
    refused();
    closing();
    by_thread();
    by_cookie();
    check_ok(mq_unlink(name));
    return check_done();
}
