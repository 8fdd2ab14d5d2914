/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that becomes shorter takes its pages from private mappings, written to or not: SIGBUS until the file is
 * longer again, then zeros. In all processes.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define PAGE 4096L
#define PAGES 4

extern char **environ;

static char name[64];

/* Pages of ones, twos, threes and fours. */
static int make(void)
{
    static char text[PAGES * PAGE];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (int i = 0; i < PAGES * PAGE; i++)
        text[i] = (char)(i / PAGE + 1);
    need(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text));
    return fd;
}

static char *map(int fd)
{
    char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    need(p != MAP_FAILED);
    return p;
}

static void by_ftruncate(void)
{
    int fd = make();
    char *p = map(fd);
    p[PAGE + 100] = 55;
    p[PAGE + 3000] = 56;
    p[2 * PAGE] = 57;
    check(p[0] == 1 && p[3 * PAGE] == 4);
    check_ok(ftruncate(fd, PAGE + 2000));
    check_eq(p[0], 1);
    check_eq(p[PAGE + 100], 55);
    check_eq(p[PAGE + 2500], 2); /* the program's own page stays whole */
    check_eq(p[PAGE + 3000], 56);
    check_eq(check_access(p + 2 * PAGE, 0), SIGBUS);
    check_eq(check_fault_info.si_code, BUS_ADRERR);
    check(check_fault_info.si_addr == p + 2 * PAGE);
    check_eq(check_access(p + 2 * PAGE, 1), SIGBUS);
    check_eq(check_access(p + 3 * PAGE, 0), SIGBUS);
    check_ok(ftruncate(fd, PAGES * PAGE));
    check_eq(p[2 * PAGE], 0);
    check_eq(p[3 * PAGE], 0);
    check_eq(p[PAGE + 3000], 56);
    p[2 * PAGE] = 58;
    check_ok(ftruncate(fd, PAGES * PAGE + 1)); /* longer is nothing new */
    check_eq(p[2 * PAGE], 58);
    munmap(p, PAGES * PAGE);
    close(fd);
}

static void by_name(void)
{
    int fd = make();
    char *p = map(fd), *ro = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
    p[3 * PAGE] = 57;
    check(p[0] == 1 && p[PAGE] == 2 && ro[PAGE - 1] == 1);
    check_ok(truncate(name, 2000));
    check_eq(p[1999], 1);
    check_eq(ro[1999], 1);
    check_eq(ro[2000], 0); /* as the file: nothing was written to this page */
    check_eq(check_access(p + PAGE, 0), SIGBUS);
    check_eq(check_access(p + 3 * PAGE, 0), SIGBUS);
    munmap(p, PAGES * PAGE);
    munmap(ro, PAGE);
    close(fd);
}

static void by_open(void)
{
    int fd = make();
    char *p = map(fd), *at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 2 * PAGE);
    p[0] = 57;
    check(p[PAGE] == 2 && at[0] == 3);
    close(check_ok(open(name, O_WRONLY | O_TRUNC)));
    check_eq(check_access(p, 0), SIGBUS);
    check_eq(check_access(p + PAGE, 1), SIGBUS);
    check_eq(check_access(at, 0), SIGBUS);
    munmap(p, PAGES * PAGE);
    munmap(at, PAGE);
    close(fd);
}

/* The other process: says when it has the pages, and looks when it is told to. */
static int other(const char *path)
{
    int fd = open(path, O_RDWR);
    char *p = map(fd), byte = 0;
    p[2 * PAGE] = 57;
    check_eq(p[3 * PAGE], 4);
    need(write(4, &byte, 1) == 1 && read(3, &byte, 1) == 1);
    check_eq(p[0], 1);
    check_eq(check_access(p + 2 * PAGE, 0), SIGBUS);
    check_eq(check_access(p + 3 * PAGE, 0), SIGBUS);
    return check_failures != 0;
}

static void by_another_process(void)
{
    char *argv[] = {"cut", name, NULL}, byte = 0;
    int to[2], from[2], status, fd = make();
    need(!pipe(to) && !pipe(from));
    pid_t pid = vfork();
    if (!pid) {
        int in = fcntl(to[0], F_DUPFD, 20), out = fcntl(from[1], F_DUPFD, 20);
        dup2(in, 3);
        dup2(out, 4);
        execve("/proc/self/exe", argv, environ);
        _exit(99);
    }
    need(pid > 0 && read(from[0], &byte, 1) == 1);
    check_ok(ftruncate(fd, PAGE));
    need(write(to[1], &byte, 1) == 1 && waitpid(pid, &status, 0) == pid);
    check_eq(status, 0);
    for (int i = 0; i < 2; i++) {
        close(to[i]);
        close(from[i]);
    }
    close(fd);
}

/* A parent that has the same addresses. */
static void by_a_child(void)
{
    int status, fd = make();
    char *p = map(fd);
    p[2 * PAGE] = 57;
    check_eq(p[3 * PAGE], 4);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        p[PAGE] = 58;
        int err = ftruncate(fd, PAGE);
        _exit(err || p[0] != 1 || check_access(p + PAGE, 0) != SIGBUS ||
              check_access(p + 3 * PAGE, 0) != SIGBUS);
    }
    need(pid > 0 && waitpid(pid, &status, 0) == pid);
    check_eq(status, 0);
    check_eq(p[0], 1);
    check_eq(check_access(p + PAGE, 0), SIGBUS);
    check_eq(check_access(p + 2 * PAGE, 0), SIGBUS);
    check_eq(check_access(p + 3 * PAGE, 0), SIGBUS);
    munmap(p, PAGES * PAGE);
    close(fd);
}

int main(int argc, char **argv)
{
    static const char *const where[] = {".", "/dev/shm"};
    if (argc > 1)
        return other(argv[1]);
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s/cut.%d", where[i], getpid());
        by_ftruncate();
        by_name();
        by_open();
        by_another_process();
        by_a_child();
        check_ok(unlink(name));
    }
    return check_done();
}
