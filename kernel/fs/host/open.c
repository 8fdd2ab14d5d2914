/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening host files.  The host's descriptor is opened with O_NONBLOCK, always: a FIFO or a terminal must not
 * make the vCPU wait outside, and the kernel's own loop does the blocking.
 */
#include "kernel/fs/host/host_impl.h"
#include "kernel/vfs/vfs_impl.h"

/* What the host needs to know of open's flags.  O_DIRECT would ask for aligned bounce buffers; O_APPEND is the
 * kernel's, which can switch it off, and writes elsewhere what a mapping has changed. */
#define HOST_OPEN_FLAGS                                                                    \
    (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_NOATIME | O_DIRECTORY | O_SYNC | O_DSYNC | \
     O_TMPFILE)

static uint32_t host_flags(uint32_t flags)
{
    return (flags & HOST_OPEN_FLAGS) | O_NONBLOCK | O_NOFOLLOW;
}

/* A file that can only be appended to is opened for that, or not at all. */
static bool append_only(long err, uint32_t *flags, uint32_t asked)
{
    if (err != -EPERM || !(asked & O_APPEND) || *flags & O_APPEND)
        return false;
    *flags |= O_APPEND;
    return true;
}

static int regular_new(int fd, uint32_t flags, struct host_file **out)
{
    struct host_file *hf = kzalloc(sizeof(*hf));
    if (!hf)
        return -ENOMEM;
    file_init(&hf->file, &host_regular_ops, flags);
    mutex_init(&hf->win_lock);
    hf->fd = fd;
    *out = hf;
    return 0;
}

int host_file_make(struct inode *i, int fd, uint32_t flags, struct file **out)
{
    struct host_file *hf = NULL;
    if (host_inode_of(i)->ours) {
        ocall_close(fd);
        return pipe_open_fifo(i, flags, out);
    }
    int err = S_ISFIFO(i->mode) ? host_fifo_meet(fd, flags) : 0;
    if (err)
        goto out;
    if (S_ISREG(i->mode))
        err = regular_new(fd, flags, &hf);
    else if (S_ISDIR(i->mode))
        err = host_dirfile_new(fd, flags, &hf);
    else
        err = host_stream_new(fd, flags, i, &hf);
out:
    if (err) {
        ocall_close(fd);
        return err;
    }
    list_init(&hf->open_link);
    hf->file.inode = inode_get(i);
    host_file_attach(host_inode_of(i), hf);
    *out = &hf->file;
    return 0;
}

void host_file_release(struct file *f)
{
    struct host_file *hf = host_file_of(f);
    if (f->inode)
        host_file_detach(host_inode_of(f->inode), hf);
    host_window_drop(hf);
    kfree(hf->shown_name);
    if (hf->reusable && said_keep(hf->said, hf->fd, f->inode))
        f->inode = NULL;
    else if (f->inode && S_ISREG(f->inode->mode) && !FMODE_WRITE(f))
        ocall_close_later(hf->fd);
    else
        ocall_close(hf->fd);
}

int host_file_getattr(struct file *f, struct statx *st)
{
    struct host_file *hf = host_file_of(f);
    struct statx once;
    enum said_known known = said_file(hf->said, &once);
    /* fstat right after open: what open brought with it still stands. */
    if (known == SAID_STANDS && host_size_stands(hf)) {
        *st = once;
        return 0;
    }
    struct said_question asked = said_ask();
    long ret = ocall_statx_quiet(hf->fd, "", AT_EMPTY_PATH, st);
    int err = ret < 0 ? (int)ret : host_stat_check(st);
    if (err || known == SAID_NOTHING || memcmp(st, &once, sizeof(once)) != 0)
        ocall_epoch_end();
    else
        said_same(hf->said, &asked);
    if (err)
        return err;
    host_size_note(hf, (int64_t)st->stx_size);
    return 0;
}

/* A directory is opened through its own O_PATH descriptor, others by their name. */
static long open_inode(struct host_inode *hi, uint32_t flags, struct statx *st)
{
    if (!S_ISDIR(hi->inode.mode))
        return host_open_by_name(hi, flags, st);
    int dirfd, err = host_dir_pin(hi, &dirfd);
    if (err)
        return err;
    long fd = ocall_open(dirfd, ".", flags, 0, st);
    host_dir_unpin(hi);
    if (fd < 0)
        return fd;
    err = host_stat_check(st);
    if (!err)
        return fd;
    ocall_close((int)fd);
    return err;
}

/* A file for the descriptor (consumed) of inode i, opened as `how` says. */
static int file_opened(struct inode *i, int fd, uint32_t flags, uint32_t how, struct file **out)
{
    int err = host_file_make(i, fd, flags, out);
    if (err)
        return err;
    if (flags & O_TRUNC)
        host_shared_cut(i, 0);
    host_file_of(*out)->append_only = how & O_APPEND;
    return 0;
}

int host_open(struct inode *i, uint32_t flags, struct file **out)
{
    struct host_inode *hi = host_inode_of(i);
    struct inode *opened;
    struct statx st = {0};
    if (hi->ours)
        return pipe_open_fifo(i, flags, out);
    uint32_t how = host_flags(flags & ~(uint32_t)(O_CREAT | O_EXCL));
    long fd;
    do
        fd = open_inode(hi, how, &st);
    while (unlikely(append_only(fd, &how, flags)));
    if (fd < 0)
        return (int)fd;
    if (S_ISDIR(i->mode) || (st.stx_ino == hi->id.ino && (st.stx_mode & S_IFMT) == hi->id.type))
        return file_opened(i, (int)fd, flags, how, out);
    /* The name leads to another file by now: that one is open. */
    int err = host_inode_make(i->super, hi->parent, hi->name, &st, -1, &opened);
    if (err) {
        ocall_close((int)fd);
        return err;
    }
    err = file_opened(opened, (int)fd, flags, how, out);
    inode_put(opened);
    return err;
}

/* Opening that changes nothing, and after which the descriptor is as good as new. */
static bool only_reads(uint32_t flags)
{
    return (flags & HOST_OPEN_FLAGS) == O_RDONLY;
}

static int open_kept(const struct said_open *o, uint32_t flags, struct inode **out_ino,
                     struct file **out)
{
    int err = host_file_make(o->inode, o->fd, flags, out);
    if (err) {
        inode_put(o->inode);
        return err;
    }
    struct host_file *hf = host_file_of(*out);
    hf->said = o->ref;
    hf->reusable = true;
    host_size_said(hf, o->size, &o->asked);
    *out_ino = o->inode;
    return 0;
}

/* How a file is to be opened, and what the host was asked for. */
struct request {
    uint32_t flags, mode, host;
};

/* The host's descriptor, or its error; a->st is checked. */
static long open_ask(struct inode *dir, const char *name, struct request *r, struct said_answer *a)
{
    unsigned tries = 0;
    int dirfd, err;
    long fd;
    do {
        err = host_dir_pin(host_inode_of(dir), &dirfd);
        if (err)
            return err;
        a->asked = said_ask();
        fd = ocall_open_quiet(dirfd, name, r->host, r->mode, &a->st);
        host_dir_unpin(host_inode_of(dir));
        if (unlikely(fd == -ENXIO))
            err = host_fifo_again(dir, name, r->flags, tries++);
        else if (unlikely(append_only(fd, &r->host, r->flags)))
            err = 1;
    } while (err > 0);
    if (fd < 0)
        return err ? err : fd;
    err = host_stat_check(&a->st);
    if (!err && S_ISLNK(a->st.stx_mode))
        err = -EIO;
    if (!err)
        return fd;
    ocall_close((int)fd);
    return err;
}

static int file_of_fd(struct inode *dir, const char *name, int fd, uint32_t flags,
                      const struct statx *st, struct inode **out_ino, struct file **out)
{
    int err = host_inode_make(dir->super, host_inode_of(dir), name, st, -1, out_ino);
    if (err) {
        ocall_close(fd);
        return err;
    }
    err = host_file_make(*out_ino, fd, flags, out);
    if (err)
        inode_put(*out_ino);
    return err;
}

/* Nobody reads the FIFO outside: if it is ours, somebody may in here. */
static int open_ours(struct inode *dir, const char *name, uint32_t flags, struct inode **out_ino,
                     struct file **out)
{
    struct inode *i = host_fifo_ours(dir, name);
    if (!i)
        return -ENXIO;
    int err = pipe_open_fifo(i, flags, out);
    if (err)
        inode_put(i);
    else
        *out_ino = i;
    return err;
}

int host_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                 struct inode **out_ino, struct file **out)
{
    struct said_open kept;
    bool reads = only_reads(flags);
    if (reads && said_open(dir, name, &kept))
        return kept.err ? kept.err : open_kept(&kept, flags, out_ino, out);
    struct said_answer a = {.news = !reads};
    struct request r = {flags, mode, host_flags(flags)};
    long fd = open_ask(dir, name, &r, &a);
    a.err = fd < 0 ? (int)fd : 0;
    struct said_ref ref = said_answer(dir, name, &a);
    if (a.err == -ENXIO)
        return open_ours(dir, name, flags, out_ino, out);
    if (a.err)
        return a.err;
    int err = file_of_fd(dir, name, (int)fd, flags, &a.st, out_ino, out);
    if (err || !S_ISREG(a.st.stx_mode))
        return err;
    if (flags & O_TRUNC)
        host_shared_cut(*out_ino, 0);
    struct host_file *hf = host_file_of(*out);
    hf->said = ref;
    hf->reusable = reads;
    hf->append_only = r.host & O_APPEND;
    host_size_note(hf, (int64_t)a.st.stx_size);
    return 0;
}
