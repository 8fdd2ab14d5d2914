/* SPDX-License-Identifier: Apache-2.0 */
/* inotify: coalescing, overflow, buffers that are too small, FIONREAD, readiness, blocking, refusals. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

static char buf[1 << 20] __attribute__((aligned(8)));

static int pending(int in)
{
    int n = -1;

    ioctl(in, FIONREAD, &n);
    return n;
}

static void queue(void)
{
    struct inotify_event *e = (void *)buf;
    int in = (int)check_ok(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), fd;
    struct pollfd p = {.fd = in, .events = POLLIN | POLLOUT};

    check_eq(fcntl(in, F_GETFD), FD_CLOEXEC);
    check_eq(poll(&p, 1, 0), 0);
    check_err(read(in, buf, sizeof(buf)), EAGAIN);
    check_eq(inotify_add_watch(in, "file", IN_MODIFY), 1);
    check_eq(inotify_add_watch(in, ".", IN_MODIFY), 2);
    fd = open("file", O_RDWR);
    check_eq(write(fd, "x", 1), 1);
    check_eq(pending(in), 16 + 32);
    check_eq(poll(&p, 1, 0), 1);
    check_eq(p.revents, POLLIN);
    check_err(read(in, buf, 15), EINVAL);
    check_err(read(in, buf, 31), EINVAL); /* the directory's event is the first */
    check_eq(read(in, buf, 40), 32);
    check_eq(e->wd, 2);
    check_eq(e->len, 16);
    check(!strcmp(e->name, "file"));
    check_eq(read(in, buf, 40), 16);
    check_eq(e->wd, 1);
    check_eq(e->len, 0);
    check_ok(inotify_rm_watch(in, 2));
    check_eq(read(in, buf, sizeof(buf)), 16);
    check_eq(e->mask, IN_IGNORED);
    for (int i = 0; i < 5; i++)
        check_eq(write(fd, "x", 1), 1);
    check_eq(pending(in), 16); /* the same again is not queued */
    check_eq(read(in, buf, sizeof(buf)), 16);
    check_err(write(in, buf, 1), EBADF);
    close(fd);
    close(in);
}

static void overflow(void)
{
    int in = (int)check_ok(inotify_init1(IN_NONBLOCK)), fd[2], limit = 16384, events = 0;
    FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "r");
    struct inotify_event *last = NULL;
    ssize_t n;

    if (f) {
        check(fscanf(f, "%d", &limit) == 1);
        fclose(f);
    }
    for (int i = 0; i < 2; i++) {
        char name[] = {'o', (char)('0' + i), '\0'};
        fd[i] = open(name, O_CREAT | O_RDWR, 0600);
        check(inotify_add_watch(in, name, IN_MODIFY) > 0);
    }
    for (int i = 0; i < limit + 100; i++)
        if (pwrite(fd[i % 2], "x", 1, 0) != 1)
            check_failures++;
    while ((n = read(in, buf, sizeof(buf))) > 0)
        for (char *at = buf; at < buf + n; at += sizeof(*last) + last->len) {
            last = (void *)at;
            events++;
        }
    check_eq(events, limit + 1);
    check(last && last->mask == IN_Q_OVERFLOW && last->wd == -1);
    check_eq(pwrite(fd[0], "x", 1, 0), 1); /* and it goes on */
    check_eq(read(in, buf, sizeof(buf)), 16);
    close(in);
}

static void *write_later(void *arg)
{
    if (pwrite((int)(long)arg, "x", 1, 0) != 1)
        check_failures++;
    return NULL;
}

static void waiting(void)
{
    int in = (int)check_ok(inotify_init()), fd = open("file", O_RDWR), ep = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
    pthread_t t;

    check_ok(inotify_add_watch(in, "file", IN_MODIFY));
    need(pthread_create(&t, NULL, write_later, (void *)(long)fd) == 0);
    check_eq(read(in, buf, sizeof(buf)), 16);
    pthread_join(t, NULL);
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, in, &ev));
    need(pthread_create(&t, NULL, write_later, (void *)(long)fd) == 0);
    check_eq(epoll_wait(ep, &ev, 1, 10000), 1);
    check_eq(epoll_wait(ep, &ev, 1, 0), 0);
    pthread_join(t, NULL);
    check_eq(pending(in), 16);
    close(in);
    check_eq(epoll_wait(ep, &ev, 1, 0), 0);
    close(ep);
    close(fd);
}

static void refusals(void)
{
    int in = (int)check_ok(inotify_init1(IN_NONBLOCK)), p[2];

    need(pipe(p) == 0);
    check_err(inotify_init1(0x10), EINVAL);
    check_err(inotify_add_watch(in, "file", 0), EINVAL);
    check_err(inotify_add_watch(in, "file", 0x00100000), EINVAL);
    check_err(inotify_add_watch(in, "file", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
    check_err(inotify_add_watch(in, "none", IN_OPEN), ENOENT);
    check_err(inotify_add_watch(in, "", IN_OPEN), ENOENT);
    check_err(inotify_add_watch(in, (char *)8, IN_OPEN), EFAULT);
    check_err(inotify_add_watch(in, "file", IN_OPEN | IN_ONLYDIR), ENOTDIR);
    check_err(inotify_add_watch(p[0], "file", IN_OPEN), EINVAL);
    check_err(inotify_add_watch(999, "file", IN_OPEN), EBADF);
    check_err(inotify_rm_watch(p[0], 1), EINVAL);
    check_err(inotify_rm_watch(999, 1), EBADF);
    check_err(inotify_rm_watch(in, 1), EINVAL);
    check_ok(symlink("file", "link"));
    check_eq(inotify_add_watch(in, "link", IN_OPEN), 1);
    check_eq(inotify_add_watch(in, "file", IN_OPEN | IN_MASK_ADD), 1);
    check_err(inotify_add_watch(in, "file", IN_OPEN | IN_MASK_CREATE), EEXIST);
    check_eq(inotify_add_watch(in, "link", IN_OPEN | IN_DONT_FOLLOW), 2);
    check_eq(inotify_add_watch(in, ".", IN_OPEN | IN_ONLYDIR | IN_MASK_CREATE), 3);
    close(in);
}

/* Numbers are not given again, and many watches are found. */
static void many(void)
{
    int in = (int)check_ok(inotify_init1(IN_NONBLOCK)), fd;
    struct inotify_event *e = (void *)buf;
    char name[16];

    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
        if (inotify_add_watch(in, name, IN_OPEN) != i + 1)
            check_failures++;
    }
    fd = open("m137", O_RDONLY);
    check_eq(read(in, buf, sizeof(buf)), 16);
    check_eq(e->wd, 138);
    close(fd);
    check_ok(inotify_rm_watch(in, 300));
    check_eq(inotify_add_watch(in, "m299", IN_OPEN), 301);
    check_eq(check_failures, 0);
    close(in);
}

int main(void)
{
    close(open("file", O_CREAT | O_RDWR, 0600));
    queue();
    overflow();
    waiting();
    refusals();
    many();
    return check_done();
}
