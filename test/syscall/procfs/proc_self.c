/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/self: exe, cwd, fd links, maps with the program's own addresses, cmdline, stat. */
#include "check.h"
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static long read_file(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY);
    long sum = 0, count;

    if (fd < 0)
        return -1;
    while ((count = read(fd, buf + sum, size - 1 - (size_t)sum)) > 0)
        sum += count;
    close(fd);
    buf[sum] = 0;
    return sum;
}

int main(int argc, char **argv)
{
    static char buf[1 << 18], cwd[PATH_MAX], link[PATH_MAX];
    unsigned long low, high;
    int fd, inside = 0, stack = 0;
    long count;

    (void)argc;
    need(getcwd(cwd, sizeof(cwd)));
    count = readlink("/proc/self/cwd", link, sizeof(link) - 1);
    check_eq(count, strlen(cwd));
    check(!strncmp(link, cwd, strlen(cwd)));

    count = readlink("/proc/self/exe", link, sizeof(link) - 1);
    check(count > 0);
    link[count > 0 ? count : 0] = 0;
    check(strrchr(link, '/') && strrchr(argv[0], '/') &&
          !strcmp(strrchr(link, '/'), strrchr(argv[0], '/')));

    fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
    count = readlink(buf, link, sizeof(link) - 1);
    check(count > 5);
    link[count > 0 ? count : 0] = 0;
    check(count > 5 && !strcmp(link + count - 5, "/file"));

    check(read_file("/proc/self/maps", buf, sizeof(buf)) > 0);
    for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "%lx-%lx", &low, &high) != 2)
            continue;
        inside += (unsigned long)main >= low && (unsigned long)main < high;
        stack += (unsigned long)&low >= low && (unsigned long)&low < high;
    }
    check_eq(inside, 1);
    check_eq(stack, 1);

    check(read_file("/proc/self/cmdline", buf, sizeof(buf)) > 0);
    check(!strcmp(buf, argv[0]));
    check(read_file("/proc/self/stat", buf, sizeof(buf)) > 0);
    check_eq(atoi(buf), getpid());
    check(read_file("/proc/self/status", buf, sizeof(buf)) > 0);
    check(strstr(buf, "VmRSS:") != NULL);
    check(read_file("/proc/meminfo", buf, sizeof(buf)) > 0);
    check(strstr(buf, "MemTotal:") != NULL);
    check(read_file("/proc/cpuinfo", buf, sizeof(buf)) > 0);
    check(strstr(buf, "processor") != NULL);
    return check_done();
}
