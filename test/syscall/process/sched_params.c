/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies, priorities, nice values and affinity: what is set is told again, each thread has its
 * own, children inherit, and what is wrong is refused. As root or not.
 */
#include "futex.h"
#include <sched.h>
#include <sys/resource.h>

/* <linux/sched/types.h> and <sched.h> both define struct sched_param. */
struct sched_attr {
    uint32_t size, sched_policy;
    uint64_t sched_flags;
    int32_t sched_nice;
    uint32_t sched_priority;
    uint64_t sched_runtime, sched_deadline, sched_period;
    uint32_t sched_util_min, sched_util_max;
};
#define SCHED_ATTR_SIZE_VER0 48
#define IOPRIO(class, level) ((class) << 13 | (level))
#define NOBODY 0x3ffffff0

static long getattr(int pid, struct sched_attr *a, unsigned size, unsigned flags)
{
    return syscall(SYS_sched_getattr, pid, a, size, flags);
}

static long setattr(int pid, struct sched_attr *a, unsigned flags)
{
    return syscall(SYS_sched_setattr, pid, a, flags);
}

static void check_policies(void)
{
    struct sched_param p = {0}, q = {.sched_priority = 77};
    struct timespec t = {-1, -1};

    check_eq(sched_get_priority_max(SCHED_FIFO), 99);
    check_eq(sched_get_priority_min(SCHED_RR), 1);
    check_eq(sched_get_priority_max(SCHED_OTHER), 0);
    check_eq(sched_get_priority_min(SCHED_BATCH), 0);
    check_eq(sched_get_priority_max(SCHED_IDLE), 0);
    check_err(sched_get_priority_max(4), EINVAL);
    check_err(sched_get_priority_min(-1), EINVAL);
    check_eq(sched_getscheduler(0), SCHED_OTHER);
    check_eq(sched_setscheduler(0, SCHED_BATCH, &p), 0);
    check_eq(sched_getscheduler(getpid()), SCHED_BATCH);
    check_eq(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p), 0);
    check_eq(sched_getscheduler(0), SCHED_OTHER | SCHED_RESET_ON_FORK);
    check_eq(sched_getparam(0, &q), 0);
    check_eq(q.sched_priority, 0);
    check_eq(sched_setparam(0, &p), 0);
    q.sched_priority = 1;
    check_err(sched_setparam(0, &q), EINVAL);
    check_err(sched_setscheduler(0, SCHED_OTHER, &q), EINVAL);
    check_err(sched_setscheduler(0, SCHED_FIFO, &p), EINVAL);
    check_err(sched_setscheduler(0, 17, &p), EINVAL);
    check_err(sched_setscheduler(0, -1, &p), EINVAL);
    check_err(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
    check_err(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8), EFAULT);
    check_err(sched_getscheduler(-1), EINVAL);
    check_err(sched_getscheduler(NOBODY), ESRCH);
    check_err(sched_setparam(NOBODY, &p), ESRCH);
    check_err(sched_getparam(0, NULL), EINVAL);
    check_eq(sched_rr_get_interval(0, &t), 0);
    check(t.tv_sec == 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
    check_err(sched_rr_get_interval(-1, &t), EINVAL);
    check_eq(sched_yield(), 0);
}

static void check_attr(void)
{
    struct {
        struct sched_attr a;
        char more[16];
    } big = {0};
    struct sched_attr *a = &big.a;

    check_eq(getattr(0, a, sizeof(*a), 0), 0);
    check_eq(a->size, sizeof(*a));
    check_eq(a->sched_policy, SCHED_OTHER);
    check_eq(getattr(0, a, SCHED_ATTR_SIZE_VER0, 0), 0);
    check_eq(a->size, SCHED_ATTR_SIZE_VER0);
    check_err(getattr(0, a, SCHED_ATTR_SIZE_VER0 - 1, 0), EINVAL);
    check_err(getattr(0, a, sizeof(*a), 1), EINVAL);
    check_err(getattr(0, NULL, sizeof(*a), 0), EINVAL);
    check_err(getattr(NOBODY, a, sizeof(*a), 0), ESRCH);

    memset(&big, 0, sizeof(big));
    a->sched_policy = SCHED_BATCH;
    a->sched_nice = 5;
    check_eq(setattr(0, a, 0), 0); /* size 0 is the first size */
    check_eq(getattr(0, a, sizeof(*a), 0), 0);
    check(a->sched_policy == SCHED_BATCH && a->sched_nice == 5);
    check_eq(getpriority(PRIO_PROCESS, 0), 5);
    a->size = SCHED_ATTR_SIZE_VER0 - 1;
    check_err(setattr(0, a, 0), E2BIG);
    a->size = sizeof(big);
    check_eq(setattr(0, a, 0), 0);
    a->size = sizeof(big);
    big.more[15] = 1;
    check_err(setattr(0, a, 0), E2BIG);
    a->size = SCHED_ATTR_SIZE_VER0;
    a->sched_flags = 1ull << 40;
    check_err(setattr(0, a, 0), EINVAL);
    a->sched_flags = 0;
    a->sched_priority = 3;
    check_err(setattr(0, a, 0), EINVAL);
    check_err(setattr(0, a, 1), EINVAL);
    check_err(setattr(0, NULL, 0), EINVAL);
    a->sched_priority = 0;
    a->sched_policy = 4;
    check_err(setattr(0, a, 0), EINVAL);
}

static void *child(void *arg)
{
    cpu_set_t *set = arg;

    /* It has what its creator had, and changes it for itself alone. */
    check_eq(sched_getscheduler(0), SCHED_BATCH);
    check_eq(getpriority(PRIO_PROCESS, 0), 7);
    check_eq(syscall(SYS_ioprio_get, 1, 0), IOPRIO(2, 6));
    check_eq(sched_getaffinity(0, sizeof(*set), set), 0);
    check_eq(setpriority(PRIO_PROCESS, 0, 12), 0);
    check_eq(getpriority(PRIO_PROCESS, 0), 12);
    /* The best of the group's, and all of them set. */
    check_eq(getpriority(PRIO_PGRP, 0) <= 7, 1);
    return NULL;
}

static void check_threads(void)
{
    cpu_set_t set;

    check_eq(setpriority(PRIO_PROCESS, 0, 7), 0);
    check_eq(syscall(SYS_ioprio_set, 1, 0, IOPRIO(2, 6)), 0);
    check_eq(syscall(SYS_ioprio_get, 1, getpid()), IOPRIO(2, 6));
    pthread_join(spawn(child, &set), NULL);
    check(CPU_COUNT(&set) >= 1);
    check_eq(getpriority(PRIO_PROCESS, 0), 7);
    check_eq(getpriority(PRIO_PROCESS, getpid()), 7);
    check_eq(setpriority(PRIO_PROCESS, 0, 1000), 0);
    check_eq(getpriority(PRIO_PROCESS, 0), 19);
    check_err(getpriority(3, 0), EINVAL);
    check_err(setpriority(-1, 0, 0), EINVAL);
    check_err(getpriority(PRIO_PROCESS, NOBODY), ESRCH);
    check_err(setpriority(PRIO_PGRP, NOBODY, 0), ESRCH);
    check_err(syscall(SYS_ioprio_set, 1, 0, IOPRIO(0, 1)), EINVAL);
    check_err(syscall(SYS_ioprio_set, 4, 0, IOPRIO(2, 1)), EINVAL);
    check_err(syscall(SYS_ioprio_set, 1, NOBODY, IOPRIO(2, 1)), ESRCH);
    check_err(syscall(SYS_ioprio_get, 0, 0), EINVAL);
    check_eq(syscall(SYS_ioprio_set, 1, 0, IOPRIO(3, 0)), 0);
    check_eq(syscall(SYS_ioprio_get, 1, 0), IOPRIO(3, 0));
}

static void check_root(void)
{
    struct sched_param p = {.sched_priority = 5}, q = {0};

    if (geteuid() != 0) {
        check_err(sched_setscheduler(0, SCHED_FIFO, &p), EPERM);
        check_err(setpriority(PRIO_PROCESS, 0, -5), EACCES);
        return;
    }
    /* A root without CAP_SYS_NICE may not; then there is nothing to see. */
    if (sched_setscheduler(0, SCHED_RR, &p) != 0)
        return;
    check_eq(sched_getscheduler(0), SCHED_RR);
    check_eq(sched_getparam(0, &q), 0);
    check_eq(q.sched_priority, 5);
    check_err(sched_setparam(0, &(struct sched_param){0}), EINVAL);
    check_err(sched_setparam(0, &(struct sched_param){100}), EINVAL);
    check_eq(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0}), 0);
    check_eq(setpriority(PRIO_PROCESS, 0, -5), 0);
    check_eq(getpriority(PRIO_PROCESS, 0), -5);
}

static void check_affinity(void)
{
    unsigned long mask[256] = {0}, got[256];
    int first = 0;

    /* The caller may have been confined to some of the CPUs that there are. */
    memset(got, 0xff, sizeof(got));
    check_eq(syscall(SYS_sched_setaffinity, 0, sizeof(got), got), 0);
    long bytes = syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask);
    check(bytes >= 8 && bytes % 8 == 0);
    while (!(mask[first / 64] >> (first % 64) & 1))
        first++;
    memset(got, 0, sizeof(got));
    got[first / 64] = 1ul << (first % 64);
    check_eq(syscall(SYS_sched_setaffinity, 0, sizeof(got), got), 0);
    memset(got, 0xff, sizeof(got));
    check_eq(syscall(SYS_sched_getaffinity, 0, sizeof(got), got), bytes);
    check_eq(got[first / 64], 1ul << (first % 64));
    /* CPUs that are not there do not count; none at all is wrong. */
    memset(got, 0xff, sizeof(got));
    check_eq(syscall(SYS_sched_setaffinity, 0, sizeof(got), got), 0);
    check_eq(syscall(SYS_sched_getaffinity, getpid(), sizeof(got), got), bytes);
    check(!memcmp(got, mask, (size_t)bytes));
    memset(got, 0, sizeof(got));
    check_err(syscall(SYS_sched_setaffinity, 0, sizeof(got), got), EINVAL);
    check_err(syscall(SYS_sched_setaffinity, 0, 0, got), EINVAL);
    check_err(syscall(SYS_sched_setaffinity, NOBODY, sizeof(mask), mask), ESRCH);
    check_err(syscall(SYS_sched_getaffinity, NOBODY, sizeof(mask), mask), ESRCH);
    check_err(syscall(SYS_sched_getaffinity, 0, 12, mask), EINVAL);
    check_err(syscall(SYS_sched_getaffinity, 0, 0, mask), EINVAL);
    check_err(syscall(SYS_sched_setaffinity, 0, sizeof(mask), (void *)8), EFAULT);
    check_err(syscall(SYS_sched_getaffinity, 0, sizeof(mask), (void *)8), EFAULT);
}

int main(void)
{
    unsigned cpu = ~0U, node = ~0U;

    check_affinity();
    check_policies();
    check_attr();
    check_threads();
    check_root();
    check_eq(syscall(SYS_getcpu, &cpu, &node, NULL), 0);
    check(cpu < 4096 && node < 4096);
    check_eq(syscall(SYS_getcpu, NULL, NULL, NULL), 0);
    check_err(syscall(SYS_getcpu, (void *)8, NULL, NULL), EFAULT);
    return check_done();
}
