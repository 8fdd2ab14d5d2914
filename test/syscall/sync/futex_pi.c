/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex with an owner: what the word says, who may unlock, EDEADLK for itself and in a circle,
 * ESRCH for an owner that is not there, both clocks, hand-over in order, an owner that ends.
 */
#include "futex.h"

#define NOBODY 0x3ffffff0 /* above every limit of pids */

static unsigned word, other, ready, order, release;
static unsigned circle[2];

static void *lock_and_number(void *arg)
{
    check_eq(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(load(&word) & FUTEX_TID_MASK, self_tid());
    unsigned number = __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
    check_eq(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    *(unsigned *)arg = number;
    return NULL;
}

static void check_word(void)
{
    unsigned me = self_tid();

    store(&word, 0);
    check_eq(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(load(&word), me);
    check_err(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    check_err(futex(&word, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EDEADLK);
    check_eq(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(load(&word), 0);
    check_err(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EPERM);
    check_eq(futex(&word, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(load(&word), me);
    check_eq(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    /* A dead owner's mark stays. */
    store(&word, FUTEX_OWNER_DIED);
    check_eq(futex(&word, FUTEX_LOCK_PI2 | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(load(&word), me | FUTEX_OWNER_DIED);
    check_eq(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(load(&word), 0);
    store(&word, NOBODY);
    check_err(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), ESRCH);
    store(&word, NOBODY);
    check_err(futex(&word, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0), ESRCH);
    store(&word, 0);
}

static void *try_while_held(void *arg)
{
    struct timespec past = moment(CLOCK_REALTIME, -1), soon = moment(CLOCK_REALTIME, 30);
    struct timespec mono = moment(CLOCK_MONOTONIC, 30);

    (void)arg;
    check_err(futex(&word, FUTEX_TRYLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EAGAIN);
    check_err(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), EPERM);
    check_err(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, &past, NULL, 0), ETIMEDOUT);
    check_err(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, &soon, NULL, 0), ETIMEDOUT);
    check_err(futex(&word, FUTEX_LOCK_PI2 | PRIVATE, 0, &mono, NULL, 0), ETIMEDOUT);
    check_err(futex(&word, FUTEX_LOCK_PI2 | PRIVATE | FUTEX_CLOCK_REALTIME, 0, &soon, NULL, 0),
              ETIMEDOUT);
    return NULL;
}

static void check_hand_over(void)
{
    unsigned numbers[4] = {0};
    pthread_t t[4];

    check_eq(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    pthread_join(spawn(try_while_held, NULL), NULL);
    check_eq(load(&word) & FUTEX_TID_MASK, self_tid());
    store(&order, 0);
    for (int i = 0; i < 4; i++)
        t[i] = spawn(lock_and_number, &numbers[i]);
    /* A plain wake and waiters of a PI futex do not go together. */
    check(
        eventually(futex(&word, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0) == -1 && errno == EINVAL));
    check_eq(load(&order), 0);
    check_eq(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    check_eq(load(&order), 4);
    check_eq(numbers[0] + numbers[1] + numbers[2] + numbers[3], 10);
    check_eq(load(&word), 0);
}

/* Two threads that each own what the other one wants: the one that closes the circle is told. */
static void *circle_thread(void *arg)
{
    unsigned mine = (unsigned)(uintptr_t)arg;
    long ret;

    check_eq(futex(&circle[mine], FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
    (void)!eventually(load(&ready) >= 2);
    ret = futex(&circle[!mine], FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0);
    int error = errno;
    if (ret == 0)
        check_eq(futex(&circle[!mine], FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(futex(&circle[mine], FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    return (void *)(intptr_t)(ret == 0 ? 0 : error);
}

static void check_circle(void)
{
    void *a, *b;

    store(&ready, 0);
    pthread_t t = spawn(circle_thread, (void *)0), u = spawn(circle_thread, (void *)1);
    pthread_join(t, &a);
    pthread_join(u, &b);
    check((intptr_t)a + (intptr_t)b == EDEADLK);
}

/* The kernel's own waiters and a plain wait on one word do not go together. */
static void *plain_wait(void *arg)
{
    (void)arg;
    check_eq(futex(&other, FUTEX_WAIT | PRIVATE, NOBODY, NULL, NULL, 0), 0);
    return NULL;
}

static void check_mixed(void)
{
    long ret = 0;

    store(&other, NOBODY);
    pthread_t t = spawn(plain_wait, NULL);
    /* ESRCH before the waiter is there. */
    check(eventually(((ret = futex(&other, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0)) == -1 &&
                      errno == EINVAL) ||
                     (store(&other, NOBODY), 0)));
    check_eq(ret, -1);
    store(&other, 0);
    check_eq(wake_sum(&other, FUTEX_WAKE | PRIVATE, 1), 1);
    pthread_join(t, NULL);
}

static void *hold_and_end(void *arg)
{
    (void)arg;
    check_eq(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    store(&ready, 1);
    check(eventually(load(&release)));
    return NULL;
}

static void *lock_after_death(void *arg)
{
    (void)arg;
    check_eq(futex(&word, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    check_eq(load(&word) & FUTEX_TID_MASK, self_tid());
    if (load(&word) & FUTEX_OWNER_DIED)
        __atomic_add_fetch(&order, 1, __ATOMIC_SEQ_CST);
    check_eq(futex(&word, FUTEX_UNLOCK_PI | PRIVATE, 0, NULL, NULL, 0), 0);
    return NULL;
}

static void check_owner_ends(void)
{
    store(&word, 0);
    store(&ready, 0);
    pthread_t t = spawn(hold_and_end, NULL);
    check(eventually(load(&ready)));
    pthread_t u = spawn(lock_after_death, NULL), v = spawn(lock_after_death, NULL);
    check(eventually(load(&word) & FUTEX_WAITERS));
    store(&order, 0);
    store(&release, 1);
    pthread_join(t, NULL);
    pthread_join(u, NULL);
    pthread_join(v, NULL);
    check_eq(load(&order), 1); /* only the first to get it is told */
    check_eq(load(&word) & FUTEX_TID_MASK, 0);
}

int main(void)
{
    check_word();
    check_hand_over();
    check_circle();
    check_mixed();
    check_owner_ends();
    return check_done();
}
