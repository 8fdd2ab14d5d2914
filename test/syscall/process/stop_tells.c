/* SPDX-License-Identifier: Apache-2.0 */
/* A child that stops, goes on, or is stopped when nobody is left to let it go on. */
#include "check.h"
#include "child.h"

static volatile sig_atomic_t heard;
static siginfo_t last;

static void on_child(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    last = *info;
    heard++;
}

static int raw_waitid(int which, int id, siginfo_t *info, int options)
{
    return (int)syscall(SYS_waitid, which, id, info, options, NULL);
}

static void stop_and_go(int flags, int signals)
{
    struct sigaction act = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART | flags};
    siginfo_t info;
    int status;

    heard = 0;
    sigaction(SIGCHLD, &act, NULL);
    pid_t pid = child_start(child_sleeps, NULL);
    check_eq(waitpid(pid, &status, WUNTRACED | WCONTINUED | WNOHANG), 0);
    check_ok(kill(pid, SIGSTOP));
    check_ok(raw_waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT));
    check_eq(info.si_code, CLD_STOPPED);
    check_eq(info.si_status, SIGSTOP);
    check_eq(waitpid(pid, &status, WUNTRACED), pid);
    check(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    check_eq(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    if (signals) {
        check_eq(last.si_code, CLD_STOPPED);
        check_eq(last.si_status, SIGSTOP);
        check_eq(last.si_pid, pid);
    }
    check_ok(kill(pid, SIGTERM)); /* waits until it goes on */
    check_eq(waitpid(pid, &status, WNOHANG), 0);
    check_ok(kill(pid, SIGSTOP)); /* again: no news */
    check_eq(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
    check_ok(kill(pid, SIGKILL));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, SIGKILL);
    check_eq(heard, signals ? 2 : 1);
    check_eq(last.si_code, CLD_KILLED);
}

static void continued(void)
{
    siginfo_t info;
    int status;

    signal(SIGCHLD, SIG_DFL);
    pid_t pid = child_start(child_sleeps, NULL);
    check_ok(kill(pid, SIGSTOP));
    check_eq(waitpid(pid, &status, WUNTRACED), pid);
    check_eq(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
    check_ok(kill(pid, SIGCONT));
    check_ok(raw_waitid(P_PID, pid, &info, WCONTINUED | WNOWAIT));
    check_eq(info.si_code, CLD_CONTINUED);
    check_eq(info.si_status, SIGCONT);
    check_eq(waitpid(pid, &status, WCONTINUED), pid);
    check(WIFCONTINUED(status));
    check_eq(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
    check_ok(kill(pid, SIGSTOP));
    check_eq(waitpid(pid, &status, WUNTRACED), pid);
    check_ok(kill(pid, SIGTERM));
    check_ok(kill(pid, SIGCONT));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, SIGTERM);
}

static volatile int hups, conts, ready;

static void on_hup(int sig)
{
    if (sig == SIGHUP)
        hups = 1;
    else
        conts = 1;
}

static int will_be_orphaned(void *arg)
{
    signal(SIGHUP, on_hup);
    signal(SIGCONT, on_hup);
    setpgid(0, 0);
    ready = 1;
    (void)arg;
    while (!hups || !conts)
        child_nap(1);
    ready = 2;
    return 0;
}

/* Starts a child in a group of its own, sees it stop, and leaves. */
static int shell(void *arg)
{
    int status;
    pid_t pid = child_start(will_be_orphaned, arg);

    if (!child_await(&ready))
        return 1;
    kill(pid, SIGTSTP);
    return waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) ? 0 : 2;
}

static void orphaned_group(void)
{
    int status;

    pid_t pid = child_start(shell, NULL);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    for (int i = 0; i < 5000 && ready != 2; i++)
        child_nap(1);
    check_eq(hups, 1);
    check_eq(conts, 1);
}

/* In a group that is orphaned from the start, SIGTSTP stops nobody. */
static int stops_itself(void *arg)
{
    setsid();
    kill(getpid(), SIGTSTP);
    (void)arg;
    return 5;
}

int main(void)
{
    int status;

    stop_and_go(0, 1);
    stop_and_go(SA_NOCLDSTOP, 0);
    continued();
    orphaned_group();
    pid_t pid = child_start(stops_itself, NULL);
    check_eq(waitpid(pid, &status, WUNTRACED), pid);
    check_eq(status, 5 << 8);
    return check_done();
}
