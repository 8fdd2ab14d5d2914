/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The doorkeeper against a model of open descriptors: each one is closed once, in time, or had back
 * before that, and an old ticket gives nothing.
 */
#include "kernel/mm/test/stubs.h"

#include "kernel/ocall/closing.c"

#define FDS 4096

static enum { CLOSED, OPEN, KEPT, GOING } state_of[FDS];
static uint32_t ticket_of[FDS];
static ktime_t kept_at[FDS];
static ktime_t now;
static struct host_vcpu shared;

ktime_t clock_mono(void)
{
    return now;
}

void ocall_close(int fd)
{
    assert_true(state_of[fd] == OPEN);
    state_of[fd] = CLOSED;
}

static void exit_once(bool all)
{
    shared.close_count = 0;
    closing_send(&shared, all);
    assert_true(shared.close_count <= HOST_CLOSE_MAX);
    for (unsigned i = 0; i < shared.close_count; i++) {
        int fd = shared.close_fds[i];
        assert_true(state_of[fd] == GOING ||
                    (state_of[fd] == KEPT && (all || now >= kept_at[fd] + OCALL_EPOCH_NS)));
        state_of[fd] = CLOSED;
    }
    for (int fd = 0; fd < FDS && shared.close_count < HOST_CLOSE_MAX; fd++) {
        assert_false(state_of[fd] == GOING);
        assert_false(state_of[fd] == KEPT && (all || now >= kept_at[fd] + OCALL_EPOCH_NS));
    }
}

static void close_one(int fd)
{
    if (rand() % 4) {
        ticket_of[fd] = ocall_close_keep(fd);
        if (ticket_of[fd]) {
            state_of[fd] = KEPT;
            kept_at[fd] = now;
            return;
        }
    }
    ocall_close_later(fd);
    if (state_of[fd] == OPEN)
        state_of[fd] = GOING;
}

static void undo_one(int fd)
{
    int got = ocall_close_undo(ticket_of[fd]);
    if (state_of[fd] == KEPT) {
        assert_int_equal(got, fd);
        state_of[fd] = OPEN;
    } else {
        assert_int_equal(got, -1);
    }
}

static void test_each_is_closed_once(void **state)
{
    (void)state;
    ocall_closing_init();
    for (int round = 0; round < 300000; round++) {
        int fd = rand() % FDS;
        now += rand() % 20000;
        if (state_of[fd] == CLOSED)
            state_of[fd] = OPEN;
        else if (state_of[fd] == OPEN)
            close_one(fd);
        else if (state_of[fd] == KEPT && rand() % 2)
            undo_one(fd);
        if (rand() % 8 == 0 && ticket_of[fd] && state_of[fd] != KEPT)
            undo_one(fd);
        if (rand() % 30 == 0)
            exit_once(rand() % 8 == 0);
    }
    for (int i = 0; i < 3; i++)
        exit_once(true);
    assert_int_equal(closing.kept, 0);
    assert_int_equal(closing.leaving, 0);
}

static void test_tickets_that_never_were(void **state)
{
    (void)state;
    static const uint32_t made_up[] = {0, 1, 2, KEEP_MAX, KEEP_MAX + 1, 255, 256, UINT32_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(made_up); i++)
        assert_int_equal(ocall_close_undo(made_up[i]), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_is_closed_once),
        cmocka_unit_test(test_tickets_that_never_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
