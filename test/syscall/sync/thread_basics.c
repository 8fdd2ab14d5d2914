/* SPDX-License-Identifier: Apache-2.0 */
/* Threads: tids differ, TLS is each one's own, join returns, exit of all but one goes on. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#define COUNT 16

static __thread int mine = 5;
static int tids[COUNT];

static void *body(void *arg)
{
    int number = (int)(intptr_t)arg;

    tids[number] = (int)syscall(SYS_gettid);
    check_failures += mine != 5;
    mine += number;
    sched_yield();
    usleep(1000);
    return (void *)(intptr_t)mine;
}

static void *spin_forever(void *arg)
{
    volatile unsigned long *counter = arg;

    for (;;)
        ++*counter;
    return NULL;
}

int main(void)
{
    static volatile unsigned long counter;
    pthread_t threads[COUNT], spinner;
    pthread_attr_t attr;
    int same = 0;
    void *result;

    for (intptr_t i = 0; i < COUNT; i++)
        need(pthread_create(&threads[i], NULL, body, (void *)i) == 0);
    for (intptr_t i = 0; i < COUNT; i++) {
        need(pthread_join(threads[i], &result) == 0);
        check_eq((intptr_t)result, 5 + i);
    }
    check_eq(mine, 5);
    for (int i = 0; i < COUNT; i++) {
        same += tids[i] == getpid();
        for (int j = 0; j < i; j++)
            same += tids[i] == tids[j];
    }
    check_eq(same, 0);
    check_eq(syscall(SYS_gettid), getpid());

    /* A thread that never makes a system call does not stop the others. */
    need(pthread_create(&spinner, NULL, spin_forever, (void *)&counter) == 0);
    while (counter == 0)
        sched_yield();
    usleep(20000);
    check(counter > 0);

    pthread_attr_init(&attr);
    check_eq(pthread_attr_setstacksize(&attr, 256 << 10), 0);
    need(pthread_create(&threads[0], &attr, body, (void *)0) == 0);
    check_eq(pthread_join(threads[0], NULL), 0);
    return check_done();
}
