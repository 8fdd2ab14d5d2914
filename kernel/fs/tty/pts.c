/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev/pts: the names of slaves, and their numbers.
 *
 * There is one file system of this kind, wherever it is mounted.  A slave's name is there from the
 * master's opening to its closing; the number is taken until the last file of the pair has gone, so
 * that a new pair never has the name of one that somebody still uses.  Numbers that the host's
 * terminals have, by which the program may know its standard streams, are left out.
 *
 * Lock: ptys_lock (spin) guards the list of pairs, which is in order of numbers.
 */
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>

#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/fs/tty/pty_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/string.h"

#define DEVPTS_MAGIC 0x1cd1
#define ROOT_INO 1
#define PTMX_INO 2
#define SLAVE_INO 3         /* and the number */
#define PTS_DIR "/dev/pts/" /* where the host has its own */
#define SLAVE_MODE (S_IFCHR | 0620)
#define TTY_GID 5
#define NAME_SIZE 12

static struct spinlock ptys_lock = {0};
static struct list ptys = LIST_INIT(ptys); /* [p] by number */
static unsigned nptys;                     /* [p] */
static struct super *the_super;            /* [I] once mounted */
static ktime_t born;                       /* [I] */

static const struct inode_ops root_ops, ptmx_ops, slave_inode_ops;

/* Numbers. */

static bool number_is_hosts(unsigned n)
{
    char name[32];
    snprintf(name, sizeof(name), PTS_DIR "%u", n);
    return host_tty_named(name);
}

/* Gives p the lowest free number, and a name. */
static int number_take(struct pty *p)
{
    unsigned n = 0;
    spin_lock(&ptys_lock);
    if (nptys == PTY_MAX) {
        spin_unlock(&ptys_lock);
        return -ENOSPC;
    }
    struct list *at = ptys.next;
    for (;; n++) {
        if (number_is_hosts(n))
            continue;
        if (at == &ptys || list_entry(at, struct pty, link)->index != n)
            break;
        at = at->next;
    }
    p->index = n;
    p->named = true;
    list_add_between(&p->link, at->prev, at);
    nptys++;
    spin_unlock(&ptys_lock);
    return 0;
}

unsigned pty_count(void)
{
    return __atomic_load_n(&nptys, __ATOMIC_RELAXED);
}

void pts_free_number(struct pty *p)
{
    spin_lock(&ptys_lock);
    list_del(&p->link);
    nptys--;
    spin_unlock(&ptys_lock);
}

void pts_unname(struct pty *p)
{
    char name[NAME_SIZE];
    struct mutex *names = &the_super->root->names;
    mutex_lock(names); /* so that no walk has found it and not yet put it into the cache */
    spin_lock(&ptys_lock);
    p->named = false;
    spin_unlock(&ptys_lock);
    snprintf(name, sizeof(name), "%u", p->index);
    vfs_top_forget(the_super, name);
    mutex_unlock(names);
}

/* Pairs. */

static void pty_free(struct pty *p)
{
    ldisc_fini(&p->ldisc);
    if (p->shown.buf)
        kpages_free(p->shown.buf, PTY_SHOWN_SIZE / PAGE_SIZE);
    if (p->typed.buf)
        kpages_free(p->typed.buf, PTY_TYPED_SIZE / PAGE_SIZE);
    kfree(p);
}

static int buffers_init(struct pty *p)
{
    p->shown.size = PTY_SHOWN_SIZE;
    p->shown.buf = kpages_alloc(PTY_SHOWN_SIZE / PAGE_SIZE);
    p->typed.size = PTY_TYPED_SIZE;
    p->typed.buf = kpages_alloc(PTY_TYPED_SIZE / PAGE_SIZE);
    return p->shown.buf && p->typed.buf ? 0 : -ENOMEM;
}

int pts_new(struct pty **out)
{
    struct pty *p = the_super ? kzalloc(sizeof(*p)) : NULL;
    if (!p)
        return the_super ? -ENOMEM : -ENODEV;
    list_init(&p->slaves);
    list_init(&p->link);
    mutex_init(&p->lock);
    p->locked = true;
    p->uid = current_cred()->fsuid;
    p->gid = TTY_GID;
    p->atime = p->mtime = p->ctime = clock_real();
    int err = ldisc_init(&p->ldisc, &pty_hooks);
    if (err) {
        kfree(p);
        return err;
    }
    err = buffers_init(p);
    if (!err)
        err = number_take(p);
    if (err) {
        pty_free(p);
        return err;
    }
    inode_init(&p->inode, the_super, &slave_inode_ops, SLAVE_MODE, SLAVE_INO + p->index);
    p->inode.rdev = FS_RDEV(PTY_SLAVE_MAJOR, p->index);
    tty_init(&p->tty, &pty_tty_ops, p->inode.rdev);
    *out = p;
    return 0;
}

int pts_open(struct pty *p, uint32_t flags, struct file **out)
{
    char name[NAME_SIZE];
    snprintf(name, sizeof(name), "%u", p->index);
    return vfs_top_open(the_super, name, flags, out);
}

/* Inodes. */

static struct pty *pty_of_inode(struct inode *i)
{
    return container_of(i, struct pty, inode);
}

static int root_lookup(struct inode *dir, const char *name, struct inode **out)
{
    char text[NAME_SIZE];
    (void)dir;
    if (!strcmp(name, "ptmx")) {
        *out = kzalloc(sizeof(**out));
        if (!*out)
            return -ENOMEM;
        inode_init(*out, the_super, &ptmx_ops, S_IFCHR, PTMX_INO);
        (*out)->rdev = FS_RDEV(5, 2);
        return 0;
    }
    int err = -ENOENT;
    spin_lock(&ptys_lock);
    list_for_each(it, &ptys) {
        struct pty *p = list_entry(it, struct pty, link);
        snprintf(text, sizeof(text), "%u", p->index);
        if (p->named && !strcmp(text, name)) {
            *out = inode_get(&p->inode);
            err = 0;
            break;
        }
    }
    spin_unlock(&ptys_lock);
    return err ? host_terminal_find(the_super, PTS_DIR, name, out) : 0;
}

/* The first named slave with a number >= n, or -1. */
static int next_number(int64_t n)
{
    int found = -1;
    spin_lock(&ptys_lock);
    list_for_each(it, &ptys) {
        const struct pty *p = list_entry(it, struct pty, link);
        if (p->named && p->index >= (uint64_t)n) {
            found = (int)p->index;
            break;
        }
    }
    spin_unlock(&ptys_lock);
    return found;
}

/* Positions: ".", "..", ptmx, and 3 + number. */
static int root_iterate(struct file *f, struct dir_sink *sink)
{
    static const struct {
        const char *name;
        unsigned ino, type;
    } fixed[] = {{".", ROOT_INO, 4}, {"..", ROOT_INO, 4}, {"ptmx", PTMX_INO, 2}};
    char name[NAME_SIZE];
    for (; f->pos < SLAVE_INO; f->pos++)
        if (!sink->emit(sink, fixed[f->pos].name, strlen(fixed[f->pos].name), fixed[f->pos].ino,
                        fixed[f->pos].type, f->pos + 1))
            return 0;
    for (int n; (n = next_number(f->pos - SLAVE_INO)) >= 0; f->pos = SLAVE_INO + n + 1) {
        size_t len = (size_t)snprintf(name, sizeof(name), "%d", n);
        if (!sink->emit(sink, name, len, SLAVE_INO + (unsigned)n, 2, SLAVE_INO + n + 1))
            break;
    }
    return 0;
}

static const struct file_ops root_file_ops = {.iterate = root_iterate, .lseek = vfs_lseek_dir};

static int root_open(struct inode *i, uint32_t flags, struct file **out)
{
    (void)i;
    *out = file_new(&root_file_ops, flags, NULL);
    return *out ? 0 : -ENOMEM;
}

static int fixed_getattr(struct inode *i, struct statx *st)
{
    fs_stat_fill(st, i, S_ISDIR(i->mode) ? 2 : 1, 0);
    st->stx_atime.tv_sec = st->stx_mtime.tv_sec = st->stx_ctime.tv_sec = born / 1000000000;
    return 0;
}

static int ptmx_open(struct inode *i, uint32_t flags, struct file **out)
{
    (void)i;
    return pty_open_master(flags, out);
}

static void plain_free(struct inode *i)
{
    kfree(i);
}

static int slave_open(struct inode *i, uint32_t flags, struct file **out)
{
    return pty_open_slave(pty_of_inode(i), flags, out);
}

static void time_out(struct statx_timestamp *to, ktime_t *from)
{
    ktime_t t = __atomic_load_n(from, __ATOMIC_RELAXED);
    to->tv_sec = t / 1000000000;
    to->tv_nsec = (uint32_t)(t % 1000000000);
}

static int slave_getattr(struct inode *i, struct statx *st)
{
    struct pty *p = pty_of_inode(i);
    fs_stat_fill(st, i, 1, 0);
    st->stx_blksize = 1024;
    mutex_lock(&i->lock);
    st->stx_uid = p->uid;
    st->stx_gid = p->gid;
    mutex_unlock(&i->lock);
    time_out(&st->stx_atime, &p->atime);
    time_out(&st->stx_mtime, &p->mtime);
    time_out(&st->stx_ctime, &p->ctime);
    return 0;
}

static int slave_setattr(struct inode *i, const struct setattr *a)
{
    struct pty *p = pty_of_inode(i);
    mutex_lock(&i->lock);
    if (a->mask & SETATTR_MODE)
        i->mode = S_IFCHR | (a->mode & 07777);
    if (a->mask & SETATTR_UID)
        p->uid = a->uid;
    if (a->mask & SETATTR_GID)
        p->gid = a->gid;
    mutex_unlock(&i->lock);
    if (a->mask & SETATTR_ATIME)
        __atomic_store_n(&p->atime, a->atime.sec * 1000000000 + a->atime.nsec, __ATOMIC_RELAXED);
    if (a->mask & SETATTR_MTIME)
        __atomic_store_n(&p->mtime, a->mtime.sec * 1000000000 + a->mtime.nsec, __ATOMIC_RELAXED);
    __atomic_store_n(&p->ctime, clock_real(), __ATOMIC_RELAXED);
    return 0;
}

static void slave_free(struct inode *i)
{
    pty_free(pty_of_inode(i));
}

static const struct inode_ops root_ops = {
    .lookup = root_lookup, .open = root_open, .getattr = fixed_getattr, .free = plain_free};
static const struct inode_ops ptmx_ops = {
    .open = ptmx_open, .getattr = fixed_getattr, .free = plain_free};
static const struct inode_ops slave_inode_ops = {
    .open = slave_open, .getattr = slave_getattr, .setattr = slave_setattr, .free = slave_free};

static int pts_statfs(struct super *sb, struct statfs_info *out)
{
    (void)sb;
    *out = (struct statfs_info){.type = DEVPTS_MAGIC, .bsize = 4096, .namelen = NAME_MAX};
    return 0;
}

static const struct super_ops pts_super_ops = {.statfs = pts_statfs};

static int pts_mount(const char *source, unsigned flags, struct super **out)
{
    static struct super super = {.type = "devpts", .ops = &pts_super_ops};
    (void)source;
    if (!the_super) {
        struct inode *root = kzalloc(sizeof(*root));
        if (!root)
            return -ENOMEM;
        super.flags = flags;
        super.dev = fs_dev_new();
        inode_init(root, &super, &root_ops, S_IFDIR | 0755, ROOT_INO);
        super.root = root;
        the_super = &super;
        born = clock_real();
    }
    *out = the_super;
    return 0;
}

void devpts_fs_init(void)
{
    static struct fs_type type = {.name = "devpts", .mount = pts_mount};
    fs_type_register(&type);
}
