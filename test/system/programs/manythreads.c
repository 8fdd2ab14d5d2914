// SPDX-License-Identifier: Apache-2.0
/*
 * Very many threads, and all ways to be done with them.
 *
 *   manythreads N       N threads at once; each has waited, computed and counted, and is joined
 *   manythreads storm   threads come and go: joined, detached, made by threads that end first
 *   manythreads exit    exit(5) while threads wait in every way there is, and others compute
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER, go = PTHREAD_COND_INITIALIZER;
static int started, finished, open_gate;
static atomic_int ran;
static _Thread_local char block[512];

static pthread_t start(void *(*fn)(void *), void *argument)
{
    pthread_attr_t attr;
    pthread_t thread;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 32 << 10);
    int err = pthread_create(&thread, &attr, fn, argument);
    if (err) {
        printf("pthread_create: %s\n", strerror(err));
        exit(1);
    }
    pthread_attr_destroy(&attr);
    return thread;
}

/* All are there at once before the first may go. */
static void *crowd(void *argument)
{
    memset(block, (int)(long)argument, sizeof(block));
    pthread_mutex_lock(&mutex);
    started++;
    pthread_cond_signal(&change);
    while (!open_gate)
        pthread_cond_wait(&go, &mutex);
    finished++;
    pthread_mutex_unlock(&mutex);
    return (void *)(long)block[(long)argument % 512];
}

static void many(int count)
{
    pthread_t *threads = calloc(count, sizeof(*threads));
    long sum = 0, want = 0;

    for (int i = 0; i < count; i++)
        threads[i] = start(crowd, (void *)(long)i);
    pthread_mutex_lock(&mutex);
    while (started < count)
        pthread_cond_wait(&change, &mutex);
    printf("%d at once, %d done\n", started, finished);
    open_gate = 1;
    pthread_cond_broadcast(&go);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < count; i++) {
        void *value;
        pthread_join(threads[i], &value);
        sum += (long)value;
        want += (char)i;
    }
    printf("%d done, results %s\n", finished, sum == want ? "right" : "wrong");
    free(threads);
}

static void *brief(void *argument)
{
    ran++;
    return argument;
}

static sem_t ended;

static void *detached(void *argument)
{
    ran++;
    sem_post(&ended);
    return argument;
}

/* Starts the next one and ends before it. */
static void *chain(void *argument)
{
    long left = (long)argument;

    ran++;
    if (left)
        pthread_detach(start(chain, (void *)(left - 1)));
    else
        sem_post(&ended);
    return NULL;
}

static void *storming(void *argument)
{
    for (int i = 0; i < 200; i++)
        pthread_join(start(brief, NULL), NULL);
    return argument;
}

static void storm(void)
{
    pthread_t makers[8], batch[50];

    for (int i = 0; i < 8; i++)
        makers[i] = start(storming, NULL);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 50; i++)
            batch[i] = start(brief, NULL);
        for (int i = 49; i >= 0; i--)
            pthread_join(batch[i], NULL);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(makers[i], NULL);
    sem_init(&ended, 0, 0);
    for (int i = 0; i < 500; i++)
        pthread_detach(start(detached, NULL));
    pthread_detach(start(chain, (void *)499L));
    for (int i = 0; i < 501; i++)
        sem_wait(&ended);
    printf("%d ran\n", ran);
}

static void *wait_somehow(void *argument)
{
    int pipes[2], kind = (int)(long)argument;
    struct timespec hour = {.tv_sec = 3600};
    struct epoll_event event;
    struct pollfd poll_one;
    sigset_t set;
    char c;

    if (pipe(pipes))
        exit(1);
    poll_one = (struct pollfd){.fd = pipes[0], .events = POLLIN};
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    ran++;
    switch (kind % 9) {
    case 0: pthread_cond_wait(&go, &mutex); break;
    case 1: pthread_mutex_lock(&mutex); break;
    case 2: sem_wait(&ended); break;
    case 3: nanosleep(&hour, NULL); break;
    case 4: read(pipes[0], &c, 1); break;
    case 5: poll(&poll_one, 1, -1); break;
    case 6: epoll_wait(epoll_create1(0), &event, 1, -1); break;
    case 7: sigwait(&set, &kind); break;
    case 8:
        for (;;)
            ;
    }
    return NULL;
}

static void leave(void)
{
    sem_init(&ended, 0, 0);
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < 90; i++)
        if (i % 9)
            start(wait_somehow, (void *)(long)i);
    while (ran < 80)
        sched_yield();
    printf("%d wait\n", ran);
    exit(5);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "1000";

    if (!strcmp(what, "storm"))
        storm();
    else if (!strcmp(what, "exit"))
        leave();
    else
        many(atoi(what));
    return 0;
}
