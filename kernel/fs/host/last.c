/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last file that the host opened for us.  While nothing else has come in from the host
 * (ocall_epoch), what it said then still stands: fstat right after open needs no exit, and a file
 * that is closed unread and opened again is taken back from the list of descriptors that the next
 * exit would close.
 *
 * Lock: one spin lock.  dir and file are only compared: another object cannot appear at their
 * address without an ocall.
 */
#include "kernel/fs/host/host_impl.h"
#include "kernel/sched/clock.h"

/* With any of these an open is more than a way to read. */
#define NOT_PLAIN                                                                             \
    (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_DIRECT | O_SYNC | O_NOATIME | O_DIRECTORY | \
     O_TMPFILE)

static struct {
    struct spinlock lock;
    uint64_t epoch;               /* [l] */
    ktime_t when;                 /* [l] */
    const struct inode *dir;      /* [l] */
    const struct host_file *file; /* [l] NULL: it is closed */
    struct inode *inode;          /* [l] a reference once it is closed; else NULL */
    int fd;                       /* [l] of the closed file */
    bool plain;                   /* [l] opened for reading and nothing more */
    char name[NAME_MAX + 1];      /* [l] */
    struct statx st;              /* [l] */
} last;

static bool answer_stands(void)
{
    return last.epoch == ocall_epoch() && clock_mono() - last.when < OCALL_EPOCH_NS;
}

void host_last_opened(const struct inode *dir, const char *name, uint32_t flags,
                      const struct host_file *hf, const struct statx *st)
{
    spin_lock(&last.lock);
    struct inode *old = last.inode;
    last.inode = NULL;
    last.epoch = ocall_epoch();
    last.when = clock_mono();
    last.dir = dir;
    last.file = hf;
    last.plain = !(flags & NOT_PLAIN);
    str_copy(last.name, name, sizeof(last.name));
    last.st = *st;
    spin_unlock(&last.lock);
    if (old)
        inode_put(old);
}

bool host_last_stat(const struct host_file *hf, struct statx *st)
{
    spin_lock(&last.lock);
    bool found = last.file == hf && answer_stands();
    if (found)
        *st = last.st;
    spin_unlock(&last.lock);
    return found;
}

void host_last_asked(const struct host_file *hf, const struct statx *st)
{
    spin_lock(&last.lock);
    struct inode *old = last.inode;
    last.inode = NULL;
    last.epoch = ocall_epoch();
    last.when = clock_mono();
    last.dir = NULL;
    last.file = hf;
    last.st = *st;
    spin_unlock(&last.lock);
    if (old)
        inode_put(old);
}

void host_last_closed(const struct host_file *hf)
{
    struct inode *i = hf->file.inode;
    spin_lock(&last.lock);
    bool keep = last.file == hf && last.dir && last.plain && answer_stands();
    if (last.file == hf)
        last.file = NULL;
    if (keep) {
        last.inode = inode_get(i);
        last.fd = hf->fd;
    }
    spin_unlock(&last.lock);
}

int host_last_reopen(const struct inode *dir, const char *name, uint32_t flags, struct inode **out)
{
    int fd = -1;
    if (!last.inode || flags & NOT_PLAIN)
        return -1;
    spin_lock(&last.lock);
    if (last.inode && last.dir == dir && answer_stands() && strcmp(last.name, name) == 0 &&
        ocall_close_cancel(last.fd)) {
        fd = last.fd;
        *out = last.inode; /* with the reference */
        last.inode = NULL;
    }
    spin_unlock(&last.lock);
    return fd;
}

void host_last_reopened(struct host_file *hf)
{
    spin_lock(&last.lock);
    last.file = hf;
    hf->size = (int64_t)last.st.stx_size;
    spin_unlock(&last.lock);
}
