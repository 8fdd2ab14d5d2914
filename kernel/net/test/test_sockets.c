/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AF_UNIX sockets: data both ways, shutdown, ends, readiness, packets, rights and their collector,
 * options; and that nothing is left when memory runs out at any point.
 */
#include "kernel/vfs/test/stubs.h"

#include "kernel/vfs/test/stub_async.h"

#include "kernel/ipc/byteq.c"
#include "kernel/net/addr.c"
#include "kernel/net/conn.c"
#include "kernel/net/control.c"
#include "kernel/net/listener.c"
#include "kernel/net/message.c"
#include "kernel/net/option.c"
#include "kernel/net/packet.c"
#include "kernel/net/rights.c"
#include "kernel/net/socket.c"
#include "kernel/net/unix_dgram.c"
#include "kernel/net/unix_name.c"
#include "kernel/net/unix_stream.c"
#include "kernel/proc/id/user.c"
#include "kernel/vfs/fdtable.c"
#include "kernel/vfs/file.c"
#undef RW_MAX
#include "kernel/vfs/io.c"
#include "kernel/vfs/uio.c"
#include "lib/hash.c"

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

int tcp_new(int family, uint32_t flags, struct socket **out)
{
    (void)family, (void)flags, (void)out;
    return -EAFNOSUPPORT;
}

int udp_new(int family, int protocol, uint32_t flags, struct socket **out)
{
    (void)protocol;
    return tcp_new(family, flags, out);
}

int netlink_new(int type, uint32_t flags, struct socket **out)
{
    return tcp_new(type, flags, out);
}

long netif_ioctl(unsigned cmd, uaddr_t arg)
{
    (void)cmd, (void)arg;
    return -ENOTTY;
}

int vfs_make_socket(const char *path, struct dentry **out)
{
    (void)path, (void)out;
    return -EIO;
}

int path_lookup(int dirfd, const char *path, unsigned flags, struct dentry **out)
{
    (void)dirfd, (void)flags;
    return vfs_make_socket(path, out);
}

int inode_permission(struct inode *i, unsigned mask)
{
    (void)i, (void)mask;
    return 0;
}

uint64_t random_u64(void)
{
    static uint64_t n;
    return n++;
}

int deadline_timespec(uaddr_t ptr, ktime_t *out)
{
    (void)ptr;
    *out = KTIME_NEVER;
    return 0;
}

struct process *process_lookup(int pid)
{
    (void)pid;
    return NULL;
}

void process_put(struct process *p)
{
    (void)p;
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
    fdtable_leave(stub_process.fds);
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
    static char big[600000];
    (void)state;
    assert_int_equal(sys_write(fds[0], P(big), sizeof(big)), CONN_WINDOW);
    assert_int_equal(sys_write(fds[0], P(big), 1), -EAGAIN);
    assert_int_equal(events(fds[0]), 0);
    assert_int_equal(sys_read(fds[1], P(big), sizeof(big)), CONN_WINDOW);
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

/* An abstract name with a listener, two that connect, of which the second must wait. */
static void test_listener(void **state)
{
    char name[] = "\1\0\0unit", buf[8];
    int l = (int)sys_socket(AF_UNIX, SOCK_SEQPACKET | O_NONBLOCK, 0);
    int c[2];
    (void)state;
    assert_int_equal(sys_bind(l, P(name), 7), 0);
    assert_int_equal(sys_listen(l, 0), 0);
    for (int i = 0; i < 2; i++) {
        c[i] = (int)sys_socket(AF_UNIX, SOCK_SEQPACKET | O_NONBLOCK, 0);
        assert_int_equal(sys_connect(c[i], P(name), 7), i ? -EAGAIN : 0);
    }
    assert_int_equal(events(l), EPOLLIN);
    assert_int_equal(sys_write(c[0], P("two"), 3), 3);
    assert_int_equal(sys_write(c[0], P("words"), 5), 5);
    int s = (int)sys_accept4(l, 0, 0, O_NONBLOCK);
    assert_true(s >= 0);
    assert_int_equal(sys_read(s, P(buf), 2), 2);
    assert_int_equal(sys_recvfrom(s, P(buf), 8, 0, 0, 0), 5);
    assert_memory_equal(buf, "words", 5);
    assert_int_equal(sys_accept(l, 0, 0), -EAGAIN);
    assert_int_equal(sys_connect(c[1], P(name), 7), 0);
    assert_int_equal(sys_close(l), 0); /* c[1] is reset */
    assert_int_equal(sys_read(c[1], P(buf), 8), -ECONNRESET);
    assert_int_equal(sys_read(c[1], P(buf), 8), 0);
}

static long send_fd(int sock, int fd)
{
    char byte = 'x';
    struct {
        struct cmsg c;
        int fd, pad;
    } control = {{sizeof(struct cmsg) + sizeof(int), SOL_SOCKET_LEVEL, SCM_RIGHTS}, fd, 0};
    struct iovec v = {&byte, 1};
    struct user_msghdr m = {
        .iov = P(&v), .iovlen = 1, .control = P(&control), .controllen = sizeof(control)};
    return sys_sendmsg(sock, P(&m), MSG_NOSIGNAL);
}

/* What is in flight can be received, goes with its queue, and cycles are collected: teardown
 * finds every leak. */
static void test_rights(void **state)
{
    int other[2], dgram[2];
    char byte, control[64];
    struct iovec v = {&byte, 1};
    struct user_msghdr m = {
        .iov = P(&v), .iovlen = 1, .control = P(control), .controllen = sizeof(control)};
    (void)state;
    assert_int_equal(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, P(other)), 0);
    assert_int_equal(sys_socketpair(AF_UNIX, SOCK_DGRAM, 0, P(dgram)), 0);
    assert_int_equal(send_fd(fds[0], 99), -EBADF);
    assert_int_equal(send_fd(fds[0], other[0]), 1);
    assert_int_equal(sys_recvmsg(fds[1], P(&m), 0), 1);
    assert_int_equal(m.controllen, 24);
    assert_int_equal(send_fd(fds[0], other[0]), 1);
    assert_int_equal(send_fd(fds[0], fds[1]), 1);
    assert_int_equal(send_fd(fds[0], fds[0]), 1);
    assert_int_equal(send_fd(dgram[0], dgram[1]), 1);
    assert_int_equal(send_fd(dgram[0], fds[1]), 1);
    assert_int_equal(send_fd(fds[0], dgram[0]), 1);
    assert_int_equal(stub_owner.in_flight, 6);
    for (int fd = 0; fd < 20; fd++)
        (void)!sys_close(fd);
    int last[2]; /* the collector looks when a socket goes */
    assert_int_equal(sys_socketpair(AF_UNIX, SOCK_STREAM, 0, P(last)), 0);
    assert_int_equal(sys_close(last[0]), 0);
    assert_int_equal(stub_owner.in_flight, 0);
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
    assert_int_equal(sys_socketpair(AF_UNIX, SOCK_STREAM | 0x10, 0, P(fds)), -EINVAL);
    assert_int_equal(sys_listen(99, 1), -EBADF);
    assert_int_equal(sys_connect(fds[0], P(family), 2), -EINVAL);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 12; n++) {
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
        T(test_data),     T(test_full),   T(test_shutdown_and_close), T(test_messages),
        T(test_listener), T(test_rights), T(test_options_and_names),  T(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
