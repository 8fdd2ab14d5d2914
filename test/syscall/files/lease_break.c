/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leases: who may have one; that its holder is told when another process opens or truncates the file,
 * and that this one waits until the lease is given up or lowered.
 */
#include "asleep.h"
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static volatile int told;
static siginfo_t last;

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    told++;
    last = *info;
}

static int open_file(int flags)
{
    int fd = (int)check_ok(open("file", flags));

    check_ok(fcntl(fd, F_SETSIG, SIGRTMIN)); /* which says more than SIGIO, and is queued */
    return fd;
}

/* How often a list of locks has a lease of a process in this state: "ACTIVE WRITE" … */
static int listed(const char *path, pid_t pid, const char *want)
{
    char line[256], state[32], type[32], range[32], got[80];
    FILE *f = fopen(path, "r");
    int found = 0, who;

    need(f != NULL);
    while (fgets(line, sizeof(line), f)) {
        const char *lease = strstr(line, "LEASE");
        if (!lease ||
            sscanf(lease, "LEASE %31s %31s %d %*s %31[^\n]", state, type, &who, range) != 4)
            continue;
        snprintf(got, sizeof(got), "%s%s %s", strstr(line, "-> ") ? "-> " : "", state, type);
        found += who == pid && !strcmp(got, want) && !strcmp(range, "0 EOF");
    }
    fclose(f);
    return found;
}

/* /proc/locks and fdinfo tell of a lease, of what it is to become, and who waits for that. */
static void lists(void)
{
    const char *all = "/proc/locks";
    int w = open_file(O_RDWR), status;
    pid_t me = getpid();
    char info[64];

    check_eq(listed(all, me, "ACTIVE WRITE"), 0);
    check_ok(fcntl(w, F_SETLEASE, F_WRLCK));
    snprintf(info, sizeof(info), "/proc/self/fdinfo/%d", w);
    check_eq(listed(all, me, "ACTIVE WRITE"), 1);
    check_eq(listed(info, me, "ACTIVE WRITE"), 1);
    check_err(open("file", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
    check_eq(listed(all, me, "BREAKING READ"), 1);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        _exit(open("file", O_RDWR) < 0);
    wait_asleep(pid, pid);
    check_eq(listed(all, me, "BREAKING UNLCK"), 1);
    check_eq(listed(info, me, "BREAKING UNLCK"), 1);
    check_eq(listed(all, pid, "-> BREAKER WRITE"), 1);
    check_eq(listed(info, pid, "-> BREAKER WRITE"), 0);
    check_ok(fcntl(w, F_SETLEASE, F_UNLCK));
    need(waitpid(pid, &status, 0) == pid);
    check_eq(status, 0);
    check_eq(listed(all, pid, "-> BREAKER WRITE"), 0);
    check_eq(listed(info, me, "BREAKING UNLCK"), 0);
    close(w);
}

static void who_may(void)
{
    int r = open_file(O_RDONLY), w, status;

    check_eq(fcntl(r, F_GETLEASE), F_UNLCK);
    check_err(fcntl(r, F_SETLEASE, F_UNLCK), EAGAIN);
    check_err(fcntl(r, F_SETLEASE, 77), EINVAL);
    check_ok(fcntl(r, F_SETLEASE, F_RDLCK));
    check_eq(fcntl(r, F_GETLEASE), F_RDLCK);
    check_ok(fcntl(r, F_SETLEASE, F_WRLCK)); /* nobody else has it open */
    check_eq(fcntl(r, F_GETLEASE), F_WRLCK);
    check_ok(fcntl(r, F_SETLEASE, F_RDLCK));
    int again = open_file(O_RDONLY); /* goes with a read lease */
    check_eq(fcntl(again, F_GETLEASE), F_UNLCK);
    check_err(fcntl(r, F_SETLEASE, F_WRLCK), EAGAIN);
    check_ok(fcntl(again, F_SETLEASE, F_RDLCK)); /* there may be several */
    check_err(fcntl(again, F_SETLEASE, F_WRLCK), EAGAIN);
    check_err(open("file", O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
    check_eq(told, 2);
    check_eq(fcntl(r, F_GETLEASE), F_UNLCK); /* what it is to become */
    check_err(fcntl(again, F_SETLEASE, F_WRLCK), EAGAIN);
    check_ok(fcntl(r, F_SETLEASE, F_UNLCK));
    close(again);
    w = open_file(O_RDWR | O_NONBLOCK); /* nothing stands in the way any more */
    check_err(fcntl(r, F_SETLEASE, F_RDLCK), EAGAIN);
    check_err(fcntl(w, F_SETLEASE, F_RDLCK), EAGAIN);
    check_err(fcntl(w, F_SETLEASE, F_WRLCK), EAGAIN);
    close(r);
    check_ok(fcntl(w, F_SETLEASE, F_WRLCK));
    check_err(fcntl(w, F_SETLEASE, F_RDLCK), EAGAIN);
    told = 0;
    check_err(open("file", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
    check_eq(told, 1);
    check_eq(last.si_fd, w);
    check_eq(last.si_code, POLL_MSG);
    check_eq(fcntl(w, F_GETLEASE), F_RDLCK);
    check_err(open("file", O_RDONLY | O_NONBLOCK), EWOULDBLOCK); /* it was asked already */
    check_eq(told, 1);
    close(w); /* ends it */
    close(open_file(O_RDWR | O_NONBLOCK));

    int d = check_ok(open(".", O_RDONLY));
    check_err(fcntl(d, F_SETLEASE, F_UNLCK), EINVAL);
    close(d);

    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        check_failures = 0;
        r = open_file(O_RDONLY);
        check_ok(syscall(SYS_setresuid, 1234, 1234, 1234));
        check_err(fcntl(r, F_SETLEASE, F_RDLCK), EACCES);
        exit(check_done());
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

static int opens_read(void)
{
    return open("file", O_RDONLY) < 0;
}

static int opens_write(void)
{
    return open("file", O_RDWR) < 0;
}

static int opens_new(void)
{
    struct stat st;
    int fd = open("file", O_WRONLY | O_CREAT | O_TRUNC, 0644);

    return fd < 0 || fstat(fd, &st) || st.st_size != 0;
}

static int truncates(void)
{
    return truncate("file", 1);
}

static int execs(void)
{
    execl("./file", "file", NULL);
    return errno != ENOEXEC && errno != EACCES; /* after the wait */
}

static int looks(void)
{
    struct stat st;

    return stat("file", &st) || access("file", R_OK) || chmod("file", 0744) ||
           open("file", O_PATH) < 0 || rename("file", "other") || rename("other", "file");
}

/* A child does fn while we hold a lease of this type: it waits until that is `to` (or, to -1, closed). */
static void holds(int flags, int type, int (*fn)(void), int to, int after)
{
    int status, fd = open_file(flags);

    check_ok(fcntl(fd, F_SETLEASE, type));
    told = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        close(fd);
        _exit(fn());
    }
    for (int i = 0; i < 5000 && !told; i++)
        child_nap(1);
    check_eq(told, 1);
    check_eq(last.si_fd, fd);
    check_eq(fcntl(fd, F_GETLEASE), after);
    child_nap(20);
    check_eq(waitpid(pid, &status, WNOHANG), 0);
    if (to >= 0)
        check_ok(fcntl(fd, F_SETLEASE, to));
    else
        close(fd);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    if (to >= 0) {
        check_eq(fcntl(fd, F_GETLEASE), to);
        close(fd);
    }
}

static void disturbs_nobody(void)
{
    int status, fd = open_file(O_RDONLY);

    check_ok(fcntl(fd, F_SETLEASE, F_WRLCK));
    told = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        _exit(looks());
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_eq(told, 0);
    close(fd);
}

/* Without a chosen signal it is SIGIO. */
static void by_sigio(void)
{
    int fd = (int)check_ok(open("file", O_RDONLY));

    check_ok(fcntl(fd, F_SETLEASE, F_RDLCK));
    check_eq(fcntl(fd, F_GETOWN), getpid());
    told = 0;
    check_err(open("file", O_WRONLY | O_NONBLOCK), EWOULDBLOCK);
    check_eq(told, 1);
    check_eq(last.si_signo, SIGIO);
    check_eq(last.si_code, SI_KERNEL);
    close(fd);
}

/* A lease is its description's: a child's descriptor keeps it, and the child may give it up. */
static void shared(void)
{
    int status, fd = open_file(O_RDONLY);

    check_ok(fcntl(fd, F_SETLEASE, F_RDLCK));
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        _exit(fcntl(fd, F_GETLEASE) != F_RDLCK || fcntl(fd, F_SETLEASE, F_UNLCK));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_eq(fcntl(fd, F_GETLEASE), F_UNLCK);
    close(fd);
}

/* Who waits for a lease is interrupted by a signal. */
static void interrupted(void)
{
    int status, fd = open_file(O_RDONLY);

    check_ok(fcntl(fd, F_SETLEASE, F_RDLCK));
    told = 0;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
        sigaction(SIGALRM, &act, NULL);
        ualarm(30000, 0);
        _exit(open("file", O_WRONLY) != -1 || errno != EINTR);
    }
    while (waitpid(pid, &status, 0) < 0)
        ;
    check_eq(status, 0);
    check_eq(told, 1);
    close(fd);
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART};

    sigaction(SIGIO, &act, NULL);
    sigaction(SIGRTMIN, &act, NULL);
    close(check_ok(open("file", O_RDWR | O_CREAT | O_EXCL, 0755)));
    check_eq(truncate("file", 10), 0);
    who_may();
    lists();
    holds(O_RDONLY, F_RDLCK, opens_write, F_UNLCK, F_UNLCK);
    holds(O_RDONLY, F_RDLCK, opens_write, -1, F_UNLCK);
    holds(O_RDONLY, F_WRLCK, opens_read, F_RDLCK, F_RDLCK);
    holds(O_RDONLY, F_WRLCK, opens_read, F_UNLCK, F_RDLCK);
    holds(O_RDWR, F_WRLCK, opens_read, F_UNLCK, F_RDLCK);
    holds(O_RDWR, F_WRLCK, opens_write, -1, F_UNLCK);
    holds(O_RDONLY, F_RDLCK, truncates, F_UNLCK, F_UNLCK);
    holds(O_RDONLY, F_RDLCK, opens_new, F_UNLCK, F_UNLCK);
    holds(O_RDONLY, F_WRLCK, execs, F_UNLCK, F_RDLCK);
    disturbs_nobody();
    by_sigio();
    shared();
    interrupted();
    return check_done();
}
