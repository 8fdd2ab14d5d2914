/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks by their Linux ids, for everything that takes one from a program. */
#ifndef KERNEL_SCHED_TIME_H
#define KERNEL_SCHED_TIME_H

#include "kernel/sched/cputime.h"
#include "kernel/types.h"

#define NSEC_PER_SEC 1000000000L

/* Reads a clock: 0, or -EINVAL when there is none with this id.  Takes process locks. */
MUST_CHECK int clock_read(int id, ktime_t *out);
/* A program's timespec: 0, -EFAULT, -EINVAL.  A time in the far future is KTIME_NEVER. */
MUST_CHECK int timespec_take(uaddr_t addr, ktime_t *out);
ktime_t time_add(ktime_t a, ktime_t b); /* saturates at KTIME_NEVER */

#endif
