/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C library's mutexes that need PI and robust futexes: PRIO_INHERIT under contention, with a
 * timeout, error checking; robust ones, plain and PI, whose owner ends.
 */
#include "futex.h"

#define THREADS 4
#define ROUNDS 300

static pthread_mutex_t mutex;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int counter, turn;

static void mutex_make(int protocol, int robust, int type)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    check_eq(pthread_mutexattr_setprotocol(&a, protocol), 0);
    check_eq(pthread_mutexattr_setrobust(&a, robust), 0);
    check_eq(pthread_mutexattr_settype(&a, type), 0);
    check_eq(pthread_mutex_init(&mutex, &a), 0);
    pthread_mutexattr_destroy(&a);
}

static void *count(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&mutex);
        int now = counter;
        if (i % 8 == 0)
            sched_yield();
        counter = now + 1;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void check_contention(void)
{
    pthread_t t[THREADS];

    counter = 0;
    for (int i = 0; i < THREADS; i++)
        t[i] = spawn(count, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    check_eq(counter, THREADS * ROUNDS);
}

static void *timed_and_try(void *arg)
{
    struct timespec soon = moment(CLOCK_REALTIME, 20), mono = moment(CLOCK_MONOTONIC, 20);

    (void)arg;
    check_eq(pthread_mutex_trylock(&mutex), EBUSY);
    check_eq(pthread_mutex_timedlock(&mutex, &soon), ETIMEDOUT);
    check_eq(pthread_mutex_clocklock(&mutex, CLOCK_MONOTONIC, &mono), ETIMEDOUT);
    check_eq(pthread_mutex_unlock(&mutex), EPERM);
    return NULL;
}

static void check_errors(void)
{
    check_eq(pthread_mutex_lock(&mutex), 0);
    check_eq(pthread_mutex_lock(&mutex), EDEADLK);
    pthread_join(spawn(timed_and_try, NULL), NULL);
    check_eq(pthread_mutex_unlock(&mutex), 0);
}

static void *ping(void *arg)
{
    int me = (int)(intptr_t)arg;

    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 100; i++) {
        while (turn != me)
            pthread_cond_wait(&cond, &mutex);
        turn = !me;
        pthread_cond_broadcast(&cond);
    }
    pthread_mutex_unlock(&mutex);
    return NULL;
}

static void check_condition(void)
{
    pthread_t a = spawn(ping, (void *)0), b = spawn(ping, (void *)1);

    pthread_join(a, NULL);
    pthread_join(b, NULL);
    check_eq(turn, 0);
}

static void *end_as_owner(void *arg)
{
    (void)arg;
    check_eq(pthread_mutex_lock(&mutex), 0);
    return NULL;
}

static void *lock_dead(void *arg)
{
    int ret = pthread_mutex_lock(&mutex);

    if (ret == EOWNERDEAD) {
        __atomic_add_fetch((int *)arg, 1, __ATOMIC_SEQ_CST);
        check_eq(pthread_mutex_consistent(&mutex), 0);
    } else {
        check_eq(ret, 0);
    }
    check_eq(pthread_mutex_unlock(&mutex), 0);
    return NULL;
}

static void check_robust(int protocol)
{
    pthread_t t[3];
    int dead = 0;

    mutex_make(protocol, PTHREAD_MUTEX_ROBUST, PTHREAD_MUTEX_NORMAL);
    check_contention();
    pthread_join(spawn(end_as_owner, NULL), NULL);
    check_eq(pthread_mutex_lock(&mutex), EOWNERDEAD);
    check_eq(pthread_mutex_consistent(&mutex), 0);
    check_eq(pthread_mutex_unlock(&mutex), 0);
    /* With others on their way in, whoever comes first gets EOWNERDEAD, and only that one. */
    t[0] = spawn(end_as_owner, NULL);
    pthread_join(t[0], NULL);
    for (int i = 0; i < 3; i++)
        t[i] = spawn(lock_dead, &dead);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    check_eq(dead, 1);
    /* Unlocked without having been made consistent: nobody gets it again. */
    pthread_join(spawn(end_as_owner, NULL), NULL);
    check_eq(pthread_mutex_lock(&mutex), EOWNERDEAD);
    check_eq(pthread_mutex_unlock(&mutex), 0);
    check_eq(pthread_mutex_lock(&mutex), ENOTRECOVERABLE);
    pthread_mutex_destroy(&mutex);
}

int main(void)
{
    mutex_make(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_NORMAL);
    check_contention();
    check_condition();
    pthread_mutex_destroy(&mutex);
    mutex_make(PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED, PTHREAD_MUTEX_ERRORCHECK);
    check_errors();
    pthread_mutex_destroy(&mutex);
    check_robust(PTHREAD_PRIO_NONE);
    check_robust(PTHREAD_PRIO_INHERIT);
    return check_done();
}
