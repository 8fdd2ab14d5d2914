/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of futex(2) share: the call, and threads that wait until something is true. */
#ifndef CELLA_TEST_SYSCALL_FUTEX_H
#define CELLA_TEST_SYSCALL_FUTEX_H

#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

#define PRIVATE FUTEX_PRIVATE_FLAG

static inline long futex(void *address, int op, unsigned value, const void *timeout, void *other,
                         unsigned value3)
{
    return syscall(SYS_futex, address, op, value, timeout, other, value3);
}

static inline unsigned self_tid(void)
{
    return (unsigned)syscall(SYS_gettid);
}

static inline unsigned load(unsigned *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static inline void store(unsigned *word, unsigned value)
{
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

/* Polls for up to half a minute: long enough for any machine, and never reached on a good one. */
#define eventually(cond)                               \
    __extension__({                                    \
        int done_ = 0;                                 \
        for (int i_ = 0; i_ < 30000 && !done_; i_++) { \
            done_ = !!(cond);                          \
            if (!done_)                                \
                usleep(1000);                          \
        }                                              \
        done_;                                         \
    })

static inline pthread_t spawn(void *(*fn)(void *), void *arg)
{
    pthread_t t;

    need(pthread_create(&t, NULL, fn, arg) == 0);
    return t;
}

/* Wakes until `count` threads have been woken in sum. */
static inline int wake_sum(unsigned *word, int op, int count)
{
    int sum = 0;

    (void)!eventually((sum += (int)futex(word, op, (unsigned)(count - sum), NULL, NULL, ~0U)) >=
                      count);
    return sum;
}

/* A moment on a clock, so many milliseconds from now. */
static inline struct timespec moment(clockid_t clock, long ms)
{
    struct timespec t;

    clock_gettime(clock, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

#endif
