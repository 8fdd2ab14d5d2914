/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks whose owners are open file descriptions (flock, F_OFD_*) beside those of the process: who
 * conflicts with whom, merging and splitting, waiting, /proc/locks, and what a close releases.
 */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>

static int a, b; /* two descriptions of the file */

static int set(int fd, int cmd, int type, off_t start, off_t len)
{
    struct flock fl = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return fcntl(fd, cmd, &fl);
}

static struct flock get(int fd, int cmd, int type, off_t start, off_t len)
{
    struct flock fl = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    check_ok(fcntl(fd, cmd, &fl));
    return fl;
}

static void check_lock(struct flock fl, int type, off_t start, off_t len, pid_t pid)
{
    check_eq(fl.l_type, type);
    check_eq(fl.l_start, start);
    check_eq(fl.l_len, len);
    check_eq(fl.l_pid, pid);
    check_eq(fl.l_whence, SEEK_SET);
}

/* Does a line of a file tell of our file's inode, a lock such as `what`, and this range? */
static int has_line(const char *path, const char *what, const char *range)
{
    char line[256], inode[64];
    struct stat st;
    int found = 0;
    FILE *f = fopen(path, "r");
    need(f && fstat(b, &st) == 0);
    snprintf(inode, sizeof(inode), "%02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev), st.st_ino);
    while (!found && fgets(line, sizeof(line), f)) {
        const char *at = strstr(line, inode);
        found = at && strstr(line, what) && strstr(at + strlen(inode), range);
    }
    fclose(f);
    return found;
}

#define proc_says(what, range) check(has_line("/proc/locks", what, range))

static void ofd(void)
{
    struct flock bad = {.l_type = F_WRLCK, .l_pid = 1};
    check_err(fcntl(a, F_OFD_SETLK, &bad), EINVAL);
    check_ok(set(a, F_OFD_SETLK, F_WRLCK, 10, 10));
    check_ok(set(a, F_OFD_SETLK, F_WRLCK, 10, 10));
    check_err(set(b, F_OFD_SETLK, F_RDLCK, 19, 1), EAGAIN);
    check_ok(set(b, F_OFD_SETLK, F_WRLCK, 20, 0));
    check_lock(get(b, F_OFD_GETLK, F_RDLCK, 0, 0), F_WRLCK, 10, 10, -1);
    check_lock(get(a, F_OFD_GETLK, F_RDLCK, 0, 0), F_WRLCK, 20, 0, -1);
    check_eq(get(a, F_OFD_GETLK, F_WRLCK, 0, 20).l_type, F_UNLCK);
    check_err(set(a, F_SETLK, F_RDLCK, 0, 0), EAGAIN); /* the process is another owner */
    check_ok(set(a, F_SETLK, F_WRLCK, 0, 5));
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 0), F_WRLCK, 10, 10, -1);
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 5), F_WRLCK, 0, 5, getpid());
    check_eq(get(b, F_GETLK, F_WRLCK, 0, 5).l_type, F_UNLCK);
    proc_says("POSIX  ADVISORY  WRITE", "0 4\n");
    proc_says("OFDLCK ADVISORY  WRITE -1", "10 19\n");
    check_ok(set(a, F_SETLK, F_UNLCK, 0, 0));
    int c = dup(a);
    check_ok(close(c)); /* the description lives: its locks do */
    check_eq(get(b, F_OFD_GETLK, F_RDLCK, 0, 0).l_type, F_WRLCK);
    check_ok(set(a, F_OFD_SETLK, F_UNLCK, 0, 0));
    check_ok(set(b, F_OFD_SETLK, F_UNLCK, 0, 0));
    check_eq(get(a, F_OFD_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
}

static void split_and_merge(void)
{
    check_ok(set(a, F_OFD_SETLK, F_RDLCK, 0, 100));
    check_ok(set(a, F_OFD_SETLK, F_WRLCK, 40, 20));
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 0), F_RDLCK, 0, 40, -1);
    check_lock(get(b, F_OFD_GETLK, F_RDLCK, 0, 0), F_WRLCK, 40, 20, -1);
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 60, 0), F_RDLCK, 60, 40, -1);
    check_ok(set(a, F_OFD_SETLK, F_RDLCK, 45, 10));
    check_lock(get(b, F_OFD_GETLK, F_RDLCK, 0, 0), F_WRLCK, 40, 5, -1);
    check_ok(set(a, F_OFD_SETLK, F_RDLCK, 30, 50));
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 0), F_RDLCK, 0, 100, -1);
    check_ok(set(a, F_OFD_SETLK, F_UNLCK, 50, 10));
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 0), F_RDLCK, 0, 50, -1);
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 50, 0), F_RDLCK, 60, 40, -1);
    check_ok(set(a, F_OFD_SETLK, F_RDLCK, 200, 0));
    check_ok(set(a, F_OFD_SETLK, F_RDLCK, 100, 100)); /* neighbours become one */
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 50, 0), F_RDLCK, 60, 0, -1);
    check_ok(set(a, F_OFD_SETLK, F_UNLCK, 0, 0));
}

static void ranges(void)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 4};
    check_ok(ftruncate(a, 100));
    check_ok(fcntl(a, F_OFD_SETLK, &fl));
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 0), F_WRLCK, 90, 4, -1);
    check_ok(set(a, F_OFD_SETLK, F_UNLCK, 0, 0));
    lseek(a, 50, SEEK_SET);
    fl = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = -10};
    check_ok(fcntl(a, F_OFD_SETLK, &fl));
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 0), F_WRLCK, 40, 10, -1);
    check_ok(set(a, F_OFD_SETLK, F_UNLCK, 0, 0));
    check_err(set(a, F_OFD_SETLK, F_WRLCK, -1, 1), EINVAL);
    check_err(set(a, F_OFD_SETLK, F_WRLCK, 5, -6), EINVAL);
    check_err(set(a, F_SETLK, F_WRLCK, INT64_MAX, 2), EOVERFLOW);
    check_err(set(a, F_SETLK, 17, 0, 1), EINVAL);
    fl.l_whence = 17;
    check_err(fcntl(a, F_SETLK, &fl), EINVAL);
    check_err(fcntl(a, F_SETLK, (void *)8), EFAULT);
    check_err(fcntl(a, F_GETLK, (void *)8), EFAULT);
    check_err(set(a, F_GETLK, F_UNLCK, 0, 1), EINVAL);
    check_ok(set(a, F_OFD_SETLK, F_WRLCK, INT64_MAX, 1));
    check_lock(get(b, F_OFD_GETLK, F_WRLCK, 0, 0), F_WRLCK, INT64_MAX, 0, -1);
    check_ok(set(a, F_OFD_SETLK, F_UNLCK, 0, 0));
}

static void modes(void)
{
    int r = open("file", O_RDONLY), w = open("file", O_WRONLY), p = open("file", O_PATH);
    int s[2];
    check_err(set(r, F_SETLK, F_WRLCK, 0, 1), EBADF);
    check_ok(set(r, F_SETLK, F_RDLCK, 0, 1));
    check_err(set(w, F_SETLK, F_RDLCK, 0, 1), EBADF);
    check_ok(set(w, F_SETLK, F_WRLCK, 0, 1));
    check_err(set(p, F_SETLK, F_UNLCK, 0, 1), EBADF);
    check_ok(flock(r, LOCK_EX)); /* whatever the mode */
    check_err(flock(p, LOCK_SH), EBADF);
    check_err(flock(99, LOCK_SH), EBADF);
    check_err(flock(r, 0), EINVAL);
    check_err(flock(r, LOCK_SH | LOCK_EX), EINVAL);
    close(r);
    close(w);
    close(p);
    need(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
    check_ok(flock(s[0], LOCK_EX | LOCK_NB));
    check_ok(set(s[0], F_SETLK, F_WRLCK, 0, 1));
    check_ok(flock(s[0], LOCK_UN));
    close(s[0]);
    close(s[1]);
}

static void flocks(void)
{
    check_ok(flock(a, LOCK_SH));
    check_ok(flock(b, LOCK_SH | LOCK_NB));
    check_err(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK); /* which gives the old lock up */
    check_ok(flock(b, LOCK_EX | LOCK_NB));
    check_err(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    check_ok(set(a, F_SETLK, F_WRLCK, 0, 0)); /* another world */
    check_ok(set(a, F_SETLK, F_UNLCK, 0, 0));
    proc_says("FLOCK  ADVISORY  WRITE", "0 EOF\n");
    int c = dup(b);
    check_ok(close(b));
    check_err(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK); /* c is the same description */
    check_ok(flock(c, LOCK_UN));
    check_ok(flock(a, LOCK_EX | LOCK_NB));
    check_ok(flock(a, LOCK_UN));
    check_ok(close(c));
    b = open("file", O_RDWR);
}

/* Any close of the file by the process ends all its record locks. */
static void closes(void)
{
    check_ok(set(a, F_SETLK, F_WRLCK, 0, 10));
    check_eq(get(b, F_OFD_GETLK, F_WRLCK, 0, 0).l_type, F_WRLCK);
    check_ok(close(dup(b)));
    check_eq(get(b, F_OFD_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
    check_ok(set(a, F_SETLK, F_WRLCK, 0, 10));
    check_ok(dup2(b, b));
    check_eq(get(b, F_OFD_GETLK, F_WRLCK, 0, 0).l_type, F_WRLCK);
    int c = open("/dev/null", O_RDWR), d = dup(a);
    check_ok(dup2(c, d)); /* closes d */
    check_eq(get(b, F_OFD_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
    check_ok(set(a, F_SETLK, F_WRLCK, 0, 10));
    check_ok(dup2(a, d));
    check_ok(syscall(SYS_close_range, d, d, 0));
    check_eq(get(b, F_OFD_GETLK, F_WRLCK, 0, 0).l_type, F_UNLCK);
    close(c);
}

static pthread_barrier_t barrier;
static volatile int result;

static void *wait_flock(void *arg)
{
    pthread_barrier_wait(&barrier);
    result = flock((int)(long)arg, LOCK_EX) ? errno : 0;
    return NULL;
}

static void *wait_ofd(void *arg)
{
    pthread_barrier_wait(&barrier);
    result = set((int)(long)arg, F_OFD_SETLKW, F_RDLCK, 5, 5) ? errno : 0;
    return NULL;
}

static pthread_t waiter(void *(*fn)(void *), int fd)
{
    pthread_t t;
    result = -1;
    need(pthread_create(&t, NULL, fn, (void *)(long)fd) == 0);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 2000 && !has_line("/proc/locks", "->", ""); i++)
        usleep(1000);
    check(has_line("/proc/locks", "->", ""));
    check_eq(result, -1);
    return t;
}

static void caught(int sig)
{
    (void)sig;
}

static void handler(int flags)
{
    struct sigaction act = {.sa_handler = caught, .sa_flags = flags};
    sigaction(SIGUSR1, &act, NULL);
}

static void waiting(void)
{
    pthread_barrier_init(&barrier, NULL, 2);
    check_ok(flock(a, LOCK_SH));
    pthread_t t = waiter(wait_flock, b);
    proc_says("-> FLOCK  ADVISORY  WRITE", "0 EOF\n");
    check_ok(flock(a, LOCK_UN));
    pthread_join(t, NULL);
    check_eq(result, 0);
    check_ok(flock(b, LOCK_UN));

    check_ok(set(a, F_OFD_SETLK, F_WRLCK, 0, 100));
    t = waiter(wait_ofd, b);
    check_ok(set(a, F_OFD_SETLK, F_UNLCK, 50, 0)); /* still in its way */
    usleep(2000);
    check_eq(result, -1);
    check_ok(set(a, F_OFD_SETLK, F_RDLCK, 0, 50)); /* no longer */
    pthread_join(t, NULL);
    check_eq(result, 0);
    check_ok(set(b, F_OFD_SETLK, F_UNLCK, 0, 0));

    check_ok(set(a, F_OFD_SETLK, F_WRLCK, 0, 100));
    handler(0);
    t = waiter(wait_ofd, b);
    pthread_kill(t, SIGUSR1);
    pthread_join(t, NULL);
    check_eq(result, EINTR);
    check(!has_line("/proc/locks", "->", ""));

    handler(SA_RESTART);
    t = waiter(wait_ofd, b);
    pthread_kill(t, SIGUSR1);
    usleep(2000);
    check_eq(result, -1);
    int c = dup(a);
    check_ok(close(a));
    check_ok(close(c)); /* the description's end */
    pthread_join(t, NULL);
    check_eq(result, 0);
    check_ok(set(b, F_OFD_SETLK, F_UNLCK, 0, 0));
    a = open("file", O_RDWR);
}

static void fdinfo(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", a);
    check(!has_line(path, "lock:", ""));
    check_ok(flock(a, LOCK_EX));
    check(has_line(path, "FLOCK  ADVISORY  WRITE", "0 EOF\n"));
    check_ok(flock(a, LOCK_UN));
}

int main(void)
{
    a = open("file", O_RDWR | O_CREAT, 0600);
    b = open("file", O_RDWR);
    need(a >= 0 && b >= 0);
    ofd();
    split_and_merge();
    ranges();
    modes();
    flocks();
    closes();
    waiting();
    fdinfo();
    check(!has_line("/proc/locks", "", "")); /* nothing is left */
    return check_done();
}
