/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX message queues: messages in and out.
 *
 * Messages are ordered by priority, then by age.  One that comes while a receiver sleeps goes to it and not
 * into the queue; one that leaves a full queue makes room for that of the sender that has slept
 * longest, which is put in at once.  So sleepers find their result when they wake (sleeper.h).
 *
 * Lock: the queue's, for moving pointers.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "kernel/ipc/message.h"
#include "kernel/ipc/mqueue_impl.h"
#include "kernel/ipc/sleeper.h"
#include "kernel/sched/time.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs_impl.h"

#include "kernel/sys/syscalls.h"

struct mq_sleeper {
    struct sleeper s;        /* first */
    struct message *message; /* [l] what is sent, or was received */
};

static struct message *message_of(struct tree_node *n)
{
    return n ? tree_entry(n, struct message, node) : NULL;
}

/* The one to be received first comes first. */
int mqueue_cmp(const struct tree_node *a, const struct tree_node *b)
{
    const struct message *x = tree_entry(a, const struct message, node);
    const struct message *y = tree_entry(b, const struct message, node);

    if (x->type != y->type)
        return x->type > y->type ? -1 : 1;
    return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static bool is_full_locked(const struct mqueue *q) REQUIRES(q->lock)
{
    return (int64_t)q->messages.count >= q->max;
}

static void insert_locked(struct mqueue *q, struct message *m) REQUIRES(q->lock)
{
    m->sequence = ++q->sequence;
    tree_insert(&q->messages, &m->node);
    q->bytes += m->len;
}

static struct message *first_locked(struct mqueue *q) REQUIRES(q->lock)
{
    struct message *m = message_of(tree_first(&q->messages));

    if (m) {
        tree_remove(&q->messages, &m->node);
        q->bytes -= m->len;
    }
    return m;
}

static struct mq_sleeper *longest(const struct list *queue)
{
    return list_empty(queue) ? NULL : list_entry(queue->next, struct mq_sleeper, s.link);
}

/* There is room, or a receiver. */
static void put_locked(struct mqueue *q, struct message *m, struct mq_notice *notice)
    REQUIRES(q->lock)
{
    struct mq_sleeper *receiver = longest(&q->receivers);

    if (receiver) {
        receiver->message = m;
        sleeper_finish(&receiver->s, 0);
        return;
    }
    insert_locked(q, m);
    if (q->messages.count == 1)
        *notice = mq_notice_take_locked(q);
    mqueue_wake_locked(q, EPOLLIN | EPOLLRDNORM);
}

static void refill_locked(struct mqueue *q) REQUIRES(q->lock)
{
    struct mq_sleeper *sender = longest(&q->senders);

    if (sender) {
        insert_locked(q, sender->message);
        sleeper_finish(&sender->s, 0);
    } else {
        mqueue_wake_locked(q, EPOLLOUT | EPOLLWRNORM);
    }
}

void mqueue_empty(struct mqueue *q)
{
    struct message *m;

    spin_lock(&q->lock);
    while ((m = first_locked(q)))
        message_put(m);
    spin_unlock(&q->lock);
}

/* How long a call may wait: CLOCK_REALTIME as the program has it, CLOCK_MONOTONIC here. */
static int deadline_in(uaddr_t abs_timeout, ktime_t *out)
{
    ktime_t when;

    *out = KTIME_NEVER;
    if (!abs_timeout)
        return 0;
    int err = timespec_take(abs_timeout, &when);
    if (!err && when != KTIME_NEVER)
        *out = time_add(clock_mono(), when - clock_real());
    return err;
}

/* The queue behind a descriptor that may be used so; *f is a reference then. */
static int queue_of_fd(int fd, bool write, struct file **f, struct mqueue **q)
{
    int err = fd_lookup(fd, false, f);
    if (err)
        return err;
    *q = mqueue_of_file(*f);
    if (*q && (write ? FMODE_WRITE(*f) : FMODE_READ(*f)))
        return 0;
    file_put(*f);
    return *q ? reject(-EBADF, "not opened for this") : reject(-EBADF, "not a message queue");
}

/* Takes m over on success. */
static int send(struct mqueue *q, struct message *m, bool nonblock, ktime_t deadline)
{
    struct mq_sleeper s = {.message = m};
    struct mq_notice notice = {0};
    int err = 0;

    spin_lock(&q->lock);
    if (!is_full_locked(q))
        put_locked(q, m, &notice);
    else if (nonblock)
        err = -EAGAIN;
    else
        err = sleeper_wait(&s.s, &q->senders, &q->lock, deadline);
    spin_unlock(&q->lock);
    mq_notice_deliver(&notice);
    if (!err)
        mqueue_touch(q, true);
    return err;
}

static int receive(struct mqueue *q, struct message **out, bool nonblock, ktime_t deadline)
{
    struct mq_sleeper s = {0};
    int err = 0;

    spin_lock(&q->lock);
    bool full = is_full_locked(q);
    s.message = first_locked(q);
    if (s.message && full)
        refill_locked(q);
    else if (!s.message && nonblock)
        err = -EAGAIN;
    else if (!s.message)
        err = sleeper_wait(&s.s, &q->receivers, &q->lock, deadline);
    spin_unlock(&q->lock);
    if (!err)
        mqueue_touch(q, true);
    *out = s.message;
    return err;
}

long sys_mq_timedsend(int mqdes, uaddr_t msg_ptr, size_t msg_len, unsigned msg_prio,
                      uaddr_t abs_timeout)
{
    struct message *m;
    struct mqueue *q;
    struct file *f;
    ktime_t deadline;

    int err = deadline_in(abs_timeout, &deadline);
    if (err)
        return err;
    if (msg_prio >= MQ_PRIO_MAX)
        return reject(-EINVAL, "not a priority");
    err = queue_of_fd(mqdes, true, &f, &q);
    if (err)
        return err;
    if (msg_len > (uint64_t)q->size)
        err = (int)reject(-EMSGSIZE, "longer than the queue's messages");
    else
        err = message_in(msg_ptr, msg_len, msg_prio, &m);
    if (!err) {
        err = send(q, m, f->flags & O_NONBLOCK, deadline);
        if (err)
            message_put(m);
    }
    file_put(f);
    return err;
}

static long message_out(const struct message *m, uaddr_t text, uaddr_t prio)
{
    uint32_t type = (uint32_t)m->type;

    if ((prio && copy_out(prio, &type, sizeof(type))) || copy_out(text, m->text, m->len))
        return -EFAULT;
    return (long)m->len;
}

long sys_mq_timedreceive(int mqdes, uaddr_t msg_ptr, size_t msg_len, uaddr_t msg_prio,
                         uaddr_t abs_timeout)
{
    struct message *m;
    struct mqueue *q;
    struct file *f;
    ktime_t deadline;

    long ret = deadline_in(abs_timeout, &deadline);
    if (!ret)
        ret = queue_of_fd(mqdes, false, &f, &q);
    if (ret)
        return ret;
    if (msg_len < (uint64_t)q->size)
        ret = reject(-EMSGSIZE, "shorter than the queue's messages");
    else
        ret = receive(q, &m, f->flags & O_NONBLOCK, deadline);
    if (!ret) {
        ret = message_out(m, msg_ptr, msg_prio);
        message_put(m);
    }
    file_put(f);
    return ret;
}
