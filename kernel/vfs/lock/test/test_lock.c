/* SPDX-License-Identifier: Apache-2.0 */
/* Record locks of two owners against one byte a unit; whole-file locks; what close releases. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/vfs/lock/lock.c"
#include "kernel/vfs/lock/lockcall.c"

int file_stat(struct file *f, struct statx *st)
{
    (void)f;
    st->stx_size = 100;
    return 0;
}

static struct file *the_file[2];

int fd_get(int fd, struct fd_ref *r)
{
    r->file = the_file[fd];
    r->counted = false;
    return 0;
}

int fd_lookup(int fd, bool path_ok, struct file **out)
{
    (void)path_ok;
    *out = the_file[fd];
    return 0;
}

void thread_wake(struct thread *t)
{
    (void)t;
}

void file_put(struct file *f)
{
    (void)f;
}

#define SPACE 64

static struct inode inode;
static struct file file[2];

static int setup(void **state)
{
    (void)state;
    memset(file, 0, sizeof(file));
    list_init(&inode.locks);
    for (int i = 0; i < 2; i++) {
        file[i].inode = &inode;
        file[i].flags = O_RDWR;
        the_file[i] = &file[i];
    }
    stub_process.fds = (void *)&file[0];
    return 0;
}

static long record(struct file *f, unsigned cmd, int type, int64_t start, int64_t len)
{
    struct flock fl = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return lock_fcntl(f == &file[1], f, cmd, (uaddr_t)&fl);
}

static void test_against_model(void **state)
{
    int8_t held[2][SPACE]; /* F_UNLCK, F_RDLCK or F_WRLCK */
    (void)state;
    memset(held, F_UNLCK, sizeof(held));
    for (int round = 0; round < 20000; round++) {
        int me = rand() % 2, type = rand() % 3;
        unsigned start = (unsigned)rand() % SPACE;
        unsigned len = 1 + (unsigned)rand() % (SPACE - start);
        bool free = true;
        for (unsigned i = start; i < start + len && type != F_UNLCK; i++)
            free =
                free && (held[!me][i] == F_UNLCK || (type == F_RDLCK && held[!me][i] == F_RDLCK));
        assert_int_equal(record(&file[me], F_OFD_SETLK, type, start, len), free ? 0 : -EAGAIN);
        if (free)
            memset(&held[me][start], type, len);
    }
    locks_release_file(&file[0]);
    locks_release_file(&file[1]);
    assert_true(list_empty(&inode.locks));
    assert_int_equal(stub_allocations, 0);
}

static void test_get(void **state)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -60, .l_len = 10};
    (void)state;
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, 45, 0), 0);
    assert_int_equal(lock_fcntl(1, &file[1], F_OFD_GETLK, (uaddr_t)&fl), 0);
    assert_int_equal(fl.l_type, F_RDLCK);
    assert_int_equal(fl.l_start, 45);
    assert_int_equal(fl.l_len, 0);
    assert_int_equal(fl.l_pid, 1);
    fl = (struct flock){.l_type = F_WRLCK};
    assert_int_equal(lock_fcntl(1, &file[1], F_GETLK, (uaddr_t)&fl),
                     0); /* our own does not count */
    assert_int_equal(fl.l_type, F_UNLCK);
    locks_release_table(&file[1], stub_process.fds); /* any descriptor's close does */
    assert_true(list_empty(&inode.locks));
}

static void test_arguments(void **state)
{
    (void)state;
    assert_int_equal(record(&file[0], F_SETLK, 7, 0, 1), -EINVAL);
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, -1, 1), -EINVAL);
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, 5, -6), -EINVAL);
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, INT64_MAX, 2), -EOVERFLOW);
    assert_int_equal(lock_fcntl(0, &file[0], F_SETLK, STUB_BAD), -EFAULT);
    file[0].flags = O_RDONLY;
    assert_int_equal(record(&file[0], F_SETLK, F_WRLCK, 0, 1), -EBADF);
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, 5, -5), 0);
    assert_int_equal(record(&file[0], F_SETLK, F_UNLCK, 0, 0), 0);
}

static int block_release(void)
{
    assert_int_equal(sys_flock(1, LOCK_UN), 0);
    return 0;
}

static void test_flock(void **state)
{
    (void)state;
    assert_int_equal(sys_flock(0, LOCK_SH), 0);
    assert_int_equal(sys_flock(1, LOCK_SH), 0);
    assert_int_equal(sys_flock(0, LOCK_EX | LOCK_NB), -EAGAIN); /* and has lost the shared one */
    assert_int_equal(sys_flock(1, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(record(&file[0], F_SETLK, F_WRLCK, 0, 0), 0); /* another world */
    stub_block = block_release;
    assert_int_equal(sys_flock(0, LOCK_EX), 0);
    assert_int_equal(sys_flock(1, LOCK_SH | LOCK_NB), -EAGAIN);
    assert_int_equal(sys_flock(0, 64), -EINVAL);
    locks_release_file(&file[0]);
    locks_release_table(&file[0], stub_process.fds);
    assert_true(list_empty(&inode.locks));
}

/* Neighbours of one type are one lock; the list is in the order of the ranges. */
static void test_merge(void **state)
{
    size_t n;
    (void)state;
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, 20, 10), 0);
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, 0, 10), 0);
    assert_int_equal(record(&file[0], F_SETLK, F_WRLCK, 30, 0), 0);
    struct lock_line *lines = locks_list(&n);
    assert_int_equal(n, 3);
    kfree(lines);
    assert_int_equal(record(&file[0], F_SETLK, F_RDLCK, 10, 10), 0);
    lines = locks_list(&n);
    assert_int_equal(n, 2);
    kfree(lines);
    assert_int_equal(lock_of(inode.locks.next)->start, 0);
    assert_int_equal(lock_of(inode.locks.next)->end, 29);
    assert_int_equal(record(&file[0], F_SETLK, F_UNLCK, 5, 1), 0);
    assert_int_equal(lock_of(inode.locks.next)->end, 4);
    assert_int_equal(lock_of(inode.locks.next->next)->start, 6);
    locks_release_table(&file[0], stub_process.fds);
    lines = locks_list(&n);
    assert_int_equal(n, 0);
    kfree(lines);
    assert_int_equal(stub_allocations, 0);
}

/* Processes are descriptor tables here: each holds its byte and waits for the next one's. */
#define RING 12
static char table[RING];
static int depth, ring, in_the_way;

static void be(int who)
{
    stub_process.fds = (void *)&table[who];
}

static int block_next(void)
{
    int who = depth++;
    if (who == ring)
        return -ERESTARTSYS;
    be(who);
    long err = record(&file[0], F_SETLKW, F_WRLCK, (who + 1) % ring, 1);
    in_the_way = err == -EDEADLK ? who : in_the_way;
    assert_true(err == -EDEADLK || err == -ERESTARTSYS);
    return -ERESTARTSYS; /* a signal ends all that wait */
}

static void deadlock(int n, int found)
{
    for (int i = 0; i < n; i++) {
        be(i);
        assert_int_equal(record(&file[0], F_SETLK, F_WRLCK, i, 1), 0);
    }
    ring = n;
    depth = 0;
    in_the_way = -1;
    stub_block = block_next;
    block_next();
    stub_block = NULL;
    assert_int_equal(in_the_way, found);
    for (int i = 0; i < n; i++)
        locks_release_table(&file[0], (void *)&table[i]);
    assert_true(list_empty(&inode.locks) && list_empty(&waiting) && !nlines);
}

static void test_deadlock(void **state)
{
    (void)state;
    deadlock(2, 1);
    deadlock(5, 4);
    deadlock(12, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_against_model, setup),
        cmocka_unit_test_setup(test_get, setup),
        cmocka_unit_test_setup(test_arguments, setup),
        cmocka_unit_test_setup(test_flock, setup),
        cmocka_unit_test_setup(test_merge, setup),
        cmocka_unit_test_setup(test_deadlock, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
