/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that lies: host/ocall.c with an answer changed now and then.  `cella` linked with this file
 * in place of that one runs a program against a hostile host; test/system/hostile.py drives it.
 *
 *   LIES_SEED     which lies (a number; the same number, the same lies as far as timing allows)
 *   LIES_RATE     one answer in so many is a lie (default 20)
 *   LIES_HONEST   the first so many answers are true (default 0)
 *   LIES_ABOUT    some of the letters
 *                   r results   b buffers   c completion ring   s signals   w results of writes
 *                   h one number of the start block or of the ring's description
 *                   q requests that no client has made, to a live enclave
 *                   t no lie: ticks all the time, wherever the kernel is
 *                 (default "rbcs": a host that lies about writes only spoils its own files)
 *
 * A result lies by a wrong errno, a length beyond what was asked, a number out of every range; a
 * buffer by changed bytes; the ring by made-up completions and counts.  Descriptors are never
 * invented among those that this process uses: the host would only hurt itself.
 */
#define ocall_serve ocall_serve_truly
#include "host/ocall.c"
#undef ocall_serve

#include <linux/io_uring.h>
#include <stdlib.h>

#include "abi/host/control.h"

int64_t ocall_serve(struct host_vcpu *v);

enum ocall_nr {
#define OCALL(nr, name, argc) OCALL_##name = (nr),
#include "abi/host/ocall.tbl"
#undef OCALL
};

enum lie {
    LIE_RESULT = 1,
    LIE_BUFFER = 2,
    LIE_RING = 4,
    LIE_SIGNALS = 8,
    LIE_WRITES = 16,
    STORM_OF_TICKS = 32,
    LIE_START = 64,
    LIE_REQUESTS = 128,
};

#define TICK_NS 50000

static struct {
    uint64_t state, rate, honest;
    unsigned about;
} liar;

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static void ticks_start(void)
{
    struct itimerspec its = {.it_interval.tv_nsec = TICK_NS, .it_value.tv_nsec = TICK_NS};
    struct sigevent ev = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = TICK_SIGNAL};
    timer_t timer;
    ev._sigev_un._tid = (int)syscall(SYS_gettid);
    if (!timer_create(CLOCK_MONOTONIC, &ev, &timer))
        timer_settime(timer, 0, &its, NULL);
}

static void liar_init(void)
{
    const char *about = getenv("LIES_ABOUT");
    liar.state = number_of("LIES_SEED", 1) * 0x9e3779b97f4a7c15UL + 1;
    liar.rate = number_of("LIES_RATE", 20);
    liar.honest = number_of("LIES_HONEST", 0);
    for (about = about ? about : "rbcs"; *about; about++)
        liar.about |= *about == 'r'   ? LIE_RESULT
                      : *about == 'b' ? LIE_BUFFER
                      : *about == 'c' ? LIE_RING
                      : *about == 's' ? LIE_SIGNALS
                      : *about == 't' ? STORM_OF_TICKS
                      : *about == 'h' ? LIE_START
                      : *about == 'q' ? LIE_REQUESTS
                                      : LIE_WRITES;
}

/* xorshift64* */
static uint64_t roll(void)
{
    liar.state ^= liar.state >> 12;
    liar.state ^= liar.state << 25;
    liar.state ^= liar.state >> 27;
    return liar.state * 0x2545f4914f6cdd1dUL;
}

static uint64_t odd_number(uint64_t truth)
{
    static const uint64_t odd[] = {
        0,          1,          2,          4095,         4096,      4097,      0x7fff,  0xffff,
        0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,  INT64_MAX, 1UL << 63, ~0UL,    -4095UL,
        -4096UL,    1UL << 40,  1UL << 39,  0xf000000000, 1UL << 47, -512UL,    -4097UL, 1UL << 62,
    };
    switch (roll() % 6) {
    case 0: return truth + 1;
    case 1: return truth - 1;
    case 2: return truth ^ (1UL << roll() % 64);
    case 3: return roll();
    case 4: return truth | 1UL << 32;
    default: return odd[roll() % (sizeof(odd) / sizeof(odd[0]))];
    }
}

/* Some bytes of a buffer, or one number in it. */
static void spoil(void *buffer, size_t n)
{
    uint8_t *p = buffer;
    if (!p || !n)
        return;
    if (n >= 8 && roll() % 2) {
        uint64_t word, at = roll() % (n / 8) * 8;
        memcpy(&word, p + at, 8);
        word = odd_number(word);
        memcpy(p + at, &word, roll() % 2 ? 8 : roll() % 2 ? 4 : 2);
        return;
    }
    for (uint64_t k = 1 + roll() % 8; k; k--)
        p[roll() % n] = (uint8_t)roll();
}

static bool is_write(uint64_t nr)
{
    return nr == OCALL_write_ready || nr == OCALL_pwrite || nr == OCALL_pwritev_append;
}

static void spoil_inbox(struct host_vcpu *v)
{
    if (!v->inbox_count)
        return;
    struct host_inbox *i = &v->inbox[roll() % v->inbox_count];
    if (roll() % 2)
        i->got = (int64_t)odd_number((uint64_t)i->got);
    else
        spoil((void *)i->buf, 256);
}

static void spoil_buffers(struct host_vcpu *v)
{
    switch (v->ocall.nr) {
    case OCALL_ring_enter: spoil_inbox(v); break;
    case OCALL_open: spoil(PTR(4), sizeof(struct statx)); break;
    case OCALL_statx: spoil(PTR(3), sizeof(struct statx)); break;
    case OCALL_clock_get: spoil(PTR(0), sizeof(struct host_clock)); break;
    case OCALL_pread:
    case OCALL_read_ready:
    case OCALL_link_receive:
    case OCALL_getdents: spoil(PTR(1), v->ocall.ret > 0 ? (size_t)v->ocall.ret : ARG(2)); break;
    case OCALL_readlink: spoil(PTR(2), ARG(3)); break;
    case OCALL_statfs: spoil(PTR(1), 120); break;
    case OCALL_ioctl: spoil(PTR(2), 64); break;
    case OCALL_cpuid: spoil(PTR(2), 16); break;
    case OCALL_sysinfo: spoil(PTR(0), sizeof(struct host_sysinfo)); break;
    case OCALL_control_data: spoil(PTR(0), ARG(1)); break;
    default: break;
    }
}

/* Completions that nobody asked for, changed ones, and a tail that promises too many. */
static void spoil_ring(const struct host_ring *r)
{
    uint32_t *tail = (uint32_t *)r->cq_tail;
    struct io_uring_cqe *cqes = (struct io_uring_cqe *)r->cqes;
    struct io_uring_cqe *next = &cqes[*tail & (r->cq_entries - 1)];

    switch (roll() % 8) {
    case 0: *tail += (uint32_t)odd_number(0); break;
    case 1: *(uint32_t *)r->sq_head = (uint32_t)roll(); break;
    case 2: *(uint32_t *)r->cq_head = (uint32_t)roll(); break;
    case 3: spoil((void *)r->sqes, 1024); break;
    case 4: spoil(&cqes[(*tail - 1) & (r->cq_entries - 1)], sizeof(*next)); break;
    default:
        *next = (struct io_uring_cqe){.user_data =
                                          roll() % 2 ? roll() % 1100 | (roll() % 3) << 32 : roll(),
                                      .res = (int32_t)odd_number(1)};
        __atomic_fetch_add(tail, 1, __ATOMIC_RELEASE);
    }
}

static int64_t lie_result(struct host_vcpu *v, int64_t truth)
{
    int64_t lie = roll() % 3 ? (int64_t)odd_number((uint64_t)truth) : -(int64_t)(1 + roll() % 133);
    bool fd = v->ocall.nr == OCALL_open;
    return fd && lie >= 0 && lie < 4096 ? -EIO : lie;
}

#define MADE_UP 300

static const char words[] = "/bin/true\0/\0true\0-x\0A=1\0B=2";

/* A request for a program, a signal, a list, or (seldom) the end; much of it impossible. */
static bool make_up_request(struct host_control *c)
{
    static unsigned made;

    if (made++ >= MADE_UP)
        return false;
    *c = (struct host_control){
        .id = roll() % 40,
        .kind = roll() % 100 ? (uint32_t)(1 + roll() % 3) : (uint32_t)(roll() % 6),
        .signal = roll() % 4 ? (uint32_t)(roll() % 66) : (uint32_t)odd_number(0),
        .fds = {-1, -1, 1000000 + (int32_t)(roll() % 10), -1},
        .umask = (uint32_t)roll(),
        .argc = roll() % 4 ? 2 : (uint32_t)odd_number(2),
        .envc = roll() % 4 ? 2 : (uint32_t)odd_number(2),
        .data_len = roll() % 4 ? sizeof(words) : (uint32_t)odd_number(sizeof(words)),
        .flags = (uint32_t)(roll() % 3),
    };
    return true;
}

static int64_t make_up_data(char *buf, uint64_t n, uint64_t off)
{
    for (uint64_t i = 0; i < n; i++)
        buf[i] = words[(off + i) % sizeof(words)];
    if (roll() % 3 == 0)
        spoil(buf, n);
    return roll() % 8 ? (int64_t)n : (int64_t)odd_number(n);
}

static int64_t lie_request(struct host_vcpu *v, int64_t truth)
{
    if (v->ocall.nr == OCALL_control_next && !truth)
        return make_up_request(PTR(0));
    if (v->ocall.nr == OCALL_control_data && truth < 0)
        return make_up_data(PTR(0), ARG(1), ARG(2));
    return truth;
}

/* The linker puts this in place of start_prepare (--wrap). */
int __real_start_prepare(void);
int __wrap_start_prepare(void);

int __wrap_start_prepare(void)
{
    int ret = __real_start_prepare();
    liar_init();
    if (ret || !(liar.about & LIE_START))
        return ret;
    uint64_t *word = (uint64_t *)host.start + roll() % (sizeof(*host.start) / 8);
    if (roll() % 4 == 0)
        word = (uint64_t *)&host.start->ring + roll() % (sizeof(struct host_ring) / 8);
    *word = odd_number(*word);
    return ret;
}

static bool now(unsigned about)
{
    return (liar.about & about) && roll() % liar.rate == 0;
}

int64_t ocall_serve(struct host_vcpu *v)
{
    static bool started; /* by the first vCPU's first request, when there is a handler */
    int64_t ret = ocall_serve_truly(v);
    if ((liar.about & STORM_OF_TICKS) && !started) {
        started = true;
        ticks_start();
    }
    if (liar.honest) {
        liar.honest--;
        return ret;
    }
    if (liar.about & LIE_REQUESTS)
        ret = lie_request(v, ret);
    v->ocall.ret = ret;
    if (now(LIE_BUFFER))
        spoil_buffers(v);
    if (now(LIE_RING))
        spoil_ring(&host.start->ring);
    if (now(LIE_SIGNALS))
        v->signals |= roll();
    if (now(LIE_SIGNALS))
        v->kick = (uint32_t)roll();
    if (now(is_write(v->ocall.nr) ? LIE_WRITES : LIE_RESULT))
        return lie_result(v, ret);
    return ret;
}
