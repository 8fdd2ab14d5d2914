/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening the host's FIFOs.  The other side may be a process of the host or a thread in here, so the host
 * keeps them; but its open must not wait, since a vCPU would wait with it.  Therefore it opens with
 * O_NONBLOCK, and the waiting that open(2) promises is done here by asking again and again: at first every
 * millisecond, later every 16.
 */
#include "kernel/fs/host/host_impl.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"

#define PAUSE_NS 1000000L

/* 0, or -ERESTARTSYS. */
static int pause(unsigned tries)
{
    int err = thread_block(clock_mono() + (PAUSE_NS << MIN(tries, 4U)), true);
    return err == -ETIMEDOUT ? 0 : err;
}

int host_fifo_again(struct inode *dir, const char *name, uint32_t flags, unsigned tries)
{
    struct statx st;
    if (flags & O_NONBLOCK || (flags & O_ACCMODE) != O_WRONLY)
        return -ENXIO;
    int err = dir->ops->stat_at(dir, name, &st);
    if (err || !S_ISFIFO(st.stx_mode))
        return -ENXIO;
    err = pause(tries);
    return err ? err : 1;
}

int host_fifo_meet(int fd, uint32_t flags)
{
    if (flags & O_NONBLOCK || (flags & O_ACCMODE) != O_RDONLY)
        return 0;
    for (unsigned tries = 0; ocall_fifo_lonely(fd) == 0; tries++) {
        int err = pause(tries);
        if (err)
            return err;
    }
    return 0;
}
