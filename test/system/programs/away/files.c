/* SPDX-License-Identifier: Apache-2.0 */
/* Files, pipes and sockets of a process that is away: the base has them. */
#define _GNU_SOURCE
#include "away.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)

static void one_file(void)
{
    char a[300], b[5000], c[9000];
    struct stat st;
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    struct iovec v[3] = {{a, sizeof(a)}, {b, sizeof(b)}, {c, sizeof(c)}};

    fill(a, sizeof(a), 1);
    fill(b, sizeof(b), 2);
    fill(c, sizeof(c), 3);
    say("write %zd %zd", write(fd, b, sizeof(b)), writev(fd, v, 3));
    say("pwrite %zd %zd", pwrite(fd, a, 100, 50), pwritev(fd, v, 3, 20000));
    say("seek %ld %ld", (long)lseek(fd, -100, SEEK_END), (long)lseek(fd, 10, SEEK_SET));
    memset(a, 0, sizeof(a));
    memset(b, 0, sizeof(b));
    say("readv %zd %08x %08x %08x", readv(fd, v, 3), sum(a, sizeof(a)), sum(b, sizeof(b)),
        sum(c, sizeof(c)));
    say("pread %zd %08x", pread(fd, c, sizeof(c), 30000), sum(c, sizeof(c)));
    say("preadv %zd %08x", preadv(fd, v, 2, 1), sum(b, sizeof(b)));
    say("truncate %d %d", ftruncate(fd, 1234), fstat(fd, &st));
    say("stat %ld %o %lu", (long)st.st_size, st.st_mode, (unsigned long)st.st_nlink);
    say("end %zd %zd", pread(fd, a, 10, 1234), pread(fd, a, 100, 1200));
    say("extend %d %zd %d", ftruncate(fd, 5000), pread(fd, b, 5000, 0), b[4999]);
    say("flags %x %x", fcntl(fd, F_GETFL) & ~0x8000, fcntl(fd, F_GETFD));
    say("append %d %zd %ld", fcntl(fd, F_SETFL, O_APPEND), write(fd, a, 10),
        (long)lseek(fd, 0, SEEK_CUR));
    int other = dup(fd);
    say("dup %ld %d", (long)lseek(other, 0, SEEK_CUR), flock(fd, LOCK_EX));
    say("sync %d %d", fsync(fd), close(other));
    int copy = open("copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t from = 100;
    say("sendfile %zd %ld", sendfile(copy, fd, &from, 3000), (long)from);
    say("copy %08x", (unsigned)(pread(copy, c, 3000, 0) + sum(c, 3000)));
    say("close %d %d %s", close(fd), close(fd), strerror(errno));
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void folders(void)
{
    struct dirent **list;
    struct stat st;
    char name[64], target[64] = "";

    say("mkdir %d %d %s", mkdir("d", 0755), mkdir("d", 0755), strerror(errno));
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "d/file number %d", i);
        close(open(name, O_CREAT | O_WRONLY, 0600));
    }
    int n = scandir("d", &list, NULL, by_name);
    say("getdents %d %s %s", n, list[2]->d_name, list[n - 1]->d_name);
    say("rename %d %d", rename("d/file number 7", "d/other"), access("d/file number 7", F_OK));
    say("link %d %d", link("d/other", "d/third"), stat("d/third", &st));
    say("links %lu", (unsigned long)st.st_nlink);
    say("symlink %d %zd %s", symlink("other", "d/soft"), readlink("d/soft", target, 63), target);
    say("lstat %d %d", lstat("d/soft", &st), S_ISLNK(st.st_mode));
    say("rmdir %d %s", rmdir("d"), strerror(errno));
    say("chmod %d %d %o", chmod("d/other", 0444), stat("d/other", &st), st.st_mode);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "d/file number %d", i);
        unlink(name);
    }
    say("unlink %d %d %d %d", unlink("d/other"), unlink("d/third"), unlink("d/soft"), rmdir("d"));
    say("cwd %d %d %s", mkdir("e", 0755), chdir("e"), getcwd(name, 64) ? strrchr(name, '/') : "");
    say("back %d %d", chdir(".."), rmdir("e"));
    say("umask %o %o", umask(027), umask(022));
}

/* All of several MB, in pieces of any size. */
static uint32_t take_all(int fd, size_t *total)
{
    char *buf = malloc(MIB);
    uint32_t h = 0;
    ssize_t n;

    for (size_t want = 1; (n = read(fd, buf, want % MIB + 1)) > 0; want = want * 3 + 1) {
        for (ssize_t i = 0; i < n; i++)
            h = h * 31 + (unsigned char)buf[i];
        *total += (size_t)n;
    }
    free(buf);
    return h;
}

static void big_data(void)
{
    size_t n = 5 * MIB + 123, got = 0;
    char *data = malloc(n),
         *again = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int pipes[2], fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);

    fill(data, n, 4);
    say("write %zd", write(fd, data, n));
    say("read %zd %d", pread(fd, again, n, 0), !memcmp(data, again, n));
    madvise(again, n, MADV_DONTNEED);
    say("read again %zd %d", pread(fd, again + 1, n - 1, 1), !memcmp(data + 1, again + 1, n - 1));
    unlink("big");
    if (pipe(pipes))
        return;
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[1]);
        go_away();
        uint32_t h = take_all(pipes[0], &got);
        say("taken %zu %08x", got, h);
        _exit(0);
    }
    close(pipes[0]);
    go_away();
    say("given %zd", write(pipes[1], data, n));
    close(pipes[1]);
    say_end("reader", pid);
}

static void readiness(void)
{
    int a[2], b[2], e = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x123456789abcdef0}, got[4];
    struct timeval soon = {.tv_usec = 1000}, late = {.tv_sec = 20};
    fd_set set;
    char c;

    if (pipe(a) || pipe(b))
        return;
    struct pollfd p[2] = {{a[0], POLLIN, 0}, {b[1], POLLOUT, 0}};
    FD_ZERO(&set);
    FD_SET(a[0], &set);
    say("poll %d %x %x", poll(p, 2, 0), p[0].revents, p[1].revents);
    say("none %d %d", poll(p, 1, 1), select(a[0] + 1, &set, NULL, NULL, &soon));
    say("epoll %d %d", epoll_ctl(e, EPOLL_CTL_ADD, a[0], &event), epoll_wait(e, got, 4, 1));
    pid_t pid = fork();
    if (pid == 0) {
        go_away();
        for (int i = 0; i < 3; i++) {
            say("child reads %zd", read(b[0], &c, 1));
            usleep(2000);
            say("child writes %zd", write(a[1], "xy", 2));
        }
        _exit(0);
    }
    go_away();
    say("give %zd", write(b[1], "1", 1));
    say("poll %d %x", poll(p, 1, 20000), p[0].revents);
    say("take %zd %zd %zd", read(a[0], &c, 1), read(a[0], &c, 1), write(b[1], "1", 1));
    FD_SET(a[0], &set);
    say("select %d %d", select(a[0] + 1, &set, NULL, NULL, &late), FD_ISSET(a[0], &set));
    say("take %zd %zd %zd", read(a[0], &c, 1), read(a[0], &c, 1), write(b[1], "1", 1));
    say("epoll %d %d", epoll_wait(e, got, 4, 20000), got[0].data.u64 == event.data.u64);
    say_end("child", pid);
    int fd = eventfd(0, EFD_NONBLOCK);
    uint64_t n = 5;
    say("eventfd %zd %zd %lu", write(fd, &n, 8), read(fd, &n, 8), n);
    say("empty %zd %s", read(fd, &n, 8), strerror(errno));
    struct itimerspec when = {.it_value = {.tv_nsec = 1000000}};
    fd = timerfd_create(CLOCK_MONOTONIC, 0);
    say("timerfd %d %zd %lu", timerfd_settime(fd, 0, &when, NULL), read(fd, &n, 8), n);
}

/* A descriptor and text, over a socket. */
static ssize_t pass(int s, int fd, const char *text)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } u = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                    .cmsg_level = SOL_SOCKET,
                    .cmsg_type = SCM_RIGHTS}};
    struct iovec v = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};

    memcpy(CMSG_DATA(&u.head), &fd, sizeof(fd));
    return sendmsg(s, &m, 0);
}

static int passed(int s, char *text, size_t n)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } u;
    struct iovec v = {text, n};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};
    int fd = -1;

    if (recvmsg(s, &m, 0) > 0 && m.msg_controllen >= CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
    return fd;
}

static void pairs(void)
{
    int s[2], on = 1;
    char text[64] = "", more[64] = "";
    socklen_t len = sizeof(on);

    say("pair %d", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
    pid_t pid = fork();
    if (pid == 0) {
        close(s[0]);
        go_away();
        int fd = passed(s[1], text, sizeof(text) - 1);
        say("passed %s %zd", text, pread(fd, more, 5, 0));
        say("text %s", more);
        say("send %zd", send(s[1], "answer", 6, 0));
        _exit(0);
    }
    close(s[1]);
    go_away();
    int fd = open("/etc/passwd", O_RDONLY);
    say("pass %zd", pass(s[0], fd, "a file"));
    say("receive %zd %s", recv(s[0], text, sizeof(text), 0), text);
    say_end("child", pid);
    say("end %zd", recv(s[0], text, sizeof(text), 0));
    say("pipe %zd %s", send(s[0], "x", 1, MSG_NOSIGNAL), strerror(errno));
    say("option %d %d", getsockopt(s[0], SOL_SOCKET, SO_TYPE, &on, &len), on);
}

static void unix_sockets(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "socket"}, b;
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    socklen_t len = sizeof(b);
    char text[64] = "";

    unlink("socket");
    say("listen %d %d", bind(s, (struct sockaddr *)&a, sizeof(a)), listen(s, 5));
    pid_t pid = fork();
    if (pid == 0) {
        int c = socket(AF_UNIX, SOCK_STREAM, 0);
        go_away();
        say("connect %d %zd", connect(c, (struct sockaddr *)&a, sizeof(a)), write(c, "hello", 5));
        say("shutdown %d", shutdown(c, SHUT_WR));
        say("answer %zd %s", read(c, text, sizeof(text)), text);
        _exit(0);
    }
    go_away();
    int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
    say("accept %d", c >= 0);
    say("read %zd %s", recv(c, text, sizeof(text), MSG_WAITALL), text);
    say("name %d %s", getsockname(c, (struct sockaddr *)&b, &len), b.sun_path);
    say("write %zd", write(c, "and you", 7));
    say_end("child", pid);
    close(c);
    unlink("socket");
}

/* What realpath(3) asks of each part of a path, again and again. */
static void ask(const char *when, const char *path)
{
    char text[64] = "";

    for (int i = 0; i < 3; i++)
        say("%s %zd %s", when, readlink(path, text, sizeof(text) - 1), strerror(errno));
    errno = 0;
}

/* Answers about names change when names do, whoever changes them. */
static void names(void)
{
    char path[4096 + 8], byte = 'x';
    int to[2], from[2];

    if (!getcwd(path, 4096) || pipe(to) || pipe(from))
        _exit(1);
    strcat(path, "/d");
    say("mkdir %d", mkdir(path, 0755));
    ask("a folder", path);
    say("rmdir %d", rmdir(path));
    ask("nothing", path);
    say("symlink %d", symlink("elsewhere", path));
    ask("a link", path);
    say("unlink %d mkdir %d", unlink(path), mkdir(path, 0755));
    ask("a folder again", path);
    say("rename %d", rename(path, "e"));
    ask("moved", path);
    say("back %d", rename("e", path));
    pid_t pid = fork();
    if (pid == 0) {
        say("told %zd", read(to[0], &byte, 1));
        say("gone %d", rmdir(path));
        say("tell %zd", write(from[1], &byte, 1));
        _exit(0);
    }
    go_away();
    ask("before", path);
    say("ask for it %zd %zd", write(to[1], &byte, 1), read(from[0], &byte, 1));
    ask("after", path);
    say_end("child", pid);
}

static int open_read(const char *name)
{
    return open(name, O_RDONLY | O_CLOEXEC);
}

/* The next n bytes, and where the file is then. */
static void next(int fd, size_t n)
{
    static char data[200000];
    ssize_t got = read(fd, data, n);

    say("%zu: %zd %08x at %ld", n, got, got > 0 ? sum(data, (size_t)got) : 0,
        (long)lseek(fd, 0, SEEK_CUR));
}

static void make_file(const char *name, size_t n)
{
    static char data[200000];
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    fill(data, n, (unsigned)n);
    say("%s %zd %d", name, write(fd, data, n), close(fd));
}

/* Reads without a call in between, of which the base hears afterwards. */
static void in_a_row(const char *name, size_t a, size_t b)
{
    static char data[2][200000];
    struct stat st, other;
    int fd = open_read(name);
    int same = !fstat(fd, &st) && !fstatat(fd, "", &other, AT_EMPTY_PATH) &&
               !memcmp(&st, &other, sizeof(st));
    ssize_t first = read(fd, data[0], a), second = read(fd, data[1], b),
            third = read(fd, data[0], 0);

    say("%s %d %ld %o", name, same, (long)st.st_size, st.st_mode);
    say("read %zd %08x %zd %08x %zd", first, sum(data[0], (size_t)first), second,
        sum(data[1], (size_t)second), third);
    say("at %ld", (long)lseek(fd, 0, SEEK_CUR));
    next(fd, 50);
    say("close %d %d %s", close(fd), close(fd), strerror(errno));
    errno = 0;
}

/* What a file holds that was just opened, as others change it and the descriptor. */
static void opened(void)
{
    char data[64] = "", *volatile nowhere = (char *)8;

    make_file("small", 1000);
    make_file("large", 150000);
    make_file("none", 0);
    for (int i = 0; i < 2; i++) {
        in_a_row("small", 300, 400);
        in_a_row("small", 1000, 1000);
        in_a_row("large", 70000, 100000);
        in_a_row("none", 10, 10);
    }
    for (int i = 0; i < 5; i++)
        say("for nothing %d", close(open_read("small")));
    in_a_row("small", 10, 20);

    int fd = open_read("small"), w = open("small", O_WRONLY | O_CLOEXEC);
    say("change %zd", pwrite(w, "changed", 7, 20));
    say("read %zd %08x", read(fd, data, 60), sum(data, 60));
    close(fd);
    fd = open_read("small");
    say("read %zd", read(fd, data, 10));
    say("change %zd cut %d", pwrite(w, "again", 5, 12), ftruncate(w, 40));
    next(fd, 20);
    next(fd, 20);
    close(w);
    int same = dup(fd);
    say("dup %ld %d", (long)lseek(same, 0, SEEK_CUR), close(same));
    close(fd);

    fd = open_read("large");
    say("bad %zd %s", read(fd, nowhere, 10), strerror(errno));
    next(fd, 10);
    close(fd);
    fd = open_read("small");
    say("bad %zd %s", read(fd, nowhere, 10), strerror(errno));
    say("pread %zd %08x", pread(fd, data, 10, 5), sum(data, 10));
    next(fd, 5);
    close(fd);
    errno = 0;

    fd = open("small", O_RDONLY);
    say("read %zd", read(fd, data, 7));
    pid_t pid = fork();
    if (pid == 0) {
        next(fd, 3);
        _exit(0);
    }
    say_end("child", pid);
    next(fd, 4);
    close(fd);
    say("missing %d folder %zd %s", open_read("missing"), read(open_read("."), data, 1),
        strerror(errno));
    errno = 0;
}

const struct property file_properties[] = {
    {"one-file", one_file},   {"folders", folders}, {"big-data", big_data},
    {"readiness", readiness}, {"pairs", pairs},     {"unix-sockets", unix_sockets},
    {"names", names},         {"opened", opened},   {NULL, NULL}};
