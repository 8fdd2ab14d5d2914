/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals during futex waits: EINTR or a restart by SA_RESTART; with a timeout always EINTR; an
 * ignored signal does not end the wait, nor lengthen its time; a PI lock waits on.
 */
#include "futex.h"

static unsigned word, pi, signals;

struct wait {
    int op;
    unsigned *word;
    struct timespec *timeout;
    long result;
    int error;
    unsigned done;
};

static void on_signal(int sig)
{
    (void)sig;
    __atomic_add_fetch(&signals, 1, __ATOMIC_SEQ_CST);
}

static void *wait_it(void *arg)
{
    struct wait *w = arg;

    w->result = futex(w->word, w->op | PRIVATE, 0, w->timeout, NULL, ~0U);
    w->error = errno;
    store(&w->done, 1);
    return NULL;
}

/* Interrupts until the wait has ended or `count` handlers have run. */
static void interrupt(pthread_t t, struct wait *w, unsigned count)
{
    store(&signals, 0);
    check(eventually(load(&w->done) || load(&signals) >= count || (pthread_kill(t, SIGUSR1), 0)));
}

static void handler(int flags)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = flags};

    sigaction(SIGUSR1, &act, NULL);
}

static void check_eintr(int op, int flags, struct timespec *timeout)
{
    struct wait w = {.op = op, .word = &word, .timeout = timeout};

    handler(flags);
    pthread_t t = spawn(wait_it, &w);
    interrupt(t, &w, 1000000);
    pthread_join(t, NULL);
    check_eq(w.result, -1);
    check_eq(w.error, EINTR);
}

static void check_restart(void)
{
    struct wait w = {.op = FUTEX_WAIT, .word = &word};

    handler(SA_RESTART);
    pthread_t t = spawn(wait_it, &w);
    interrupt(t, &w, 20);
    check_eq(load(&w.done), 0);
    check_eq(wake_sum(&word, FUTEX_WAKE | PRIVATE, 1), 1);
    pthread_join(t, NULL);
    check_eq(w.result, 0);
}

static void check_pi(void)
{
    struct wait w = {.op = FUTEX_LOCK_PI, .word = &pi};

    handler(0);
    check_eq(futex(&pi, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    pthread_t t = spawn(wait_it, &w);
    interrupt(t, &w, 20);
    check_eq(load(&w.done), 0);
    check_eq(futex(&pi, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    pthread_join(t, NULL);
    check_eq(w.result, 0);
}

/* SIGCONT's default is to do nothing, and SIGWINCH's: the wait goes on with its first deadline. */
static void check_ignored(void)
{
    struct timespec time = {0, 200000000}, start, end;
    struct wait w = {.op = FUTEX_WAIT, .word = &word, .timeout = &time};

    clock_gettime(CLOCK_MONOTONIC, &start);
    pthread_t t = spawn(wait_it, &w);
    /* One at a time, and all through the wait. */
    for (int i = 0; i < 10000 && !load(&w.done); i++) {
        pthread_kill(t, SIGWINCH);
        usleep(5000);
    }
    check_eq(load(&w.done), 1);
    pthread_join(t, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    check_eq(w.result, -1);
    check_eq(w.error, ETIMEDOUT);
    check((end.tv_sec - start.tv_sec) * 1000000000ll + end.tv_nsec - start.tv_nsec >= 200000000);
}

int main(void)
{
    struct timespec relative = {100, 0}, absolute = moment(CLOCK_MONOTONIC, 100000);

    check_eintr(FUTEX_WAIT, 0, NULL);
    check_eintr(FUTEX_WAIT, 0, &relative);
    check_eintr(FUTEX_WAIT, SA_RESTART, &relative);
    check_eintr(FUTEX_WAIT_BITSET, SA_RESTART, &absolute);
    check_restart();
    check_pi();
    check_ignored();
    return check_done();
}
