/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCM_RIGHTS: see rights.h.
 *
 * The collector works like Linux's: sockets whose every reference is in flight are candidates;
 * what candidates hold does not count; a candidate that is still counted is held by somebody
 * outside, and so is all that it can reach.  The rest is garbage: its queues are emptied, which
 * lets the files go.
 */
#include "kernel/net/rights.h"

#include <linux/resource.h>

#include "kernel/proc/id/cred.h"
#include "kernel/proc/id/user.h"
#include "kernel/vfs/vfs_impl.h"

struct spinlock rights_lock;
static struct list flying = LIST_INIT(flying);   /* [rights_lock] sockets in flight */
static struct list dropped = LIST_INIT(dropped); /* [rights_lock] rights whose files go next */
static bool dropping;                            /* [rights_lock] a thread is at it */

/* The socket of a file that may hold rights itself, or NULL. */
static struct socket *holder_of(struct file *f)
{
    return file_is_socket(f) && socket_of(f)->ops->each_rights ? socket_of(f) : NULL;
}

static void flight_begin_locked(const struct rights *r) REQUIRES(rights_lock)
{
    for (unsigned i = 0; i < r->n; i++) {
        struct socket *s = holder_of(r->file[i]);
        if (s && !s->inflight++)
            list_add_tail(&flying, &s->flying_link);
    }
    r->user->in_flight += r->n;
}

static void flight_end_locked(const struct rights *r) REQUIRES(rights_lock)
{
    for (unsigned i = 0; i < r->n; i++) {
        struct socket *s = holder_of(r->file[i]);
        if (s && !--s->inflight)
            list_del(&s->flying_link);
    }
    r->user->in_flight -= r->n;
}

/* As in Linux, the message that passes the limit still goes. */
static bool too_many(void) REQUIRES(rights_lock)
{
    const struct process *p = current_process();
    return !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN) &&
           current_cred()->user->in_flight > p->rlimits[RLIMIT_NOFILE].rlim_cur;
}

static void rights_free(struct rights *r)
{
    user_put(r->user);
    kfree(r);
}

int rights_new(const int *fds, unsigned n, struct rights **out)
{
    if (n > RIGHTS_MAX)
        return -EINVAL;
    struct rights *r = kmalloc(sizeof(*r) + n * sizeof(struct file *));
    if (!r)
        return -ENOMEM;
    int err = 0;
    list_init(&r->link);
    r->user = user_get(current_cred()->user);
    for (r->n = 0; r->n < n; r->n++) {
        err = fd_lookup(fds[r->n], true, &r->file[r->n]);
        if (err)
            break;
    }
    spin_lock(&rights_lock);
    if (!err && too_many())
        err = -ETOOMANYREFS;
    if (!err)
        flight_begin_locked(r);
    spin_unlock(&rights_lock);
    if (!err) {
        *out = r;
        return 0;
    }
    for (unsigned i = 0; i < r->n; i++)
        file_put(r->file[i]);
    rights_free(r);
    return err;
}

struct rights *rights_clone(const struct rights *r)
{
    struct rights *c = kmalloc(sizeof(*c) + r->n * sizeof(struct file *));
    if (!c)
        return NULL;
    list_init(&c->link);
    c->user = user_get(r->user);
    c->n = r->n;
    for (unsigned i = 0; i < r->n; i++)
        c->file[i] = file_get(r->file[i]);
    flight_begin_locked(c);
    return c;
}

/*
 * Putting a file may close a socket whose queue holds more rights, and so on: a thread that drops
 * leaves what comes up meanwhile to the loop that it is in, or that another thread is in.
 */
void rights_drop(struct rights *r)
{
    struct list *it;
    if (!r)
        return;
    spin_lock(&rights_lock);
    flight_end_locked(r);
    list_add_tail(&dropped, &r->link);
    bool busy = dropping;
    dropping = true;
    while (!busy && (it = list_pop(&dropped))) {
        r = list_entry(it, struct rights, link);
        spin_unlock(&rights_lock);
        for (unsigned i = 0; i < r->n; i++)
            file_put(r->file[i]);
        rights_free(r);
        spin_lock(&rights_lock);
    }
    if (!busy)
        dropping = false;
    spin_unlock(&rights_lock);
}

unsigned rights_install(struct rights *r, unsigned max, bool cloexec, uaddr_t fds)
{
    unsigned given = 0;
    spin_lock(&rights_lock);
    flight_end_locked(r);
    spin_unlock(&rights_lock);
    for (unsigned i = 0; i < r->n; i++) {
        if (given != i || given == max) {
            file_put(r->file[i]);
            continue;
        }
        int fd = fd_install(r->file[i], cloexec, 0);
        if (fd < 0)
            continue;
        if (copy_out(fds + given * sizeof(fd), &fd, sizeof(fd)))
            (void)!fd_close(fd);
        else
            given++;
    }
    rights_free(r);
    return given;
}

/* The collector. */

static void child_uncount(struct rights *r, void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < r->n; i++) {
        struct socket *s = holder_of(r->file[i]);
        if (s && s->candidate)
            s->inflight_outside--;
    }
}

/* What a reachable socket holds is reachable: it goes to the list (arg) of those to be looked at. */
static void child_reach(struct rights *r, void *arg)
{
    for (unsigned i = 0; i < r->n; i++) {
        struct socket *s = holder_of(r->file[i]);
        if (!s || !s->candidate)
            continue;
        s->candidate = false;
        list_add_tail(arg, &s->gc_link);
    }
}

static void child_take(struct rights *r, void *arg)
{
    list_add_tail(arg, &r->link);
}

static void candidates_find(void) REQUIRES(rights_lock)
{
    list_for_each(it, &flying) {
        struct socket *s = list_entry(it, struct socket, flying_link);
        s->candidate = __atomic_load_n(&s->file.ref.count, __ATOMIC_ACQUIRE) == s->inflight;
        s->inflight_outside = s->inflight;
    }
    list_for_each(it, &flying) {
        struct socket *s = list_entry(it, struct socket, flying_link);
        if (s->candidate)
            s->ops->each_rights(s, child_uncount, NULL);
    }
}

void rights_collect(void)
{
    struct list reached = LIST_INIT(reached), garbage = LIST_INIT(garbage);
    struct list *it;
    spin_lock(&rights_lock);
    if (list_empty(&flying)) {
        spin_unlock(&rights_lock);
        return;
    }
    candidates_find();
    list_for_each(l, &flying) {
        struct socket *s = list_entry(l, struct socket, flying_link);
        if (s->candidate && s->inflight_outside) {
            s->candidate = false;
            list_add_tail(&reached, &s->gc_link);
        }
    }
    while ((it = list_pop(&reached))) {
        struct socket *s = list_entry(it, struct socket, gc_link);
        s->ops->each_rights(s, child_reach, &reached);
    }
    list_for_each(l, &flying) {
        struct socket *s = list_entry(l, struct socket, flying_link);
        if (s->candidate)
            s->ops->take_rights(s, child_take, &garbage);
    }
    spin_unlock(&rights_lock);
    while ((it = list_pop(&garbage)))
        rights_drop(list_entry(it, struct rights, link));
}
