/* SPDX-License-Identifier: Apache-2.0 */
/* AF_UNIX stream pairs: data both ways, shutdown, ends, readiness, options. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/ipc/byteq.c"
#include "kernel/net/socket.c"
#include "kernel/net/unix.c"
#include "kernel/vfs/fdtable.c"
#include "kernel/vfs/file.c"
#undef RW_MAX
#include "kernel/vfs/io.c"
#include "kernel/vfs/uio.c"

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

void epoll_forget(struct file *f)
{
    (void)f;
}

void locks_release_process(struct file *f)
{
    (void)f;
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

void inode_put(struct inode *i)
{
    (void)i;
}

void dentry_put(struct dentry *d)
{
    (void)d;
}

int user_load32(uaddr_t addr, uint32_t *val)
{
    return copy_in(val, addr, sizeof(*val));
}

int user_store32(uaddr_t addr, uint32_t val)
{
    return copy_out(addr, &val, sizeof(val));
}

#define P(s) ((uaddr_t)(s))

static int fds[2];

static int setup(void **state)
{
    (void)state;
    stub_process_init();
    stub_process.fds = fdtable_new();
    stub_block = NULL;
    stub_last_signal = 0;
    return (int)sys_socketpair(AF_UNIX, SOCK_STREAM | O_NONBLOCK, 0, P(fds));
}

static int teardown(void **state)
{
    (void)state;
    fdtable_put(stub_process.fds);
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static uint32_t events(int fd)
{
    return file_poll(stub_process.fds->files[fd]) & (EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
}

static void test_data(void **state)
{
    char buf[8];
    (void)state;
    assert_int_equal(sys_write(fds[0], P("ping"), 4), 4);
    assert_int_equal(sys_sendto(fds[1], P("pong!"), 5, 0, 0, 0), 5);
    assert_int_equal(events(fds[0]), EPOLLIN | EPOLLOUT);
    assert_int_equal(sys_recvfrom(fds[1], P(buf), 8, MSG_PEEK, 0, 0), 4);
    assert_int_equal(sys_recvfrom(fds[1], P(buf), 8, 0, 0, 0), 4);
    assert_memory_equal(buf, "ping", 4);
    assert_int_equal(sys_read(fds[1], P(buf), 8), -EAGAIN);
    assert_int_equal(sys_read(fds[0], P(buf), 8), 5);
    assert_int_equal(events(fds[0]), EPOLLOUT);
}

static void test_full(void **state)
{
    static char big[300000];
    (void)state;
    assert_int_equal(sys_write(fds[0], P(big), sizeof(big)), UNIX_QUEUE);
    assert_int_equal(sys_write(fds[0], P(big), 1), -EAGAIN);
    assert_int_equal(events(fds[0]), 0);
    assert_int_equal(sys_read(fds[1], P(big), sizeof(big)), UNIX_QUEUE);
    assert_int_equal(events(fds[0]), EPOLLOUT);
}

static void test_shutdown_and_close(void **state)
{
    char buf[8];
    (void)state;
    assert_int_equal(sys_write(fds[0], P("last"), 4), 4);
    assert_int_equal(sys_shutdown(fds[0], SHUT_WR), 0);
    assert_int_equal(sys_write(fds[0], P("x"), 1), -EPIPE);
    assert_int_equal(stub_last_signal, SIGPIPE);
    stub_last_signal = 0;
    assert_int_equal(sys_sendto(fds[0], P("x"), 1, MSG_NOSIGNAL, 0, 0), -EPIPE);
    assert_int_equal(stub_last_signal, 0);
    assert_int_equal(events(fds[1]), EPOLLIN | EPOLLRDHUP | EPOLLOUT);
    assert_int_equal(sys_read(fds[1], P(buf), 8), 4);
    assert_int_equal(sys_read(fds[1], P(buf), 8), 0);
    assert_int_equal(sys_write(fds[1], P("back"), 4), 4);
    assert_int_equal(sys_close(fds[1]), 0);
    assert_int_equal(sys_read(fds[0], P(buf), 8), 4);
    assert_int_equal(sys_read(fds[0], P(buf), 8), 0);
    assert_true(events(fds[0]) & EPOLLHUP);
    assert_int_equal(sys_shutdown(fds[0], 3), -EINVAL);
    assert_int_equal(sys_shutdown(99, 0), -EBADF);
}

static void test_messages(void **state)
{
    char a[2], b[4];
    struct iovec v[2] = {{a, 2}, {b, 4}};
    char abc[3] = "abc", def[3] = "def";
    struct iovec w[2] = {{abc, 3}, {def, 3}};
    struct user_msghdr m = {.iov = P(w), .iovlen = 2};
    (void)state;
    assert_int_equal(sys_sendmsg(fds[0], P(&m), 0), 6);
    m = (struct user_msghdr){.iov = P(v), .iovlen = 2, .controllen = 99, .control = 1};
    assert_int_equal(sys_recvmsg(fds[1], P(&m), 0), 6);
    assert_int_equal(m.controllen, 0);
    assert_memory_equal(a, "ab", 2);
    assert_memory_equal(b, "cdef", 4);
    m.iovlen = 2000;
    assert_int_equal(sys_sendmsg(fds[0], P(&m), 0), -EMSGSIZE);
}

static void test_options_and_names(void **state)
{
    uint32_t val = 0, len = 4;
    uint16_t family[8] = {0};
    (void)state;
    assert_int_equal(sys_getsockopt(fds[0], SOL_SOCKET_LEVEL, OPT_TYPE, P(&val), P(&len)), 0);
    assert_int_equal(val, SOCK_STREAM);
    assert_int_equal(sys_getsockopt(fds[0], SOL_SOCKET_LEVEL, 999, P(&val), P(&len)), -ENOPROTOOPT);
    assert_int_equal(sys_getsockopt(fds[0], 6, 1, P(&val), P(&len)), -EOPNOTSUPP);
    len = sizeof(family);
    assert_int_equal(sys_getsockname(fds[0], P(family), P(&len)), 0);
    assert_int_equal(len, 2);
    assert_int_equal(family[0], AF_UNIX);
    assert_int_equal(sys_socket(2, SOCK_STREAM, 0), -EAFNOSUPPORT);
    assert_int_equal(sys_socketpair(2, SOCK_STREAM, 0, P(fds)), -EAFNOSUPPORT);
    assert_int_equal(sys_socketpair(AF_UNIX, SOCK_STREAM | 0x10, 0, P(fds)), -EINVAL);
    assert_int_equal(sys_listen(fdtable_next(stub_process.fds, 50), 1), -EBADF);
    assert_int_equal(sys_connect(fds[0], 0, 0), -EISCONN);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 7; n++) {
        int p[2];
        stub_fail_after = n;
        long err = sys_socketpair(AF_UNIX, SOCK_STREAM, 0, P(p));
        stub_fail_after = -1;
        assert_true(err == 0 || err == -ENOMEM);
        if (!err) {
            assert_int_equal(sys_close(p[0]), 0);
            assert_int_equal(sys_close(p[1]), 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_data),
        T(test_full),
        T(test_shutdown_and_close),
        T(test_messages),
        T(test_options_and_names),
        T(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
