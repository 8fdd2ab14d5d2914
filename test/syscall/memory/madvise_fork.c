/* SPDX-License-Identifier: Apache-2.0 */
/* What MADV_WIPEONFORK and MADV_DONTFORK mean for a child, and that the parent keeps its memory. */
#include "check.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define SIZE (8UL * 4096)

static unsigned char *map(int fill)
{
    unsigned char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(p != MAP_FAILED);
    memset(p, fill, SIZE);
    return p;
}

static int child(const unsigned char *wiped, const unsigned char *kept, const unsigned char *gone)
{
    unsigned char in_core[8];

    for (size_t i = 0; i < SIZE; i++)
        if (wiped[i] != 0 || kept[i] != 2)
            return 1;
    return mincore((void *)gone, SIZE, in_core) == -1 && errno == ENOMEM ? 0 : 2;
}

int main(void)
{
    unsigned char *wiped = map(1), *kept = map(2), *gone = map(3);
    int status;

    check_eq(madvise(wiped, SIZE, MADV_WIPEONFORK), 0);
    check_eq(madvise(kept, SIZE, MADV_WIPEONFORK), 0);
    check_eq(madvise(kept, SIZE, MADV_KEEPONFORK), 0);
    check_eq(madvise(gone, SIZE, MADV_DONTFORK), 0);
    for (int i = 0; i < 3; i++) {
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            _exit(child(wiped, kept, gone));
        check_eq(waitpid(pid, &status, 0), pid);
        check_eq(status, 0);
        check_eq(wiped[SIZE - 1], 1);
        check_eq(kept[0], 2);
        check_eq(gone[SIZE / 2], 3);
    }
    return check_done();
}
