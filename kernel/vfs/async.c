/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of readiness: see async.h.
 *
 * A file's owner is made once and stays as long as the file; its lock guards the rest.  The one who is
 * told is kept as a number: should it be another's by then, the permission check is what stands in the
 * way, as for kill(2) by whoever called F_SETOWN.
 */
#include "kernel/vfs/async.h"

#include <asm/siginfo.h>

#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"

#define F_OWNER_NONE (-1) /* beside F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP */

struct file_owner {
    struct spinlock lock;
    int type;           /* [l] F_OWNER_* */
    int id;             /* [l] */
    uint32_t uid, euid; /* [l] of who said so */
    int sig;            /* [l] 0: SIGIO */
    int fd;             /* [l] by which O_ASYNC was set, for si_fd; -1: it is not */
};

/* f's owner, made if there is none; NULL: no memory. */
static struct file_owner *owner_of(struct file *f)
{
    struct file_owner *o = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE), *none = NULL;
    if (o)
        return o;
    o = kzalloc(sizeof(*o));
    if (!o)
        return NULL;
    spin_init(&o->lock);
    o->type = F_OWNER_NONE;
    o->fd = -1;
    if (__atomic_compare_exchange_n(&f->owner, &none, o, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return o;
    kfree(o);
    return none;
}

void async_free(struct file *f)
{
    kfree(f->owner);
}

/* Telling. */

struct telling {
    const struct file_owner *owner; /* a copy */
    const siginfo_t *info;          /* NULL: from the kernel, and no more */
    int sig;
};

/* As kill(2) would by whoever called F_SETOWN. */
static bool may_tell(const struct file_owner *o, struct process *p)
{
    const struct cred *c = process_cred_get(p);
    bool may = o->euid == 0 || o->euid == c->suid || o->euid == c->uid || o->uid == c->suid ||
               o->uid == c->uid;
    cred_put(c);
    return may;
}

static void tell_process(struct process *p, struct telling *t)
{
    if (!may_tell(t->owner, p))
        return;
    if (signal_send_process(p, t->sig, t->info) == -EAGAIN)
        (void)!signal_send_process(p, SIGIO, NULL); /* a queue is full: as Linux */
}

static int tell_member(struct process *p, void *arg)
{
    struct telling *t = arg;
    if (p->pgid == t->owner->id)
        tell_process(p, t);
    return 0;
}

static void tell_thread(struct telling *t)
{
    struct thread *to = thread_lookup(t->owner->id);
    if (!to)
        return;
    if (may_tell(t->owner, to->process) && signal_send_thread(to, t->sig, t->info) == -EAGAIN)
        (void)!signal_send_thread(to, SIGIO, NULL);
    thread_put(to);
}

static void tell(struct telling *t)
{
    struct process *p;
    switch (t->owner->type) {
    case F_OWNER_TID: tell_thread(t); break;
    case F_OWNER_PGRP: (void)!process_for_each(tell_member, t); break;
    case F_OWNER_PID:
        p = process_lookup(t->owner->id);
        if (p) {
            tell_process(p, t);
            process_put(p);
        }
        break;
    default: break;
    }
}

/* Do si_codes above 0 mean something else with this signal? */
static bool has_codes(int sig)
{
    return sig == SIGILL || sig == SIGFPE || sig == SIGSEGV || sig == SIGBUS || sig == SIGTRAP ||
           sig == SIGCHLD || sig == SIGSYS;
}

/* SIGIO by itself says nothing; a chosen signal says what happened and where. */
static void tell_io(const struct file_owner *o, int code, long band)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_signo = o->sig;
    info.si_code = has_codes(o->sig) ? SI_SIGIO : code;
    info.si_band = band;
    info.si_fd = o->fd;
    tell(&(struct telling){o, o->sig ? &info : NULL, o->sig ? o->sig : SIGIO});
}

void async_tell(struct file *f, uint32_t events)
{
    static const struct {
        uint32_t events;
        int code;
        long band;
    } kinds[] = {
        {EPOLLIN, POLL_IN, EPOLLIN | EPOLLRDNORM},
        {EPOLLPRI, POLL_PRI, EPOLLPRI | EPOLLRDBAND},
        {EPOLLERR, POLL_ERR, EPOLLERR},
        {EPOLLOUT, POLL_OUT, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND},
    };
    struct file_owner *o = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);
    if (!o || f->ops->async == ASYNC_NO)
        return;
    spin_lock(&o->lock);
    struct file_owner copy = *o;
    spin_unlock(&o->lock);
    if (copy.type == F_OWNER_NONE)
        return;
    if (events & EPOLLPRI && f->ops->async == ASYNC_SOCKET)
        tell(&(struct telling){&copy, NULL, SIGURG}); /* needs no O_ASYNC */
    if (copy.fd < 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (events & kinds[i].events)
            tell_io(&copy, kinds[i].code, kinds[i].band);
}

void async_message(struct file *f, int fd)
{
    struct file_owner *o = __atomic_load_n(&f->owner, __ATOMIC_ACQUIRE);
    if (!o)
        return;
    spin_lock(&o->lock);
    struct file_owner copy = *o;
    spin_unlock(&o->lock);
    copy.fd = fd;
    if (copy.type != F_OWNER_NONE)
        tell_io(&copy, POLL_MSG, EPOLLIN | EPOLLRDNORM | EPOLLMSG);
}

/* Settings. */

int async_switch(struct file *f, int fd, bool on)
{
    if (f->ops->async == ASYNC_NO || (!on && !f->owner))
        return 0;
    struct file_owner *o = owner_of(f);
    if (!o)
        return -ENOMEM;
    spin_lock(&o->lock);
    o->fd = on ? fd : -1;
    spin_unlock(&o->lock);
    if (on && f->ops->poll)
        (void)f->ops->poll(f); /* starts the kind's watch, if it needs one */
    return 0;
}

static int is_member(struct process *p, void *arg)
{
    return p->pgid == *(int *)arg;
}

static bool exists(int type, int id)
{
    struct thread *t;
    struct process *p;
    switch (type) {
    case F_OWNER_TID:
        t = thread_lookup(id);
        if (t)
            thread_put(t);
        return t != NULL;
    case F_OWNER_PID:
        p = process_lookup(id);
        if (p)
            process_put(p);
        return p != NULL;
    default: return process_for_each(is_member, &id);
    }
}

static int owner_set(struct file *f, int type, int id)
{
    const struct cred *c = current_cred();
    if (id && !exists(type, id))
        return -ESRCH;
    struct file_owner *o = owner_of(f);
    if (!o)
        return -ENOMEM;
    spin_lock(&o->lock);
    o->type = id ? type : F_OWNER_NONE;
    o->id = id;
    o->uid = id ? c->uid : 0;
    o->euid = id ? c->euid : 0;
    spin_unlock(&o->lock);
    return 0;
}

int async_owner_default(struct file *f)
{
    struct file_owner *o = owner_of(f);
    if (!o)
        return -ENOMEM;
    spin_lock(&o->lock);
    bool none = o->type == F_OWNER_NONE;
    spin_unlock(&o->lock);
    return none ? owner_set(f, F_OWNER_PID, current_process()->pid) : 0;
}

int async_owner_set(struct file *f, int who)
{
    if (who == INT32_MIN)
        return -EINVAL;
    return who < 0 ? owner_set(f, F_OWNER_PGRP, -who) : owner_set(f, F_OWNER_PID, who);
}

static struct file_owner owner_look(struct file *f)
{
    struct file_owner *o = f->owner, copy = {.type = F_OWNER_NONE, .fd = -1};
    if (o) {
        spin_lock(&o->lock);
        copy = *o;
        spin_unlock(&o->lock);
    }
    if (copy.type != F_OWNER_NONE && !exists(copy.type, copy.id))
        copy.id = 0;
    return copy;
}

int async_owner_get(struct file *f)
{
    struct file_owner o = owner_look(f);
    return o.type == F_OWNER_PGRP ? -o.id : o.id;
}

static long owner_ex_set(struct file *f, uaddr_t arg)
{
    struct f_owner_ex ex;
    if (copy_in(&ex, arg, sizeof(ex)))
        return -EFAULT;
    if (ex.type != F_OWNER_TID && ex.type != F_OWNER_PID && ex.type != F_OWNER_PGRP)
        return -EINVAL;
    return owner_set(f, ex.type, ex.pid);
}

static long owner_ex_get(struct file *f, uaddr_t arg)
{
    struct file_owner o = owner_look(f);
    struct f_owner_ex ex = {.type = MAX(o.type, F_OWNER_TID), .pid = o.id};
    return copy_out(arg, &ex, sizeof(ex)) ? -EFAULT : 0;
}

static long sig_set(struct file *f, unsigned long sig)
{
    if (sig > 64)
        return -EINVAL;
    struct file_owner *o = owner_of(f);
    if (!o)
        return -ENOMEM;
    spin_lock(&o->lock);
    o->sig = (int)sig;
    spin_unlock(&o->lock);
    return 0;
}

long async_fcntl(struct file *f, unsigned cmd, uaddr_t arg)
{
    switch (cmd) {
    case F_SETOWN: return async_owner_set(f, (int)arg);
    case F_GETOWN: return async_owner_get(f);
    case F_SETOWN_EX: return owner_ex_set(f, arg);
    case F_GETOWN_EX: return owner_ex_get(f, arg);
    case F_SETSIG: return sig_set(f, arg);
    case F_GETSIG: return owner_look(f).sig;
    default: {
        struct file_owner o = owner_look(f);
        uint32_t ids[2] = {o.uid, o.euid};
        return copy_out(arg, ids, sizeof(ids)) ? -EFAULT : 0;
    }
    }
}
