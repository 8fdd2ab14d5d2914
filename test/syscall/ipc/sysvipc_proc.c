/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sysvipc shows what the *_STAT commands say, and /proc/sys/kernel the limits that *_INFO says; the
 * limits of POSIX queues; who may write them. */
#include "ipc.h"
#include <fcntl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>

union semarg {
    struct semid_ds *buf;
    struct seminfo *info;
};

/* The line of an id in /proc/sysvipc/<kind>. */
static int line_of(const char *path, const char *head, int id, char *line, int size)
{
    FILE *f = fopen(path, "r");
    int key, n;

    need(f);
    need(fgets(line, size, f));
    check(!strcmp(line, head));
    while (fgets(line, size, f))
        if (sscanf(line, "%d %d", &key, &n) == 2 && n == id) {
            fclose(f);
            return 1;
        }
    fclose(f);
    return 0;
}

static long long numbers(const char *path, int n, int *count)
{
    char text[200] = "";
    long long v[8] = {0};
    int fd = open(path, O_RDONLY);

    need(fd >= 0);
    check(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    *count = sscanf(text, "%lld\t%lld\t%lld\t%lld\t%lld", v, v + 1, v + 2, v + 3, v + 4);
    check(text[strlen(text) - 1] == '\n');
    return v[n];
}

static long long number(const char *path)
{
    int count;
    long long v = numbers(path, 0, &count);

    check_eq(count, 1);
    return v;
}

static void sem(void)
{
    int id = (int)check_ok(semget(own_key(0), 3, IPC_CREAT | 0640));
    struct semid_ds ds;
    char line[300], want[300];

    check_ok(semctl(id, 0, SETVAL, 1));
    check_ok(semctl(id, 0, IPC_STAT, (union semarg){.buf = &ds}));
    snprintf(want, sizeof(want), "%10d %10d  %4o %10lu %5u %5u %5u %5u %10ld %10ld\n", own_key(0),
             id, 0640, 3UL, geteuid(), getegid(), geteuid(), getegid(), ds.sem_otime, ds.sem_ctime);
    check(line_of(
        "/proc/sysvipc/sem",
        "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n",
        id, line, sizeof(line)));
    check(!strcmp(line, want));
    check_ok(semctl(id, 0, IPC_RMID));
    check(!line_of(
        "/proc/sysvipc/sem",
        "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n",
        id, line, sizeof(line)));
}

#define MSG_HEAD                                                                       \
    "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid" \
    "  cgid      stime      rtime      ctime\n"

static void msg(void)
{
    int id = (int)check_ok(msgget(own_key(0), IPC_CREAT | 0604));
    struct msqid_ds ds;
    char line[300], want[300];

    check_ok(msgsnd(id, &(struct {
                        long type;
                        char text[8];
                    }){1, "text"},
                    4, 0));
    check_ok(msgctl(id, IPC_STAT, &ds));
    snprintf(want, sizeof(want),
             "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n", own_key(0),
             id, 0604, 4UL, 1UL, getpid(), 0, geteuid(), getegid(), geteuid(), getegid(),
             ds.msg_stime, ds.msg_rtime, ds.msg_ctime);
    check(line_of("/proc/sysvipc/msg", MSG_HEAD, id, line, sizeof(line)));
    check(!strcmp(line, want));
    check_ok(msgctl(id, IPC_RMID, NULL));
    check(!line_of("/proc/sysvipc/msg", MSG_HEAD, id, line, sizeof(line)));
}

static void limits(void)
{
    struct seminfo si;
    struct msginfo mi;
    struct stat st;
    int count;

    check_ok(semctl(0, 0, IPC_INFO, (union semarg){.info = &si}));
    check_ok(msgctl(0, IPC_INFO, (struct msqid_ds *)&mi));
    check_eq(numbers("/proc/sys/kernel/sem", 0, &count), si.semmsl);
    check_eq(numbers("/proc/sys/kernel/sem", 1, &count), si.semmns);
    check_eq(numbers("/proc/sys/kernel/sem", 2, &count), si.semopm);
    check_eq(numbers("/proc/sys/kernel/sem", 3, &count), si.semmni);
    check_eq(count, 4);
    check_eq(number("/proc/sys/kernel/msgmax"), mi.msgmax);
    check_eq(number("/proc/sys/kernel/msgmnb"), mi.msgmnb);
    check_eq(number("/proc/sys/kernel/msgmni"), mi.msgmni);
    check(number("/proc/sys/kernel/shmmni") > 0);
    check(number("/proc/sys/kernel/shmmax") != 0);
    check(number("/proc/sys/kernel/shmall") != 0);
    check(number("/proc/sys/fs/mqueue/queues_max") > 0);
    check(number("/proc/sys/fs/mqueue/msg_max") > 0);
    check(number("/proc/sys/fs/mqueue/msgsize_max") >= 128);
    check(number("/proc/sys/fs/mqueue/msg_default") > 0);
    check(number("/proc/sys/fs/mqueue/msgsize_default") >= 128);
    check_ok(stat("/proc/sys/kernel/msgmax", &st));
    check_eq(st.st_mode, S_IFREG | 0644);
    if (!can_become())
        return;
    become(1234);
    check_err(open("/proc/sys/kernel/msgmax", O_WRONLY), EACCES);
    become(0);
}

int main(void)
{
    sem();
    msg();
    limits();
    return check_done();
}
