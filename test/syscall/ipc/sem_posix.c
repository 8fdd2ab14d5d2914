/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX semaphores between processes: named ones, and unnamed ones in shared memory. They are futexes in memory
 * that several processes share. */
#include "ipc.h"
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>

static char name[64];

struct shared {
    sem_t lock, go, done;
    volatile int count;
};

static struct shared *shared;

static int counter(void *arg)
{
    int rounds = *(int *)arg;

    for (int i = 0; i < rounds; i++) {
        if (sem_wait(&shared->lock))
            return 1;
        int seen = shared->count;
        if (i % 16 == 0)
            sched_yield();
        shared->count = seen + 1;
        sem_post(&shared->lock);
    }
    return 0;
}

static int partner(void *arg)
{
    for (int i = 0; i < *(int *)arg; i++)
        if (sem_wait(&shared->go) || sem_post(&shared->done))
            return 1;
    return 0;
}

static void unnamed(void)
{
    int rounds = 300, bad = 0, value;
    struct timespec past = {1, 0};
    pid_t pid[3];

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(shared != MAP_FAILED);
    check_ok(sem_init(&shared->lock, 1, 1));
    check_ok(sem_init(&shared->go, 1, 0));
    check_ok(sem_init(&shared->done, 1, 0));
    for (int i = 0; i < 3; i++)
        pid[i] = child_start(counter, &rounds);
    for (int i = 0; i < 3; i++)
        check_eq(child_end(pid[i]), 0);
    check_eq(shared->count, 3 * rounds);
    pid[0] = child_start(partner, &rounds);
    for (int i = 0; i < rounds; i++)
        bad += sem_post(&shared->go) || sem_wait(&shared->done);
    check_eq(bad, 0);
    check_eq(child_end(pid[0]), 0);
    check_err(sem_trywait(&shared->go), EAGAIN);
    check_err(sem_timedwait(&shared->go, &past), ETIMEDOUT);
    check_ok(sem_getvalue(&shared->lock, &value));
    check_eq(value, 1);
    munmap(shared, sizeof(*shared));
}

static int post_named(void *arg)
{
    sem_t *s = sem_open(arg, 0);

    if (s == SEM_FAILED)
        return errno;
    sem_post(s);
    sem_post(s);
    return sem_close(s) ? errno : 0;
}

static int wait_inherited(void *arg)
{
    return sem_wait(arg) ? errno : 0;
}

static void named(void)
{
    int value;

    check(sem_open(name, 0) == SEM_FAILED && errno == ENOENT);
    sem_t *s = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
    need(s != SEM_FAILED);
    check(sem_open(name, O_CREAT | O_EXCL, 0600, 3) == SEM_FAILED && errno == EEXIST);
    check(sem_open(name, O_CREAT, 0600, 9) == s);
    check_ok(sem_close(s));
    check_ok(sem_getvalue(s, &value));
    check_eq(value, 3);
    for (int i = 0; i < 3; i++)
        check_ok(sem_wait(s));
    check_err(sem_trywait(s), EAGAIN);
    check_eq(child_end(child_start(post_named, name)), 0);
    check_ok(sem_wait(s));
    check_ok(sem_wait(s));
    pid_t pid = child_sleep(wait_inherited, s);
    check_ok(sem_post(s));
    check_eq(child_end(pid), 0);
    check_ok(sem_unlink(name));
    check_err(sem_unlink(name), ENOENT);
    check_eq(child_end(child_start(post_named, name)), ENOENT);
    check_ok(sem_post(s)); /* still ours */
    check_ok(sem_wait(s));
    check_ok(sem_close(s));
}

int main(void)
{
    snprintf(name, sizeof(name), "/cella-test-%d", getpid());
    unnamed();
    named();
    return check_done();
}
