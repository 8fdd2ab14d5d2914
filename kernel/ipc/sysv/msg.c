/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System V message queues: msgget, msgsnd, msgrcv.
 *
 * Messages are copied in before and out after the lock is held, so a queue only moves pointers.  A
 * message goes to the receiver that has slept longest among those that want it, else into the queue; who
 * takes one from the queue puts in what senders that sleep have for it, as far as that fits.  So a
 * sleeper finds its result when it wakes, or -EAGAIN: it has to try again.
 *
 * One spin lock, that of the table, guards all queues.
 */
#include <linux/errno.h>

#include "kernel/ipc/limits.h"
#include "kernel/ipc/message.h"
#include "kernel/ipc/sleeper.h"
#include "kernel/ipc/sysv/msg_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

/* Which messages a receiver wants. */
enum want { WANT_ANY, WANT_TYPE, WANT_OTHER_TYPE, WANT_LOWEST, WANT_NTH };

struct msg_sleeper {
    struct sleeper s; /* first; its result is 0, -errno, or -EAGAIN: try again */
    /* A sender's, until it is in the queue; a receiver's, when it has got one. */
    struct message *message; /* [l] */
    enum want want;
    int64_t type; /* or number, for WANT_NTH */
    size_t room;  /* a message that is longer is an error */
};

struct ipc_ids msg_ids = IPC_IDS_INIT;
struct msg_totals msg_totals;

static struct msg_queue *find_locked(int id) REQUIRES(msg_ids.lock)
{
    return msg_queue_of(ipc_find_locked(&msg_ids, id));
}

/* 0, -EAGAIN: to be tried again, or another error. */
static int sleep_in(struct list *queue, struct msg_sleeper *s) REQUIRES(msg_ids.lock)
{
    int err = sleeper_wait(&s->s, queue, &msg_ids.lock, KTIME_NEVER);
    return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
}

/* The queue. */

static bool wanted(const struct msg_sleeper *s, const struct message *m)
{
    switch (s->want) {
    case WANT_ANY: return true;
    case WANT_TYPE: return m->type == s->type;
    case WANT_OTHER_TYPE: return m->type != s->type;
    case WANT_LOWEST: return m->type <= s->type;
    default: return false; /* does not wait */
    }
}

static bool fits(const struct msg_queue *q, size_t len)
{
    return q->bytes + len <= q->limit && q->count + 1 <= q->limit;
}

static void received_locked(struct msg_queue *q, int pid) REQUIRES(msg_ids.lock)
{
    q->lrpid = pid;
    q->rtime = ipc_now();
}

/* Gives m away, to a receiver or into the queue. */
static void put_locked(struct msg_queue *q, struct message *m, int pid) REQUIRES(msg_ids.lock)
{
    q->lspid = pid;
    q->stime = ipc_now();
    list_for_each_safe(l, &q->receivers) {
        struct msg_sleeper *s = list_entry(l, struct msg_sleeper, s.link);
        if (!wanted(s, m))
            continue;
        if (m->len > s->room) {
            sleeper_finish(&s->s, -E2BIG);
            continue;
        }
        received_locked(q, s->s.thread->process->pid);
        s->message = m;
        sleeper_finish(&s->s, 0);
        return;
    }
    list_add_tail(&q->messages, &m->link);
    q->count++;
    q->bytes += m->len;
    msg_totals.count++;
    msg_totals.bytes += m->len;
}

static void take_locked(struct msg_queue *q, struct message *m) REQUIRES(msg_ids.lock)
{
    list_del(&m->link);
    q->count--;
    q->bytes -= m->len;
    msg_totals.count--;
    msg_totals.bytes -= m->len;
}

/* Puts in what senders have that sleep, in the order in which they came, as far as it fits. */
static void refill_locked(struct msg_queue *q) REQUIRES(msg_ids.lock)
{
    list_for_each_safe(l, &q->senders) {
        struct msg_sleeper *s = list_entry(l, struct msg_sleeper, s.link);
        if (!fits(q, s->message->len))
            continue;
        put_locked(q, s->message, s->s.thread->process->pid);
        sleeper_finish(&s->s, 0);
    }
}

/* The message that s wants, or NULL. */
static struct message *search_locked(const struct msg_queue *q, const struct msg_sleeper *s)
    REQUIRES(msg_ids.lock)
{
    struct message *best = NULL;
    int64_t n = 0;

    list_for_each(l, &q->messages) {
        struct message *m = list_entry(l, struct message, link);
        if (s->want == WANT_NTH ? n++ != s->type : !wanted(s, m))
            continue;
        if (s->want != WANT_LOWEST)
            return m;
        if (!best || m->type < best->type)
            best = m;
    }
    return best;
}

void msg_retry_locked(struct msg_queue *q)
{
    sleepers_finish(&q->receivers, -EAGAIN);
    sleepers_finish(&q->senders, -EAGAIN);
}

void msg_remove_locked(struct msg_queue *q)
{
    ipc_remove_locked(&msg_ids, &q->object);
    sleepers_finish(&q->receivers, -EIDRM);
    sleepers_finish(&q->senders, -EIDRM);
    msg_totals.count -= q->count;
    msg_totals.bytes -= q->bytes;
}

void msg_free(struct msg_queue *q)
{
    list_for_each_safe(l, &q->messages)
        message_put(list_entry(l, struct message, link));
    kfree(q);
}

/* msgget. */

static unsigned queue_limit(void)
{
    return (unsigned)IPC_LIMIT(msg_queues);
}

static int queue_make(const void *args, struct ipc_object **out)
{
    struct msg_queue *q = kzalloc(sizeof(*q));
    (void)args;
    if (!q)
        return -ENOMEM;
    q->limit = IPC_LIMIT(msg_queue);
    q->ctime = ipc_now();
    list_init(&q->messages);
    list_init(&q->receivers);
    list_init(&q->senders);
    *out = &q->object;
    return 0;
}

static void queue_drop(struct ipc_object *o)
{
    kfree(msg_queue_of(o));
}

static int queue_check(const struct ipc_object *o, const void *args)
{
    (void)o;
    (void)args;
    return 0;
}

long sys_msgget(int key, int msgflg)
{
    static const struct ipc_kind kind = {
        .limit = queue_limit, .make = queue_make, .drop = queue_drop, .check = queue_check};

    return ipc_get(&msg_ids, &kind, key, msgflg, NULL);
}

/* msgsnd. */

static int send_locked(int id, struct msg_sleeper *s, int flags) REQUIRES(msg_ids.lock)
{
    struct msg_queue *q = find_locked(id);
    if (!q)
        return reject(-EINVAL, "no such queue");
    for (;;) {
        if (!ipc_allowed(&q->object, IPC_WRITE))
            return reject(-EACCES, "permissions of the queue");
        if (fits(q, s->message->len)) {
            put_locked(q, s->message, current_process()->pid);
            return 0;
        }
        if (flags & IPC_NOWAIT)
            return -EAGAIN;
        int err = sleep_in(&q->senders, s);
        if (err != -EAGAIN)
            return err;
        q = find_locked(id);
        if (!q)
            return -EIDRM;
    }
}

long sys_msgsnd(int msqid, uaddr_t msgp, size_t msgsz, int msgflg)
{
    struct msg_sleeper s = {0};
    int64_t type;

    if (copy_in(&type, msgp, sizeof(type)))
        return -EFAULT;
    if (msgsz > IPC_LIMIT(msg_size) || (int64_t)msgsz < 0 || msqid < 0)
        return reject(-EINVAL, "too large a message");
    if (type < 1)
        return reject(-EINVAL, "not a message's type");
    int err = message_in(msgp + sizeof(type), msgsz, type, &s.message);
    if (err)
        return err;
    spin_lock(&msg_ids.lock);
    err = send_locked(msqid, &s, msgflg);
    spin_unlock(&msg_ids.lock);
    if (err)
        message_put(s.message);
    return err;
}

/* msgrcv. */

static void choose(struct msg_sleeper *s, long type, int flags)
{
    s->type = type;
    if (flags & MSG_COPY) {
        s->want = WANT_NTH;
    } else if (type == 0) {
        s->want = WANT_ANY;
    } else if (type < 0) {
        s->want = WANT_LOWEST;
        s->type = type == INT64_MIN ? INT64_MAX : -type;
    } else {
        s->want = flags & MSG_EXCEPT ? WANT_OTHER_TYPE : WANT_TYPE;
    }
}

/* What the queue has for s: 0, or -ENOMSG, -E2BIG … */
static int receive_now_locked(struct msg_queue *q, struct msg_sleeper *s, size_t size)
    REQUIRES(msg_ids.lock)
{
    struct message *m = search_locked(q, s);
    if (!m)
        return -ENOMSG;
    if (m->len > s->room)
        return reject(-E2BIG, "the message is longer");
    if (s->want == WANT_NTH) {
        if (m->len > size)
            return reject(-EINVAL, "no copy is made of a part");
        ref_get(&m->ref);
    } else {
        take_locked(q, m);
        received_locked(q, current_process()->pid);
        refill_locked(q);
    }
    s->message = m;
    return 0;
}

static int receive_locked(int id, struct msg_sleeper *s, size_t size, int flags)
    REQUIRES(msg_ids.lock)
{
    struct msg_queue *q = find_locked(id);
    if (!q)
        return reject(-EINVAL, "no such queue");
    for (;;) {
        if (!ipc_allowed(&q->object, IPC_READ))
            return reject(-EACCES, "permissions of the queue");
        int err = receive_now_locked(q, s, size);
        if (err != -ENOMSG || flags & IPC_NOWAIT)
            return err;
        err = sleep_in(&q->receivers, s);
        if (err != -EAGAIN)
            return err;
        q = find_locked(id);
        if (!q)
            return -EIDRM;
    }
}

/* A message that cannot be written to the program is lost, as in Linux. */
static long message_out(const struct message *m, uaddr_t msgp, size_t size)
{
    size_t n = MIN(m->len, size);

    if (copy_out(msgp, &m->type, sizeof(m->type)) || copy_out(msgp + sizeof(m->type), m->text, n))
        return -EFAULT;
    return (long)n;
}

long sys_msgrcv(int msqid, uaddr_t msgp, size_t msgsz, long msgtyp, int msgflg)
{
    struct msg_sleeper s = {.room = msgsz};

    if (msqid < 0 || (int64_t)msgsz < 0)
        return -EINVAL;
    if (msgflg & MSG_COPY && (msgflg & MSG_EXCEPT || !(msgflg & IPC_NOWAIT)))
        return reject(-EINVAL, "MSG_COPY goes with IPC_NOWAIT and without MSG_EXCEPT");
    if (msgflg & MSG_NOERROR)
        s.room = SIZE_MAX;
    choose(&s, msgtyp, msgflg);
    spin_lock(&msg_ids.lock);
    long ret = receive_locked(msqid, &s, msgsz, msgflg);
    spin_unlock(&msg_ids.lock);
    if (ret)
        return ret;
    ret = message_out(s.message, msgp, msgsz);
    message_put(s.message);
    return ret;
}
