/* SPDX-License-Identifier: Apache-2.0 */
/* Message queues: what msgsnd, msgrcv and each msgctl command do and refuse; choice by type; permissions. */
#include "ipc.h"
#include <limits.h>
#include <sys/msg.h>

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

static int id;
static struct {
    long type;
    char text[8200];
} buf;

static int send(long type, const char *text)
{
    buf.type = type;
    strcpy(buf.text, text);
    return msgsnd(id, &buf, strlen(text), IPC_NOWAIT);
}

/* The text of what came, "" if it failed. */
static const char *receive(size_t size, long type, int flags)
{
    memset(&buf, 0, sizeof(buf));
    errno = 0;
    return msgrcv(id, &buf, size, type, flags | IPC_NOWAIT) < 0 ? "" : buf.text;
}

#define check_got(size, type, flags, text)                                                        \
    check_report(!strcmp(receive(size, type, flags), text), #size " " #type " " #flags " " #text, \
                 __LINE__)

static void stat_is(unsigned long count, unsigned long bytes)
{
    struct msqid_ds ds;

    check_ok(msgctl(id, IPC_STAT, &ds));
    check_eq(ds.msg_qnum, count);
    check_eq(ds.__msg_cbytes, bytes);
}

static void getting(void)
{
    int key = own_key(1);

    check_err(msgget(key, 0600), ENOENT);
    id = (int)check_ok(msgget(key, IPC_CREAT | 0640));
    check_eq(msgget(key, 0), id);
    check_err(msgget(key, IPC_CREAT | IPC_EXCL), EEXIST);
    int a = (int)check_ok(msgget(IPC_PRIVATE, 0600)), b = (int)check_ok(msgget(IPC_PRIVATE, 0600));
    check(a != b && a != id);
    check_ok(msgctl(a, IPC_RMID, NULL));
    check_err(msgctl(a, IPC_RMID, NULL), EINVAL);
    check_ok(msgctl(b, IPC_RMID, NULL));
    check_err(msgctl(-1, IPC_RMID, NULL), EINVAL);
    check_err(msgctl(id, 99, NULL), EINVAL);
}

static void order(void)
{
    check_eq(send(3, "three"), 0);
    check_eq(send(1, "one"), 0);
    check_eq(send(2, "two"), 0);
    check_eq(send(1, "uno"), 0);
    check_eq(send(3, ""), 0);
    stat_is(5, 14);
    check_got(100, 2, 0, "two");
    check_eq(buf.type, 2);
    check_got(100, 9, 0, "");
    check_eq(errno, ENOMSG);
    check_got(100, 1, MSG_EXCEPT, "three");
    check_got(100, -2, 0, "one");
    check_got(100, -1, 0, "uno");
    check_got(100, -2, 0, "");
    check_eq(errno, ENOMSG);
    check_got(100, 3, MSG_EXCEPT, "");
    check_eq(errno, ENOMSG);
    check_got(100, LONG_MIN, 0, "");
    check_eq(errno, 0);
    check_eq(buf.type, 3);
    stat_is(0, 0);
    check_eq(send(LONG_MAX, "last"), 0);
    check_got(100, LONG_MIN, 0, "last");
    check_eq(buf.type, LONG_MAX);
    send(5, "a");
    send(4, "b");
    send(4, "c");
    check_got(100, 0, 0, "a");
    check_got(100, -9, 0, "b");
    check_got(100, 0, 0, "c");
}

static void sizes(void)
{
    check_eq(send(1, "too long"), 0);
    check_got(7, 0, 0, "");
    check_eq(errno, E2BIG);
    stat_is(1, 8);
    check_got(3, 0, MSG_NOERROR, "too");
    stat_is(0, 0);
    check_eq(send(1, "x"), 0);
    check_eq(msgrcv(id, &buf, 0, 0, MSG_NOERROR), 0);
    check_err(msgrcv(id, &buf, (size_t)-1, 0, IPC_NOWAIT), EINVAL);
    check_err(msgrcv(-1, &buf, 1, 0, IPC_NOWAIT), EINVAL);
    check_err(msgsnd(id, &buf, (size_t)-1, 0), EINVAL);
    check_err(msgsnd(id, &buf, 8193, 0), EINVAL);
    check_err(msgsnd(-1, &buf, 1, 0), EINVAL);
    check_err(send(0, "x"), EINVAL);
    check_err(send(-1, "x"), EINVAL);
    check_err(msgsnd(id, (void *)8, 1, 0), EFAULT);
    check_err(msgsnd(id, (void *)8, 9999, 0), EFAULT);

    buf.type = 1;
    check_ok(msgsnd(id, &buf, 8192, IPC_NOWAIT));
    buf.type = 2;
    check_ok(msgsnd(id, &buf, 8000, IPC_NOWAIT));
    check_err(msgsnd(id, &buf, 200, IPC_NOWAIT), EAGAIN);
    check_ok(msgsnd(id, &buf, 192, IPC_NOWAIT));
    check_err(msgsnd(id, &buf, 1, IPC_NOWAIT), EAGAIN);
    check_ok(msgsnd(id, &buf, 0, IPC_NOWAIT));
    stat_is(4, 16384);
    check_eq(msgrcv(id, &buf, 8192, 1, 0), 8192);
    check_eq(msgrcv(id, &buf, 8192, 2, 0), 8000);
    check_eq(msgrcv(id, &buf, 8192, 2, 0), 192);
    check_eq(msgrcv(id, &buf, 8192, 2, 0), 0);

    /* As many messages as bytes. */
    struct msqid_ds ds;
    check_ok(msgctl(id, IPC_STAT, &ds));
    ds.msg_qbytes = 3;
    check_ok(msgctl(id, IPC_SET, &ds));
    buf.type = 1;
    for (int i = 0; i < 3; i++)
        check_ok(msgsnd(id, &buf, 0, IPC_NOWAIT));
    check_err(msgsnd(id, &buf, 0, IPC_NOWAIT), EAGAIN);
    ds.msg_qbytes = 16384;
    check_ok(msgctl(id, IPC_SET, &ds));
    for (int i = 0; i < 3; i++)
        check_eq(msgrcv(id, &buf, 0, 0, 0), 0);

    /* Lost when there is no place for it. */
    check_eq(send(1, "lost"), 0);
    check_err(msgrcv(id, (void *)8, 10, 0, 0), EFAULT);
    stat_is(0, 0);
}

/* Where the kernel has it (CONFIG_CHECKPOINT_RESTORE). */
static void copies(void)
{
    send(7, "first");
    send(8, "second");
    if (msgrcv(id, &buf, 100, 0, MSG_COPY | IPC_NOWAIT) == -1 && errno == ENOSYS) {
        receive(100, 0, 0);
        receive(100, 0, 0);
        return;
    }
    check_got(100, 1, MSG_COPY, "second");
    check_eq(buf.type, 8);
    check_got(100, 0, MSG_COPY, "first");
    check_got(100, 2, MSG_COPY, "");
    check_eq(errno, ENOMSG);
    check_got(3, 1, MSG_COPY, "");
    check_eq(errno, E2BIG);
    check_got(3, 1, MSG_COPY | MSG_NOERROR, "");
    check_eq(errno, EINVAL);
    check_err(msgrcv(id, &buf, 100, 0, MSG_COPY), EINVAL);
    check_err(msgrcv(id, &buf, 100, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
    stat_is(2, 11);
    check_got(100, 0, 0, "first");
    check_got(100, 0, 0, "second");
}

static void stats(void)
{
    struct msqid_ds ds;
    struct msginfo info;
    time_t now = time(NULL);
    int key = own_key(2), mine = id, place;

    id = (int)check_ok(msgget(key, IPC_CREAT | 01640));
    place = id & 0x7fff;
    check_ok(msgctl(id, IPC_STAT, &ds));
    check_eq(ds.msg_perm.mode, 0640);
    check_eq(ds.msg_perm.__key, key);
    check_eq(ds.msg_perm.cuid, geteuid());
    check_eq(ds.msg_stime, 0);
    check_eq(ds.msg_rtime, 0);
    check_eq(ds.msg_lspid, 0);
    check_eq(ds.msg_qbytes, 16384);
    check(ds.msg_ctime >= now - 5 && ds.msg_ctime <= now + 5);
    send(1, "abc");
    check_ok(msgctl(id, IPC_STAT, &ds));
    check(ds.msg_stime >= now - 5 && ds.msg_stime <= now + 5);
    check_eq(ds.msg_lspid, getpid());
    check_eq(ds.msg_lrpid, 0);
    receive(100, 0, 0);
    check_ok(msgctl(id, IPC_STAT, &ds));
    check(ds.msg_rtime >= now - 5 && ds.msg_rtime <= now + 5);
    check_eq(ds.msg_lrpid, getpid());
    check_err(msgctl(id, IPC_STAT, (void *)8), EFAULT);
    check_err(msgctl(id, IPC_SET, (void *)8), EFAULT);
    check_eq(msgctl(place, MSG_STAT, &ds), id);
    check_eq(msgctl(place, MSG_STAT_ANY, &ds), id);
    check_err(msgctl(0x7ffe, MSG_STAT, &ds), EINVAL);

    check(msgctl(0, IPC_INFO, (struct msqid_ds *)&info) >= place);
    check_eq(info.msgmax, 8192);
    check_eq(info.msgmnb, 16384);
    check_eq(info.msgmni, 32000);
    check_eq(info.msgpool, 512000);
    check_eq(info.msgmap, 16384);
    check_eq(info.msgtql, 16384);
    check_eq(info.msgssz, 16);
    check_eq(info.msgseg, 0xffff);
    send(1, "abc");
    check(msgctl(0, MSG_INFO, (struct msqid_ds *)&info) >= place);
    check(info.msgpool >= 1 && info.msgmap >= 1 && info.msgtql >= 3);
    check_err(msgctl(0, MSG_INFO, (void *)8), EFAULT);

    ds.msg_perm.mode = 0177600;
    check_ok(msgctl(id, IPC_SET, &ds));
    check_ok(msgctl(id, IPC_STAT, &ds));
    check_eq(ds.msg_perm.mode, 0600);
    ds.msg_perm.gid = (gid_t)-1;
    check_err(msgctl(id, IPC_SET, &ds), EINVAL);
    check_ok(msgctl(id, IPC_RMID, NULL));
    id = mine;
}

static void others(void)
{
    struct msqid_ds ds;

    if (!can_become())
        return;
    check_ok(msgctl(id, IPC_STAT, &ds));
    ds.msg_perm.mode = 0602;
    ds.msg_perm.uid = 1234;
    check_ok(msgctl(id, IPC_SET, &ds));
    become(1235);
    check_eq(send(1, "x"), 0);
    check_got(100, 0, 0, "");
    check_eq(errno, EACCES);
    check_err(msgctl(id, IPC_STAT, &ds), EACCES);
    check_err(msgctl(id & 0x7fff, MSG_STAT, &ds), EACCES);
    check_eq(msgctl(id & 0x7fff, MSG_STAT_ANY, &ds), id);
    check_err(msgctl(id, IPC_SET, &ds), EPERM);
    check_err(msgctl(id, IPC_RMID, &ds), EPERM);
    check_err(msgget(own_key(1), 0600), EACCES);
    check_eq(msgget(own_key(1), 0200), id);
    become(1234);
    check_got(100, 0, 0, "x");
    ds.msg_qbytes = 16385;
    check_err(msgctl(id, IPC_SET, &ds), EPERM);
    ds.msg_qbytes = 16384;
    check_ok(msgctl(id, IPC_SET, &ds));
    become(0);
}

int main(void)
{
    getting();
    order();
    sizes();
    copies();
    stats();
    others();
    check_ok(msgctl(id, IPC_RMID, NULL));
    check_err(send(1, "x"), EINVAL);
    check_got(1, 0, 0, "");
    check_eq(errno, EINVAL);
    return check_done();
}
