/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs of terminals for tests.  What one side writes reaches the other a moment later, natively by
 * a worker thread: pair_read waits until nothing has come for a while.
 */
#ifndef CELLA_TEST_SYSCALL_TERMINAL_PAIR_H
#define CELLA_TEST_SYSCALL_TERMINAL_PAIR_H

#include "../check.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

#define SETTLE_MS 60 /* until what was written is surely there */

struct pair {
    int master, slave;
    char name[64];
};

static inline void settle(void)
{
    usleep(SETTLE_MS * 1000);
}

static inline void pair_open(struct pair *p)
{
    p->master = posix_openpt(O_RDWR | O_NOCTTY);
    need(p->master >= 0);
    need(grantpt(p->master) == 0);
    need(unlockpt(p->master) == 0);
    need(ptsname_r(p->master, p->name, sizeof(p->name)) == 0);
    p->slave = open(p->name, O_RDWR | O_NOCTTY);
    need(p->slave >= 0);
}

static inline void pair_close(struct pair *p)
{
    close(p->slave);
    close(p->master);
}

/* Turns flags on and off: of one of the four words of a termios. */
static inline void pair_flags(struct pair *p, int word, unsigned on, unsigned off)
{
    struct termios t;
    tcflag_t *words[] = {&t.c_iflag, &t.c_oflag, &t.c_cflag, &t.c_lflag};
    need(tcgetattr(p->slave, &t) == 0);
    *words[word] = (*words[word] & ~off) | on;
    need(tcsetattr(p->slave, TCSANOW, &t) == 0);
}
#define I_FLAGS 0
#define O_FLAGS 1
#define L_FLAGS 3

static inline void pair_char(struct pair *p, int index, int value)
{
    struct termios t;
    need(tcgetattr(p->slave, &t) == 0);
    t.c_cc[index] = (cc_t)value;
    need(tcsetattr(p->slave, TCSANOW, &t) == 0);
}

static inline void pair_raw(struct pair *p)
{
    struct termios t;
    need(tcgetattr(p->slave, &t) == 0);
    cfmakeraw(&t);
    need(tcsetattr(p->slave, TCSANOW, &t) == 0);
}

static inline int readable(int fd)
{
    struct pollfd f = {fd, POLLIN, 0};
    return poll(&f, 1, 0) == 1 && (f.revents & POLLIN);
}

/* All that is there, or comes within a moment: its length; not more than size. */
static inline ssize_t pair_read(int fd, char *buf, size_t size)
{
    size_t done = 0;
    struct pollfd f = {fd, POLLIN, 0};
    while (done < size && poll(&f, 1, SETTLE_MS) == 1 && (f.revents & POLLIN)) {
        ssize_t n = read(fd, buf + done, size - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static inline void drop_input(int fd)
{
    char buf[4096];
    while (pair_read(fd, buf, sizeof(buf)) > 0)
        ;
}

/* Bytes so that a line of the log shows them. */
static inline const char *shown(const char *p, size_t n, char *out, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < n && at + 5 < size; i++)
        at += (size_t)snprintf(out + at, size - at,
                               isprint((unsigned char)p[i]) && p[i] != '\\' ? "%c" : "\\%02x",
                               (unsigned char)p[i]);
    out[at] = '\0';
    return out;
}

static inline void check_bytes(const char *got, ssize_t n, const char *want, size_t nwant,
                               const char *what, int line)
{
    char text[2][1024];
    int good = n == (ssize_t)nwant && !memcmp(got, want, nwant);
    if (!good)
        printf("# line %d: got \"%s\" (%zd), want \"%s\"\n", line,
               shown(got, n > 0 ? (size_t)n : 0, text[0], sizeof(text[0])), n,
               shown(want, nwant, text[1], sizeof(text[1])));
    check_report(good, what, line);
}

/* What can be read from fd now is exactly this text. */
#define check_reads(fd, text) check_reads_n(fd, text, sizeof(text) - 1, #fd " has " #text)
#define check_reads_n(fd, text, n, what)                                        \
    do {                                                                        \
        char cr_buf[8192];                                                      \
        ssize_t cr_got = pair_read(fd, cr_buf, sizeof(cr_buf));                 \
        check_bytes(cr_got < 0 ? "" : cr_buf, cr_got, text, n, what, __LINE__); \
    } while (0)

/* Writes all of it. */
#define type(fd, text) need(write(fd, text, sizeof(text) - 1) == (ssize_t)(sizeof(text) - 1))

static inline long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
