/* SPDX-License-Identifier: Apache-2.0 */
/*
 * membarrier(2): a barrier in all threads of a process at once, or in all programs.
 *
 * All other vCPUs are stopped for a moment (vcpus.h): one that executes a program passes through an
 * AEX and ERESUME, which also serialise its instruction stream; one that is in the kernel or
 * outside passes a full barrier before it goes to a program again.  So all commands are one; they
 * differ in who must have registered.  The RSEQ command also makes critical sections that are under
 * way start over.
 *
 * State: process->membarrier, bits of the commands that it has registered for.
 */
#include <linux/errno.h>
#include <linux/membarrier.h>

#include "kernel/proc/process.h"
#include "kernel/sched/rseq.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/vcpus.h"
#include "kernel/sys/syscall.h"

#include "kernel/sys/syscalls.h"

#define ALL_CPUS (-1)
#define COMMANDS                                                                                   \
    (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |                                     \
     MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |                 \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |      \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE | MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ | \
     MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ)

/* Each command's registration comes directly after it. */
#define REGISTERED_AS(cmd) ((cmd) << 1)

static long barrier_private(int cmd, int cpu)
{
    const struct process *p = current_process();

    if (!(__atomic_load_n(&p->membarrier, __ATOMIC_ACQUIRE) & (uint32_t)REGISTERED_AS(cmd)))
        return reject(-EPERM, "not registered");
    if (cpu != ALL_CPUS && (cpu < 0 || cpu >= (int)vcpus_count()))
        return 0; /* Linux: nobody is there */
    /* On all CPUs, whichever was asked for: a section may be made to start over at any time. */
    if (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
        rseq_interrupt_all();
    vcpus_stopped(NULL, NULL);
    return 0;
}

static long barrier_register(int cmd)
{
    __atomic_fetch_or(&current_process()->membarrier, (uint32_t)cmd, __ATOMIC_ACQ_REL);
    return 0;
}

long sys_membarrier(int cmd, unsigned flags, int cpu_id)
{
    bool rseq = cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;

    if (flags && !(rseq && flags == MEMBARRIER_CMD_FLAG_CPU))
        return reject(-EINVAL, "unknown flags");
    int cpu = flags ? cpu_id : ALL_CPUS;
    switch (cmd) {
    case MEMBARRIER_CMD_QUERY: return COMMANDS;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED: vcpus_stopped(NULL, NULL); return 0;
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ: return barrier_register(cmd);
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ: return barrier_private(cmd, cpu);
    default: return reject(-EINVAL, "unknown command");
    }
}
