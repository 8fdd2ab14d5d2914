/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Open directories of the host.  Records come in pieces of HOST_DENTS_SIZE into kernel memory and are
 * checked one by one.  A position is the host's offset cookie; when the program seeks, what is
 * buffered is thrown away and the host seeks.
 */
#include "kernel/fs/host/host_impl.h"

struct host_dir {
    struct host_file hf; /* first */
    char *buf;           /* [pos_lock] HOST_DENTS_SIZE bytes, allocated at the first read */
    size_t len, at;      /* [pos_lock] what is in it, what of that was handed out */
    int64_t next;        /* [pos_lock] the position of buf[at] */
};

static struct host_dir *host_dir_of(struct file *f)
{
    return container_of(host_file_of(f), struct host_dir, hf);
}

int host_dirfile_new(int fd, uint32_t flags, struct host_file **out)
{
    struct host_dir *d = kzalloc(sizeof(*d));
    if (!d)
        return -ENOMEM;
    file_init(&d->hf.file, &host_dir_ops, flags);
    d->hf.fd = fd;
    *out = &d->hf;
    return 0;
}

/* Makes sure that buf[at] is the record at the file's position, if there is any: bytes there, 0 at the end. */
static long dir_fill(struct file *f, struct host_dir *d)
{
    if (f->pos != d->next) {
        int64_t ret = ocall_lseek(d->hf.fd, f->pos, SEEK_SET);
        if (ret < 0)
            return ret;
        d->next = f->pos;
        d->at = d->len = 0;
    }
    if (d->at < d->len)
        return 1;
    if (!d->buf)
        d->buf = kmalloc(HOST_DENTS_SIZE);
    if (!d->buf)
        return -ENOMEM;
    long n = ocall_getdents(d->hf.fd, d->buf, HOST_DENTS_SIZE);
    d->at = 0;
    d->len = n > 0 ? (size_t)n : 0;
    return n;
}

static int dir_iterate(struct file *f, struct dir_sink *sink)
{
    struct host_dir *d = host_dir_of(f);
    struct host_dirent e;
    long n;
    while ((n = dir_fill(f, d)) > 0) {
        size_t at = d->at;
        int ret = host_dirent_next(d->buf, d->len, &at, &e);
        if (ret < 0)
            return ret;
        if (ret && !sink->emit(sink, e.name, e.len, e.ino, e.type, e.next))
            return 0;
        d->at = at;
        d->next = e.next;
        f->pos = e.next;
    }
    return (int)n;
}

static int dir_fsync(struct file *f, bool data_only)
{
    return ocall_fsync(host_file_of(f)->fd, data_only);
}

static void dir_release(struct file *f)
{
    kfree(host_dir_of(f)->buf);
    host_file_release(f);
}

const struct file_ops host_dir_ops = {
    .iterate = dir_iterate,
    .lseek = vfs_lseek_dir,
    .fsync = dir_fsync,
    .getattr = host_file_getattr,
    .release = dir_release,
};
