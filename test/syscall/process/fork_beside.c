/* SPDX-License-Identifier: Apache-2.0 */
/* fork while other threads of the process come and go: nothing that they write gets lost. */
#include "check.h"
#include <pthread.h>
#include <sys/wait.h>
#include <time.h>

#define FORKS 150
#define PAGES 512
#define PAGE 4096

static char written[PAGES][PAGE];
static int stop, lost;

/* Writes a page and sleeps, again and again: what the thread knows is what is there. */
static void *writer(void *arg)
{
    int first = *(int *)arg;
    char own[PAGES] = {0};

    for (unsigned turn = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED); turn++) {
        int page = first + (int)(turn * 2 % PAGES);
        memset(written[page], (int)turn, PAGE);
        own[page] = (char)turn;
        for (int i = first; i < PAGES; i += 2)
            if (written[i][7] != own[i])
                __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
        nanosleep(&(struct timespec){0, 20000}, NULL);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    int first[2] = {0, 1}, bad = 0;

    memset(written, 0, sizeof(written));
    for (int i = 0; i < 2; i++)
        need(pthread_create(&threads[i], NULL, writer, &first[i]) == 0);
    for (int i = 0; i < FORKS; i++) {
        int status;
        pid_t pid = fork();
        if (pid == 0)
            _exit(7);
        bad += pid < 0 || waitpid(pid, &status, 0) != pid || status != 7 << 8;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    check_eq(bad, 0);
    check_eq(lost, 0);
    return check_done();
}
