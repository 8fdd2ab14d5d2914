/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of the file systems put in place of the rest of the kernel, on top of the VFS's
 * stubs: host memory that is plain memory, a log that is kept, a directory sink that collects names.
 *
 * Include it first, then the .c files under test.
 */
#ifndef KERNEL_FS_TEST_STUBS_H
#define KERNEL_FS_TEST_STUBS_H

#include "kernel/vfs/test/stubs.h"

#include "kernel/boot/args.h"
#include "kernel/fs/fs.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/vfs/uio.c"

static struct boot_args stub_boot_args = {.ncpu = 2};
struct kernel kernel = {.boot_args = &stub_boot_args};

static char stub_log[1024];
static unsigned stub_log_lines;

static size_t stub_headroom = SIZE_MAX; /* pages that caches may still take */

bool mutex_trylock(struct mutex *m) NO_TSA
{
    if (m->held)
        return false;
    m->held = 1;
    return true;
}

size_t mm_headroom(void);
size_t mm_headroom(void)
{
    return stub_headroom;
}

void log_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(stub_log, sizeof(stub_log), fmt, ap);
    va_end(ap);
    stub_log_lines++;
}

void log_debug(const char *fmt, ...)
{
    (void)fmt;
}

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

void fs_type_register(struct fs_type *t)
{
    (void)t;
}

uint64_t fs_dev_new(void)
{
    return 7;
}

void fs_stat_fill(struct statx *st, const struct inode *i, uint32_t nlink, int64_t size)
{
    st->stx_mode = (uint16_t)i->mode;
    st->stx_ino = i->ino;
    st->stx_nlink = nlink;
    st->stx_size = (uint64_t)size;
}

void fs_complain_once(void)
{
}

int fs_mmap_check(struct file *f, unsigned prot, unsigned flags)
{
    (void)f;
    (void)prot;
    (void)flags;
    return 0;
}

/* Files and inodes as the VFS makes and ends them, without names and locks. */

void file_init(struct file *f, const struct file_ops *ops, uint32_t flags)
{
    f->ops = ops;
    f->flags = flags;
    ref_init(&f->ref);
}

struct file *file_new(const struct file_ops *ops, uint32_t flags, const char *name)
{
    struct file *f = kzalloc(sizeof(*f));
    if (f)
        file_init(f, ops, flags);
    (void)name;
    return f;
}

void file_put(struct file *f)
{
    if (!ref_put(&f->ref))
        return;
    if (f->ops->release)
        f->ops->release(f);
    if (f->inode)
        inode_put(f->inode);
    kfree(f);
}

int64_t vfs_lseek_default(struct file *f, int64_t off, int whence, int64_t size)
{
    f->pos = whence == SEEK_END ? size + off : whence == SEEK_CUR ? f->pos + off : off;
    return f->pos;
}

int64_t vfs_lseek_dir(struct file *f, int64_t off, int whence)
{
    return vfs_lseek_default(f, off, whence, 0);
}

void inode_init(struct inode *i, struct super *sb, const struct inode_ops *ops, uint32_t mode,
                uint64_t ino)
{
    i->ops = ops;
    i->super = sb;
    ref_init(&i->ref);
    i->mode = mode;
    i->ino = ino;
}

void inode_put(struct inode *i)
{
    if (ref_put(&i->ref))
        i->ops->free(i);
}

/* A directory's names, each followed by a space. */
struct stub_sink {
    struct dir_sink sink;
    char names[8192];
    int room; /* entries that it takes */
};

static inline bool stub_emit(struct dir_sink *s, const char *name, size_t len, uint64_t ino,
                             unsigned type, int64_t next)
{
    struct stub_sink *k = container_of(s, struct stub_sink, sink);
    (void)ino;
    (void)type;
    (void)next;
    if (k->room-- <= 0)
        return false;
    snprintf(k->names + strlen(k->names), sizeof(k->names) - strlen(k->names), "%.*s ", (int)len,
             name);
    return true;
}

/* Kernel memory as a uio. */
struct stub_uio {
    struct uio u;
    struct uio_seg seg;
};

static inline struct uio *stub_uio(struct stub_uio *s, void *buf, size_t n)
{
    uio_init_kernel(&s->u, &s->seg, buf, n);
    return &s->u;
}

/* Program memory as a uio. */
static inline struct uio *stub_user(struct stub_uio *s, const void *buf, size_t n)
{
    uio_init_one(&s->u, &s->seg, (uaddr_t)buf, n);
    return &s->u;
}

#endif
