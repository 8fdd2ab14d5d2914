/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings by threads with ordinary system calls, for hosts that forbid io_uring.
 *
 * The enclave asks for one thing, to be told when a descriptor is ready: one thread waits in poll(2) for all
 * POLL_ADD requests, and on an eventfd that tells it of new ones.
 *
 * Lock: `lock` guards everything below it in struct pool, and the completion ring's tail.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/ring.h"

#define ENTRIES 256U
#define CQ_ENTRIES 2048U
#define POLLS 1024

struct pool {
    struct ring ring;
    uint32_t words[4]; /* shared with the enclave: sq_head, sq_tail, cq_head, cq_tail */
    uint32_t *sq_array;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    uint32_t sq_taken; /* by the entering thread alone */

    pthread_mutex_t lock;
    uint32_t cq_tail;
    struct pollfd polls[POLLS]; /* polls[0] is the eventfd; the poller works on a copy */
    uint64_t poll_data[POLLS];
    unsigned npolls;
    int kick;
    bool poller_running;
};

enum { SQ_HEAD, SQ_TAIL, CQ_HEAD, CQ_TAIL };

static void complete_locked(struct pool *p, uint64_t data, int32_t result)
{
    struct io_uring_cqe *c = &p->cqes[p->cq_tail & (CQ_ENTRIES - 1)];
    *c = (struct io_uring_cqe){.user_data = data, .res = result};
    __atomic_store_n(&p->words[CQ_TAIL], ++p->cq_tail, __ATOMIC_RELEASE);
    eventfd_write(p->ring.fd, 1);
}

static void poll_remove_locked(struct pool *p, unsigned i)
{
    p->npolls--;
    p->polls[i] = p->polls[p->npolls];
    p->poll_data[i] = p->poll_data[p->npolls];
}

/* Completes what the copy says is ready; entries may have moved meanwhile, so they are found
 * again. */
static void poll_complete_locked(struct pool *p, const struct pollfd *done, const uint64_t *data,
                                 unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        if (!done[i].revents)
            continue;
        for (unsigned k = 1; k < p->npolls; k++) {
            if (p->poll_data[k] != data[i])
                continue;
            complete_locked(p, data[i], done[i].revents & POLLNVAL ? -EBADF : done[i].revents);
            poll_remove_locked(p, k);
            break;
        }
    }
}

static void *poller(void *arg)
{
    struct pool *p = arg;
    static struct pollfd copy[POLLS];
    static uint64_t data[POLLS];

    for (;;) {
        pthread_mutex_lock(&p->lock);
        unsigned n = p->npolls;
        memcpy(copy, p->polls, n * sizeof(copy[0]));
        memcpy(data, p->poll_data, n * sizeof(data[0]));
        pthread_mutex_unlock(&p->lock);
        if (poll(copy, n, -1) < 0)
            continue;
        if (copy[0].revents) {
            uint64_t count;
            if (read(p->kick, &count, sizeof(count)) < 0)
                continue;
        }
        pthread_mutex_lock(&p->lock);
        poll_complete_locked(p, copy, data, n);
        pthread_mutex_unlock(&p->lock);
    }
    return NULL;
}

/* Helpers take no signals: those are for the vCPU's thread. */
static int thread_spawn(void *(*fn)(void *), void *arg)
{
    sigset_t all, old;
    pthread_t t;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int err = pthread_create(&t, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!err)
        pthread_detach(t);
    return -err;
}

static void poll_add_locked(struct pool *p, const struct io_uring_sqe *s)
{
    if (p->npolls == POLLS) {
        complete_locked(p, s->user_data, -ENOBUFS);
        return;
    }
    if (!p->poller_running && thread_spawn(poller, p)) {
        complete_locked(p, s->user_data, -EAGAIN);
        return;
    }
    p->poller_running = true;
    p->polls[p->npolls] = (struct pollfd){.fd = s->fd, .events = (short)s->poll32_events};
    p->poll_data[p->npolls++] = s->user_data;
    eventfd_write(p->kick, 1);
}

static void cancel_locked(struct pool *p, const struct io_uring_sqe *s)
{
    for (unsigned k = 1; k < p->npolls; k++) {
        if (p->poll_data[k] != s->addr)
            continue;
        complete_locked(p, s->addr, -ECANCELED);
        poll_remove_locked(p, k);
        eventfd_write(p->kick, 1);
        break;
    }
    complete_locked(p, s->user_data, 0);
}

static void take_submissions_locked(struct pool *p, uint32_t submit)
{
    uint32_t tail = __atomic_load_n(&p->words[SQ_TAIL], __ATOMIC_ACQUIRE);
    for (; submit && p->sq_taken != tail; submit--) {
        struct io_uring_sqe s = p->sqes[p->sq_array[p->sq_taken++ & (ENTRIES - 1)] & (ENTRIES - 1)];
        if (s.opcode == IORING_OP_POLL_ADD)
            poll_add_locked(p, &s);
        else if (s.opcode == IORING_OP_ASYNC_CANCEL)
            cancel_locked(p, &s);
        else
            complete_locked(p, s.user_data, -EINVAL);
    }
    __atomic_store_n(&p->words[SQ_HEAD], p->sq_taken, __ATOMIC_RELEASE);
}

static int pool_submit(struct ring *r, uint32_t n)
{
    struct pool *p = (struct pool *)r;
    pthread_mutex_lock(&p->lock);
    take_submissions_locked(p, n);
    pthread_mutex_unlock(&p->lock);
    return 0;
}

/* The enclave takes all completions that are there before somebody waits again. */
static void pool_woken(struct ring *r)
{
    eventfd_t count;
    (void)eventfd_read(r->fd, &count);
}

int ring_threads_open(struct host_ring *s, struct ring **out)
{
    struct pool *p = calloc(1, sizeof(*p));
    size_t sqes = ENTRIES * sizeof(struct io_uring_sqe),
           cqes = CQ_ENTRIES * sizeof(struct io_uring_cqe);
    size_t len = sqes + cqes + ENTRIES * sizeof(uint32_t);
    int err = -ENOMEM;

    if (!p)
        return err;
    char *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mem == MAP_FAILED)
        goto undo_pool;
    p->kick = eventfd(0, EFD_CLOEXEC);
    p->ring.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->kick < 0 || p->ring.fd < 0) {
        err = -errno;
        goto undo_fds;
    }
    p->sqes = (struct io_uring_sqe *)mem;
    p->cqes = (struct io_uring_cqe *)(mem + sqes);
    p->sq_array = (uint32_t *)(mem + sqes + cqes);
    p->polls[0] = (struct pollfd){.fd = p->kick, .events = POLLIN};
    p->npolls = 1;
    pthread_mutex_init(&p->lock, NULL);
    *s = (struct host_ring){
        .sq_head = (uint64_t)&p->words[SQ_HEAD],
        .sq_tail = (uint64_t)&p->words[SQ_TAIL],
        .sq_array = (uint64_t)p->sq_array,
        .sqes = (uint64_t)p->sqes,
        .cq_head = (uint64_t)&p->words[CQ_HEAD],
        .cq_tail = (uint64_t)&p->words[CQ_TAIL],
        .cqes = (uint64_t)p->cqes,
        .sq_entries = ENTRIES,
        .cq_entries = CQ_ENTRIES,
    };
    p->ring.submit = pool_submit;
    p->ring.woken = pool_woken;
    p->ring.name = "threads";
    *out = &p->ring;
    return 0;

undo_fds:
    if (p->kick >= 0)
        close(p->kick);
    if (p->ring.fd >= 0)
        close(p->ring.fd);
    munmap(mem, len);
undo_pool:
    free(p);
    return err;
}
