/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIFOs on host mounts.  One that was made in here is *ours*: its node is the host's, but what passes through
 * it stays in the enclave (ipc/fifo.c), and nobody outside can open its other end.  A reference keeps the
 * inode until its last name is removed, and the inode keeps a descriptor, so that the host gives its number to no other.
 *
 * All others are the host's.  The other side may be a process of the host or a thread in here, so the host
 * keeps them; but its open must not wait, since a vCPU would wait with it.  Therefore it opens with
 * O_NONBLOCK, and the waiting that open(2) promises is done here by asking again and again: at first every
 * millisecond, later every 16.
 */
#include "kernel/fs/host/host_impl.h"
#include "kernel/fs/host/table.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"

#define PAUSE_NS 1000000L

/* Ours. */

/* Takes fd over if it becomes ours; a host that shows an old one for a new one has one of ours twice. */
static bool make_ours(struct host_inode *hi, int fd)
{
    spin_lock(&host_table.lock);
    bool is_new = !hi->ours;
    if (is_new) {
        hi->fd = fd;
        hi->kept = true;
        inode_get(&hi->inode);
        host_table.fifos++;
        __atomic_store_n(&hi->ours, true, __ATOMIC_RELEASE);
    }
    spin_unlock(&host_table.lock);
    return is_new;
}

int host_fifo_new(struct inode *dir, const char *name, struct inode **out)
{
    struct statx st;
    int dirfd, err = host_dir_pin(host_inode_of(dir), &dirfd);
    if (err)
        return err;
    long fd = ocall_open(dirfd, name, O_PATH | O_NOFOLLOW, 0, &st);
    host_dir_unpin(host_inode_of(dir));
    if (fd < 0)
        return (int)fd;
    err = host_stat_check(&st);
    if (!err)
        err = host_inode_make(dir->super, host_inode_of(dir), name, &st, -1, out);
    if (err || !S_ISFIFO(st.stx_mode) || !make_ours(host_inode_of(*out), (int)fd))
        ocall_close((int)fd);
    return err;
}

static struct inode *find(struct inode *dir, const char *name, uint32_t links)
{
    struct statx st;
    struct inode *i;
    if (!__atomic_load_n(&host_table.fifos, __ATOMIC_RELAXED) ||
        dir->ops->stat_at(dir, name, &st) || !S_ISFIFO(st.stx_mode) || st.stx_nlink > links ||
        host_inode_make(dir->super, host_inode_of(dir), name, &st, -1, &i))
        return NULL;
    if (host_inode_of(i)->ours)
        return i;
    inode_put(i);
    return NULL;
}

struct inode *host_fifo_ours(struct inode *dir, const char *name)
{
    return find(dir, name, UINT32_MAX);
}

struct inode *host_fifo_going(struct inode *dir, const char *name)
{
    return find(dir, name, 1);
}

void host_fifo_gone(struct inode *i, bool removed)
{
    if (!i)
        return;
    spin_lock(&host_table.lock);
    bool kept = removed && host_inode_of(i)->kept;
    if (kept)
        host_inode_of(i)->kept = false;
    spin_unlock(&host_table.lock);
    if (kept)
        inode_put(i);
    inode_put(i);
}

/* The host's. */

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
    struct inode *i = host_fifo_ours(dir, name);
    if (i) {
        inode_put(i);
        return -ENXIO;
    }
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
