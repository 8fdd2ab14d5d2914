/* SPDX-License-Identifier: Apache-2.0 */
/* System V queues between processes: whose pids are kept, what outlives whom, and who is killed in his sleep. */
#include "ipc.h"
#include <sys/msg.h>

static int id;

struct text {
    long type;
    char text[8192];
};

static struct text buf;

static int echo(void *arg)
{
    int rounds = *(int *)arg;

    for (int i = 0; i < rounds; i++) {
        ssize_t n = msgrcv(id, &buf, sizeof(buf.text), 1, 0);
        buf.type = 2;
        if (n < 0 || msgsnd(id, &buf, (size_t)n, 0))
            return 1;
    }
    return 0;
}

static int put_large(void *arg)
{
    buf.type = *(long *)arg;
    return msgsnd(id, &buf, 8192, 0) ? errno : 0;
}

static int take(void *arg)
{
    return msgrcv(id, &buf, sizeof(buf.text), *(long *)arg, 0) < 0 ? errno : 0;
}

static void pids(void)
{
    struct msqid_ds ds;
    int rounds = 200, bad = 0;

    pid_t pid = child_start(echo, &rounds);
    for (int i = 0; i < rounds; i++) {
        buf.type = 1;
        snprintf(buf.text, 20, "%d", i);
        bad += msgsnd(id, &buf, 20, 0) != 0;
        memset(&buf, 0, sizeof(buf));
        bad += msgrcv(id, &buf, 20, 2, 0) != 20 || atoi(buf.text) != i;
    }
    check_eq(bad, 0);
    check_ok(msgctl(id, IPC_STAT, &ds));
    check_eq(ds.msg_lspid, pid);
    check_eq(ds.msg_lrpid, getpid());
    check_eq(child_end(pid), 0);
}

static void left(void)
{
    int mine = id;

    id = (int)check_ok(msgget(own_key(0), IPC_CREAT | 0600));
    /* The key is the child's parent's: it is made from the pid. */
    int parent_key = own_key(0);
    pid_t pid = fork();
    if (pid == 0) {
        buf.type = 7;
        strcpy(buf.text, "left");
        _exit(msgsnd(msgget(parent_key, 0), &buf, 5, 0) ? errno : 0);
    }
    check_eq(child_end(pid), 0);
    check_eq(msgrcv(id, &buf, 100, 0, IPC_NOWAIT), 5);
    check(!strcmp(buf.text, "left"));
    check_ok(msgctl(id, IPC_RMID, NULL));
    id = mine;
}

static void killed(void)
{
    long type = 1;
    struct msqid_ds ds;

    buf.type = 1;
    check_ok(msgsnd(id, &buf, 8192, 0));
    check_ok(msgsnd(id, &buf, 8192, 0));
    type = 5;
    pid_t a = child_sleep(put_large, &type);
    type = 6;
    pid_t b = child_sleep(put_large, &type);
    kill(a, SIGKILL);
    check_eq(child_end(a), 1000 + SIGKILL);
    check_eq(msgrcv(id, &buf, 8192, 1, 0), 8192);
    check_eq(child_end(b), 0);
    check_eq(msgrcv(id, &buf, 8192, 5, IPC_NOWAIT), -1); /* its message went with it */
    check_eq(msgrcv(id, &buf, 8192, 6, 0), 8192);
    check_eq(msgrcv(id, &buf, 8192, 1, 0), 8192);

    type = 3;
    a = child_sleep(take, &type);
    kill(a, SIGKILL);
    check_eq(child_end(a), 1000 + SIGKILL);
    buf.type = 3;
    check_ok(msgsnd(id, &buf, 1, 0));
    check_ok(msgctl(id, IPC_STAT, &ds));
    check_eq(ds.msg_qnum, 1); /* nobody was there to take it */
    check_eq(msgrcv(id, &buf, 8192, 0, 0), 1);

    a = child_sleep(take, &type);
    check_ok(msgctl(id, IPC_RMID, NULL));
    check_eq(child_end(a), EIDRM);
}

int main(void)
{
    id = (int)check_ok(msgget(IPC_PRIVATE, 0600));
    pids();
    left();
    killed();
    return check_done();
}
