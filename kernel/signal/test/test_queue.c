/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal queue: standard signals are queued once, real-time ones each and in order; a signal
 * without memory or siginfo is still pending; limits hold; everything is given back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

/* The kernel's own types of signals: the C library's headers must not come before them. */
#include "kernel/signal/queue.c"

#include <cmocka.h>

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void free(void *p);

static int allocated;
static bool out_of_memory;

void *kmalloc(size_t n)
{
    if (out_of_memory)
        return NULL;
    allocated++;
    return malloc(n);
}

void *kzalloc(size_t n)
{
    allocated++;
    return calloc(1, n);
}

void kfree(void *p)
{
    if (p)
        allocated--;
    free(p);
}

static struct sigqueue *q;
static unsigned dropped;
static struct user me = {.ref = {1}};

void user_put(struct user *u)
{
    u->ref.count--;
}

void ptimer_dropped_locked(struct ptimer *t)
{
    (void)t;
    dropped++;
}

static int setup(void **state)
{
    (void)state;
    out_of_memory = false;
    q = sigqueue_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sigqueue_free(q);
    return allocated || me.signals || me.ref.count != 1;
}

static int add(int sig, int code, int value, unsigned limit)
{
    siginfo_t info;
    siginfo_init(&info, sig, code);
    info.si_int = value;
    return sigqueue_add(q, sig, &info, &me, limit);
}

static void expect(int sig, int code, int value)
{
    siginfo_t info;
    assert_int_equal(sigset_first(q->pending), sig);
    assert_false(sigqueue_take(q, sig, &info));
    assert_int_equal(info.si_signo, sig);
    assert_int_equal(info.si_code, code);
    assert_int_equal(info.si_int, value);
}

static void test_standard_once(void **state)
{
    (void)state;
    assert_int_equal(add(SIGUSR1, SI_QUEUE, 1, 100), 0);
    assert_int_equal(add(SIGUSR1, SI_QUEUE, 2, 100), 0);
    assert_int_equal(me.signals, 1);
    expect(SIGUSR1, SI_QUEUE, 1);
    assert_int_equal(q->pending, 0);
    assert_int_equal(me.signals, 0);
}

static void test_real_time_in_order(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(add(41, SI_QUEUE, i, 100), 0);
        assert_int_equal(add(40, SI_QUEUE, 10 + i, 100), 0);
    }
    for (int i = 0; i < 5; i++)
        expect(40, SI_QUEUE, 10 + i);
    for (int i = 0; i < 5; i++)
        expect(41, SI_QUEUE, i);
    assert_int_equal(q->pending, 0);
}

static void test_synchronous_first(void **state)
{
    (void)state;
    assert_int_equal(add(SIGHUP, SI_USER, 0, 100), 0);
    assert_int_equal(add(SIGSEGV, SEGV_MAPERR, 0, 100), 0);
    expect(SIGSEGV, SEGV_MAPERR, 0);
    expect(SIGHUP, SI_USER, 0);
}

static void test_limit(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(add(40, SI_QUEUE, i, 3), 0);
    assert_int_equal(add(40, SI_QUEUE, 3, 3), -EAGAIN);
    /* A standard signal gets its entry, a real-time one from kill its bit. */
    assert_int_equal(add(SIGTERM, SI_USER, 7, 3), 0);
    assert_int_equal(add(50, SI_USER, 8, 3), 0);
    assert_int_equal(add(SIGHUP, SI_QUEUE, 9, 3), 0);
    expect(SIGHUP, SI_USER, 0);
    expect(SIGTERM, SI_USER, 7);
    for (int i = 0; i < 3; i++)
        expect(40, SI_QUEUE, i);
    expect(50, SI_USER, 0);
    assert_int_equal(q->pending, 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_int_equal(add(40, SI_QUEUE, 1, 100), 0); /* the queue's own entry */
    out_of_memory = true;
    assert_int_equal(add(40, SI_QUEUE, 2, 100), -EAGAIN);
    assert_int_equal(add(SIGTERM, SI_TKILL, 3, 100), 0);
    expect(SIGTERM, SI_USER, 0);
    expect(40, SI_QUEUE, 1);
}

static void test_bare(void **state)
{
    (void)state;
    out_of_memory = true;
    assert_int_equal(sigqueue_add(q, SIGALRM, NULL, &me, 0), 0);
    assert_int_equal(sigqueue_add(q, SIGALRM, NULL, &me, 0), 0);
    expect(SIGALRM, SI_KERNEL, 0);
    assert_int_equal(q->pending, 0);
}

static void test_flush(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(add(40, SI_QUEUE, i, 100), 0);
        assert_int_equal(add(SIGTSTP + i % 2, SI_USER, i, 100), 0);
    }
    assert_int_equal(sigqueue_add(q, SIGSTOP, NULL, &me, 0), 0);
    sigqueue_flush(q, STOP_SIGNALS);
    assert_int_equal(q->pending, SIG_BIT(40));
    assert_int_equal(me.signals, 4);
    sigqueue_flush(q, ~0UL);
    assert_int_equal(q->pending, 0);
    assert_int_equal(me.signals, 0);
}

/* A timer's entry needs no memory, stands beside others of its signal, and is never freed. */
static void test_timer(void **state)
{
    (void)state;
    struct ptimer *timer = (struct ptimer *)&dropped;
    struct sigentry a = {.timer = timer, .signo = SIGUSR1}, b = a;
    siginfo_t info;

    out_of_memory = true;
    assert_int_equal(sigqueue_add(q, SIGUSR1, NULL, &me, 0), 0);
    sigqueue_add_entry(q, &a);
    sigqueue_add_entry(q, &b);
    assert_int_equal(me.signals, 0);
    assert_true(sigqueue_take(q, SIGUSR1, &info));
    assert_null(a.queue);
    sigentry_remove(&b);
    assert_null(b.queue);
    expect(SIGUSR1, SI_KERNEL, 0);
    assert_int_equal(q->pending, 0);
    sigqueue_add_entry(q, &a);
    sigqueue_flush(q, SIG_BIT(SIGUSR1));
    assert_null(a.queue);
    assert_int_equal(dropped, 1);
    assert_int_equal(q->pending, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_standard_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_real_time_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_synchronous_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bare, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flush, setup, teardown),
        cmocka_unit_test_setup_teardown(test_timer, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
