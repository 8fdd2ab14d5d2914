/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex: which operations take which clock, what a bad address or time is, private against shared
 * words, counts below one, results of requeue, every FUTEX_WAKE_OP.
 */
#include "futex.h"
#include <sys/mman.h>

static unsigned word, second;

static void *wait_private(void *arg)
{
    return (void *)(futex(&word, FUTEX_WAIT | PRIVATE, 0, NULL, NULL, 0) == 0 ? arg : NULL);
}

static void *wait_second(void *arg)
{
    return (void *)(futex(&second, FUTEX_WAIT | PRIVATE, *(unsigned *)arg, NULL, NULL, 0) == 0
                        ? arg
                        : NULL);
}

static void check_clocks(void)
{
    struct timespec past = {1, 0}, bad = {0, 1000000000}, negative = {-1, 0};
    const int realtime = FUTEX_CLOCK_REALTIME;

    check_err(futex(&word, FUTEX_WAKE | realtime, 1, NULL, NULL, 0), ENOSYS);
    check_err(futex(&word, FUTEX_WAKE_BITSET | realtime, 1, NULL, NULL, 1), ENOSYS);
    check_err(futex(&word, FUTEX_LOCK_PI | realtime, 0, NULL, NULL, 0), ENOSYS);
    check_err(futex(&word, FUTEX_UNLOCK_PI | realtime, 0, NULL, NULL, 0), ENOSYS);
    check_err(futex(&word, FUTEX_CMP_REQUEUE | realtime, 0, NULL, &second, 0), ENOSYS);
    check_err(futex(&word, FUTEX_WAIT_BITSET | realtime, 0, &past, NULL, ~0U), ETIMEDOUT);
    check_err(futex(&word, FUTEX_WAIT_BITSET, 0, &past, NULL, ~0U), ETIMEDOUT);
    check_err(futex(&word, FUTEX_WAIT_BITSET, 1, &past, NULL, ~0U), EAGAIN);
    check_err(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0), EINVAL);
    check_err(futex(&word, FUTEX_WAIT, 0, &negative, NULL, 0), EINVAL);
    check_err(futex(&word, FUTEX_LOCK_PI, 0, &bad, NULL, 0), EINVAL);
    check_err(futex(&word, FUTEX_WAIT, 0, (void *)8, NULL, 0), EFAULT);
    check_eq(futex(&word, FUTEX_WAKE, 1, (void *)8, NULL, 0), 0); /* not a time here */
    check_err(futex(&word, 2 /* FUTEX_FD */, 0, NULL, NULL, 0), ENOSYS);
    check_err(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
    check_err(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0), EINVAL);
}

static void check_addresses(void)
{
    char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int ops[] = {FUTEX_WAIT, FUTEX_WAKE, FUTEX_LOCK_PI, FUTEX_TRYLOCK_PI};

    need(page != MAP_FAILED);
    munmap(page + 4096, 4096);
    for (unsigned i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
        check_err(futex((char *)&word + 2, ops[i] | PRIVATE, 0, NULL, NULL, 0), EINVAL);
        check_err(futex((void *)-4096L, ops[i] | PRIVATE, 0, NULL, NULL, 0), EFAULT);
        check_err(futex(page + 4096, ops[i], 0, NULL, NULL, 0), EFAULT);
    }
    check_err(futex(page + 4096, FUTEX_WAIT | PRIVATE, 0, NULL, NULL, 0), EFAULT);
    check_eq(futex(page + 4096, FUTEX_WAKE | PRIVATE, 1, NULL, NULL, 0), 0);
    check_err(futex(page, FUTEX_LOCK_PI | PRIVATE, 0, NULL, NULL, 0), EFAULT);
    check_err(futex(page, FUTEX_WAIT | PRIVATE, 1, NULL, NULL, 0), EAGAIN);
    check_err(futex(&word, FUTEX_WAKE_OP | PRIVATE, 1, (void *)1, page, FUTEX_OP(0, 1, 0, 0)),
              EFAULT);
    check_err(futex(&word, FUTEX_CMP_REQUEUE | PRIVATE, 1, (void *)1, (char *)&second + 1, 0),
              EINVAL);
    check_err(futex(&word, FUTEX_CMP_REQUEUE | PRIVATE, ~0U, (void *)1, &second, 0), EINVAL);
    check_err(futex(&word, FUTEX_REQUEUE | PRIVATE, 1, (void *)-1L, &second, 0), EINVAL);
    munmap(page, 4096);
}

/* A private waiter is not there for a shared wake; a count of 0 wakes one. */
static void check_private(void)
{
    pthread_t a = spawn(wait_private, &word), b = spawn(wait_private, &word);
    void *result;

    check_eq(futex(&word, FUTEX_WAKE, 9, NULL, NULL, 0), 0);
    check(eventually(futex(&word, FUTEX_WAKE | PRIVATE, 0, NULL, NULL, 0) == 1));
    check_eq(wake_sum(&word, FUTEX_WAKE | PRIVATE, 1), 1);
    pthread_join(a, &result);
    check(result != NULL);
    pthread_join(b, &result);
    check(result != NULL);
}

/* FUTEX_REQUEUE counts those that it moves, too; on one word nothing is moved but all is counted. */
static void check_requeue(void)
{
    pthread_t t[3];
    long sum = 0;

    for (int i = 0; i < 3; i++)
        t[i] = spawn(wait_private, &word);
    check(
        eventually((sum += futex(&word, FUTEX_REQUEUE | PRIVATE, 0, (void *)3, &second, 0)) == 3));
    check_eq(futex(&word, FUTEX_WAKE | PRIVATE, 9, NULL, NULL, 0), 0);
    check_eq(futex(&second, FUTEX_REQUEUE | PRIVATE, 0, (void *)9, &second, 0), 3);
    check_eq(futex(&second, FUTEX_CMP_REQUEUE | PRIVATE, 1, (void *)1, &word, 0), 2);
    check_err(futex(&second, FUTEX_CMP_REQUEUE | PRIVATE, 1, (void *)1, &word, 5), EAGAIN);
    check_eq(futex(&second, FUTEX_WAKE | PRIVATE, 9, NULL, NULL, 0), 1);
    check_eq(futex(&word, FUTEX_WAKE | PRIVATE, 9, NULL, NULL, 0), 1);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
}

static void check_op(unsigned op, unsigned old, unsigned want)
{
    store(&second, old);
    check_eq(futex(&word, FUTEX_WAKE_OP | PRIVATE, 1, (void *)1, &second, op), 0);
    check_eq(load(&second), want);
}

static void check_compare(int cmp, int arg, unsigned old, int wakes)
{
    pthread_t t;
    long woken = 0;

    store(&second, old);
    t = spawn(wait_second, &old);
    if (wakes) {
        /* The second word keeps its value: + 0. */
        check(eventually((woken = futex(&word, FUTEX_WAKE_OP | PRIVATE, 1, (void *)1, &second,
                                        FUTEX_OP(FUTEX_OP_ADD, 0, cmp, arg))) != 0));
        check_eq(woken, 1);
    } else {
        check_eq(futex(&word, FUTEX_WAKE_OP | PRIVATE, 1, (void *)1, &second,
                       FUTEX_OP(FUTEX_OP_ADD, 0, cmp, arg)),
                 0);
        check_eq(wake_sum(&second, FUTEX_WAKE | PRIVATE, 1), 1);
    }
    pthread_join(t, NULL);
}

static void check_wake_op(void)
{
    const int never = FUTEX_OP_CMP_EQ;

    check_op(FUTEX_OP(FUTEX_OP_SET, 0x123, never, 1), 7, 0x123);
    check_op(FUTEX_OP(FUTEX_OP_SET, 0xfff, never, 1), 7, 0xffffffff);
    check_op(FUTEX_OP(FUTEX_OP_ADD, 5, never, 1), 7, 12);
    check_op(FUTEX_OP(FUTEX_OP_ADD, 0xffe, never, 1), 7, 5);
    check_op(FUTEX_OP(FUTEX_OP_OR, 8, never, 1), 7, 15);
    check_op(FUTEX_OP(FUTEX_OP_ANDN, 3, never, 1), 7, 4);
    check_op(FUTEX_OP(FUTEX_OP_XOR, 6, never, 1), 7, 1);
    check_op(FUTEX_OP((FUTEX_OP_OR | FUTEX_OP_OPARG_SHIFT), 31, never, 1), 7, 0x80000007);
    check_op(FUTEX_OP((FUTEX_OP_ANDN | FUTEX_OP_OPARG_SHIFT), 2, never, 1), 7, 3);
    check_err(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &second, FUTEX_OP(5, 0, 0, 0)), ENOSYS);
    check_err(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &second, FUTEX_OP(0, 0, 6, 0)), ENOSYS);

    check_compare(FUTEX_OP_CMP_EQ, 5, 5, 1);
    check_compare(FUTEX_OP_CMP_EQ, 5, 6, 0);
    check_compare(FUTEX_OP_CMP_NE, 5, 6, 1);
    check_compare(FUTEX_OP_CMP_LT, 0, 0xffffffff, 1);
    check_compare(FUTEX_OP_CMP_LE, 5, 5, 1);
    check_compare(FUTEX_OP_CMP_GT, 0xfff /* -1 */, 0, 1);
    check_compare(FUTEX_OP_CMP_GT, 5, 5, 0);
    check_compare(FUTEX_OP_CMP_GE, 5, 5, 1);
}

int main(void)
{
    check_clocks();
    check_addresses();
    check_private();
    check_requeue();
    check_wake_op();
    return check_done();
}
