/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ends of a link over a real socket pair, and a host between them that changes, repeats, swaps, drops,
 * cuts and turns back what it carries: it reads from one descriptor and writes to the other.  Each
 * thread of the test is an enclave of its own: it has its seal key and what it waits for.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERESTARTSYS 512 /* signal.h */

#include "kernel/mm/test/stubs.h"

#include "kernel/crypto/gcm.c"
#include "kernel/satellite/link.c"
#include "lib/sha256.c"

struct kernel kernel;
uint32_t OPENSSL_ia32cap_P[4];

static _Thread_local uint8_t machine_key = 1;
static _Thread_local bool key_refused, signalled;
static _Thread_local unsigned tries, asks, calls_away;
static int allocations, warnings, fail_alloc;
static uint8_t bounce_fill = 0xcc; /* what the host leaves in a buffer */

/* --- the rest of the kernel ---------------------------------------------------------------- */

void panic(const char *fmt, ...)
{
    fprintf(stderr, "panic: %s\n", fmt);
    abort();
}

void log_warn(const char *fmt, ...)
{
    (void)fmt;
    __atomic_fetch_add(&warnings, 1, __ATOMIC_RELAXED);
}

void log_debug(const char *fmt, ...)
{
    (void)fmt;
}

void kernel_fpu_begin(void)
{
}

void kernel_fpu_end(void)
{
}

void sha256_hash(const void *data, size_t n, uint8_t out[SHA256_HASH_SIZE])
{
    sha256(data, n, out);
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    return !memcmp(a, b, n);
}

int sgx_seal_key(const uint8_t id[32], uint8_t out[SGX_KEY_SIZE])
{
    memcpy(out, id, SGX_KEY_SIZE);
    out[0] = machine_key;
    return key_refused ? -EIO : 0;
}

void random_bytes(void *buf, size_t n)
{
    if (getrandom(buf, n, 0) != (ssize_t)n)
        abort();
}

static void *allocated(void *p)
{
    if (p)
        __atomic_fetch_add(&allocations, 1, __ATOMIC_RELAXED);
    return p;
}

void *kzalloc(size_t n)
{
    void *p;
    if (fail_alloc == 1 || posix_memalign(&p, 64, n))
        return NULL;
    return allocated(memset(p, 0, n));
}

void kfree(void *p)
{
    allocations -= p != NULL;
    free(p);
}

void *kpages_alloc_any(size_t n)
{
    return fail_alloc == 2 ? NULL : allocated(malloc(n * PAGE_SIZE));
}

void kpages_free(void *p, size_t n)
{
    (void)n;
    kfree(p);
}

haddr_t hostbuf_link_get(void)
{
    return (haddr_t)allocated(malloc(HOST_LINK_MAX));
}

void hostbuf_link_put(haddr_t buf)
{
    kfree((void *)buf);
}

haddr_t hostbuf_get(size_t n)
{
    if (!n || n > HOSTBUF_SIZE)
        abort();
    return (haddr_t)memset(malloc(n), bounce_fill, n);
}

void hostbuf_put(haddr_t buf, size_t n)
{
    (void)n;
    free((void *)buf);
}

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

void mutex_init(struct mutex *m)
{
    m->held = 0;
}

void mutex_lock(struct mutex *m) NO_TSA
{
    while (__atomic_exchange_n(&m->held, 1, __ATOMIC_ACQUIRE))
        sched_yield();
}

void mutex_unlock(struct mutex *m) NO_TSA
{
    __atomic_store_n(&m->held, 0, __ATOMIC_RELEASE);
}

/* A thread that is woken is one that looks: thread_block below sleeps for what its own thread has asked for. */
void waitq_init(struct waitq *q)
{
    (void)q;
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    (void)q, (void)w;
}

void waitq_del(struct waitq *q, struct waiter *w)
{
    (void)q, (void)w;
}

void waitq_wake(struct waitq *q, uint32_t events)
{
    (void)q, (void)events;
}

/* --- the host ------------------------------------------------------------------------------ */

int ocall_link_send(int fd, haddr_t buf, size_t n)
{
    ssize_t sent = send(fd, (const void *)buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent == (ssize_t)n ? 0 : -errno;
}

static long host_receive(int fd, haddr_t buf)
{
    memset((void *)buf, bounce_fill, HOST_LINK_MAX);
    ssize_t n = recv(fd, (void *)buf, HOST_LINK_MAX, MSG_DONTWAIT | MSG_TRUNC);
    return n < 0 ? -errno : n > HOST_LINK_MAX ? -EMSGSIZE : n;
}

int poll(struct pollfd *p, unsigned long n, int ms); /* poll.h has another pollfd */

static void readable_wait(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 5000) <= 0) {
        fprintf(stderr, "a wait that nothing ends\n");
        abort();
    }
}

long ocall_link_receive(int fd, haddr_t buf, size_t size, bool wait)
{
    assert_int_equal(size, HOST_LINK_MAX);
    tries++;
    if (wait && calls_away && calls_away--)
        return -EINTR;
    if (wait)
        readable_wait(fd);
    return host_receive(fd, buf);
}

void ocall_close(int fd)
{
    close(fd);
}

static _Thread_local struct {
    struct ring_request *room;
    struct inbox_request *inbox;
    int room_fd, inbox_fd;
    haddr_t buf;
} asked;

void ring_poll_add(struct ring_request *r, int fd, uint32_t events)
{
    assert_int_equal(events, POLLOUT);
    assert_null(asked.room);
    asked.room = r;
    asked.room_fd = fd;
}

void ring_cancel(struct ring_request *r)
{
    if (asked.room != r)
        return;
    asked.room = NULL;
    r->done(r, -ECANCELED);
}

void ring_flush(void)
{
}

void inbox_add(struct inbox_request *r, int fd, haddr_t buf)
{
    assert_null(asked.inbox);
    asks++;
    asked.inbox = r;
    asked.inbox_fd = fd;
    asked.buf = buf;
}

static void inbox_answer(long result)
{
    struct inbox_request *r = asked.inbox;
    asked.inbox = NULL;
    r->done(r, result);
}

/* Late: what else is done before that must not need the link any more. */
static _Thread_local struct inbox_request *cancelled;

void inbox_cancel(struct inbox_request *r)
{
    if (asked.inbox == r)
        cancelled = r;
}

void clock_sync_if_stale(void)
{
}

int thread_block_killable(void)
{
    return thread_block(KTIME_NEVER, false);
}

int thread_block(ktime_t deadline, bool interruptible)
{
    struct pollfd p[2] = {{.fd = asked.room ? asked.room_fd : -1, .events = POLLOUT},
                          {.fd = asked.inbox ? asked.inbox_fd : -1, .events = POLLIN}};

    (void)deadline;
    if (interruptible && signalled)
        return -ERESTARTSYS;
    if (poll(p, 2, 5000) <= 0) {
        fprintf(stderr, "a wait that nothing ends\n");
        abort();
    }
    if (p[0].revents) {
        struct ring_request *r = asked.room;
        asked.room = NULL;
        r->done(r, 1);
    }
    if (p[1].revents)
        inbox_answer(host_receive(asked.inbox_fd, asked.buf));
    return 0;
}

/* --- two ends ------------------------------------------------------------------------------ */

static int fds[2];
static struct link *base, *satellite;
static uint8_t got[LINK_MAX], data[LINK_MAX], packet[HOST_LINK_MAX], packet2[HOST_LINK_MAX + 1];

struct other {
    pthread_t thread;
    int fd, err;
    bool base;
    uint8_t key;
    struct link *link;
};

static void *other_main(void *arg)
{
    struct other *o = arg;
    machine_key = o->key;
    o->err = link_open(o->fd, o->base, &o->link);
    return NULL;
}

static void pair_make(int fd[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd), 0);
}

/* Opens both ends: the error of ours, and of the other in o. */
static int both_open(struct link **ours, bool our_base, struct other *o)
{
    pair_make(fds);
    o->fd = fds[1];
    assert_int_equal(pthread_create(&o->thread, NULL, other_main, o), 0);
    int err = link_open(fds[0], our_base, ours);
    pthread_join(o->thread, NULL);
    return err;
}

static int setup(void **state)
{
    struct other o = {.key = 1};
    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 17 + (i >> 9));
    warnings = 0;
    signalled = false;
    assert_int_equal(both_open(&base, true, &o), 0);
    assert_int_equal(o.err, 0);
    satellite = o.link;
    tries = asks = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    link_close(base);
    link_close(satellite);
    assert_int_equal(allocations, 0);
    return 0;
}

static void send_ok(struct link *l, size_t head, size_t body)
{
    assert_int_equal(link_send(l, data, head, body ? data + head : NULL, body), 0);
}

static void receive_ok(struct link *l, size_t n)
{
    size_t len = 0;
    assert_int_equal(link_receive(l, got, sizeof(got), &len, LINK_WAIT), 0);
    assert_int_equal(len, n);
    assert_memory_equal(got, data, n);
}

/* The host takes what was sent to that end … */
static size_t steal(int fd, uint8_t *into)
{
    ssize_t n = recv(fd, into, HOST_LINK_MAX, MSG_DONTWAIT);
    assert_true(n > 0);
    return (size_t)n;
}

/* … and gives the end of l something, from fd: refused, and nothing of it seen. */
static void refused(struct link *l, int fd, const uint8_t *what, size_t n)
{
    size_t len = 0;
    int before = warnings;
    memset(got, 0, sizeof(got));
    assert_int_equal(send(fd, what, n, 0), n);
    assert_int_equal(link_receive(l, got, sizeof(got), &len, LINK_WAIT), -EBADMSG);
    for (size_t i = 0; i < sizeof(got); i++)
        assert_int_equal(got[i], 0);
    assert_int_equal(warnings, before + 1);
    assert_int_equal(link_receive(l, got, sizeof(got), &len, LINK_WAIT), -EBADMSG);
    assert_int_equal(link_send(l, "x", 1, NULL, 0), -EPIPE);
    assert_int_equal(recv(fd, got, 1, MSG_DONTWAIT), -1);
    assert_int_equal(warnings, before + 1);
    l->broken = 0; /* for the next try */
}

static void test_good(void **state)
{
    static const size_t sizes[] = {0,    1,    15,    16,           17,      200,
                                   4095, 4096, 65536, LINK_MAX - 1, LINK_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        size_t head = MIN(sizes[i], (size_t)24);
        send_ok(base, head, sizes[i] - head);
        receive_ok(satellite, sizes[i]);
        send_ok(satellite, sizes[i], 0);
        receive_ok(base, sizes[i]);
    }
    send_ok(base, 10, 0);
    send_ok(base, 20, 0);
    receive_ok(satellite, 10);
    receive_ok(satellite, 20);
    assert_int_equal(warnings, 0);
}

/* In the packet is nothing of the message, and the same message looks another way each time. */
static void test_secret(void **state)
{
    (void)state;
    send_ok(base, 200, 0);
    assert_int_equal(steal(fds[1], packet), 216);
    send_ok(base, 200, 0);
    assert_int_equal(steal(fds[1], packet2), 216);
    assert_false(memmem(packet, 216, data, 8));
    for (size_t i = 0; i + 8 <= 216; i++)
        assert_memory_not_equal(packet + i, packet2 + i, 8);
}

static void test_flipped(void **state)
{
    (void)state;
    send_ok(base, 100, 0);
    size_t n = steal(fds[1], packet);
    for (size_t i = 0; i < n; i++) {
        packet[i] ^= 0x40;
        refused(satellite, fds[0], packet, n);
        packet[i] ^= 0x40;
    }
    assert_int_equal(send(fds[0], packet, n, 0), n);
    receive_ok(satellite, 100);
}

static void test_cut(void **state)
{
    size_t len;

    (void)state;
    send_ok(base, 60, 0);
    size_t n = steal(fds[1], packet);
    for (size_t i = 1; i < n; i++)
        refused(satellite, fds[0], packet, i);
    memset(packet + n, 0, 16);
    refused(satellite, fds[0], packet, n + 1);
    refused(satellite, fds[0], packet, n + 16);
    memset(packet2, 0, sizeof(packet2));
    refused(satellite, fds[0], packet2, sizeof(packet2)); /* more than any message */
    assert_int_equal(send(fds[0], packet, n, 0), n);
    assert_int_equal(link_receive(satellite, got, 59, &len, LINK_WAIT),
                     -EBADMSG); /* longer than asked */
}

static void test_order(void **state)
{
    (void)state;
    send_ok(base, 50, 0);
    size_t n = steal(fds[1], packet);
    assert_int_equal(send(fds[0], packet, n, 0), n);
    receive_ok(satellite, 50);
    refused(satellite, fds[0], packet, n); /* again */
    send_ok(base, 50, 0);
    n = steal(fds[1], packet);
    send_ok(base, 50, 0);
    assert_int_equal(steal(fds[1], packet2), n);
    refused(satellite, fds[0], packet2, n); /* the one before it left out, or later */
    assert_int_equal(send(fds[0], packet, n, 0), n);
    receive_ok(satellite, 50);
    refused(base, fds[1], packet2, n); /* turned back */
    assert_int_equal(send(fds[0], packet2, n, 0), n);
    receive_ok(satellite, 50);
}

/* What one session has carried, in another one. */
static void test_sessions(void **state)
{
    struct other o = {.key = 1};
    struct link *other_base = NULL;
    int first[2] = {fds[0], fds[1]};

    (void)state;
    assert_int_equal(both_open(&other_base, true, &o), 0);
    send_ok(base, 70, 0);
    size_t n = steal(first[1], packet);
    refused(o.link, fds[0], packet, n);
    link_close(other_base);
    link_close(o.link);
}

static void test_end(void **state)
{
    size_t n;

    (void)state;
    send_ok(satellite, 33, 0);
    shutdown(fds[1], SHUT_RDWR);
    assert_int_equal(link_send(base, data, 5, NULL, 0), -EPIPE);
    receive_ok(base, 33); /* sent before */
    assert_int_equal(link_receive(base, got, sizeof(got), &n, LINK_WAIT), -EPIPE);
    assert_int_equal(link_receive(base, got, sizeof(got), &n, LINK_WAIT_SIGNAL), -EPIPE);
    assert_int_equal(link_send(base, data, 5, NULL, 0), -EPIPE);
    assert_int_equal(warnings, 0);
}

static void test_signal(void **state)
{
    size_t n;

    (void)state;
    signalled = true;
    assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_WAIT_SIGNAL), -ERESTARTSYS);
    assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_WAIT_SIGNAL), -ERESTARTSYS);
    assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_NO_WAIT), -EAGAIN);
    assert_int_equal(tries, 0); /* who receives for us must be the only one */
    assert_int_equal(asks, 1);
    send_ok(base, 44, 0);
    inbox_answer(host_receive(asked.inbox_fd, asked.buf)); /* while nobody waits */
    receive_ok(satellite, 44);
    signalled = false;
    send_ok(base, 45, 0);
    receive_ok(satellite, 45);
    assert_int_equal(tries, 0);
    assert_int_equal(asks, 2);
}

/* The descriptor and the buffer are the link's until nobody can use them any more. */
static void test_closed_while_asked(void **state)
{
    int before = allocations;
    size_t n;

    (void)state;
    signalled = true;
    assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_WAIT_SIGNAL), -ERESTARTSYS);
    link_close(satellite);
    assert_int_equal(allocations, before);
    assert_int_equal(fcntl(fds[1], F_GETFD) & ~FD_CLOEXEC, 0);
    asked.inbox = NULL;
    cancelled->done(cancelled, -ECANCELED);
    assert_int_equal(fcntl(fds[1], F_GETFD), -1);
    link_close(base);
    assert_int_equal(allocations, 0);
}

static void *slow_main(void *arg)
{
    usleep(10000);
    return link_send(base, data, 30, NULL, 0) ? arg : NULL;
}

/* The ways to wait: not at all, in the host though called away at times, by the inbox. */
static void test_waits(void **state)
{
    static const enum link_wait waits[] = {LINK_WAIT_BLOCK, LINK_WAIT, LINK_WAIT_SIGNAL};
    pthread_t t;
    size_t n;

    (void)state;
    assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_NO_WAIT), -EAGAIN);
    send_ok(base, 30, 0);
    assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_NO_WAIT), 0);
    calls_away = 2;
    for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
        assert_int_equal(pthread_create(&t, NULL, slow_main, NULL), 0);
        assert_int_equal(link_receive(satellite, got, sizeof(got), &n, waits[i]), 0);
        pthread_join(t, NULL);
        assert_int_equal(n, 30);
        assert_memory_equal(got, data, n);
    }
    assert_int_equal(tries, 2 + 3);
    assert_int_equal(asks, 2);
}

/* Behind a large message there is mostly another one, for which nobody needs to wait. */
static void test_many(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        send_ok(base, MANY, 0);
    for (unsigned i = 0; i < 3; i++)
        receive_ok(satellite, MANY);
    assert_int_equal(asks, 1);
    send_ok(base, 20, 0);
    receive_ok(satellite, 20);
    assert_int_equal(asks, 1);
    send_ok(base, 20, 0);
    receive_ok(satellite, 20);
    assert_int_equal(asks, 2);
}

/* What the host may answer instead of a message. */
static void test_answers(void **state)
{
    static const long answers[][2] = {{0, -EPIPE}, {-EIO, -EPIPE}, {-EMSGSIZE, -EBADMSG}};
    size_t n;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        signalled = true;
        assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_WAIT_SIGNAL),
                         -ERESTARTSYS);
        signalled = false;
        inbox_answer(answers[i][0]);
        assert_int_equal(link_receive(satellite, got, sizeof(got), &n, LINK_WAIT), answers[i][1]);
        satellite->broken = 0;
    }
}

/* A counter that has come to its end: nothing goes under a used IV. */
static void test_exhausted(void **state)
{
    (void)state;
    base->sent = MESSAGES_MAX;
    assert_int_equal(link_send(base, data, 5, NULL, 0), -EPIPE);
    assert_int_equal(recv(fds[1], got, 1, MSG_DONTWAIT), -1);
}

#define BULK 100

static void *bulk_main(void *arg)
{
    for (unsigned i = 0; i < BULK; i++)
        if (link_send(arg, data, 24, data + 24, LINK_MAX - 24))
            return arg;
    return NULL;
}

/* The socket fills up; two threads send. */
static void test_full(void **state)
{
    pthread_t t[2];
    void *failed;

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, bulk_main, base), 0);
    usleep(20000);
    for (unsigned i = 0; i < 2 * BULK; i++)
        receive_ok(satellite, LINK_MAX);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(t[i], &failed);
        assert_null(failed);
    }
}

/* --- opening ------------------------------------------------------------------------------- */

static void open_fails(bool our_base, bool their_base, uint8_t their_key)
{
    struct other o = {.base = their_base, .key = their_key};
    struct link *l;

    warnings = 0;
    assert_int_equal(both_open(&l, our_base, &o), -EBADMSG);
    /* The other one may have seen our end before our greeting. */
    assert_true(o.err == -EBADMSG || o.err == -EPIPE);
    assert_true(warnings >= 1);
    assert_int_equal(allocations, 0);
}

static void test_strangers(void **state)
{
    struct other o = {.base = false, .key = 1};
    struct link *l = NULL;

    (void)state;
    open_fails(true, true, 1);
    open_fails(false, false, 1);
    open_fails(true, false, 2); /* another enclave, or another machine */
    assert_int_equal(both_open(&l, true, &o), 0);
    link_close(l);
    link_close(o.link);
}

/* One that talks to us by rote: packets of these lengths, then the end. */
static int rote(size_t first, size_t second, bool base_end)
{
    struct link *l;
    int fd[2], err;

    pair_make(fd);
    memset(packet, 7, 200);
    if (first)
        assert_int_equal(send(fd[1], packet, first, 0), first);
    if (second)
        assert_int_equal(send(fd[1], packet, second, 0), second);
    shutdown(fd[1], SHUT_WR);
    err = link_open(fd[0], base_end, &l);
    close(fd[1]);
    assert_int_equal(close(fd[0]), -1); /* closed */
    assert_int_equal(allocations, 0);
    return err;
}

static void test_greeting(void **state)
{
    (void)state;
    for (int b = 0; b < 2; b++) {
        assert_int_equal(rote(0, 0, b), -EPIPE);
        assert_int_equal(rote(NONCE_SIZE, 0, b), -EPIPE);
        assert_int_equal(rote(NONCE_SIZE - 1, 0, b), -EBADMSG);
        assert_int_equal(rote(NONCE_SIZE + 1, 0, b), -EBADMSG);
        assert_int_equal(rote(NONCE_SIZE, 32, b), -EBADMSG);
        assert_int_equal(rote(NONCE_SIZE, 31, b), -EBADMSG);
        assert_int_equal(rote(NONCE_SIZE, 16, b), -EBADMSG);
        assert_int_equal(rote(NONCE_SIZE, 15, b), -EBADMSG);
        assert_int_equal(rote(NONCE_SIZE, 1, b), -EBADMSG);
        assert_int_equal(rote(NONCE_SIZE, 200, b), -EBADMSG);
    }
}

static void *echo_main(void *arg)
{
    int fd = *(int *)arg;
    uint8_t buf[100];
    for (unsigned i = 0; i < 2; i++) {
        fd_set in;
        FD_ZERO(&in);
        FD_SET(fd, &in);
        select(fd + 1, &in, NULL, NULL, NULL);
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        if (n > 0)
            send(fd, buf, (size_t)n, MSG_NOSIGNAL);
    }
    return NULL;
}

/* All that we say comes back: the nonces are equal then, the keys of the directions are not. */
static void test_echo(void **state)
{
    struct link *l;
    pthread_t t;
    int fd[2];

    (void)state;
    pair_make(fd);
    assert_int_equal(pthread_create(&t, NULL, echo_main, &fd[1]), 0);
    assert_int_equal(link_open(fd[0], true, &l), -EBADMSG);
    pthread_join(t, NULL);
    close(fd[1]);
}

static void test_lack(void **state)
{
    (void)state;
    for (fail_alloc = 1; fail_alloc <= 2; fail_alloc++)
        assert_int_equal(rote(NONCE_SIZE, 0, true), -ENOMEM);
    fail_alloc = 0;
    key_refused = true;
    assert_int_equal(rote(NONCE_SIZE, 0, true), -EIO);
    key_refused = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good, setup, teardown),
        cmocka_unit_test_setup_teardown(test_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flipped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
        cmocka_unit_test_setup(test_closed_while_asked, setup),
        cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exhausted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_greeting),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_lack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
