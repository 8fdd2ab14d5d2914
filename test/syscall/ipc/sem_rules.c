/* SPDX-License-Identifier: Apache-2.0 */
/* Semaphore sets: making and finding them, what each semctl command says and refuses, what semop does
 * and refuses, permissions. */
#include "ipc.h"
#include <limits.h>
#include <sys/sem.h>

union semarg {
    int val;
    struct semid_ds *buf;
    unsigned short *array;
    struct seminfo *info;
};

static int id;

static int ctl(int n, int cmd, void *p)
{
    return semctl(id, n, cmd, (union semarg){.buf = p});
}

static int set(int n, int value)
{
    return semctl(id, n, SETVAL, (union semarg){.val = value});
}

static int get(int n)
{
    return semctl(id, n, GETVAL);
}

static int op(int n, int by, int flags)
{
    struct sembuf b = {(unsigned short)n, (short)by, (short)flags};

    return semop(id, &b, 1);
}

static void getting(void)
{
    int key = own_key(0);

    check_err(semget(key, 1, 0600), ENOENT);
    check_err(semget(key, 0, IPC_CREAT | 0600), EINVAL);
    check_err(semget(key, -1, IPC_CREAT | 0600), EINVAL);
    check_err(semget(key, 32001, IPC_CREAT | 0600), EINVAL);
    id = (int)check_ok(semget(key, 3, IPC_CREAT | 0640));
    check_eq(semget(key, 0, 0), id);
    check_eq(semget(key, 3, IPC_CREAT | 0600), id);
    check_err(semget(key, 4, 0), EINVAL);
    check_err(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    check_eq(semget(key, 3, IPC_EXCL), id);

    int a = (int)check_ok(semget(IPC_PRIVATE, 1, 0600));
    int b = (int)check_ok(semget(IPC_PRIVATE, 1, 0600));
    check(a != b && a != id && b != id);
    check_ok(semctl(a, 0, IPC_RMID));
    check_err(semctl(a, 0, GETVAL), EINVAL);
    check_err(semctl(a, 0, IPC_RMID), EINVAL);
    int c = (int)check_ok(semget(IPC_PRIVATE, 1, 0600));
    check(c != a);
    check_ok(semctl(b, 0, IPC_RMID));
    check_ok(semctl(c, 0, IPC_RMID));
    int big = (int)check_ok(semget(IPC_PRIVATE, 32000, 0600));
    check_eq(semctl(big, 31999, GETVAL), 0);
    check_ok(semctl(big, 0, IPC_RMID));
}

static void values(void)
{
    unsigned short v[3] = {5, 32767, 0}, w[3] = {9, 9, 9};

    check_eq(get(0), 0);
    check_eq(ctl(0, GETPID, NULL), 0);
    check_ok(set(1, 32767));
    check_eq(ctl(1, GETPID, NULL), getpid());
    check_err(set(1, 32768), ERANGE);
    check_err(set(1, -1), ERANGE);
    check_err(set(3, 1), EINVAL);
    check_err(set(-1, 1), EINVAL);
    check_err(semctl(-1, 0, SETVAL, (union semarg){.val = 1}), EINVAL);
    check_err(semctl(id + (1 << 15), 0, SETVAL, (union semarg){.val = 40000}), ERANGE);
    check_eq(get(1), 32767);
    check_ok(ctl(0, SETALL, v));
    check_ok(ctl(99, GETALL, w));
    check(!memcmp(v, w, sizeof(v)));
    v[2] = 32768;
    v[0] = 1;
    check_err(ctl(0, SETALL, v), ERANGE);
    check_eq(get(0), 5);
    check_err(ctl(0, SETALL, (void *)8), EFAULT);
    check_err(ctl(0, GETALL, (void *)8), EFAULT);
    check_err(get(3), EINVAL);
    check_err(ctl(3, GETNCNT, NULL), EINVAL);
    check_eq(ctl(0, GETNCNT, NULL), 0);
    check_eq(ctl(0, GETZCNT, NULL), 0);
    check_err(ctl(0, 77, NULL), EINVAL);
    check_err(ctl(0, -1, NULL), EINVAL);
}

static void stats(void)
{
    struct semid_ds ds, other;
    struct seminfo info;
    time_t now = time(NULL);

    check_ok(ctl(0, IPC_STAT, &ds));
    check_eq(ds.sem_nsems, 3);
    check_eq(ds.sem_perm.mode, 0640);
    check_eq(ds.sem_perm.__key, own_key(0));
    check_eq(ds.sem_perm.uid, geteuid());
    check_eq(ds.sem_perm.cuid, geteuid());
    check_eq(ds.sem_perm.gid, getegid());
    check_eq(ds.sem_perm.__seq, id >> 15);
    check(ds.sem_ctime >= now - 5 && ds.sem_ctime <= now + 5);
    check_eq(ds.sem_otime, 0);
    check_ok(op(0, 0, IPC_NOWAIT) == -1 && errno == EAGAIN ? 0 : -1);
    check_ok(ctl(0, IPC_STAT, &ds));
    check_eq(ds.sem_otime, 0);
    check_ok(op(0, -1, 0));
    check_ok(ctl(0, IPC_STAT, &ds));
    check(ds.sem_otime >= now - 5 && ds.sem_otime <= now + 5);
    check_err(ctl(0, IPC_STAT, (void *)8), EFAULT);
    check_err(ctl(0, IPC_SET, (void *)8), EFAULT);

    int place = id & 0x7fff;
    check_eq(semctl(place, 0, SEM_STAT, (union semarg){.buf = &other}), id);
    check_eq(other.sem_otime, ds.sem_otime);
    check_eq(semctl(place, 0, SEM_STAT_ANY, (union semarg){.buf = &other}), id);
    check_err(semctl(0x7ffe, 0, SEM_STAT, (union semarg){.buf = &other}), EINVAL);

    check(semctl(0, 0, IPC_INFO, (union semarg){.info = &info}) >= place);
    check_eq(info.semmsl, 32000);
    check_eq(info.semmni, 32000);
    check_eq(info.semmns, 1024000000);
    check_eq(info.semopm, 500);
    check_eq(info.semvmx, 32767);
    check_eq(info.semaem, 32767);
    check_eq(info.semusz, 20);
    check_eq(info.semume, 500);
    check_eq(info.semmnu, 1024000000);
    check_eq(info.semmap, 1024000000);
    check(semctl(0, 0, SEM_INFO, (union semarg){.info = &info}) >= place);
    check(info.semusz >= 1 && info.semaem >= 3);
    check_err(semctl(0, 0, IPC_INFO, (union semarg){.info = (void *)8}), EFAULT);

    ds.sem_perm.mode = 0777600;
    ds.sem_perm.uid = geteuid();
    check_ok(ctl(0, IPC_SET, &ds));
    check_ok(ctl(0, IPC_STAT, &ds));
    check_eq(ds.sem_perm.mode, 0600);
    ds.sem_perm.uid = (uid_t)-1;
    check_err(ctl(0, IPC_SET, &ds), EINVAL);
}

static void operations(void)
{
    static struct sembuf many[501];
    struct timespec bad = {0, 1000000000}, none = {0, 0};

    set(0, 2);
    set(1, 0);
    set(2, 0);
    check_ok(op(0, -2, 0));
    check_ok(op(0, 0, 0));
    check_err(op(0, -1, IPC_NOWAIT), EAGAIN);
    check_ok(op(0, 32767, 0));
    check_err(op(0, 1, 0), ERANGE);
    check_err(op(0, 0, IPC_NOWAIT), EAGAIN);
    check_err(op(3, 1, 0), EFBIG);
    check_err(semop(id, many, 0), EINVAL);
    check_err(semop(id, many, 501), E2BIG);
    check_err(semop(id, (void *)8, 1), EFAULT);
    check_err(semop(-1, many, 1), EINVAL);
    check_err(semop(id + (1 << 15), many, 1), EINVAL);
    check_err(semtimedop(id, many, 1, &bad), EINVAL);
    check_err(semtimedop(id, many, 1, (void *)8), EFAULT);
    check_err(semtimedop(id, many, 1, &none), EAGAIN);
    set(0, 0);
    check_ok(semtimedop(id, many, 500, &none)); /* 500 times zero */

    /* All or none, one after the other. */
    struct sembuf up_down[] = {{0, 3, 0}, {0, -3, 0}, {1, 1, 0}};
    check_ok(semop(id, up_down, 3));
    check_eq(get(0), 0);
    check_eq(get(1), 1);
    struct sembuf fails[] = {{0, 3, 0}, {1, -1, 0}, {2, -1, IPC_NOWAIT}};
    check_err(semop(id, fails, 3), EAGAIN);
    check_eq(get(0), 0);
    check_eq(get(1), 1);
    struct sembuf too_far[] = {{0, 32767, 0}, {0, 1, 0}};
    check_err(semop(id, too_far, 2), ERANGE);
    check_eq(get(0), 0);
    struct sembuf zero_then[] = {{0, 0, 0}, {0, 1, 0}, {0, 0, IPC_NOWAIT}};
    check_err(semop(id, zero_then, 3), EAGAIN);
    check_ok(semop(id, zero_then, 2));
    check_eq(get(0), 1);
    struct sembuf lowest[] = {{2, -32768, IPC_NOWAIT}};
    check_err(semop(id, lowest, 1), EAGAIN);

    /* What is to be undone has its own limits. */
    set(2, 32767);
    check_ok(op(2, -32767, SEM_UNDO));
    set(2, 32767); /* forgets it */
    check_ok(op(2, -32767, SEM_UNDO));
    check_ok(op(2, 32767, 0));
    check_err(op(2, -1, SEM_UNDO | IPC_NOWAIT), ERANGE);
    check_ok(op(2, -2, 0));
    check_ok(op(2, 1, SEM_UNDO));
    check_ok(op(2, -1, SEM_UNDO));
}

static void others(void)
{
    struct semid_ds ds;

    if (!can_become())
        return;
    check_ok(ctl(0, IPC_STAT, &ds));
    ds.sem_perm.mode = 0604;
    check_ok(ctl(0, IPC_SET, &ds));
    set(0, 1);
    become(1234);
    check_eq(get(0), 1);
    check_err(set(0, 2), EACCES);
    check_err(op(0, -1, 0), EACCES);
    check_err(op(0, 0, IPC_NOWAIT), EAGAIN);
    check_eq(semget(own_key(0), 0, 0004), id);
    check_err(semget(own_key(0), 0, 0002), EACCES);
    check_err(semget(own_key(0), 0, 0600), EACCES);
    check_err(ctl(0, IPC_SET, &ds), EPERM);
    check_err(ctl(0, IPC_RMID, NULL), EPERM);
    check_err(set(9, 2), EINVAL); /* before permissions */
    become(0);
    ds.sem_perm.mode = 0060;
    ds.sem_perm.gid = 1234;
    check_ok(ctl(0, IPC_SET, &ds));
    become(1234);
    check_ok(set(0, 2));
    become(1235);
    check_err(get(0), EACCES);
    check_err(get(9), EACCES);
    check_err(ctl(0, IPC_STAT, &ds), EACCES);
    check_eq(semctl(id & 0x7fff, 0, SEM_STAT_ANY, (union semarg){.buf = &ds}), id);
    check_err(semctl(id & 0x7fff, 0, SEM_STAT, (union semarg){.buf = &ds}), EACCES);
    become(0);
    ds.sem_perm.uid = 1235;
    ds.sem_perm.mode = 0;
    check_ok(ctl(0, IPC_SET, &ds));
    check_eq(get(0), 2); /* root may */
    become(1235);
    check_err(get(0), EACCES); /* its owner may not, but can change that */
    check_ok(ctl(0, IPC_RMID, NULL));
    become(0);
    id = (int)check_ok(semget(own_key(0), 3, IPC_CREAT | 0600));
}

int main(void)
{
    getting();
    values();
    stats();
    operations();
    others();
    check_ok(ctl(0, IPC_RMID, NULL));
    check_err(semget(own_key(0), 0, 0), ENOENT);
    return check_done();
}
