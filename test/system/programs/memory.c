/* SPDX-License-Identifier: Apache-2.0 */
/* Takes memory in MiB until the argument or a refusal; ENOMEM is an answer, not an end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
    long want = argc > 1 ? atol(argv[1]) : 64, got = 0;

    while (got < want) {
        char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED) {
            printf("refused: %s\n", strerror(errno));
            return 4;
        }
        memset(p, 1, 1 << 20);
        got++;
    }
    printf("got %ld MiB\n", got);
    return 0;
}
