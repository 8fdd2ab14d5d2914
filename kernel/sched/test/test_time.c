/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers fire in order and once; the clock never runs backwards, follows the host's, and takes no
 * sample that cannot be true.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

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

void vdso_stop(void)
{
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
    assert_int_equal(timer_next(), 100);
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

/* --- a timer whose function takes its time, on another vCPU --- */

struct slow_timer {
    struct timer t;
    int started, release, ended, again;
};

static void fire_slowly(struct timer *t)
{
    struct slow_timer *s = container_of(t, struct slow_timer, t);
    __atomic_store_n(&s->started, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&s->release, __ATOMIC_SEQ_CST))
        sched_yield();
    if (s->again)
        timer_set(t, 100000);
    __atomic_store_n(&s->ended, 1, __ATOMIC_SEQ_CST);
}

static void *run_timers(void *arg)
{
    (void)arg;
    (void)timer_run();
    return NULL;
}

static void *release_later(void *arg)
{
    usleep(20000);
    __atomic_store_n((int *)arg, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* While one vCPU is in a timer's function, another runs other timers; cancelling waits. */
static void cancel_while_running(bool again)
{
    struct slow_timer slow = {.again = again};
    struct test_timer quick = {.id = 7};
    pthread_t runner, releaser;

    fake_now = 5000;
    fired_count = 0;
    timer_init(&slow.t, fire_slowly);
    timer_init(&quick.t, fire);
    timer_set(&slow.t, 1000);
    assert_int_equal(pthread_create(&runner, NULL, run_timers, NULL), 0);
    while (!__atomic_load_n(&slow.started, __ATOMIC_SEQ_CST))
        sched_yield();
    timer_set(&quick.t, 2000);
    assert_int_equal(timer_run(), KTIME_NEVER);
    assert_int_equal(fired_count, 1);
    assert_int_equal(pthread_create(&releaser, NULL, release_later, &slow.release), 0);
    assert_int_equal(timer_cancel(&slow.t), again);
    assert_int_equal(slow.ended, 1);
    pthread_join(runner, NULL);
    pthread_join(releaser, NULL);
    assert_int_equal(timer_run(), KTIME_NEVER);
}

static void test_cancel_waits(void **state)
{
    (void)state;
    cancel_while_running(false);
    cancel_while_running(true);
}

/* Thousands of timers, armed in any order, fire in order. */
static void count_in_order(struct timer *t)
{
    static ktime_t last;
    if (t->expires < last)
        fail_msg("out of order");
    last = t->expires;
    fired_count++;
}

static void test_many_timers(void **state)
{
    (void)state;
    enum { N = 20000 };
    static struct timer many[N];
    uint64_t x = 1;

    fired_count = 0;
    for (int i = 0; i < N; i++) {
        x = x * 6364136223846793005UL + 1;
        timer_init(&many[i], count_in_order);
        timer_set(&many[i], 10000 + (ktime_t)(x >> 44));
    }
    fake_now = 10000 + (1 << 20);
    assert_int_equal(timer_run(), KTIME_NEVER);
    assert_int_equal(fired_count, N);
}

/* The parameters as if the TSC stood at `tsc`. */
static int64_t at(uint64_t tsc)
{
    struct vvar p;
    (void)params_read(&p);
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
        clock_steer_locked(&host_sample, host_sample.tsc);
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
    clock_steer_locked(&s, s.tsc);
    assert_int_equal(at(1000000000), 5000000000);
}

static void test_clock_rate_is_bounded(void **state)
{
    (void)state;
    struct host_clock s = {.tsc = 0, .mono_ns = 0, .tsc_khz = 1000000};
    clock_init(&s);
    uint64_t nominal = nominal_mult;
    s = (struct host_clock){.tsc = 1000000000, .mono_ns = 80000000}; /* the host claims 12.5 GHz */
    clock_steer_locked(&s, s.tsc);
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
        clock_steer_locked(&s, s.tsc);
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
        cmocka_unit_test(test_cancel_waits),
        cmocka_unit_test(test_many_timers),
        cmocka_unit_test(test_clock_follows_and_never_steps_back),
        cmocka_unit_test(test_clock_behind_is_set_forward),
        cmocka_unit_test(test_clock_rate_is_bounded),
        cmocka_unit_test(test_clock_survives_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
