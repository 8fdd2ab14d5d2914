/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Job control: what groups in the background may do, who gets the signals of a terminal, and what becomes of
 * it when its session's leader ends or its other side closes.  Each scene is a session of its own.
 */
#include "pair.h"

#include <sys/wait.h>

static struct pair p;

/* Two processes tell each other how far they are. */
struct step {
    int fd[2];
};

static void step_open(struct step *s)
{
    need(pipe(s->fd) == 0);
}

static void step_done(struct step *s)
{
    need(write(s->fd[1], "x", 1) == 1);
}

static void step_wait(struct step *s)
{
    char c;
    need(read(s->fd[0], &c, 1) == 1);
}

/* A scene's leader: with the slave as its controlling terminal. */
static int scene(void (*fn)(void))
{
    int status;
    pid_t pid;
    pair_open(&p);
    fflush(stdout);
    pid = fork();
    need(pid >= 0);
    if (!pid) {
        check_failures = 0;
        need(setsid() > 0);
        need(ioctl(p.slave, TIOCSCTTY, 0) == 0);
        fn();
        exit(check_failures ? 1 : 0);
    }
    need(waitpid(pid, &status, 0) == pid);
    if (status)
        printf("# scene ended with %#x\n", (unsigned)status);
    check_failures += status != 0;
    pair_close(&p);
    return status;
}

/* A child that runs fn in a group of its own; its result is its exit status. */
static pid_t job(int (*fn)(void))
{
    struct step ready;
    step_open(&ready);
    pid_t pid = fork();
    need(pid >= 0);
    if (!pid) {
        signal(SIGINT, SIG_DFL);
        signal(SIGQUIT, SIG_DFL);
        signal(SIGTTOU, SIG_DFL);
        setpgid(0, 0);
        step_done(&ready);
        _exit(fn());
    }
    step_wait(&ready);
    close(ready.fd[0]);
    close(ready.fd[1]);
    return pid;
}

static int status_of(pid_t pid)
{
    int status = -1;
    waitpid(pid, &status, WUNTRACED);
    return status;
}

#define check_stopped(pid, sig)             \
    do {                                    \
        int cs_status = status_of(pid);     \
        check(WIFSTOPPED(cs_status));       \
        check_eq(WSTOPSIG(cs_status), sig); \
    } while (0)
#define check_exit(pid, code)                   \
    do {                                        \
        int ce_status = status_of(pid);         \
        check(WIFEXITED(ce_status));            \
        check_eq(WEXITSTATUS(ce_status), code); \
    } while (0)

static void go_on(pid_t pid)
{
    check_ok(kill(-pid, SIGCONT));
}

/* What jobs do. */

static int reads(void)
{
    char buf[64];
    ssize_t n = read(p.slave, buf, sizeof(buf));
    return n == 3 && !memcmp(buf, "in\n", 3) ? 0 : n < 0 ? errno : 99;
}

static int reads_ignoring(void)
{
    signal(SIGTTIN, SIG_IGN);
    return reads();
}

static void block(int sig)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int reads_blocking(void)
{
    block(SIGTTIN);
    return reads();
}

static int writes(void)
{
    return write(p.slave, "out", 3) == 3 ? 0 : errno;
}

static int writes_ignoring(void)
{
    signal(SIGTTOU, SIG_IGN);
    return writes();
}

static int changes(void)
{
    struct termios t;
    if (tcgetattr(p.slave, &t))
        return errno;
    t.c_cc[VEOL] = 'x';
    return tcsetattr(p.slave, TCSANOW, &t) ? errno : 0;
}

static int changes_blocking(void)
{
    block(SIGTTOU);
    return changes();
}

static int flushes(void)
{
    return tcflush(p.slave, TCIFLUSH) ? errno : 0;
}

static int takes_foreground(void)
{
    return tcsetpgrp(p.slave, getpgrp()) ? errno : 0;
}

static int takes_foreground_ignoring(void)
{
    signal(SIGTTOU, SIG_IGN);
    return takes_foreground();
}

static int looks(void)
{
    struct termios t;
    struct winsize w = {.ws_row = 7};
    if (tcgetattr(p.slave, &t) || ioctl(p.slave, TIOCSWINSZ, &w))
        return errno;
    return tcgetpgrp(p.slave) == getppid() ? 0 : 98;
}

static int waits(void)
{
    while (pause())
        ;
    return 0;
}

static void foreground(pid_t pgid)
{
    signal(SIGTTOU, SIG_IGN); /* the leader is in the background itself now and then */
    check_ok(tcsetpgrp(p.slave, pgid));
}

static void background(void)
{
    pid_t pid = job(reads);
    check_stopped(pid, SIGTTIN);
    foreground(pid);
    check_eq(tcgetpgrp(p.slave), pid);
    go_on(pid);
    type(p.master, "in\n");
    check_exit(pid, 0);
    foreground(getpgrp());
    check_exit(job(reads_ignoring), EIO);
    check_exit(job(reads_blocking), EIO);

    check_exit(job(writes), 0);
    pair_flags(&p, L_FLAGS, TOSTOP, 0);
    pid = job(writes);
    check_stopped(pid, SIGTTOU);
    foreground(pid);
    go_on(pid);
    check_exit(pid, 0);
    foreground(getpgrp());
    check_exit(job(writes_ignoring), 0);
    pair_flags(&p, L_FLAGS, 0, TOSTOP);

    pid = job(changes);
    check_stopped(pid, SIGTTOU);
    kill(pid, SIGKILL);
    status_of(pid);
    check_exit(job(changes_blocking), 0);
    pid = job(flushes);
    check_stopped(pid, SIGTTOU);
    kill(pid, SIGKILL);
    status_of(pid);
    pid = job(takes_foreground);
    check_stopped(pid, SIGTTOU);
    kill(pid, SIGKILL);
    status_of(pid);
    check_exit(job(looks), 0);
    check_exit(job(takes_foreground_ignoring), 0);
}

/* An interrupted read is repeated when the job is in the foreground. */
static void on_cont(int sig)
{
    (void)sig;
}

static int reads_with_handler(void)
{
    struct sigaction a = {.sa_handler = on_cont, .sa_flags = SA_RESTART};
    sigaction(SIGTTIN, &a, NULL);
    alarm(20);
    return reads(); /* is interrupted again and again until then */
}

static void restarted(void)
{
    pid_t pid = job(reads_with_handler);
    settle();
    foreground(pid);
    type(p.master, "in\n");
    check_exit(pid, 0);
}

/* Nobody would make an orphaned group go on. */
static struct step orphan_ready, orphan_told;
static int orphan_result[4];

static int orphan(void)
{
    int result[4];
    struct step parent_gone;
    step_open(&parent_gone);
    pid_t parent = getpid();
    if (fork())
        _exit(0);
    while (getppid() == parent)
        usleep(1000);
    result[0] = reads();
    result[1] = writes();
    result[2] = changes();
    result[3] = takes_foreground();
    if (write(orphan_told.fd[1], result, sizeof(result)) != sizeof(result))
        _exit(1);
    _exit(0);
}

static void orphans(void)
{
    step_open(&orphan_ready);
    step_open(&orphan_told);
    pair_flags(&p, L_FLAGS, TOSTOP, 0);
    check_exit(job(orphan), 0);
    need(read(orphan_told.fd[0], orphan_result, sizeof(orphan_result)) == sizeof(orphan_result));
    check_eq(orphan_result[0], EIO);
    check_eq(orphan_result[1], EIO);
    check_eq(orphan_result[2], EIO);
    check_eq(orphan_result[3], ENOTTY);
}

/* Keys, and the window's size, are for the foreground. */
static volatile sig_atomic_t seen[65];

static void note(int sig)
{
    seen[sig]++;
}

static void keys(void)
{
    struct winsize w = {.ws_row = 9};
    signal(SIGINT, note);
    signal(SIGWINCH, note);
    pid_t pid = job(waits), other = job(waits);
    foreground(pid);
    type(p.master, "\003");
    int status = status_of(pid);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    check_ok(ioctl(p.master, TIOCSWINSZ, &w)); /* to a group that has gone */
    settle();
    check_eq(seen[SIGINT], 0);
    check_eq(seen[SIGWINCH], 0);
    check_eq(tcgetpgrp(p.slave), pid);
    foreground(other);
    type(p.master, "\032");
    check_stopped(other, SIGTSTP);
    go_on(other);
    type(p.master, "\034");
    status = status_of(other);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGQUIT);
    foreground(getpgrp());
    w.ws_row = 10;
    check_ok(ioctl(p.master, TIOCSWINSZ, &w));
    type(p.master, "\003");
    for (int i = 0; i < 100 && !(seen[SIGINT] && seen[SIGWINCH]); i++)
        usleep(5000);
    check_eq(seen[SIGINT], 1);
    check_eq(seen[SIGWINCH], 1);
}

/* Who has it: children, but not those with a session of their own. */
static int tty_errno(void)
{
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static struct step other_ready, other_go;

static int other_session(void)
{
    setpgid(0, getppid()); /* so that it may have a session */
    if (setsid() < 0)
        return 90;
    if (tty_errno() != ENXIO)
        return 91;
    int fd = open(p.name, O_RDWR);
    if (fd < 0 || tty_errno() != ENXIO || tcgetpgrp(fd) != -1 || errno != ENOTTY)
        return 92;
    if (ioctl(fd, TIOCSCTTY, 0) != -1 || errno != EPERM)
        return 93;
    step_done(&other_ready);
    step_wait(&other_go);
    if (geteuid())
        return 0;
    if (ioctl(fd, TIOCSCTTY, 1) || tty_errno() || tcgetpgrp(fd) != getpid())
        return 94;
    return 0;
}

static int not_leader(void)
{
    if (tty_errno() || ioctl(p.slave, TIOCSCTTY, 0) != -1 || errno != EPERM)
        return 95;
    if (ioctl(p.slave, TIOCNOTTY) || tty_errno() != ENXIO)
        return 96;
    return ioctl(p.slave, TIOCNOTTY) != -1 || errno != ENOTTY ? 97 : 0;
}

static void owners(void)
{
    step_open(&other_ready);
    step_open(&other_go);
    check_exit(job(not_leader), 0);
    check_eq(tty_errno(), 0);
    pid_t pid = fork();
    if (!pid)
        _exit(other_session());
    step_wait(&other_ready);
    check_eq(tty_errno(), 0);
    check_err(tcsetpgrp(p.slave, pid), EPERM);
    step_done(&other_go);
    check_exit(pid, 0);
    /* Root's took it away, and ended. */
    check_eq(tty_errno(), geteuid() ? 0 : ENXIO);
    if (!geteuid())
        check_ok(ioctl(p.slave, TIOCSCTTY, 0));
}

/* The leader ends: the foreground is told, and nobody has the terminal. */
static struct step left_ready, left_told;

static int left_behind(void)
{
    sigset_t set;
    siginfo_t info;
    int got[4];
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    step_done(&left_ready);
    struct timespec limit = {10, 0}, none = {0, 200000000};
    got[0] = sigtimedwait(&set, &info, &limit);
    got[1] = sigtimedwait(&set, &info, &none);
    got[2] = tty_errno();
    got[3] = tcgetpgrp(p.slave) == -1 ? errno : 0;
    if (write(left_told.fd[1], got, sizeof(got)) != sizeof(got))
        _exit(1);
    return 0;
}

static void leader_ends(void)
{
    pid_t pid = job(left_behind);
    foreground(pid);
    step_wait(&left_ready);
}

static void after_leader(void)
{
    int got[4];
    step_open(&left_ready);
    step_open(&left_told);
    scene(leader_ends);
    need(read(left_told.fd[0], got, sizeof(got)) == sizeof(got));
    check_eq(got[0], SIGHUP);
    check_eq(got[1], -1);
    check_eq(got[2], ENXIO);
    check_eq(got[3], ENOTTY);
}

/* The line is cut for all that have it open; whoever opens it anew has a fresh one. */
static void cut(void)
{
    struct timespec limit = {10, 0};
    struct termios t;
    sigset_t set;
    siginfo_t info;
    char buf[16];
    if (geteuid())
        return;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pair_flags(&p, L_FLAGS, 0, ECHO);
    type(p.master, "unread\n");
    settle();
    check_ok(vhangup());
    check_eq(sigtimedwait(&set, &info, &limit) + sigtimedwait(&set, &info, &limit),
             SIGHUP + SIGCONT);
    check_eq(tty_errno(), ENXIO);
    check_eq(read(p.slave, buf, sizeof(buf)), 0);
    check_err(write(p.slave, "x", 1), EIO);
    close(p.slave);
    check_ok(p.slave = open(p.name, O_RDWR));
    check_eq(tty_errno(), 0);
    check_ok(tcgetattr(p.slave, &t));
    check(t.c_lflag & ECHO);
    type(p.master, "anew\n");
    check_reads(p.slave, "anew\n");
    drop_input(p.master);
    type(p.slave, "both ways");
    check_reads(p.master, "both ways");
    int peer = open(p.name, O_RDWR | O_NOCTTY);
    check_ok(ioctl(peer, TIOCVHANGUP));
    check_eq(read(peer, buf, sizeof(buf)), 0);
    check_err(write(p.slave, "x", 1), EIO);
    close(peer);
}

/* The other side closes: the leader is told at once, the foreground when that ends. */
static void leader_hears(void)
{
    struct timespec limit = {10, 0};
    sigset_t set;
    siginfo_t info;
    pid_t pid = job(left_behind);
    int first, second;
    char c;
    foreground(pid);
    step_wait(&left_ready);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCONT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    step_done(&other_go);
    first = sigtimedwait(&set, &info, &limit);
    second = sigtimedwait(&set, &info, &limit);
    check_eq(first + second, SIGHUP + SIGCONT);
    check_eq(tty_errno(), ENXIO);
    check_eq(read(p.slave, &c, 1), 0);
    usleep(50000);
}

static void after_hangup(void)
{
    int got[4], status;
    step_open(&left_ready);
    step_open(&left_told);
    step_open(&other_go);
    pair_open(&p);
    pid_t pid = fork();
    if (!pid) {
        check_failures = 0;
        need(setsid() > 0 && !ioctl(p.slave, TIOCSCTTY, 0));
        close(p.master); /* the parent's is the only one */
        leader_hears();
        exit(check_failures ? 1 : 0);
    }
    close(p.slave);
    step_wait(&other_go);
    close(p.master);
    need(waitpid(pid, &status, 0) == pid);
    check_eq(status, 0);
    need(read(left_told.fd[0], got, sizeof(got)) == sizeof(got));
    check_eq(got[0], SIGHUP);
    check_eq(got[1], SIGCONT);
    check_eq(got[2], ENXIO);
}

int main(void)
{
    scene(background);
    scene(restarted);
    scene(orphans);
    scene(keys);
    scene(owners);
    scene(cut);
    after_leader();
    after_hangup();
    return check_done();
}
