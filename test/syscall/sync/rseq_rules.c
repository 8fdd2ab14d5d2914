/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rseq: who may register what; the area tells the CPU that getcpu tells; a second registration, one
 * by another address, size or signature, and taking it back.
 */
#include "futex.h"
#include <sched.h>
#include <sys/rseq.h>

#define SIG RSEQ_SIG
#define UNREGISTER 1

static struct rseq area __attribute__((aligned(32)));
static struct rseq other __attribute__((aligned(32)));

static long rseq(void *address, unsigned len, int flags, unsigned sig)
{
    return syscall(SYS_rseq, address, len, flags, sig);
}

/* The C library has registered an area of its own, unless it was told not to. */
static void take_from_libc(void)
{
    if (__rseq_size)
        check_eq(rseq((char *)__builtin_thread_pointer() + __rseq_offset, 32, UNREGISTER, SIG), 0);
}

/* The area and the call agree unless the thread moves between the two looks. */
static int agrees(void)
{
    for (int i = 0; i < 10000; i++) {
        unsigned before = __atomic_load_n(&area.cpu_id, __ATOMIC_SEQ_CST), cpu = ~0U;
        syscall(SYS_getcpu, &cpu, NULL, NULL);
        if (before == cpu && area.cpu_id_start == cpu)
            return 1;
    }
    return 0;
}

static void *in_thread(void *arg)
{
    (void)arg;
    /* The C library does not register where its creator is not registered. */
    check_err(rseq(&area, sizeof(area), UNREGISTER, SIG), EINVAL);
    check_eq(rseq(&other, sizeof(other), 0, 77), 0);
    check(other.cpu_id < 4096);
    check_eq(rseq(&other, sizeof(other), UNREGISTER, 77), 0);
    return NULL;
}

int main(void)
{
    take_from_libc();
    check_err(rseq((char *)&area + 8, sizeof(area), 0, SIG), EINVAL);
    check_err(rseq(&area, 16, 0, SIG), EINVAL);
    check_err(rseq(&area, sizeof(area), 2, SIG), EINVAL);
    check_err(rseq(&area, sizeof(area), UNREGISTER, SIG), EINVAL);
    check_err(rseq((void *)-4096L, sizeof(area), 0, SIG), EFAULT);

    area.cpu_id = RSEQ_CPU_ID_UNINITIALIZED;
    check_eq(rseq(&area, sizeof(area), 0, SIG), 0);
    check(area.cpu_id < 4096);
    check_eq(area.cpu_id, area.cpu_id_start);
    check_eq(area.rseq_cs, 0);
    check(agrees());
    check_err(rseq(&area, sizeof(area), 0, SIG), EBUSY);
    check_err(rseq(&area, sizeof(area), 0, SIG + 1), EPERM);
    check_err(rseq(&other, sizeof(other), 0, SIG), EINVAL);
    check_err(rseq(&other, sizeof(other), UNREGISTER, SIG), EINVAL);
    check_err(rseq(&area, sizeof(area), UNREGISTER, SIG + 1), EPERM);
    check_err(rseq(&area, sizeof(area), UNREGISTER | 2, SIG), EINVAL);
    /* A new thread has none. */
    check_eq(rseq(&area, sizeof(area), UNREGISTER, SIG), 0);
    pthread_join(spawn(in_thread, NULL), NULL);
    check_eq((int)area.cpu_id, RSEQ_CPU_ID_UNINITIALIZED);
    check_eq(area.cpu_id_start, 0);
    check_eq(rseq(&area, sizeof(area), 0, 5), 0);
    return check_done();
}
