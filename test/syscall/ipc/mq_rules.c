/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues: names, attributes, order by priority, what is refused, limits, permissions, polling. */
#include "ipc.h"
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char name[64], other[64];
static char buf[9000];

static struct mq_attr attr_of(mqd_t q)
{
    struct mq_attr a;

    check_ok(mq_getattr(q, &a));
    return a;
}

static mqd_t make(const char *what, int flags, long max, long size)
{
    struct mq_attr a = {.mq_maxmsg = max, .mq_msgsize = size};

    return mq_open(what, flags | O_CREAT, 0640, &a);
}

static void names(void)
{
    check_err(mq_open(name, O_RDWR), ENOENT);
    check_err(mq_unlink(name), ENOENT);
    check_err(mq_open("noslash", O_RDWR | O_CREAT, 0600, NULL), EINVAL);
    check_err(mq_open("/", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
    check_err(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
    check_err(mq_open("/.", O_RDWR | O_CREAT, 0600, NULL), EACCES);
    check_err(mq_open("/..", O_RDWR), EACCES);
    memset(buf, 'x', 300);
    buf[0] = '/';
    buf[257] = '\0';
    check_err(mq_open(buf, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
    check_err(syscall(SYS_mq_open, NULL, O_RDWR, 0, NULL), EFAULT);
    check_err(syscall(SYS_mq_open, "x", O_RDWR | O_CREAT, 0600, 8L), EFAULT);
    check_err(syscall(SYS_mq_open, "", O_RDWR, 0, NULL), ENOENT);
    check_err(syscall(SYS_mq_unlink, 8L), EFAULT);

    mqd_t q = (mqd_t)check_ok(make(name, O_RDWR, 4, 100));
    check_err(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
    check_eq(fcntl(q, F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(q, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
    mqd_t again = (mqd_t)check_ok(make(name, O_RDONLY | O_NONBLOCK, 0, 0)); /* not looked at */
    check_eq(attr_of(again).mq_maxmsg, 4);
    check_ok(mq_send(q, "kept", 4, 0));
    check_ok(mq_close(again));
    check_ok(mq_unlink(name));
    check_err(mq_open(name, O_RDWR), ENOENT);
    mqd_t fresh = (mqd_t)check_ok(make(name, O_RDWR, 4, 100)); /* another queue */
    check_eq(attr_of(fresh).mq_curmsgs, 0);
    check_eq(mq_receive(q, buf, 100, NULL), 4);
    check_ok(mq_close(fresh));
    check_ok(mq_close(q));
    check_err(mq_close(q), EBADF);
    check_ok(mq_unlink(name));
}

static void attributes(void)
{
    mqd_t q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL));
    struct mq_attr a = attr_of(q), old;
    struct stat st;

    check(a.mq_maxmsg > 0 && a.mq_msgsize > 0);
    check_eq(a.mq_flags, O_NONBLOCK);
    check_eq(a.mq_curmsgs, 0);
    a.mq_flags = 0;
    a.mq_maxmsg = 1; /* ignored */
    check_ok(mq_setattr(q, &a, &old));
    check_eq(old.mq_flags, O_NONBLOCK);
    check_eq(attr_of(q).mq_flags, 0);
    check_eq(attr_of(q).mq_maxmsg, old.mq_maxmsg);
    check_eq(fcntl(q, F_GETFL) & O_NONBLOCK, 0);
    a.mq_flags = O_NONBLOCK | 1;
    check_err(mq_setattr(q, &a, NULL), EINVAL);
    check_err(mq_getattr(q, (void *)8), EFAULT);
    check_err(mq_setattr(q, (void *)8, NULL), EFAULT);
    check_err(mq_getattr(-1, &a), EBADF);
    check_err(mq_getattr(0, &a), EBADF);
    check_ok(fstat(q, &st));
    check_eq(st.st_mode, S_IFREG | 0600);
    check_eq(st.st_size, 80);
    check_eq(st.st_nlink, 1);
    check_eq(st.st_uid, geteuid());
    check_err(write(q, "x", 1), EINVAL);
    check_ok(mq_unlink(name));
    check_ok(fstat(q, &st));
    check_eq(st.st_nlink, 0);
    check_ok(mq_close(q));
}

static void messages(void)
{
    mqd_t q = (mqd_t)check_ok(make(name, O_RDWR | O_NONBLOCK, 5, 20));
    mqd_t in = (mqd_t)check_ok(mq_open(name, O_RDONLY)),
          out = (mqd_t)check_ok(mq_open(name, O_WRONLY));
    struct timespec bad = {0, 1000000000}, past = {1, 0}, negative = {-1, 0};
    unsigned prio;

    check_err(mq_receive(q, buf, 20, NULL), EAGAIN);
    check_err(mq_receive(q, buf, 19, NULL), EMSGSIZE);
    check_err(mq_send(q, buf, 21, 0), EMSGSIZE);
    check_err(mq_send(q, buf, 1, 32768), EINVAL);
    check_err(mq_send(in, buf, 1, 0), EBADF);
    check_err(mq_receive(out, buf, 20, NULL), EBADF);
    check_err(mq_send(0, buf, 1, 0), EBADF);
    check_err(mq_send(-1, buf, 1, 0), EBADF);
    check_err(mq_send(q, (void *)8, 1, 0), EFAULT);
    check_ok(mq_send(q, "low", 3, 1));
    check_ok(mq_send(out, "high", 4, 32767));
    check_ok(mq_send(q, "mid1", 4, 5));
    check_ok(mq_send(q, "mid2", 4, 5));
    check_ok(mq_send(q, "", 0, 0));
    check_eq(attr_of(q).mq_curmsgs, 5);
    check_err(mq_send(q, "full", 4, 9), EAGAIN);
    check_err(mq_timedsend(out, "full", 4, 9, &past), ETIMEDOUT);
    check_err(mq_timedsend(q, "full", 4, 9, &bad), EINVAL);
    check_err(mq_timedsend(q, "full", 4, 9, &negative), EINVAL);
    check_err(mq_timedsend(q, "full", 4, 9, (void *)8), EFAULT);
    check_eq(mq_receive(in, buf, 20, &prio), 4);
    check(!memcmp(buf, "high", 4) && prio == 32767);
    check_eq(mq_receive(in, buf, 8192, &prio), 4);
    check(!memcmp(buf, "mid1", 4) && prio == 5);
    check_ok(mq_send(q, "mid3", 4, 5));
    check_eq(mq_timedreceive(in, buf, 20, &prio, &past), 4);
    check(!memcmp(buf, "mid2", 4));
    check_eq(mq_receive(in, buf, 20, NULL), 4);
    check(!memcmp(buf, "mid3", 4));
    check_eq(mq_receive(in, buf, 20, &prio), 3);
    check_eq(prio, 1);
    check_eq(mq_receive(in, buf, 20, &prio), 0);
    check_eq(prio, 0);
    check_err(mq_timedreceive(in, buf, 20, &prio, &past), ETIMEDOUT);
    check_err(mq_timedreceive(q, buf, 20, &prio, &past), EAGAIN);
    check_err(mq_timedreceive(q, buf, 20, &prio, &bad), EINVAL);
    check_ok(mq_send(q, "lost", 4, 0));
    check_err(mq_receive(q, (void *)8, 20, NULL), EFAULT);
    check_eq(attr_of(q).mq_curmsgs, 0);
    check_ok(mq_send(q, "lost", 4, 0));
    check_err(mq_receive(q, buf, 20, (void *)8), EFAULT);
    check_eq(attr_of(q).mq_curmsgs, 0);
    mq_close(in);
    mq_close(out);
    mq_close(q);
    check_ok(mq_unlink(name));
}

/* The state as text, in a queue's file. */
static void state(void)
{
    mqd_t q = (mqd_t)check_ok(make(name, O_RDWR, 5, 20));
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    char text[200], want[200];

    check_ok(mq_send(q, "1234567", 7, 0));
    check_ok(mq_send(q, "89", 2, 0));
    memset(text, 0, sizeof(text));
    check(read(q, text, sizeof(text)) > 0);
    snprintf(want, sizeof(want), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", 9UL, 0, 0,
             0);
    check(!strcmp(text, want));
    check_eq(read(q, text, sizeof(text)), 0);
    check_ok(mq_notify(q, &ev));
    memset(text, 0, sizeof(text));
    check(pread(q, text, sizeof(text), 0) > 0);
    snprintf(want, sizeof(want), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n", 9UL, 0,
             SIGUSR1, getpid());
    check(!strcmp(text, want));
    check_eq(lseek(q, 6, SEEK_SET), 6);
    check_eq(read(q, text, 2), 2);
    check(!memcmp(text, "9 ", 2));
    check_ok(mq_close(q));
    check_ok(mq_unlink(name));
}

static int ready(mqd_t q)
{
    struct pollfd p = {.fd = q, .events = POLLIN | POLLOUT};

    poll(&p, 1, 0);
    return p.revents;
}

static void polling(void)
{
    mqd_t q = (mqd_t)check_ok(make(name, O_RDWR, 2, 20)),
          r = (mqd_t)check_ok(mq_open(name, O_RDONLY));
    int ep = (int)check_ok(epoll_create1(0));
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET};

    check_eq(ready(q), POLLOUT);
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, r, &ev));
    check_eq(epoll_wait(ep, &ev, 1, 0), 0);
    check_ok(mq_send(q, "1", 1, 0));
    check_eq(epoll_wait(ep, &ev, 1, 1000), 1);
    check_eq(epoll_wait(ep, &ev, 1, 0), 0);
    check_eq(ready(q), POLLIN | POLLOUT);
    check_ok(mq_send(q, "2", 1, 0));
    check_eq(ready(q), POLLIN);
    check_eq(epoll_wait(ep, &ev, 1, 1000), 1);
    mq_receive(q, buf, 20, NULL);
    check_eq(ready(q), POLLIN | POLLOUT);
    mq_receive(q, buf, 20, NULL);
    check_eq(ready(q), POLLOUT);
    close(ep);
    mq_close(q);
    mq_close(r);
    check_ok(mq_unlink(name));
}

static void others(void)
{
    struct rlimit limit, small;
    mqd_t q, p;
    unsigned user = 1000000 + 2 * (unsigned)getpid(); /* who has no other queues */

    if (!can_become())
        return;
    umask(022);
    q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT, 0666, NULL));
    become(user);
    check_err(mq_open(name, O_RDWR), EACCES);
    check_err(mq_open(name, O_WRONLY | O_CREAT, 0666, NULL), EACCES);
    p = (mqd_t)check_ok(mq_open(name, O_RDONLY));
    mq_close(p);
    check_err(mq_unlink(name), EACCES); /* sticky; the C library says so for EPERM */
    check_err(make(other, O_RDWR, 0, 20), EINVAL);
    check_err(make(other, O_RDWR, 2, 0), EINVAL);
    check_err(make(other, O_RDWR, -1, 20), EINVAL);
    check_err(make(other, O_RDWR, 65537, 20), EINVAL);
    check_err(make(other, O_RDWR, 2, (16 << 20) + 1), EINVAL);
    check_err(make(other, O_RDWR, 65537, 1L << 60), EINVAL);

    /* So many bytes: text, and 96 a message with its priority. */
    getrlimit(RLIMIT_MSGQUEUE, &limit);
    small = limit;
    small.rlim_cur = 3 * (100 + 96);
    check_ok(setrlimit(RLIMIT_MSGQUEUE, &small));
    check_err(make(other, O_RDWR, 4, 100), EMFILE);
    check_err(make(other, O_RDWR, 3, 101), EMFILE);
    p = (mqd_t)check_ok(make(other, O_RDWR, 3, 100));
    check_ok(mq_unlink(other));
    check_err(make(other, O_RDWR, 1, 1), EMFILE);
    check_ok(mq_close(p));
    p = (mqd_t)check_ok(make(other, O_RDWR, 1, 1));
    check_ok(setrlimit(RLIMIT_MSGQUEUE, &limit));
    become(0);
    check_ok(fchmod(p, 0));
    mqd_t root = (mqd_t)check_ok(mq_open(other, O_RDWR));
    check_ok(fchown(p, user + 1, user + 1));
    become(user + 1);
    check_err(mq_open(other, O_RDONLY), EACCES);
    check_ok(mq_unlink(other));
    become(0);
    mq_close(root);
    mq_close(p);
    mq_close(q);
    check_ok(mq_unlink(name));
}

int main(void)
{
    snprintf(name, sizeof(name), "/cella-test-%d", getpid());
    snprintf(other, sizeof(other), "/cella-test-%d-b", getpid());
    names();
    attributes();
    messages();
    state();
    polling();
    others();
    return check_done();
}
