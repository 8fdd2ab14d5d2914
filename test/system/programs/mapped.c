/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaves a file behind that was written to through a shared mapping, and ends in the way that the argument
 * says: unmap, exit, segv; or goes round a mapped file larger than memory: large.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096L

static char *map(const char *name, long size, int *fd)
{
    char *p;

    *fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (*fd < 0 || ftruncate(*fd, size))
        exit(2);
    p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (p == MAP_FAILED)
        exit(3);
    return p;
}

/* Reads all of it, writes to a fifth, and reads it again. */
static int large(void)
{
    const long size = 96L << 20;
    int fd;
    char *p = map("large", size, &fd);
    unsigned long sum = 0;

    for (long at = 0; at < size; at += PAGE) {
        long value = at / PAGE;
        if (pwrite(fd, &value, sizeof(value), at) != sizeof(value))
            return 4;
    }
    for (long at = 0; at < size; at += PAGE)
        sum += *(unsigned long *)(p + at);
    for (long at = 0; at < size / 5; at += PAGE)
        p[at + 8] = 1;
    for (long at = 0; at < size; at += PAGE)
        sum += *(unsigned long *)(p + at) + (unsigned long)p[at + 8];
    printf("sum %lu\n", sum);
    if (munmap(p, (size_t)size) || close(fd) || unlink("large"))
        return 5;
    return 0;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    int fd, other;
    char *p, *q;

    if (!strcmp(how, "large"))
        return large();
    p = map("mapped", 20 * PAGE + 17, &fd);
    q = map("other", PAGE, &other);
    for (long at = 0; at < 20 * PAGE + 17; at += 1000)
        p[at] = (char)('a' + at / PAGE);
    memset(p + 20 * PAGE, 'e', PAGE); /* beyond the end is nowhere */
    strcpy(q, "kept open");
    if (!strcmp(how, "unmap") && (munmap(p, 21 * PAGE) || munmap(q, PAGE)))
        return 6;
    close(fd);
    if (!strcmp(how, "segv"))
        raise(SIGSEGV);
    return 0;
}
