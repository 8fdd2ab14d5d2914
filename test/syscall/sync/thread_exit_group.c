/* SPDX-License-Identifier: Apache-2.0 */
/* exit() of one thread ends the others wherever they are: computing, sleeping, in a futex. */
#include "check.h"
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *compute(void *arg)
{
    volatile unsigned long *counter = arg;

    for (;;)
        ++*counter;
    return NULL;
}

static void *block(void *arg)
{
    pthread_mutex_lock(&lock);
    return arg;
}

static void *sleep_long(void *arg)
{
    sleep(1000);
    return arg;
}

static void *read_pipe(void *arg)
{
    char c;

    if (read(*(int *)arg, &c, 1) < 0)
        perror("read");
    return arg;
}

static void *leave(void *arg)
{
    usleep(50000);
    check(1);
    exit(arg ? 0 : check_done());
}

int main(void)
{
    static volatile unsigned long counter;
    static int pipes[2];
    pthread_t thread;

    pthread_mutex_lock(&lock);
    need(pipe(pipes) == 0);
    need(pthread_create(&thread, NULL, compute, (void *)&counter) == 0);
    need(pthread_create(&thread, NULL, block, NULL) == 0);
    need(pthread_create(&thread, NULL, sleep_long, NULL) == 0);
    need(pthread_create(&thread, NULL, read_pipe, pipes) == 0);
    need(pthread_create(&thread, NULL, leave, NULL) == 0);
    pthread_join(thread, NULL);
    check(!"exit returned");
    return 1;
}
