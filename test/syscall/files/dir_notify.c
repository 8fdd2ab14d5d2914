/* SPDX-License-Identifier: Apache-2.0 */
/* fcntl's F_NOTIFY: directories that tell of changes by signals, once or each time. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile int count_a, count_b, count_io;
static siginfo_t last;
static int a, b;

static void handler(int sig, siginfo_t *info, void *context)
{
    (void)context;
    if (sig == SIGRTMIN)
        count_a++;
    else if (sig == SIGRTMIN + 1)
        count_b++;
    else
        count_io++;
    last = *info;
}

static void expect_at(int want_a, int want_b, int line)
{
    if (count_a != want_a || count_b != want_b)
        printf("# line %d: got %d %d, want %d %d\n", line, count_a, count_b, want_a, want_b);
    check_report(count_a == want_a && count_b == want_b, "told", line);
    count_a = count_b = 0;
}
#define expect(x, y) expect_at(x, y, __LINE__)

static void ask(unsigned mask)
{
    check_ok(fcntl(a, F_NOTIFY, 0));
    check_ok(fcntl(b, F_NOTIFY, 0));
    check_ok(fcntl(a, F_NOTIFY, mask | DN_MULTISHOT));
    check_ok(fcntl(b, F_NOTIFY, mask | DN_MULTISHOT));
}

/* Does all that one may be told of; which of it was is in the masks by kind. */
static void events(unsigned mask)
{
    int access = mask & DN_ACCESS, modify = mask & DN_MODIFY, create = mask & DN_CREATE;
    int delete = mask & DN_DELETE, rename_ = mask & DN_RENAME, attrib = mask & DN_ATTRIB;
    char buf[1024];

    ask(mask);
    int f = check_ok(open("A/f", O_RDWR | O_CREAT, 0644));
    expect(!!create, 0);
    check_eq(write(f, "abc", 3), 3);
    expect(!!modify, 0);
    check_eq(pread(f, buf, 3, 0), 3);
    expect(!!access, 0);
    check_ok(fchmod(f, 0600));
    expect(!!attrib, 0);
    check_ok(ftruncate(f, 1));
    expect(!!modify, 0);
    close(f);
    expect(0, 0);
    check_ok(rename("A/f", "A/g"));
    expect(!!create + !!delete + !!rename_, 0);
    check_ok(rename("A/g", "B/g"));
    expect(!!delete, !!create);
    check_ok(link("B/g", "A/l"));
    count_b = 0; /* kernels differ in whether the other name's directory hears of the link count */
    expect(!!create, 0);
    check_ok(symlink("x", "A/s"));
    expect(!!create, 0);
    check_ok(mkdir("A/d", 0755));
    expect(!!create, 0);
    check_ok(rmdir("A/d"));
    expect(!!delete, 0);
    check_ok(unlink("A/s"));
    expect(!!delete, 0);
    check_ok(unlink("A/l"));
    count_b = 0;
    expect(!!delete, 0);
    check_ok(unlink("B/g"));
    expect(0, !!delete);
    int d = check_ok(open("A", O_RDONLY | O_DIRECTORY));
    check(syscall(SYS_getdents64, d, buf, sizeof(buf)) > 0);
    close(d);
    expect(!!access, 0);
    check_ok(chmod("A", 0700));
    expect(!!attrib, 0);
}

static void make(const char *name)
{
    close(check_ok(open(name, O_WRONLY | O_CREAT | O_EXCL, 0644)));
    check_ok(unlink(name));
}

/* Without DN_MULTISHOT it is once; asking again adds; closing any descriptor of it ends it. */
static void rules(void)
{
    check_ok(fcntl(a, F_NOTIFY, 0));
    check_ok(fcntl(b, F_NOTIFY, 0));
    check_ok(fcntl(a, F_NOTIFY, DN_CREATE | DN_DELETE));
    make("A/x");
    expect(1, 0);
    make("A/x");
    expect(0, 0);
    check_ok(fcntl(a, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
    check_ok(fcntl(a, F_NOTIFY, DN_DELETE));
    make("A/x");
    expect(2, 0);
    check_eq(last.si_fd, a);
    check_eq(last.si_code, POLL_MSG);
    check_eq(last.si_band, 0x441);
    int again = check_ok(dup(a));
    make("A/x");
    expect(2, 0);
    close(again);
    make("A/x");
    expect(0, 0);
    /* Without a chosen signal it is SIGIO. */
    check_ok(fcntl(b, F_SETSIG, 0));
    check_ok(fcntl(b, F_NOTIFY, DN_CREATE));
    make("B/x");
    check_eq(count_io, 1);
    check_ok(fcntl(b, F_SETSIG, SIGRTMIN + 1));
    /* The owner that was set is told. */
    check_eq(fcntl(a, F_GETOWN), getpid());
    int f = check_ok(open("f", O_RDWR | O_CREAT, 0644));
    check_err(fcntl(f, F_NOTIFY, DN_CREATE), ENOTDIR);
    check_ok(fcntl(f, F_NOTIFY, 0));
    close(f);
}

/* Another process is seen; it has no part in what is told, but its own descriptors. */
static void processes(void)
{
    int status;

    check_ok(fcntl(a, F_NOTIFY, DN_CREATE | DN_MULTISHOT));
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        int f = open("A/child", O_CREAT | O_WRONLY, 0644);
        close(a); /* the parent's request is for the parent's table */
        int g = open("A/child2", O_CREAT | O_WRONLY, 0644);
        _exit(f < 0 || g < 0 || count_a);
    }
    while (waitpid(pid, &status, 0) < 0)
        ;
    check_eq(status, 0);
    expect(2, 0);
    check_ok(unlink("A/child"));
    check_ok(unlink("A/child2"));
    close(a);
    make("A/y");
    expect(0, 0);
}

int main(void)
{
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    sigaction(SIGRTMIN, &act, NULL);
    sigaction(SIGRTMIN + 1, &act, NULL);
    sigaction(SIGIO, &act, NULL);
    check_ok(mkdir("A", 0755));
    check_ok(mkdir("B", 0755));
    a = check_ok(open("A", O_RDONLY));
    b = check_ok(open("B", O_RDONLY));
    check_ok(fcntl(a, F_SETSIG, SIGRTMIN));
    check_ok(fcntl(b, F_SETSIG, SIGRTMIN + 1));
    for (unsigned mask = DN_ACCESS; mask <= DN_ATTRIB; mask <<= 1)
        events(mask);
    events(DN_CREATE | DN_MODIFY | DN_ATTRIB);
    rules();
    processes();
    return check_done();
}
