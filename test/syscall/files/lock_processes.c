/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks between processes: what F_GETLK tells of the holder, what fork gives (nothing of record locks, a
 * share of the others), what exec keeps and an end releases, waiting, and EDEADLK.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>

static int fd;
static volatile int *shared; /* anonymous memory of all */

static int set(int f, int cmd, int type, off_t start, off_t len)
{
    struct flock fl = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    return fcntl(f, cmd, &fl);
}

static struct flock get(int cmd, int type, off_t start, off_t len)
{
    struct flock fl = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
    check_ok(fcntl(fd, cmd, &fl));
    return fl;
}

/* Runs fn in a child; its pipe ends tell it when to go on, and us when it has come so far. */
static int to_child[2], from_child[2];

static pid_t child(int (*fn)(void))
{
    need(pipe(to_child) == 0 && pipe(from_child) == 0);
    fflush(stdout);
    pid_t pid = fork();
    need(pid >= 0);
    if (pid == 0) {
        close(to_child[1]);
        close(from_child[0]);
        _exit(fn());
    }
    close(to_child[0]);
    close(from_child[1]);
    return pid;
}

static void say(int f)
{
    need(write(f, "x", 1) == 1);
}

static void hear(int f)
{
    char c;
    need(read(f, &c, 1) == 1);
}

static int ended(pid_t pid)
{
    int status;
    need(waitpid(pid, &status, 0) == pid);
    close(to_child[1]);
    close(from_child[0]);
    return status;
}

/* Until a process stands in /proc/locks as a waiter. */
static int is_waiting(pid_t pid)
{
    char line[256], want[32];
    snprintf(want, sizeof(want), " %d ", pid);
    for (int i = 0; i < 2000; i++) {
        int found = 0;
        FILE *f = fopen("/proc/locks", "r");
        while (f && fgets(line, sizeof(line), f))
            found |= strstr(line, "->") && strstr(line, want);
        if (f)
            fclose(f);
        if (found)
            return 1;
        usleep(1000);
    }
    return 0;
}

static int child_holds(void)
{
    if (set(fd, F_SETLK, F_WRLCK, 10, 10) || flock(fd, LOCK_UN))
        return 1;
    say(from_child[1]);
    hear(to_child[0]);
    return 7;
}

static void holder(void)
{
    pid_t pid = child(child_holds);
    hear(from_child[0]);
    struct flock fl = get(F_GETLK, F_RDLCK, 0, 0);
    check_eq(fl.l_type, F_WRLCK);
    check_eq(fl.l_start, 10);
    check_eq(fl.l_len, 10);
    check_eq(fl.l_pid, pid);
    fl = get(F_OFD_GETLK, F_RDLCK, 0, 0);
    check_eq(fl.l_pid, pid);
    check_err(set(fd, F_SETLK, F_RDLCK, 0, 11), EAGAIN);
    check_ok(set(fd, F_SETLK, F_WRLCK, 0, 10));
    check_ok(set(fd, F_SETLK, F_WRLCK, 20, 0));
    say(to_child[1]);
    check_eq(ended(pid), 7 << 8);
    check_ok(set(fd, F_SETLK, F_WRLCK, 0, 0)); /* its end released it */
    check_ok(set(fd, F_SETLK, F_UNLCK, 0, 0));
}

static int child_is_killed(void)
{
    if (set(fd, F_SETLK, F_WRLCK, 0, 0))
        return 1;
    say(from_child[1]);
    for (;;)
        pause();
}

static void killed(void)
{
    pid_t pid = child(child_is_killed);
    hear(from_child[0]);
    check_err(set(fd, F_SETLK, F_RDLCK, 0, 1), EAGAIN);
    kill(pid, SIGKILL);
    check_ok(set(fd, F_SETLKW, F_RDLCK, 0, 1)); /* not before it is dead, and then */
    check_eq(ended(pid), SIGKILL);
    check_ok(set(fd, F_SETLK, F_UNLCK, 0, 0));
}

/* fork: record locks stay with the parent; flock and OFD locks are the description's, thus also ours. */
static int child_inherits(void)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    if (fcntl(fd, F_GETLK, &fl) || fl.l_type != F_WRLCK || fl.l_pid != getppid())
        return 1;
    if (set(fd, F_SETLK, F_RDLCK, 5, 1) != -1 || errno != EAGAIN)
        return 2;
    if (set(fd, F_OFD_SETLK, F_WRLCK, 100, 10)) /* it is ours, too */
        return 3;
    int other = open("file", O_RDWR);
    if (set(other, F_OFD_SETLK, F_RDLCK, 100, 1) != -1 || errno != EAGAIN)
        return 4;
    if (flock(other, LOCK_SH | LOCK_NB) != -1 || errno != EWOULDBLOCK)
        return 5;
    close(other);
    if (flock(fd, LOCK_UN)) /* the parent's as well */
        return 6;
    close(fd);
    return 0;
}

static void inheritance(void)
{
    check_ok(set(fd, F_SETLK, F_WRLCK, 0, 10));
    check_ok(set(fd, F_OFD_SETLK, F_WRLCK, 100, 10));
    check_ok(flock(fd, LOCK_EX));
    pid_t pid = child(child_inherits);
    check_eq(ended(pid), 0);
    int other = open("file", O_RDWR);
    check_ok(flock(other, LOCK_EX | LOCK_NB));
    check_err(set(other, F_OFD_SETLK, F_RDLCK, 100, 1),
              EAGAIN); /* the child's close was not the last */
    check_err(set(other, F_OFD_SETLK, F_RDLCK, 0, 1), EAGAIN); /* nor did it release ours */
    close(other);
    check_ok(set(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
    check_ok(set(fd, F_SETLK, F_UNLCK, 0, 0));
}

static int child_execs(void)
{
    int kept = dup(fd), lost = open("other", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char a[16], b[16], c[16];
    if (set(kept, F_SETLK, F_WRLCK, 0, 10) || set(lost, F_SETLK, F_WRLCK, 0, 10))
        return 1;
    snprintf(a, sizeof(a), "%d", to_child[0]);
    snprintf(b, sizeof(b), "%d", from_child[1]);
    snprintf(c, sizeof(c), "%d", kept);
    execl("/proc/self/exe", "lock_processes", "held", a, b, c, NULL);
    return 2;
}

static int after_exec(char **argv)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    say(atoi(argv[3]));
    hear(atoi(argv[2]));
    if (fcntl(atoi(argv[4]), F_GETLK, &fl) || fl.l_type != F_UNLCK)
        return 3;
    return 0;
}

static void execs(void)
{
    pid_t pid = child(child_execs);
    hear(from_child[0]);
    check_eq(get(F_GETLK, F_WRLCK, 0, 0).l_pid, pid);
    int other = open("other", O_RDWR);
    check_ok(set(other, F_SETLK, F_WRLCK, 0, 0));
    close(other);
    say(to_child[1]);
    check_eq(ended(pid), 0);
}

static int child_waits(void)
{
    say(from_child[1]);
    int err = set(fd, F_SETLKW, F_WRLCK, 50, 10) ? errno : 0;
    shared[0] = err ? -err : 1;
    say(from_child[1]);
    hear(to_child[0]);
    return err;
}

static void caught(int sig)
{
    (void)sig;
    shared[1]++;
}

static void waits(void)
{
    struct sigaction act = {.sa_handler = caught, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &act, NULL);
    act.sa_flags = 0;
    sigaction(SIGUSR2, &act, NULL);
    shared[0] = shared[1] = 0;
    check_ok(set(fd, F_SETLK, F_RDLCK, 0, 100));
    pid_t pid = child(child_waits);
    hear(from_child[0]);
    check(is_waiting(pid));
    kill(pid, SIGUSR1); /* goes on waiting */
    while (!shared[1])
        usleep(1000);
    check(is_waiting(pid));
    check_eq(shared[0], 0);
    check_ok(set(fd, F_SETLK, F_UNLCK, 50, 9));
    check(is_waiting(pid));
    check_eq(shared[0], 0);
    check_ok(set(fd, F_SETLK, F_UNLCK, 59, 1));
    hear(from_child[0]);
    check_eq(shared[0], 1);
    check_eq(get(F_GETLK, F_WRLCK, 0, 0).l_start, 50);
    say(to_child[1]);
    check_eq(ended(pid), 0);

    check_ok(set(fd, F_SETLK, F_WRLCK, 0, 100));
    pid = child(child_waits);
    hear(from_child[0]);
    check(is_waiting(pid));
    kill(pid, SIGUSR2);
    hear(from_child[0]);
    check_eq(shared[0], -EINTR);
    say(to_child[1]);
    check_eq(ended(pid), EINTR << 8);
    check_ok(set(fd, F_SETLK, F_UNLCK, 0, 0));
}

/* A ring: everyone holds his byte and wants the next one's.  The last one is told. */
#define RING 4

static int ring_member(int i)
{
    if (set(fd, F_SETLK, F_WRLCK, 1000 + i, 1))
        return 1;
    __atomic_add_fetch(&shared[2], 1, __ATOMIC_SEQ_CST);
    while (shared[3] < i + 1)
        usleep(1000);
    int err = set(fd, F_SETLKW, F_WRLCK, 1000 + (i + 1) % RING, 1) ? errno : 0;
    if (i == RING - 1)
        return err == EDEADLK ? 0 : 2; /* our end lets the one before go on, and so all */
    return err ? 3 : 0;
}

static void deadlock(void)
{
    pid_t pid[RING];
    int status, good = 0;
    shared[2] = shared[3] = 0;
    fflush(stdout);
    for (int i = 0; i < RING; i++) {
        pid[i] = fork();
        need(pid[i] >= 0);
        if (pid[i] == 0)
            _exit(ring_member(i));
    }
    while (shared[2] < RING)
        usleep(1000);
    for (int i = 0; i < RING; i++) {
        shared[3] = i + 1;
        if (i < RING - 1)
            check(is_waiting(pid[i]));
    }
    for (int i = 0; i < RING; i++)
        good += waitpid(pid[i], &status, 0) == pid[i] && status == 0;
    check_eq(good, RING);
}

/* OFD locks are nobody's: no deadlock is seen, and a signal is the only way out. */
static int child_ofd(void)
{
    int own = open("file", O_RDWR);
    if (set(own, F_OFD_SETLK, F_WRLCK, 1, 1))
        return 1;
    say(from_child[1]);
    if (set(own, F_OFD_SETLKW, F_WRLCK, 0, 1) == 0 || errno != EINTR)
        return 2;
    return 0;
}

static void no_deadlock(void)
{
    check_ok(set(fd, F_OFD_SETLK, F_WRLCK, 0, 1));
    pid_t pid = child(child_ofd);
    hear(from_child[0]);
    check(is_waiting(-1));
    check_err(set(fd, F_OFD_SETLK, F_WRLCK, 1, 1), EAGAIN);
    kill(pid, SIGUSR2);
    check_eq(ended(pid), 0);
    check_ok(set(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
}

/* Many who add under one lock. */
static void counting(void)
{
    enum { WORKERS = 4, ROUNDS = 200 };
    int status, good = 0;
    pid_t pid[WORKERS];
    shared[4] = 0;
    fflush(stdout);
    for (int i = 0; i < WORKERS; i++) {
        pid[i] = fork();
        need(pid[i] >= 0);
        if (pid[i])
            continue;
        int own = open("file", O_RDWR);
        for (int n = 0; n < ROUNDS; n++) {
            int kind = i % 2;
            if (kind ? flock(own, LOCK_EX) : set(own, F_SETLKW, F_WRLCK, 0, 1))
                _exit(1);
            if (kind == 0 && flock(own, LOCK_EX)) /* both, in one order */
                _exit(2);
            int v = shared[4];
            if (n % 16 == 0)
                usleep(100);
            shared[4] = v + 1;
            flock(own, LOCK_UN);
            if (kind == 0)
                set(own, F_SETLK, F_UNLCK, 0, 1);
        }
        _exit(0);
    }
    for (int i = 0; i < WORKERS; i++)
        good += waitpid(pid[i], &status, 0) == pid[i] && status == 0;
    check_eq(good, WORKERS);
    check_eq(shared[4], WORKERS * ROUNDS);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return after_exec(argv);
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    fd = open("file", O_RDWR | O_CREAT, 0600);
    need(fd >= 0 && shared != MAP_FAILED);
    holder();
    killed();
    inheritance();
    execs();
    waits();
    deadlock();
    no_deadlock();
    counting();
    return check_done();
}
