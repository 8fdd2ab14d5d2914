/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process was started with, in /proc: arguments and environment as its memory has them now, a title that is
 * written over them, the auxiliary vector, and where code, data and stack lie (stat).
 */
#include "check.h"
#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>

static char buf[1 << 18];
static int initialised = 1;
extern char **environ;

static long read_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    long sum = 0, count;

    if (fd < 0)
        return -1;
    while ((count = read(fd, buf + sum, sizeof(buf) - 1 - (size_t)sum)) > 0)
        sum += count;
    close(fd);
    buf[sum] = 0;
    return count < 0 ? -1 : sum;
}

/* Field n of /proc/self/stat, counted as proc(5) does. */
static unsigned long stat_field(int n)
{
    need(read_file("/proc/self/stat") > 0);
    char *at = strrchr(buf, ')');
    need(at);
    for (int i = 2; i < n; i++)
        at = strchr(at + 1, ' ');
    return strtoul(at + 1, NULL, 10);
}

static void check_vectors(int argc, char **argv)
{
    const char *at = buf;
    int same = 1, i;

    need(read_file("/proc/self/cmdline") > 0);
    for (i = 0; i < argc; i++, at += strlen(at) + 1)
        same &= !strcmp(at, argv[i]);
    check(same);
    long size = read_file("/proc/self/environ");
    for (same = 1, at = buf, i = 0; environ[i]; i++, at += strlen(at) + 1)
        same &= !strcmp(at, environ[i]);
    check(same);
    check_eq(size, at - buf);
}

static void check_auxv(void)
{
    Elf64_auxv_t pair;
    int same = 1;
    long size = read_file("/proc/self/auxv");

    check(size > 0 && size % (long)sizeof(pair) == 0);
    for (long at = 0; at < size; at += (long)sizeof(pair)) {
        memcpy(&pair, buf + at, sizeof(pair));
        if (pair.a_type == AT_NULL)
            break;
        if (pair.a_type != AT_HWCAP) /* the C library has its own idea of that */
            same &= getauxval(pair.a_type) == pair.a_un.a_val;
    }
    check(same);
    check(pair.a_type == AT_NULL);
}

static void check_places(char **argv)
{
    unsigned long code = (unsigned long)read_file, data = (unsigned long)&initialised;

    check(stat_field(26) <= code && code < stat_field(27));
    check(stat_field(45) <= data && data < stat_field(46));
    check(stat_field(28) < (unsigned long)argv && stat_field(28) % 16 == 0);
    check_eq(stat_field(48), (unsigned long)argv[0]);
    check_eq(stat_field(50), (unsigned long)environ[0]);
    check_eq(stat_field(49), stat_field(50));
}

/* A program may write over its arguments; without the last NUL they run on into the environment. */
static void check_title(int argc, char **argv)
{
    char *end = argv[argc - 1] + strlen(argv[argc - 1]);
    long size = end + 1 - argv[0];

    memset(argv[0], 'x', (size_t)(end - argv[0]));
    check_eq(read_file("/proc/self/cmdline"), size);
    check(buf[0] == 'x' && buf[size - 2] == 'x' && !buf[size - 1]);
    *end = 'y';
    long title = (long)strlen(argv[0]) + 1;
    check(title > size);
    check_eq(read_file("/proc/self/cmdline"), title);
    check(buf[size - 1] == 'y' && !strcmp(buf, argv[0]));
    argv[0][3] = 0;
    check_eq(read_file("/proc/self/cmdline"), 4);
}

int main(int argc, char **argv)
{
    if (argc == 1) {
        char *args[] = {argv[0], "one", "", "three", NULL};
        char *env[] = {"FIRST=1", "SECOND=two words", NULL};
        execve("/proc/self/exe", args, env);
        need(!"execve");
    }
    check_vectors(argc, argv);
    check_auxv();
    check_places(argv);
    check_title(argc, argv);
    return check_done();
}
