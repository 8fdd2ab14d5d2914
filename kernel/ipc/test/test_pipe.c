/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes: the byte queue against a model, atomic writes, ends of file, EPIPE, blocking through io.c.
 */
#include "kernel/vfs/test/stubs.h"

#include "kernel/vfs/test/stub_async.h"

#include "kernel/ipc/byteq.c"
#include "kernel/ipc/fifo.c"
#include "kernel/ipc/pipe.c"
#include "kernel/vfs/fdtable.c"
#include "kernel/vfs/file.c"
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

#define P(s) ((uaddr_t)(s))

static int fds[2];

static int setup(void **state)
{
    (void)state;
    stub_process_init();
    stub_process.fds = fdtable_new();
    stub_block = NULL;
    stub_last_signal = 0;
    stub_thread.signal_pending = 0;
    return (int)sys_pipe2(P(fds), 0);
}

static int teardown(void **state)
{
    (void)state;
    fdtable_leave(stub_process.fds);
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static void test_byteq_against_model(void **state)
{
    static unsigned char model[BYTEQ_DEFAULT], in[20000], out[20000];
    struct byteq q;
    struct uio_seg seg;
    struct uio u;
    size_t len = 0;
    (void)state;
    assert_int_equal(byteq_init(&q, BYTEQ_DEFAULT), 0);
    for (int round = 0; round < 5000; round++) {
        size_t n = (size_t)rand() % sizeof(in);
        if (rand() % 2) {
            for (size_t i = 0; i < n; i++)
                in[i] = (unsigned char)rand();
            uio_init_kernel(&u, &seg, in, n);
            assert_int_equal(byteq_put(&q, &u), 0);
            assert_int_equal(u.done, MIN(n, BYTEQ_DEFAULT - len));
            memcpy(model + len, in, u.done);
            len += u.done;
        } else {
            uio_init_kernel(&u, &seg, out, n);
            bool peek = rand() % 4 == 0;
            assert_int_equal(byteq_get(&q, &u, peek), 0);
            assert_int_equal(u.done, MIN(n, len));
            assert_memory_equal(out, model, u.done);
            if (!peek) {
                len -= u.done;
                memmove(model, model + u.done, len);
            }
        }
        if (rand() % 100 == 0) {
            size_t size = (size_t)(1 + rand() % 16) * PAGE_SIZE;
            assert_int_equal(byteq_resize(&q, size), size < len ? -EBUSY : 0);
            assert_int_equal(byteq_resize(&q, BYTEQ_DEFAULT), 0);
        }
        assert_int_equal(q.len, len);
    }
    byteq_fini(&q);
}

static void test_read_and_write(void **state)
{
    char buf[16];
    (void)state;
    assert_int_equal(sys_write(fds[1], P("hello"), 5), 5);
    assert_int_equal(sys_read(fds[0], P(buf), 2), 2);
    assert_int_equal(sys_read(fds[0], P(buf + 2), 14), 3);
    assert_memory_equal(buf, "hello", 5);
    assert_int_equal(sys_read(fds[1], P(buf), 1), -EBADF);
    assert_int_equal(sys_write(fds[0], P(buf), 1), -EBADF);
    assert_int_equal(sys_lseek(fds[0], 0, SEEK_SET), -ESPIPE);
    assert_int_equal(sys_pread64(fds[0], P(buf), 1, 0), -ESPIPE);
    assert_int_equal(sys_read(fds[0], P(buf), 0), 0);
}

static void test_ends(void **state)
{
    char buf[4];
    (void)state;
    assert_int_equal(sys_write(fds[1], P("x"), 1), 1);
    assert_int_equal(sys_close(fds[1]), 0);
    assert_int_equal(sys_read(fds[0], P(buf), 4), 1);
    assert_int_equal(sys_read(fds[0], P(buf), 4), 0);
    assert_int_equal(sys_pipe(P(fds)), 0);
    assert_int_equal(sys_close(fds[0]), 0);
    assert_int_equal(sys_write(fds[1], P("x"), 1), -EPIPE);
    assert_int_equal(stub_last_signal, SIGPIPE);
}

static void test_atomic_writes(void **state)
{
    static char big[100000];
    (void)state;
    struct fd_ref w;
    assert_int_equal(fd_get(fds[1], &w), 0);
    w.file->flags |= O_NONBLOCK;
    assert_int_equal(sys_write(fds[1], P(big), 65536 - 100), 65536 - 100);
    assert_int_equal(sys_write(fds[1], P(big), 101), -EAGAIN); /* all or nothing */
    assert_int_equal(sys_write(fds[1], P(big), 99), 99);       /* behind the rest of the first */
    assert_int_equal(file_poll(w.file), 0);
    assert_int_equal(sys_read(fds[0], P(big), 4095), 4095);
    assert_int_equal(file_poll(w.file), 0);
    assert_int_equal(sys_read(fds[0], P(big), 1), 1);
    assert_int_equal(file_poll(w.file), PIPE_OUT);
    assert_int_equal(sys_write(fds[1], P(big), 5000), 4096); /* a part: more than PIPE_BUF */
    assert_int_equal(sys_write(fds[1], P(big), 1), -EAGAIN);
}

static int block_write(void)
{
    assert_int_equal(sys_write(fds[1], P("late"), 4), 4);
    return 0;
}

static int block_read(void)
{
    static char sink[40000];
    assert_true(sys_read(fds[0], P(sink), sizeof(sink)) > 0);
    return 0;
}

static int block_interrupted(void)
{
    return -ERESTARTSYS;
}

static void test_blocking(void **state)
{
    static char big[200000];
    char buf[8];
    (void)state;
    stub_block = block_write;
    assert_int_equal(sys_read(fds[0], P(buf), 8), 4);
    stub_block = block_read;
    assert_int_equal(sys_write(fds[1], P(big), sizeof(big)), sizeof(big));
    while (pipe_of(stub_process.fds->files[fds[0]])->used)
        block_read();
    stub_block = block_interrupted;
    assert_int_equal(sys_read(fds[0], P(buf), 8), -ERESTARTSYS);
    assert_int_equal(sys_write(fds[1], P(big), sizeof(big)), 65536);
}

static void test_faults(void **state)
{
    char buf[8];
    (void)state;
    assert_int_equal(sys_write(fds[1], STUB_BAD, 5), -EFAULT);
    assert_int_equal(sys_write(fds[1], P("abc"), 3), 3);
    assert_int_equal(sys_read(fds[0], STUB_BAD, 3), -EFAULT);
    assert_int_equal(sys_read(fds[0], P(buf), 8), 3);
    assert_int_equal(sys_pipe2(STUB_BAD, 0), -EFAULT);
    assert_int_equal(fdtable_next(stub_process.fds, 2), -1);
}

static void test_vectors(void **state)
{
    char a[2], b[4];
    struct iovec v[3] = {{a, 2}, {NULL, 0}, {b, 4}};
    struct uio_seg bad = {(uint64_t)P("x"), (size_t)-1};
    (void)state;
    assert_int_equal(sys_write(fds[1], P("abcdef"), 6), 6);
    assert_int_equal(sys_readv(fds[0], P(v), 3), 6);
    assert_memory_equal(a, "ab", 2);
    assert_memory_equal(b, "cdef", 4);
    assert_int_equal(sys_writev(fds[1], P(v), 1025), -EINVAL);
    assert_int_equal(sys_writev(fds[1], P(&bad), 1), -EINVAL);
    assert_int_equal(sys_writev(fds[1], STUB_BAD, 1), -EFAULT);
    assert_int_equal(sys_writev(fds[1], P(v), 0), 0);
}

static void test_pipe_size(void **state)
{
    struct fd_ref r;
    (void)state;
    assert_int_equal(fd_get(fds[0], &r), 0);
    assert_int_equal(pipe_get_size(r.file), 65536);
    assert_int_equal(pipe_set_size(r.file, 5000), 8192);
    assert_int_equal(sys_write(fds[1], P("abc"), 3), 3);
    assert_int_equal(pipe_set_size(r.file, 1), 4096);
    stub_cred.effective = 0;
    assert_int_equal(pipe_set_size(r.file, 2 << 20), -EPERM);
    assert_int_equal(pipe_set_size(r.file, 1 << 20), 1 << 20);
    stub_cred.effective = CAPS_ALL;
    assert_int_equal(pipe_set_size(r.file, 2 << 20), 2 << 20);
    assert_int_equal(pipe_set_size(r.file, (1UL << 31) + 1), -EINVAL);
    assert_int_equal(pipe_set_size(r.file, 0), 4096);
    assert_int_equal(sys_write(fds[1], P("abc"), 3), 3);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 6; n++) {
        int p[2];
        stub_fail_after = n;
        long err = sys_pipe2(P(p), 0);
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
        T(test_byteq_against_model),
        T(test_read_and_write),
        T(test_ends),
        T(test_atomic_writes),
        T(test_blocking),
        T(test_faults),
        T(test_vectors),
        T(test_pipe_size),
        T(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
