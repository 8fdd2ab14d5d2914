/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session leader and its controlling terminal, without other processes: how it gets one and loses it,
 * /dev/tty, and the signals of keys, of the window's size and of a hangup.
 */
#include "pair.h"

static volatile sig_atomic_t seen[65];

static void note(int sig)
{
    seen[sig]++;
}

static int took(int sig)
{
    for (int i = 0; i < 100 && !seen[sig]; i++)
        usleep(5000);
    int n = seen[sig];
    seen[sig] = 0;
    return n;
}

static void catch_all(void)
{
    static const int sigs[] = {SIGHUP, SIGCONT, SIGINT, SIGQUIT, SIGTSTP, SIGWINCH};
    for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
        struct sigaction a = {.sa_handler = note, .sa_flags = SA_RESTART};
        need(sigaction(sigs[i], &a, NULL) == 0);
    }
}

static int dev_tty(void)
{
    int fd = open("/dev/tty", O_RDWR);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : errno;
}

/* Opening makes it the leader's, unless … */
static void acquiring(void)
{
    struct pair p;
    int n;
    check_eq(dev_tty(), ENXIO);
    pair_open(&p);
    check_eq(dev_tty(), ENXIO); /* O_NOCTTY */
    check_err(tcgetpgrp(p.slave), ENOTTY);
    check_err(tcgetsid(p.slave), ENOTTY);
    check_err(ioctl(p.slave, TIOCNOTTY), ENOTTY);
    check_err(tcsetpgrp(p.slave, getpgrp()), ENOTTY);
    check_ok(ioctl(p.master, TIOCGPGRP, &n)); /* of the slave */
    check_eq(n, 0);
    check_err(ioctl(p.master, TIOCGSID, &n), ENOTTY);
    close(p.slave);
    p.slave = open(p.name, O_WRONLY);
    check_eq(dev_tty(), ENXIO); /* not by one who only writes */
    close(p.slave);
    check_ok(n = open("/dev/ptmx", O_RDWR)); /* a master is none */
    close(n);
    check_eq(dev_tty(), ENXIO);
    p.slave = open(p.name, O_RDONLY);
    check_eq(dev_tty(), 0);
    check_eq(tcgetpgrp(p.slave), getpgrp());
    check_eq(tcgetsid(p.slave), getsid(0));
    check_ok(ioctl(p.master, TIOCGPGRP, &n));
    check_eq(n, getpgrp());
    check_ok(ioctl(p.master, TIOCGSID, &n));
    check_eq(n, getsid(0));
    check_ok(tcsetpgrp(p.master, getpgrp()));

    /* A second one is not taken. */
    struct pair q;
    pair_open(&q);
    check_err(ioctl(q.slave, TIOCSCTTY, 0), EPERM);
    check_err(ioctl(q.slave, TIOCSCTTY, 1), EPERM);
    check_err(tcgetpgrp(q.slave), ENOTTY);
    check_ok(ioctl(p.slave, TIOCSCTTY, 0)); /* it is already */
    pair_close(&q);

    check_ok(tcsetpgrp(p.slave, getpgrp()));
    check_err(tcsetpgrp(p.slave, -1), EINVAL);
    check_err(tcsetpgrp(p.slave, 999999), ESRCH);
    check_err(ioctl(p.slave, TIOCSPGRP, (void *)8), EFAULT);

    seen[SIGHUP] = seen[SIGCONT] = 0;
    check_ok(ioctl(p.slave, TIOCNOTTY));
    check_eq(took(SIGHUP), 1);
    check_eq(took(SIGCONT), 1);
    check_eq(dev_tty(), ENXIO);
    check_err(tcgetpgrp(p.slave), ENOTTY);
    check_ok(ioctl(p.slave, TIOCSCTTY, 0));
    check_eq(dev_tty(), 0);
    check_ok(ioctl(p.slave, TIOCNOTTY));
    check_eq(took(SIGHUP), 1);
    check_eq(took(SIGCONT), 1);
    pair_close(&p);
}

/* /dev/tty is the terminal itself. */
static void same(void)
{
    struct pair p;
    pair_open(&p);
    check_ok(ioctl(p.slave, TIOCSCTTY, 0));
    int fd = (int)check_ok(open("/dev/tty", O_RDWR));
    type(fd, "out");
    check_reads(p.master, "out");
    type(p.master, "in\n");
    check_reads(fd, "in\n");
    drop_input(p.master);
    check_eq(tcgetpgrp(fd), getpgrp());
    struct winsize w = {.ws_row = 11}, v;
    check_ok(ioctl(fd, TIOCSWINSZ, &w));
    check_ok(ioctl(p.slave, TIOCGWINSZ, &v));
    check_eq(v.ws_row, 11);
    check_eq(took(SIGWINCH), 1);
    /* The slave's last other file is closed: it goes on. */
    close(p.slave);
    type(fd, "still");
    check_reads(p.master, "still");
    close(fd);
    check_eq(dev_tty(), 0);
    p.slave = open(p.name, O_RDWR);
    check_eq(tcgetpgrp(p.slave), getpgrp());
    check_ok(ioctl(p.slave, TIOCNOTTY));
    check_eq(took(SIGHUP), 1);
    check_eq(took(SIGCONT), 1);
    pair_close(&p);
}

static void keys(void)
{
    struct pair p;
    pair_open(&p);
    check_ok(ioctl(p.slave, TIOCSCTTY, 0));
    type(p.master, "gone\003stays\n");
    check_eq(took(SIGINT), 1);
    check_reads(p.slave, "stays\n");
    drop_input(p.master);
    type(p.master, "\034");
    check_eq(took(SIGQUIT), 1);
    type(p.master, "\032");
    check_eq(took(SIGTSTP), 1);
    check_reads(p.master, "^\\^Z");
    pair_flags(&p, L_FLAGS, NOFLSH, 0);
    type(p.master, "kept\003too\n");
    check_eq(took(SIGINT), 1);
    check_reads(p.slave, "kepttoo\n");
    drop_input(p.master);
    pair_flags(&p, L_FLAGS, 0, NOFLSH | ICANON);
    type(p.master, "raw\003");
    check_eq(took(SIGINT), 1);
    check_reads(p.slave, "");
    pair_char(&p, VINTR, 'k');
    type(p.master, "k");
    check_eq(took(SIGINT), 1);
    type(p.master, "\026k"); /* LNEXT is for lines */
    check_eq(took(SIGINT), 1);
    check_reads(p.slave, "");
    pair_flags(&p, L_FLAGS, ICANON, 0);
    type(p.master, "\026k\n");
    check_reads(p.slave, "k\n");
    check_eq(seen[SIGINT], 0);
    struct winsize w = {.ws_row = 5, .ws_col = 5};
    check_ok(ioctl(p.master, TIOCSWINSZ, &w));
    check_eq(took(SIGWINCH), 1);
    check_ok(ioctl(p.master, TIOCSWINSZ, &w)); /* no change */
    settle();
    check_eq(seen[SIGWINCH], 0);
    check_ok(ioctl(p.master, TIOCSIG, SIGINT));
    check_eq(took(SIGINT), 1);
    check_err(ioctl(p.master, TIOCSIG, SIGKILL), EINVAL);
    /* The master goes. */
    int tty = open("/dev/tty", O_RDWR);
    char c;
    close(p.master);
    check_eq(took(SIGHUP), 1);
    check_eq(took(SIGCONT), 1);
    check_eq(dev_tty(), ENXIO);
    check_eq(read(tty, &c, 1), 0);
    check_err(write(tty, "x", 1), EIO);
    close(tty);
    close(p.slave);
}

int main(void)
{
    catch_all();
    if (getsid(0) != getpid())
        need(setsid() > 0);
    acquiring();
    same();
    keys();
    return check_done();
}
