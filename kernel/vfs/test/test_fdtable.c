/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptor tables: lowest free number, growth, limits, dup, close on exec, references. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/vfs/test/stub_async.h"

#include "kernel/vfs/fcntl.c"
#include "kernel/vfs/fdtable.c"
#include "kernel/vfs/file.c"

int owner_permission(struct inode *i)
{
    (void)i;
    return 0;
}

void epoll_forget(struct file *f)
{
    (void)f;
}

long lease_get(struct file *f)
{
    (void)f;
    return F_UNLCK;
}

long lease_set(int fd, struct file *f, unsigned long type)
{
    (void)fd;
    (void)f;
    (void)type;
    return -EINVAL;
}

long dnotify_set(int fd, struct file *f, unsigned long arg)
{
    (void)fd;
    (void)f;
    (void)arg;
    return -ENOTDIR;
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

long lock_fcntl(int fd, struct file *f, unsigned cmd, uaddr_t arg)
{
    (void)fd;
    (void)f;
    (void)cmd;
    (void)arg;
    return -EINVAL;
}

bool file_is_pipe(const struct file *f)
{
    (void)f;
    return false;
}

long pipe_set_size(struct file *f, unsigned long size)
{
    (void)f;
    (void)size;
    return -EBADF;
}

long pipe_get_size(struct file *f)
{
    (void)f;
    return -EBADF;
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

static unsigned released;

static void count_release(struct file *f)
{
    (void)f;
    released++;
}

static const struct file_ops ops = {.release = count_release};

static int open_one(int min)
{
    struct file *f = file_new(&ops, O_RDWR, NULL);
    assert_non_null(f);
    return fd_install(f, false, min);
}

static int setup(void **state)
{
    (void)state;
    stub_process_init();
    stub_process.fds = fdtable_new();
    released = 0;
    return stub_process.fds ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    fdtable_leave(stub_process.fds);
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static void test_lowest_number(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++)
        assert_int_equal(open_one(0), i);
    assert_int_equal(sys_close(100), 0);
    assert_int_equal(sys_close(3), 0);
    assert_int_equal(sys_close(3), -EBADF);
    assert_int_equal(released, 2);
    assert_int_equal(open_one(50), 100);
    assert_int_equal(open_one(0), 3);
    assert_int_equal(open_one(0), 200);
    assert_int_equal(sys_close(-1), -EBADF);
    assert_int_equal(sys_close(1 << 30), -EBADF);
}

/* The lowest free number against a naive table. */
static void test_against_model(void **state)
{
    static bool used[512];
    (void)state;
    memset(used, 0, sizeof(used));
    for (int round = 0; round < 20000; round++) {
        int fd = rand() % 300;
        if (rand() % 2) {
            int min = rand() % 300, want = min;
            while (used[want])
                want++;
            assert_int_equal(open_one(min), want);
            used[want] = true;
        } else {
            assert_int_equal(sys_close(fd), used[fd] ? 0 : -EBADF);
            used[fd] = false;
        }
        if (used[511])
            break;
        for (int i = 400; i < 512; i++)
            if (used[i]) {
                assert_int_equal(sys_close(i), 0);
                used[i] = false;
            }
    }
}

static void test_limit(void **state)
{
    (void)state;
    stub_process.rlimits[RLIMIT_NOFILE].rlim_cur = 5;
    for (int i = 0; i < 5; i++)
        assert_int_equal(open_one(0), i);
    assert_int_equal(open_one(0), -EMFILE);
    assert_int_equal(released, 1);
    assert_int_equal(sys_dup(0), -EMFILE);
    assert_int_equal(sys_dup2(0, 5), -EBADF);
    assert_int_equal(sys_dup2(0, 4), 4);
    assert_int_equal(sys_fcntl(0, F_DUPFD, 5), -EINVAL);
}

static void test_dup(void **state)
{
    (void)state;
    int fd = open_one(0);
    assert_int_equal(sys_dup(fd), 1);
    assert_int_equal(sys_dup2(fd, 300), 300);
    assert_int_equal(sys_dup2(fd, fd), fd);
    assert_int_equal(sys_dup3(fd, fd, 0), -EINVAL);
    assert_int_equal(sys_dup3(fd, 7, 1), -EINVAL);
    assert_int_equal(sys_dup3(fd, 7, O_CLOEXEC), 7);
    assert_int_equal(sys_fcntl(7, F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(sys_fcntl(7, F_SETFD, 0), 0);
    assert_int_equal(sys_fcntl(7, F_GETFD, 0), 0);
    assert_int_equal(sys_fcntl(fd, F_DUPFD_CLOEXEC, 20), 20);
    assert_int_equal(sys_fcntl(20, F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(sys_fcntl(20, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(sys_fcntl(fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
    fdtable_close_on_exec(stub_process.fds);
    assert_int_equal(sys_fcntl(20, F_GETFD, 0), -EBADF);
    assert_int_equal(released, 0);
    assert_int_equal(sys_dup2(99, 5), -EBADF);
    assert_int_equal(sys_close_range(1, ~0U, 0), 0);
    assert_int_equal(released, 0);
    assert_int_equal(sys_close(fd), 0);
    assert_int_equal(released, 1);
}

static void test_close_range(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        open_one(0);
    assert_int_equal(sys_close_range(5, 4, 0), -EINVAL);
    assert_int_equal(sys_close_range(5, 6, 1), -EINVAL);
    assert_int_equal(sys_close_range(10, 19, 0), 0);
    assert_int_equal(released, 10);
    assert_int_equal(sys_close_range(90, ~0U, CLOSE_RANGE_CLOEXEC), 0);
    assert_int_equal(sys_fcntl(95, F_GETFD, 0), FD_CLOEXEC);
    assert_int_equal(sys_fcntl(89, F_GETFD, 0), 0);
}

static void test_references(void **state)
{
    struct fd_ref r;
    struct file *f;
    (void)state;
    int fd = open_one(0);
    assert_int_equal(fd_get(fd, &r), 0);
    assert_false(r.counted); /* one thread: no atomics */
    fd_put(&r);
    stub_process.nthreads = 2;
    assert_int_equal(fd_get(fd, &r), 0);
    assert_true(r.counted);
    assert_int_equal(sys_close(fd), 0);
    assert_int_equal(released, 0); /* still in use */
    fd_put(&r);
    assert_int_equal(released, 1);
    stub_process.nthreads = 1;
    assert_int_equal(fd_lookup(fd, false, &f), -EBADF);
}

static void test_clone(void **state)
{
    (void)state;
    for (int i = 0; i < 150; i++)
        open_one(0);
    assert_int_equal(sys_close(7), 0);
    struct fdtable *copy = fdtable_clone(stub_process.fds);
    assert_int_equal(fdtable_next(copy, 7), 8);
    assert_int_equal(fdtable_next(copy, 149), 149);
    assert_int_equal(fdtable_next(copy, 150), -1);
    fdtable_leave(copy);
    assert_int_equal(released, 1);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    open_one(0);
    stub_fail_after = 0;
    assert_int_equal(sys_dup2(0, 500), -ENOMEM);
    stub_fail_after = 0;
    assert_null(fdtable_clone(stub_process.fds));
    stub_fail_after = -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_lowest_number), T(test_against_model), T(test_limit), T(test_dup),
        T(test_close_range),   T(test_references),    T(test_clone), T(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
