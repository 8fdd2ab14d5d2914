/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes of megabytes in one call, unaligned, arrive complete and unchanged. */
#include "check.h"
#include <fcntl.h>

#define SIZE (24 << 20)

int main(void)
{
    unsigned char *data = malloc(SIZE + 16), *back = malloc(SIZE + 16);
    int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0644);

    need(data && back && fd >= 0);
    for (size_t i = 0; i < SIZE; i++)
        data[3 + i] = (unsigned char)(i * 2654435761u >> 13);
    check_eq(write(fd, data + 3, SIZE), SIZE);
    check_eq(lseek(fd, 0, SEEK_SET), 0);
    check_eq(read(fd, back + 7, SIZE + 9), SIZE);
    check(!memcmp(data + 3, back + 7, SIZE));
    check_eq(pread(fd, back, 10 << 20, 12345), 10 << 20);
    check(!memcmp(data + 3 + 12345, back, 10 << 20));
    check_eq(pwrite(fd, data + 3, 5 << 20, 999), 5 << 20);
    check_eq(pread(fd, back, 5 << 20, 999), 5 << 20);
    check(!memcmp(data + 3, back, 5 << 20));
    return check_done();
}
