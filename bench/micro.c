/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation in a loop, timed from inside.
 *
 *   micro getppid | getppid_raw | devzero | clock | signal
 *   micro open_close | stat PREFIX     64 files, PREFIX0 to PREFIX63, in turn
 *   micro pread FILE                   4 KiB at scattered places of the first 16 MiB
 *   micro read_file FILE       one sequential pass, then a second: MB/s each
 *
 * Built dynamic against glibc, and static against musl for its own system call sites.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/measure.h"

#define FILES 64
#define PREAD_SPAN (16UL << 20)

static int fd = -1;
static const char *path = "/etc/passwd";
static char buffer[4096];
static volatile unsigned long signals;

static void handler(int sig)
{
    (void)sig;
    signals++;
}

static long do_getppid(void)
{
    return getppid();
}

/* A site that is not libc's: what a runtime without libc has in its text. */
static long do_getppid_raw(void)
{
    long result;

    __asm__ volatile("mov %1, %%eax\n\tsyscall"
                     : "=a"(result)
                     : "i"(SYS_getppid)
                     : "rcx", "r11", "memory");
    return result;
}

static long do_devzero(void)
{
    return read(fd, buffer, 1) - 1;
}

static long do_clock(void)
{
    struct timespec ts;

    return clock_gettime(CLOCK_MONOTONIC, &ts);
}

/*
 * Programs seldom ask the same thing twice in a row: the file operations go round FILES names
 * (path0, path1, …) and jump about in the file, so that remembering the last answer helps nobody.
 */
static const char *next_path(void)
{
    static char names[FILES][4096];
    static unsigned turn;

    if (!names[0][0])
        for (int i = 0; i < FILES; i++)
            snprintf(names[i], sizeof(names[i]), "%s%d", path, i);
    return names[turn++ * 7 % FILES];
}

static long do_open_close(void)
{
    return close(open(next_path(), O_RDONLY | O_CLOEXEC));
}

static long do_stat(void)
{
    struct stat st;

    return stat(next_path(), &st);
}

static long do_pread(void)
{
    static unsigned long turn;
    off_t at = (off_t)(turn++ * 2654435761UL % PREAD_SPAN / sizeof(buffer) * sizeof(buffer));

    return pread(fd, buffer, sizeof(buffer), at) - (long)sizeof(buffer);
}

static long do_signal(void)
{
    return kill(getpid(), SIGUSR1);
}

static const struct operation {
    const char *name;
    long (*run)(void);
} operations[] = {
    {"getppid", do_getppid}, {"getppid_raw", do_getppid_raw}, {"devzero", do_devzero},
    {"clock", do_clock},     {"open_close", do_open_close},   {"stat", do_stat},
    {"pread", do_pread},     {"signal", do_signal},
};

static double read_pass(void)
{
    static char block[1 << 20];
    double start = now();
    long total = 0, count;

    lseek(fd, 0, SEEK_SET);
    while ((count = read(fd, block, sizeof(block))) > 0)
        total += count;
    return (double)total / (now() - start) * 1000;
}

static int read_file(void)
{
    double first, second;

    fd = open(path, O_RDONLY);
    if (fd < 0) {
        perror(path);
        return 1;
    }
    first = read_pass();
    second = read_pass();
    printf("%.1f %.1f\n", first, second);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    if (argc > 2)
        path = argv[2];
    if (!strcmp(name, "read_file"))
        return read_file();
    signal(SIGUSR1, handler);
    fd = open(!strcmp(name, "pread") ? path : "/dev/zero", O_RDONLY);
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        if (!strcmp(operations[i].name, name)) {
            if (operations[i].run() < 0) {
                perror(name);
                return 1;
            }
            measure(name, operations[i].run);
            return 0;
        }
    }
    fprintf(stderr, "micro: unknown operation '%s'\n", name);
    return 2;
}
