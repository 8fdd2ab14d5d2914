/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: see packet.h. */
#include "kernel/net/packet.h"

#include "kernel/vfs/vfs_impl.h"

#define EV_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

static struct spinlock room_lock; /* who waits for room where */

void packet_queue_init(struct packet_queue *q)
{
    spin_init(&q->lock);
    list_init(&q->list);
}

int packet_new(struct msg *m, size_t max, struct packet **out)
{
    size_t len = m->u->left, done = m->u->done;
    if (len > max)
        return -EMSGSIZE;
    struct packet *p = kmalloc(sizeof(*p) + len);
    if (!p)
        return -ENOMEM;
    memset(p, 0, sizeof(*p));
    ref_init(&p->ref);
    list_init(&p->link);
    p->len = len;
    if (uio_get(m->u, p->data, len) || m->u->done - done != len) {
        kfree(p);
        return -EFAULT;
    }
    if (m->scm) {
        p->scm = *m->scm;
        m->scm->rights = NULL;
    }
    *out = p;
    return 0;
}

void packet_put(struct packet *p)
{
    if (!ref_put(&p->ref))
        return;
    rights_drop(p->scm.rights);
    if (p->payer) {
        __atomic_fetch_sub(&p->payer->charged, p->charge, __ATOMIC_ACQ_REL);
        mailbox_wake(p->payer, EV_OUT);
        mailbox_put(p->payer);
    }
    kfree(p);
}

static size_t packet_size(const struct packet *p)
{
    return sizeof(*p) + p->len;
}

int packet_queue_add(struct packet_queue *q, struct packet *p, unsigned max, size_t max_bytes)
{
    int err = 0;
    spin_lock(&q->lock);
    if (q->closed)
        err = -ECONNREFUSED;
    else if (q->n >= max)
        err = -EAGAIN;
    else if (q->bytes > max_bytes)
        err = -ENOBUFS;
    if (!err) {
        list_add_tail(&q->list, &p->link);
        q->n++;
        q->bytes += packet_size(p);
        q->nrights += p->scm.rights != NULL;
    }
    spin_unlock(&q->lock);
    return err;
}

static void unlink_locked(struct packet_queue *q, struct packet *p) REQUIRES(q->lock)
{
    list_del(&p->link);
    q->n--;
    q->bytes -= packet_size(p);
    q->nrights -= p->scm.rights != NULL;
}

/* NO_TSA: the outer lock is only taken when there are rights. */
struct packet *packet_queue_take(struct packet_queue *q, bool peek) NO_TSA
{
    /* The collector must not look in between: a packet with rights is taken under its lock. */
    bool careful = __atomic_load_n(&q->nrights, __ATOMIC_ACQUIRE) != 0;
    struct packet *p = NULL;
    if (careful)
        spin_lock(&rights_lock);
    spin_lock(&q->lock);
    if (!list_empty(&q->list)) {
        p = list_entry(q->list.next, struct packet, link);
        if (peek)
            ref_get(&p->ref);
        else
            unlink_locked(q, p);
    }
    spin_unlock(&q->lock);
    if (careful)
        spin_unlock(&rights_lock);
    return p;
}

static void scm_deliver(struct packet *p, struct msg *m)
{
    if (!m->scm) {
        if (p->scm.rights)
            m->out |= MSG_CTRUNC;
        return;
    }
    *m->scm = p->scm;
    m->scm->rights = NULL;
    spin_lock(&rights_lock);
    struct rights *r = p->scm.rights;
    if (r && m->flags & MSG_PEEK)
        r = rights_clone(r);
    else
        p->scm.rights = NULL;
    m->scm->rights = r;
    spin_unlock(&rights_lock);
}

int packet_deliver(struct packet *p, struct msg *m)
{
    size_t done = m->u->done, n = MIN(m->u->left, p->len);
    int err = uio_put(m->u, p->data, n);
    if (err || m->u->done - done != n)
        return -EFAULT;
    m->whole = p->len;
    if (n < p->len)
        m->out |= MSG_TRUNC;
    m->u->left = 0;
    if (m->addr)
        *m->addr = p->from;
    scm_deliver(p, m);
    return 0;
}

void packet_queue_close(struct packet_queue *q)
{
    struct list *it, all = LIST_INIT(all);
    spin_lock(&rights_lock);
    spin_lock(&q->lock);
    q->closed = true;
    while ((it = list_pop(&q->list)))
        list_add_tail(&all, it);
    q->n = q->nrights = 0;
    q->bytes = 0;
    spin_unlock(&q->lock);
    spin_unlock(&rights_lock);
    while ((it = list_pop(&all)))
        packet_put(list_entry(it, struct packet, link));
}

/* Mailboxes. */

struct mailbox *mailbox_new(struct socket *end)
{
    struct mailbox *b = kzalloc(sizeof(*b));
    if (!b)
        return NULL;
    ref_init(&b->ref);
    packet_queue_init(&b->queue);
    spin_init(&b->lock);
    list_init(&b->blocked);
    list_init(&b->wait_link);
    b->end = end;
    return b;
}

void mailbox_put(struct mailbox *b)
{
    if (ref_put(&b->ref))
        kfree(b);
}

void mailbox_wake(struct mailbox *b, uint32_t events)
{
    spin_lock(&b->lock);
    if (b->end)
        file_wake(&b->end->file, events);
    spin_unlock(&b->lock);
}

void mailbox_room(struct mailbox *b)
{
    struct list *it;
    if (list_empty(&b->blocked))
        return;
    spin_lock(&room_lock);
    while ((it = list_pop(&b->blocked)))
        mailbox_wake(list_entry(it, struct mailbox, wait_link), EV_OUT);
    spin_unlock(&room_lock);
}

bool mailbox_wait_room(struct mailbox *b, struct mailbox *to, unsigned max)
{
    spin_lock(&room_lock);
    list_del(&b->wait_link);
    list_add_tail(&to->blocked, &b->wait_link);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool full = __atomic_load_n(&to->queue.n, __ATOMIC_ACQUIRE) >= max &&
                !__atomic_load_n(&to->queue.closed, __ATOMIC_ACQUIRE);
    if (!full)
        list_del(&b->wait_link);
    spin_unlock(&room_lock);
    return full;
}

void mailbox_close(struct mailbox *b)
{
    spin_lock(&b->lock);
    b->end = NULL;
    spin_unlock(&b->lock);
    packet_queue_close(&b->queue);
    spin_lock(&room_lock);
    list_del(&b->wait_link);
    spin_unlock(&room_lock);
    mailbox_room(b);
    mailbox_put(b);
}

int packet_queue_first_len(struct packet_queue *q)
{
    spin_lock(&q->lock);
    const struct packet *p = list_entry(q->list.next, struct packet, link);
    int len = q->n ? (int)p->len : 0;
    spin_unlock(&q->lock);
    return len;
}

void packet_queue_each_rights(struct packet_queue *q, void (*fn)(struct rights *r, void *arg),
                              void *arg, bool take)
{
    spin_lock(&q->lock);
    list_for_each(it, &q->list) {
        struct packet *p = list_entry(it, struct packet, link);
        struct rights *r = p->scm.rights;
        if (!r)
            continue;
        if (take) {
            p->scm.rights = NULL;
            q->nrights--;
        }
        fn(r, arg);
    }
    spin_unlock(&q->lock);
}
