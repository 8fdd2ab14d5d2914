/* SPDX-License-Identifier: Apache-2.0 */
/* splice: file to pipe to file with offsets, pipe to pipe, sockets, ends, SPLICE_F_NONBLOCK, refusals. */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

static char data[200000], back[200000];
static int p[2], q[2], file, copy;

static int queued(int fd)
{
    int n = -1;

    ioctl(fd, FIONREAD, &n);
    return n;
}

static void file_to_file(void)
{
    off_t off = 1000, out = 5;
    size_t total = 0;
    ssize_t n;

    need(write(file, data, sizeof(data)) == sizeof(data));
    check_eq(splice(file, &off, p[1], NULL, 5000, 0), 5000);
    check_eq(off, 6000);
    check_eq(lseek(file, 0, SEEK_CUR), sizeof(data));
    check_eq(queued(p[0]), 5000);
    check_eq(splice(p[0], NULL, copy, &out, 3000, SPLICE_F_MOVE), 3000);
    check_eq(out, 3005);
    check_eq(lseek(copy, 0, SEEK_CUR), 0);
    check_eq(splice(p[0], NULL, copy, NULL, 3000, 0), 2000);
    check_eq(lseek(copy, 0, SEEK_CUR), 2000);
    check_eq(pread(copy, back, 10000, 0), 3005);
    check(!memcmp(back, data + 4000, 2000) && !memcmp(back + 2000, data + 2995, 1005));
    /* All of it, by way of a pipe of 64 KiB. */
    need(ftruncate(copy, 0) == 0 && lseek(copy, 0, SEEK_SET) == 0 && lseek(file, 0, SEEK_SET) == 0);
    check_eq(splice(file, NULL, p[1], NULL, sizeof(data), 0), 65536);
    check_eq(splice(p[0], NULL, copy, NULL, sizeof(data), 0), 65536);
    while ((n = splice(file, NULL, p[1], NULL, 30000, 0)) > 0)
        for (; n > 0 && splice(p[0], NULL, copy, NULL, 7000, 0) > 0; n -= 7000)
            ;
    check_eq(n, 0);
    while (total < sizeof(data) &&
           (n = pread(copy, back + total, sizeof(back) - total, (off_t)total)) > 0)
        total += (size_t)n;
    check_eq(total, sizeof(data));
    check(!memcmp(back, data, sizeof(data)));
    off = (off_t)sizeof(data) + 5;
    check_eq(splice(file, &off, p[1], NULL, 10, 0), 0);
}

static void pipe_to_pipe(void)
{
    check_eq(write(p[1], data, 10000), 10000);
    check_eq(splice(p[0], NULL, q[1], NULL, 4100, 0), 4100);
    check_eq(queued(p[0]), 5900);
    check_eq(queued(q[0]), 4100);
    check_eq(splice(p[0], NULL, q[1], NULL, 100000, 0), 5900);
    check_eq(read(q[0], back, sizeof(back)), 10000);
    check(!memcmp(back, data, 10000));
    check_err(splice(p[0], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    check_err(splice(p[0], NULL, copy, NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    check_eq(fcntl(q[1], F_SETPIPE_SZ, 4096), 4096);
    check_eq(write(q[1], "full", 4), 4);
    check_eq(write(p[1], "xyz", 3), 3);
    check_err(splice(p[0], NULL, q[1], NULL, 3, SPLICE_F_NONBLOCK), EAGAIN);
    check_err(splice(file, &(loff_t){0}, q[1], NULL, 3, SPLICE_F_NONBLOCK), EAGAIN);
    check_eq(read(q[0], back, 100), 4);
    check_eq(read(p[0], back, 100), 3);
    check_eq(fcntl(q[1], F_SETPIPE_SZ, 65536), 65536);
}

static void tees(void)
{
    check_eq(write(p[1], "abcdef", 6), 6);
    check_eq(tee(p[0], q[1], 4, 0), 4);
    check_eq(tee(p[0], q[1], 100, 0), 6);
    check_eq(write(p[1], "ghi", 3), 3); /* behind the shared page's bytes, not in the other pipe */
    check_eq(write(q[1], "Z", 1), 1);
    check_eq(read(q[0], back, 100), 11);
    check(!memcmp(back, "abcdabcdefZ", 11));
    check_eq(read(p[0], back, 100), 9);
    check(!memcmp(back, "abcdefghi", 9));
    check_err(tee(p[0], q[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
    check_err(tee(p[0], p[1], 1, 0), EINVAL);
    check_err(tee(file, q[1], 1, 0), EINVAL);
    check_err(tee(p[0], file, 1, 0), EINVAL);
    check_err(tee(p[1], q[1], 1, 0), EBADF);
    check_err(tee(p[0], q[0], 1, 0), EBADF);
    check_err(tee(p[0], q[1], 1, 0x10), EINVAL);
    check_eq(tee(p[0], 999, 0, 0), 0);
    check_err(tee(p[0], 999, 1, 0), EBADF);
}

static void sockets(void)
{
    int s[2];

    need(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    check_eq(write(p[1], data, 6000), 6000);
    check_eq(splice(p[0], NULL, s[0], NULL, 6000, 0), 6000);
    check_eq(splice(s[1], NULL, q[1], NULL, 2000, 0), 2000);
    check_eq(read(q[0], back, sizeof(back)), 2000);
    check_eq(read(s[1], back + 2000, sizeof(back)), 4000);
    check(!memcmp(back, data, 6000));
    check_err(splice(s[1], NULL, q[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
    check_err(splice(s[1], &(loff_t){0}, q[1], NULL, 1, 0), EINVAL);
    close(s[0]);
    check_eq(splice(s[1], NULL, q[1], NULL, 1, 0), 0);
    close(s[1]);
}

static void refusals(void)
{
    loff_t off = -1;
    int append = open("copy", O_WRONLY | O_APPEND), event = eventfd(0, 0),
        dir = open(".", O_RDONLY);

    check_eq(splice(999, NULL, 998, NULL, 0, 0x100), 0);
    check_err(splice(999, NULL, 998, NULL, 1, 0x100), EINVAL);
    check_err(splice(999, NULL, p[1], NULL, 1, 0), EBADF);
    check_err(splice(p[0], NULL, 999, NULL, 1, 0), EBADF);
    check_err(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
    check_err(splice(file, NULL, copy, NULL, 1, 0), EINVAL);
    check_err(splice(p[0], &off, copy, NULL, 1, 0), ESPIPE);
    check_err(splice(file, NULL, p[1], &off, 1, 0), ESPIPE);
    check_err(splice(file, &off, p[1], NULL, 1, 0), EINVAL);
    check_err(splice(p[1], NULL, copy, NULL, 1, 0), EBADF);
    check_err(splice(file, NULL, p[0], NULL, 1, 0), EBADF);
    check_err(splice(file, (loff_t *)8, p[1], NULL, 1, 0), EFAULT);
    check_eq(write(p[1], "x", 1), 1);
    check_err(splice(p[0], NULL, append, NULL, 1, 0), EINVAL);
    check_err(splice(p[0], NULL, event, NULL, 8, 0), EINVAL);
    check_err(splice(dir, NULL, p[1], NULL, 8, 0), EINVAL);
    check_eq(read(p[0], back, 1), 1);
    close(append);
    close(event);
    close(dir);
}

static void sendfiles(void)
{
    off_t off = 100;

    check_eq(sendfile(p[1], file, &off, 5000), 5000);
    check_eq(off, 5100);
    check_eq(read(p[0], back, sizeof(back)), 5000);
    check(!memcmp(back, data + 100, 5000));
    check_err(sendfile(copy, p[0], NULL, 1), EINVAL);
    check_ok(fcntl(p[1], F_SETFL, O_NONBLOCK));
    off = 0;
    check_eq(sendfile(p[1], file, &off, sizeof(data)), 65536);
    check_err(sendfile(p[1], file, &off, 1), EAGAIN);
    check_eq(off, 65536);
    check_ok(fcntl(p[1], F_SETFL, 0));
    check_eq(read(p[0], back, sizeof(back)), 65536);
}

static void *splice_later(void *arg)
{
    return (void *)(long)splice(q[0], NULL, copy, NULL, 1000, 0);
}

static void ends(void)
{
    pthread_t t;
    void *got;

    need(pthread_create(&t, NULL, splice_later, NULL) == 0);
    check_eq(write(q[1], "abc", 3), 3);
    pthread_join(t, &got);
    check_eq((long)got, 3);
    need(pthread_create(&t, NULL, splice_later, NULL) == 0);
    close(q[1]);
    pthread_join(t, &got);
    check_eq((long)got, 0);
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    check_err(splice(file, &(loff_t){0}, p[1], NULL, 10, 0), EPIPE);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 + i / 251);
    need(pipe(p) == 0 && pipe(q) == 0);
    file = open("file", O_RDWR | O_CREAT, 0600);
    copy = open("copy", O_RDWR | O_CREAT, 0600);
    need(file >= 0 && copy >= 0);
    file_to_file();
    pipe_to_pipe();
    tees();
    sockets();
    refusals();
    sendfiles();
    ends();
    return check_done();
}
