/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new process shares with its parent, flag by flag: descriptors, directories and umask, signal
 * actions, memory.  What is not shared is a copy.  kcmp says the same; exec and unshare end it.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/epoll.h>
#include <sys/stat.h>

static int kcmp(pid_t a, pid_t b, int type, unsigned long x, unsigned long y)
{
    return (int)syscall(SYS_kcmp, a, b, type, x, y);
}

/* The two take turns: each waits until the other has set the step. */
static volatile int step;

static void step_to(int n)
{
    __atomic_store_n(&step, n, __ATOMIC_SEQ_CST);
}

static int wait_step(int n)
{
    for (int i = 0; i < 20000 && __atomic_load_n(&step, __ATOMIC_SEQ_CST) < n; i++)
        child_nap(1);
    return __atomic_load_n(&step, __ATOMIC_SEQ_CST) >= n;
}

static volatile int child_fd, child_handler;
static volatile unsigned child_mask;
static char child_dir[256], start_dir[256];

static void handler(int sig)
{
    (void)sig;
}

/* In memory that it shares with the parent, whatever else: changes what it has, and looks at the parent's changes. */
static int child_lives(void *arg)
{
    struct sigaction act = {.sa_handler = handler}, old;
    unsigned long set = 1UL << (SIGUSR1 - 1);

    (void)arg;
    child_fd = (int)syscall(SYS_open, ".", O_RDONLY, 0);
    syscall(SYS_dup2, child_fd, 200);
    syscall(SYS_chdir, "sub");
    syscall(SYS_umask, 0123);
    sigaction(SIGUSR2, &act, NULL);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
    step_to(1);
    if (!wait_step(2))
        return 1;
    child_mask = (unsigned)syscall(SYS_umask, 0);
    syscall(SYS_umask, child_mask);
    syscall(SYS_getcwd, child_dir, sizeof(child_dir));
    sigaction(SIGWINCH, NULL, &old);
    child_handler = old.sa_handler == handler;
    child_fd = (int)syscall(SYS_fcntl, 201, F_GETFD);
    step_to(3);
    return wait_step(4) ? 0 : 1;
}

static void expect_same(pid_t pid, int type, int same)
{
    int got = kcmp(getpid(), pid, type, 0, 0);

    if (same)
        check_eq(got, 0);
    else
        check(got == 1 || got == 2);
    if (got == 1 || got == 2)
        check_eq(kcmp(pid, getpid(), type, 0, 0), 3 - got);
}

static void test_flags(int flags)
{
    struct sigaction act = {.sa_handler = handler}, old = {0};
    int files = flags & CLONE_FILES, fs = flags & CLONE_FS, actions = flags & CLONE_SIGHAND;
    char dir[256];
    sigset_t set;
    int status;

    printf("flags:%s%s%s\n", files ? " files" : "", fs ? " fs" : "", actions ? " actions" : "");
    check_ok(chdir(start_dir));
    umask(022);
    signal(SIGUSR2, SIG_DFL);
    signal(SIGWINCH, SIG_DFL);
    close(200);
    close(201);
    step_to(0);
    pid_t pid = check_ok(child_clone(child_lives, NULL, CLONE_VM | SIGCHLD | flags));
    need(wait_step(1));
    check_eq(fcntl(200, F_GETFD), files ? 0 : -1);
    check_ok(!!getcwd(dir, sizeof(dir)) - 1);
    check_eq(strlen(dir) > 4 && !strcmp(dir + strlen(dir) - 4, "/sub"), !!fs);
    check_eq(umask(022), fs ? 0123 : 022);
    check_ok(sigaction(SIGUSR2, NULL, &old));
    check(old.sa_handler == (actions ? handler : SIG_DFL));
    check_ok(sigprocmask(SIG_BLOCK, NULL, &set)); /* never shared */
    check(!sigismember(&set, SIGUSR1));

    expect_same(pid, KCMP_VM, 1);
    expect_same(pid, KCMP_FILES, files);
    expect_same(pid, KCMP_FS, fs);
    expect_same(pid, KCMP_SIGHAND, actions);
    check_eq(kcmp(getpid(), pid, KCMP_FILE, 0, 0), 0);

    check_ok(dup2(0, 201));
    check_ok(chdir("/"));
    umask(077);
    check_ok(sigaction(SIGWINCH, &act, NULL));
    step_to(2);
    need(wait_step(3));
    check_eq(child_fd, files ? 0 : -1);
    check_eq(!strcmp(child_dir, "/"), !!fs);
    check_eq(child_mask, fs ? 077 : 0123);
    check_eq(child_handler, !!actions);
    step_to(4);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_ok(chdir(start_dir));
    umask(022);
}

/* unshare, by one of two that share. */
static int child_unshares(void *arg)
{
    int err = (int)syscall(SYS_unshare, CLONE_FILES | CLONE_FS);

    (void)arg;
    syscall(SYS_dup2, 0, 200);
    syscall(SYS_chdir, "/");
    step_to(1);
    return wait_step(2) ? err != 0 : 1;
}

static void test_unshare(void)
{
    char dir[256];
    int status;

    close(200);
    step_to(0);
    pid_t pid =
        check_ok(child_clone(child_unshares, NULL, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD));
    need(wait_step(1));
    check_err(fcntl(200, F_GETFD), EBADF);
    check(getcwd(dir, sizeof(dir)) && !strcmp(dir, start_dir));
    expect_same(pid, KCMP_FILES, 0);
    expect_same(pid, KCMP_FS, 0);
    step_to(2);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

/* The end of one is not the end of what the other has. */
static int child_ends(void *arg)
{
    syscall(SYS_dup2, 0, 200);
    return (int)(long)arg;
}

static void test_end(void)
{
    int status;

    close(200);
    pid_t pid = check_ok(child_clone(child_ends, (void *)7,
                                     CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | SIGCHLD));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(WEXITSTATUS(status), 7);
    check_eq(fcntl(200, F_GETFD), 0);
    close(200);
}

/* --- kcmp ---------------------------------------------------------------------------------- */

static void test_files(void)
{
    struct epoll_event e = {.events = EPOLLIN};
    int p[2], status;
    pid_t me = getpid();

    check_ok(pipe(p));
    int again = check_ok(dup(p[0]));
    check_eq(kcmp(me, me, KCMP_FILE, p[0], p[0]), 0);
    check_eq(kcmp(me, me, KCMP_FILE, p[0], again), 0);
    int way = kcmp(me, me, KCMP_FILE, p[0], p[1]);
    check(way == 1 || way == 2);
    check_eq(kcmp(me, me, KCMP_FILE, p[1], p[0]), 3 - way);
    check_eq(kcmp(me, me, KCMP_FILE, p[0], p[1]), way);
    check_err(kcmp(me, me, KCMP_FILE, p[0], 999), EBADF);
    check_err(kcmp(me, me, KCMP_FILE, 999, p[0]), EBADF);
    check_err(kcmp(me, me, KCMP_FILE, -1, p[0]), EBADF);

    int ep = check_ok(epoll_create1(0));
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
    struct kcmp_epoll_slot slot = {.efd = (unsigned)ep, .tfd = (unsigned)p[0]};
    check_eq(kcmp(me, me, KCMP_EPOLL_TFD, p[0], (unsigned long)&slot), 0);
    check_eq(kcmp(me, me, KCMP_EPOLL_TFD, again, (unsigned long)&slot), 0);
    check(kcmp(me, me, KCMP_EPOLL_TFD, p[1], (unsigned long)&slot) > 0);
    check_err(kcmp(me, me, KCMP_EPOLL_TFD, 999, (unsigned long)&slot), EBADF);
    check_err(kcmp(me, me, KCMP_EPOLL_TFD, p[0], 8), EFAULT);
    slot.toff = 1;
    check_err(kcmp(me, me, KCMP_EPOLL_TFD, p[0], (unsigned long)&slot), ENOENT);
    slot = (struct kcmp_epoll_slot){.efd = (unsigned)ep, .tfd = 999};
    check_err(kcmp(me, me, KCMP_EPOLL_TFD, p[0], (unsigned long)&slot), ENOENT);
    slot = (struct kcmp_epoll_slot){.efd = (unsigned)p[0], .tfd = (unsigned)p[0]};
    check_err(kcmp(me, me, KCMP_EPOLL_TFD, p[0], (unsigned long)&slot), EINVAL);

    /* fork: files are shared, nothing else is. */
    fflush(stdout);
    int stop[2];
    check_ok(pipe(stop));
    pid_t pid = fork();
    if (!pid) {
        char byte;
        close(stop[1]);
        _exit((int)read(stop[0], &byte, 1));
    }
    check_eq(kcmp(me, pid, KCMP_FILE, p[0], again), 0);
    for (int type = KCMP_VM; type <= KCMP_SIGHAND; type++)
        expect_same(pid, type, 0);
    check_eq(kcmp(me, pid, KCMP_SYSVSEM, 0, 0), 0); /* none has undos */
    close(stop[1]);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    close(stop[0]);
    close(ep);
    close(again);
    close(p[0]);
    close(p[1]);

    check_err(kcmp(me, me, KCMP_TYPES, 0, 0), EINVAL);
    check_err(kcmp(me, me, -1, 0, 0), EINVAL);
    check_err(kcmp(me, 0x3ffffff, KCMP_VM, 0, 0), ESRCH);
    check_err(kcmp(0, me, KCMP_VM, 0, 0), ESRCH);
}

static void test_rights(void)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();

    if (!pid) {
        check_failures = 0;
        check_ok(syscall(SYS_setresgid, 1234, 1234, 1234));
        check_ok(syscall(SYS_setresuid, 1234, 1234, 1234));
        check_err(kcmp(getpid(), getppid(), KCMP_VM, 0, 0), EPERM);
        check_eq(kcmp(getpid(), getpid(), KCMP_VM, 0, 0), 0);
        exit(check_done());
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

int main(void)
{
    static const int all[] = {0,
                              CLONE_FILES,
                              CLONE_FS,
                              CLONE_SIGHAND,
                              CLONE_FILES | CLONE_FS,
                              CLONE_FILES | CLONE_FS | CLONE_SIGHAND};

    check_ok(mkdir("sub", 0755));
    need(getcwd(start_dir, sizeof(start_dir)));
    for (unsigned i = 0; i < sizeof(all) / sizeof(*all); i++)
        test_flags(all[i]);
    test_unshare();
    test_end();
    test_files();
    test_rights();
    return check_done();
}
