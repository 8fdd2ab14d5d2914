/* SPDX-License-Identifier: Apache-2.0 */
/* Linux's default limits of System V IPC and POSIX queues. */
#include "kernel/ipc/limits.h"

#include <limits.h>
#include <linux/msg.h>
#include <linux/sem.h>
#include <linux/shm.h>

struct ipc_limits ipc_limits = {
    .sem_per_set = SEMMSL,
    .sem_total = SEMMNS,
    .sem_ops = SEMOPM,
    .sem_sets = SEMMNI,
    .msg_size = MSGMAX,
    .msg_queue = MSGMNB,
    .msg_queues = MSGMNI,
    .shm_size = SHMMAX,
    .shm_total = SHMALL,
    .shm_segments = SHMMNI,
    .mq_queues = 256,
    .mq_count = 10,
    .mq_size = 8192,
    .mq_count_default = 10,
    .mq_size_default = 8192,
};
