/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping and going on (IXON, IXANY, TCXONC), flushing, packet mode, and what is simulated (TIOCSTI). */
#include "pair.h"

#include <sys/epoll.h>

static void characters(void)
{
    struct pair p;
    struct pollfd f;
    pair_open(&p);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    f = (struct pollfd){p.slave, POLLOUT, 0};
    type(p.master, "\023");
    settle();
    check_eq(poll(&f, 1, 0), 0);
    check_err(write(p.slave, "no", 2), EAGAIN);
    type(p.master, "typed\n");
    check_reads(p.master, ""); /* echo waits, too */
    check_reads(p.slave, "typed\n");
    type(p.master, "\021");
    check_reads(p.master, "typed\r\n");
    check_eq(poll(&f, 1, 0), 1);
    type(p.slave, "yes");
    check_reads(p.master, "yes");
    /* Any character, with IXANY. */
    pair_flags(&p, I_FLAGS, IXANY, 0);
    type(p.master, "\023");
    settle();
    check_err(write(p.slave, "no", 2), EAGAIN);
    type(p.master, "x");
    check_reads(p.master, "x");
    type(p.slave, "yes");
    check_reads(p.master, "yes");
    /* A signal's character goes on, too. */
    signal(SIGINT, SIG_IGN);
    pair_flags(&p, I_FLAGS, 0, IXANY);
    type(p.master, "\023");
    settle();
    check_err(write(p.slave, "no", 2), EAGAIN);
    type(p.master, "\003");
    check_reads(p.master, "^C");
    /* Without IXON nothing stays stopped. */
    type(p.master, "\023");
    settle();
    check_err(write(p.slave, "no", 2), EAGAIN);
    pair_flags(&p, I_FLAGS, 0, IXON);
    type(p.slave, "yes");
    check_reads(p.master, "yes");
    pair_close(&p);
}

static void by_request(void)
{
    struct pair p;
    pair_open(&p);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    check_ok(tcflow(p.slave, TCOOFF));
    check_err(write(p.slave, "no", 2), EAGAIN);
    type(p.master, "\021"); /* START does not end this */
    settle();
    check_err(write(p.slave, "no", 2), EAGAIN);
    check_ok(tcflow(p.slave, TCOON));
    type(p.slave, "yes");
    check_reads(p.master, "yes");
    check_ok(tcflow(p.slave, TCIOFF));
    check_reads(p.master, "\023");
    check_ok(tcflow(p.slave, TCION));
    check_reads(p.master, "\021");
    check_err(tcflow(p.slave, 9), EINVAL);
    check_err(tcflush(p.slave, 9), EINVAL);
    check_ok(tcdrain(p.slave));
    check_ok(tcsendbreak(p.slave, 0));
    check_ok(ioctl(p.slave, TIOCSBRK));
    check_ok(ioctl(p.slave, TIOCCBRK));
    pair_close(&p);
}

static void flushing(void)
{
    struct pair p;
    int n;
    pair_open(&p);
    pair_flags(&p, L_FLAGS, 0, ECHO);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    type(p.master, "one\ntwo");
    settle();
    check_ok(tcflush(p.slave, TCIFLUSH));
    check_ok(ioctl(p.slave, FIONREAD, &n));
    check_eq(n, 0);
    type(p.master, "three\n");
    check_reads(p.slave, "three\n");
    type(p.slave, "shown");
    settle();
    check_ok(ioctl(p.slave, TIOCOUTQ, &n));
    check_eq(n, 0);
    check_ok(ioctl(p.master, FIONREAD, &n));
    check_eq(n, 5);
    check_ok(tcflush(p.slave, TCOFLUSH)); /* it is with the reader already */
    check_reads(p.master, "shown");
    type(p.slave, "gone");
    settle();
    check_ok(tcflush(p.master, TCIFLUSH));
    check_reads(p.master, "");
    pair_close(&p);
}

#define check_packet(want) check_reads_once(p.master, want, sizeof(want) - 1, __LINE__)

static void check_reads_once(int fd, const char *want, size_t n, int line)
{
    char buf[64];
    struct pollfd f = {fd, POLLIN, 0};
    ssize_t got = poll(&f, 1, SETTLE_MS) == 1 ? read(fd, buf, sizeof(buf)) : 0;
    check_bytes(buf, got, want, n, "packet", line);
}

static void packets(void)
{
    struct pair p;
    int on = 1;
    char c[2];
    struct pollfd f;
    pair_open(&p);
    check_ok(ioctl(p.master, TIOCPKT, &on));
    on = 7;
    check_ok(ioctl(p.master, TIOCGPKT, &on));
    check_eq(on, 1);
    check_err(ioctl(p.slave, TIOCPKT, &on), ENOTTY);
    type(p.slave, "data");
    settle();
    check_eq(read(p.master, c, 2), 2);
    check(c[0] == TIOCPKT_DATA && c[1] == 'd');
    check_packet("\0ata");
    f = (struct pollfd){p.master, POLLIN | POLLPRI, 0};
    check_eq(poll(&f, 1, 0), 0);
    check_ok(tcflow(p.slave, TCOOFF));
    check_eq(poll(&f, 1, 1000), 1);
    check_eq(f.revents, POLLIN | POLLPRI);
    check_packet("\4"); /* STOP */
    check_eq(poll(&f, 1, 0), 0);
    check_ok(tcflow(p.slave, TCOON));
    check_packet("\10"); /* START */
    check_ok(tcflush(p.slave, TCIFLUSH));
    check_packet("\1");
    check_ok(tcflush(p.slave, TCOFLUSH));
    check_packet("\2");
    check_ok(tcflush(p.slave, TCIOFLUSH));
    check_packet("\3");
    pair_flags(&p, I_FLAGS, 0, IXON);
    check_packet("\20"); /* NOSTOP */
    pair_flags(&p, I_FLAGS, IXON, 0);
    check_packet("\40"); /* DOSTOP */
    pair_char(&p, VSTOP, 'x');
    check_packet("\20");
    pair_flags(&p, L_FLAGS, 0, ECHOE);
    check_packet("");
    /* What happened comes before data. */
    type(p.slave, "late");
    settle();
    check_ok(tcflow(p.slave, TCOOFF));
    check_ok(tcflow(p.slave, TCOON));
    check_packet("\10");
    check_packet("\0late");
    on = 0;
    check_ok(ioctl(p.master, TIOCPKT, &on));
    type(p.slave, "plain");
    check_reads(p.master, "plain");
    pair_close(&p);
}

/* EXTPROC: the master edits; the slave gets what it sends, and changes are told. */
static void external(void)
{
    struct pair p;
    int on = 1;
    pair_open(&p);
    check_ok(ioctl(p.master, TIOCPKT, &on));
    pair_flags(&p, L_FLAGS, EXTPROC, 0);
    check_packet("\100");
    type(p.master, "a\177\003b\n");
    check_reads(p.slave, "a\177\003b\n");
    pair_flags(&p, L_FLAGS, 0, ECHO);
    check_packet("\100");
    pair_close(&p);
}

static int sti_allowed(void)
{
    char c = '1';
    int fd = open("/proc/sys/dev/tty/legacy_tiocsti", O_RDONLY);
    if (fd >= 0 && read(fd, &c, 1) != 1)
        c = '0';
    close(fd);
    return c == '1';
}

static void simulated(void)
{
    struct pair p;
    if (!sti_allowed())
        return;
    pair_open(&p);
    for (const char *c = "ab\177c\n"; *c; c++)
        check_ok(ioctl(p.slave, TIOCSTI, c));
    check_reads(p.master, "ab\b \bc\r\n");
    check_reads(p.slave, "ac\n");
    check_err(ioctl(p.slave, TIOCSTI, NULL), EFAULT);
    pair_close(&p);
}

static unsigned epoll_now(int ep)
{
    struct epoll_event e;
    return epoll_wait(ep, &e, 1, 0) == 1 ? e.events : 0;
}

/* Edges: each new line is one. */
static void edges(void)
{
    struct pair p;
    pair_open(&p);
    pair_flags(&p, L_FLAGS, 0, ECHO);
    int ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, p.slave, &e));
    check_eq(epoll_now(ep), 0);
    type(p.master, "part");
    settle();
    check_eq(epoll_now(ep), 0);
    type(p.master, "\n");
    settle();
    check_eq(epoll_now(ep), EPOLLIN);
    check_eq(epoll_now(ep), 0);
    type(p.master, "two\n");
    settle();
    check_eq(epoll_now(ep), EPOLLIN);
    check_ok(epoll_ctl(ep, EPOLL_CTL_DEL, p.slave, NULL));
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, p.master, &e));
    check_eq(epoll_now(ep), 0);
    type(p.slave, "out");
    settle();
    check_eq(epoll_now(ep), EPOLLIN);
    check_reads(p.master, "out");
    check_eq(epoll_now(ep), 0);
    close(p.slave);
    check_eq(epoll_now(ep), EPOLLHUP);
    close(p.master);
    close(ep);
}

int main(void)
{
    characters();
    by_request();
    flushing();
    packets();
    external();
    simulated();
    edges();
    return check_done();
}
