/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V shared memory: what shmget, shmat, shmdt and each shmctl command do and refuse; who counts as
 * attached; segments that are removed while they are in use.
 */
#include "ipc.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/wait.h>

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SHM_DEST
#define SHM_DEST 01000
#define SHM_LOCKED 02000
#endif

#define PAGE 4096L
#define NOWHERE ((char *)-1)

static struct shmid_ds stat_of(int id)
{
    struct shmid_ds ds = {0};

    check_ok(shmctl(id, IPC_STAT, &ds));
    return ds;
}

static char *attach(int id, const void *addr, int flags)
{
    char *p = shmat(id, addr, flags);

    need(p != NOWHERE);
    return p;
}

static int attach_fails(int id, const void *addr, int flags)
{
    char *p = shmat(id, addr, flags);

    if (p != NOWHERE)
        shmdt(p);
    return p == NOWHERE ? -1 : 0;
}

static void getting(void)
{
    int key = own_key(1), id, a;
    struct shmid_ds ds;

    check_err(shmget(key, PAGE, 0600), ENOENT);
    check_err(shmget(key, 0, IPC_CREAT | 0600), EINVAL);
    id = (int)check_ok(shmget(key, 3 * PAGE - 1, IPC_CREAT | 0640));
    check_eq(shmget(key, 0, 0), id);
    check_eq(shmget(key, 3 * PAGE - 1, 0), id);
    check_err(shmget(key, 3 * PAGE, 0), EINVAL);
    check_err(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
    ds = stat_of(id);
    check_eq(ds.shm_segsz, 3 * PAGE - 1);
    check_eq(ds.shm_perm.__key, key);
    check_eq(ds.shm_perm.mode, 0640);
    check_eq(ds.shm_perm.uid, geteuid());
    check_eq(ds.shm_cpid, getpid());
    check_eq(ds.shm_lpid, 0);
    check_eq(ds.shm_nattch, 0);
    check_eq(ds.shm_atime, 0);
    check(ds.shm_ctime > 0);
    a = (int)check_ok(shmget(IPC_PRIVATE, 1, 0600));
    check(a != id);
    check_ok(shmctl(a, IPC_RMID, NULL));
    check_err(shmctl(a, IPC_RMID, NULL), EINVAL);
    check_err(attach_fails(a, NULL, 0), EINVAL);
    check_err(attach_fails(-1, NULL, 0), EINVAL);
    check_ok(shmctl(id, IPC_RMID, NULL));
    check_err(shmget(key, 0, 0), ENOENT);
}

static void attaching(void)
{
    int id = (int)check_ok(shmget(IPC_PRIVATE, 4 * PAGE, 0600));
    char *p = attach(id, NULL, 0), *r, *hole;

    check_eq((long)p % PAGE, 0);
    check_eq(p[4 * PAGE - 1], 0);
    strcpy(p + PAGE, "here");
    check_eq(stat_of(id).shm_nattch, 1);
    check_eq(stat_of(id).shm_lpid, getpid());
    check(stat_of(id).shm_atime > 0);
    r = attach(id, NULL, SHM_RDONLY);
    check(!strcmp(r + PAGE, "here"));
    check_eq(stat_of(id).shm_nattch, 2);
    check_err(shmdt(r + PAGE), EINVAL);
    check_err(shmdt(r + 1), EINVAL);
    check_ok(shmdt(r));
    check_eq(stat_of(id).shm_nattch, 1);
    check(!strcmp(p + PAGE, "here"));
    /* At a place that was given up. */
    r = attach(id, NULL, 0);
    check_ok(shmdt(r));
    check(attach(id, r, SHM_REMAP) == r);
    check(!strcmp(r + PAGE, "here"));
    check_ok(shmdt(r));
    check(!strcmp(p + PAGE, "here"));
    check_ok(shmdt(p));
    check_err(shmdt(p), EINVAL);
    check_eq(check_access(p, 0), SIGSEGV);
    check_eq(stat_of(id).shm_nattch, 0);
    check(stat_of(id).shm_dtime > 0);
    /* What was written stays; without the right to write it is only read. */
    r = attach(id, NULL, SHM_RDONLY);
    check(!strcmp(r + PAGE, "here"));
    check_eq(check_access(r, 1), SIGSEGV);
    check_err(mprotect(r, PAGE, PROT_READ | PROT_WRITE), EACCES);
    check_ok(shmdt(r));
    /* At a place of the program's choice. */
    hole = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(hole != MAP_FAILED);
    check_err(attach_fails(id, hole, 0), EINVAL);
    check_err(attach_fails(id, hole + 10, SHM_REMAP), EINVAL);
    check_err(attach_fails(id, NULL, SHM_REMAP), EINVAL);
    p = attach(id, hole + 4 * PAGE + 10, SHM_REMAP | SHM_RND);
    check(p == hole + 4 * PAGE);
    check(!strcmp(p + PAGE, "here"));
    check_eq(check_access(hole, 0), SIGSEGV);
    check_ok(shmdt(p));
    check_ok(munmap(hole, 16 * PAGE));
    p = attach(id, hole, 0);
    check(p == hole);
    check_ok(munmap(p + PAGE, PAGE));
    check_ok(shmdt(p));
    check_eq(check_access(p + 2 * PAGE, 0), SIGSEGV);
    check_eq(stat_of(id).shm_nattch, 0);
    check_ok(shmctl(id, IPC_RMID, NULL));
}

/* A removed segment lives as long as somebody has it. */
static void removing(void)
{
    int key = own_key(2), id = (int)check_ok(shmget(key, PAGE, IPC_CREAT | 0600)), id2;
    char *p = attach(id, NULL, 0), *q;

    p[0] = 1;
    check_ok(shmctl(id, IPC_RMID, NULL));
    check_eq(stat_of(id).shm_perm.mode & SHM_DEST, SHM_DEST);
    check_eq(stat_of(id).shm_perm.__key, IPC_PRIVATE);
    check_err(shmget(key, 0, 0), ENOENT);
    id2 = (int)check_ok(shmget(key, PAGE, IPC_CREAT | 0600));
    check(id2 != id);
    q = attach(id, NULL, 0);
    check_eq(q[0], 1);
    check_ok(shmdt(p));
    check_eq(q[0], 1);
    check_eq(stat_of(id).shm_nattch, 1);
    check_ok(shmdt(q));
    check_err(shmctl(id, IPC_STAT, &(struct shmid_ds){0}), EINVAL);
    check_ok(shmctl(id2, IPC_RMID, NULL));
}

static void commands(void)
{
    int id = (int)check_ok(shmget(IPC_PRIVATE, 10 * PAGE, 0600)), index = -1, last;
    struct shminfo limits;
    struct shm_info usage;
    struct shmid_ds ds;

    last = (int)check_ok(shmctl(0, IPC_INFO, (void *)&limits));
    check_eq(limits.shmmin, 1);
    check(limits.shmmni >= 4096);
    check_eq(limits.shmseg, limits.shmmni);
    check_eq(check_ok(shmctl(0, SHM_INFO, (void *)&usage)), last);
    check(usage.used_ids >= 1);
    check(usage.shm_tot >= 10);
    for (int i = 0; i <= last && index < 0; i++)
        if (shmctl(i, SHM_STAT, &ds) == id)
            index = i;
    check(index >= 0);
    check_eq(ds.shm_segsz, 10 * PAGE);
    check_eq(shmctl(index, SHM_STAT_ANY, &ds), id);
    ds.shm_perm.mode = 0666;
    check_ok(shmctl(id, IPC_SET, &ds));
    check_eq(stat_of(id).shm_perm.mode, 0666);
    check_ok(shmctl(id, SHM_LOCK, NULL));
    check_eq(stat_of(id).shm_perm.mode, 0666 | SHM_LOCKED);
    check_ok(shmctl(id, SHM_UNLOCK, NULL));
    check_eq(stat_of(id).shm_perm.mode, 0666);
    check_err(shmctl(id, 99, NULL), EINVAL);
    check_err(shmctl(-1, IPC_STAT, &ds), EINVAL);
    check_err(shmctl(id, IPC_STAT, (void *)8), EFAULT);
    check_err(shmctl(id, IPC_SET, (void *)8), EFAULT);
    check_ok(shmctl(id, IPC_RMID, NULL));
}

/* fork attaches, exit and exec detach. */
static void families(void)
{
    int id = (int)check_ok(shmget(IPC_PRIVATE, 2 * PAGE, 0600)), pipes[2], status = -1;
    char *p = attach(id, NULL, 0), byte;

    need(!pipe(pipes));
    pid_t pid = fork();
    need(pid >= 0);
    if (pid == 0) {
        close(pipes[1]);
        p[0] = 1;
        char *q = attach(id, NULL, 0);
        q[PAGE] = 2;
        p[1] = (char)stat_of(id).shm_nattch;
        if (read(pipes[0], &byte, 1) != 0) /* until the parent has looked */
            _exit(1);
        _exit(0);
    }
    while (!*(volatile char *)&p[1])
        pause_ms(1);
    check_eq(p[1], 3);
    check_eq(stat_of(id).shm_nattch, 3);
    close(pipes[1]);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_eq(p[0], 1);
    check_eq(p[PAGE], 2);
    check_eq(stat_of(id).shm_nattch, 1);
    check_eq(stat_of(id).shm_lpid, pid);
    check_ok(shmctl(id, IPC_RMID, NULL));
    pid = fork();
    need(pid >= 0);
    if (pid == 0) {
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_eq(stat_of(id).shm_nattch, 1);
    check_eq(p[0], 1);
    check_ok(shmdt(p));
    check_err(shmctl(id, IPC_STAT, &(struct shmid_ds){0}), EINVAL);
    close(pipes[0]);
}

static void strangers(void)
{
    int id = (int)check_ok(shmget(own_key(3), PAGE, IPC_CREAT | 0604)), status = -1;

    if (!can_become()) {
        check_ok(shmctl(id, IPC_RMID, NULL));
        return;
    }
    pid_t pid = fork();
    need(pid >= 0);
    if (pid == 0) {
        struct shmid_ds ds;
        check_failures = 0;
        become(12345);
        check_err(attach_fails(id, NULL, 0), EACCES);
        check_ok(attach_fails(id, NULL, SHM_RDONLY));
        check_err(attach_fails(id, NULL, SHM_RDONLY | SHM_EXEC), EACCES);
        check_err(shmget(own_key(3), 0, 0), ENOENT); /* the key holds our pid */
        check_ok(shmctl(id, IPC_STAT, &ds));
        check_err(shmctl(id, IPC_SET, &ds), EPERM);
        check_err(shmctl(id, IPC_RMID, NULL), EPERM);
        check_err(shmctl(id, SHM_LOCK, NULL), EPERM);
        _exit(check_failures != 0);
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_ok(shmctl(id, IPC_RMID, NULL));
}

int main(void)
{
    getting();
    attaching();
    removing();
    commands();
    families();
    strangers();
    return check_done();
}
