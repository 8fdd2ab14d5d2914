/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_uring from inside: the rings' words and arrays are untrusted memory that the kernel reads and
 * writes in place, because that is the interface; so every word that is read is taken once and
 * checked.
 *
 *   - The kernel keeps its own sq_tail and cq_head and never believes the shared copies of them.
 *   - cq_tail may claim at most cq_entries completions beyond cq_head; else it lies: panic.
 *   - user_data names a slot in a trusted table; a completion for a free slot is ignored.
 *   - result is a 32-bit number below -4095 never; the requester checks what it means.
 *
 * One ring for all vCPUs, because any of them may find what another one waits for; lock: ring_lock,
 * never held while outside.
 */
#include "kernel/ocall/ring.h"

#include <linux/errno.h>
#include <linux/io_uring.h>

#include "abi/host/start.h"
#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/ocall/ocall.h"
#include "kernel/ocall/ring_impl.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/waitq.h"
#include "lib/string.h"

#define SLOTS 1024
#define NO_SLOT UINT32_MAX
#define CANCEL_DATA 0xffffffffUL

struct slot {
    struct ring_request *request; /* NULL: free */
    uint32_t generation;          /* tells a late completion of an earlier request */
    uint32_t next_free;
};

static struct spinlock ring_lock;
static struct host_ring ring;    /* [I] trusted copy of the addresses */
static uint32_t sq_tail;         /* [ring_lock] */
static uint32_t sq_queued;       /* [ring_lock] not yet handed to the host */
static uint32_t cq_head;         /* [ring_lock] */
static uint32_t busy;            /* [ring_lock] requests under way */
static struct slot slots[SLOTS]; /* [ring_lock] */
static uint32_t free_slot;       /* [ring_lock] */
static struct waitq slot_waitq;

static uint32_t shared_load(haddr_t word)
{
    return __atomic_load_n((uint32_t *)word, __ATOMIC_ACQUIRE);
}

static void shared_store(haddr_t word, uint32_t v)
{
    __atomic_store_n((uint32_t *)word, v, __ATOMIC_RELEASE);
}

static bool power_of_two(uint32_t n)
{
    return n && !(n & (n - 1));
}

bool ring_init(const struct host_ring *r)
{
    ring = *r;
    if (!power_of_two(r->sq_entries) || !power_of_two(r->cq_entries) || r->sq_entries > 32768 ||
        r->cq_entries > 65536)
        return false;
    bool ok = host_range_ok(r->sq_head, 4) && host_range_ok(r->sq_tail, 4) &&
              host_range_ok(r->sq_array, r->sq_entries * 4UL) &&
              host_range_ok(r->sqes, r->sq_entries * sizeof(struct io_uring_sqe)) &&
              host_range_ok(r->cq_head, 4) && host_range_ok(r->cq_tail, 4) &&
              host_range_ok(r->cqes, r->cq_entries * sizeof(struct io_uring_cqe));
    if (!ok)
        return false;
    for (uint32_t i = 0; i < SLOTS; i++)
        slots[i].next_free = i + 1 < SLOTS ? i + 1 : NO_SLOT;
    free_slot = 0;
    waitq_init(&slot_waitq);
    sq_tail = shared_load(r->sq_tail);
    cq_head = shared_load(r->cq_head);
    return true;
}

/* Fills the next SQE; false when the ring is full (the host has not taken what is there). */
static bool sqe_push_locked(const struct io_uring_sqe *sqe) REQUIRES(ring_lock)
{
    if (sq_queued == ring.sq_entries)
        return false;
    uint32_t i = sq_tail & (ring.sq_entries - 1);
    memcpy((struct io_uring_sqe *)ring.sqes + i, sqe, sizeof(*sqe));
    ((volatile uint32_t *)ring.sq_array)[i] = i;
    shared_store(ring.sq_tail, ++sq_tail);
    sq_queued++;
    return true;
}

/* Leaves the enclave: hands over what is queued; timeout 0: does not wait. */
static void ring_enter(int64_t timeout, bool watch)
{
    spin_lock(&ring_lock);
    uint32_t n = sq_queued;
    /* The host takes all; if not, those requests never complete, as it may decide anyway. */
    sq_queued = 0;
    spin_unlock(&ring_lock);
    host_call3(ring_enter, n, (uint64_t)timeout, watch);
}

static uint64_t user_data(uint32_t slot)
{
    return (uint64_t)slots[slot].generation << 32 | slot;
}

/* Takes a slot, waiting for one if need be, and queues the request. */
static void submit(struct ring_request *r, struct io_uring_sqe *sqe)
{
    for (;;) {
        spin_lock(&ring_lock);
        uint32_t i = free_slot;
        if (i != NO_SLOT && sq_queued < ring.sq_entries) {
            free_slot = slots[i].next_free;
            slots[i].request = r;
            slots[i].generation++;
            r->slot = i;
            r->active = true;
            sqe->user_data = user_data(i);
            sqe_push_locked(sqe);
            busy++;
            spin_unlock(&ring_lock);
            return;
        }
        spin_unlock(&ring_lock);
        if (i != NO_SLOT) {
            ring_enter(0, false);
            continue;
        }
        struct waiter w;
        waitq_add(&slot_waitq, &w);
        if (__atomic_load_n(&free_slot, __ATOMIC_RELAXED) == NO_SLOT)
            (void)thread_block(KTIME_NEVER, false);
        waitq_del(&slot_waitq, &w);
    }
}

void ring_poll_add(struct ring_request *r, int fd, uint32_t events)
{
    struct io_uring_sqe sqe = {.opcode = IORING_OP_POLL_ADD, .fd = fd, .poll32_events = events};
    submit(r, &sqe);
}

void ring_cancel(struct ring_request *r)
{
    spin_lock(&ring_lock);
    if (r->active) {
        struct io_uring_sqe sqe = {.opcode = IORING_OP_ASYNC_CANCEL,
                                   .fd = -1,
                                   .addr = user_data(r->slot),
                                   .user_data = CANCEL_DATA};
        sqe_push_locked(&sqe);
    }
    spin_unlock(&ring_lock);
}

/* The request of a completion, its slot freed; NULL when the host made it up. */
static struct ring_request *slot_complete_locked(uint64_t data) REQUIRES(ring_lock)
{
    uint32_t i = (uint32_t)data;
    if (i >= SLOTS || !slots[i].request || user_data(i) != data)
        return NULL;
    struct ring_request *r = slots[i].request;
    slots[i].request = NULL;
    slots[i].next_free = free_slot;
    free_slot = i;
    r->active = false;
    busy--;
    return r;
}

bool ring_reap(void)
{
    bool any = false;

    for (;;) {
        spin_lock(&ring_lock);
        uint32_t tail = shared_load(ring.cq_tail);
        if (tail == cq_head) {
            spin_unlock(&ring_lock);
            break;
        }
        if (tail - cq_head > ring.cq_entries)
            panic("the host's completion ring claims %u entries of %u", tail - cq_head,
                  ring.cq_entries);
        struct io_uring_cqe cqe;
        memcpy(&cqe, (struct io_uring_cqe *)ring.cqes + (cq_head & (ring.cq_entries - 1)),
               sizeof(cqe));
        shared_store(ring.cq_head, ++cq_head);
        struct ring_request *r = slot_complete_locked(cqe.user_data);
        spin_unlock(&ring_lock);
        any = true;
        ocall_epoch_end();
        if (r) {
            waitq_wake(&slot_waitq, 0);
            r->done(r, MAX(cqe.res, -4095));
        }
    }
    return any;
}

bool ring_busy(void)
{
    return __atomic_load_n(&busy, __ATOMIC_RELAXED) != 0;
}

bool ring_ready(void)
{
    return shared_load(ring.cq_tail) != __atomic_load_n(&cq_head, __ATOMIC_RELAXED);
}

bool ring_queued(void)
{
    return __atomic_load_n(&sq_queued, __ATOMIC_RELAXED) != 0;
}

void ring_look(void)
{
    ring_enter(0, false);
}

void ring_flush(void)
{
    if (ring_queued() || ring_busy())
        ring_look();
}

void ring_wait(ktime_t deadline, bool watch)
{
    int64_t timeout = -1;

    if (watch && ring_ready())
        return;
    if (deadline != KTIME_NEVER) {
        timeout = deadline - clock_mono();
        if (timeout <= 0)
            return;
    }
    clock_sync_if_stale();
    ring_enter(timeout, watch);
}
