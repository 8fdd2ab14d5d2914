/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev: the devices that every program expects.  null, zero, full, random and urandom live in the
 * enclave; tty is the controlling terminal, ptmx makes pairs whose slaves are in pts, which is mounted
 * (fs/tty/pts.c); stdin, stdout, stderr and fd are links into /proc/self/fd.  The tree is constant.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/random.h>

#include "kernel/fs/fs.h"
#include "kernel/fs/tty/pty.h"
#include "kernel/mm/heap.h"
#include "kernel/sched/clock.h"
#include "kernel/sgx/random.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "lib/string.h"

struct device {
    const char *name;
    uint32_t mode;
    uint64_t rdev;
    const struct file_ops *ops;                     /* character devices in the enclave */
    int (*open)(uint32_t flags, struct file **out); /* … whose files are more than that */
    const char *target;                             /* links */
};

struct dev_inode {
    struct inode inode; /* first */
    const struct device *device;
};

static const struct inode_ops dev_inode_ops;
static ktime_t dev_born; /* [I] the times that stat shows */

/* The devices. */

static int null_read(struct file *f, struct uio *u, int64_t *pos)
{
    (void)f;
    (void)u;
    (void)pos;
    return 0;
}

static int null_write(struct file *f, struct uio *u, int64_t *pos)
{
    (void)f;
    (void)pos;
    uio_skip(u, u->left);
    return 0;
}

static int zero_read(struct file *f, struct uio *u, int64_t *pos)
{
    (void)f;
    (void)pos;
    return uio_zero(u, u->left);
}

static int full_write(struct file *f, struct uio *u, int64_t *pos)
{
    (void)f;
    (void)u;
    (void)pos;
    return -ENOSPC;
}

static int random_read(struct file *f, struct uio *u, int64_t *pos)
{
    uint8_t piece[256];
    int err = 0;
    (void)f;
    (void)pos;
    while (u->left && !err) {
        size_t n = MIN(u->left, sizeof(piece));
        random_bytes(piece, n);
        err = uio_put(u, piece, n);
    }
    memset(piece, 0, sizeof(piece));
    __asm__ volatile("" ::"r"(piece) : "memory");
    return err;
}

static long random_ioctl(struct file *f, unsigned cmd, uaddr_t arg)
{
    int bits = 256;
    (void)f;
    switch (cmd) {
    case RNDGETENTCNT: return copy_out(arg, &bits, sizeof(bits));
    case RNDADDTOENTCNT:
    case RNDADDENTROPY:
    case RNDZAPENTCNT:
    case RNDCLEARPOOL: return -EPERM;
    default: return -ENOTTY;
    }
}

/* lseek on these is allowed and means nothing. */
static int64_t dev_lseek(struct file *f, int64_t off, int whence)
{
    (void)off;
    if (whence > SEEK_END)
        return -EINVAL;
    f->pos = 0;
    return 0;
}

static int zero_mmap(struct file *f, unsigned prot, unsigned flags)
{
    return fs_mmap_check(f, prot, flags);
}

static const struct file_ops null_ops = {
    .read = null_read, .write = null_write, .lseek = dev_lseek};
static const struct file_ops zero_ops = {
    .read = zero_read, .write = null_write, .lseek = dev_lseek, .mmap = zero_mmap};
static const struct file_ops full_ops = {
    .read = zero_read, .write = full_write, .lseek = dev_lseek};
static const struct file_ops random_ops = {
    .read = random_read, .write = null_write, .lseek = dev_lseek, .ioctl = random_ioctl};

#define CHR(n, major, minor, o)                                                        \
    {                                                                                  \
        .name = (n), .mode = S_IFCHR | 0666, .rdev = FS_RDEV(major, minor), .ops = (o) \
    }
#define TTY(n, major, minor, o)                                                         \
    {                                                                                   \
        .name = (n), .mode = S_IFCHR | 0666, .rdev = FS_RDEV(major, minor), .open = (o) \
    }
#define LNK(n, to)                                          \
    {                                                       \
        .name = (n), .mode = S_IFLNK | 0777, .target = (to) \
    }
#define DIR(n)                              \
    {                                       \
        .name = (n), .mode = S_IFDIR | 0755 \
    }

static const struct device devices[] = {
    CHR("null", 1, 3, &null_ops),
    CHR("zero", 1, 5, &zero_ops),
    CHR("full", 1, 7, &full_ops),
    CHR("random", 1, 8, &random_ops),
    CHR("urandom", 1, 9, &random_ops),
    TTY("tty", 5, 0, tty_open_current),
    TTY("ptmx", 5, 2, pty_open_master),
    LNK("fd", "/proc/self/fd"),
    LNK("stdin", "/proc/self/fd/0"),
    LNK("stdout", "/proc/self/fd/1"),
    LNK("stderr", "/proc/self/fd/2"),
    DIR("pts"),
    DIR("shm"),
};
static const struct device root_device = DIR("");

/* Inodes. */

static struct dev_inode *dev_inode_of(struct inode *i)
{
    return container_of(i, struct dev_inode, inode);
}

static int dev_inode_new(struct super *sb, const struct device *d, uint64_t ino, struct inode **out)
{
    struct dev_inode *di = kzalloc(sizeof(*di));
    if (!di)
        return -ENOMEM;
    inode_init(&di->inode, sb, &dev_inode_ops, d->mode, ino);
    di->inode.rdev = d->rdev;
    di->device = d;
    *out = &di->inode;
    return 0;
}

static int dev_lookup(struct inode *dir, const char *name, struct inode **out)
{
    const struct device *d = dev_inode_of(dir)->device;
    if (d != &root_device)
        return -ENOENT;
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        if (!strcmp(devices[i].name, name))
            return dev_inode_new(dir->super, &devices[i], i + 2, out);
    return -ENOENT;
}

static int dev_getattr(struct inode *i, struct statx *st)
{
    const struct device *d = dev_inode_of(i)->device;
    fs_stat_fill(st, i, S_ISDIR(i->mode) ? 2 : 1, d->target ? (int64_t)strlen(d->target) : 0);
    st->stx_atime.tv_sec = st->stx_mtime.tv_sec = st->stx_ctime.tv_sec = dev_born / 1000000000;
    return 0;
}

static int64_t dev_readlink(struct inode *i, char *buf, size_t size)
{
    const char *target = dev_inode_of(i)->device->target;
    size_t n = MIN(strlen(target), size);
    memcpy(buf, target, n);
    return (int64_t)n;
}

static int dev_iterate(struct file *f, struct dir_sink *sink)
{
    bool root = dev_inode_of(f->inode)->device == &root_device;
    int64_t end = 2 + (root ? (int64_t)ARRAY_SIZE(devices) : 0);
    for (; f->pos < end; f->pos++) {
        const struct device *d = f->pos < 2 ? NULL : &devices[f->pos - 2];
        bool taken = d ? sink->emit(sink, d->name, strlen(d->name), (uint64_t)f->pos,
                                    (d->mode & S_IFMT) >> 12, f->pos + 1)
                       : sink->emit(sink, "..", (size_t)f->pos + 1, 1, 4, f->pos + 1);
        if (!taken)
            break;
    }
    return 0;
}

static const struct file_ops dev_dir_ops = {.iterate = dev_iterate, .lseek = vfs_lseek_dir};

static int dev_open(struct inode *i, uint32_t flags, struct file **out)
{
    const struct device *d = dev_inode_of(i)->device;
    if (d->open)
        return d->open(flags, out);
    *out = file_new(S_ISDIR(d->mode) ? &dev_dir_ops : d->ops, flags, NULL);
    return *out ? 0 : -ENOMEM;
}

/* O_TRUNC and truncate(2) do nothing to a device. */
static int dev_setattr(struct inode *i, const struct setattr *a)
{
    (void)i;
    return a->mask & (SETATTR_MODE | SETATTR_UID | SETATTR_GID) ? -EPERM : 0;
}

static void dev_free(struct inode *i)
{
    kfree(dev_inode_of(i));
}

static const struct inode_ops dev_inode_ops = {
    .lookup = dev_lookup,
    .open = dev_open,
    .getattr = dev_getattr,
    .setattr = dev_setattr,
    .readlink = dev_readlink,
    .free = dev_free,
};

static int dev_statfs(struct super *sb, struct statfs_info *out)
{
    (void)sb;
    *out = (struct statfs_info){.type = 0x01021994, .bsize = 4096, .namelen = NAME_MAX};
    return 0;
}

static const struct super_ops dev_super_ops = {.statfs = dev_statfs};

static int dev_mount(const char *source, unsigned flags, struct super **out)
{
    (void)source;
    struct super *sb = kzalloc(sizeof(*sb));
    if (!sb)
        return -ENOMEM;
    *sb = (struct super){
        .type = "devtmpfs", .ops = &dev_super_ops, .flags = flags, .dev = fs_dev_new()};
    int err = dev_inode_new(sb, &root_device, 1, &sb->root);
    if (err) {
        kfree(sb);
        return err;
    }
    dev_born = clock_real();
    *out = sb;
    return 0;
}

void dev_fs_init(void)
{
    static struct fs_type type = {.name = "devtmpfs", .mount = dev_mount};
    fs_type_register(&type);
}
