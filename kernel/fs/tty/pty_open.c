/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs: opening, closing and hanging up (see pty_impl.h). */
#include <linux/errno.h>
#include <linux/eventpoll.h>

#include "kernel/fs/host/host.h"
#include "kernel/fs/tty/pty_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"

/* A file that holds nothing of the pair yet. */
static struct pty_file *file_for(struct pty *p, const struct file_ops *ops, uint32_t flags)
{
    struct pty_file *pf = kzalloc(sizeof(*pf));
    if (!pf)
        return NULL;
    file_init(&pf->file, ops, flags);
    list_init(&pf->link);
    pf->pty = p;
    return pf;
}

/* The terminal's reference is the caller's, or another one is taken. */
static void file_counts(struct pty *p)
{
    __atomic_add_fetch(&p->files, 1, __ATOMIC_RELAXED);
}

static void file_gone(struct pty *p)
{
    if (!__atomic_sub_fetch(&p->files, 1, __ATOMIC_ACQ_REL))
        pts_free_number(p);
    tty_put(&p->tty);
}

int pty_open_master(uint32_t flags, struct file **out)
{
    struct pty *p;
    int err = pts_new(&p);
    if (err)
        return err;
    struct pty_file *pf = file_for(p, &pty_master_ops, flags);
    file_counts(p);
    if (!pf) {
        pts_unname(p);
        file_gone(p);
        return -ENOMEM;
    }
    p->master = &pf->file;
    *out = &pf->file;
    return 0;
}

static int slave_may_open(const struct pty *p)
{
    if (!p->master || p->locked)
        return -EIO;
    return p->exclusive && !capable(CAP_SYS_ADMIN) ? -EBUSY : 0;
}

int pty_open_slave(struct pty *p, uint32_t flags, struct file **out)
{
    struct pty_file *pf = file_for(p, &pty_slave_ops, flags);
    if (!pf)
        return -ENOMEM;
    mutex_lock(&p->lock);
    int err = slave_may_open(p);
    if (!err) { /* there is a master: so the pair and its terminal are in use, not only their name */
        list_add_tail(&p->slaves, &pf->link);
        p->nslaves++;
        p->slave_gone = false;
        file_counts(p);
        tty_get(&p->tty);
    }
    mutex_unlock(&p->lock);
    if (err) {
        file_unborn(&pf->file);
        return err;
    }
    tty_opened(&p->tty, flags);
    *out = &pf->file;
    return 0;
}

/* All that have the slave open see the end. */
static void hangup(struct pty *p)
{
    struct list *it;
    while ((it = list_pop(&p->slaves)))
        file_wake(&list_entry(it, struct pty_file, link)->file, PTY_EV_ALL);
    p->nslaves = 0;
}

void pty_master_release(struct file *f)
{
    struct pty *p = pty_of(f);
    pts_unname(p);
    mutex_lock(&p->lock);
    p->master = NULL;
    hangup(p);
    mutex_unlock(&p->lock);
    tty_hangup(&p->tty);
    file_gone(p);
}

void pty_slave_release(struct file *f)
{
    struct pty *p = pty_of(f);
    mutex_lock(&p->lock);
    if (!pty_hung_up(f)) {
        list_del(&pty_file_of(f)->link);
        if (!--p->nslaves) {
            p->slave_gone = true;
            p->exclusive = false;
            pty_wake_master(p, PTY_EV_IN | EPOLLHUP);
        }
    }
    mutex_unlock(&p->lock);
    file_gone(p);
}

static bool pty_tostop(struct tty *t)
{
    return container_of(t, struct pty, tty)->ldisc.t.c_lflag & TOSTOP;
}

static int pty_open_again(struct tty *t, uint32_t flags, struct file **out)
{
    return pty_open_slave(container_of(t, struct pty, tty), flags, out);
}

/* The settings are those of a new terminal for whoever opens it next. */
static void pty_cut(struct tty *t)
{
    struct pty *p = container_of(t, struct pty, tty);
    mutex_lock(&p->lock);
    hangup(p);
    ldisc_reset(&p->ldisc);
    mutex_unlock(&p->lock);
}

static void pty_tty_free(struct tty *t)
{
    inode_put(&container_of(t, struct pty, tty)->inode);
}

const struct tty_ops pty_tty_ops = {
    .open = pty_open_again,
    .tostop = pty_tostop,
    .hangup = pty_cut,
    .free = pty_tty_free,
};

int tty_open_current(uint32_t flags, struct file **out)
{
    struct tty *t = tty_current();
    if (!t)
        return host_tty_open_late(flags, out);
    int err = t->ops->open(t, flags, out);
    tty_put(t);
    return err;
}
