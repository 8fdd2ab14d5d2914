/* SPDX-License-Identifier: Apache-2.0 */
/* SEM_UNDO: threads that do not share what is to be undone (no CLONE_SYSVSEM) have it undone when they end,
 * those that do share it keep it; values stop at their ends; a value that was set is not undone. */
#include "ipc.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/sem.h>

union semarg {
    int val;
    unsigned short *array;
};

#define THREAD                                                                         \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS | \
     CLONE_CHILD_CLEARTID | CLONE_PARENT_SETTID)

static int id;

static int get(int n)
{
    return semctl(id, n, GETVAL);
}

static void set(int n, int value)
{
    check_ok(semctl(id, n, SETVAL, (union semarg){.val = value}));
}

/* No libc in the thread: errno is the caller's. */
static long raw(long nr, long a, long b, long c)
{
    long ret;
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(nr), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return ret;
}

static struct sembuf todo[4];
static int ntodo;
static volatile int hold; /* the thread ends when this is 0 */
static volatile long result;

static int worker(void *arg)
{
    (void)arg;
    result = raw(SYS_semop, id, (long)todo, ntodo);
    while (hold)
        raw(SYS_sched_yield, 0, 0, 0);
    raw(SYS_exit, 0, 0, 0);
    return 0;
}

static char stack[65536] __attribute__((aligned(64)));
static volatile int tid;

static pid_t worker_tid;

static void start(long flags)
{
    static char tls[4096] __attribute__((aligned(64)));

    result = 1;
    tid = 1;
    worker_tid = clone(worker, stack + sizeof(stack), (int)(THREAD | flags), NULL, &tid, tls, &tid);
    need(worker_tid > 0);
    while (result == 1)
        sched_yield();
    check_eq(result, 0);
}

static void finish(void)
{
    hold = 0;
    /* Its stack is free before what it did is undone: only then it cannot be found any more. */
    while (tid || syscall(SYS_tgkill, getpid(), worker_tid, 0) == 0)
        sched_yield();
}

static void run(long flags, int n, int by)
{
    todo[0] = (struct sembuf){(unsigned short)n, (short)by, SEM_UNDO};
    ntodo = 1;
    start(flags);
    finish();
}

static long take(void *arg)
{
    struct sembuf b = {*(unsigned short *)arg, -1, 0};

    return semop(id, &b, 1);
}

int main(void)
{
    id = (int)check_ok(semget(IPC_PRIVATE, 3, 0600));
    set(0, 5);
    run(0, 0, -2);
    check_eq(get(0), 5);
    run(0, 0, 3);
    check_eq(get(0), 5);
    run(CLONE_SYSVSEM, 0, -2); /* kept until we end */
    check_eq(get(0), 3);

    /* Seen while the thread is there; a set value is not undone. */
    hold = 1;
    todo[0] = (struct sembuf){0, -1, SEM_UNDO};
    todo[1] = (struct sembuf){1, 4, SEM_UNDO};
    todo[2] = (struct sembuf){2, 1, 0};
    ntodo = 3;
    start(0);
    check_eq(get(0), 2);
    check_eq(get(1), 4);
    set(0, 7);
    finish();
    check_eq(get(0), 7);
    check_eq(get(1), 0);
    check_eq(get(2), 1);
    check_eq(semctl(id, 1, GETPID), getpid());

    /* A share that is given up is like an end. */
    set(2, 1);
    check_ok(semop(id, &(struct sembuf){2, 5, SEM_UNDO}, 1));
    check_eq(get(2), 6);
    check_ok(unshare(CLONE_SYSVSEM));
    check_eq(get(2), 1);
    check_eq(semctl(id, 2, GETPID), getpid());
    check_ok(unshare(0));

    /* Below zero and above the top there is nothing. */
    hold = 1;
    todo[0] = (struct sembuf){0, 2, SEM_UNDO};
    ntodo = 1;
    start(0);
    struct sembuf most = {0, -8, 0};
    check_ok(semop(id, &most, 1));
    finish();
    check_eq(get(0), 0);
    set(0, 32767);
    hold = 1;
    todo[0] = (struct sembuf){0, -5, SEM_UNDO};
    start(0);
    struct sembuf back = {0, 5, 0};
    check_ok(semop(id, &back, 1));
    finish();
    check_eq(get(0), 32767);

    /* Who sleeps hears of it. */
    struct caller c;
    unsigned short which = 0;
    set(0, 1);
    hold = 1;
    todo[0] = (struct sembuf){0, -1, SEM_UNDO};
    start(0);
    caller_start(&c, take, &which);
    while (semctl(id, 0, GETNCNT) != 1)
        pause_ms(1);
    finish();
    check_eq(caller_join(&c), 0);
    check_eq(get(0), 0);

    /* SETALL forgets everything; a set that goes takes its undos along. */
    unsigned short v[3] = {1, 2, 3};
    hold = 1;
    todo[0] = (struct sembuf){0, 9, SEM_UNDO};
    start(0);
    check_ok(semctl(id, 0, SETALL, (union semarg){.array = v}));
    finish();
    check_eq(get(0), 1);
    hold = 1;
    start(0);
    check_ok(semctl(id, 0, IPC_RMID));
    id = (int)check_ok(semget(IPC_PRIVATE, 3, 0600));
    finish();
    check_eq(get(0), 0);

    /* Some more sets than one. */
    int more[20];
    for (int i = 0; i < 20; i++) {
        more[i] = (int)check_ok(semget(IPC_PRIVATE, 1, 0600));
        struct sembuf b = {0, 1, SEM_UNDO};
        check_ok(semop(more[i], &b, 1));
        check_eq(semctl(more[i], 0, GETVAL), 1);
    }
    for (int i = 0; i < 20; i++)
        check_ok(semctl(more[i], 0, IPC_RMID));
    check_ok(semctl(id, 0, IPC_RMID));
    return check_done();
}
