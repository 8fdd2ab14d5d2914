/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaks DIRECTORY PROGRAM...: runs each program (or what /bin/sh is to do, if there is a space in it) in a
 * directory of its own, several times, and looks after each time at what the kernel has (/proc/slabinfo,
 * /proc/meminfo).  What grows every time is left behind.
 *
 * The first times fill caches, and another program may put something out of one; so growth counts only
 * if there is some each time.  Prints "PROGRAM: NAME +N" for what grows, "PROGRAM: status N".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIMES_MIN 2
#define TIMES_MAX 6
#define KINDS 64
#define SETTLE_MS \
    300 /* what ends after its parent was told: other processes, a timer's last turn */

struct kind {
    char name[32];
    long now, grown; /* grown: by how much at least each time */
};

static struct kind kinds[KINDS];
static int nkinds;
extern char **environ;

static void note(const char *name, long value, int first)
{
    int i = 0;

    while (i < nkinds && strcmp(kinds[i].name, name))
        i++;
    if (i == nkinds && nkinds < KINDS) {
        snprintf(kinds[nkinds].name, sizeof(kinds[nkinds].name), "%s", name);
        kinds[nkinds++] = (struct kind){.now = value};
        snprintf(kinds[i].name, sizeof(kinds[i].name), "%s", name);
        first = 1;
    }
    long more = value - kinds[i].now;
    kinds[i].grown = first || more < kinds[i].grown ? more : kinds[i].grown;
    kinds[i].now = value;
}

/* A file's text, without any of the C library's buffers. */
static char *text_of(const char *path)
{
    static char text[16384];
    size_t n = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY);

    while (fd >= 0 && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    text[n] = 0;
    close(fd);
    return text;
}

/* Objects of at least `size` bytes are in this class. */
static long class_of(const char *text, long size)
{
    long value, best = 0;

    for (const char *l = text; (l = strstr(l, "\nkmalloc-")); l++)
        if (sscanf(l, "\nkmalloc-%ld", &value) == 1 && value >= size && (!best || value < best))
            best = value;
    return best;
}

/* The map of pages has pieces for all addresses that were ever used: they are no leak, but objects and pages. */
static void look(int first)
{
    char name[32], *text = text_of("/proc/slabinfo"), *save, *line = strstr(text, "\npage_map");
    long value, size, nodes = 0, leaves = 0, holder = 0;

    if (line && sscanf(line, "\npage_map_node %ld", &nodes) == 1)
        line = strstr(line + 1, "\npage_map");
    if (line && sscanf(line, "\npage_map %ld %*d %ld", &leaves, &size) == 2)
        holder = class_of(text, size);
    for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (sscanf(line, "%31s %ld %*d %ld", name, &value, &size) != 3 ||
            !strncmp(name, "page_map", 8))
            continue;
        if (!strcmp(name, "kmalloc-page"))
            value -= nodes;
        else if (!strncmp(name, "kmalloc-", 8) && size == holder)
            value -= leaves;
        note(name, value, first);
    }
    for (line = strtok_r(text_of("/proc/meminfo"), "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        if (sscanf(line, "AnonPages: %ld", &value) == 1)
            note("AnonPages", value, first);
        else if (sscanf(line, "Shmem: %ld", &value) == 1)
            note("Shmem", value, first);
}

static int grows(void)
{
    for (int i = 0; i < nkinds; i++)
        if (kinds[i].grown > 0)
            return 1;
    return 0;
}

static void remove_all(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        char inner[4096];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
        if (unlink(inner) && (errno == EISDIR || errno == EPERM)) {
            chmod(inner, 0700);
            remove_all(inner);
        }
    }
    if (d)
        closedir(d);
    rmdir(path);
}

static int run(char *program, const char *directory)
{
    char sh[] = "/bin/sh", option[] = "-c", *plain[] = {program, NULL};
    char *shell[] = {sh, option, program, NULL}, **argv = strchr(program, ' ') ? shell : plain;
    posix_spawn_file_actions_t act;
    int status;
    pid_t pid;

    remove_all(directory);
    if (mkdir(directory, 0755))
        return -1;
    posix_spawn_file_actions_init(&act);
    posix_spawn_file_actions_addchdir_np(&act, directory);
    posix_spawn_file_actions_addopen(&act, 1, "/dev/null", O_WRONLY, 0);
    int err = posix_spawn(&pid, argv[0], &act, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&act);
    if (err)
        return -1;
    while (waitpid(pid, &status, 0) < 0)
        ;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    remove_all(directory);
    return status;
}

/* What is only cached is no leak. */
static void drop_caches(void)
{
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    if (fd < 0 || write(fd, "3", 1) != 1)
        printf("no drop_caches: %s\n", strerror(errno));
    close(fd);
}

/* What is still on its way out gets some time to go. */
static void settle(void)
{
    struct timespec t = {0, 10 * 1000000};

    for (int i = 0; i < SETTLE_MS / 10; i++) {
        long tasks = 0;
        char *line = strstr(text_of("/proc/slabinfo"), "task_struct");
        if (!line || sscanf(line, "task_struct %ld", &tasks) != 1 || tasks <= 2)
            break;
        nanosleep(&t, NULL);
    }
}

int main(int argc, char **argv)
{
    int leaks = 0;

    for (int i = 2; i < argc; i++) {
        int status = 0;
        for (int n = 0; n < TIMES_MAX; n++) {
            status = run(argv[i], argv[1]);
            settle();
            drop_caches();
            look(n == 0);
            if (n + 1 >= TIMES_MIN && !grows())
                break;
        }
        int plain = !strchr(argv[i], ' ') && strrchr(argv[i], '/');
        const char *name = plain ? strrchr(argv[i], '/') + 1 : argv[i];
        if (status) {
            printf("%s: status %x\n", name, (unsigned)status);
            leaks++;
        }
        for (int k = 0; k < nkinds; k++) {
            if (kinds[k].grown <= 0)
                continue;
            printf("%s: %s +%ld\n", name, kinds[k].name, kinds[k].grown);
            leaks++;
        }
        fflush(stdout);
    }
    printf("%d programs, %d leaks\n", argc - 2, leaks);
    return leaks != 0;
}
