/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: see conn.h for states and locks. */
#include "kernel/net/conn.h"

#include "kernel/vfs/vfs_impl.h"

#define QUEUE_FIRST (64UL * 1024) /* a ring begins with this and grows up to the limit */
#define EV_IN (EPOLLIN | EPOLLRDNORM)
#define EV_OUT (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

static int way_init(struct way *w, size_t limit)
{
    mutex_init(&w->lock);
    list_init(&w->marks);
    w->limit = limit;
    return byteq_init(&w->q, MIN(QUEUE_FIRST, ALIGN_UP(limit, PAGE_SIZE)));
}

int conn_new(enum conn_kind kind, size_t buf, struct conn **out)
{
    struct conn *c = kzalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    if (way_init(&c->way[0], buf))
        goto undo_conn;
    if (way_init(&c->way[1], buf))
        goto undo_way;
    c->kind = kind;
    c->ref.count = 2;
    c->passcred[0] = c->passcred[1] = true;
    spin_init(&c->ends_lock);
    list_init(&c->link);
    *out = c;
    return 0;
undo_way:
    byteq_fini(&c->way[0].q);
undo_conn:
    kfree(c);
    return -ENOMEM;
}

static void conn_put(struct conn *c)
{
    if (!ref_put(&c->ref))
        return;
    byteq_fini(&c->way[0].q);
    byteq_fini(&c->way[1].q);
    kfree(c);
}

void conn_attach(struct conn *c, int side, struct stream_sock *ss)
{
    ss->side = side;
    spin_lock(&c->ends_lock);
    c->end[side] = ss;
    spin_unlock(&c->ends_lock);
    if (ss->conn) {
        ss->conn->older = ss->old;
        ss->old = ss->conn;
    }
    __atomic_store_n(&ss->conn, c, __ATOMIC_RELEASE);
    conn_set_passcred(c, side, socket_flag(&ss->sock, SOCKET_PASSCRED));
}

void conn_set_passcred(struct conn *c, int side, bool on)
{
    __atomic_store_n(&c->passcred[side], on, __ATOMIC_RELEASE);
}

void conn_wake(struct conn *c, int side, uint32_t events)
{
    spin_lock(&c->ends_lock);
    if (c->end[side])
        file_wake(&c->end[side]->sock.file, events);
    spin_unlock(&c->ends_lock);
}

/* Marks. */

static void mark_add(struct way *w, struct mark *k) REQUIRES(w->lock)
{
    spin_lock(&rights_lock);
    list_add_tail(&w->marks, &k->link);
    w->nmarks++;
    spin_unlock(&rights_lock);
}

/* Takes a mark out. */
static void mark_del(struct way *w, struct mark *k) REQUIRES(w->lock)
{
    spin_lock(&rights_lock);
    list_del(&k->link);
    w->nmarks--;
    spin_unlock(&rights_lock);
}

static struct mark *mark_first(const struct way *w)
{
    return w->nmarks ? list_entry(w->marks.next, struct mark, link) : NULL;
}

/* The rights of a mark, taken or (peek) copied. */
static struct rights *mark_rights(struct mark *k, bool peek)
{
    spin_lock(&rights_lock);
    struct rights *r = k->rights;
    if (r && peek)
        r = rights_clone(r);
    else
        k->rights = NULL;
    spin_unlock(&rights_lock);
    return r;
}

/* Gives a mark's rights to a receiver. */
static void rights_deliver(struct mark *k, struct msg *m)
{
    if (!k->rights)
        return;
    if (!m->scm) {
        m->out |= MSG_CTRUNC;
        if (!(m->flags & MSG_PEEK))
            m->unwanted = mark_rights(k, false);
        return;
    }
    m->scm->rights = mark_rights(k, m->flags & MSG_PEEK);
}

/* Urgent data (TCP): one byte, which receives step over unless SO_OOBINLINE, and stop at. */

static bool urgent_inline(struct conn *c, int side)
{
    spin_lock(&c->ends_lock);
    bool on = c->end[side] && socket_flag(&c->end[side]->sock, SOCKET_OOBINLINE);
    spin_unlock(&c->ends_lock);
    return on;
}

/* Bytes that a receive would find. */
static size_t readable(struct conn *c, int side)
{
    const struct way *w = &c->way[side];
    size_t len = w->q.len;
    bool first = w->urgent_set && w->urgent_pos == w->pos;
    return first && len && !urgent_inline(c, side) ? len - 1 : len;
}

/* The last byte of w is urgent.  One before that nobody has stepped over yet is gone. */
static void urgent_put(struct conn *c, int to, struct way *w) REQUIRES(w->lock)
{
    if (w->urgent_set && w->urgent_pos == w->pos && !urgent_inline(c, to)) {
        byteq_drop(&w->q, 1);
        w->pos++;
    }
    w->urgent_set = w->urgent_unread = true;
    w->urgent_pos = w->pos + w->q.len - 1;
    w->urgent = byteq_last(&w->q);
}

/* How far a receive may go; steps over the urgent byte when that is first. */
static size_t urgent_limit(struct conn *c, int side, struct way *w, bool peek) REQUIRES(w->lock)
{
    bool keep = urgent_inline(c, side);
    if (w->urgent_pos > w->pos)
        return w->urgent_pos - w->pos;
    if (!keep) {
        byteq_drop(&w->q, 1);
        w->pos++;
    }
    if (!peek)
        w->urgent_unread = false;
    if (!peek || !keep)
        w->urgent_set = false;
    return SIZE_MAX;
}

int conn_recv_urgent(struct conn *c, int side, struct msg *m)
{
    struct way *w = &c->way[side];
    int err = 0;
    mutex_lock(&w->lock);
    if (!w->urgent_unread || urgent_inline(c, side)) {
        err = -EINVAL;
    } else {
        m->out |= MSG_OOB | (m->u->left ? 0 : MSG_TRUNC);
        err = m->u->left ? uio_put(m->u, &w->urgent, 1) : 0;
        m->u->left = 0;
        if (!err && !(m->flags & MSG_PEEK))
            w->urgent_unread = false;
    }
    mutex_unlock(&w->lock);
    return err;
}

bool conn_at_mark(struct conn *c, int side)
{
    const struct way *w = &c->way[side];
    return w->urgent_set && w->urgent_pos == w->pos;
}

/* Sending. */

/* Whether side may send into w; done: the data went nowhere. */
static int send_check(struct conn *c, int side, struct way *w, struct msg *m) REQUIRES(w->lock)
{
    int err = socket_take_error(&c->err[side]);
    if (unlikely(err))
        return err;
    if (unlikely(c->dead || w->fin))
        return -EPIPE;
    if (c->kind != CONN_TCP)
        return w->deaf || w->gone ? -EPIPE : 0;
    if (unlikely(w->gone)) {
        /* The peer's machine answers with a reset; who learns of it is the next call. */
        uio_skip(m->u, m->u->left);
        c->dead = true;
        __atomic_store_n(&c->err[side], EPIPE, __ATOMIC_RELEASE);
        return 0;
    }
    return 0;
}

/* Enlarges the ring when n bytes more would be within the limit; failing to is harmless. */
static void way_grow(struct way *w, size_t n)
{
    size_t want = MIN(w->q.len + n, w->limit), size = w->q.size;
    while (size < want)
        size *= 2;
    if (size != w->q.size)
        (void)!byteq_resize(&w->q, size);
}

/* Moves what fits below the limit. */
static int way_put(struct way *w, struct uio *u, size_t room) REQUIRES(w->lock)
{
    size_t before = u->done, left = u->left;
    if (unlikely(byteq_room(&w->q) < MIN(room, left)))
        way_grow(w, MIN(room, left));
    u->left = MIN(left, room);
    int err = byteq_put(&w->q, u);
    u->left = left - (u->done - before);
    return err;
}

/* Whose bytes these are: whom the program names, or the current process, if somebody wants to know. */
static bool sender_of(struct conn *c, const struct msg *m, struct peer_cred *out)
{
    *out = CRED_NOBODY;
    if (c->kind == CONN_TCP)
        return false;
    if (unlikely(m->scm && m->scm->has_cred)) {
        *out = m->scm->cred;
        return true;
    }
    if (likely(!__atomic_load_n(&c->passcred[0], __ATOMIC_ACQUIRE) &&
               !__atomic_load_n(&c->passcred[1], __ATOMIC_ACQUIRE)))
        return false;
    cred_of_sender(out);
    return true;
}

/* What comes next continues the last mark: nothing but the sender's credentials, as there. */
static bool mark_continues(const struct way *w, const struct mark *k, const struct msg *m)
    REQUIRES(w->lock)
{
    if (!w->nmarks || (m->scm && m->scm->rights))
        return false;
    const struct mark *last = list_entry(w->marks.prev, struct mark, link);
    return last->end == k->start && !last->rights && peer_cred_same(&last->cred, &k->cred);
}

/* The mark k for data up to now of w; takes the message's rights. */
static void mark_finish(struct way *w, struct mark *k, bool packet, struct msg *m) REQUIRES(w->lock)
{
    k->end = w->pos + w->q.len;
    if (!packet && mark_continues(w, k, m)) {
        list_entry(w->marks.prev, struct mark, link)->end = k->end;
        kfree(k);
        return;
    }
    if (m->scm) {
        k->rights = m->scm->rights;
        m->scm->rights = NULL;
    }
    mark_add(w, k);
}

/* A part of the stream, or a whole packet. */
static int send_locked(struct conn *c, struct way *w, struct msg *m) REQUIRES(w->lock)
{
    bool packet = c->kind == CONN_PACKET;
    size_t need = packet ? m->u->left : MIN(m->u->left, 1UL);
    size_t room = w->limit > w->q.len ? w->limit - w->q.len : 0;
    struct mark *k = NULL;
    struct peer_cred sender;
    if (packet && need > w->limit)
        return -EMSGSIZE;
    if (room < need || (packet && w->nmarks > w->limit / 256))
        return -EAGAIN;
    bool known = sender_of(c, m, &sender);
    uint64_t start = w->pos + w->q.len;
    if (packet || ((known || (m->scm && m->scm->rights)) && m->u->left)) {
        k = kzalloc(sizeof(*k));
        if (!k)
            return -ENOMEM;
        k->start = start;
        k->cred = sender;
    }
    int err = way_put(w, m->u, room);
    if (!k)
        return err;
    if (packet ? err != 0 : w->pos + w->q.len == start) {
        byteq_cut(&w->q, start - w->pos); /* no half packets */
        kfree(k);
        return err;
    }
    mark_finish(w, k, packet, m);
    return err;
}

int conn_send(struct conn *c, int side, struct msg *m)
{
    struct way *w = &c->way[!side];
    size_t before = m->u->done;
    mutex_lock(&w->lock);
    int err = send_check(c, side, w, m);
    bool moved = false;
    if (unlikely(!err && !c->established)) {
        err = -EAGAIN;
    } else if (likely(!err && !c->dead)) {
        err = send_locked(c, w, m);
        if (unlikely(m->flags & MSG_OOB) && !err && !m->u->left && w->q.len) {
            urgent_put(c, !side, w);
        }
        moved = m->u->done != before || (!err && c->kind == CONN_PACKET);
    }
    mutex_unlock(&w->lock);
    if (likely(moved)) {
        c->sent[side] += m->u->done - before;
        conn_wake(c, !side, m->flags & MSG_OOB ? EV_IN | EPOLLPRI : EV_IN);
    } else if (unlikely(c->dead && !err)) {
        conn_wake(c, side, EV_IN | EV_OUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
    }
    return err;
}

/* Receiving. */

static bool way_writable(const struct conn *c, const struct way *w, size_t len)
{
    bool wide = c->kind == CONN_TCP || w->limit == CONN_WINDOW;
    return wide ? len * 3 <= w->limit * 2 : len * 4 <= w->limit;
}

/* Nothing is queued: the end, an error, or later. */
static int recv_empty(struct conn *c, int side, struct way *w)
{
    int err;
    if (c->kind == CONN_TCP && w->fin)
        return 0; /* it was told of the end before the error */
    err = socket_take_error(&c->err[side]);
    if (err)
        return err;
    return w->fin || w->deaf || c->dead ? 0 : -EAGAIN;
}

/* Bytes [at, …) are m's writer's, or anybody's if it has none yet. */
static bool writer_fits(struct msg *m, const struct peer_cred *writer)
{
    if (!m->has_writer)
        m->writer = *writer;
    m->has_writer = true;
    return peer_cred_same(&m->writer, writer);
}

/*
 * How far a receive may go: to the end of the first mark that has rights and, if the receiver wants to
 * know who writes, to where that changes.
 */
static size_t marks_limit(const struct way *w, bool passcred, struct msg *m) REQUIRES(w->lock)
{
    uint64_t at = w->pos, end = w->pos + MIN(m->u->left, w->q.len);
    list_for_each(l, &w->marks) {
        const struct mark *k = list_entry(l, struct mark, link);
        if (at >= end)
            break;
        if (passcred && at < k->start && !writer_fits(m, &CRED_NOBODY))
            return at - w->pos;
        at = MAX(at, k->start);
        if (at < end && passcred && !writer_fits(m, &k->cred))
            return at - w->pos;
        at = k->end;
        if (k->rights)
            return at - w->pos;
    }
    if (passcred && at < end && !writer_fits(m, &CRED_NOBODY))
        return at - w->pos;
    return SIZE_MAX;
}

/* What came with the bytes up to `end`, which have been received. */
static void marks_pass(struct way *w, uint64_t end, struct msg *m) REQUIRES(w->lock)
{
    struct list *next;
    for (struct list *l = w->marks.next; l != &w->marks; l = next) {
        struct mark *k = list_entry(l, struct mark, link);
        next = l->next;
        if (k->start >= end)
            return;
        rights_deliver(k, m);
        if (m->flags & MSG_PEEK || k->end > end)
            continue;
        mark_del(w, k);
        kfree(k);
    }
}

/* A stretch of the stream: see marks_limit. */
static int recv_stream(struct conn *c, int side, struct way *w, struct msg *m) REQUIRES(w->lock)
{
    struct uio *u = m->u;
    size_t before = u->done, left = u->left;
    bool passcred = c->kind != CONN_TCP && __atomic_load_n(&c->passcred[side], __ATOMIC_ACQUIRE);
    if (w->nmarks || passcred)
        u->left = MIN(left, marks_limit(w, passcred, m));
    if (unlikely(w->urgent_set))
        u->left = MIN(left, urgent_limit(c, side, w, m->flags & MSG_PEEK));
    bool discard = m->flags & MSG_TRUNC && !(m->flags & MSG_PEEK);
    int err = 0;
    if (unlikely(discard)) {
        size_t n = MIN(u->left, w->q.len);
        byteq_drop(&w->q, n);
        uio_skip(u, n);
    } else {
        err = byteq_get(&w->q, u, m->flags & MSG_PEEK);
    }
    size_t n = u->done - before;
    u->left = left - n;
    if (m->scm)
        m->scm->cred = m->writer;
    if (w->nmarks && n)
        marks_pass(w, w->pos + n, m);
    if (!(m->flags & MSG_PEEK))
        w->pos += n;
    return err;
}

/* One packet; what does not fit is lost. */
static int recv_packet(struct way *w, struct msg *m) REQUIRES(w->lock)
{
    struct uio *u = m->u;
    struct mark *k = mark_first(w);
    if (!k)
        return -EAGAIN;
    size_t len = k->end - k->start, left = u->left;
    u->left = MIN(left, len);
    int err = byteq_get(&w->q, u, true);
    u->left = 0;
    m->whole = len;
    m->out |= MSG_EOR | (left < len ? MSG_TRUNC : 0);
    if (err)
        return err;
    if (m->scm)
        m->scm->cred = k->cred;
    rights_deliver(k, m);
    if (m->flags & MSG_PEEK)
        return 0;
    byteq_drop(&w->q, len);
    w->pos += len;
    mark_del(w, k);
    kfree(k);
    return 0;
}

int conn_recv(struct conn *c, int side, struct msg *m)
{
    struct way *w = &c->way[side];
    bool packet = c->kind == CONN_PACKET;
    int err;
    if (!m->u->left && !packet)
        return 0;
    mutex_lock(&w->lock);
    size_t before = w->q.len;
    if (packet ? !w->nmarks : !readable(c, side))
        err = recv_empty(c, side, w);
    else
        err = packet ? recv_packet(w, m) : recv_stream(c, side, w, m);
    bool wake = !way_writable(c, w, before) && way_writable(c, w, w->q.len);
    struct rights *unwanted = m->unwanted;
    m->unwanted = NULL;
    mutex_unlock(&w->lock);
    rights_drop(unwanted); /* may close the other end of this very connection */
    if (wake || (packet && !err && !(m->flags & MSG_PEEK)))
        conn_wake(c, !side, EV_OUT);
    return err;
}

uint32_t conn_poll(struct conn *c, int side, size_t lowat)
{
    const struct way *in = &c->way[side], *out = &c->way[!side];
    bool end_in = in->fin || in->deaf || c->dead;
    bool end_out = out->fin || c->dead || (c->kind != CONN_TCP && (out->deaf || out->gone));
    uint32_t events = 0;
    if (c->kind == CONN_PACKET ? in->nmarks != 0 : readable(c, side) >= MAX(lowat, 1UL))
        events |= EV_IN;
    if (in->urgent_unread)
        events |= EPOLLPRI;
    if (end_in)
        events |= EV_IN | EPOLLRDHUP;
    if (end_in && end_out)
        events |= EPOLLHUP;
    if (end_out || (c->established && way_writable(c, out, out->q.len)))
        events |= c->kind == CONN_TCP ? EPOLLOUT | EPOLLWRNORM : EV_OUT;
    if (__atomic_load_n(&c->err[side], __ATOMIC_ACQUIRE))
        events |= EPOLLERR;
    return events;
}

/* The end. */

bool conn_closed(const struct conn *c)
{
    return c->dead || (c->way[0].fin && c->way[1].fin);
}

void conn_shutdown(struct conn *c, int side, int how)
{
    if (how != SHUT_WR) {
        mutex_lock(&c->way[side].lock);
        c->way[side].deaf = true;
        mutex_unlock(&c->way[side].lock);
    }
    if (how != SHUT_RD) {
        mutex_lock(&c->way[!side].lock);
        c->way[!side].fin = true;
        mutex_unlock(&c->way[!side].lock);
    }
    /* Both sides: the shutting one may have threads that wait. */
    for (int i = 0; i < 2; i++)
        conn_wake(c, i, EV_IN | EV_OUT | EPOLLRDHUP | EPOLLHUP);
}

void conn_set_limit(struct conn *c, int way, size_t limit)
{
    mutex_lock(&c->way[way].lock);
    c->way[way].limit = limit;
    mutex_unlock(&c->way[way].lock);
}

/* Nobody will read w any more: frees what it holds; true when there was something. */
static bool way_end(struct way *w)
{
    struct list *it, marks = LIST_INIT(marks);
    mutex_lock(&w->lock);
    bool unread = w->q.len || w->nmarks;
    w->deaf = w->gone = true;
    byteq_drop(&w->q, w->q.len);
    spin_lock(&rights_lock);
    while ((it = list_pop(&w->marks)))
        list_add_tail(&marks, it);
    w->nmarks = 0;
    spin_unlock(&rights_lock);
    mutex_unlock(&w->lock);
    while ((it = list_pop(&marks))) {
        struct mark *k = list_entry(it, struct mark, link);
        rights_drop(k->rights);
        kfree(k);
    }
    return unread;
}

void conn_close(struct conn *c, int side, bool reset)
{
    struct way *out = &c->way[!side];
    spin_lock(&c->ends_lock);
    c->end[side] = NULL;
    spin_unlock(&c->ends_lock);
    reset |= way_end(&c->way[side]);
    mutex_lock(&out->lock);
    if (reset && !out->gone && !c->dead) {
        bool told = c->kind == CONN_TCP && out->fin;
        __atomic_store_n(&c->err[!side],
                         told             ? EPIPE
                         : c->established ? ECONNRESET
                                          : ECONNREFUSED,
                         __ATOMIC_RELEASE);
        c->dead = c->kind == CONN_TCP;
    }
    if (!c->dead || c->kind != CONN_TCP)
        out->fin = true;
    mutex_unlock(&out->lock);
    conn_wake(c, !side, EV_IN | EV_OUT | EPOLLRDHUP | EPOLLHUP | (reset ? EPOLLERR : 0U));
    conn_put(c);
}
