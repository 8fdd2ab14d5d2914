/* SPDX-License-Identifier: Apache-2.0 */
/* epoll, poll and select over eventfds, pipes and a toy host stream with a one-shot watch. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/vfs/test/stub_async.h"

#include "kernel/ipc/byteq.c"
#include "kernel/ipc/eventfd.c"
#include "kernel/ipc/pipe.c"
#include "kernel/vfs/epoll.c"
#include "kernel/vfs/fdtable.c"
#include "kernel/vfs/file.c"
#include "kernel/vfs/io.c"
#include "kernel/vfs/uio.c"
#include "lib/hash.c"

/* poll.c has a SMALL and an NSEC of its own. */
#include "kernel/vfs/poll.c"

void seq_printf(struct seq *s, const char *fmt, ...)
{
    (void)s;
    (void)fmt;
}

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

int set_id_drop(struct inode *i)
{
    (void)i;
    return 0;
}

void locks_release_table(struct file *f, const struct fdtable *t)
{
    (void)f;
    (void)t;
}

int process_unshare_fds(void)
{
    return 0;
}

void locks_release_file(struct file *f)
{
    (void)f;
}

int inode_getattr(struct inode *i, struct statx *st)
{
    (void)i;
    (void)st;
    return -EIO;
}

void pipe_close_fifo(struct inode *i, const struct pipe *p)
{
    (void)i;
    (void)p;
}

void inode_put(struct inode *i)
{
    (void)i;
}

void dentry_put(struct dentry *d)
{
    (void)d;
}

#define P(s) ((uaddr_t)(s))

static struct epoll_event out[8];

static int setup(void **state)
{
    (void)state;
    stub_process_init();
    stub_process.fds = fdtable_new();
    stub_block = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fdtable_leave(stub_process.fds);
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static long add(int ep, int op, int fd, uint32_t events)
{
    struct epoll_event ev = {events, (uint64_t)fd};
    return sys_epoll_ctl(ep, op, fd, P(&ev));
}

static long wait_now(int ep)
{
    return sys_epoll_wait(ep, P(out), 8, 0);
}

static void bump(int fd)
{
    uint64_t one = 1;
    assert_int_equal(sys_write(fd, P(&one), 8), 8);
}

static void drain(int fd)
{
    uint64_t n;
    assert_int_equal(sys_read(fd, P(&n), 8), 8);
}

static void test_level(void **state)
{
    (void)state;
    int ep = (int)sys_epoll_create1(0), fd = (int)sys_eventfd2(0, O_NONBLOCK);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    assert_int_equal(wait_now(ep), 0);
    bump(fd);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wait_now(ep), 1);
        assert_int_equal(out[0].events, EPOLLIN);
        assert_int_equal(out[0].data, fd);
    }
    drain(fd);
    assert_int_equal(wait_now(ep), 0);
    assert_int_equal(add(ep, EPOLL_CTL_MOD, fd, EPOLLOUT), 0);
    assert_int_equal(wait_now(ep), 1);
    assert_int_equal(add(ep, EPOLL_CTL_DEL, fd, 0), 0);
    assert_int_equal(wait_now(ep), 0);
}

static void test_edge_and_oneshot(void **state)
{
    (void)state;
    int ep = (int)sys_epoll_create1(0), fd = (int)sys_eventfd2(0, O_NONBLOCK);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
    bump(fd);
    assert_int_equal(wait_now(ep), 1);
    assert_int_equal(wait_now(ep), 0);
    bump(fd);
    assert_int_equal(wait_now(ep), 1);
    assert_int_equal(add(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
    assert_int_equal(wait_now(ep), 1);
    bump(fd);
    assert_int_equal(wait_now(ep), 0);
    assert_int_equal(add(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT), 0);
    assert_int_equal(wait_now(ep), 1);
}

static void test_errors(void **state)
{
    (void)state;
    int ep = (int)sys_epoll_create1(0), fd = (int)sys_eventfd2(0, 0);
    assert_int_equal(add(ep, EPOLL_CTL_MOD, fd, EPOLLIN), -ENOENT);
    assert_int_equal(add(ep, EPOLL_CTL_DEL, fd, EPOLLIN), -ENOENT);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN), -EEXIST);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, ep, EPOLLIN), -EINVAL);
    assert_int_equal(add(fd, EPOLL_CTL_ADD, ep, EPOLLIN), -EINVAL);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, 99, EPOLLIN), -EBADF);
    assert_int_equal(add(ep, 9, fd, EPOLLIN), -EINVAL);
    assert_int_equal(sys_epoll_ctl(ep, EPOLL_CTL_ADD, fd, STUB_BAD), -EFAULT);
    assert_int_equal(sys_epoll_wait(ep, P(out), 0, 0), -EINVAL);
    assert_int_equal(sys_epoll_wait(fd, P(out), 1, 0), -EINVAL);
    assert_int_equal(sys_epoll_create(0), -EINVAL);
    bump(fd);
    assert_int_equal(sys_epoll_wait(ep, STUB_BAD, 1, 0), -EFAULT);
}

static void test_nesting(void **state)
{
    (void)state;
    int ep[7], fd = (int)sys_eventfd2(0, 0);
    for (int i = 0; i < 7; i++)
        ep[i] = (int)sys_epoll_create1(0);
    assert_int_equal(add(ep[0], EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    assert_int_equal(add(ep[1], EPOLL_CTL_ADD, ep[0], EPOLLIN), 0);
    assert_int_equal(add(ep[0], EPOLL_CTL_ADD, ep[1], EPOLLIN), -ELOOP);
    assert_int_equal(wait_now(ep[1]), 0);
    bump(fd);
    assert_int_equal(wait_now(ep[1]), 1);
    assert_int_equal(wait_now(ep[0]), 1);
    drain(fd);
    assert_int_equal(wait_now(ep[1]), 0);
    for (int i = 2; i < 5; i++)
        assert_int_equal(add(ep[i], EPOLL_CTL_ADD, ep[i - 1], EPOLLIN), 0);
    assert_int_equal(add(ep[5], EPOLL_CTL_ADD, ep[4], EPOLLIN), -ELOOP); /* above … */
    assert_int_equal(add(ep[0], EPOLL_CTL_ADD, ep[5], EPOLLIN), -ELOOP); /* … and below */
    assert_int_equal(add(ep[1], EPOLL_CTL_ADD, ep[5], EPOLLIN), 0);
    assert_int_equal(add(ep[5], EPOLL_CTL_ADD, ep[6], EPOLLIN), -ELOOP);
}

static void test_close_removes(void **state)
{
    (void)state;
    int ep = (int)sys_epoll_create1(0), fd = (int)sys_eventfd2(1, 0), dup = (int)sys_dup(fd);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    assert_int_equal(sys_close(fd), 0);
    assert_int_equal(wait_now(ep), 1); /* the description lives on */
    assert_int_equal(sys_close(dup), 0);
    assert_int_equal(wait_now(ep), 0);
    fd = (int)sys_eventfd2(1, 0);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    assert_int_equal(sys_close(ep), 0); /* the watcher goes first */
    bump(fd);
}

static void test_many(void **state)
{
    (void)state;
    int ep = (int)sys_epoll_create1(0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(add(ep, EPOLL_CTL_ADD, (int)sys_eventfd2(i % 2, 0), EPOLLIN), 0);
    long n = 0, got;
    static struct epoll_event big[600];
    bool seen[600] = {false};
    for (int round = 0; round < 10; round++) {
        got = sys_epoll_wait(ep, P(big), 600, 0);
        assert_true(got > 0);
        for (long i = 0; i < got; i++) {
            n += !seen[big[i].data];
            seen[big[i].data] = true;
        }
    }
    assert_int_equal(n, 250); /* level triggered: the list goes round */
}

static int block_bump(void)
{
    bump(1);
    stub_block = NULL;
    return 0;
}

static void test_blocking(void **state)
{
    (void)state;
    int ep = (int)sys_epoll_create1(0), fd = (int)sys_eventfd2(0, 0);
    assert_int_equal(fd, 1);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    stub_block = block_bump;
    assert_int_equal(sys_epoll_wait(ep, P(out), 8, -1), 1);
    drain(fd);
    assert_int_equal(sys_epoll_wait(ep, P(out), 8, 10), 0); /* times out */
    stub_block = block_bump;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(sys_poll(P(&p), 1, -1), 1);
    assert_int_equal(p.revents, POLLIN);
}

/* A stream as the host kind has them: poll finds nothing and starts a watch that fires once. */
static struct {
    struct file *file;
    bool data, armed;
} toy;

static uint32_t toy_poll(struct file *f)
{
    (void)f;
    toy.armed |= !toy.data;
    return toy.data ? EPOLLIN : 0;
}

static int toy_read(struct file *f, struct uio *u, int64_t *pos)
{
    (void)f;
    (void)pos;
    if (!toy.data)
        return -EAGAIN;
    toy.data = false;
    return uio_zero(u, 1);
}

static const struct file_ops toy_ops = {.poll = toy_poll, .read = toy_read};

static void toy_data(void)
{
    toy.data = true;
    if (!toy.armed)
        return;
    toy.armed = false;
    file_wake(toy.file, EPOLLIN);
}

static void test_one_shot_watch(void **state)
{
    char c;
    (void)state;
    toy.file = file_new(&toy_ops, O_RDONLY | O_NONBLOCK, NULL);
    int ep = (int)sys_epoll_create1(0), fd = fd_install(toy.file, false, 0);
    assert_int_equal(add(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET), 0);
    for (int i = 0; i < 3; i++) {
        toy_data();
        assert_int_equal(wait_now(ep), 1);
        assert_int_equal(sys_read(fd, P(&c), 1), 1);
        /* Reading dry starts the watch, even with nobody in epoll_wait. */
        assert_int_equal(sys_read(fd, P(&c), 1), -EAGAIN);
    }
    toy_data();
    assert_int_equal(wait_now(ep), 1);
    assert_int_equal(sys_read(fd, P(&c), 1), 1);
    /* A program that stops at a short read: the next sleep starts it. */
    assert_int_equal(sys_epoll_wait(ep, P(out), 8, 10), 0);
    toy_data();
    assert_int_equal(wait_now(ep), 1);
}

static void test_poll(void **state)
{
    int fds[2];
    (void)state;
    assert_int_equal(sys_pipe2(P(fds), 0), 0);
    struct pollfd p[4] = {
        {fds[0], POLLIN, 7}, {fds[1], POLLOUT, 7}, {-1, POLLIN, 7}, {50, POLLIN, 7}};
    assert_int_equal(sys_poll(P(p), 4, 0), 2);
    assert_int_equal(p[0].revents, 0);
    assert_int_equal(p[1].revents, POLLOUT);
    assert_int_equal(p[2].revents, 0);
    assert_int_equal(p[3].revents, POLLNVAL);
    assert_int_equal(sys_close(fds[1]), 0);
    assert_int_equal(sys_poll(P(p), 1, -1), 1);
    assert_int_equal(p[0].revents, POLLHUP);
    assert_int_equal(sys_poll(P(p), 5000, 0), -EINVAL);
    assert_int_equal(sys_poll(STUB_BAD, 1, 0), -EFAULT);
    assert_int_equal(sys_poll(P(p), 0, 5), 0);
}

static void test_select(void **state)
{
    int fds[2];
    int64_t tv[2] = {0, 0};
    uint64_t in = 0, outs = 0;
    (void)state;
    assert_int_equal(sys_pipe2(P(fds), 0), 0);
    in = 1UL << fds[0];
    outs = 1UL << fds[1];
    assert_int_equal(sys_select(fds[1] + 1, P(&in), P(&outs), 0, P(tv)), 1);
    assert_int_equal(in, 0);
    assert_int_equal(outs, 1UL << fds[1]);
    assert_int_equal(sys_write(fds[1], P("x"), 1), 1);
    in = 1UL << fds[0];
    assert_int_equal(sys_select(64, P(&in), 0, 0, 0), 1);
    assert_int_equal(in, 1UL << fds[0]);
    in = 1UL << 9;
    assert_int_equal(sys_select(64, P(&in), 0, 0, 0), -EBADF);
    assert_int_equal(sys_select(-1, 0, 0, 0, P(tv)), -EINVAL);
    in = 0xff;
    assert_int_equal(sys_select(0, P(&in), 0, 0, P(tv)), 0);
    assert_int_equal(in, 0xff);
}

static void test_eventfd(void **state)
{
    uint64_t n = UINT64_MAX;
    (void)state;
    int fd = (int)sys_eventfd2(3, O_NONBLOCK),
        sem = (int)sys_eventfd2(2, O_NONBLOCK | EFD_SEMAPHORE);
    assert_int_equal(sys_write(fd, P(&n), 8), -EINVAL);
    assert_int_equal(sys_write(fd, P(&n), 4), -EINVAL);
    n = UINT64_MAX - 1;
    assert_int_equal(sys_write(fd, P(&n), 8), -EAGAIN);
    assert_int_equal(sys_read(fd, P(&n), 8), 8);
    assert_int_equal(n, 3);
    assert_int_equal(sys_read(fd, P(&n), 8), -EAGAIN);
    assert_int_equal(sys_read(sem, P(&n), 8), 8);
    assert_int_equal(n, 1);
    drain(sem);
    assert_int_equal(sys_read(sem, P(&n), 8), -EAGAIN);
    assert_int_equal(sys_read(fd, P(&n), 7), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_level),    T(test_edge_and_oneshot), T(test_errors),
        T(test_nesting),  T(test_close_removes),    T(test_many),
        T(test_blocking), T(test_one_shot_watch),   T(test_poll),
        T(test_select),   T(test_eventfd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
