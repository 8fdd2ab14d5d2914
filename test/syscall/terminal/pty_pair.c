/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs: how they are made, named, locked, opened, closed, and what the end of one side does. */
#include "pair.h"

#include <dirent.h>
#include <linux/tty.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static int listed(const char *name)
{
    DIR *d = opendir("/dev/pts");
    struct dirent *e;
    int found = 0;
    need(d != NULL);
    while ((e = readdir(d)))
        found |= !strcmp(e->d_name, name);
    closedir(d);
    return found;
}

static void names(void)
{
    struct pair p;
    struct stat st, fst;
    struct statfs fs;
    int n, lock;
    char text[64], link[64];

    check_ok(p.master = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    check_ok(ioctl(p.master, TIOCGPTN, &n));
    snprintf(p.name, sizeof(p.name), "/dev/pts/%d", n);
    check(isatty(p.master));
    check_ok(fstat(p.master, &fst));
    check(S_ISCHR(fst.st_mode) && fst.st_rdev == makedev(5, 2));

    check_ok(ioctl(p.master, TIOCGPTLCK, &lock));
    check_eq(lock, 1);
    check_err(open(p.name, O_RDWR | O_NOCTTY), EIO);
    check_err(ioctl(p.master, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
    lock = 0;
    check_ok(ioctl(p.master, TIOCSPTLCK, &lock));
    check_ok(ioctl(p.master, TIOCGPTLCK, &lock));
    check_eq(lock, 0);

    check_ok(stat(p.name, &st));
    check(S_ISCHR(st.st_mode) && major(st.st_rdev) == 136 && minor(st.st_rdev) == (unsigned)n);
    check_eq(st.st_uid, geteuid());
    check_eq(st.st_ino, n + 3);
    check_eq(st.st_mode & 07717, 0600);
    check_ok(statfs("/dev/pts", &fs));
    check_eq(fs.f_type, 0x1cd1);
    snprintf(text, sizeof(text), "%d", n);
    check(listed(text));
    check(listed("ptmx"));

    check_ok(p.slave = open(p.name, O_RDWR | O_NOCTTY));
    check(isatty(p.slave));
    check(!strcmp(ttyname(p.slave) ? ttyname(p.slave) : "", p.name));
    check_ok(fstat(p.slave, &fst));
    check(fst.st_dev == st.st_dev && fst.st_ino == st.st_ino && fst.st_rdev == st.st_rdev);
    check_err(ioctl(p.slave, TIOCGPTN, &n), ENOTTY);
    check_err(lseek(p.slave, 0, SEEK_SET), ESPIPE);

    int peer = (int)check_ok(ioctl(p.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    check_ok(fstat(peer, &fst));
    check(fst.st_dev == st.st_dev && fst.st_ino == st.st_ino);
    check_eq(fcntl(peer, F_GETFD), FD_CLOEXEC);
    check(!strcmp(ttyname(peer) ? ttyname(peer) : "", p.name));
    type(p.master, "peer\n");
    check_reads(peer, "peer\n");
    close(peer);

    check_ok(fchmod(p.slave, 0622));
    check_ok(stat(p.name, &st));
    check_eq(st.st_mode & 07777, 0622);

    close(p.master);
    check_err(open(p.name, O_RDWR | O_NOCTTY), ENOENT);
    check_err(stat(p.name, &st), ENOENT);
    check(!listed(text));
    snprintf(link, sizeof(link), "/proc/self/fd/%d", p.slave);
    ssize_t len = readlink(link, text, sizeof(text) - 1);
    text[len > 0 ? len : 0] = '\0';
    check(strstr(text, " (deleted)") != NULL);
    check_ok(fstat(p.slave, &fst));

    /* The number stays taken while somebody has the slave. */
    int other, m;
    check_ok(other = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    check_ok(ioctl(other, TIOCGPTN, &m));
    check(m != n);
    close(other);
    close(p.slave);
    check_ok(other = open("/dev/ptmx", O_RDWR | O_NOCTTY));
    check_ok(ioctl(other, TIOCGPTN, &m));
    check_eq(m, n);
    close(other);
}

/* The other side's data, before there is anybody. */
static void early(void)
{
    int m = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK), lock = 0;
    char c;
    need(m >= 0);
    check_err(read(m, &c, 1), EAGAIN);
    type(m, "early\n");
    check_reads(m, "early\r\n");
    check_ok(ioctl(m, TIOCSPTLCK, &lock));
    int s = open(ptsname(m), O_RDWR | O_NOCTTY);
    check_reads(s, "early\n");
    close(s);
    close(m);
}

static unsigned events(int fd)
{
    struct pollfd f = {fd, POLLIN | POLLOUT | POLLPRI, 0};
    poll(&f, 1, 0);
    return (unsigned)f.revents;
}

static void slave_closes(void)
{
    struct pair p;
    char c;
    pair_open(&p);
    fcntl(p.master, F_SETFL, O_NONBLOCK);
    check_eq(events(p.master), POLLOUT);
    type(p.slave, "last words");
    close(p.slave);
    settle();
    check_eq(events(p.master), POLLIN | POLLOUT | POLLHUP);
    check_reads(p.master, "last words");
    check_eq(events(p.master), POLLOUT | POLLHUP);
    check_err(read(p.master, &c, 1), EIO);
    type(p.master, "x\n"); /* kept for whoever comes */
    settle();
    check_reads(p.master, "x\r\n");
    check_ok(p.slave = open(p.name, O_RDWR | O_NOCTTY));
    check_eq(events(p.master), POLLOUT);
    check_err(read(p.master, &c, 1), EAGAIN);
    check_reads(p.slave, "x\n");
    /* One of two is closed: nothing happens. */
    int second = open(p.name, O_RDWR | O_NOCTTY);
    close(p.slave);
    check_eq(events(p.master), POLLOUT);
    p.slave = second;
    pair_close(&p);
}

static void master_closes(void)
{
    struct pair p;
    struct termios t;
    struct winsize w;
    int n, group = getpgrp();
    char c;
    pair_open(&p);
    type(p.master, "unread\n");
    settle();
    close(p.master);
    check_eq(events(p.slave), POLLIN | POLLOUT | POLLERR | POLLHUP);
    check_eq(read(p.slave, &c, 1), 0);
    check_err(write(p.slave, "x", 1), EIO);
    check_err(tcgetattr(p.slave, &t), EIO);
    check_err(ioctl(p.slave, TIOCGWINSZ, &w), EIO);
    check_err(ioctl(p.slave, FIONREAD, &n), EIO);
    check_err(ioctl(p.slave, TIOCSPGRP, &group), ENOTTY);
    check(!isatty(p.slave));
    close(p.slave);
}

static void requests(void)
{
    struct pair p;
    int n;
    unsigned dev;
    pair_open(&p);
    check_err(ioctl(p.slave, 0x5499, &n), ENOTTY);
    check_err(ioctl(p.master, 0x5499, &n), ENOTTY);
    check_err(ioctl(p.slave, TIOCMGET, &n), ENOTTY);
    check_ok(ioctl(p.slave, TIOCGETD, &n));
    check_eq(n, 0);
    n = 0;
    check_ok(ioctl(p.slave, TIOCSETD, &n));
    check_ok(ioctl(p.slave, TIOCGDEV, &dev));
    check_eq(dev >> 8, 136);
    check_ok(ioctl(p.slave, TIOCEXCL));
    check_ok(ioctl(p.slave, TIOCGEXCL, &n));
    check_eq(n, 1);
    check_ok(ioctl(p.slave, TIOCNXCL));
    check_err(ioctl(p.slave, TIOCGETD, (void *)8), EFAULT);
    check_err(ioctl(p.slave, TCGETS, (void *)8), EFAULT);
    check_err(ioctl(p.slave, TCSETS, (void *)8), EFAULT);
    check_err(ioctl(p.master, TIOCGPTN, (void *)8), EFAULT);
    check_err(write(p.master, (void *)8, 1), EFAULT);
    check_err(write(p.slave, (void *)8, 1), EFAULT);
    type(p.master, "z\n");
    settle();
    check_err(read(p.slave, (void *)8, 1), EFAULT);
    pair_close(&p);
}

/* A name that somebody holds, of what has gone. */
static void held_name(void)
{
    struct pair p;
    char link[64];
    pair_open(&p);
    int held = (int)check_ok(open(p.name, O_PATH));
    snprintf(link, sizeof(link), "/proc/self/fd/%d", held);
    int again = (int)check_ok(open(link, O_RDWR | O_NOCTTY));
    type(again, "by its place");
    check_reads(p.master, "by its place");
    close(again);
    pair_close(&p);
    for (int i = 0; i < 3; i++)
        check_err(open(link, O_RDWR | O_NOCTTY), EIO);
    close(held);
}

/* Others cannot open it, but those with rights. */
static void rights(void)
{
    struct pair p;
    int status;
    if (geteuid())
        return;
    pair_open(&p);
    check_ok(fchmod(p.slave, 0600));
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        if (setresuid(1000, 1000, 1000))
            _exit(9);
        _exit(open(p.name, O_RDWR | O_NOCTTY) == -1 && errno == EACCES ? 0 : 1);
    }
    check_ok(waitpid(pid, &status, 0));
    check_eq(status, 0);
    check_ok(fchown(p.slave, 1000, 5));
    struct stat st;
    check_ok(stat(p.name, &st));
    check_eq(st.st_uid, 1000);
    check_eq(st.st_gid, 5);
    pair_close(&p);
}

/* A thousand come and go; many at once have numbers of their own. */
static void many(void)
{
    int fds[40], n, bad = 0;
    for (int i = 0; i < 1000; i++) {
        int m = open("/dev/ptmx", O_RDWR | O_NOCTTY);
        bad += m < 0;
        close(m);
    }
    check_eq(bad, 0);
    unsigned long seen = 0;
    for (int i = 0; i < 40; i++) {
        fds[i] = open("/dev/ptmx", O_RDWR | O_NOCTTY);
        need(fds[i] >= 0 && !ioctl(fds[i], TIOCGPTN, &n));
        bad += n < 64 && (seen >> n & 1);
        seen |= n < 64 ? 1UL << n : 0;
    }
    check_eq(bad, 0);
    for (int i = 0; i < 40; i++)
        close(fds[i]);
}

int main(void)
{
    names();
    early();
    slave_closes();
    master_closes();
    requests();
    held_name();
    rights();
    many();
    return check_done();
}
