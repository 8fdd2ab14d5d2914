/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers fire in order and once; the clock never runs backwards, follows the host's, and takes no
 * sample that cannot be true.
 */
#include "kernel/mm/test/stubs.h"

static ktime_t fake_now;
static int ticks_wanted;

#include "abi/host/start.h"
#include "kernel/vdso/vvar.h"

static struct host_clock host_sample;

struct kernel kernel;

#define clock_mono timer_test_now
static ktime_t timer_test_now(void)
{
    return fake_now;
}
#include "kernel/sched/timer.c"
#undef clock_mono

#define tsc_read real_tsc_read
#include "kernel/sched/clock.c"
#undef tsc_read

void sched_need_tick(void)
{
    ticks_wanted++;
}

void ocall_clock(struct host_clock *out)
{
    *out = host_sample;
}

void vdso_update(const struct vvar *v)
{
    (void)v;
}

void panic(const char *fmt, ...)
{
    fail_msg("%s", fmt);
    abort();
}

static int fired[4], fired_count;
struct test_timer {
    struct timer t;
    int id;
};

static void fire(struct timer *t)
{
    fired[fired_count++] = container_of(t, struct test_timer, t)->id;
}

static void test_timers(void **state)
{
    (void)state;
    struct test_timer a = {.id = 1}, b = {.id = 2}, c = {.id = 3};
    timer_init(&a.t, fire);
    timer_init(&b.t, fire);
    timer_init(&c.t, fire);
    timer_set(&a.t, 300);
    timer_set(&b.t, 100);
    timer_set(&c.t, 200);
    assert_int_equal(timer_run(), 100);
    fake_now = 250;
    assert_int_equal(timer_run(), 300);
    assert_int_equal(fired_count, 2);
    assert_int_equal(fired[0], 2);
    assert_int_equal(fired[1], 3);
    assert_true(timer_cancel(&a.t));
    assert_false(timer_cancel(&a.t));
    fake_now = 1000;
    assert_int_equal(timer_run(), KTIME_NEVER);
    assert_int_equal(fired_count, 2);
    timer_set(&a.t, 500);
    timer_set(&a.t, 2000); /* re-armed: only the last counts */
    assert_int_equal(timer_run(), 2000);
    assert_true(timer_cancel(&a.t));
}

/* The parameters as if the TSC stood at `tsc`. */
static int64_t at(uint64_t tsc)
{
    struct vvar p;
    params_read(&p);
    return mono_at(&p, tsc);
}

static void test_clock_follows_and_never_steps_back(void **state)
{
    (void)state;
    /* 2 GHz claimed, 2.002 GHz true: 0.1 % fast by our line. */
    struct host_clock s = {.tsc = 1000,
                           .mono_ns = 5000000000,
                           .real_ns = 1700000000000000000,
                           .boot_ns = 6000000000,
                           .tsc_khz = 2000000};
    clock_init(&s);
    int64_t last = at(1000);
    assert_int_equal(last, 5000000000);
    uint64_t tsc = 1000;
    for (int i = 1; i <= 20; i++) {
        tsc += 2002000000;
        host_sample = (struct host_clock){.tsc = tsc,
                                          .mono_ns = 5000000000 + i * 1000000000L,
                                          .real_ns = 1700000000000000000 + i * 1000000000L,
                                          .boot_ns = 6000000000 + i * 1000000000L};
        int64_t before = at(tsc);
        assert_true(before >= last);
        spin_lock(&sync_lock);
        clock_steer_locked(&host_sample);
        spin_unlock(&sync_lock);
        assert_true(at(tsc) >= before);
        last = before;
    }
    int64_t error = at(tsc + 2002000000) - (host_sample.mono_ns + 1000000000);
    assert_true(error > -100000 && error < 100000);
}

static void test_clock_behind_is_set_forward(void **state)
{
    (void)state;
    struct host_clock s = {.tsc = 0, .mono_ns = 0, .tsc_khz = 1000000};
    clock_init(&s);
    s = (struct host_clock){.tsc = 1000000000, .mono_ns = 5000000000}; /* a suspended machine */
    clock_steer_locked(&s);
    assert_int_equal(at(1000000000), 5000000000);
}

static void test_clock_rate_is_bounded(void **state)
{
    (void)state;
    struct host_clock s = {.tsc = 0, .mono_ns = 0, .tsc_khz = 1000000};
    clock_init(&s);
    uint64_t nominal = nominal_mult;
    s = (struct host_clock){.tsc = 1000000000, .mono_ns = 80000000}; /* the host claims 12.5 GHz */
    clock_steer_locked(&s);
    assert_true(nominal_mult >= nominal - nominal / 5);
    assert_true(params.mult >= nominal_mult - nominal_mult / 5);
    assert_true(at(2000000000) > at(1000000000));
}

/* A host that lies at every sync: the clock neither stands still nor leaves what can be. */
static void test_clock_survives_lies(void **state)
{
    (void)state;
    struct host_clock s = {.tsc = 0, .mono_ns = 0, .tsc_khz = 1000000};
    clock_init(&s);
    uint64_t tsc = 0;
    for (int i = 0; i < 200; i++) {
        tsc += 1000000000;
        s = (struct host_clock){.tsc = tsc, .mono_ns = 60000000 + i}; /* hardly any time at all */
        clock_steer_locked(&s);
    }
    assert_true(nominal_mult >= mult_of_khz(KHZ_MAX));
    assert_true(at(tsc + 20000000000) - at(tsc) > 500000000);
    s = (struct host_clock){.mono_ns = INT64_MAX - 5};
    assert_false(sample_possible(&s));
    s = (struct host_clock){.real_ns = -1};
    assert_false(sample_possible(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers),
        cmocka_unit_test(test_clock_follows_and_never_steps_back),
        cmocka_unit_test(test_clock_behind_is_set_forward),
        cmocka_unit_test(test_clock_rate_is_bounded),
        cmocka_unit_test(test_clock_survives_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
