/* SPDX-License-Identifier: Apache-2.0 */
/* Linux AIO: reads, writes, syncs and polls; their events; eventfd notification; cancel; waiting; refusals. */
#include "check.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static aio_context_t ctx;
static char data[8192], back[8192];
static struct io_event got[64];
static struct timespec zero = {0, 0}, little = {0, 5000000};

static long submit1(struct iocb *cb)
{
    return syscall(SYS_io_submit, ctx, 1, &cb);
}

static long reap(long min, long nr, struct timespec *t)
{
    return syscall(SYS_io_getevents, ctx, min, nr, got, t);
}

static struct iocb request(int op, int fd, void *buf, size_t n, long off)
{
    return (struct iocb){.aio_data = 0x1234,
                         .aio_lio_opcode = (uint16_t)op,
                         .aio_fildes = (uint32_t)fd,
                         .aio_buf = (uint64_t)buf,
                         .aio_nbytes = n,
                         .aio_offset = off};
}

static void files(int fd)
{
    struct iovec v[2] = {{back, 100}, {back + 100, 200}};
    struct iocb w = request(IOCB_CMD_PWRITE, fd, data, 5000, 10);
    struct iocb r = request(IOCB_CMD_PREAD, fd, back, 5000, 10);
    struct iocb rv = request(IOCB_CMD_PREADV, fd, v, 2, 20);
    struct iocb s = request(IOCB_CMD_FSYNC, fd, NULL, 0, 0);
    struct iocb ds = request(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
    struct iocb *two[2] = {&rv, &ds};

    check_eq(submit1(&w), 1);
    check_eq(reap(1, 64, NULL), 1);
    check_eq(got[0].data, 0x1234);
    check_eq(got[0].obj, (uint64_t)&w);
    check_eq(got[0].res, 5000);
    check_eq(got[0].res2, 0);
    check_eq(submit1(&r), 1);
    check_eq(reap(1, 64, NULL), 1);
    check_eq(got[0].res, 5000);
    check(!memcmp(back, data, 5000));
    check_eq(lseek(fd, 0, SEEK_CUR), 0);
    check_eq(syscall(SYS_io_submit, ctx, 2, two), 2);
    check_eq(reap(2, 64, NULL), 2);
    check_eq(got[0].res + got[1].res, 300);
    check(!memcmp(back, data + 10, 300));
    check_eq(submit1(&s), 1);
    check_eq(reap(1, 1, NULL), 1);
    check_eq(got[0].res, 0);
    r.aio_offset = 100000;
    check_eq(submit1(&r), 1);
    check_eq(reap(1, 1, NULL), 1);
    check_eq(got[0].res, 0); /* the end of the file */
    rv.aio_lio_opcode = IOCB_CMD_PWRITEV;
    check_eq(submit1(&rv), 1);
    check_eq(reap(1, 1, NULL), 1);
    check_eq(got[0].res, 300);
    /* A bad page is found when it is used. */
    r = request(IOCB_CMD_PREAD, fd, (void *)8, 100, 0);
    check_eq(submit1(&r), 1);
    check_eq(reap(1, 1, NULL), 1);
    check_eq(got[0].res, -EFAULT);
}

static void refusals(int fd)
{
    struct iocb cb = request(IOCB_CMD_PREAD, fd, back, 10, 0), *p = NULL;
    struct iocb *mixed[3] = {&cb, p, &cb};
    int dir = open(".", O_RDONLY), wr = open("file", O_WRONLY);
    aio_context_t other = 1, none = 0;

    check_err(syscall(SYS_io_setup, 10, &other), EINVAL);
    check_err(syscall(SYS_io_setup, 0, &none), EINVAL);
    check_err(syscall(SYS_io_setup, 0x7fffffff, &none), EINVAL);
    check_err(syscall(SYS_io_setup, 1000000, &none), EAGAIN);
    check_err(syscall(SYS_io_setup, 10, (void *)8), EFAULT);
    check_err(syscall(SYS_io_destroy, 0), EINVAL);
    check_err(syscall(SYS_io_destroy, 4096), EINVAL);
    check_err(syscall(SYS_io_submit, ctx, -1L, mixed), EINVAL);
    check_eq(syscall(SYS_io_submit, ctx, 0, mixed), 0);
    check_err(syscall(SYS_io_submit, 4096, 1, mixed), EINVAL);
    check_err(syscall(SYS_io_submit, ctx, 1, (void *)8), EFAULT);
    check_eq(syscall(SYS_io_submit, ctx, 3, mixed), 1); /* up to the first bad one */
    check_eq(reap(1, 64, NULL), 1);
    cb.aio_lio_opcode = 99;
    check_err(submit1(&cb), EINVAL);
    cb = request(IOCB_CMD_PREAD, 999, back, 10, 0);
    check_err(submit1(&cb), EBADF);
    cb = request(IOCB_CMD_PREAD, wr, back, 10, 0);
    check_err(submit1(&cb), EBADF);
    cb = request(IOCB_CMD_PREAD, dir, back, 10, 0);
    check_err(submit1(&cb), EINVAL);
    cb = request(IOCB_CMD_PREAD, fd, back, 10, -1);
    check_err(submit1(&cb), EINVAL);
    cb = request(IOCB_CMD_PREAD, fd, back, 10, 0);
    cb.aio_reserved2 = 1;
    check_err(submit1(&cb), EINVAL);
    cb = request(IOCB_CMD_PREAD, fd, back, 10, 0);
    cb.aio_flags = IOCB_FLAG_RESFD;
    cb.aio_resfd = (uint32_t)fd;
    check_err(submit1(&cb), EINVAL);
    cb.aio_resfd = 999;
    check_err(submit1(&cb), EBADF);
    cb = request(IOCB_CMD_PREAD, fd, back, 10, 0);
    cb.aio_rw_flags = 0x40000000;
    check_err(submit1(&cb), EOPNOTSUPP);
    cb = request(IOCB_CMD_FSYNC, fd, back, 0, 0);
    check_err(submit1(&cb), EINVAL);
    check_err(reap(5, 4, &zero), EINVAL);
    check_err(reap(-1, 4, &zero), EINVAL);
    check_eq(reap(0, 4, NULL), 0);
    check_eq(reap(1, 4, &zero), 0);
    check_eq(reap(1, 4, &little), 0);
    check_err(syscall(SYS_io_cancel, ctx, &cb, got), EINVAL);
    check_err(syscall(SYS_io_cancel, ctx, (void *)8, got), EFAULT);
    close(dir);
    close(wr);
}

static int p[2];

static void *write_later(void *arg)
{
    usleep(10000);
    if (write(p[1], "x", 1) != 1)
        check_failures++;
    return arg;
}

static void polls(void)
{
    struct iocb in = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0);
    struct iocb out = request(IOCB_CMD_POLL, p[1], (void *)POLLOUT, 0, 0);
    pthread_t t;
    char c;

    check_eq(submit1(&out), 1);
    check_eq(reap(1, 4, NULL), 1);
    check_eq(got[0].res & POLLOUT, POLLOUT);
    check_eq(submit1(&in), 1);
    check_eq(reap(1, 4, &zero), 0);
    need(pthread_create(&t, NULL, write_later, NULL) == 0);
    check_eq(reap(1, 4, NULL), 1);
    pthread_join(t, NULL);
    check_eq(got[0].obj, (uint64_t)&in);
    check_eq(got[0].res & POLLIN, POLLIN);
    check_eq(submit1(&in), 1); /* still there */
    check_eq(reap(1, 4, NULL), 1);
    check_eq(read(p[0], &c, 1), 1);
    /* Cancelling is answered at once; the event comes all the same. */
    check_eq(submit1(&in), 1);
    check_err(syscall(SYS_io_cancel, ctx, &in, got), EINPROGRESS);
    check_eq(reap(1, 4, NULL), 1);
    check_eq(got[0].obj, (uint64_t)&in);
    check_err(syscall(SYS_io_cancel, ctx, &in, got), EINVAL);
    in.aio_nbytes = 1;
    check_err(submit1(&in), EINVAL);
    in = request(IOCB_CMD_POLL, p[0], (void *)0x10001, 0, 0);
    check_err(submit1(&in), EINVAL);
}

static void notified(int fd)
{
    struct iocb r = request(IOCB_CMD_PREAD, fd, back, 10, 0);
    struct iocb in = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0);
    int event = eventfd(0, 0);
    uint64_t n = 0;
    char c;

    r.aio_flags = in.aio_flags = IOCB_FLAG_RESFD;
    r.aio_resfd = in.aio_resfd = (uint32_t)event;
    check_eq(submit1(&r), 1);
    check_eq(read(event, &n, 8), 8);
    check_eq(n, 1);
    check_eq(submit1(&in), 1);
    check_eq(write(p[1], "y", 1), 1);
    check_eq(read(event, &n, 8), 8);
    check_eq(n, 1);
    check_eq(reap(2, 4, NULL), 2);
    check_eq(read(p[0], &c, 1), 1);
    close(event);
}

static void handler(int sig)
{
    (void)sig;
}

static void interrupted(void)
{
    struct {
        const sigset_t *mask;
        size_t size;
    } sig;
    sigset_t block, none;

    signal(SIGUSR1, handler);
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, NULL);
    raise(SIGUSR1);
    sig.mask = &none;
    sig.size = 8;
    check_err(syscall(SYS_io_pgetevents, ctx, 1, 4, got, NULL, &sig), EINTR);
    check_eq(syscall(SYS_io_pgetevents, ctx, 1, 4, got, &zero, NULL), 0);
    sig.size = 4;
    check_err(syscall(SYS_io_pgetevents, ctx, 1, 4, got, &zero, &sig), EINVAL);
}

int main(void)
{
    struct iocb in;
    int fd = open("file", O_RDWR | O_CREAT, 0600);

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 11 + i / 257);
    need(pipe(p) == 0);
    check_eq(syscall(SYS_io_setup, 10, &ctx), 0);
    check(ctx != 0);
    files(fd);
    refusals(fd);
    polls();
    notified(fd);
    interrupted();
    /* A context that is destroyed takes its requests along. */
    in = request(IOCB_CMD_POLL, p[0], (void *)POLLIN, 0, 0);
    check_eq(submit1(&in), 1);
    check_eq(syscall(SYS_io_destroy, ctx), 0);
    check_err(syscall(SYS_io_destroy, ctx), EINVAL);
    check_err(reap(0, 1, &zero), EINVAL);
    ctx = 0;
    check_eq(syscall(SYS_io_setup, 1, &ctx), 0);
    check_eq(submit1(&in), 1); /* left to the end of the process */
    check_eq(check_failures, 0);
    return check_done();
}
