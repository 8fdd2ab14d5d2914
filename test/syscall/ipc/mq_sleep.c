/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting at a POSIX message queue: hand-over, timeouts, signals and restarts. */
#include "ipc.h"
#include <fcntl.h>
#include <mqueue.h>

static char name[64];
static mqd_t q;

struct request {
    bool send;
    size_t size;
    unsigned prio;
    long limit_ms; /* 0: none */
    char text[100];
};

static long run(void *arg)
{
    struct request *r = arg;
    struct timespec t;

    if (!r->limit_ms)
        return r->send ? mq_send(q, r->text, r->size, r->prio)
                       : mq_receive(q, r->text, 100, &r->prio);
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += r->limit_ms * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return r->send ? mq_timedsend(q, r->text, r->size, r->prio, &t)
                   : mq_timedreceive(q, r->text, 100, &r->prio, &t);
}

static void start(struct caller *c, struct request *r)
{
    caller_sleep(c, run, r);
}

static long count(void)
{
    struct mq_attr a;

    check_ok(mq_getattr(q, &a));
    return a.mq_curmsgs;
}

static void hand_over(void)
{
    struct request a = {0}, b = {0}, s = {.send = true, .size = 5, .prio = 9, .text = "third"};
    struct caller ca, cb, cs;
    char buf[100];
    unsigned prio;

    start(&ca, &a);
    start(&cb, &b);
    check_ok(mq_send(q, "1", 1, 3));
    check_eq(caller_join(&ca), 1); /* the first comes first */
    check_eq(a.prio, 3);
    check_eq(cb.done, 0);
    check_ok(mq_send(q, "22", 2, 4));
    check_eq(caller_join(&cb), 2);
    check(!memcmp(b.text, "22", 2));
    check_eq(count(), 0);

    check_ok(mq_send(q, "1", 1, 1));
    check_ok(mq_send(q, "2", 1, 0));
    start(&cs, &s);
    check_eq(count(), 2);
    check_eq(mq_receive(q, buf, 100, &prio), 1);
    check_eq(prio, 1);
    check_eq(caller_join(&cs), 0);
    check_eq(mq_receive(q, buf, 100, &prio), 5);
    check_eq(prio, 9);
    check_eq(mq_receive(q, buf, 100, &prio), 1);
}

static void timeouts(void)
{
    struct request r = {.limit_ms = 30}, s = {.send = true, .limit_ms = 30, .size = 1};
    struct request late = {.limit_ms = 10000};
    struct caller c;
    char buf[100];

    check_err(run(&r), ETIMEDOUT);
    check_ok(mq_send(q, "1", 1, 1));
    check_ok(mq_send(q, "2", 1, 0));
    check_err(run(&s), ETIMEDOUT);
    check_eq(count(), 2);
    check_eq(mq_receive(q, buf, 100, NULL), 1);
    check_eq(mq_receive(q, buf, 100, NULL), 1);
    check_eq(count(), 0);
    start(&c, &late);
    check_ok(mq_send(q, "abc", 3, 1));
    check_eq(caller_join(&c), 3);
}

static volatile int handled;

static void nothing(int sig)
{
    (void)sig;
    handled++;
}

/* The handler has run, and the call sleeps again. */
static void wait_handled(struct caller *c, int times)
{
    for (int i = 0; i < 5000 && handled != times; i++)
        pause_ms(1);
    check_eq(handled, times);
    wait_asleep(getpid(), c->tid);
}

static void signals(void)
{
    struct request r = {0}, s = {.send = true, .size = 1};
    struct sigaction act = {.sa_handler = nothing};
    struct caller c;
    char buf[100];

    sigaction(SIGUSR1, &act, NULL);
    start(&c, &r);
    pthread_kill(c.thread, SIGUSR1);
    check_err(caller_join(&c), EINTR);
    act.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &act, NULL);
    handled = 0;
    start(&c, &r);
    pthread_kill(c.thread, SIGUSR1);
    wait_handled(&c, 1);
    check_eq(c.done, 0);
    check_ok(mq_send(q, "abc", 3, 1));
    check_eq(caller_join(&c), 3);
    check_ok(mq_send(q, "1", 1, 1));
    check_ok(mq_send(q, "2", 1, 0));
    start(&c, &s);
    pthread_kill(c.thread, SIGUSR1);
    wait_handled(&c, 2);
    check_eq(c.done, 0);
    check_eq(mq_receive(q, buf, 100, NULL), 1);
    check_eq(caller_join(&c), 0);
    check_eq(mq_receive(q, buf, 100, NULL), 1);
    check_eq(mq_receive(q, buf, 100, NULL), 1);
}

/* Many senders and receivers; every number arrives once. */
#define THREADS 4
#define ROUNDS 1000

static long sender(void *arg)
{
    int base = *(int *)arg;

    for (int i = 0; i < ROUNDS; i++) {
        int n = base + i;
        if (mq_send(q, (char *)&n, sizeof(n), (unsigned)(n % 7)))
            return -1;
    }
    return 0;
}

static long receiver(void *arg)
{
    char *seen = arg;
    char buf[100];

    for (int i = 0; i < ROUNDS; i++) {
        int n;
        if (mq_receive(q, buf, 100, NULL) != sizeof(n))
            return -1;
        memcpy(&n, buf, sizeof(n));
        __atomic_fetch_add(&seen[n], 1, __ATOMIC_RELAXED);
    }
    return 0;
}

static void storm(void)
{
    static char seen[THREADS * ROUNDS];
    struct caller s[THREADS], r[THREADS];
    int base[THREADS], once = 0;

    for (int i = 0; i < THREADS; i++) {
        base[i] = i * ROUNDS;
        caller_start(&s[i], sender, &base[i]);
        caller_start(&r[i], receiver, seen);
    }
    for (int i = 0; i < THREADS; i++) {
        check_eq(caller_join(&s[i]), 0);
        check_eq(caller_join(&r[i]), 0);
    }
    for (int i = 0; i < THREADS * ROUNDS; i++)
        once += seen[i] == 1;
    check_eq(once, THREADS * ROUNDS);
    check_eq(count(), 0);
}

int main(void)
{
    struct mq_attr a = {.mq_maxmsg = 2, .mq_msgsize = 100};

    snprintf(name, sizeof(name), "/cella-test-%d", getpid());
    q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &a));
    check_ok(mq_unlink(name));
    hand_over();
    timeouts();
    signals();
    storm();
    return check_done();
}
