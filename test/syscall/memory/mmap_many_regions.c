/* SPDX-License-Identifier: Apache-2.0 */
/* Thousands of small mappings come, go in another order, and leave nothing mixed up. */
#include "check.h"
#include <sys/mman.h>

#define COUNT 4000

int main(void)
{
    static unsigned int *maps[COUNT];
    unsigned int random = 12345;
    int wrong = 0;

    for (int round = 0; round < 3; round++) {
        for (unsigned int i = 0; i < COUNT; i++) {
            maps[i] = mmap(NULL, 4096 * (1 + i % 3),
                           i % 2 ? PROT_READ | PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (maps[i] == MAP_FAILED) {
                wrong++;
                continue;
            }
            wrong += maps[i][0] != 0;
            maps[i][0] = i;
            maps[i][1023] = ~i;
        }
        for (unsigned int i = 0; i < COUNT; i++) {
            unsigned int j;

            random = random * 1103515245 + 12345;
            j = (random >> 8) % COUNT;
            unsigned int *swap = maps[i];
            maps[i] = maps[j];
            maps[j] = swap;
        }
        for (unsigned int i = 0; i < COUNT; i++) {
            unsigned int number = maps[i][0];

            wrong += maps[i][1023] != ~number;
            wrong += munmap(maps[i], 4096 * (1 + number % 3)) != 0;
        }
    }
    check_eq(wrong, 0);
    return check_done();
}
