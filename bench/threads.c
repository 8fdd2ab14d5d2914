/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that wait for each other, come and go, and compute, timed from inside.
 *
 *   threads futex_pingpong   a word set and woken for another thread, and one back
 *   threads condvar          a turn passed to another thread and back, by mutex and condition variable
 *   threads create_join      a thread that does nothing
 *   threads mmap             64 KiB mapped, every page touched, unmapped
 *   threads compute          two threads that only compute: prints nanoseconds for all of it
 *   threads many             10,000 threads, all there at once: nanoseconds a thread, start to end
 */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/measure.h"

#define MANY 10000
#define ROUNDS 200000000UL
#define AREA (64 << 10)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t change = PTHREAD_COND_INITIALIZER;
static int turn, arrived, open_gate;
static atomic_uint ping, pong;

static void futex_await(atomic_uint *word, unsigned old)
{
    while (atomic_load(word) == old)
        syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, old, NULL, NULL, 0);
}

static void futex_advance(atomic_uint *word)
{
    atomic_fetch_add(word, 1);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *futex_answer(void *arg)
{
    for (unsigned seen = 0;; seen++) {
        futex_await(&ping, seen);
        futex_advance(&pong);
    }
    return arg;
}

static long do_futex(void)
{
    unsigned old = atomic_load(&pong);

    futex_advance(&ping);
    futex_await(&pong, old);
    return 0;
}

/* Waits for our turn, and passes it on. */
static void take_turn(int mine)
{
    pthread_mutex_lock(&mutex);
    while (turn != mine)
        pthread_cond_wait(&change, &mutex);
    turn = !mine;
    pthread_cond_signal(&change);
    pthread_mutex_unlock(&mutex);
}

static void *condvar_answer(void *arg)
{
    for (;;)
        take_turn(1);
    return arg;
}

static long do_condvar(void)
{
    take_turn(0);
    return 0;
}

static void *nothing(void *arg)
{
    return arg;
}

static long do_create_join(void)
{
    pthread_t thread;

    return -(pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL));
}

static long do_mmap(void)
{
    char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        return -1;
    for (int i = 0; i < AREA; i += 4096)
        ((volatile char *)area)[i] = 1;
    return munmap(area, AREA);
}

static void *compute(void *arg)
{
    uint64_t x = 1;

    for (unsigned long i = 0; i < ROUNDS; i++)
        x = x * 6364136223846793005UL + 1442695040888963407UL;
    *(volatile uint64_t *)arg = x;
    return NULL;
}

static int run_compute(void)
{
    pthread_t threads[2];
    uint64_t results[2];
    double start = now();

    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, compute, &results[i]))
            return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%.0f 1\n", now() - start);
    return results[0] != results[1];
}

static void *crowd(void *arg)
{
    pthread_mutex_lock(&mutex);
    if (++arrived == MANY) {
        open_gate = 1;
        pthread_cond_broadcast(&change);
    }
    while (!open_gate)
        pthread_cond_wait(&change, &mutex);
    pthread_mutex_unlock(&mutex);
    return arg;
}

static int run_many(void)
{
    static pthread_t threads[MANY];
    pthread_attr_t attr;
    double start = now();

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 32 << 10);
    for (int i = 0; i < MANY; i++)
        if (pthread_create(&threads[i], &attr, crowd, NULL)) {
            fprintf(stderr, "thread %d could not be created\n", i);
            return 1;
        }
    for (int i = 0; i < MANY; i++)
        pthread_join(threads[i], NULL);
    printf("%.0f %d\n", (now() - start) / MANY, MANY);
    return 0;
}

static const struct {
    const char *name;
    operation_fn run;
    void *(*partner)(void *);
} operations[] = {
    {"futex_pingpong", do_futex, futex_answer},
    {"condvar", do_condvar, condvar_answer},
    {"create_join", do_create_join, NULL},
    {"mmap", do_mmap, NULL},
};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (!strcmp(name, "compute"))
        return run_compute();
    if (!strcmp(name, "many"))
        return run_many();
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        pthread_t thread;
        if (strcmp(operations[i].name, name))
            continue;
        if (operations[i].partner && pthread_create(&thread, NULL, operations[i].partner, NULL))
            return 1;
        measure(name, operations[i].run);
        return 0;
    }
    fprintf(stderr, "threads: unknown operation '%s'\n", name);
    return 2;
}
