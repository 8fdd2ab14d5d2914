/* SPDX-License-Identifier: Apache-2.0 */
/* futex_waitv: which of the words was woken, values, flags, counts, clocks, private and shared. */
#include "futex.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define MAX 128

static unsigned words[MAX], sleeping;
static struct futex_waitv list[MAX + 1];

static long waitv(void *waiters, unsigned n, unsigned flags, void *timeout, int clock)
{
    return syscall(SYS_futex_waitv, waiters, n, flags, timeout, clock);
}

static void list_init(unsigned flags)
{
    memset(list, 0, sizeof(list));
    for (int i = 0; i < MAX; i++)
        list[i] = (struct futex_waitv){
            .val = words[i], .uaddr = (uintptr_t)&words[i], .flags = FUTEX_32 | flags};
}

static void *wait_all(void *arg)
{
    store(&sleeping, 1);
    return (void *)waitv(list, (unsigned)(uintptr_t)arg, 0, NULL, 0);
}

static void check_index(unsigned n, unsigned which, unsigned flags)
{
    void *result;

    list_init(flags);
    pthread_t t = spawn(wait_all, (void *)(uintptr_t)n);
    check_eq(wake_sum(&words[which], FUTEX_WAKE | (flags & PRIVATE), 1), 1);
    pthread_join(t, &result);
    check_eq((intptr_t)result, which);
}

static void check_rules(void)
{
    struct timespec past = {1, 0}, bad = {1, -1}, soon = moment(CLOCK_MONOTONIC, 20);

    list_init(PRIVATE);
    check_err(waitv(list, 1, 1, NULL, 0), EINVAL);
    check_err(waitv(list, 0, 0, NULL, 0), EINVAL);
    check_err(waitv(list, MAX + 1, 0, NULL, 0), EINVAL);
    check_err(waitv(NULL, 1, 0, NULL, 0), EINVAL);
    check_err(waitv((void *)16, 1, 0, NULL, 0), EFAULT);
    check_err(waitv(list, 2, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT);
    check_err(waitv(list, MAX, 0, &past, CLOCK_REALTIME), ETIMEDOUT);
    check_err(waitv(list, 2, 0, &soon, CLOCK_MONOTONIC), ETIMEDOUT);
    check_err(waitv(list, 2, 0, &past, CLOCK_BOOTTIME), EINVAL);
    check_err(waitv(list, 2, 0, &bad, CLOCK_MONOTONIC), EINVAL);
    check_err(waitv(list, 2, 0, (void *)16, CLOCK_MONOTONIC), EFAULT);
    list[1].val = 5;
    check_err(waitv(list, 2, 0, NULL, 0), EAGAIN);
    list[1].val = 0;
    list[1].flags = 0;
    check_err(waitv(list, 2, 0, NULL, 0), EINVAL);
    list[1].flags = FUTEX_32 | 0x40;
    check_err(waitv(list, 2, 0, NULL, 0), EINVAL);
    list[1].flags = FUTEX_32;
    list[1].__reserved = 1;
    check_err(waitv(list, 2, 0, NULL, 0), EINVAL);
    list[1].__reserved = 0;
    list[1].uaddr++;
    check_err(waitv(list, 2, 0, NULL, 0), EINVAL);
    list[1].uaddr = 16;
    check_err(waitv(list, 2, 0, NULL, 0), EFAULT);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void *interrupted(void *arg)
{
    (void)arg;
    long ret = waitv(list, 2, 0, NULL, 0);
    return (void *)(intptr_t)(ret == -1 ? errno : 0);
}

static void check_signal(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    void *result = NULL;

    list_init(PRIVATE);
    sigaction(SIGUSR1, &act, NULL);
    pthread_t t = spawn(interrupted, NULL);
    check(eventually(pthread_tryjoin_np(t, &result) == 0 || (pthread_kill(t, SIGUSR1), 0)));
    check_eq((intptr_t)result, EINTR);
}

int main(void)
{
    check_rules();
    check_index(1, 0, PRIVATE);
    check_index(2, 1, PRIVATE);
    check_index(MAX, 127, PRIVATE);
    check_index(MAX, 64, 0);
    check_signal();
    return check_done();
}
