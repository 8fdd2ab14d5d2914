/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of System V IPC, which root may change by way of /proc/sys/kernel (fs/proc/sysctl_ipc.c). */
#ifndef KERNEL_IPC_LIMITS_H
#define KERNEL_IPC_LIMITS_H

#include "kernel/types.h"

/* [a] all; Linux's defaults. A new value counts for what is asked for from then on. */
struct ipc_limits {
    uint64_t sem_per_set;  /* SEMMSL */
    uint64_t sem_total;    /* SEMMNS */
    uint64_t sem_ops;      /* SEMOPM: of one semop */
    uint64_t sem_sets;     /* SEMMNI */
    uint64_t msg_size;     /* MSGMAX */
    uint64_t msg_queue;    /* MSGMNB: bytes in a queue */
    uint64_t msg_queues;   /* MSGMNI */
    uint64_t shm_size;     /* SHMMAX: bytes of a segment */
    uint64_t shm_total;    /* SHMALL: pages of all */
    uint64_t shm_segments; /* SHMMNI */
};

extern struct ipc_limits ipc_limits;

#define IPC_LIMIT(what) __atomic_load_n(&ipc_limits.what, __ATOMIC_RELAXED)

#endif
