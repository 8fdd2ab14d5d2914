/* SPDX-License-Identifier: Apache-2.0 */
/* FIFOs: opening waits for the other side, but with O_NONBLOCK or for both; ends of file; HUP only for
 * readers that have met a writer. */
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>

static const char *name = "fifo";

static short ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

    poll(&p, 1, 0);
    return p.revents;
}

static void *open_other(void *arg)
{
    return (void *)(long)open(name, (int)(long)arg);
}

/* Both sides opened by two threads, each waiting for the other. */
static void meet(int *r, int *w)
{
    pthread_t t;
    void *fd;

    need(pthread_create(&t, NULL, open_other, (void *)O_WRONLY) == 0);
    *r = (int)check_ok(open(name, O_RDONLY));
    pthread_join(t, &fd);
    *w = (int)(long)fd;
    check(*w >= 0);
}

static void *write_and_close(void *arg)
{
    int fd = open(name, O_WRONLY);

    if (write(fd, "hello", 5) != 5)
        check_failures++;
    close(fd);
    return arg;
}

int main(void)
{
    int r, w, both;
    char buf[16];
    struct stat st;
    pthread_t t;

    need(mkfifo(name, 0600) == 0);
    check_ok(stat(name, &st));
    check(S_ISFIFO(st.st_mode));
    check_err(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
    r = (int)check_ok(open(name, O_RDONLY | O_NONBLOCK));
    check_eq(ready(r), 0); /* no writer yet: no HUP */
    check_eq(read(r, buf, 1), 0);
    w = (int)check_ok(open(name, O_WRONLY | O_NONBLOCK));
    check_err(read(r, buf, 1), EAGAIN);
    check_eq(write(w, "ab", 2), 2);
    check_eq(ready(r), POLLIN);
    close(w);
    check_eq(ready(r), POLLIN | POLLHUP);
    check_eq(read(r, buf, 16), 2);
    check_eq(read(r, buf, 16), 0);
    check_eq(ready(r), POLLHUP);
    w = (int)check_ok(open(name, O_WRONLY | O_NONBLOCK));
    check_eq(ready(r), 0); /* the next writer takes the HUP away */
    close(r);
    signal(SIGPIPE, SIG_IGN);
    check_err(write(w, "x", 1), EPIPE);
    check_eq(ready(w), POLLOUT | POLLERR);
    close(w);

    both = (int)check_ok(open(name, O_RDWR));
    check_eq(write(both, "self", 4), 4);
    check_eq(ready(both), POLLIN | POLLOUT);
    check_eq(read(both, buf, 16), 4);
    w = (int)check_ok(open(name, O_WRONLY)); /* a reader is there: no wait */
    close(both);
    close(w);

    meet(&r, &w);
    check_eq(write(w, "meet", 4), 4);
    check_eq(read(r, buf, 16), 4);
    close(w);
    check_eq(read(r, buf, 16), 0);
    close(r);

    for (int i = 0; i < 50; i++) {
        need(pthread_create(&t, NULL, write_and_close, NULL) == 0);
        r = open(name, O_RDONLY);
        if (read(r, buf, 16) != 5 || read(r, buf, 16) != 0)
            check_failures++;
        close(r);
        pthread_join(t, NULL);
    }
    check_eq(check_failures, 0);
    check_err(open(name, O_RDONLY | O_DIRECTORY), ENOTDIR);
    check_err(lseek(open(name, O_RDWR), 0, SEEK_SET), ESPIPE);
    return check_done();
}
