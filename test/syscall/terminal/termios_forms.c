/* SPDX-License-Identifier: Apache-2.0 */
/* Settings in all their forms, through both sides; speeds; the window's size. */
#include "../check.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/ioctl.h>

/* Of <termios.h> and <asm/termios.h>, which do not go with termbits. */
struct old_termio {
    unsigned short c_iflag, c_oflag, c_cflag, c_lflag;
    unsigned char c_line, c_cc[8];
};
int grantpt(int fd);
int unlockpt(int fd);
char *ptsname(int fd);
int posix_openpt(int flags);

static int m, s;

static void defaults(void)
{
    static const cc_t cc[19] = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0, 0, 0};
    struct termios t, t_master;
    struct termios2 t2;
    check_ok(ioctl(s, TCGETS, &t));
    check_eq(t.c_iflag, ICRNL | IXON);
    check_eq(t.c_oflag, OPOST | ONLCR);
    check_eq(t.c_cflag, B38400 | CS8 | CREAD);
    check_eq(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN);
    check_eq(t.c_line, 0);
    check(!memcmp(t.c_cc, cc, sizeof(cc)));
    check_ok(ioctl(m, TCGETS, &t_master));
    check(!memcmp(&t, &t_master, sizeof(t)));
    check_ok(ioctl(s, TCGETS2, &t2));
    check_eq(t2.c_ispeed, 38400);
    check_eq(t2.c_ospeed, 38400);
}

static void speeds(void)
{
    struct termios t;
    struct termios2 t2;
    static const struct {
        unsigned code, speed;
    } table[] = {{B0, 0},           {B50, 50},           {B134, 134},
                 {B9600, 9600},     {B57600, 57600},     {B115200, 115200},
                 {B460800, 460800}, {B1152000, 1152000}, {B4000000, 4000000}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        check_ok(ioctl(s, TCGETS, &t));
        t.c_cflag = (t.c_cflag & ~(unsigned)CBAUD) | table[i].code;
        check_ok(ioctl(s, TCSETS, &t));
        check_ok(ioctl(s, TCGETS2, &t2));
        check_eq(t2.c_ospeed, table[i].speed);
        check_eq(t2.c_ispeed, table[i].speed);
    }
    t2.c_cflag = (t2.c_cflag & ~(unsigned)CBAUD) | BOTHER;
    t2.c_ospeed = t2.c_ispeed = 12345;
    check_ok(ioctl(s, TCSETS2, &t2));
    memset(&t2, 0, sizeof(t2));
    check_ok(ioctl(m, TCGETS2, &t2));
    check_eq(t2.c_ospeed, 12345);
    check_eq(t2.c_ispeed, 12345);
    check_eq(t2.c_cflag & CBAUD, BOTHER);
    t2.c_cflag = (t2.c_cflag & ~(unsigned)(CBAUD | CIBAUD)) | B9600 | B300 << IBSHIFT;
    check_ok(ioctl(s, TCSETS2, &t2));
    check_ok(ioctl(s, TCGETS2, &t2));
    check_eq(t2.c_ospeed, 9600);
    check_eq(t2.c_ispeed, 300);
    t2.c_cflag = (t2.c_cflag & ~(unsigned)(CBAUD | CIBAUD)) | B38400;
    check_ok(ioctl(s, TCSETS2, &t2));
}

/* Flags come back as they were set, but those that a pair cannot have. */
static void flags(void)
{
    struct termios t, back;
    check_ok(ioctl(s, TCGETS, &t));
    t.c_iflag = IUTF8 | IXANY | PARMRK | IGNBRK;
    t.c_oflag = ONLCR | TAB3 | OFILL;
    t.c_cflag = B38400 | CS5 | PARENB | CSTOPB | HUPCL | CLOCAL;
    t.c_lflag = ISIG | NOFLSH | TOSTOP | ECHONL;
    t.c_line = 3;
    for (int i = 0; i < NCCS; i++)
        t.c_cc[i] = (cc_t)(i + 1);
    check_ok(ioctl(m, TCSETSW, &t));
    check_ok(ioctl(s, TCGETS, &back));
    check_eq(back.c_iflag, t.c_iflag);
    check_eq(back.c_oflag, t.c_oflag);
    check_eq(back.c_cflag, B38400 | CS8 | CREAD | CSTOPB | HUPCL | CLOCAL);
    check_eq(back.c_lflag, t.c_lflag);
    check_eq(back.c_line, 3);
    check(!memcmp(back.c_cc, t.c_cc, sizeof(t.c_cc)));
}

static void system_v(void)
{
    struct old_termio o;
    struct termios t;
    check_ok(ioctl(s, TCGETS, &t));
    t.c_iflag |= IUTF8 | 0x70000;
    check_ok(ioctl(s, TCSETS, &t));
    check_ok(ioctl(s, TCGETA, &o));
    check_eq(o.c_iflag, t.c_iflag & 0xffff);
    check_eq(o.c_lflag, t.c_lflag & 0xffff);
    check(!memcmp(o.c_cc, t.c_cc, 8));
    o.c_iflag = ICRNL;
    o.c_lflag = ISIG | ICANON | ECHO;
    o.c_cc[0] = 'x';
    check_ok(ioctl(s, TCSETAW, &o));
    check_ok(ioctl(s, TCGETS, &t));
    check_eq(t.c_iflag, ICRNL | 0x70000);
    check_eq(t.c_lflag, ISIG | ICANON | ECHO);
    check_eq(t.c_cc[0], 'x');
    check_eq(t.c_cc[10], 11); /* beyond termio's */
    check_ok(ioctl(s, TCSETAF, &o));
    check_err(ioctl(s, TCSETA, NULL), EFAULT);
    check_err(ioctl(s, TCGETA, NULL), EFAULT);
    check_err(ioctl(s, TCSETS2, NULL), EFAULT);
    check_err(ioctl(s, TCGETS2, NULL), EFAULT);
}

static void window(void)
{
    unsigned short w[4], set[4] = {24, 80, 640, 480};
    check_ok(ioctl(s, TIOCGWINSZ, w));
    check(!w[0] && !w[1] && !w[2] && !w[3]);
    check_ok(ioctl(m, TIOCSWINSZ, set));
    check_ok(ioctl(s, TIOCGWINSZ, w));
    check(!memcmp(w, set, sizeof(w)));
    set[1] = 132;
    check_ok(ioctl(s, TIOCSWINSZ, set));
    check_ok(ioctl(m, TIOCGWINSZ, w));
    check_eq(w[1], 132);
    check_err(ioctl(s, TIOCSWINSZ, NULL), EFAULT);
    check_err(ioctl(s, TIOCGWINSZ, NULL), EFAULT);
}

static void carrier(void)
{
    int on = 1;
    struct termios t;
    check_ok(ioctl(s, TIOCSSOFTCAR, &on));
    check_ok(ioctl(s, TCGETS, &t));
    check(t.c_cflag & CLOCAL);
    on = 0;
    check_ok(ioctl(s, TIOCSSOFTCAR, &on));
    on = 5;
    check_ok(ioctl(s, TIOCGSOFTCAR, &on));
    check_eq(on, 0);
}

int main(void)
{
    m = posix_openpt(O_RDWR | O_NOCTTY);
    need(m >= 0 && !grantpt(m) && !unlockpt(m));
    s = open(ptsname(m), O_RDWR | O_NOCTTY);
    need(s >= 0);
    defaults();
    speeds();
    flags();
    system_v();
    window();
    carrier();
    return check_done();
}
