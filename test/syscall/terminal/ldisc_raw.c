/* SPDX-License-Identifier: Apache-2.0 */
/* Reads without lines: VMIN and VTIME in all four cases, signals, readiness, FIONREAD. */
#include "pair.h"

#include <pthread.h>

static struct pair p;

static void set(int min, int tenths)
{
    pair_char(&p, VMIN, min);
    pair_char(&p, VTIME, tenths);
}

static void *type_later(void *arg)
{
    for (const char *c = arg; *c; c++) {
        usleep(100 * 1000);
        if (write(p.master, c, 1) != 1)
            abort();
    }
    return NULL;
}

static pthread_t later(const char *text)
{
    pthread_t t;
    need(pthread_create(&t, NULL, type_later, (void *)text) == 0);
    return t;
}

static void on_alarm(int sig)
{
    (void)sig;
}

static void alarm_in(int ms)
{
    struct sigaction a = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &a, NULL);
    ualarm((useconds_t)ms * 1000, 0);
}

/* VMIN > 0, VTIME 0: that many bytes, however long it takes. */
static void least(void)
{
    char buf[64];
    set(3, 0);
    pthread_t t = later("abcd");
    long start = now_ms();
    check_eq(read(p.slave, buf, 64), 3);
    check(now_ms() - start >= 290);
    pthread_join(t, NULL);
    settle();
    check(!readable(p.slave)); /* one is there, three are asked for */
    int n;
    check_ok(ioctl(p.slave, FIONREAD, &n));
    check_eq(n, 1);
    type(p.master, "ef");
    settle();
    check(readable(p.slave));
    check_eq(read(p.slave, buf, 2), 2); /* a small buffer is enough when full */
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    check_eq(read(p.slave, buf, 64), 1);
    check_err(read(p.slave, buf, 64), EAGAIN);
    fcntl(p.slave, F_SETFL, 0);
    /* A signal gives what came so far. */
    type(p.master, "xy");
    settle();
    alarm_in(150);
    check_eq(read(p.slave, buf, 64), 2);
    alarm_in(100);
    check_err(read(p.slave, buf, 64), EINTR);
    /* Bytes that come one by one count together. */
    t = later("123");
    check_eq(read(p.slave, buf, 64), 3);
    pthread_join(t, NULL);
    t = later("12");
    check_eq(read(p.slave, buf, 2), 2);
    pthread_join(t, NULL);
}

/* Both: the clock starts with each byte. */
static void between(void)
{
    char buf[64];
    set(10, 3);
    pthread_t t = later("abc");
    long start = now_ms();
    check_eq(read(p.slave, buf, 64), 3);
    long took = now_ms() - start;
    check(took >= 590);
    pthread_join(t, NULL);
    type(p.master, "0123456789more");
    settle();
    start = now_ms();
    check_eq(read(p.slave, buf, 64), 14);
    check(now_ms() - start < 250);
    type(p.master, "z");
    settle();
    check(readable(p.slave));
    start = now_ms();
    check_eq(read(p.slave, buf, 64), 1);
    check(now_ms() - start >= 290);
    alarm_in(100);
    check_err(read(p.slave, buf, 64), EINTR);
}

/* VMIN 0: a time for the first byte. */
static void at_most(void)
{
    char buf[64];
    set(0, 2);
    long start = now_ms();
    check_eq(read(p.slave, buf, 64), 0);
    check(now_ms() - start >= 190);
    pthread_t t = later("ab");
    check_eq(read(p.slave, buf, 64), 1);
    pthread_join(t, NULL);
    settle();
    check_eq(read(p.slave, buf, 64), 1);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    check_err(read(p.slave, buf, 64), EAGAIN);
    fcntl(p.slave, F_SETFL, 0);
}

/* Neither: what is there. */
static void at_once(void)
{
    char buf[64];
    set(0, 0);
    check_eq(read(p.slave, buf, 64), 0);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    check_eq(read(p.slave, buf, 64), 0);
    fcntl(p.slave, F_SETFL, 0);
    check(!readable(p.slave));
    type(p.master, "now");
    settle();
    check(readable(p.slave));
    check_eq(read(p.slave, buf, 2), 2);
    check_eq(read(p.slave, buf, 64), 1);
}

/* All bytes pass as they are; without ICANON alone, flags still work. */
static void bytes(void)
{
    char all[256], got[512];
    set(1, 0);
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    need(write(p.master, all, 256) == 256);
    settle();
    check_bytes(got, pair_read(p.slave, got, sizeof(got)), all, 256, "all bytes in", __LINE__);
    need(write(p.slave, all, 256) == 256);
    check_bytes(got, pair_read(p.master, got, sizeof(got)), all, 256, "all bytes out", __LINE__);
    pair_flags(&p, L_FLAGS, ECHO | ECHOCTL, 0);
    pair_flags(&p, I_FLAGS, ICRNL, 0);
    pair_flags(&p, O_FLAGS, OPOST | ONLCR, 0);
    type(p.master, "a\r\n\177");
    check_reads(p.master, "a\r\n^J^?");
    check_reads(p.slave, "a\n\n\177");
}

/* A large amount with a reader that is slower, both ways. */
static void *reader(void *arg)
{
    static char buf[300];
    int fd = *(int *)arg;
    unsigned long sum = 0, n = 0;
    while (n < 200000) {
        ssize_t got = read(fd, buf, sizeof(buf));
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            sum += (unsigned char)buf[i] != (unsigned char)(n++ * 7);
    }
    return (void *)(n == 200000 ? sum : 1);
}

static void flood(int from, int to, const char *what)
{
    static char data[200000];
    pthread_t t;
    void *bad;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7);
    need(pthread_create(&t, NULL, reader, &to) == 0);
    size_t done = 0;
    while (done < sizeof(data)) {
        ssize_t n = write(from, data + done, sizeof(data) - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    pthread_join(t, &bad);
    check_report(done == sizeof(data) && !bad, what, __LINE__);
}

int main(void)
{
    pair_open(&p);
    pair_raw(&p);
    least();
    between();
    at_most();
    at_once();
    pair_raw(&p);
    set(1, 0);
    flood(p.master, p.slave, "much to the slave");
    flood(p.slave, p.master, "much to the master");
    bytes();
    pair_close(&p);
    return check_done();
}
