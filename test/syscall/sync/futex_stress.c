/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything about futexes at once: threads lock a PI futex with deadlines that pass, are
 * interrupted by signals, wait on conditions, and end while they own the lock. Nobody is ever in it
 * together with another, and everybody comes to an end.
 */
#include "futex.h"
#include <sched.h>

#define THREADS 8
#define ROUNDS 150
#define GENERATIONS 6

static pthread_mutex_t mutex;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned inside, together, dead_owners, ended, signals;

static void on_signal(int sig)
{
    (void)sig;
    __atomic_add_fetch(&signals, 1, __ATOMIC_RELAXED);
}

static int lock(unsigned *seed)
{
    int ret;

    if (rand_r(seed) % 3 == 0) {
        struct timespec soon = moment(CLOCK_REALTIME, 0);
        soon.tv_nsec += rand_r(seed) % 200000;
        if (soon.tv_nsec >= 1000000000) {
            soon.tv_nsec -= 1000000000;
            soon.tv_sec++;
        }
        ret = pthread_mutex_timedlock(&mutex, &soon);
    } else {
        ret = pthread_mutex_lock(&mutex);
    }
    if (ret == EOWNERDEAD) {
        /* The one that ended was inside. */
        store(&inside, 0);
        __atomic_add_fetch(&dead_owners, 1, __ATOMIC_RELAXED);
        ret = pthread_mutex_consistent(&mutex);
    }
    return ret;
}

static void *work(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        int ret = lock(&seed);
        if (ret == ETIMEDOUT)
            continue;
        if (ret)
            __atomic_add_fetch(&together, 1000, __ATOMIC_SEQ_CST);
        if (__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) != 1)
            __atomic_add_fetch(&together, 1, __ATOMIC_SEQ_CST);
        if (rand_r(&seed) % 16 == 0)
            sched_yield();
        if (i == ROUNDS - 1 && seed % 2)
            break; /* ends as the owner */
        __atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
        if (rand_r(&seed) % 8 == 0) {
            struct timespec soon = moment(CLOCK_REALTIME, 1);
            ret = pthread_cond_timedwait(&cond, &mutex, &soon);
            if (ret == EOWNERDEAD) {
                store(&inside, 0);
                pthread_mutex_consistent(&mutex);
            }
        }
        if (rand_r(&seed) % 4 == 0)
            pthread_cond_broadcast(&cond);
        pthread_mutex_unlock(&mutex);
    }
    __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

int main(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    pthread_mutexattr_t a;
    pthread_t t[THREADS];

    sigaction(SIGUSR1, &act, NULL);
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &a);
    for (int g = 0; g < GENERATIONS; g++) {
        store(&ended, 0);
        for (int i = 0; i < THREADS; i++)
            t[i] = spawn(work, (void *)(uintptr_t)(g * THREADS + i + 1));
        for (int n = 0; load(&ended) < THREADS && n < 30000; n++) {
            /* Not joined yet, so the ids are good even of those that have ended. */
            pthread_kill(t[n % THREADS], SIGUSR1);
            usleep(200);
        }
        check_eq(load(&ended), THREADS);
        for (int i = 0; i < THREADS; i++)
            pthread_join(t[i], NULL);
    }
    check_eq(together, 0);

    return check_done();
}
