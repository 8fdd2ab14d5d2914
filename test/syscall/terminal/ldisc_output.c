/* SPDX-License-Identifier: Apache-2.0 */
/* What a program writes, for all flags of output processing; columns go on from write to write. */
#include "pair.h"

struct test {
    unsigned flags;
    const char *written, *shown;
};

static const struct test tests[] = {
    {0, "a\nb\tc\r\n", "a\nb\tc\r\n"},
    {OPOST, "a\nb\tc\r\n", "a\nb\tc\r\n"},
    {OPOST | ONLCR, "a\nb\r\n", "a\r\nb\r\r\n"},
    {ONLCR, "a\n", "a\n"},
    {OPOST | OCRNL, "a\rb\r", "a\nb\n"},
    {OPOST | OCRNL | ONLCR, "a\rb\n", "a\nb\r\n"},
    {OPOST | ONOCR, "\ra\r\rb\n\r", "a\rb\n\r"},
    {OPOST | ONOCR | ONLCR, "\ra\r\rb\n\r", "a\rb\r\n"},
    {OPOST | ONOCR | ONLRET, "ab\n\rc\r", "ab\nc\r"},
    {OPOST | OCRNL | ONLRET | ONOCR, "ab\r\rc", "ab\nc"},
    {OPOST | OLCUC, "aZ{\303\251", "AZ{\303\251"},
    {OPOST | XTABS, "\ta\tbcdefgh\ti\n\tj", "        a       bcdefgh i\n       j"},
    {OPOST | XTABS | ONLCR, "ab\n\tj", "ab\r\n        j"},
    {OPOST | XTABS, "abc\b\tx", "abc\b      x"},
    {OPOST | XTABS, "\001\t\033\tx", "\001        \033        x"},
    {OPOST | XTABS, "abc\r\tx", "abc\r        x"},
    {OPOST | TAB1, "\tx", "\tx"},
    {OPOST | OFILL | NL1 | CR1 | BS1 | FF1 | VT1, "a\n\r\b\f\v", "a\n\r\b\f\v"},
};

static void run(const struct test *t)
{
    struct pair p;
    char what[1100], text[1000];
    pair_open(&p);
    pair_flags(&p, O_FLAGS, t->flags, ~0U);
    snprintf(what, sizeof(what), "[%td] %#x \"%s\"", t - tests, t->flags,
             shown(t->written, strlen(t->written), text, sizeof(text)));
    for (const char *c = t->written; *c; c++)
        need(write(p.slave, c, 1) == 1);
    check_reads_n(p.master, t->shown, strlen(t->shown), what);
    pair_close(&p);
    /* The same in one write, on a fresh one. */
    pair_open(&p);
    pair_flags(&p, O_FLAGS, t->flags, ~0U);
    need(write(p.slave, t->written, strlen(t->written)) == (ssize_t)strlen(t->written));
    check_reads_n(p.master, t->shown, strlen(t->shown), what);
    pair_close(&p);
}

/* Characters of several bytes take one column. */
static void utf8(void)
{
    struct pair p;
    pair_open(&p);
    pair_flags(&p, O_FLAGS, OPOST | XTABS, ~0U);
    pair_flags(&p, I_FLAGS, IUTF8, 0);
    type(p.slave, "\303\251\342\202\254\tx");
    check_reads(p.master, "\303\251\342\202\254      x");
    pair_flags(&p, I_FLAGS, 0, IUTF8);
    type(p.slave, "\r\303\251\342\202\254\tx");
    check_reads(p.master, "\r\303\251\342\202\254   x");
    pair_close(&p);
}

/* Echo is processed too, and moves the same columns. */
static void echo(void)
{
    struct pair p;
    pair_open(&p);
    pair_flags(&p, O_FLAGS, OPOST | ONLCR | XTABS, ~0U);
    type(p.slave, "> ");
    type(p.master, "a\tb\n");
    check_reads(p.master, "> a     b\r\n");
    type(p.slave, "> ");
    settle();
    type(p.master, "\t\177x\n");
    check_reads(p.master, ">       \b\b\b\b\b\bx\r\n");
    pair_flags(&p, O_FLAGS, 0, OPOST);
    type(p.master, "q\n");
    check_reads(p.master, "q\n");
    pair_close(&p);
}

/* The other side does not read: a write without waiting ends some time, and goes on when there is room. */
static void full(void)
{
    struct pair p;
    char line[100];
    long n = 0;
    ssize_t got;
    struct pollfd f;
    pair_open(&p);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    memset(line, '.', sizeof(line));
    line[99] = '\n';
    while ((got = write(p.slave, line, sizeof(line))) > 0 && n < 1000000)
        n += got;
    check(got == -1 && errno == EAGAIN);
    check(n >= 4096 && n < 1000000);
    f = (struct pollfd){p.slave, POLLOUT, 0};
    settle();
    while ((got = write(p.slave, line, sizeof(line))) > 0)
        n += got;
    check_eq(poll(&f, 1, 0), 0);
    static char buf[200000];
    ssize_t all = pair_read(p.master, buf, sizeof(buf));
    check(all >= n + n / 100 - 1 && all <= n + n / 100 + 1);
    check_eq(poll(&f, 1, 1000), 1);
    check_eq(f.revents, POLLOUT);
    pair_close(&p);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        run(&tests[i]);
    utf8();
    echo();
    full();
    return check_done();
}
