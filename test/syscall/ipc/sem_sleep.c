/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping in a semaphore set: who is woken by what and in which order, who is counted where, timeouts,
 * signals, and the set's end. */
#include "ipc.h"
#include <sys/sem.h>

union semarg {
    int val;
    unsigned short *array;
};

static int id;

struct ops {
    struct sembuf op[3];
    unsigned n;
    struct timespec *limit;
};

static long run(void *arg)
{
    struct ops *o = arg;

    return semtimedop(id, o->op, o->n, o->limit);
}

static int count(int n, int cmd)
{
    return semctl(id, n, cmd);
}

static int get(int n)
{
    return semctl(id, n, GETVAL);
}

static void set(int n, int value)
{
    check_ok(semctl(id, n, SETVAL, (union semarg){.val = value}));
}

static void up(int n, int by)
{
    struct sembuf b = {(unsigned short)n, (short)by, 0};

    check_ok(semop(id, &b, 1));
}

/* One more sleeper, which is there when this returns. */
static void sleeper(struct caller *c, struct ops *o, int n, int cmd)
{
    int before = count(n, cmd);

    caller_start(c, run, o);
    for (int i = 0; i < 5000 && count(n, cmd) == before; i++)
        pause_ms(1);
    check_eq(count(n, cmd), before + 1);
}

static void wait_done(struct caller *c)
{
    check_eq(caller_join(c), 0);
}

static void one_each(void)
{
    struct ops take = {{{0, -1, 0}}, 1, NULL}, zero = {{{0, 0, 0}}, 1, NULL};
    struct caller a, b, z;

    sleeper(&a, &take, 0, GETNCNT);
    sleeper(&b, &take, 0, GETNCNT);
    up(0, 1);
    for (int i = 0; i < 5000 && !a.done; i++)
        pause_ms(1);
    check_eq(a.done, 1); /* the first comes first */
    check_eq(b.done, 0);
    check_eq(count(0, GETNCNT), 1);
    check_eq(get(0), 0);
    check_eq(count(0, GETPID), getpid());
    set(0, 2);
    wait_done(&a);
    wait_done(&b);
    check_eq(get(0), 1);
    sleeper(&z, &zero, 0, GETZCNT);
    check_eq(count(0, GETNCNT), 0);
    up(0, 1);
    check_eq(count(0, GETZCNT), 1);
    up(0, -2);
    wait_done(&z);
}

/* A large demand does not hold up small ones that came later; it is served when it can be. */
static void in_order(void)
{
    struct ops five = {{{0, -5, 0}}, 1, NULL}, two = {{{0, -2, 0}}, 1, NULL};
    struct caller a, b;

    sleeper(&a, &five, 0, GETNCNT);
    sleeper(&b, &two, 0, GETNCNT);
    up(0, 3);
    wait_done(&b);
    check_eq(get(0), 1);
    check_eq(a.done, 0);
    up(0, 4);
    wait_done(&a);
    check_eq(get(0), 0);
}

/* One sleeper's operations let another go on. */
static void chain(void)
{
    struct ops give = {{{0, -1, 0}, {1, 1, 0}}, 2, NULL}, take = {{{1, -1, 0}}, 1, NULL};
    struct ops zero = {{{2, 0, 0}}, 1, NULL}, both = {{{2, -1, 0}, {0, 0, 0}}, 2, NULL};
    struct caller a, b, c, d;

    set(2, 1);
    sleeper(&c, &zero, 2, GETZCNT);
    sleeper(&b, &take, 1, GETNCNT);
    sleeper(&a, &give, 0, GETNCNT);
    up(0, 1);
    wait_done(&a);
    wait_done(&b);
    check_eq(get(0), 0);
    check_eq(get(1), 0);
    check_eq(c.done, 0);
    set(0, 1);
    sleeper(&d, &both, 0, GETZCNT); /* the second operation blocks, the first is not seen */
    check_eq(get(2), 1);
    check_eq(count(2, GETNCNT), 0);
    up(0, -1);
    wait_done(&d);
    wait_done(&c);
    check_eq(get(2), 0);
}

/* What can only fail when its turn comes fails then. */
static void late_failure(void)
{
    struct ops over = {{{0, -1, 0}, {1, 32767, 0}}, 2, NULL};
    struct ops nowait = {{{0, -1, 0}, {2, -1, IPC_NOWAIT}}, 2, NULL};
    struct caller a;

    set(1, 1);
    sleeper(&a, &over, 0, GETNCNT);
    up(0, 1);
    check_err(caller_join(&a), ERANGE);
    check_eq(get(0), 1);
    set(0, 0);
    sleeper(&a, &nowait, 0, GETNCNT);
    up(0, 1);
    check_err(caller_join(&a), EAGAIN);
    check_eq(get(0), 1);
    set(0, 0);
    set(1, 0);
}

static void setall(void)
{
    struct ops both = {{{0, -1, 0}, {1, -1, 0}}, 2, NULL};
    unsigned short v[3] = {1, 1, 0};
    struct caller a;

    sleeper(&a, &both, 0, GETNCNT);
    set(0, 1);
    pause_ms(5);
    check_eq(count(0, GETNCNT), 0);
    check_eq(count(1, GETNCNT), 1); /* now this one is what it waits for */
    set(0, 0);
    check_ok(semctl(id, 0, SETALL, (union semarg){.array = v}));
    wait_done(&a);
    check_eq(get(0), 0);
    check_eq(get(1), 0);
}

static int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void nothing(int sig)
{
    (void)sig;
}

static void ends(void)
{
    struct sembuf take = {0, -1, 0};
    struct timespec limit = {0, 30000000};
    struct ops o = {{{0, -1, 0}}, 1, NULL};
    struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_RESTART};
    struct caller a, b;

    int64_t before = now_ms();
    check_err(semtimedop(id, &take, 1, &limit), EAGAIN);
    check(now_ms() - before >= 29);
    check_eq(count(0, GETNCNT), 0);
    sigaction(SIGUSR1, &act, NULL);
    sleeper(&a, &o, 0, GETNCNT);
    pthread_kill(a.thread, SIGUSR1);
    check_err(caller_join(&a), EINTR); /* SA_RESTART does not matter */
    check_eq(count(0, GETNCNT), 0);
    o.op[0].sem_op = 0;
    set(0, 1);
    sleeper(&a, &o, 0, GETZCNT);
    struct ops p = {{{1, -1, SEM_UNDO}}, 1, NULL};
    sleeper(&b, &p, 1, GETNCNT);
    check_ok(semctl(id, 0, IPC_RMID));
    check_err(caller_join(&a), EIDRM);
    check_err(caller_join(&b), EIDRM);
}

/* Many threads count up and down under a semaphore as a lock. */
#define ROUNDS 2000
static int guarded;

static long counter(void *arg)
{
    struct sembuf p = {0, -1, SEM_UNDO}, v = {0, 1, SEM_UNDO};

    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (semop(id, &p, 1))
            return -1;
        int seen = guarded;
        if (i % 64 == 0)
            sched_yield();
        guarded = seen + 1;
        if (semop(id, &v, 1))
            return -1;
    }
    return 0;
}

static void storm(void)
{
    struct caller c[8];

    id = (int)check_ok(semget(IPC_PRIVATE, 1, 0600));
    set(0, 1);
    for (int i = 0; i < 8; i++)
        caller_start(&c[i], counter, NULL);
    for (int i = 0; i < 8; i++)
        wait_done(&c[i]);
    check_eq(guarded, 8 * ROUNDS);
    check_eq(get(0), 1);
    check_ok(semctl(id, 0, IPC_RMID));
}

int main(void)
{
    id = (int)check_ok(semget(IPC_PRIVATE, 3, 0600));
    one_each();
    in_order();
    chain();
    late_failure();
    setall();
    ends();
    storm();
    return check_done();
}
