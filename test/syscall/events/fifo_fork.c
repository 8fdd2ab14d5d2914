/* SPDX-License-Identifier: Apache-2.0 */
/* FIFOs between processes: open meets, ends are counted over all processes, a writer without readers gets EPIPE,
 * small writes of many stay whole. */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const char *name = "fifo";

static pid_t start(int (*fn)(long), long arg)
{
    fflush(stdout);
    pid_t pid = fork();

    need(pid >= 0);
    if (pid == 0)
        _exit(fn(arg));
    return pid;
}

static int end(pid_t pid)
{
    int status;

    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int say(long text)
{
    int fd = open(name, O_WRONLY);

    return fd < 0 || write(fd, (char *)text, strlen((char *)text)) < 0;
}

static int hear(long wanted)
{
    char buf[100];
    int fd = open(name, O_RDONLY);
    ssize_t n, sum = 0;

    while ((n = read(fd, buf, sizeof(buf))) > 0)
        sum += n;
    close(fd);
    return n < 0 || sum != wanted;
}

static void meeting(void)
{
    char buf[100];

    pid_t pid = start(say, (long)"hello");
    int r = (int)check_ok(open(name, O_RDONLY));
    check_eq(read(r, buf, 100), 5);
    check_eq(read(r, buf, 100), 0);
    check_eq(end(pid), 0);
    close(r);
    pid = start(hear, 7);
    int w = (int)check_ok(open(name, O_WRONLY));
    check_eq(write(w, "goodbye", 7), 7);
    close(w);
    check_eq(end(pid), 0);
    check_err(open(name, O_WRONLY | O_NONBLOCK), ENXIO);
    for (int i = 0; i < 20; i++) {
        pid = start(say, (long)"again");
        check_eq(hear(5), 0);
        check_eq(end(pid), 0);
    }
}

/* The child has the parent's ends too: they end with it, however it ends. */
static int sleep_on(long unused)
{
    while (!unused)
        pause();
    return 0;
}

static void ends(void)
{
    int r = (int)check_ok(open(name, O_RDONLY | O_NONBLOCK)),
        w = (int)check_ok(open(name, O_WRONLY));
    struct pollfd p = {.fd = r, .events = POLLIN};
    char c;

    pid_t pid = start(sleep_on, 0);
    close(w);
    check_err(read(r, &c, 1), EAGAIN); /* the child may still write */
    check_eq(poll(&p, 1, 0), 0);
    kill(pid, SIGKILL);
    check_eq(end(pid), 1000 + SIGKILL);
    check_eq(poll(&p, 1, 1000), 1);
    check_eq(p.revents, POLLHUP);
    check_eq(read(r, &c, 1), 0);
    w = (int)check_ok(open(name, O_WRONLY));
    pid = start(sleep_on, 0);
    close(r);
    check_eq(write(w, "x", 1), 1); /* the child may still read */
    kill(pid, SIGKILL);
    end(pid);
    signal(SIGPIPE, SIG_IGN);
    check_err(write(w, "x", 1), EPIPE);
    close(w);
}

#define RECORDS 40

static int many(long number)
{
    char record[PIPE_BUF];
    int fd = open(name, O_WRONLY);

    memset(record, 'a' + (int)number, sizeof(record));
    for (int i = 0; i < RECORDS; i++)
        if (write(fd, record, sizeof(record)) != sizeof(record))
            return 1;
    return 0;
}

static void whole(void)
{
    static char record[PIPE_BUF];
    int count[4] = {0}, torn = 0;
    pid_t pid[4];

    for (long i = 0; i < 4; i++)
        pid[i] = start(many, i);
    /* With a writer of its own: who opens late must not find that all have gone. */
    int fd = (int)check_ok(open(name, O_RDWR));
    for (int n = 0; n < 4 * RECORDS; n++) {
        for (size_t got = 0; got < sizeof(record);) {
            ssize_t some = read(fd, record + got, sizeof(record) - got);
            if (some <= 0)
                exit(1);
            got += (size_t)some;
        }
        for (size_t i = 1; i < sizeof(record); i++)
            torn += record[i] != record[0];
        count[record[0] - 'a']++;
    }
    close(fd);
    for (int i = 0; i < 4; i++) {
        check_eq(end(pid[i]), 0);
        check_eq(count[i], RECORDS);
    }
    check_eq(torn, 0);
}

int main(void)
{
    need(mkfifo(name, 0600) == 0);
    meeting();
    ends();
    whole();
    check_ok(unlink(name));
    return check_done();
}
