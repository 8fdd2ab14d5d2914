/* SPDX-License-Identifier: Apache-2.0 */
/* fork: the child has a copy of the memory, of descriptors and handlers, and what fork(2) says it has not. */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

static int data = 1;
static char bss[1 << 20];

/* The child's exit code is how many of its checks failed. */
#define IN_CHILD(cond) (failed += !(cond))

static int wait_code(pid_t pid)
{
    int status;

    check_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -status;
}

static void memory(void)
{
    char stack = 1, *heap = malloc(1 << 16);
    char *map = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(heap, 1, 1 << 16);
    memset(map, 1, 1 << 20);
    memset(bss, 1, sizeof(bss));
    pid_t pid = fork();
    if (pid == 0) {
        int failed = 0;
        IN_CHILD(data == 1 && stack == 1 && heap[5000] == 1 && map[70000] == 1 && bss[99999] == 1);
        data = 2;
        stack = 2;
        memset(heap, 2, 1 << 16);
        memset(map, 2, 1 << 20);
        memset(bss, 2, sizeof(bss));
        sched_yield();
        IN_CHILD(data == 2 && stack == 2 && heap[5000] == 2 && map[70000] == 2 && bss[99999] == 2);
        IN_CHILD(munmap(map, 1 << 20) == 0);
        _exit(failed);
    }
    data = 3;
    map[70000] = 3;
    sched_yield();
    check_eq(wait_code(pid), 0);
    check_eq(data, 3);
    check_eq(stack, 1);
    check_eq(heap[5000], 1);
    check_eq(map[70000], 3);
    check_eq(map[70001], 1);
    check_eq(bss[99999], 1);
}

/* What the kernel maps into every program is each one's to give up. */
static void vdso(void)
{
    struct timespec before, after;
    size_t start = 0, end = 0;
    char line[256];
    FILE *maps = fopen("/proc/self/maps", "r");

    need(maps != NULL);
    while (fgets(line, sizeof(line), maps))
        if (strstr(line, "[vdso]"))
            sscanf(line, "%zx-%zx", &start, &end);
    fclose(maps);
    check_eq(start, getauxval(AT_SYSINFO_EHDR));
    clock_gettime(CLOCK_MONOTONIC, &before);
    pid_t pid = fork();
    if (pid == 0) {
        int failed = 0;
        IN_CHILD(clock_gettime(CLOCK_MONOTONIC, &after) == 0 && after.tv_sec >= before.tv_sec);
        IN_CHILD(munmap((void *)start, end - start) == 0);
        _exit(failed);
    }
    check_eq(wait_code(pid), 0);
    check_ok(clock_gettime(CLOCK_MONOTONIC, &after));
    check(after.tv_sec >= before.tv_sec && after.tv_sec < before.tv_sec + 100);
}

static void files(void)
{
    int fds[2];
    char buf[8] = "";

    need(pipe(fds) == 0);
    int fd = open("shared", O_RDWR | O_CREAT, 0600);
    need(write(fd, "abcdef", 6) == 6);
    lseek(fd, 0, SEEK_SET);
    pid_t pid = fork();
    if (pid == 0) {
        int failed = 0;
        IN_CHILD(read(fd, buf, 3) == 3); /* one description, one position */
        IN_CHILD(write(fds[1], "hi", 2) == 2);
        IN_CHILD(close(fds[0]) == 0);
        IN_CHILD(chdir("/") == 0);
        umask(0177);
        _exit(failed);
    }
    close(fds[1]);
    check_eq(read(fds[0], buf, sizeof(buf)), 2);
    check_eq(read(fds[0], buf, sizeof(buf)), 0); /* end of file: the child's end is closed */
    check_eq(wait_code(pid), 0);
    check_eq(lseek(fd, 0, SEEK_CUR), 3);
    check_ok(access("shared", F_OK));
    check(umask(022) != 0177);
    close(fd);
    close(fds[0]);
}

static volatile sig_atomic_t hits;

static void hit(int sig)
{
    (void)sig;
    hits++;
}

static void not_inherited(void)
{
    struct itimerval timer = {.it_value = {.tv_sec = 100}}, left;
    struct sigaction act = {.sa_handler = hit};
    sigset_t set, pending;
    struct rusage ru;
    timer_t id;

    sigaction(SIGUSR1, &act, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    setitimer(ITIMER_REAL, &timer, NULL);
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    check_ok(syscall(SYS_timer_create, CLOCK_MONOTONIC, &none, &id));
    int kernel_id = *(int *)&id;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        int failed = 0;
        IN_CHILD(sigpending(&pending) == 0 && !sigismember(&pending, SIGUSR1));
        IN_CHILD(sigprocmask(SIG_BLOCK, NULL, &set) == 0 && sigismember(&set, SIGUSR1));
        IN_CHILD(sigaction(SIGUSR1, NULL, &act) == 0 && act.sa_handler == hit);
        IN_CHILD(getitimer(ITIMER_REAL, &left) == 0 && left.it_value.tv_sec == 0);
        IN_CHILD(syscall(SYS_timer_gettime, kernel_id, &left) == -1 && errno == EINVAL);
        IN_CHILD(getppid() == parent && getpid() != parent && gettid() == getpid());
        IN_CHILD(getpgrp() == getpgid(parent) && getsid(0) == getsid(parent));
        IN_CHILD(getrusage(RUSAGE_CHILDREN, &ru) == 0 && ru.ru_utime.tv_sec == 0);
        IN_CHILD(raise(SIGUSR1) == 0 && sigpending(&pending) == 0 && hits == 0);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
        IN_CHILD(hits == 1);
        _exit(failed);
    }
    check_eq(wait_code(pid), 0);
    check_eq(hits, 0);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    check_eq(hits, 1);
    check_ok(getitimer(ITIMER_REAL, &left));
    check(left.it_value.tv_sec > 90);
    timer.it_value.tv_sec = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
}

static volatile int beat, stop;

static void *beats(void *arg)
{
    while (!stop)
        beat++;
    return arg;
}

/* Only the thread that forks is in the child. */
static void of_threads(void)
{
    pthread_t thread;

    need(pthread_create(&thread, NULL, beats, NULL) == 0);
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int before = beat;
            child_nap(5);
            _exit(beat != before);
        }
        check_eq(wait_code(pid), 0);
    }
    int before = beat;
    child_nap(50);
    check(beat != before);
    stop = 1;
    pthread_join(thread, NULL);
}

static int nested(int depth)
{
    if (depth == 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(nested(depth - 1));
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) + 1 : 100;
}

int main(void)
{
    memory();
    vdso();
    files();
    not_inherited();
    of_threads();
    check_eq(nested(20), 20);
    check_err(waitpid(-1, NULL, 0), ECHILD);
    return check_done();
}
