/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that may be executed but not read: they run, are not dumpable, and keep what is in them from their user; a
 * script needs to be readable to its interpreter.  And what is no program is refused before it is opened.  Needs root.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#define ANN 1001

extern char **environ;

static char dir[64];

static const char *at(const char *name)
{
    static char paths[4][128];
    static int n;
    char *path = paths[n++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void copy_self(const char *name, mode_t mode)
{
    static char buf[1 << 16];
    int in = open("/proc/self/exe", O_RDONLY),
        out = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0700);
    ssize_t n;
    need(in >= 0 && out >= 0);
    while ((n = read(in, buf, sizeof(buf))) > 0)
        need(write(out, buf, (size_t)n) == n);
    need(!fchmod(out, mode) && !close(out) && !close(in));
}

static void make_script(const char *name, const char *interp, mode_t mode)
{
    int out = open(at(name), O_WRONLY | O_CREAT | O_EXCL, 0700);
    need(out >= 0 && dprintf(out, "#!%s script\n", interp) > 0);
    need(!fchmod(out, mode) && !close(out));
}

static int owner(const char *path)
{
    struct stat st;
    return stat(path, &st) ? -errno : (int)st.st_uid;
}

/* --- what the copies do ------------------------------------------------------------------- */

/* What a process that is Ann's sees of itself. */
static int look(int readable)
{
    char link[256];
    check_eq(getuid(), ANN);
    check_eq(prctl(PR_GET_DUMPABLE), readable);
    check(readlink("/proc/self/exe", link, sizeof(link)) > 0);
    check_eq(owner("/proc/self/."), ANN);
    check_eq(owner("/proc/self/stat"), readable ? ANN : 0);
    check_ok(close(open("/proc/self/maps", O_RDONLY)));
    if (readable) {
        check_ok(close(open("/proc/self/exe", O_RDONLY)));
        check_ok(close(open("/proc/self/environ", O_RDONLY)));
    } else {
        check_err(open("/proc/self/exe", O_RDONLY), EACCES);
        check_err(open("/proc/self/environ", O_RDONLY), EACCES);
        check_ok(prctl(PR_SET_DUMPABLE, 1)); /* its own doing */
        check_eq(owner("/proc/self/stat"), ANN);
        check_err(open("/proc/self/exe", O_RDONLY), EACCES);
        check_ok(close(open("/proc/self/environ", O_RDONLY)));
        check_err(execve("/proc/self/exe/x", environ, environ), ENOTDIR);
    }
    return check_failures ? 1 : 0;
}

/* Looks once more after having started what it is itself. */
static int again(void)
{
    char *argv[] = {"prog", "look", "0", NULL};
    execve("/proc/self/exe", argv, environ);
    return 99;
}

/* An interpreter reads its script. */
static int interpret(const char *script)
{
    int fd = open(script, O_RDONLY);
    return fd >= 0 ? 0 : errno;
}

static int copy_main(int argc, char **argv)
{
    if (!strcmp(argv[1], "look"))
        return look(atoi(argv[2]));
    if (!strcmp(argv[1], "again"))
        return again();
    if (!strcmp(argv[1], "script") && argc > 2)
        return interpret(argv[2]);
    if (!strcmp(argv[1], "sleep"))
        return read(0, argv[1], 1) < 0 ? errno : 0;
    return 98;
}

/* --- who starts them ---------------------------------------------------------------------- */

static void become_ann(void)
{
    need(syscall(SYS_setgroups, 0, NULL) == 0);
    need(syscall(SYS_setresgid, ANN, ANN, ANN) == 0);
    need(syscall(SYS_setresuid, ANN, ANN, ANN) == 0);
}

/* Ann's child, and its exit code; 100 + errno of an execve that fails.  fd: what is to be executed, or -1. */
static int run(const char *name, int fd, const char *what, const char *arg)
{
    char *argv[] = {"prog", (char *)what, (char *)arg, NULL};
    int status;
    pid_t pid = fork();
    if (!pid) {
        become_ann();
        if (fd < 0)
            execve(at(name), argv, environ);
        else
            syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
        _exit(100 + errno);
    }
    need(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void programs(void)
{
    copy_self("prog", 0711);
    copy_self("open", 0755);
    copy_self("shut", 0744);
    check_eq(run("prog", -1, "look", "0"), 0);
    check_eq(run("prog", -1, "again", NULL), 0);
    check_eq(run("open", -1, "look", "1"), 0);
    check_eq(run("shut", -1, "look", "1"), 100 + EACCES);
    int fd = open(at("prog"), O_PATH);
    check_eq(run(NULL, fd, "look", "0"), 0);
    close(fd);
    fd = open(at("shut"), O_PATH);
    check_eq(run(NULL, fd, "look", "0"), 100 + EACCES);
    close(fd);
}

static void scripts(void)
{
    make_script("readable", at("prog"), 0755);
    make_script("unread", at("prog"), 0711);
    check_eq(run("readable", -1, NULL, NULL), 0);
    check_eq(run("unread", -1, NULL, NULL), EACCES);
}

/* Her other processes do not see more than the program's own. */
static void others(void)
{
    char path[64], buf[256], byte;
    int go[2], up[2];
    need(!pipe(go) && !pipe2(up, O_CLOEXEC));
    pid_t pid = fork();
    if (!pid) {
        char *argv[] = {"prog", "sleep", NULL};
        dup2(go[0], 0);
        close(go[1]);
        become_ann();
        execve(at("prog"), argv, environ);
        _exit(100 + errno);
    }
    close(up[1]);
    need(read(up[0], &byte, 1) == 0); /* execve has closed it */
    pid_t ann = fork();
    if (!ann) {
        become_ann();
        snprintf(path, sizeof(path), "/proc/%d/exe", pid);
        check_err(readlink(path, buf, sizeof(buf)), EACCES);
        snprintf(path, sizeof(path), "/proc/%d/environ", pid);
        check_err(open(path, O_RDONLY), EACCES);
        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        check_ok(open(path, O_RDONLY));
        _exit(check_failures);
    }
    int status;
    need(waitpid(ann, &status, 0) == ann);
    check_eq(status, 0);
    close(go[1]);
    need(waitpid(pid, &status, 0) == pid);
    check_eq(status, 0);
}

static void no_programs(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    need(!mkfifo(at("fifo"), 0777) && !chmod(at("fifo"), 0777) && !mkdir(at("folder"), 0777));
    int s = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", at("socket"));
    need(!bind(s, (struct sockaddr *)&name, sizeof(name)));
    check_err(execve(at("fifo"), environ, environ), EACCES);
    check_err(execve(at("folder"), environ, environ), EACCES);
    check_err(execve(at("socket"), environ, environ), EACCES);
    check_err(execve("/dev/null", environ, environ), EACCES);
    check_err(syscall(SYS_execveat, s, "", environ, environ, AT_EMPTY_PATH), EACCES);
    close(s);
    check_eq(run("fifo", -1, NULL, NULL), 100 + EACCES);
    check_eq(run("socket", -1, NULL, NULL), 100 + EACCES);
    need(!symlink("open", at("link")));
    int top = open(dir, O_PATH);
    check_err(syscall(SYS_execveat, top, "link", environ, environ, AT_SYMLINK_NOFOLLOW), ELOOP);
    close(top);
}

static void all_cases(const char *where)
{
    snprintf(dir, sizeof(dir), "%s/unread.%d", where, getpid());
    need(!mkdir(dir, 0755));
    programs();
    scripts();
    others();
    no_programs();
    static const char *const names[] = {"prog",   "open", "shut",   "readable",
                                        "unread", "fifo", "socket", "link"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        check_ok(unlink(at(names[i])));
    check_ok(rmdir(at("folder")));
    check_ok(rmdir(dir));
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return copy_main(argc, argv);
    umask(022);
    check(1);
    if (getuid())
        return check_done();
    all_cases(".");
    all_cases("/dev/shm"); /* a tmpfs */
    return check_done();
}
