/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical mode: for settings and typed characters, exactly what is shown and what a program reads.
 * Each case is a pair of its own; reads are what successive read(2)s give, ends of file included.
 */
#include "pair.h"

#define BASE (ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN)

struct test {
    unsigned l_on, l_off, i_on, i_off;
    const char *typed, *shown;
    const char *lines[5];
};
#define EOF_READ "\377EOF" /* a read that gives nothing */

static const struct test tests[] = {
    /* Lines and the end of file. */
    {0, 0, 0, 0, "one\ntwo\n", "one\r\ntwo\r\n", {"one\n", "two\n"}},
    {0, 0, 0, 0, "cr\r", "cr\r\n", {"cr\n"}},
    {0, 0, 0, ICRNL, "cr\rx\n", "cr^Mx\r\n", {"cr\rx\n"}},
    {0, 0, INLCR, ICRNL, "a\nb\r\004", "a^Mb^M", {"a\rb\r"}},
    {0, 0, IGNCR, 0, "a\rb\n", "ab\r\n", {"ab\n"}},
    {0, 0, 0, 0, "part\004\004", "part", {"part", EOF_READ}},
    {0, 0, 0, 0, "\004after\n", "after\r\n", {EOF_READ, "after\n"}},
    {0, ECHO, 0, 0, "quiet\n", "", {"quiet\n"}},
    {ECHONL, ECHO, 0, 0, "quiet\n", "\r\n", {"quiet\n"}},
    /* Erasing. */
    {0, 0, 0, 0, "abc\177\177x\n", "abc\b \b\b \bx\r\n", {"ax\n"}},
    {0, 0, 0, 0, "\177\177x\n", "x\r\n", {"x\n"}},
    {0, ECHOE, 0, 0, "ab\177c\n", "ab^?c\r\n", {"ac\n"}},
    {0, ECHO, 0, 0, "ab\177c\n", "", {"ac\n"}},
    {0, 0, 0, 0, "a\001\177b\n", "a^A\b \b\b \bb\r\n", {"ab\n"}},
    {0, ECHOCTL, 0, 0, "a\001\177b\n", "a\001b\r\n", {"ab\n"}},
    {0, 0, 0, 0, "one two\027x\n", "one two\b \b\b \b\b \bx\r\n", {"one x\n"}},
    {0, 0, 0, 0, "one two  \027x\n", "one two  \b \b\b \b\b \b\b \b\b \bx\r\n", {"one x\n"}},
    {0, 0, 0, 0, "a_1-b\027x\n", "a_1-b\b \bx\r\n", {"a_1-x\n"}},
    {0, IEXTEN, 0, 0, "one two\027x\n", "one two^Wx\r\n", {"one two\027x\n"}},
    {0, 0, 0, 0, "abc\025x\n", "abc\b \b\b \b\b \bx\r\n", {"x\n"}},
    {0, ECHOKE, 0, 0, "abc\025x\n", "abc^U\r\nx\r\n", {"x\n"}},
    {0, ECHOK, 0, 0, "abc\025x\n", "abc^Ux\r\n", {"x\n"}},
    {0, ECHOE, 0, 0, "abc\025x\n", "abc^U\r\nx\r\n", {"x\n"}},
    {ECHOPRT, 0, 0, 0, "abc\177\177x\n", "abc\\cb/x\r\n", {"ax\n"}},
    {ECHOPRT, 0, 0, 0, "ab\177\177x\n", "ab\\ba/x\r\n", {"x\n"}},
    {ECHOPRT, 0, 0, 0, "ab cd\027x\n", "ab cd\\dc/x\r\n", {"ab x\n"}},
    {ECHOPRT, 0, 0, 0, "ab\025x\n", "ab\\ba/x\r\n", {"x\n"}},
    /* Tabs know the column. */
    {0, 0, 0, 0, "ab\t\177c\n", "ab\t\b\b\b\b\b\bc\r\n", {"abc\n"}},
    {0, 0, 0, 0, "\t\t\177\177c\n", "\t\t\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\bc\r\n", {"c\n"}},
    {0, 0, 0, 0, "a\tbc\t\177c\n", "a\tbc\t\b\b\b\b\b\bc\r\n", {"a\tbcc\n"}},
    {0, 0, 0, 0, "\001\t\177c\n", "^A\t\b\b\b\b\b\bc\r\n", {"\001c\n"}},
    /* UTF-8. */
    {0, 0, IUTF8, 0, "a\303\251\177b\n", "a\303\251\b \bb\r\n", {"ab\n"}},
    {0, 0, 0, IUTF8, "a\303\251\177b\n", "a\303\251\b \bb\r\n", {"a\303b\n"}},
    {0, 0, IUTF8, 0, "\342\202\254x\025y\n", "\342\202\254x\b \b\b \by\r\n", {"y\n"}},
    {ECHOPRT, 0, IUTF8, 0, "a\303\251\177b\n", "a\303\251\\\303\251/b\r\n", {"ab\n"}},
    {0, 0, IUTF8, 0, "\251\177b\n", "\251b\r\n", {"\251b\n"}},
    {0, 0, IUTF8, 0, "\303\251\t\177b\n", "\303\251\t\b\b\b\b\b\b\bb\r\n", {"\303\251b\n"}},
    /* The next one literally, and again from the start. */
    {0, 0, 0, 0, "a\026\177b\n", "a^\b^?b\r\n", {"a\177b\n"}},
    {0, 0, 0, 0, "\026\003\n", "^\b^C\r\n", {"\003\n"}},
    {0, 0, 0, 0, "a\026\nb\n", "a^\b^Jb\r\n", {"a\nb\n"}},
    {0, 0, 0, 0, "\026\004x\n", "^\b^Dx\r\n", {"\004x\n"}},
    {0, ECHOCTL, 0, 0, "\026\003\n", "\003\r\n", {"\003\n"}},
    {0, IEXTEN, 0, 0, "a\026b\n", "a^Vb\r\n", {"a\026b\n"}},
    {0, 0, 0, 0, "ab\177c\022d\n", "ab\b \bc^R\r\nacd\r\n", {"acd\n"}},
    {0, ECHO, 0, 0, "ab\022c\n", "", {"ab\022c\n"}},
    /* Bits of bytes. */
    {0, 0, ISTRIP, 0, "\341\342\212", "ab\r\n", {"ab\n"}},
    {0, 0, IUCLC, 0, "ABc\n", "abc\r\n", {"abc\n"}},
    {0, IEXTEN, IUCLC, 0, "ABc\n", "ABc\r\n", {"ABc\n"}},
    {0, 0, PARMRK, 0, "a\377b\n", "a\377b\r\n", {"a\377\377b\n"}},
    /* Signals switched off are characters. */
    {0, ISIG, 0, 0, "\003\032\034\n", "^C^Z^\\\r\n", {"\003\032\034\n"}},
    {0, 0, 0, IXON, "\021\023\n", "^Q^S\r\n", {"\021\023\n"}},
};

static void run(const struct test *t)
{
    struct pair p;
    char buf[256], what[1100], text[1000];
    size_t n = strlen(t->typed);
    struct termios m;
    pair_open(&p);
    need(tcgetattr(p.slave, &m) == 0);
    m.c_lflag = (BASE | t->l_on) & ~t->l_off;
    m.c_iflag = ((ICRNL | IXON) | t->i_on) & ~t->i_off;
    need(tcsetattr(p.slave, TCSANOW, &m) == 0);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    need(write(p.master, t->typed, n) == (ssize_t)n);
    snprintf(what, sizeof(what), "[%td] \"%s\"", t - tests, shown(t->typed, n, text, sizeof(text)));
    check_reads_n(p.master, t->shown, strlen(t->shown), what);
    for (int i = 0; i < 5 && t->lines[i]; i++) {
        const char *line = t->lines[i];
        ssize_t got = read(p.slave, buf, sizeof(buf));
        size_t want = !strcmp(line, EOF_READ) ? 0 : strlen(line);
        check_bytes(buf, got, line, want, what, __LINE__);
    }
    check_err(read(p.slave, buf, sizeof(buf)), EAGAIN);
    pair_close(&p);
}

/* Other characters for the functions, and ends of lines of one's own. */
static void functions(void)
{
    struct pair p;
    pair_open(&p);
    pair_char(&p, VEOL, ';');
    pair_char(&p, VEOL2, '!');
    pair_char(&p, VERASE, '#');
    pair_char(&p, VKILL, '@');
    type(p.master, "ab#;cd!e\177f\n");
    check_reads(p.master, "ab\b \b;cd!e^?f\r\n");
    char buf[64];
    check_bytes(buf, read(p.slave, buf, sizeof(buf)), "a;", 2, "VEOL", __LINE__);
    check_bytes(buf, read(p.slave, buf, sizeof(buf)), "cd!", 3, "VEOL2", __LINE__);
    check_bytes(buf, read(p.slave, buf, sizeof(buf)), "e\177f\n", 4, "rest", __LINE__);
    pair_flags(&p, L_FLAGS, 0, IEXTEN);
    type(p.master, "cd!x@y\n");
    check_reads(p.master, "cd!x\b \b\b \b\b \b\b \by\r\n");
    check_reads(p.slave, "y\n");
    pair_char(&p, VERASE, 0); /* no character erases */
    type(p.master, "a#\n");
    check_reads(p.slave, "a#\n");
    pair_close(&p);
}

/* A NUL is a character like others, not an end of file. */
static void nul(void)
{
    struct pair p;
    pair_open(&p);
    type(p.master, "a\0b\0\177\n\0\n");
    check_reads(p.master, "a^@b^@\b \b\b \b\r\n^@\r\n");
    char buf[64];
    check_bytes(buf, read(p.slave, buf, 64), "a\0b\n", 4, "NUL in a line", __LINE__);
    check_bytes(buf, read(p.slave, buf, 1), "\0", 1, "NUL alone", __LINE__);
    check_bytes(buf, read(p.slave, buf, 64), "\n", 1, "behind it", __LINE__);
    pair_close(&p);
}

/* Reads of less than a line, and FIONREAD. */
static void portions(void)
{
    struct pair p;
    char buf[64];
    int n;
    pair_open(&p);
    type(p.master, "abcdef\nxyz\004\004unfinished");
    settle();
    check_ok(ioctl(p.slave, FIONREAD, &n));
    check_eq(n, 10);
    check_bytes(buf, read(p.slave, buf, 3), "abc", 3, "3 of a line", __LINE__);
    check_bytes(buf, read(p.slave, buf, 3), "def", 3, "3 more", __LINE__);
    check_bytes(buf, read(p.slave, buf, 3), "\n", 1, "its end", __LINE__);
    check_eq(read(p.slave, buf, 0), 0);
    check_bytes(buf, read(p.slave, buf, 3), "xyz", 3, "just what there is", __LINE__);
    check_eq(read(p.slave, buf, 3), 0); /* the second end of file */
    check_ok(ioctl(p.slave, FIONREAD, &n));
    check_eq(n, 0);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    check_err(read(p.slave, buf, 3), EAGAIN);
    check_eq(read(p.slave, buf, 0), 0);
    pair_close(&p);
}

/* More than a line can hold: the end of the line still comes. */
static void too_long(void)
{
    struct pair p;
    char big[5000], got[6000];
    memset(big, 'x', sizeof(big));
    pair_open(&p);
    pair_flags(&p, L_FLAGS, 0, ECHO);
    for (size_t i = 0; i < sizeof(big); i += 500)
        need(write(p.master, big + i, 500) == 500);
    type(p.master, "y\nnext\n");
    settle();
    ssize_t n = read(p.slave, got, sizeof(got));
    check_eq(n, 4096);
    check(n > 1 && got[n - 1] == '\n' && got[n - 2] == 'x');
    check_reads(p.slave, "next\n");
    pair_close(&p);
}

/* Changing the mode: what was typed becomes bytes, or a line. */
static void mode_changes(void)
{
    struct pair p;
    char buf[64];
    pair_open(&p);
    fcntl(p.slave, F_SETFL, O_NONBLOCK);
    type(p.master, "line\nrest");
    settle();
    pair_flags(&p, L_FLAGS, 0, ICANON);
    check_bytes(buf, read(p.slave, buf, 6), "line\nr", 6, "lines are bytes", __LINE__);
    pair_flags(&p, L_FLAGS, ICANON, 0);
    check_bytes(buf, read(p.slave, buf, 64), "est", 3, "bytes are a line", __LINE__);
    check_err(read(p.slave, buf, 64), EAGAIN);
    type(p.master, "half");
    settle();
    check_err(read(p.slave, buf, 64), EAGAIN);
    struct termios t;
    need(tcgetattr(p.slave, &t) == 0);
    need(tcsetattr(p.slave, TCSAFLUSH, &t) == 0);
    type(p.master, "new\n");
    check_reads(p.slave, "new\n");
    pair_close(&p);
}

int main(void)
{
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        run(&tests[i]);
    functions();
    nul();
    portions();
    too_long();
    mode_changes();
    return check_done();
}
