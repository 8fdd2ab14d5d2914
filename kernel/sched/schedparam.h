/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program says about the scheduling of a thread.  It is kept and told again, and has no
 * effect: the kernel's run queue has no priorities, and the host decides about CPUs.
 * Lock: the process's.
 */
#ifndef KERNEL_SCHED_SCHEDPARAM_H
#define KERNEL_SCHED_SCHEDPARAM_H

#include "kernel/types.h"

#define CPU_MASK_WORDS 16 /* 1,024 CPUs: glibc's cpu_set_t */

struct schedparam {
    uint8_t policy;       /* SCHED_* */
    uint8_t priority;     /* of SCHED_FIFO and SCHED_RR */
    int8_t nice;          /* -20 … 19 */
    bool reset_on_fork;   /* a new thread starts as SCHED_OTHER */
    uint16_t ioprio;      /* IOPRIO_PRIO_VALUE */
    bool affinity_is_set; /* else all CPUs */
    uint64_t affinity[CPU_MASK_WORDS];
};

#endif
