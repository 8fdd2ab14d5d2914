/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inboxes against an honest and a lying host: each request is with one vCPU at a time, is done once, and with an
 * answer that may be.
 */
#include "kernel/mm/test/stubs.h"

#include "kernel/ocall/inbox.c"

static struct host_vcpu shared[2];
static struct vcpu vcpus[2];
static unsigned woken; /* bit n: vCPU n */

int64_t host_result(int64_t ret, int64_t max)
{
    if (ret >= 0)
        return ret <= max ? ret : -EIO;
    return ret >= -4095 ? ret : -EIO;
}

void ocall_vcpu_wake(unsigned index)
{
    woken |= 1U << index;
}

struct seen {
    struct inbox_request r;
    unsigned count;
    long result;
};

static void seen_done(struct inbox_request *r, long result)
{
    struct seen *s = container_of(r, struct seen, r);
    s->count++;
    s->result = result;
}

static int setup(void **state)
{
    (void)state;
    memset(shared, 0xff, sizeof(shared));
    for (unsigned i = 0; i < 2; i++) {
        vcpus[i] = (struct vcpu){.head.index = i, .host_unsafe = &shared[i]};
        shared[i].inbox_count = 0;
    }
    woken = 0;
    return 0;
}

static void ask(struct seen *s, int fd)
{
    *s = (struct seen){.r.done = seen_done};
    inbox_add(&s->r, fd, 0x1000UL * (unsigned)fd);
}

static void test_round_trip(void **state)
{
    struct seen a, b;

    (void)state;
    assert_false(inbox_waiting());
    assert_false(inbox_reap(&vcpus[0]));
    ask(&a, 5);
    ask(&b, 6);
    assert_true(inbox_waiting());
    inbox_give(&vcpus[0]);
    assert_false(inbox_waiting());
    assert_int_equal(shared[0].inbox_count, 2);
    assert_int_equal(shared[0].inbox[1].fd, 6);
    assert_int_equal(shared[0].inbox[1].buf, 0x6000);
    assert_int_equal(shared[0].inbox[1].got, -EAGAIN);
    shared[0].inbox[1].got = 100;
    assert_true(inbox_reap(&vcpus[0]));
    assert_int_equal(shared[0].inbox_count, 0);
    assert_int_equal(a.count, 0);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.result, 100);
    assert_true(inbox_waiting()); /* the other one still is, and goes to another vCPU */
    inbox_give(&vcpus[1]);
    assert_int_equal(shared[1].inbox_count, 1);
    assert_int_equal(shared[1].inbox[0].fd, 5);
    shared[1].inbox[0].got = 0;
    assert_false(inbox_reap(&vcpus[0]));
    assert_true(inbox_reap(&vcpus[1]));
    assert_int_equal(a.count, 1);
    assert_int_equal(a.result, 0);
    assert_false(inbox_waiting());
}

/* Whatever the host writes is a length that may be or an errno, and a vCPU's answers are for what it was given. */
static void test_lies(void **state)
{
    static const int64_t cases[][2] = {{HOST_LINK_MAX, HOST_LINK_MAX},
                                       {HOST_LINK_MAX + 1, -EIO},
                                       {INT64_MAX, -EIO},
                                       {INT64_MIN, -EIO},
                                       {-4096, -EIO},
                                       {-EMSGSIZE, -EMSGSIZE}};
    struct seen s;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        ask(&s, 7);
        inbox_give(&vcpus[0]);
        inbox_give(&vcpus[1]);
        shared[0].inbox[0].got = cases[i][0];
        shared[0].inbox[1].got = shared[1].inbox[0].got = 50;
        shared[0].inbox_count = shared[1].inbox_count = SATELLITE_MAX;
        assert_false(inbox_reap(&vcpus[1]));
        assert_true(inbox_reap(&vcpus[0]));
        assert_false(inbox_reap(&vcpus[0]));
        assert_int_equal(s.count, 1);
        assert_int_equal(s.result, cases[i][1]);
    }
}

static void test_cancel(void **state)
{
    struct seen s;

    (void)state;
    ask(&s, 7);
    inbox_cancel(&s.r); /* nobody has it */
    assert_int_equal(s.result, -ECANCELED);
    assert_false(inbox_waiting());
    inbox_cancel(&s.r); /* it is done */
    assert_int_equal(s.count, 1);
    assert_int_equal(woken, 0);
    ask(&s, 7);
    inbox_give(&vcpus[1]);
    inbox_cancel(&s.r); /* a vCPU has it: it is called, and says so */
    assert_int_equal(woken, 2);
    assert_int_equal(s.count, 0);
    assert_true(inbox_reap(&vcpus[1]));
    assert_int_equal(s.count, 1);
    assert_int_equal(s.result, -ECANCELED);
    ask(&s, 7);
    inbox_give(&vcpus[1]);
    inbox_cancel(&s.r);
    shared[1].inbox[0].got = 30; /* a message that has come all the same */
    assert_true(inbox_reap(&vcpus[1]));
    assert_int_equal(s.result, 30);
    assert_false(inbox_waiting());
}

/* More than one vCPU's inboxes hold. */
static void test_many(void **state)
{
    static struct seen s[SATELLITE_MAX + 3];

    (void)state;
    for (int i = 0; i < SATELLITE_MAX + 3; i++)
        ask(&s[i], i);
    inbox_give(&vcpus[0]);
    assert_int_equal(shared[0].inbox_count, SATELLITE_MAX);
    assert_true(inbox_waiting());
    inbox_give(&vcpus[1]);
    assert_int_equal(shared[1].inbox_count, 3);
    for (int i = 0; i < SATELLITE_MAX; i++)
        shared[0].inbox[i].got = i;
    assert_true(inbox_reap(&vcpus[0]));
    for (int i = 0; i < SATELLITE_MAX; i++)
        assert_int_equal(s[i].result, i);
    assert_false(inbox_reap(&vcpus[1]));
    assert_true(inbox_waiting());
    for (int i = 0; i < 3; i++)
        inbox_cancel(&s[SATELLITE_MAX + i].r);
    assert_false(inbox_waiting());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_round_trip, setup),
        cmocka_unit_test_setup(test_lies, setup),
        cmocka_unit_test_setup(test_cancel, setup),
        cmocka_unit_test_setup(test_many, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
