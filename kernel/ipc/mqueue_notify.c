/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mq_notify: one process at a time can ask to be told, once, when a message comes into the empty queue and
 * nobody waits for it: by a signal, or (SIGEV_THREAD) by a cookie in a netlink socket, at which a
 * thread of the C library waits.
 *
 * A notice that is due is taken off under the queue's lock and delivered without it.
 */
#include <linux/errno.h>
#include <linux/signal.h>

#include "kernel/ipc/mqueue_impl.h"
#include "kernel/net/netlink.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

#include "kernel/sys/syscalls.h"

#define SIGNAL_MAX 64

struct mq_notice mq_notice_take_locked(struct mqueue *q)
{
    struct mq_notice n = q->notice;

    q->notice = (struct mq_notice){0};
    return n;
}

void mq_notice_drop(struct mq_notice *n)
{
    if (n->owner)
        process_put(n->owner);
    if (n->cookie)
        netlink_cookie_free(n->cookie);
    if (n->socket)
        file_put(n->socket);
    *n = (struct mq_notice){0};
}

/* The socket receives the cookie, whose last byte says why. */
static void cookie_send(struct mq_notice *n, char why)
{
    netlink_cookie_send(n->socket, n->cookie, NOTIFY_COOKIE_LEN - 1, why);
    n->cookie = NULL;
}

static void signal_owner(const struct mq_notice *n)
{
    siginfo_t info;

    siginfo_from_self(&info, n->signo, SI_MESGQ);
    info.si_value = n->value;
    (void)signal_send_process(n->owner, n->signo, &info);
}

void mq_notice_deliver(struct mq_notice *n)
{
    if (!n->owner)
        return;
    if (n->how == SIGEV_SIGNAL && n->signo)
        signal_owner(n);
    else if (n->how == SIGEV_THREAD)
        cookie_send(n, NOTIFY_WOKENUP);
    mq_notice_drop(n);
}

void mq_notice_remove(struct mqueue *q, const struct process *owner)
{
    struct mq_notice n = {0};

    spin_lock(&q->lock);
    if (q->notice.owner && q->notice.owner == owner)
        n = mq_notice_take_locked(q);
    spin_unlock(&q->lock);
    if (n.owner && n.how == SIGEV_THREAD)
        cookie_send(&n, NOTIFY_REMOVED);
    mq_notice_drop(&n);
}

/* SIGEV_THREAD: the socket is in sigev_signo, the cookie where sigev_value points. */
static int thread_notice(const sigevent_t *ev, struct mq_notice *n)
{
    char cookie[NOTIFY_COOKIE_LEN];

    if (copy_in(cookie, (uaddr_t)ev->sigev_value.sival_ptr, sizeof(cookie)))
        return -EFAULT;
    int err = fd_lookup(ev->sigev_signo, false, &n->socket);
    if (err)
        return err;
    return netlink_cookie_new(n->socket, cookie, sizeof(cookie), &n->cookie);
}

/* What a sigevent asks for, but for the owner; to be dropped also after an error. */
static int notice_init(const sigevent_t *ev, struct mq_notice *n)
{
    n->how = ev->sigev_notify;
    n->signo = ev->sigev_signo;
    n->value = ev->sigev_value;
    switch (n->how) {
    case SIGEV_NONE: return 0;
    case SIGEV_SIGNAL:
        return n->signo < 0 || n->signo > SIGNAL_MAX ? reject(-EINVAL, "not a signal") : 0;
    case SIGEV_THREAD: return thread_notice(ev, n);
    default: return reject(-EINVAL, "unknown kind of notification");
    }
}

/* Takes n over on success. */
static int notice_set(struct mqueue *q, struct mq_notice *n)
{
    int err = 0;

    spin_lock(&q->lock);
    if (q->notice.owner) {
        err = -EBUSY;
    } else {
        process_get(current_process());
        n->owner = current_process();
        q->notice = *n;
        *n = (struct mq_notice){0};
    }
    spin_unlock(&q->lock);
    if (!err)
        mqueue_touch(q, false);
    return err;
}

static long notify(int mqdes, struct mq_notice *n)
{
    struct file *f;

    int err = fd_lookup(mqdes, false, &f);
    if (err)
        return err;
    struct mqueue *q = mqueue_of_file(f);
    if (!q)
        err = (int)reject(-EBADF, "not a message queue");
    else if (n)
        err = notice_set(q, n);
    else
        mq_notice_remove(q, current_process());
    file_put(f);
    return err;
}

long sys_mq_notify(int mqdes, uaddr_t notification)
{
    struct mq_notice n = {0};
    sigevent_t ev;

    if (!notification)
        return notify(mqdes, NULL);
    if (copy_in(&ev, notification, sizeof(ev)))
        return -EFAULT;
    long ret = notice_init(&ev, &n);
    if (!ret)
        ret = notify(mqdes, &n);
    mq_notice_drop(&n);
    return ret;
}
