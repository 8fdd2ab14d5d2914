/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The link between base and satellite.  A packet of the host's socket is one sealed message and its tag;
 * the two first ones, 32 random bytes from each end, are in clear.
 *
 *     base                         satellite
 *     nonce_b  ───────────────►              keys: SHA-256(seal key | label | direction | nonce_b | nonce_s)
 *               ◄───────────────  nonce_s
 *     sealed(0, confirmation) ─►
 *               ◄─ sealed(0, confirmation)    from here on it is open
 *     sealed(1, …) …
 *
 * A direction has its own key and counts its messages; the count is the IV, and is authenticated with the
 * length.  So a message that is changed, repeated, left out, moved, turned back or from another session
 * is one whose tag is wrong.
 *
 * The host's memory is copied once each way: what is sealed and what is opened lies in trusted memory
 * while GCM looks at it, for it does so more than once.
 *
 * Waiting: each direction has something that is asked of others once, and not again until it is done: for room a
 * poll by the ring, for a message an inbox, whose host receives.  While it is asked for, nothing is tried; it stays so
 * when the waiter is called away.
 *
 *     asked: false --ask--> true --done--> false (the waiter is woken)
 *
 * A satellite has nothing else to do and waits in the host.  Nobody looks for a message for a while before he sleeps:
 * the CPU is what the other end needs in order to answer.
 *
 * What is asked for may be done after the link has been closed: the link is counted, once for each, and the last one
 * closes the descriptor, whose number must not become another's while somebody may receive from it.
 * Lock order: sending, then lock, then the wait queues'.
 */
#include "kernel/satellite/link.h"

#include <linux/errno.h>
#include <linux/poll.h>

#include "kernel/crypto/crypto.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/ocall/inbox.h"
#include "kernel/ocall/ocall.h"
#include "kernel/ocall/ring.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/waitq.h"
#include "kernel/sgx/key.h"
#include "kernel/sgx/random.h"
#include "lib/string.h"

#define NONCE_SIZE 32
/* Far from where the counter would come round, and from what AES-GCM bears with one key. */
#define MESSAGES_MAX (1UL << 40)

#define MANY PAGE_SIZE /* a message of so many bytes is mostly one of several */
#define NONE (-EAGAIN)

#define PACKET_PAGES ((HOST_LINK_MAX + PAGE_SIZE - 1) / PAGE_SIZE)

_Static_assert(LINK_MAX + GCM_TAG_SIZE == HOST_LINK_MAX, "a message and its tag");
_Static_assert(HOST_LINK_MAX <= HOSTBUF_SIZE, "a packet");

/* Of a satellite's link, among the enclave's seal keys. */
static const uint8_t keyid[32] = "cella satellite link 1";
static const char confirmation[16] = "cella link is up";

/* One direction's waiting. */
struct end {
    struct waitq waitq; /* who waits for it */
    bool asked;         /* [l] */
};

struct link {
    struct gcm_key send_key, receive_key; /* [I] once open */
    struct ref ref;                       /* the owner's, and one for each end that is asked for */
    struct spinlock lock;
    int fd;                     /* [I] */
    int broken;                 /* [a] 0, or why nothing goes any more */
    struct end in, out;         /* in: the receiver's; out: [sending] */
    struct inbox_request inbox; /* in's */
    struct ring_request room;   /* out's */
    haddr_t buf;                /* [I] for what is received; the host's while `in` is asked for */
    long brought; /* what the inbox has brought, which writes it while `in` is asked for; NONE */
    bool many;    /* the receiver's: the next message is probably there already */
    struct mutex sending; /* held by who sends, while it waits, too */
    uint8_t *packet;      /* [sending] HOST_LINK_MAX bytes */
    uint64_t sent;        /* [sending] messages, which is the next one's IV */
    uint64_t received;    /* the receiver's: likewise */
};

/* --- the end ------------------------------------------------------------------------------- */

static void link_put(struct link *l)
{
    if (!ref_put(&l->ref))
        return;
    kpages_free(l->packet, PACKET_PAGES);
    hostbuf_link_put(l->buf);
    ocall_close(l->fd);
    memset(l, 0, sizeof(*l));
    kfree(l);
}

static int link_broken(const struct link *l)
{
    return __atomic_load_n(&l->broken, __ATOMIC_ACQUIRE);
}

/* From now on nothing goes.  Returns err; true in *first for who has ended it. */
static int link_break(struct link *l, int err, bool *first)
{
    int none = 0;

    *first = __atomic_compare_exchange_n(&l->broken, &none, err, false, __ATOMIC_ACQ_REL,
                                         __ATOMIC_ACQUIRE);
    waitq_wake(&l->in.waitq, 0);
    waitq_wake(&l->out.waitq, 0);
    return err;
}

static int link_gone(struct link *l)
{
    bool first;
    return link_break(l, -EPIPE, &first);
}

static int link_spoiled(struct link *l, const char *what)
{
    bool first;
    int err = link_break(l, -EBADMSG, &first);

    if (first)
        log_warn("the link between base and satellite has ended: message %lu is %s. The host has "
                 "meddled with it, or connects what does not belong together; what ran in the "
                 "satellite is lost",
                 (unsigned long)l->received, what);
    return err;
}

/* --- waiting ------------------------------------------------------------------------------- */

static void end_done(struct link *l, struct end *e)
{
    spin_lock(&l->lock);
    e->asked = false;
    spin_unlock(&l->lock);
    waitq_wake(&e->waitq, 0);
    link_put(l);
}

static void room_done(struct ring_request *r, int32_t result)
{
    struct link *l = container_of(r, struct link, room);

    (void)result; /* the next try tells */
    end_done(l, &l->out);
}

static void inbox_done(struct inbox_request *r, long result)
{
    struct link *l = container_of(r, struct link, inbox);

    l->brought = result;
    end_done(l, &l->in);
}

static bool end_asked(struct link *l, const struct end *e)
{
    spin_lock(&l->lock);
    bool asked = e->asked;
    spin_unlock(&l->lock);
    return asked;
}

/* True: the caller is to ask. */
static bool end_ask(struct link *l, struct end *e)
{
    spin_lock(&l->lock);
    bool ask = !e->asked;
    e->asked = true;
    spin_unlock(&l->lock);
    if (ask)
        ref_get(&l->ref);
    return ask;
}

/* Until what is asked for is done: 0; -ERESTARTSYS, or why the link has ended. */
static int end_wait(struct link *l, struct end *e, enum link_wait wait)
{
    struct waiter w;
    int err = 0;

    waitq_add(&e->waitq, &w);
    while (end_asked(l, e) && !link_broken(l) && !err)
        err = wait == LINK_WAIT_KILL ? thread_block_killable()
                                     : thread_block(KTIME_NEVER, wait == LINK_WAIT_SIGNAL);
    waitq_del(&e->waitq, &w);
    int broken = link_broken(l);
    return broken ? broken : err;
}

static int room_wait(struct link *l)
{
    if (end_ask(l, &l->out))
        ring_poll_add(&l->room, l->fd, POLLOUT);
    return end_wait(l, &l->out, LINK_WAIT);
}

static int inbox_wait(struct link *l, enum link_wait wait)
{
    if (end_ask(l, &l->in))
        inbox_add(&l->inbox, l->fd, l->buf);
    return end_wait(l, &l->in, wait);
}

/* --- packets ------------------------------------------------------------------------------- */

/*
 * Sends n bytes of the link's packet, waiting for room.  -EPIPE ends nothing: what the other end has sent
 * before it went can still be received.
 */
static int packet_send(struct link *l, size_t n) REQUIRES(l->sending)
{
    for (;;) {
        haddr_t to = hostbuf_get(n);
        host_out(to, l->packet, n);
        int err = ocall_link_send(l->fd, to, n);
        hostbuf_put(to, n);
        if (!err)
            return 0;
        if (err != -EAGAIN) {
            log_debug("link: sending a packet of %lu bytes: errno %d", (unsigned long)n, -err);
            return -EPIPE;
        }
        err = room_wait(l);
        if (err)
            return err;
    }
}

/* The length of the next packet, which is in l->buf then; NONE: there is none yet; or what the host says instead. */
static long packet_try(struct link *l, enum link_wait wait)
{
    if (end_asked(l, &l->in))
        return NONE;
    long got = l->brought;
    l->brought = NONE;
    if (got != NONE)
        return got;
    if (wait == LINK_WAIT_BLOCK) {
        clock_sync_if_stale();
        got = ocall_link_receive(l->fd, l->buf, HOST_LINK_MAX, true);
        return got == -EINTR ? NONE : got;
    }
    if (!l->many && wait != LINK_NO_WAIT)
        return NONE;
    return ocall_link_receive(l->fd, l->buf, HOST_LINK_MAX, false);
}

/*
 * The packet that has come: its last `tail` bytes to last, what is before them, at most `room`, to buf.
 * How much that is, or why the link has ended.
 */
static long packet_take(struct link *l, long got, void *buf, size_t room, void *last, size_t tail)
{
    size_t n = got > (long)tail ? (size_t)got - tail : 0;
    bool fits = got >= (long)tail && n <= room;

    l->many = n >= MANY;
    if (got == -EMSGSIZE || (got > 0 && !fits))
        return link_spoiled(l, got > 0 && !n ? "cut short" : "too long");
    if (got <= 0)
        return link_gone(l);
    host_in(buf, l->buf, n);
    host_in(last, l->buf + n, tail);
    return (long)n;
}

static long packet_receive(struct link *l, void *buf, size_t room, void *last, size_t tail,
                           enum link_wait wait)
{
    for (;;) {
        long got = packet_try(l, wait);
        if (got != NONE)
            return packet_take(l, got, buf, room, last, tail);
        l->many = false;
        if (wait == LINK_NO_WAIT)
            return NONE;
        int err = wait == LINK_WAIT_BLOCK ? 0 : inbox_wait(l, wait);
        if (err)
            return err;
    }
}

/* --- messages ------------------------------------------------------------------------------ */

/* What is authenticated with a message. */
struct message_aad {
    uint64_t number, length;
};

static void iv_make(uint8_t iv[GCM_IV_SIZE], uint64_t number)
{
    memset(iv, 0, GCM_IV_SIZE);
    memcpy(iv + GCM_IV_SIZE - sizeof(number), &number, sizeof(number));
}

/* The link's packet: n bytes are there, sealed in place as the next message. */
static int message_send(struct link *l, size_t n) REQUIRES(l->sending)
{
    struct message_aad aad = {l->sent, n};
    uint8_t iv[GCM_IV_SIZE];

    if (l->sent >= MESSAGES_MAX)
        return -EPIPE;
    iv_make(iv, l->sent++);
    gcm_seal(&l->send_key, iv, &aad, sizeof(aad), l->packet, n, l->packet, l->packet + n);
    return packet_send(l, n + GCM_TAG_SIZE);
}

int link_send(struct link *l, const void *head, size_t head_len, const void *body, size_t body_len)
{
    if (head_len > LINK_MAX || body_len > LINK_MAX - head_len)
        panic("a message of %lu and %lu bytes", (unsigned long)head_len, (unsigned long)body_len);
    mutex_lock(&l->sending);
    int err = link_broken(l);
    if (!err) {
        memcpy(l->packet, head, head_len);
        if (body_len)
            memcpy(l->packet + head_len, body, body_len);
        err = message_send(l, head_len + body_len);
    }
    mutex_unlock(&l->sending);
    return err ? -EPIPE : 0;
}

int link_receive(struct link *l, void *buf, size_t size, size_t *n, enum link_wait wait)
{
    uint8_t iv[GCM_IV_SIZE], tag[GCM_TAG_SIZE];

    int broken = link_broken(l);
    if (broken)
        return broken;
    long got = packet_receive(l, buf, MIN(size, LINK_MAX), tag, sizeof(tag), wait);
    if (got < 0)
        return (int)got;
    struct message_aad aad = {l->received, (uint64_t)got};
    iv_make(iv, l->received);
    if (!gcm_open(&l->receive_key, iv, &aad, sizeof(aad), buf, (size_t)got, buf, tag))
        return link_spoiled(l, "not what the other end has sent");
    l->received++;
    *n = (size_t)got;
    return 0;
}

/* --- opening ------------------------------------------------------------------------------- */

/* All that keys are made of; no two of them are the same. */
struct key_source {
    uint8_t seal_key[SGX_KEY_SIZE];
    char label[15];
    uint8_t to_base; /* direction */
    uint8_t nonce_base[NONCE_SIZE], nonce_satellite[NONCE_SIZE];
};

_Static_assert(sizeof(struct key_source) == 96, "no padding");

static void direction_key(struct key_source *s, bool to_base, struct gcm_key *out)
{
    uint8_t key[SHA256_HASH_SIZE];

    s->to_base = to_base;
    sha256_hash(s, sizeof(*s), key);
    gcm_init(out, key);
    memset(key, 0, sizeof(key));
}

static int keys_make(struct link *l, bool base, const uint8_t *ours, const uint8_t *theirs)
{
    struct key_source s = {.label = "satellite link"};
    int err = sgx_seal_key(keyid, s.seal_key);

    if (err)
        return err;
    memcpy(s.nonce_base, base ? ours : theirs, NONCE_SIZE);
    memcpy(s.nonce_satellite, base ? theirs : ours, NONCE_SIZE);
    direction_key(&s, !base, &l->send_key);
    direction_key(&s, base, &l->receive_key);
    memset(&s, 0, sizeof(s));
    return 0;
}

static enum link_wait open_wait(bool base)
{
    return base ? LINK_WAIT_SIGNAL : LINK_WAIT_BLOCK;
}

/* The two nonces, and the keys. */
static int greet(struct link *l, bool base) REQUIRES(l->sending)
{
    uint8_t ours[NONCE_SIZE], theirs[NONCE_SIZE];

    random_bytes(ours, sizeof(ours));
    memcpy(l->packet, ours, sizeof(ours));
    int err = packet_send(l, sizeof(ours));
    if (err)
        return err;
    long got = packet_receive(l, theirs, sizeof(theirs), theirs, 0, open_wait(base));
    if (got < 0)
        return (int)got;
    if (got != NONCE_SIZE)
        return link_spoiled(l, "cut short");
    return keys_make(l, base, ours, theirs);
}

/* Each end shows that it has the keys. */
static int confirm(struct link *l, bool base)
{
    char theirs[sizeof(confirmation)];
    size_t n = 0;
    int err = link_send(l, confirmation, sizeof(confirmation), NULL, 0);

    if (!err)
        err = link_receive(l, theirs, sizeof(theirs), &n, open_wait(base));
    if (!err && (n != sizeof(theirs) || memcmp(theirs, confirmation, n)))
        err = link_spoiled(l, "no greeting");
    return err;
}

static struct link *link_new(int fd)
{
    struct link *l = kzalloc(sizeof(*l));

    if (!l)
        return NULL;
    ref_init(&l->ref);
    spin_init(&l->lock);
    mutex_init(&l->sending);
    waitq_init(&l->in.waitq);
    waitq_init(&l->out.waitq);
    l->inbox.done = inbox_done;
    l->room.done = room_done;
    l->brought = NONE;
    l->fd = fd;
    l->packet = kpages_alloc_any(PACKET_PAGES);
    if (!l->packet) {
        kfree(l);
        return NULL;
    }
    l->buf = hostbuf_link_get();
    return l;
}

int link_open(int fd, bool base, struct link **out)
{
    struct link *l = link_new(fd);

    if (!l) {
        ocall_close(fd);
        return -ENOMEM;
    }
    mutex_lock(&l->sending);
    int err = greet(l, base);
    mutex_unlock(&l->sending);
    if (!err)
        err = confirm(l, base);
    if (err) {
        link_close(l);
        return err;
    }
    *out = l;
    return 0;
}

void link_close(struct link *l)
{
    (void)link_gone(l);
    if (end_asked(l, &l->in))
        inbox_cancel(&l->inbox);
    if (end_asked(l, &l->out)) {
        ring_cancel(&l->room);
        ring_flush();
    }
    link_put(l);
}
