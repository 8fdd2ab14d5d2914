/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring against an honest and a lying host: completions for requests that do not exist, stale
 * generations, a completion ring that claims more than it holds, addresses inside ELRANGE.
 */
#include "kernel/mm/test/stubs.h"

/* What the rest of the kernel would do. */
static uint64_t calls, last_submit;
static jmp_buf panicked;

#include "kernel/ocall/hostcall.h"
#include "kernel/ocall/ring.c"

void ocall_epoch_end(void)
{
}

struct kernel kernel;

void panic(const char *fmt, ...)
{
    (void)fmt;
    longjmp(panicked, 1);
}

int64_t host_call(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                  uint64_t a5)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5;
    assert_int_equal(nr, OCALL_ring_enter);
    calls++;
    last_submit = a0;
    return 0;
}

bool host_range_ok(haddr_t addr, size_t n)
{
    return addr >= 4096 && n < (1UL << 40);
}

void waitq_init(struct waitq *q)
{
    list_init(&q->waiters);
}

void waitq_add(struct waitq *q, struct waiter *w)
{
    list_add_tail(&q->waiters, &w->link);
}

void waitq_del(struct waitq *q, struct waiter *w)
{
    (void)q;
    list_del(&w->link);
}

void waitq_wake(struct waitq *q, uint32_t events)
{
    (void)q, (void)events;
}

int thread_block(ktime_t deadline, bool interruptible)
{
    (void)deadline, (void)interruptible;
    return 0;
}

void thread_wake(struct thread *t)
{
    (void)t;
}

ktime_t clock_mono(void)
{
    return 1000;
}

void clock_sync_if_stale(void)
{
}

/* The host's side of the memory. */
#define ENTRIES 8
static uint32_t sqh, sqt, cqh, cqt, array[ENTRIES];
static struct io_uring_sqe sqe_mem[ENTRIES];
static struct io_uring_cqe cqe_mem[ENTRIES];

static struct host_ring honest(void)
{
    return (struct host_ring){
        (uint64_t)&sqh, (uint64_t)&sqt,    (uint64_t)array, (uint64_t)sqe_mem, (uint64_t)&cqh,
        (uint64_t)&cqt, (uint64_t)cqe_mem, ENTRIES,         ENTRIES,
    };
}

static int setup(void **state)
{
    (void)state;
    memset(slots, 0, sizeof(slots));
    sqh = sqt = cqh = cqt = 0;
    sq_queued = busy = 0;
    calls = 0;
    struct host_ring r = honest();
    return ring_init(&r) ? 0 : -1;
}

struct seen {
    struct ring_request r;
    int count;
    int32_t result;
};

static void seen_done(struct ring_request *r, int32_t result)
{
    struct seen *s = container_of(r, struct seen, r);
    s->count++;
    s->result = result;
}

static void host_completes(uint64_t data, int32_t res)
{
    cqe_mem[cqt % ENTRIES] = (struct io_uring_cqe){.user_data = data, .res = res};
    cqt++;
}

static void test_round_trip(void **state)
{
    (void)state;
    struct seen s = {.r.done = seen_done};
    ring_poll_add(&s.r, 5, 1);
    assert_true(ring_busy());
    assert_int_equal(sqt, 1);
    assert_int_equal(sqe_mem[array[0]].opcode, IORING_OP_POLL_ADD);
    assert_int_equal(sqe_mem[array[0]].fd, 5);
    assert_false(ring_reap());
    host_completes(sqe_mem[array[0]].user_data, 1);
    assert_true(ring_reap());
    assert_int_equal(s.count, 1);
    assert_int_equal(s.result, 1);
    assert_false(ring_busy());
}

static void test_made_up_completions_are_ignored(void **state)
{
    (void)state;
    struct seen s = {.r.done = seen_done};
    ring_poll_add(&s.r, 5, 1);
    uint64_t data = sqe_mem[array[0]].user_data;
    host_completes(data + 1, 0);
    host_completes(~0UL, 0);
    host_completes(data + (1UL << 32), 0);
    ring_reap();
    assert_int_equal(s.count, 0);
    host_completes(data, 7);
    host_completes(data, 8); /* twice: the second is for nobody */
    ring_reap();
    assert_int_equal(s.count, 1);
    assert_int_equal(s.result, 7);
}

static void test_stale_generation(void **state)
{
    (void)state;
    struct seen a = {.r.done = seen_done}, b = {.r.done = seen_done};
    ring_poll_add(&a.r, 5, 1);
    uint64_t old = sqe_mem[array[0]].user_data;
    host_completes(old, 0);
    ring_reap();
    ring_poll_add(&b.r, 6, 1); /* gets the same slot */
    host_completes(old, 0);
    ring_reap();
    assert_int_equal(b.count, 0);
}

static void test_overfull_ring_panics(void **state)
{
    (void)state;
    cqt = cqh + ENTRIES + 1;
    if (!setjmp(panicked)) {
        ring_reap();
        fail_msg("believed a ring with more completions than entries");
    }
    spin_unlock(&ring_lock);
}

static void test_result_below_errno_range(void **state)
{
    (void)state;
    struct seen s = {.r.done = seen_done};
    ring_poll_add(&s.r, 5, 1);
    host_completes(sqe_mem[array[0]].user_data, INT32_MIN);
    ring_reap();
    assert_int_equal(s.result, -4095);
}

static void test_full_submission_queue_is_handed_over(void **state)
{
    (void)state;
    struct seen s[ENTRIES + 1];
    for (int i = 0; i <= ENTRIES; i++) {
        s[i] = (struct seen){.r.done = seen_done};
        ring_poll_add(&s[i].r, i, 1);
    }
    assert_int_equal(calls, 1);
    assert_int_equal(last_submit, ENTRIES);
}

static void test_bad_shapes_are_refused(void **state)
{
    (void)state;
    struct host_ring r = honest();
    r.sq_entries = 3;
    assert_false(ring_init(&r));
    r = honest();
    r.cq_entries = 0;
    assert_false(ring_init(&r));
    r = honest();
    r.sqes = 16;
    assert_false(ring_init(&r));
    r = honest();
    r.cqes = 0;
    assert_false(ring_init(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip, setup),
        cmocka_unit_test_setup(test_made_up_completions_are_ignored, setup),
        cmocka_unit_test_setup(test_stale_generation, setup),
        cmocka_unit_test_setup(test_overfull_ring_panics, setup),
        cmocka_unit_test_setup(test_result_below_errno_range, setup),
        cmocka_unit_test_setup(test_full_submission_queue_is_handed_over, setup),
        cmocka_unit_test_setup(test_bad_shapes_are_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
