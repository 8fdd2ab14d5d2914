/* SPDX-License-Identifier: Apache-2.0 */
/* futex: wait and wake counts, EAGAIN, timeouts relative and absolute, bitset, requeue. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

static int word, second, woken;

static long futex(int *address, int op, int value, const void *timeout, int *other, int value3)
{
    return syscall(SYS_futex, address, op, value, timeout, other, value3);
}

static void *waiter(void *arg)
{
    int bits = (int)(intptr_t)arg;
    long result = futex(&word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, bits);

    if (result == 0)
        __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Wakes until `count` threads have been woken in sum, or a few seconds have passed. */
static int wake_all(int *address, int op, int count, int bits)
{
    int sum = 0;

    for (int i = 0; i < 300 && sum < count; i++) {
        sum += (int)futex(address, op | FUTEX_PRIVATE_FLAG, count - sum, NULL, NULL, bits);
        usleep(10000);
    }
    return sum;
}

int main(void)
{
    struct timespec soon = {0, 30000000}, start, end;
    pthread_t threads[6];
    int moved = 0;

    check_eq(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0), 0);
    check_err(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0), EAGAIN);
    clock_gettime(CLOCK_MONOTONIC, &start);
    check_err(futex(&word, FUTEX_WAIT, 0, &soon, NULL, 0), ETIMEDOUT);
    clock_gettime(CLOCK_MONOTONIC, &end);
    check((end.tv_sec - start.tv_sec) * 1000000000ll + end.tv_nsec - start.tv_nsec >= 30000000);
    check_err(futex(&word, FUTEX_WAIT_BITSET, 0, &start, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
    clock_gettime(CLOCK_REALTIME, &start);
    check_err(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &start, NULL,
                    FUTEX_BITSET_MATCH_ANY),
              ETIMEDOUT);
    check_err(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0), EINVAL);
    check_err(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, NULL, NULL, 0), EINVAL);
    check_err(futex((int *)8, FUTEX_WAIT, 0, NULL, NULL, 0), EFAULT);
    check_err(futex(&word, 99, 0, NULL, NULL, 0), ENOSYS);

    /* Three threads with bit 1, three with bit 2: a wake with bit 2 takes only those. */
    for (intptr_t i = 0; i < 6; i++)
        need(pthread_create(&threads[i], NULL, waiter, (void *)(i < 3 ? 1l : 2l)) == 0);
    check_eq(wake_all(&word, FUTEX_WAKE_BITSET, 3, 2), 3);
    for (int i = 3; i < 6; i++)
        pthread_join(threads[i], NULL);
    check_eq(woken, 3);
    check_eq(futex(&word, FUTEX_WAKE_BITSET | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 2), 0);

    /* The other three are moved to a second word and woken there. */
    for (int i = 0; i < 300 && moved < 3; i++) {
        moved +=
            (int)futex(&word, FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG, 0, (void *)9l, &second, 0);
        usleep(10000);
    }
    check_eq(moved, 3);
    check_eq(futex(&word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 9, NULL, NULL, 0), 0);
    check_eq(wake_all(&second, FUTEX_WAKE, 3, 0), 3);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    check_eq(woken, 6);
    check_err(futex(&word, FUTEX_CMP_REQUEUE, 1, (void *)1l, &second, 77), EAGAIN);
    return check_done();
}
