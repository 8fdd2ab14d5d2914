/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about the scheduling of others: of children, of zombies, of process 1, of a process
 * whose first thread has ended, of another user's.
 */
#include "check.h"
#include "child.h"
#include <linux/capability.h>
#include <pthread.h>
#include <sys/resource.h>

#define IOPRIO(class, level) ((class) << 13 | (level))
#define BYTES 1024

static int getattr(int pid)
{
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t more[6];
    } a = {0};

    return syscall(SYS_sched_getattr, pid, &a, 48, 0) ? -1 : (int)a.policy * 100 + a.nice;
}

static long affinity(int pid, unsigned long mask[BYTES / sizeof(long)])
{
    memset(mask, 0, BYTES);
    return syscall(SYS_sched_getaffinity, pid, BYTES, mask);
}

/* A zombie, which does not read what is its own; its parent has to wait for it. */
static pid_t zombie(int code)
{
    pid_t pid = child_start(child_exits, (void *)(long)code);

    need(pid > 0);
    need(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED | WNOWAIT, NULL) == 0);
    return pid;
}

/* Everything there is to ask about pid, and its answers are ours. */
static void same_as_ours(int pid)
{
    unsigned long mine[BYTES / sizeof(long)], theirs[BYTES / sizeof(long)];
    struct sched_param p = {.sched_priority = -1};
    struct timespec t = {-1, -1};

    check_eq(sched_getscheduler(pid), sched_getscheduler(0));
    check_eq(sched_getparam(pid, &p), 0);
    check_eq(p.sched_priority, 0);
    check_eq(getattr(pid), getattr(0));
    check_eq(sched_rr_get_interval(pid, &t), 0);
    check_eq(t.tv_sec, 0);
    check_eq(getpriority(PRIO_PROCESS, pid), getpriority(PRIO_PROCESS, 0));
    check_eq(affinity(pid, theirs), affinity(0, mine));
    check(!memcmp(mine, theirs, sizeof(mine)));
}

/* All that can be set, and is kept. */
static void can_be_set(int pid)
{
    unsigned long mask[BYTES / sizeof(long)], one[BYTES / sizeof(long)] = {0};
    struct sched_param p = {0};
    int first = 0;

    check_ok(sched_setscheduler(pid, SCHED_BATCH, &p));
    check_eq(sched_getscheduler(pid), SCHED_BATCH);
    check_ok(sched_setparam(pid, &p));
    p.sched_priority = 1;
    check_err(sched_setparam(pid, &p), EINVAL);
    check_err(sched_setscheduler(pid, 17, &p), EINVAL);
    check_ok(setpriority(PRIO_PROCESS, pid, 9));
    check_eq(getpriority(PRIO_PROCESS, pid), 9);
    check_eq(getattr(pid), SCHED_BATCH * 100 + 9);
    check(affinity(pid, mask) > 0);
    while (!(mask[first / 64] >> (first % 64) & 1))
        first++;
    one[first / 64] = 1ul << (first % 64);
    check_ok(syscall(SYS_sched_setaffinity, pid, BYTES, one));
    check(affinity(pid, mask) > 0);
    check(!memcmp(mask, one, BYTES));
    memset(one, 0, sizeof(one));
    check_err(syscall(SYS_sched_setaffinity, pid, BYTES, one), EINVAL);
}

static void check_child(void)
{
    pid_t pid = child_start(child_sleeps, NULL);

    same_as_ours(pid);
    can_be_set(pid);
    check_ok(syscall(SYS_ioprio_set, 1, pid, IOPRIO(2, 6)));
    check_eq(syscall(SYS_ioprio_get, 1, pid), IOPRIO(2, 6));
    /* Not ours. */
    check_eq(sched_getscheduler(0), SCHED_OTHER);
    check_eq(getpriority(PRIO_PROCESS, 0), 0);
    check_ok(kill(pid, SIGKILL));
    check_eq(waitpid(pid, NULL, 0), pid);
    check_err(sched_getscheduler(pid), ESRCH);
    check_err(getpriority(PRIO_PROCESS, pid), ESRCH);
}

static void check_zombie(void)
{
    struct rlimit mine, files = {0};
    void *head;
    size_t size;
    pid_t pid = zombie(3);

    check_ok(getrlimit(RLIMIT_NOFILE, &mine));
    check_ok(prlimit(pid, RLIMIT_NOFILE, NULL, &files));
    check_eq(files.rlim_cur, mine.rlim_cur);
    same_as_ours(pid);
    can_be_set(pid);
    check_eq(syscall(SYS_get_robust_list, pid, &head, &size), 0);
    check(!head && size == 24);
    check(syscall(SYS_ioprio_get, 1, pid) >= 0);
    check_eq(waitpid(pid, NULL, 0), pid);
    check_err(sched_getscheduler(pid), ESRCH);
    check_err(setpriority(PRIO_PROCESS, pid, 0), ESRCH);
    check_err(syscall(SYS_sched_setaffinity, pid, 8, &(long){1}), ESRCH);
    check_err(syscall(SYS_ioprio_get, 1, pid), ESRCH);
}

static int own_group(void *arg)
{
    (void)arg;
    syscall(SYS_setpgid, 0, 0);
    return 0;
}

/* A group that only a zombie is left of. */
static void check_group(void)
{
    pid_t pid = child_start(own_group, NULL);

    need(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED | WNOWAIT, NULL) == 0);
    check_eq(getpriority(PRIO_PGRP, pid), 0);
    check_ok(setpriority(PRIO_PGRP, pid, 4));
    check_eq(getpriority(PRIO_PGRP, pid), 4);
    check_eq(getpriority(PRIO_PROCESS, pid), 4);
    check_eq(getpriority(PRIO_PROCESS, 0), 0);
    check_eq(waitpid(pid, NULL, 0), pid);
    check_err(getpriority(PRIO_PGRP, pid), ESRCH);
}

static void check_init(void)
{
    unsigned long mask[BYTES / sizeof(long)];
    struct sched_param p = {.sched_priority = -1};
    struct timespec t;

    check_ok(sched_getscheduler(1));
    check_ok(sched_getparam(1, &p));
    check_ok(getattr(1));
    check_ok(sched_rr_get_interval(1, &t));
    check(affinity(1, mask) > 0);
    errno = 0;
    (void)getpriority(PRIO_PROCESS, 1);
    check_eq(errno, 0);
    check_ok(syscall(SYS_ioprio_get, 1, 1));
}

static void *last_thread(void *arg)
{
    (void)arg;
    for (;;)
        pause();
    return NULL;
}

/* A process goes on without its first thread, which is asked about all the same. */
static void check_first_gone(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, last_thread, NULL);
        syscall(SYS_exit, 0);
    }
    char path[64], text[64] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    for (int i = 0; i < 5000 && !strstr(text, ") Z"); i++) {
        FILE *f = fopen(path, "r");
        need(f && fgets(text, sizeof(text), f));
        fclose(f);
        child_nap(1);
    }
    check(strstr(text, ") Z"));
    same_as_ours(pid);
    can_be_set(pid);
    check_ok(kill(pid, SIGKILL));
    check_eq(waitpid(pid, NULL, 0), pid);
}

/* Without CAP_SYS_NICE: another user's may be asked about and not changed. */
static void check_other_user(void)
{
    struct sched_param p = {0};
    pid_t alive = child_start(child_sleeps, NULL), dead = zombie(0);

    check_ok(setresuid(1000, 1000, 0));
    same_as_ours(alive);
    same_as_ours(dead);
    for (int i = 0; i < 3; i++) {
        pid_t pid = i == 0 ? alive : i == 1 ? dead : 1;
        check_err(sched_setscheduler(pid, SCHED_BATCH, &p), EPERM);
        check_err(sched_setparam(pid, &p), EPERM);
        check_err(setpriority(PRIO_PROCESS, pid, 3), EPERM);
        check_err(syscall(SYS_sched_setaffinity, pid, 8, &(long){1}), EPERM);
    }
    check_err(syscall(SYS_ioprio_set, 1, 1, IOPRIO(2, 6)), EPERM);
    check_err(sched_setscheduler(0x3ffffff0, SCHED_BATCH, &p), ESRCH);
    check_ok(setresuid(0, 0, 0));
    check_ok(kill(alive, SIGKILL));
    check_eq(waitpid(alive, NULL, 0), alive);
    check_eq(waitpid(dead, NULL, 0), dead);
}

/* The same user, but without the capabilities that the other may have. */
static void check_fewer_rights(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    struct sched_param p = {0};
    pid_t pid = child_start(child_sleeps, NULL);

    check_ok(syscall(SYS_capset, &head, none));
    check_ok(sched_getscheduler(pid));
    check_err(sched_setscheduler(pid, SCHED_BATCH, &p), EPERM);
    check_err(setpriority(PRIO_PROCESS, pid, 3), EPERM);
    check_err(setpriority(PRIO_PROCESS, pid, -3), EACCES);
    check_err(syscall(SYS_sched_setaffinity, pid, 8, &(long){1}), EPERM);
    check_err(syscall(SYS_ioprio_set, 1, pid, IOPRIO(2, 6)), EPERM);
    check_ok(sched_setscheduler(0, SCHED_BATCH, &p));
    check_ok(setpriority(PRIO_PROCESS, 0, 3));
    check_ok(kill(pid, SIGKILL));
    check_eq(waitpid(pid, NULL, 0), pid);
}

int main(void)
{
    check_child();
    check_zombie();
    check_group();
    check_init();
    check_first_gone();
    if (geteuid() == 0) {
        check_other_user();
        check_fewer_rights();
    }
    return check_done();
}
