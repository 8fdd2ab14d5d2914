/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FUTEX_WAIT_REQUEUE_PI and FUTEX_CMP_REQUEUE_PI: the first waiter wakes as the owner, the others
 * in turn; a wrong pair is EINVAL; deadlines and plain wakes before the move.
 */
#include "futex.h"

static unsigned cond, lock, elsewhere, woken, plain;

static void *wait_cond(void *arg)
{
    (void)arg;
    check_eq(futex(&cond, FUTEX_WAIT_REQUEUE_PI | PRIVATE, 0, NULL, &lock, 0), 0);
    check_eq(load(&lock) & FUTEX_TID_MASK, self_tid());
    __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
    check_eq(futex(&lock, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    return NULL;
}

static void *wait_plain(void *arg)
{
    (void)arg;
    check_eq(futex(&plain, FUTEX_WAIT | PRIVATE, 0, NULL, NULL, 0), 0);
    return NULL;
}

static long requeue_pi(unsigned *from, unsigned *to, unsigned nwake, long nmove, unsigned val)
{
    return futex(from, FUTEX_CMP_REQUEUE_PI | PRIVATE, nwake, (void *)nmove, to, val);
}

static void check_rules(void)
{
    struct timespec past = moment(CLOCK_MONOTONIC, -1), soon = moment(CLOCK_REALTIME, 20);
    const int wait = FUTEX_WAIT_REQUEUE_PI | PRIVATE;

    check_err(futex(&cond, wait, 0, NULL, &cond, 0), EINVAL);
    check_err(futex(&cond, wait, 1, NULL, &lock, 0), EAGAIN);
    check_err(futex(&cond, wait, 0, &past, &lock, 0), ETIMEDOUT);
    check_err(futex(&cond, wait | FUTEX_CLOCK_REALTIME, 0, &soon, &lock, 0), ETIMEDOUT);
    check_err(futex(&cond, wait, 0, NULL, (char *)&lock + 1, 0), EINVAL);
    check_err(requeue_pi(&cond, &cond, 1, 1, 0), EINVAL);
    check_err(requeue_pi(&cond, &lock, 2, 1, 0), EINVAL);
    check_err(requeue_pi(&cond, &lock, 0, 1, 0), EINVAL);
    check_err(requeue_pi(&cond, &lock, 1, 1, 5), EAGAIN);
    check_eq(requeue_pi(&cond, &lock, 1, 1, 0), 0);
}

/* Nobody owns the lock: one is woken with it, the rest queue behind. */
static void check_free(int n)
{
    pthread_t t[8];
    long sum = 0;

    store(&woken, 0);
    for (int i = 0; i < n; i++)
        t[i] = spawn(wait_cond, NULL);
    check(eventually((sum += requeue_pi(&cond, &lock, 1, 100, 0)) >= n));
    check_eq(sum, n);
    for (int i = 0; i < n; i++)
        pthread_join(t[i], NULL);
    check_eq(load(&woken), n);
    check_eq(load(&lock), 0);
}

/* The caller owns the lock, as pthread_cond_broadcast does. */
static void check_owned(void)
{
    pthread_t t[3];
    long sum = 0;

    store(&woken, 0);
    check_eq(futex(&lock, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        t[i] = spawn(wait_cond, NULL);
    check(eventually((sum += requeue_pi(&cond, &lock, 1, 100, 0)) >= 3));
    check_eq(sum, 3);
    check_eq(load(&woken), 0);
    check_eq(load(&lock), self_tid() | FUTEX_WAITERS);
    check_eq(futex(&lock, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    check_eq(load(&woken), 3);
}

static void check_pairs(void)
{
    pthread_t t = spawn(wait_cond, NULL), u = spawn(wait_plain, NULL);

    /* A plain waiter cannot be moved to a PI futex, nor the other way, nor to another lock. */
    check(eventually(requeue_pi(&plain, &lock, 1, 1, 0) == -1 && errno == EINVAL));
    check(eventually(requeue_pi(&cond, &elsewhere, 1, 1, 0) == -1 && errno == EINVAL));
    check_err(futex(&cond, FUTEX_CMP_REQUEUE | PRIVATE, 1, (void *)1, &plain, 0), EINVAL);
    check_err(futex(&cond, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), EINVAL);
    check_eq(futex(&plain, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), 1);
    check_eq(requeue_pi(&cond, &lock, 1, 0, 0), 1);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
}

int main(void)
{
    check_rules();
    check_free(1);
    check_free(6);
    check_owned();
    check_pairs();
    return check_done();
}
