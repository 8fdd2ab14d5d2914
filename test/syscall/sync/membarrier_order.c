/* SPDX-License-Identifier: Apache-2.0 */
/*
 * membarrier: commands and registrations; and that it orders: of two threads that each write a word
 * and then read the other's, one with a mere compiler barrier, one with membarrier, one sees the
 * other.
 */
#include "futex.h"
#include <linux/membarrier.h>
#include <sched.h>

#define ROUNDS 500

static unsigned x, y, round_fast, round_slow, seen_by_fast[ROUNDS + 1];

static long membarrier(int cmd, unsigned flags, int cpu)
{
    return syscall(SYS_membarrier, cmd, flags, cpu);
}

static void check_rules(void)
{
    static const int pairs[][2] = {
        {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
         MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE},
        {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ},
        {MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, MEMBARRIER_CMD_PRIVATE_EXPEDITED},
    };
    long offered = membarrier(MEMBARRIER_CMD_QUERY, 0, 0);

    check_eq(offered & 0x1ff, 0x1ff);
    check_err(membarrier(MEMBARRIER_CMD_QUERY, 1, 0), EINVAL);
    check_err(membarrier(1 << 20, 0, 0), EINVAL);
    check_err(membarrier(-1, 0, 0), EINVAL);
    check_err(membarrier(3, 0, 0), EINVAL);
    check_eq(membarrier(MEMBARRIER_CMD_GLOBAL, 0, 0), 0);
    check_err(membarrier(MEMBARRIER_CMD_GLOBAL, 1, 0), EINVAL);
    check_eq(membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0), 0);
    check_eq(membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0), 0);
    /* Each command wants its own registration. */
    for (int i = 0; i < 3; i++) {
        check_err(membarrier(pairs[i][1], 0, 0), EPERM);
        check_eq(membarrier(pairs[i][0], 0, 0), 0);
        check_eq(membarrier(pairs[i][1], 0, 0), 0);
        check_err(membarrier(pairs[i][1], MEMBARRIER_CMD_FLAG_CPU | 2, 0), EINVAL);
    }
    check_err(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_FLAG_CPU, 0), EINVAL);
}

static void *fast(void *arg)
{
    (void)arg;
    for (unsigned i = 1; i <= ROUNDS; i++) {
        /* Now and then let the other one in: there may be one CPU only. */
        for (unsigned n = 0; load(&round_slow) < i; n++)
            if (n % 1000 == 999)
                sched_yield();
        __atomic_store_n(&x, i, __ATOMIC_RELAXED);
        __asm__ volatile("" ::: "memory");
        seen_by_fast[i] = __atomic_load_n(&y, __ATOMIC_RELAXED);
        store(&round_fast, i);
    }
    return NULL;
}

int main(void)
{
    unsigned missed = 0;

    check_rules();
    pthread_t t = spawn(fast, NULL);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        store(&round_slow, i);
        __atomic_store_n(&y, i, __ATOMIC_RELAXED);
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        unsigned seen = __atomic_load_n(&x, __ATOMIC_RELAXED);
        for (unsigned n = 0; load(&round_fast) < i; n++)
            if (n % 1000 == 999)
                sched_yield();
        missed += seen < i && seen_by_fast[i] < i;
    }
    pthread_join(t, NULL);
    check_eq(missed, 0);
    return check_done();
}
