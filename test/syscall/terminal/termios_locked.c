/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that root has locked stay as they are, whoever asks for others in whatever form. */
#include "../check.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct old_termio {
    unsigned short c_iflag, c_oflag, c_cflag, c_lflag;
    unsigned char c_line, c_cc[8];
};
int grantpt(int fd);
int unlockpt(int fd);
char *ptsname(int fd);
int posix_openpt(int flags);

static int m, s;

static struct termios get(void)
{
    struct termios t;

    check_ok(ioctl(s, TCGETS, &t));
    return t;
}

static void as_user(void)
{
    struct termios t = {0};
    int status;
    fflush(stdout);
    pid_t pid = fork();

    if (!pid) {
        check_failures = 0;
        check_ok(syscall(SYS_setresuid, 1234, 1234, 1234));
        check_err(ioctl(s, TIOCSLCKTRMIOS, &t), EPERM);
        check_ok(ioctl(s, TIOCGLCKTRMIOS, &t));
        check_eq(t.c_lflag, ECHO);
        exit(check_done());
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

int main(void)
{
    struct termios lock = {0}, got, t;
    struct termios2 t2;
    struct old_termio o;

    m = check_ok(posix_openpt(O_RDWR | O_NOCTTY));
    check_ok(grantpt(m));
    check_ok(unlockpt(m));
    s = check_ok(open(ptsname(m), O_RDWR | O_NOCTTY));
    memset(&got, 0xff, sizeof(got));
    check_ok(ioctl(s, TIOCGLCKTRMIOS, &got));
    check_eq(got.c_lflag | got.c_iflag | got.c_oflag | got.c_cflag | got.c_cc[VINTR], 0);

    lock.c_lflag = ECHO;
    lock.c_iflag = IXON | ICRNL;
    lock.c_cc[VINTR] = 1;
    check_ok(ioctl(m, TIOCSLCKTRMIOS, &lock));
    check_ok(ioctl(s, TIOCGLCKTRMIOS, &got));
    check(!memcmp(&got, &lock, sizeof(got)));
    check_err(ioctl(s, TIOCSLCKTRMIOS, 8), EFAULT);
    check_err(ioctl(s, TIOCGLCKTRMIOS, 8), EFAULT);

    t = get();
    t.c_lflag &= ~(unsigned)(ECHO | ECHOE);
    t.c_iflag = INLCR;
    t.c_cc[VINTR] = 'x';
    t.c_cc[VQUIT] = 'y';
    check_ok(ioctl(s, TCSETS, &t));
    got = get();
    check_eq(got.c_lflag & (ECHO | ECHOE), ECHO);
    check_eq(got.c_iflag, IXON | ICRNL | INLCR);
    check_eq(got.c_cc[VINTR], 3);
    check_eq(got.c_cc[VQUIT], 'y');

    check_ok(ioctl(s, TCGETS2, &t2));
    t2.c_lflag = 0;
    t2.c_cc[VINTR] = 'x';
    check_ok(ioctl(m, TCSETSF2, &t2));
    check_eq(get().c_lflag, ECHO);
    check_eq(get().c_cc[VINTR], 3);

    check_ok(ioctl(s, TCGETA, &o));
    o.c_iflag = 0;
    o.c_lflag = ISIG;
    check_ok(ioctl(s, TCSETAW, &o));
    check_eq(get().c_iflag, IXON | ICRNL);
    check_eq(get().c_lflag, ECHO | ISIG);

    /* What is locked off stays off. */
    lock.c_lflag = ECHO;
    t = get();
    memset(&lock, 0, sizeof(lock));
    check_ok(ioctl(s, TIOCSLCKTRMIOS, &lock));
    t.c_lflag = 0;
    t.c_cc[VINTR] = 'i';
    check_ok(ioctl(s, TCSETS, &t));
    check_eq(get().c_lflag, 0);
    check_eq(get().c_cc[VINTR], 'i');
    lock.c_lflag = ECHO;
    check_ok(ioctl(s, TIOCSLCKTRMIOS, &lock));
    t.c_lflag = ECHO | ICANON;
    check_ok(ioctl(s, TCSETS, &t));
    check_eq(get().c_lflag, ICANON);
    as_user();
    close(s);
    close(m);
    return check_done();
}
