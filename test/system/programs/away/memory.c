/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a process that is away: most of it is dealt with where the process is. */
#define _GNU_SOURCE
#include "away.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1UL << 20)
#define PAGE 4096UL

static void heap(void)
{
    enum { N = 400 };
    char *p[N] = {NULL};
    size_t size[N] = {0};
    uint32_t seed = 7, all = 0;

    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245U + 12345U;
        int k = (int)(seed >> 16) % N;
        size_t n = (seed >> 8) % (i % 50 ? 2000 : 300000) + 1;
        if (p[k])
            all = all * 31 + sum(p[k], size[k] < 64 ? size[k] : 64);
        p[k] = realloc(p[k], n);
        fill(p[k], n < 64 ? n : 64, seed);
        size[k] = n;
        if (seed % 5 == 0) {
            free(p[k]);
            p[k] = NULL;
        }
    }
    say("heap %08x", all);
    char *big = calloc(1, 20 * MIB);
    fill(big + 3 * MIB, 5 * MIB, 1);
    big = realloc(big, 40 * MIB);
    say("big %08x", sum(big, 20 * MIB));
    free(big);
}

static char *map(size_t n, int prot)
{
    return mmap(NULL, n, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void maps(void)
{
    char *p = map(16 * PAGE, PROT_READ | PROT_WRITE);

    fill(p, 16 * PAGE, 3);
    check(!munmap(p + 4 * PAGE, 4 * PAGE), "munmap");
    check(mincore(p + 4 * PAGE, PAGE, (unsigned char *)p) == -1 && errno == ENOMEM, "mincore");
    say("parts %08x %08x", sum(p, 4 * PAGE), sum(p + 8 * PAGE, 8 * PAGE));
    char *q = mmap(p + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    say("fixed %d %d", q == p + 5 * PAGE, q[0]);
    q = mmap(p, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    say("over %d %08x", q == p, sum(p, 4 * PAGE));
    q = mmap(p + 8 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
             0);
    say("noreplace %d %s", q == MAP_FAILED, strerror(errno));
    say("protect %d", mprotect(p + 8 * PAGE, 2 * PAGE, PROT_READ));
    say("split %08x", sum(p + 8 * PAGE, 8 * PAGE));
    say("read into it %zd %s", read(-1, p, 1), strerror(errno));
    say("madvise %d %08x", madvise(p + 10 * PAGE, 2 * PAGE, MADV_DONTNEED),
        sum(p + 8 * PAGE, 8 * PAGE));
    say("bad madvise %d %s", madvise(p, PAGE, 9999), strerror(errno));
    say("bad mprotect %d %s", mprotect(p + 6 * PAGE, PAGE, PROT_READ), strerror(errno));
    say("bad munmap %d %s", munmap(p + 1, PAGE), strerror(errno));
    go_away();
    say("still %08x", sum(p + 8 * PAGE, 8 * PAGE));
}

static void remaps(void)
{
    char *p = map(4 * PAGE, PROT_READ | PROT_WRITE);

    fill(p, 4 * PAGE, 5);
    uint32_t before = sum(p, 4 * PAGE);
    for (size_t n = 8; n <= 8192; n *= 4) {
        p = mremap(p, n / 2 * PAGE, n * PAGE, MREMAP_MAYMOVE);
        if (!check(p != MAP_FAILED, "mremap %zu: %s", n, strerror(errno)))
            return;
        p[n * PAGE - 1] = 1;
        p = mremap(p, n * PAGE, n * 2 * PAGE, MREMAP_MAYMOVE);
        check(sum(p, 4 * PAGE) == before && p[n * PAGE - 1] == 1 && !p[n * PAGE], "at %zu", n);
    }
    p = mremap(p, 16384 * PAGE, 4 * PAGE, 0);
    char *to = map(4 * PAGE, PROT_NONE);
    char *q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    say("fixed %d %d", q == to, sum(q, 4 * PAGE) == before);
    q = mremap(to, 4 * PAGE, 8 * PAGE, 0x100);
    say("bad %d %s", q == MAP_FAILED, strerror(errno));
}

static void breaks(void)
{
    char *start = sbrk(0);

    for (int i = 0; i < 8; i++) {
        char *p = sbrk((intptr_t)MIB);
        if (!check(p == start + (size_t)i * MIB, "sbrk"))
            return;
        fill(p, MIB, (uint32_t)i);
    }
    say("up %08x", sum(start, 8 * MIB));
    say("down %d", brk(start + 3 * MIB + 5));
    say("up again %d %08x", brk(start + 100 * MIB), sum(start, 8 * MIB));
    fill(start + 60 * MIB, 40 * MIB, 3);
    say("far %08x", sum(start + 60 * MIB, 40 * MIB));
    say("down again %d %d", brk(start), sbrk(0) == start);
    say("below %d %s", brk((void *)4096), strerror(errno));
}

static __attribute__((noinline)) uint32_t deep(int n)
{
    volatile char here[1000];

    for (size_t i = 0; i < sizeof(here); i += 100)
        here[i] = (char)n;
    uint32_t rest = n ? deep(n - 1) : 0;
    return rest * 31 + (uint32_t)here[500];
}

static void stack(void)
{
    say("deep %08x", deep(6000));
    say("deep again %08x", deep(7000));
}

static int file_make(const char *name, size_t n)
{
    char *data = malloc(n);
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

    fill(data, n, 9);
    if (write(fd, data, n) != (ssize_t)n)
        say("FAIL write %s", strerror(errno));
    free(data);
    return fd;
}

static void private_files(void)
{
    int fd = file_make("mapped", 100 * PAGE + 100);
    char *p = mmap(NULL, 101 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0), text[64];

    say("map %d %08x", p != MAP_FAILED, sum(p, 101 * PAGE));
    memcpy(p + 5 * PAGE - 3, "written", 7);
    say("pread %zd %08x", pread(fd, text, sizeof(text), 5 * PAGE - 3), sum(text, 64));
    char *q = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE, fd, 50 * PAGE);
    close(fd);
    say("part %08x", sum(q, 3 * PAGE));
    say("own %08x", sum(p, 101 * PAGE));
    say("drop %d %08x", madvise(p, 101 * PAGE, MADV_DONTNEED), sum(p, 101 * PAGE));
    say("unlink %d", unlink("mapped"));
    say("protect %d", mprotect(q, PAGE, PROT_READ | PROT_WRITE));
    q[0] = 1;
    pid_t pid = fork();
    if (pid == 0) {
        go_away();
        q[1] = 2;
        say("child %08x", sum(q, 3 * PAGE));
        _exit(3);
    }
    say_end("child", pid);
    go_away();
    say("own %08x %08x", sum(q, 3 * PAGE), sum(p, 101 * PAGE));
    fd = open("/etc/passwd", O_RDONLY);
    say("write-only %d %s",
        mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/dev/null", O_WRONLY), 0) == MAP_FAILED,
        strerror(errno));
    say("no file %d %s", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 777, 0) == MAP_FAILED,
        strerror(errno));
    say("shared %d %s", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED,
        strerror(errno));
}

static void shared_files(void)
{
    int fd = file_make("shared", 10 * PAGE);

    close(fd);
    fd = open("shared", O_RDONLY);
    char *p = mmap(NULL, 10 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    say("map %d %08x", p != MAP_FAILED, sum(p, 10 * PAGE));
    go_away();
    say("away %08x", sum(p, 10 * PAGE));
    int wr = open("shared", O_RDWR);
    say("write %zd", pwrite(wr, "new text", 8, 2 * PAGE - 4));
    say("seen %.8s", p + 2 * PAGE - 4);
    char *q = mmap(NULL, 10 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, wr, 0);
    memcpy(q + 100, "mapped", 6);
    say("seen %.6s", p + 100);
    burn(30); /* it does not go: others see what it writes */
    memcpy(q + 200, "mapped", 6);
    say("seen %.6s", p + 200);
    pid_t pid = fork();
    if (pid == 0) {
        burn(30);
        memcpy(q + 300, "child", 6);
        _exit(0);
    }
    say_end("child", pid);
    say("seen %s", p + 300);
    say("unmap %d %d", munmap(p, 3 * PAGE), munmap(q, 10 * PAGE));
    say("rest %08x", sum(p + 3 * PAGE, 7 * PAGE));
}

/* More files than a satellite knows, one after the other, and all at once. */
static void many_files(void)
{
    char name[32], *p[300];
    uint32_t h = 0;

    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "many%d", i);
        int fd = file_make(name, PAGE + 1 + (size_t)i);
        p[i] = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
        h = h * 31 + sum(p[i], 2 * PAGE);
        close(fd);
        if (i % 100)
            munmap(p[i], 2 * PAGE);
        unlink(name);
    }
    say("many %08x", h);
    go_away();
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof(name), "many%d", i);
        int fd = file_make(name, PAGE + 1 + (size_t)i);
        p[i] = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        unlink(name);
    }
    for (int i = 0; i < 300; i++)
        h = h * 31 + sum(p[i], 2 * PAGE);
    say("at once %08x", h);
    for (int i = 0; i < 300; i++)
        munmap(p[i], 2 * PAGE);
    go_away();
}

static void shared_anonymous(void)
{
    volatile int *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    *p = 5;
    pid_t pid = fork();
    if (pid == 0) {
        burn(30);
        *p = 6;
        while (*p != 7)
            usleep(1000);
        _exit(0);
    }
    while (*p != 6)
        usleep(1000);
    *p = 7;
    say_end("child", pid);
}

/* What system calls say of memory that is not there, or cannot be written. */
static void faults(void)
{
    char *p = map(4 * PAGE, PROT_READ | PROT_WRITE), *q = map(4 * PAGE, PROT_READ);
    int pipes[2], fd = open("/etc/passwd", O_RDONLY);
    struct iovec v[3] = {{p + 2 * PAGE - 10, 10}, {p + 2 * PAGE, 10}, {p, 10}};

    munmap(p + 2 * PAGE, PAGE);
    say("into nothing %zd %s", read(fd, p + 2 * PAGE, 10), strerror(errno));
    say("into constants %zd %s", read(fd, q, 10), strerror(errno));
    say("up to there %zd", pread(fd, p + 2 * PAGE - 20, 100, 0));
    say("vector %zd", preadv(fd, v, 3, 0));
    if (pipe(pipes))
        return;
    say("from nothing %zd %s", write(pipes[1], p + 2 * PAGE, 10), strerror(errno));
    say("from untouched %zd", write(pipes[1], q + PAGE, 100));
    say("path %d %s", open(p + 2 * PAGE, O_RDONLY), strerror(errno));
    strcpy(p + PAGE - 5, "/etc/passwd");
    say("over a page %d", access(p + PAGE - 5, R_OK));
    memcpy(p + 2 * PAGE - 4, "/etc", 4);
    say("no end %d %s", access(p + 2 * PAGE - 4, R_OK), strerror(errno));
    strcpy(p + 2 * PAGE - 5, "/etc");
    say("end %d", access(p + 2 * PAGE - 5, R_OK));
    say("stat %d %s", fstat(fd, (struct stat *)(p + 2 * PAGE)), strerror(errno));
    say("null %d %s", pipe(NULL), strerror(errno));
    say("kernel %zd %s", read(fd, (void *)0xffff800000000000UL, 10), strerror(errno));
    say("wild %zd %s", read(fd, (void *)~0xfUL, 100), strerror(errno));
    mprotect(p, PAGE, PROT_NONE);
    say("closed %zd %s", write(pipes[1], p, 10), strerror(errno));
}

const struct property memory_properties[] = {{"heap", heap},
                                             {"maps", maps},
                                             {"remaps", remaps},
                                             {"breaks", breaks},
                                             {"stack", stack},
                                             {"private-files", private_files},
                                             {"shared-files", shared_files},
                                             {"many-files", many_files},
                                             {"shared-anonymous", shared_anonymous},
                                             {"faults", faults},
                                             {NULL, NULL}};
