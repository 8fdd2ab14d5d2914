/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of System V IPC and POSIX queues, which root may change by way of /proc/sys (fs/proc/sysctl.c). */
#ifndef KERNEL_IPC_LIMITS_H
#define KERNEL_IPC_LIMITS_H

#include "kernel/types.h"

/* [a] all; Linux's defaults. A new value counts for what is asked for from then on. */
struct ipc_limits {
    struct {                  /* in the order in which /proc/sys/kernel/sem has them */
        uint64_t sem_per_set; /* SEMMSL */
        uint64_t sem_total;   /* SEMMNS */
        uint64_t sem_ops;     /* SEMOPM: of one semop */
        uint64_t sem_sets;    /* SEMMNI */
    };
    uint64_t msg_size;     /* MSGMAX */
    uint64_t msg_queue;    /* MSGMNB: bytes in a queue */
    uint64_t msg_queues;   /* MSGMNI */
    uint64_t shm_size;     /* SHMMAX: bytes of a segment */
    uint64_t shm_total;    /* SHMALL: pages of all */
    uint64_t shm_segments; /* SHMMNI */
    uint64_t mq_queues;    /* POSIX queues */
    uint64_t mq_count;     /* messages that a queue may be made for … */
    uint64_t mq_size;      /* … and their size */
    uint64_t mq_count_default, mq_size_default;
};

extern struct ipc_limits ipc_limits;

#define IPC_LIMIT(what) __atomic_load_n(&ipc_limits.what, __ATOMIC_RELAXED)

#endif
