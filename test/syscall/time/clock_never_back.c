/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time never runs backwards, not even between threads: each reads the clock, by the vDSO or by the
 * call, and compares with the latest time that any other has published.
 */
#include "futex.h"

#define THREADS 4
#define ROUNDS 40000

static int64_t latest;
static unsigned backwards;

static int64_t now(int by_call)
{
    struct timespec t;

    if (by_call)
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    else
        clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void *compare(void *arg)
{
    int odd = (int)(intptr_t)arg;

    for (int i = 0; i < ROUNDS; i++) {
        int64_t seen = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
        int64_t mine = now((i + odd) & 1);
        if (mine < seen)
            __atomic_add_fetch(&backwards, 1, __ATOMIC_SEQ_CST);
        while (mine > seen && !__atomic_compare_exchange_n(&latest, &seen, mine, 0,
                                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
    }
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS];

    for (int i = 0; i < THREADS; i++)
        t[i] = spawn(compare, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    check_eq(backwards, 0);
    return check_done();
}
