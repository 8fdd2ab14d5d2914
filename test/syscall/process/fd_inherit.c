/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of open files a child has: over fork, vfork, posix_spawn and exec. Descriptors are copied, what
 * they refer to is shared: positions, flags, flock's locks, epoll sets, timers. Record locks are the
 * process's: fork gives none, exec keeps them. close_range with all its flags.
 */
#include "check.h"
#include "child.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#ifndef F_OFD_SETLK
#define F_OFD_SETLK 37
#endif

static int is_open(int fd)
{
    return fcntl(fd, F_GETFD) != -1;
}

static int readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1 && p.revents & POLLIN;
}

/* Runs fn in a child; its failures are ours. */
static void in_child(void (*fn)(void))
{
    int status;
    fflush(stdout);
    pid_t pid = fork();

    if (!pid) {
        check_failures = 0;
        fn();
        exit(check_done());
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

/* This program again, as the part `what`, with numbers for it. */
static char *arguments[10], texts[6][12];

static void set_arguments(char *what, int a, int b, int c, int d)
{
    int n[] = {a, b, c, d};

    arguments[0] = "fd_inherit";
    arguments[1] = what;
    for (int i = 0; i < 4; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%d", n[i]);
        arguments[2 + i] = texts[i];
    }
}

static void run_part(void)
{
    execv("/proc/self/exe", arguments);
    check(!"exec");
}

/* --- fork ---------------------------------------------------------------------------------- */

static int file, other, extra;

static void child_uses_file(void)
{
    check_eq(lseek(file, 0, SEEK_CUR), 3);
    check_eq(write(file, "defg", 4), 4);
    check_ok(fcntl(file, F_SETFL, O_APPEND));
    check_eq(fcntl(file, F_GETFD), 0);
    check_ok(fcntl(file, F_SETFD, FD_CLOEXEC));
    check_eq(fcntl(other, F_GETFD), FD_CLOEXEC);
    check_ok(fcntl(other, F_SETFD, 0));
    extra = check_ok(fcntl(file, F_DUPFD, 100));
    check_eq(extra, 100);
    check_ok(close(other));
}

static void test_fork(void)
{
    file = check_ok(open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
    other = check_ok(open("f", O_RDONLY | O_CLOEXEC));
    check_eq(write(file, "abc", 3), 3);
    in_child(child_uses_file);
    check_eq(lseek(file, 0, SEEK_CUR), 7);
    check_eq(fcntl(file, F_GETFL) & O_APPEND, O_APPEND);
    check_eq(fcntl(file, F_GETFD), 0);
    check_eq(fcntl(other, F_GETFD), FD_CLOEXEC);
    check(!is_open(100));
    close(file);
    close(other);
}

static void child_reads_directory(void)
{
    char buf[1024];

    check(syscall(SYS_getdents64, file, buf, sizeof(buf)) > 0);
    check_eq(syscall(SYS_getdents64, file, buf, sizeof(buf)), 0);
}

static void test_directory(void)
{
    char buf[1024];

    file = check_ok(open(".", O_RDONLY | O_DIRECTORY));
    in_child(child_reads_directory);
    check_eq(syscall(SYS_getdents64, file, buf, sizeof(buf)), 0);
    close(file);
}

/* --- locks --------------------------------------------------------------------------------- */

static int record_lock(int fd, int cmd, short type)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_len = 10};

    return fcntl(fd, cmd, &l);
}

static int own_file;

static void child_has_no_lock(void)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};

    check_err(record_lock(file, F_SETLK, F_RDLCK), EAGAIN);
    check_ok(fcntl(file, F_GETLK, &l));
    check_eq(l.l_pid, getppid());
    check_ok(record_lock(file, F_SETLK, F_UNLCK)); /* has none: nothing happens */
    close(open("f", O_RDONLY));
    close(file);
}

static void child_has_description_locks(void)
{
    /* By the inherited description it is its own, by another one it is not. */
    check_ok(record_lock(file, F_OFD_SETLK, F_WRLCK));
    check_ok(flock(other, LOCK_EX | LOCK_NB));
    own_file = check_ok(open("f", O_RDWR));
    check_err(record_lock(own_file, F_OFD_SETLK, F_RDLCK), EAGAIN);
    check_err(flock(own_file, LOCK_SH | LOCK_NB), EAGAIN);
    close(file);
    close(other);
    check_err(record_lock(own_file, F_OFD_SETLK, F_RDLCK), EAGAIN);
    check_err(flock(own_file, LOCK_SH | LOCK_NB), EAGAIN);
}

static void child_unlocks(void)
{
    check_ok(record_lock(file, F_OFD_SETLK, F_UNLCK));
    check_ok(flock(other, LOCK_UN));
}

static void part_locks(int a, int b)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};

    check_ok(record_lock(a, F_SETLK, F_WRLCK)); /* ours still */
    file = a;
    other = b;
    in_child(child_has_no_lock);
    check_ok(fcntl(a, F_GETLK, &l));
    check_eq(l.l_type, F_UNLCK);
    own_file = check_ok(open("g", O_RDWR));
    check_err(flock(own_file, LOCK_SH | LOCK_NB), EAGAIN);
    check_ok(flock(b, LOCK_UN));
    check_ok(flock(own_file, LOCK_SH | LOCK_NB));
}

static void exec_with_locks(void)
{
    file = check_ok(open("f", O_RDWR));
    other = check_ok(open("g", O_RDWR | O_CREAT, 0644));
    check_ok(record_lock(file, F_SETLK, F_WRLCK));
    check_ok(flock(other, LOCK_EX));
    set_arguments("locks", file, other, 0, 0);
    run_part();
}

static void test_locks(void)
{
    file = check_ok(open("f", O_RDWR));
    check_ok(record_lock(file, F_SETLK, F_WRLCK));
    in_child(child_has_no_lock);
    in_child(child_has_no_lock); /* and the first took nothing away */
    check_ok(record_lock(file, F_SETLK, F_UNLCK));

    other = check_ok(open("f", O_RDWR));
    check_ok(record_lock(file, F_OFD_SETLK, F_WRLCK));
    check_ok(flock(other, LOCK_EX));
    in_child(child_has_description_locks);
    in_child(child_unlocks);
    own_file = check_ok(open("f", O_RDWR));
    check_ok(record_lock(own_file, F_OFD_SETLK, F_WRLCK));
    check_ok(flock(own_file, LOCK_EX | LOCK_NB));
    close(own_file);
    close(file);
    close(other);
    in_child(exec_with_locks);
}

/* --- what can be waited for ---------------------------------------------------------------- */

static int ep, pipes[2], more[2];

static int ready(int set, int want_data)
{
    struct epoll_event e = {.data.u64 = 0};
    int n = epoll_wait(set, &e, 1, 0);

    if (n == 1)
        check_eq(e.data.u64, want_data);
    return n;
}

static void child_changes_set(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 2};

    check_eq(ready(ep, 1), 1);
    check_ok(epoll_ctl(ep, EPOLL_CTL_DEL, pipes[0], NULL));
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, more[0], &e));
    check_eq(write(more[1], "x", 1), 1);
}

static int stop_pipe[2];

/* A set that knows a description which only a child has open still says so. */
static void test_epoll(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 1};
    char byte;
    int status;

    ep = check_ok(epoll_create1(EPOLL_CLOEXEC));
    check_ok(pipe(pipes));
    check_ok(pipe(more));
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &e));
    check_eq(write(pipes[1], "x", 1), 1);
    in_child(child_changes_set);
    check_eq(ready(ep, 2), 1);
    check_err(epoll_ctl(ep, EPOLL_CTL_DEL, pipes[0], NULL), ENOENT);

    check_ok(pipe(stop_pipe));
    pid_t pid = fork();
    if (!pid) {
        close(stop_pipe[1]);
        _exit((int)read(stop_pipe[0], &byte, 1));
    }
    close(more[0]);
    check_eq(ready(ep, 2), 1);
    close(stop_pipe[1]);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_eq(ready(ep, 2), 0);
    close(stop_pipe[0]);
    close(ep);
    close(pipes[0]);
    close(pipes[1]);
    close(more[1]);
}

static int sigfd, timer, counter, watch;

static void child_uses_events(void)
{
    uint64_t n = 0;
    struct signalfd_siginfo info;
    char buf[256];

    /* A signalfd tells a reader of the reader's signals: the parent's is not there. */
    check(!readable(sigfd));
    check_err(read(sigfd, &info, sizeof(info)), EAGAIN);
    check_ok(kill(getpid(), SIGUSR2));
    check(readable(sigfd));
    check_eq(read(sigfd, &info, sizeof(info)), (long)sizeof(info));
    check_eq(info.ssi_signo, SIGUSR2);
    check_eq(info.ssi_pid, getpid());

    check(readable(timer));
    check_eq(read(timer, &n, 8), 8);
    check_eq(n, 1);
    check_eq(read(counter, &n, 8), 8);
    check_eq(n, 7);
    n = 9;
    check_eq(write(counter, &n, 8), 8);
    check(read(watch, buf, sizeof(buf)) > 0);
}

static void test_events(void)
{
    struct signalfd_siginfo info;
    struct itimerspec t = {.it_value = {.tv_nsec = 1}};
    sigset_t set, old;
    uint64_t n = 7;
    char buf[256];

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, &old);
    sigfd = check_ok(signalfd(-1, &set, SFD_NONBLOCK));
    timer = check_ok(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    counter = check_ok(eventfd(0, EFD_NONBLOCK));
    watch = check_ok(inotify_init1(IN_NONBLOCK));
    check_ok(inotify_add_watch(watch, ".", IN_CREATE));
    check_ok(kill(getpid(), SIGUSR1));
    check_ok(timerfd_settime(timer, 0, &t, NULL));
    child_nap(2);
    check_eq(write(counter, &n, 8), 8);
    close(check_ok(open("h", O_CREAT | O_EXCL | O_WRONLY, 0644)));
    in_child(child_uses_events);
    check_eq(read(sigfd, &info, sizeof(info)), (long)sizeof(info));
    check_eq(info.ssi_signo, SIGUSR1);
    check_err(read(sigfd, &info, sizeof(info)), EAGAIN);
    check_err(read(timer, &n, 8), EAGAIN);
    check_eq(read(counter, &n, 8), 8);
    check_eq(n, 9);
    check_err(read(watch, buf, sizeof(buf)), EAGAIN);
    close(sigfd);
    close(timer);
    close(counter);
    close(watch);
    sigprocmask(SIG_SETMASK, &old, NULL);
}

/* --- exec ---------------------------------------------------------------------------------- */

static void part_exec(int a, int b, int set, int t)
{
    struct itimerspec left;
    uint64_t n;

    check_eq(lseek(a, 0, SEEK_CUR), 5);
    check_eq(fcntl(a, F_GETFL) & O_APPEND, O_APPEND);
    check_eq(fcntl(a, F_GETFD), 0);
    check(!is_open(b));
    check_eq(ready(set, 1), 1);
    check_ok(timerfd_gettime(t, &left));
    check(left.it_value.tv_sec > 900);
    check_ok(timerfd_settime(t, 0, &(struct itimerspec){.it_value = {.tv_nsec = 1}}, NULL));
    check_eq(read(t, &n, 8), 8);
}

static void exec_with_files(void)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = 1};

    file = check_ok(open("f", O_RDWR | O_APPEND));
    check_eq(lseek(file, 5, SEEK_SET), 5);
    other = check_ok(open("f", O_RDWR | O_CLOEXEC));
    ep = check_ok(epoll_create1(0));
    check_ok(
        pipe2(pipes, O_CLOEXEC)); /* closed by exec: but the set watches it while a child has it */
    check_ok(pipe(more));
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[0], &e));
    e.data.u64 = 1;
    check_ok(epoll_ctl(ep, EPOLL_CTL_ADD, more[0], &e));
    check_eq(write(pipes[1], "x", 1), 1);
    check_eq(write(more[1], "x", 1), 1);
    timer = check_ok(timerfd_create(CLOCK_MONOTONIC, 0));
    check_ok(timerfd_settime(timer, 0, &(struct itimerspec){.it_value = {.tv_sec = 1000}}, NULL));
    set_arguments("exec", file, other, ep, timer);
    run_part();
}

static int beside(void *arg)
{
    (void)arg;
    execv("/proc/self/exe", arguments);
    return 1;
}

/* Shared descriptors are its own when a program starts: the other has all that it had. */
static void test_exec_shared(void)
{
    int status;

    file = check_ok(open("f", O_RDWR | O_CLOEXEC));
    other = check_ok(open("f", O_RDWR));
    set_arguments("closes", file, other, 0, 0);
    pid_t pid = check_ok(child_clone(beside, NULL, CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_eq(fcntl(file, F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(other, F_GETFD), 0);
    close(file);
    close(other);
}

/* --- vfork, posix_spawn -------------------------------------------------------------------- */

static int vfork_child(void *arg)
{
    (void)arg;
    syscall(SYS_close, file);
    syscall(SYS_dup2, other, 90);
    syscall(SYS_fcntl, other, F_SETFD, FD_CLOEXEC);
    return (int)syscall(SYS_lseek, other, 4, SEEK_SET) != 4;
}

static void test_vfork(void)
{
    int status;

    file = check_ok(open("f", O_RDWR));
    other = check_ok(open("f", O_RDWR));
    pid_t pid = check_ok(child_clone(vfork_child, NULL, CLONE_VM | CLONE_VFORK | SIGCHLD));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check(is_open(file));
    check(!is_open(90));
    check_eq(fcntl(other, F_GETFD), 0);
    check_eq(lseek(other, 0, SEEK_CUR), 4);
    close(file);
    close(other);
}

static void part_spawned(int a, int b, int c)
{
    char buf[4];

    check(!is_open(a));
    check(!is_open(b));
    check_eq(read(c, buf, 4), 4);
    check_eq(fcntl(70, F_GETFD), 0);
    check_eq(lseek(70, 0, SEEK_CUR), 2);
    for (int fd = 71; fd < 80; fd++)
        check(!is_open(fd));
    check_eq(write(70, "z", 1), 1);
}

static void test_spawn(void)
{
    posix_spawn_file_actions_t act;
    int status;
    pid_t pid;

    file = check_ok(open("f", O_RDWR));
    check_eq(lseek(file, 2, SEEK_SET), 2);
    other = check_ok(open("f", O_RDWR | O_CLOEXEC));
    check_ok(dup2(file, 75));
    extra = check_ok(open("f", O_RDWR));
    posix_spawn_file_actions_init(&act);
    posix_spawn_file_actions_addclose(&act, extra);
    posix_spawn_file_actions_addopen(&act, 60, "f", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&act, file, 70);
    posix_spawn_file_actions_adddup2(&act, 70, 70); /* takes FD_CLOEXEC away */
    posix_spawn_file_actions_addclosefrom_np(&act, 71);
    set_arguments("spawned", extra, other, 60, 0);
    fflush(stdout);
    check_eq(posix_spawn(&pid, "/proc/self/exe", &act, NULL, arguments, NULL), 0);
    posix_spawn_file_actions_destroy(&act);
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
    check_eq(lseek(file, 0, SEEK_CUR), 3);
    check(is_open(75));
    check(is_open(extra));
    check(!is_open(70));
    check(!is_open(60));
    close(75);
    close(extra);
    close(file);
    close(other);
}

/* --- close_range --------------------------------------------------------------------------- */

static int range(unsigned first, unsigned last, unsigned flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

static void fill(void)
{
    for (int fd = 50; fd < 60; fd++)
        dup2(file, fd);
}

static int count(int want_flags)
{
    int n = 0;

    for (int fd = 50; fd < 60; fd++)
        n += fcntl(fd, F_GETFD) == want_flags;
    return n;
}

static volatile unsigned range_flags;
static volatile int range_result, seen_open;

static int range_child(void *arg)
{
    (void)arg;
    range_result = range(52, 55, range_flags);
    seen_open = 0;
    for (int fd = 50; fd < 60; fd++)
        seen_open += syscall(SYS_fcntl, fd, F_GETFD) == 0;
    return 0;
}

/* A child that shares the descriptors; how many of the ten it then has without FD_CLOEXEC. */
static int shared_range(unsigned flags)
{
    int status;

    fill();
    range_flags = flags;
    pid_t pid = check_ok(child_clone(range_child, NULL, CLONE_VM | CLONE_FILES | SIGCHLD));
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(range_result, 0);
    return seen_open;
}

static void test_close_range(void)
{
    file = check_ok(open("f", O_RDWR));
    fill();
    check_ok(range(52, 55, 0));
    check_eq(count(0), 6);
    check_ok(range(52, 55, 0)); /* nothing there */
    check_ok(range(50, 50, CLOSE_RANGE_CLOEXEC));
    check_eq(count(FD_CLOEXEC), 1);
    check_eq(count(0), 5);
    check_err(range(55, 52, 0), EINVAL);
    check_err(range(50, 52, 1), EINVAL);
    check_err(range(50, 52, 8), EINVAL);
    fill();
    check_ok(range(50, ~0U, CLOSE_RANGE_CLOEXEC));
    check_eq(count(FD_CLOEXEC), 10);
    check_ok(range(50, ~0U, CLOSE_RANGE_UNSHARE));
    check_eq(count(0) + count(FD_CLOEXEC), 0);
    check_ok(range(1U << 30, ~0U, 0));

    check_eq(shared_range(0), 6);
    check_eq(count(0), 6);
    check_eq(shared_range(CLOSE_RANGE_CLOEXEC), 6);
    check_eq(count(FD_CLOEXEC), 4);
    check_eq(shared_range(CLOSE_RANGE_UNSHARE), 6);
    check_eq(count(0), 10);
    check_eq(shared_range(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC), 6);
    check_eq(count(0), 10);
    check_ok(range(50, 59, 0));
    close(file);
}

int main(int argc, char **argv)
{
    int n[4] = {0};

    for (int i = 0; i < 4 && argc == 6; i++)
        n[i] = atoi(argv[2 + i]);
    if (argc == 6 && !strcmp(argv[1], "locks")) {
        part_locks(n[0], n[1]);
    } else if (argc == 6 && !strcmp(argv[1], "exec")) {
        part_exec(n[0], n[1], n[2], n[3]);
    } else if (argc == 6 && !strcmp(argv[1], "closes")) {
        check(!is_open(n[0]));
        check(is_open(n[1]));
    } else if (argc == 6 && !strcmp(argv[1], "spawned")) {
        part_spawned(n[0], n[1], n[2]);
    } else {
        test_fork();
        test_directory();
        test_locks();
        test_epoll();
        test_events();
        in_child(exec_with_files);
        test_exec_shared();
        test_vfork();
        test_spawn();
        test_close_range();
    }
    return check_done();
}
