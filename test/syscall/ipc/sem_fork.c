/* SPDX-License-Identifier: Apache-2.0 */
/* Semaphores between processes: what a process did with SEM_UNDO is undone however it ends, is not its child's, is
 * kept by exec and shared by CLONE_SYSVSEM; whose pid is kept; a process that is killed in its sleep is gone. */
#include "ipc.h"
#include <sched.h>
#include <sys/sem.h>

union semarg {
    int val;
    struct semid_ds *buf;
};

static int id;

static int get(int n)
{
    return semctl(id, n, GETVAL);
}

static void set(int n, int value)
{
    check_ok(semctl(id, n, SETVAL, (union semarg){.val = value}));
}

static int op(int n, int by, int flags)
{
    struct sembuf b = {(unsigned short)n, (short)by, (short)flags};

    return semop(id, &b, 1);
}

static int take_undo(void *arg)
{
    (void)arg;
    return op(0, -2, SEM_UNDO) ? errno : 0;
}

static int take_and_wait(void *arg)
{
    take_undo(arg);
    op(1, 1, 0);
    for (;;)
        pause();
    return 0;
}

static int child_of_taker(void *arg)
{
    (void)arg;
    if (op(0, -2, SEM_UNDO))
        return 1;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0); /* has nothing to undo */
    waitpid(pid, NULL, 0);
    return get(0);
}

static int run_again(void *arg)
{
    char *const argv[] = {(char *)"sem_fork", (char *)arg, NULL};
    char number[20];

    snprintf(number, sizeof(number), "%d", id);
    setenv("SEMID", number, 1);
    if (op(0, -2, SEM_UNDO))
        return 1;
    execv("/proc/self/exe", argv);
    return 2;
}

static void undone(void)
{
    set(0, 5);
    check_eq(child_end(child_start(take_undo, NULL)), 0);
    check_eq(get(0), 5);
    check_eq(semctl(id, 0, GETPID) == getpid(), 0);

    pid_t pid = child_start(take_and_wait, NULL);
    check_ok(op(1, -1, 0));
    check_eq(get(0), 3);
    check_eq(semctl(id, 0, GETPID), pid);
    kill(pid, SIGKILL);
    check_eq(child_end(pid), 1000 + SIGKILL);
    check_eq(get(0), 5);
    check_eq(semctl(id, 0, GETPID), pid);

    check_eq(child_end(child_start(child_of_taker, NULL)), 3);
    check_eq(get(0), 5);
    check_eq(child_end(child_start(run_again, (void *)"again")), 3); /* still taken after exec */
    check_eq(get(0), 5);
}

static int sharer(void *arg)
{
    (void)arg;
    return op(0, -1, SEM_UNDO) ? errno : 0;
}

/* A child that shares what is undone: its part is undone with ours. */
static int share(void *arg)
{
    (void)arg;
    static char stack[65536] __attribute__((aligned(16)));
    pid_t pid = clone(sharer, stack + sizeof(stack), CLONE_SYSVSEM | SIGCHLD, NULL);
    if (child_end(pid))
        return 100;
    return get(0);
}

static void shared(void)
{
    set(0, 5);
    check_eq(child_end(child_start(share, NULL)), 4);
    check_eq(get(0), 5);
}

static int sleeper(void *arg)
{
    (void)arg;
    return op(2, -1, 0) ? errno : 0;
}

static void wait_count(int n, int count)
{
    for (int i = 0; i < 5000 && semctl(id, n, GETNCNT) != count; i++)
        pause_ms(1);
    check_eq(semctl(id, n, GETNCNT), count);
}

static void sleeping(void)
{
    pid_t a = child_start(sleeper, NULL);
    wait_count(2, 1);
    pid_t b = child_start(sleeper, NULL);
    wait_count(2, 2);
    kill(a, SIGKILL);
    check_eq(child_end(a), 1000 + SIGKILL);
    wait_count(2, 1);
    check_ok(op(2, 1, 0));
    check_eq(child_end(b), 0);
    check_eq(get(2), 0);
    check_eq(semctl(id, 2, GETPID), b);
    a = child_start(sleeper, NULL);
    b = child_start(sleeper, NULL);
    wait_count(2, 2);
    check_ok(semctl(id, 0, IPC_RMID));
    check_eq(child_end(a), EIDRM);
    check_eq(child_end(b), EIDRM);
}

/* To and fro, each waiting for the other. */
static int partner(void *arg)
{
    int rounds = *(int *)arg;

    for (int i = 0; i < rounds; i++)
        if (op(0, -1, 0) || op(1, 1, 0))
            return 1;
    return 0;
}

static void ping_pong(void)
{
    int rounds = 200, bad = 0;

    id = (int)check_ok(semget(own_key(0), 2, IPC_CREAT | 0600));
    pid_t pid = child_start(partner, &rounds);
    for (int i = 0; i < rounds; i++)
        bad += op(0, 1, 0) || op(1, -1, 0);
    check_eq(bad, 0);
    check_eq(child_end(pid), 0);
    check_eq(get(0) + get(1), 0);
    check_ok(semctl(id, 0, IPC_RMID));
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "again")) {
        id = atoi(getenv("SEMID"));
        return get(0);
    }
    id = (int)check_ok(semget(IPC_PRIVATE, 3, 0600));
    undone();
    shared();
    sleeping();
    ping_pong();
    return check_done();
}
