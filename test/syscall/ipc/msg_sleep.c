/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping in a message queue: who gets which message, who may put his in, signals, and the queue's end. */
#include "ipc.h"
#include <sys/msg.h>

static int id;

struct request {
    bool send;
    long type;
    size_t size;
    int flags;
    struct {
        long type;
        char text[8192];
    } buf;
};

static long run(void *arg)
{
    struct request *r = arg;

    r->buf.type = r->type;
    if (r->send)
        return msgsnd(id, &r->buf, r->size, r->flags);
    return msgrcv(id, &r->buf, r->size, r->type, r->flags);
}

static void start(struct caller *c, struct request *r)
{
    caller_sleep(c, run, r);
}

static int send(long type, size_t size)
{
    static struct {
        long type;
        char text[8192];
    } buf;

    buf.type = type;
    return msgsnd(id, &buf, size, IPC_NOWAIT);
}

static unsigned long count(void)
{
    struct msqid_ds ds;

    check_ok(msgctl(id, IPC_STAT, &ds));
    return ds.msg_qnum;
}

static void receivers(void)
{
    static struct request any = {false, 0, 100, 0, {0}}, two = {false, 2, 100, 0, {0}};
    static struct request low = {false, -5, 100, 0, {0}},
                          not_two = {false, 2, 100, MSG_EXCEPT, {0}};
    static struct request small = {false, 3, 1, 0, {0}}, cut = {false, 3, 1, MSG_NOERROR, {0}};
    struct caller a, b, c;

    start(&a, &two);
    start(&b, &any);
    check_ok(send(3, 3));
    check_eq(caller_join(&b), 3);
    check_eq(any.buf.type, 3);
    check_eq(a.done, 0);
    check_ok(send(2, 4));
    check_eq(caller_join(&a), 4);
    check_eq(count(), 0);

    start(&a, &low);
    start(&b, &not_two);
    check_ok(send(6, 1));
    check_eq(caller_join(&b), 1);
    check_ok(send(5, 2));
    check_eq(caller_join(&a), 2);

    /* One that has too little room gets an error, the next one the message. */
    start(&a, &small);
    start(&b, &cut);
    check_ok(send(3, 9));
    check_err(caller_join(&a), E2BIG);
    check_eq(caller_join(&b), 1);
    check_eq(count(), 0);

    /* Longest waiting first. */
    start(&a, &any);
    static struct request second = {false, 0, 100, 0, {0}};
    start(&b, &second);
    static struct request third = {false, 0, 100, 0, {0}};
    start(&c, &third);
    check_ok(send(1, 1));
    check_ok(send(1, 2));
    check_ok(send(1, 3));
    check_eq(caller_join(&a), 1);
    check_eq(caller_join(&b), 2);
    check_eq(caller_join(&c), 3);
}

static void senders(void)
{
    static struct request large = {true, 1, 8192, 0, {0}}, small = {true, 2, 100, 0, {0}};
    struct caller a, b;
    char buf[8 + 8192];

    check_ok(send(9, 8192));
    check_ok(send(8, 8192));
    start(&a, &large);
    check_eq(a.done, 0);
    check_eq(msgrcv(id, buf, 8192, 9, 0), 8192);
    check_eq(caller_join(&a), 0);
    start(&b, &small);
    check_eq(b.done, 0);
    check_eq(msgrcv(id, buf, 8192, 0, 0), 8192);
    check_eq(caller_join(&b), 0);
    check_eq(count(), 2);

    /* A larger queue lets senders in. */
    struct msqid_ds ds;
    check_ok(send(7, 8000));
    start(&a, &small);
    check_ok(msgctl(id, IPC_STAT, &ds));
    ds.msg_qbytes = 20000;
    if (msgctl(id, IPC_SET, &ds)) /* needs CAP_SYS_RESOURCE */
        check_eq(msgrcv(id, buf, 8192, 7, 0), 8000);
    check_eq(caller_join(&a), 0);
    while (msgrcv(id, buf, 8192, 0, IPC_NOWAIT) >= 0)
        ;
    ds.msg_qbytes = 16384;
    check_ok(msgctl(id, IPC_SET, &ds));
}

static void nothing(int sig)
{
    (void)sig;
}

static void ends(void)
{
    static struct request any = {false, 0, 100, 0, {0}}, more = {true, 1, 100, 0, {0}};
    struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    struct caller a, b;

    sigaction(SIGUSR1, &act, NULL);
    start(&a, &any);
    pthread_kill(a.thread, SIGUSR1);
    check_err(caller_join(&a), EINTR); /* SA_RESTART does not matter */
    check_ok(send(9, 8192));
    check_ok(send(8, 8192));
    start(&a, &more);
    pthread_kill(a.thread, SIGUSR1);
    check_err(caller_join(&a), EINTR);
    start(&a, &more);
    any.type = 5;
    start(&b, &any);
    check_ok(msgctl(id, IPC_RMID, NULL));
    check_err(caller_join(&a), EIDRM);
    check_err(caller_join(&b), EIDRM);
}

/* A ping-pong of many threads over one queue: nothing is lost and nothing comes twice. */
#define THREADS 4
#define ROUNDS 500

static long client(void *arg)
{
    long me = *(long *)arg, got = 0;
    struct {
        long type, from, n;
    } m;

    for (long n = 0; n < ROUNDS; n++) {
        m.type = 1;
        m.from = me;
        m.n = n;
        if (msgsnd(id, &m, 16, 0) || msgrcv(id, &m, 16, me, 0) != 16)
            return -1;
        got += m.n == n + 1 && m.from == me;
    }
    return got;
}

static void storm(void)
{
    struct caller c[THREADS];
    long number[THREADS], bad = 0;
    struct {
        long type, from, n;
    } m;

    id = (int)check_ok(msgget(IPC_PRIVATE, 0600));
    for (int i = 0; i < THREADS; i++) {
        number[i] = i + 2;
        caller_start(&c[i], client, &number[i]);
    }
    for (int i = 0; i < THREADS * ROUNDS; i++) {
        bad += msgrcv(id, &m, 16, 1, 0) != 16;
        m.type = m.from;
        m.n++;
        bad += msgsnd(id, &m, 16, 0) != 0;
    }
    check_eq(bad, 0);
    for (int i = 0; i < THREADS; i++)
        check_eq(caller_join(&c[i]), ROUNDS);
    check_eq(count(), 0);
    check_ok(msgctl(id, IPC_RMID, NULL));
}

int main(void)
{
    id = (int)check_ok(msgget(IPC_PRIVATE, 0600));
    receivers();
    senders();
    ends();
    storm();
    return check_done();
}
