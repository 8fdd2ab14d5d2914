/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that forks and ends, whose child does the same, and so on: others get their time meanwhile, and
 * those that are to end do.
 */
#include "check.h"
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static struct shared {
    int stop, links, alive, most;
} * shared;

static void link_up(void)
{
    for (;;) {
        int alive = __atomic_add_fetch(&shared->alive, 1, __ATOMIC_SEQ_CST);
        if (alive > shared->most)
            shared->most = alive;
        pid_t pid = __atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST) ? -1 : fork();
        if (pid == 0) {
            __atomic_add_fetch(&shared->links, 1, __ATOMIC_SEQ_CST);
            continue;
        }
        __atomic_sub_fetch(&shared->alive, 1, __ATOMIC_SEQ_CST);
        _exit(0);
    }
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(void)
{
    struct timespec nap = {0, 100 * 1000000};
    int status, ended = 0;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    need(shared != MAP_FAILED);
    check_ok(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
    fflush(stdout);
    for (int i = 0; i < 2; i++)
        if (!fork())
            link_up();
    double start = seconds();
    for (int i = 0; i < 5; i++)
        nanosleep(&nap, NULL);
    printf("five naps: %.1f s, %d links, %d at most at a time\n", seconds() - start, shared->links,
           shared->most);
    check(seconds() - start < 10);
    check(shared->links > 10);
    __atomic_store_n(&shared->stop, 1, __ATOMIC_SEQ_CST);
    while (waitpid(-1, &status, 0) > 0)
        ended++;
    check_eq(errno, ECHILD);
    check_eq(ended, shared->links + 2);
    check_eq(shared->alive, 0);
    return check_done();
}
