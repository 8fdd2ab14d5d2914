/* SPDX-License-Identifier: Apache-2.0 */
/* A FIFO and its names: linked, renamed, replaced and removed while it is open; what open refuses; how open is
 * interrupted; that nothing stays in a FIFO that nobody has open. */
#include "asleep.h"
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static char buf[16];

static int reader(const char *name)
{
    return open(name, O_RDONLY | O_NONBLOCK);
}

static int writer(const char *name)
{
    return open(name, O_WRONLY | O_NONBLOCK);
}

static void two_names(void)
{
    struct stat a, b;

    check_ok(mkfifo("f", 0640));
    check_err(mkfifo("f", 0640), EEXIST);
    check_ok(link("f", "g"));
    check_ok(stat("f", &a));
    check_ok(stat("g", &b));
    check_eq(a.st_ino, b.st_ino);
    check_eq(a.st_nlink, 2);
    check_eq(a.st_size, 0);
    check_eq(a.st_mode & 07777, 0640 & ~022);
    int r = (int)check_ok(reader("f")), w = (int)check_ok(writer("g"));
    check_eq(write(w, "one", 3), 3);
    check_eq(read(r, buf, 16), 3);
    check_ok(unlink("g"));
    check_ok(rename("f", "h"));
    check_err(writer("f"), ENOENT);
    int w2 = (int)check_ok(writer("h"));
    check_eq(write(w2, "two", 3), 3);
    check_eq(read(r, buf, 16), 3);
    check_ok(fstat(r, &b));
    check_eq(b.st_ino, a.st_ino);
    check_eq(b.st_nlink, 1);
    check(S_ISFIFO(b.st_mode));
    check_ok(unlink("h"));
    check_ok(fstat(w, &b));
    check_eq(b.st_nlink, 0);
    check_eq(write(w, "still", 5), 5);
    check_eq(read(r, buf, 16), 5);

    /* One of the same name is another. */
    check_ok(mkfifo("h", 0600));
    check_err(writer("h"), ENXIO);
    int r2 = (int)check_ok(reader("h"));
    check_eq(write(w, "old", 3), 3);
    check_eq(read(r2, buf, 16), 0);
    check_eq(read(r, buf, 16), 3);
    close(w);
    close(w2);
    close(r);
    close(r2);
    check_ok(unlink("h"));
}

static void replaced(void)
{
    check_ok(mkfifo("f", 0600));
    check_ok(mkfifo("g", 0600));
    int rf = (int)check_ok(reader("f")), rg = (int)check_ok(reader("g"));
    check_ok(rename("f", "g"));
    int w = (int)check_ok(writer("g"));
    check_eq(write(w, "f", 1), 1);
    check_eq(read(rg, buf, 1), 0);
    check_eq(read(rf, buf, 1), 1);
    check_err(reader("f"), ENOENT);
    close(w);
    close(rf);
    close(rg);
    int both = (int)check_ok(open("g", O_RDWR));
    check_eq(write(both, "gone", 4), 4);
    close(both);
    both = (int)check_ok(open("g", O_RDWR | O_NONBLOCK)); /* empty again */
    check_err(read(both, buf, 4), EAGAIN);
    close(both);
    check_ok(unlink("g"));
}

static void opening(void)
{
    char path[40];
    struct stat st;

    check_ok(mkfifo("f", 0600));
    check_err(open("f", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    check_err(open("f", O_WRONLY | O_NONBLOCK | O_CREAT, 0600), ENXIO);
    check_err(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    check_err(open("f/", O_RDONLY), ENOTDIR);
    int r = (int)check_ok(open("f", O_RDONLY | O_NONBLOCK | O_CREAT, 0600));
    int w = (int)check_ok(open("f", O_WRONLY | O_TRUNC | O_APPEND));
    check_eq(write(w, "abc", 3), 3);
    int w2 = (int)check_ok(open("f", O_WRONLY | O_TRUNC)); /* takes nothing away */
    check_eq(read(r, buf, 16), 3);
    check_err(truncate("f", 0), EINVAL);
    check_err(lseek(r, 0, SEEK_SET), ESPIPE);
    check_err(read(w, buf, 1), EBADF);
    check_err(write(r, buf, 1), EBADF);
    int p = (int)check_ok(open("f", O_PATH));
    check_ok(fstat(p, &st));
    check(S_ISFIFO(st.st_mode));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", p);
    int w3 = (int)check_ok(open(path, O_WRONLY | O_NONBLOCK));
    check_eq(write(w3, "by path", 7), 7);
    check_eq(read(r, buf, 16), 7);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", r);
    int w4 = (int)check_ok(open(path, O_WRONLY));
    check_eq(write(w4, "x", 1), 1);
    check_eq(read(r, buf, 16), 1);
    check_eq(fcntl(r, F_GETPIPE_SZ), 65536);
    close(p);
    close(w);
    close(w2);
    close(w3);
    close(w4);
    check_eq(read(r, buf, 1), 0);
    close(r);
    check_ok(unlink("f"));
}

static volatile int handled, tid;

static void nothing(int sig)
{
    (void)sig;
    handled++;
}

static void *open_it(void *arg)
{
    tid = (int)syscall(SYS_gettid);
    int fd = open("f", (int)(long)arg);
    return (void *)(long)(fd < 0 ? -errno : fd);
}

static long interrupted(int flags, int sa_flags, int let_in)
{
    struct sigaction act = {.sa_handler = nothing, .sa_flags = sa_flags};
    pthread_t thread;
    void *fd;

    sigaction(SIGUSR1, &act, NULL);
    handled = tid = 0;
    need(pthread_create(&thread, NULL, open_it, (void *)(long)flags) == 0);
    while (!tid)
        usleep(500);
    wait_asleep(getpid(), tid);
    pthread_kill(thread, SIGUSR1);
    while (!handled)
        usleep(500);
    if (let_in) {
        wait_asleep(getpid(), tid);
        check_eq(handled, 1);
    }
    int other = let_in ? (int)check_ok(open("f", O_RDWR)) : -1;
    pthread_join(thread, &fd);
    close(other);
    if ((long)fd >= 0)
        close((int)(long)fd);
    return (long)fd;
}

static void signals(void)
{
    check_ok(mkfifo("f", 0600));
    check_eq(interrupted(O_RDONLY, 0, 0), -EINTR);
    check_eq(interrupted(O_WRONLY, 0, 0), -EINTR);
    check(interrupted(O_RDONLY, SA_RESTART, 1) >= 0);
    check(interrupted(O_WRONLY, SA_RESTART, 1) >= 0);
    check_err(writer("f"), ENXIO); /* who was interrupted has left */
    check_ok(unlink("f"));
}

int main(void)
{
    umask(022);
    two_names();
    replaced();
    opening();
    signals();
    return check_done();
}
