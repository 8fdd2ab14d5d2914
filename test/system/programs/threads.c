/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 64 threads: thread-local storage, one contended mutex, a ring passed along by condition
 * variables, a barrier, a read-write lock, semaphores, keys with destructors, cancellation.
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 64
#define ROUNDS 200

static __thread long local_sum = 1;
static __thread char local_block[3000];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t shared = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t barrier;
static pthread_key_t key;
static sem_t slots;
static long counter, turn, destroyed, in_slot, most_in_slot, readers_saw;

static void destroy(void *value)
{
    free(value);
    __atomic_fetch_add(&destroyed, 1, __ATOMIC_RELAXED);
}

static void ring(long number)
{
    for (int lap = 0; lap < 3; lap++) {
        pthread_mutex_lock(&lock);
        while (turn % THREADS != number)
            pthread_cond_wait(&turned, &lock);
        turn++;
        pthread_cond_broadcast(&turned);
        pthread_mutex_unlock(&lock);
    }
}

static void slot(void)
{
    long now;

    sem_wait(&slots);
    now = __atomic_add_fetch(&in_slot, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_lock(&lock);
    if (now > most_in_slot)
        most_in_slot = now;
    pthread_mutex_unlock(&lock);
    __atomic_fetch_sub(&in_slot, 1, __ATOMIC_SEQ_CST);
    sem_post(&slots);
}

static void *body(void *arg)
{
    long number = (long)arg;

    pthread_setspecific(key, malloc(10));
    for (size_t i = 0; i < sizeof(local_block); i++)
        local_block[i] = (char)number;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&lock);
        counter += number;
        pthread_mutex_unlock(&lock);
        local_sum += number;
    }
    ring(number);
    slot();
    pthread_rwlock_rdlock(&shared);
    __atomic_fetch_add(&readers_saw, counter > 0, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&shared);
    if (number == 7) {
        pthread_rwlock_wrlock(&shared);
        usleep(1000);
        pthread_rwlock_unlock(&shared);
    }
    for (size_t i = 0; i < sizeof(local_block); i++)
        if (local_block[i] != (char)number)
            return NULL;
    return (void *)local_sum;
}

static void *sleeper(void *arg)
{
    for (;;)
        pause();
    return arg;
}

int main(void)
{
    pthread_t threads[THREADS], cancelled;
    long sum = 0;
    void *result;

    pthread_key_create(&key, destroy);
    pthread_barrier_init(&barrier, NULL, THREADS);
    sem_init(&slots, 0, 5);
    for (long i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, body, (void *)i)) {
            perror("pthread_create");
            return 1;
        }
    }
    for (long i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &result);
        sum += (long)result;
    }
    pthread_create(&cancelled, NULL, sleeper, NULL);
    usleep(10000);
    pthread_cancel(cancelled);
    pthread_join(cancelled, &result);
    printf("counter %ld, sums %ld, turns %ld, destroyed %ld, readers %ld\n", counter, sum, turn,
           destroyed, readers_saw);
    printf("slots held at most 5: %d, cancelled: %d, own %ld\n", most_in_slot <= 5,
           result == PTHREAD_CANCELED, local_sum);
    return 0;
}
