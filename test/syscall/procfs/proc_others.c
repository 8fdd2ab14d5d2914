/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/<pid> of another process: a child with a program, arguments, variables, directory, descriptors,
 * thread, limits and signals that are known; then as a zombie, and gone; and as another user sees it.
 */
#include "check.h"
#include "child.h"
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define MIB (1L << 20)
enum { GO_ON = 3, TELL, DATA }; /* the child's descriptors */

/* What the child tells about itself. */
struct told {
    char *memory, *file, *code;
    pid_t thread;
};

static char text[1 << 18];
static pid_t pid;
static struct told child;
static int dir; /* /proc/<pid> */

/* --- the child --------------------------------------------------------------------------------------------- */

static void on_signal(int sig)
{
    (void)sig;
}

static void *thread_main(void *arg)
{
    prctl(PR_SET_NAME, "second");
    __atomic_store_n((pid_t *)arg, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    for (;;)
        pause();
    return NULL;
}

static int child_main(void)
{
    struct told t = {.code = (char *)(uintptr_t)child_main};
    struct rlimit files = {64, 128};
    pthread_t thread;
    sigset_t set;
    char c;

    t.memory = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(t.memory, 1, MIB);
    t.file = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, DATA, 4096);
    setrlimit(RLIMIT_NOFILE, &files);
    setpriority(PRIO_PROCESS, 0, 5);
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    pthread_create(&thread, NULL, thread_main, &t.thread);
    while (!__atomic_load_n(&t.thread, __ATOMIC_ACQUIRE))
        usleep(1000);
    prctl(PR_SET_NAME, "a ) b");
    if (pwrite(DATA, text, 1000, 20000) != 1000 || lseek(DATA, 77, SEEK_SET) != 77)
        return 1;
    if (write(TELL, &t, sizeof(t)) != sizeof(t))
        return 1;
    while (read(GO_ON, &c, 1) == 1)
        ;
    return 3;
}

static void start(const char *self)
{
    int go_on[2], tell[2];

    need(mkdir("sub", 0755) == 0);
    int data = open("sub/data", O_RDWR | O_CREAT | O_APPEND, 0600);
    need(ftruncate(data, 16384) == 0);
    need(!pipe(go_on) && !pipe(tell));
    pid = fork();
    if (pid == 0) {
        char *argv[] = {"proc_others", "child", "", "with spaces", NULL};
        char *envp[] = {"ONE=1", "EMPTY=", "THREE=a b", NULL};
        dup2(go_on[0], 100);
        dup2(tell[1], 101);
        dup2(data, 102);
        dup2(100, GO_ON);
        dup2(101, TELL);
        dup2(102, DATA);
        close_range(DATA + 1, ~0u, 0);
        if (!chdir("sub"))
            execve(self, argv, envp);
        _exit(1);
    }
    close(go_on[0]);
    close(tell[1]);
    close(data);
    need(read(tell[0], &child, sizeof(child)) == sizeof(child));
}

/* --- reading ----------------------------------------------------------------------------------------------- */

static long read_at(const char *name)
{
    int fd = openat(dir, name, O_RDONLY);
    long sum = 0, n;

    if (fd < 0)
        return -errno;
    while ((n = read(fd, text + sum, sizeof(text) - 1 - (size_t)sum)) > 0)
        sum += n;
    if (n < 0)
        sum = -errno;
    close(fd);
    text[sum < 0 ? 0 : sum] = 0;
    return sum;
}

static const char *read_link(const char *name)
{
    static char link[4096];
    ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);

    if (n < 0)
        return strerror(errno);
    link[n] = 0;
    return link;
}

/* What the line "NAME:" says, without its blanks. */
static const char *field(const char *file, const char *name)
{
    static char value[256];
    char key[64];

    need(read_at(file) > 0);
    snprintf(key, sizeof(key), "%s:", name);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        line += strlen(key);
        snprintf(value, sizeof(value), "%s", line + strspn(line, " \t"));
        return value;
    }
    return "no such line";
}

static int says(const char *file, const char *name, const char *want)
{
    const char *value = field(file, name);

    if (strcmp(value, want) != 0)
        printf("# %s of %s: \"%s\", not \"%s\"\n", name, file, value, want);
    return !strcmp(value, want);
}

static unsigned long mask(const char *name)
{
    return strtoul(field("status", name), NULL, 16);
}

/* Field n of stat, counted as proc(5) does, from the state on. */
static long stat_field(const char *file, int n)
{
    need(read_at(file) > 0);
    char *at = strrchr(text, ')');
    need(at);
    if (n == 3)
        return at[2];
    for (int i = 2; i < n; i++)
        at = strchr(at + 1, ' ');
    return strtol(at + 1, NULL, 10);
}

static int compare(const struct dirent **a, const struct dirent **b)
{
    return atoi((*a)->d_name) - atoi((*b)->d_name);
}

/* The numbers in a directory of it, as one string. */
static const char *numbers(const char *name)
{
    static char list[1024];
    struct dirent **entries;
    int n = scandirat(dir, name, &entries, NULL, compare);

    list[0] = 0;
    for (int i = 0; i < n; i++)
        if (entries[i]->d_name[0] != '.')
            snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s ", entries[i]->d_name);
    return n < 0 ? strerror(errno) : list;
}

/* --- alive ------------------------------------------------------------------------------------------------- */

/* It sleeps in a read by now, or soon. */
static void await_sleep(void)
{
    for (int i = 0; i < 5000 && stat_field("stat", 3) != 'S'; i++)
        child_nap(1);
    check_eq(stat_field("stat", 3), 'S');
}

static void check_stat(void)
{
    char want[64];

    await_sleep();
    need(read_at("stat") > 0);
    snprintf(want, sizeof(want), "%d (a ) b) S %d %d %d ", pid, getpid(), getpgrp(), getsid(0));
    check(!strncmp(text, want, strlen(want)));
    check_eq(stat_field("stat", 18), 25); /* priority */
    check_eq(stat_field("stat", 19), 5);  /* nice */
    check_eq(stat_field("stat", 20), 2);  /* threads */
    check(stat_field("stat", 22) > 0);    /* start time */
    check(stat_field("stat", 23) > 2 * MIB);
    check(stat_field("stat", 24) >= MIB / 4096);
    check_eq(stat_field("stat", 38), SIGCHLD);
    check_eq(stat_field("stat", 52), 0);
    need(read_at("statm") > 0);
    check(atol(text) > 2 * MIB / 4096);
}

static void check_status(void)
{
    char want[64];

    check(says("status", "Name", "a ) b"));
    check(says("status", "State", "S (sleeping)"));
    snprintf(want, sizeof(want), "%d", pid);
    check(says("status", "Tgid", want));
    check(says("status", "Pid", want));
    snprintf(want, sizeof(want), "%d", getpid());
    check(says("status", "PPid", want));
    snprintf(want, sizeof(want), "%d\t%d\t%d\t%d", getuid(), geteuid(), geteuid(), geteuid());
    check(says("status", "Uid", want));
    check(says("status", "TracerPid", "0"));
    check(says("status", "Threads", "2"));
    check(strtol(field("status", "VmSize"), NULL, 10) > 2 * MIB / 1024);
    check(strtol(field("status", "VmRSS"), NULL, 10) >= MIB / 1024);
    check(strtol(field("status", "VmData"), NULL, 10) >= MIB / 1024);
    check_eq(mask("SigBlk"), 1ul << (SIGHUP - 1));
    check_eq(mask("SigIgn") & (3ul << (SIGUSR1 - 1) | 1ul << (SIGUSR2 - 1)), 1ul << (SIGUSR2 - 1));
    check_eq(mask("SigCgt") & (1ul << (SIGUSR1 - 1)), 1ul << (SIGUSR1 - 1));
    check_eq(mask("ShdPnd"), 0);
    check_ok(kill(pid, SIGHUP));
    check_eq(mask("ShdPnd"), 1ul << (SIGHUP - 1));
}

static void check_program(const char *self)
{
    static const char args[] = "proc_others\0child\0\0with spaces",
                      vars[] = "ONE=1\0EMPTY=\0THREE=a b";
    char path[4096], cwd[2048], magic[4] = "";
    struct stat ours, theirs;

    check_eq(read_at("cmdline"), sizeof(args));
    check(!memcmp(text, args, sizeof(args)));
    check_eq(read_at("environ"), sizeof(vars));
    check(!memcmp(text, vars, sizeof(vars)));
    check_eq(read_at("comm"), 6);
    check(!strcmp(text, "a ) b\n"));
    check(read_at("auxv") > 0);

    check(!strcmp(read_link("exe"), self));
    int fd = (int)check_ok(openat(dir, "exe", O_RDONLY));
    check_eq(read(fd, magic, 4), 4);
    check(!memcmp(magic, "\177ELF", 4));
    close(fd);
    need(getcwd(cwd, sizeof(cwd)));
    snprintf(path, sizeof(path), "%s/sub", cwd);
    check(!strcmp(read_link("cwd"), path));
    check(!strcmp(read_link("root"), "/"));
    check_ok(fstatat(dir, "cwd/data", &theirs, 0));
    check_ok(stat("sub/data", &ours));
    check_eq(theirs.st_ino, ours.st_ino);
    snprintf(path, sizeof(path), "root%s/sub/data", cwd);
    check_ok(fstatat(dir, path, &theirs, 0));
    check_eq(theirs.st_ino, ours.st_ino);
}

/* The line of maps, or the lines of smaps, that hold an address. */
static const char *mapping(const char *file, const char *address)
{
    static char lines[2048];
    unsigned long low, high;
    char *at = text;

    need(read_at(file) > 0);
    for (; at && *at; at = strchr(at, '\n'), at += at != NULL) {
        if (sscanf(at, "%lx-%lx %*s", &low, &high) != 2 || (uintptr_t)address < low ||
            (uintptr_t)address >= high)
            continue;
        snprintf(lines, sizeof(lines), "%.*s", strcmp(file, "maps") ? 1200 : (int)strcspn(at, "\n"),
                 at);
        return lines;
    }
    return "no such mapping";
}

static void check_memory(const char *self)
{
    struct stat st;
    unsigned long off, inode;
    char perm[8], path[4096];

    check(strstr(mapping("maps", child.memory), " rw-p 00000000 00:00 0") != NULL);
    check(strstr(mapping("maps", child.code), " r-xp ") != NULL);
    check(strstr(mapping("maps", child.code), self) != NULL);
    check_eq(sscanf(mapping("maps", child.file), "%*x-%*x %7s %lx %*s %lu %4095s", perm, &off,
                    &inode, path),
             4);
    check_ok(stat("sub/data", &st));
    check(!strcmp(perm, "r--p"));
    check_eq(off, 4096);
    check_eq(inode, st.st_ino);
    check(strlen(path) > 9 && !strcmp(path + strlen(path) - 9, "/sub/data"));
    const char *lines = mapping("smaps", child.memory);
    check(strstr(lines, "\nSize:") != NULL);
    check(strstr(lines, "\nRss:") != NULL);
    const char *rss = strstr(lines, "\nAnonymous:");
    check(rss && atol(rss + 11) >= 1024);
    check(strtol(field("smaps_rollup", "Rss"), NULL, 10) >= 1024);
}

static void check_files(void)
{
    char want[64], buf[8];
    struct stat st;

    check(!strcmp(numbers("fd"), "0 1 2 3 4 5 "));
    check(!strcmp(numbers("fdinfo"), "0 1 2 3 4 5 "));
    check(!strncmp(read_link("fd/3"), "pipe:[", 6));
    check(strstr(read_link("fd/5"), "/sub/data") != NULL);
    check(!strcmp(read_link("fd/6"), strerror(ENOENT)));
    check_ok(fstatat(dir, "fd/5", &st, AT_SYMLINK_NOFOLLOW));
    check_eq(st.st_mode & 07777, 0700);
    check(says("fdinfo/5", "pos", "77"));
    snprintf(want, sizeof(want), "0%o", O_RDWR | O_APPEND | O_LARGEFILE | 0100000);
    check(says("fdinfo/5", "flags", want));
    check_eq(read_at("fdinfo/9"), -ENOENT);
    /* Opening is anew: at the beginning, with rights of its own. */
    int fd = (int)check_ok(openat(dir, "fd/5", O_RDONLY));
    check_eq(lseek(fd, 0, SEEK_CUR), 0);
    check_eq(read(fd, buf, 4), 4);
    check_err(write(fd, buf, 4), EBADF);
    close(fd);
    check(says("fdinfo/5", "pos", "77"));
    /* A pipe's other end. */
    fd = (int)check_ok(openat(dir, "fd/3", O_WRONLY));
    check_eq(write(fd, "x", 1), 1);
    close(fd);
}

static void check_threads(void)
{
    char want[64], path[64];

    snprintf(want, sizeof(want), "%d %d ", pid, child.thread);
    check(!strcmp(numbers("task"), want));
    snprintf(path, sizeof(path), "task/%d/comm", child.thread);
    check_eq(read_at(path), 7);
    check(!strcmp(text, "second\n"));
    snprintf(path, sizeof(path), "task/%d/stat", child.thread);
    check_eq(stat_field(path, 3), 'S');
    check_eq(atoi(text), child.thread);
    snprintf(path, sizeof(path), "task/%d/status", child.thread);
    snprintf(want, sizeof(want), "%d", pid);
    check(says(path, "Tgid", want));
    snprintf(want, sizeof(want), "%d", child.thread);
    check(says(path, "Pid", want));
    snprintf(path, sizeof(path), "task/%d/fd/5", child.thread);
    check(strstr(read_link(path), "/sub/data") != NULL);
    snprintf(path, sizeof(path), "task/%d/cwd", child.thread);
    check(strstr(read_link(path), "/sub") != NULL);
    snprintf(path, sizeof(path), "task/%d/comm", getpid());
    check_eq(read_at(path), -ENOENT);
}

/* A file about the system, or inherited, says the same for both. */
static void check_same(const char *name)
{
    static char ours[sizeof(text)];
    char path[64];

    check(read_at(name) >= 0);
    strcpy(ours, text);
    snprintf(path, sizeof(path), "../self/%s", name);
    check(read_at(path) >= 0);
    check(!strcmp(text, ours));
}

static int write_at(const char *name, const char *what)
{
    int fd = openat(dir, name, O_WRONLY);

    if (fd < 0)
        return -errno;
    int err = write(fd, what, strlen(what)) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static void check_rest(void)
{
    need(read_at("limits") > 0);
    check(
        strstr(text, "Max open files            64                   128                  files") !=
        NULL);
    check_same("mounts");
    check_same("mountinfo");
    check_same("cgroup");
    check_same("loginuid");
    check_same("sessionid");
    check(strtol(field("io", "wchar"), NULL, 10) >= 1000);
    check(strtol(field("io", "syscw"), NULL, 10) >= 2);
    check_eq(read_at("oom_score_adj"), 2);
    check_eq(write_at("oom_score_adj", "500"), 0);
    check_eq(read_at("oom_score_adj"), 4);
    check(!strcmp(text, "500\n"));
    check_eq(write_at("oom_score_adj", "1001"), -EINVAL);
    check_eq(write_at("comm", "other"), -EINVAL);
    check_eq(read_at("comm"), 6);
    check_same("personality");
}

/* Its directory is open to all, and what it keeps to itself is not. */
static void check_other_user(void)
{
    static const char *const secret[] = {"environ", "auxv", "io"};
    int status;
    pid_t p = fork();

    if (p == 0) {
        check_failures = 0;
        check_ok(setresgid(1000, 1000, 1000));
        check_ok(setresuid(1000, 1000, 1000));
        for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
            check_eq(read_at(secret[i]), -EACCES);
        check_eq(read_at("maps"), -EACCES);
        check_eq(read_at("smaps"), -EACCES);
        check(!strcmp(read_link("exe"), strerror(EACCES)));
        check(!strcmp(read_link("cwd"), strerror(EACCES)));
        check(!strcmp(read_link("root"), strerror(EACCES)));
        check(!strcmp(read_link("fd/5"), strerror(EACCES)));
        check(!strcmp(numbers("fd"), strerror(EACCES)));
        check_eq(write_at("oom_score_adj", "0"), -EACCES);
        check_eq(write_at("comm", "x"), -EACCES);
        check(read_at("cmdline") > 0);
        check(read_at("limits") > 0);
        check(read_at("comm") == 6);
        check_eq(stat_field("stat", 20), 2);
        check_eq(stat_field("stat", 28), 0); /* the stack's start */
        check(says("status", "Threads", "2"));
        _exit(check_failures != 0);
    }
    check_eq(waitpid(p, &status, 0), p);
    check_eq(status, 0);
}

/* --- dead -------------------------------------------------------------------------------------------------- */

static void check_zombie(void)
{
    char want[64];
    int file;

    need(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED | WNOWAIT, NULL) == 0);
    check_eq(stat_field("stat", 3), 'Z');
    check_eq(stat_field("stat", 19), 5);
    check_eq(stat_field("stat", 20), 1);
    check_eq(stat_field("stat", 23), 0);
    check_eq(stat_field("stat", 52), SIGKILL);
    check(says("status", "State", "Z (zombie)"));
    check(says("status", "Name", "a ) b"));
    check(says("status", "VmSize", "no such line"));
    check_eq(read_at("cmdline"), 0);
    check_eq(read_at("comm"), 6);
    check_eq(read_at("statm"), 14);
    check(!strcmp(text, "0 0 0 0 0 0 0\n"));
    check(!strcmp(read_link("exe"), strerror(ENOENT)));
    check(!strcmp(read_link("cwd"), strerror(ENOENT)));
    check(!strcmp(read_link("root"), strerror(ENOENT)));
    check(!strcmp(numbers("fd"), ""));
    check(!strcmp(read_link("fd/5"), strerror(ENOENT)));
    snprintf(want, sizeof(want), "%d ", pid);
    check(!strcmp(numbers("task"), want));
    check(read_at("limits") > 0);
    check(strtol(field("io", "wchar"), NULL, 10) >= 1000);
    check_eq(read_at("oom_score_adj"), 4);

    file = (int)check_ok(openat(dir, "stat", O_RDONLY));
    check_eq(waitpid(pid, NULL, 0), pid);
    check_err(read(file, text, sizeof(text)), ESRCH);
    check_eq(read_at("stat"), -ESRCH);
    check_eq(read_at("cmdline"), -ESRCH);
    check(!strcmp(read_link("exe"), strerror(ESRCH)));
    snprintf(want, sizeof(want), "/proc/%d", pid);
    check_err(open(want, O_RDONLY), ENOENT);
}

int main(int argc, char **argv)
{
    static char self[4096];
    char path[64];

    if (argc > 1 && !strcmp(argv[1], "child"))
        return child_main();
    need(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    start(self);
    snprintf(path, sizeof(path), "/proc/%d", pid);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    need(dir >= 0);
    check_stat();
    check_status();
    check_program(self);
    check_memory(self);
    check_files();
    check_threads();
    check_rest();
    if (geteuid() == 0)
        check_other_user();
    check_ok(kill(pid, SIGKILL));
    check_zombie();
    return check_done();
}
