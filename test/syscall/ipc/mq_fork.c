/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX queues between processes: descriptors are inherited and lost by exec, whom mq_notify tells and when the
 * asking ends, who is killed in his sleep. */
#include "ipc.h"
#include <fcntl.h>
#include <mqueue.h>

static char name[64];
static mqd_t q;
static volatile int signals, from;

static void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    signals++;
    from = info->si_pid;
}

static int send_one(void *arg)
{
    (void)arg;
    return mq_send(q, "child", 5, 1) ? errno : 0;
}

static int receive_one(void *arg)
{
    char buf[100];

    (void)arg;
    return mq_receive(q, buf, 100, NULL) < 0 ? errno : 0;
}

static int close_it(void *arg)
{
    (void)arg;
    return mq_close(q) ? errno : 0;
}

static int ask(void *arg)
{
    struct sigevent ev = {.sigev_notify = SIGEV_NONE};

    (void)arg;
    return mq_notify(q, &ev) ? errno : 0;
}

static int ask_and_wait(void *arg)
{
    ask(arg);
    if (mq_send(q, "asked", 5, 0))
        return 1;
    for (;;)
        pause();
    return 0;
}

static int ask_nothing(void *arg)
{
    (void)arg;
    return mq_notify(q, NULL) ? errno : 0;
}

static long count(void)
{
    struct mq_attr a;

    check_ok(mq_getattr(q, &a));
    return a.mq_curmsgs;
}

static void drain(void)
{
    char buf[100];

    check(mq_receive(q, buf, 100, NULL) >= 0);
}

static void notices(void)
{
    struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};

    sigaction(SIGUSR1, &act, NULL);
    check_ok(mq_notify(q, &ev));
    check_eq(child_end(child_start(ask, NULL)), EBUSY);
    check_eq(child_end(child_start(ask_nothing, NULL)), 0); /* not its own */
    check_eq(child_end(child_start(close_it, NULL)), 0);    /* nor does this end it */
    pid_t pid = child_start(send_one, NULL);
    check_eq(child_end(pid), 0);
    check_eq(signals, 1);
    check_eq(from, pid);
    drain();
    check_eq(child_end(child_start(ask, NULL)), 0); /* ends with it */
    check_ok(mq_notify(q, &ev));
    check_ok(mq_notify(q, NULL));
    pid = child_start(ask_and_wait, NULL);
    for (int i = 0; i < 5000 && !count(); i++)
        pause_ms(1);
    drain();
    check_ok(mq_notify(q, &ev)); /* its notice is used up */
    check_ok(mq_notify(q, NULL));
    kill(pid, SIGKILL);
    check_eq(child_end(pid), 1000 + SIGKILL);
    check_ok(mq_notify(q, &ev));
    check_eq(signals, 1);
    check_ok(mq_notify(q, NULL));
}

static int exec_true(void *arg)
{
    struct sigevent ev = {.sigev_notify = SIGEV_NONE};
    char number[20];

    (void)arg;
    snprintf(number, sizeof(number), "%d", q);
    if (mq_notify(q, &ev))
        return 1;
    execl("/proc/self/exe", "mq_fork", number, NULL);
    return 2;
}

static void inherited(void)
{
    check_eq(child_end(child_start(send_one, NULL)), 0);
    drain();
    check_eq(child_end(child_start(exec_true, NULL)), EBADF);
    check_eq(child_end(child_start(ask, NULL)),
             0); /* exec closed the queue and with it the notice */
}

static void killed(void)
{
    pid_t pid = child_sleep(receive_one, NULL), other;
    kill(pid, SIGKILL);
    check_eq(child_end(pid), 1000 + SIGKILL);
    check_ok(mq_send(q, "kept", 4, 0));
    check_eq(count(), 1);
    drain();
    check_ok(mq_send(q, "1", 1, 9));
    check_ok(mq_send(q, "2", 1, 9));
    pid = child_sleep(send_one, NULL);
    other = child_sleep(send_one, NULL);
    kill(pid, SIGKILL);
    check_eq(child_end(pid), 1000 + SIGKILL);
    drain();
    check_eq(child_end(other), 0);
    drain();
    drain();
    check_eq(count(), 0);
}

/* To and fro between two queues. */
static mqd_t back;

static int echo(void *arg)
{
    char buf[100];

    for (int i = 0; i < *(int *)arg; i++) {
        ssize_t n = mq_receive(q, buf, 100, NULL);
        if (n < 0 || mq_send(back, buf, (size_t)n, 0))
            return 1;
    }
    return 0;
}

static void ping_pong(void)
{
    struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 100};
    int rounds = 200, bad = 0;
    char buf[100];

    back = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
    check_ok(mq_unlink(name));
    pid_t pid = child_start(echo, &rounds);
    for (int i = 0; i < rounds; i++)
        bad += mq_send(q, (char *)&i, sizeof(i), 0) ||
               mq_receive(back, buf, 100, NULL) != sizeof(i) || memcmp(buf, &i, sizeof(i)) != 0;
    check_eq(bad, 0);
    check_eq(child_end(pid), 0);
}

int main(int argc, char **argv)
{
    struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 100};

    if (argc > 1)
        return mq_getattr(atoi(argv[1]), &a) ? errno : 0;
    snprintf(name, sizeof(name), "/cella-test-%d", getpid());
    q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
    check_ok(mq_unlink(name));
    notices();
    inherited();
    killed();
    ping_pong();
    return check_done();
}
