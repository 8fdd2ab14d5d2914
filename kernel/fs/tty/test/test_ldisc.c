/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line discipline where a pair does not show it: echo that must wait, for room or because output is
 * stopped, and any input whatever.  What is shown and read otherwise is compared with Linux in
 * test/syscall/terminal.
 */
#include "kernel/vfs/test/stubs.h"

#include "kernel/vfs/uio.c"

#include "kernel/fs/tty/test/anything.h"

static char screen[16384];
static size_t screen_len, screen_room;

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

static size_t screen_room_get(struct ldisc *l)
{
    (void)l;
    return screen_room;
}

static void screen_put(struct ldisc *l, const uint8_t *p, size_t n)
{
    (void)l;
    assert_true(n <= screen_room);
    memcpy(screen + screen_len, p, n);
    screen_len += n;
    screen_room -= n;
}

static const struct ldisc_hooks screen_hooks = {screen_room_get, screen_put, fuzz_signal, fuzz_flow,
                                                fuzz_flushed};

static void start(struct ldisc *l, size_t room)
{
    assert_int_equal(ldisc_init(l, &screen_hooks), 0);
    screen_len = 0;
    screen_room = room;
}

static void type_text(struct ldisc *l, const char *text)
{
    assert_int_equal(ldisc_receive(l, (const uint8_t *)text, strlen(text)), strlen(text));
}

static void shows(const char *text)
{
    assert_int_equal(screen_len, strlen(text));
    assert_memory_equal(screen, text, screen_len);
}

/* Columns are those where the echo goes out, not where it was typed. */
static void test_echo_waits(void **state)
{
    struct ldisc l;
    (void)state;
    start(&l, 8);
    type_text(&l, "a");
    shows("a");
    type_text(&l, "\t\177b\n");
    shows("a"); /* no room for any tab */
    for (screen_room = 8; l.echo_head != l.echo_tail; screen_room = 8)
        ldisc_echo_run(&l);
    shows("a\t\b\b\b\b\b\b\bb\r\n");
    ldisc_fini(&l);
}

/* Stopped output keeps echo, and what a program writes comes behind it. */
static void test_stopped(void **state)
{
    char text[] = "written";
    struct ldisc l;
    struct uio_seg seg;
    struct uio u;
    (void)state;
    start(&l, 100);
    type_text(&l, "\023typed");
    shows("");
    uio_init_kernel(&u, &seg, text, 7);
    assert_int_equal(ldisc_write(&l, &u), -EAGAIN);
    assert_int_equal(u.done, 0);
    type_text(&l, "\021");
    assert_int_equal(ldisc_write(&l, &u), 0);
    shows("typedwritten");
    ldisc_fini(&l);
}

/* More echo than can be kept: the oldest goes, whole operations at a time. */
static void test_echo_overflow(void **state)
{
    struct ldisc l;
    (void)state;
    start(&l, 0);
    for (int i = 0; i < 3000; i++)
        type_text(&l, "\001\026\001\025");
    assert_true(l.echo_head - l.echo_tail <= LDISC_SIZE);
    screen_room = sizeof(screen);
    ldisc_echo_run(&l);
    assert_true(screen_len > 1000);
    for (size_t i = 0; i < screen_len; i++)
        assert_non_null(strchr("^A\b ", screen[i]));
    ldisc_fini(&l);
}

static void test_no_memory(void **state)
{
    struct ldisc l;
    (void)state;
    for (int n = 0; n < 2; n++) {
        stub_fail_after = n;
        long before = stub_allocations;
        assert_int_equal(ldisc_init(&l, &screen_hooks), -ENOMEM);
        assert_int_equal(stub_allocations, before);
    }
    stub_fail_after = -1;
}

static void test_anything(void **state)
{
    uint8_t data[600];
    (void)state;
    srand(1);
    for (int round = 0; round < 1000; round++) {
        size_t n = (size_t)rand() % sizeof(data);
        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)(rand() % 3 ? rand() % 32 : rand());
        ldisc_anything(data, n);
    }
    assert_true(fuzz_signals > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo_waits),    cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_echo_overflow), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
