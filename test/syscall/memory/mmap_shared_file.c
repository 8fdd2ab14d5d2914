/* SPDX-License-Identifier: Apache-2.0 */
/* A shared mapping is the file: what one writes the other shows; two mappings of a file are one memory. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>

#define PAGE 4096L

static const char *path;

static int file_new(off_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    need(fd >= 0);
    check_ok(ftruncate(fd, size));
    return fd;
}

static void coherent(void)
{
    int fd = file_new(5 * PAGE + 100);
    char buf[32] = "";

    check_eq(pwrite(fd, "before", 7, 2 * PAGE - 3), 7);
    char *p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    check(!strcmp(p + 2 * PAGE - 3, "before"));
    check_eq(p[4 * PAGE], 0);
    strcpy(p + 3 * PAGE - 2, "mapped");
    check_eq(pread(fd, buf, 7, 3 * PAGE - 2), 7);
    check(!strcmp(buf, "mapped"));
    check_eq(pwrite(fd, "written", 8, 3 * PAGE - 2), 8);
    check(!strcmp(p + 3 * PAGE - 2, "written"));
    /* From the mapping into the mapping's own file, and back. */
    memset(p, 'x', PAGE);
    check_eq(pwrite(fd, p, PAGE, PAGE / 2), PAGE);
    check_eq(p[PAGE + PAGE / 2 - 1], 'x');
    check_eq(pread(fd, p + 4 * PAGE, PAGE, 0), PAGE);
    check_eq(p[4 * PAGE], 'x');
    check_eq(p[5 * PAGE - 1], 'x');
    check_ok(munmap(p, 6 * PAGE));
    check_eq(pread(fd, buf, 8, 3 * PAGE - 2), 8);
    check(!strcmp(buf, "written"));
    close(fd);
}

/* Writes beyond the end within the last page are nobody's. */
static void the_end(void)
{
    int fd = file_new(PAGE + 10);
    char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), c = 1;

    need(p != MAP_FAILED);
    p[PAGE + 9] = 'e';
    check_eq(check_access(p + 2 * PAGE - 1, 0), 0);
    check_eq(check_access(p + 2 * PAGE, 0), SIGBUS);
    check_eq(check_access(p + 2 * PAGE, 1), SIGBUS);
    check_eq(check_fault_info.si_code, BUS_ADRERR);
    check_ok(ftruncate(fd, 3 * PAGE));
    check_eq(p[2 * PAGE], 0);
    p[2 * PAGE] = 7;
    check_eq(pread(fd, &c, 1, 2 * PAGE), 1);
    check_eq(c, 7);
    check_ok(ftruncate(fd, 100));
    check_eq(check_access(p + PAGE, 0), SIGBUS);
    check_ok(ftruncate(fd, 3 * PAGE));
    check_eq(p[PAGE + 9], 0);
    check_eq(p[2 * PAGE], 0);
    p[99] = 'l';
    p[100] = 'm';
    check_ok(ftruncate(fd, 100));
    check_ok(ftruncate(fd, PAGE));
    check_eq(p[99], 'l');
    check_eq(p[100], 0);
    check_ok(munmap(p, 4 * PAGE));
    close(fd);
}

static void two_mappings(void)
{
    int fd = file_new(8 * PAGE), fd2 = open(path, O_RDONLY);
    char *w = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *r = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd2, 2 * PAGE);

    need(w != MAP_FAILED && r != MAP_FAILED);
    w[2 * PAGE] = 1;
    check_eq(r[0], 1);
    w[5 * PAGE] = 2;
    check_eq(r[3 * PAGE], 2);
    /* Each can go without the other. */
    check_ok(munmap(r + PAGE, PAGE));
    w[3 * PAGE] = 3;
    check_ok(munmap(w + 2 * PAGE, 4 * PAGE));
    check_eq(r[0], 1);
    check_eq(r[3 * PAGE], 2);
    check_ok(munmap(r, 4 * PAGE));
    w[PAGE] = 4;
    w[6 * PAGE] = 5;
    char *again = mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
    need(again != MAP_FAILED);
    check_eq(again[PAGE] + again[2 * PAGE] + again[3 * PAGE] + again[6 * PAGE], 4 + 1 + 3 + 5);
    check_ok(munmap(again, 8 * PAGE));
    check_eq(w[6 * PAGE], 5);
    check_ok(munmap(w, 8 * PAGE));
    check_eq(check_access(w, 0), SIGSEGV);
    check_err(mprotect(r, PAGE, PROT_READ), ENOMEM);
    close(fd2);
    close(fd);
}

static void rights(void)
{
    int fd = file_new(4 * PAGE), ro = open(path, O_RDONLY), wo = open(path, O_WRONLY);
    char *p;

    check_err(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED ? -1 : 0, EACCES);
    check_err(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wo, 0) == MAP_FAILED ? -1 : 0, EACCES);
    p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, ro, 0);
    need(p != MAP_FAILED);
    check_eq(check_access(p, 0), 0);
    check_eq(check_access(p, 1), SIGSEGV);
    check_err(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
    check_ok(munmap(p, 4 * PAGE));
    p = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    check_eq(check_access(p, 0), SIGSEGV);
    check_ok(mprotect(p + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE));
    p[PAGE] = p[2 * PAGE] = 9;
    check_eq(check_access(p, 0), SIGSEGV);
    check_eq(check_access(p + 3 * PAGE, 0), SIGSEGV);
    check_ok(mprotect(p, 2 * PAGE, PROT_READ));
    check_eq(p[PAGE], 9);
    check_eq(check_access(p + PAGE, 1), SIGSEGV);
    check_eq(pwrite(fd, "w", 1, PAGE), 1);
    check_eq(p[PAGE], 'w');
    check_eq(check_access(p + PAGE, 1), SIGSEGV);
    check_ok(munmap(p, 4 * PAGE));
    close(wo);
    close(ro);
    close(fd);
}

static void private_beside(void)
{
    int fd = file_new(2 * PAGE);
    char *s = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *p;

    need(s != MAP_FAILED);
    s[0] = 1;
    p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    need(p != MAP_FAILED && p != s);
    check_eq(p[0], 1);
    p[0] = 2;
    check_eq(s[0], 1);
    check_ok(munmap(s, 2 * PAGE));
    check_eq(p[0], 2);
    check_ok(munmap(p, 2 * PAGE));
    close(fd);
}

static void advice(void)
{
    int fd = file_new(6 * PAGE);
    char *p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char vec[6];
    char c = 1;

    need(p != MAP_FAILED);
    memset(p, 'a', 6 * PAGE);
    check_ok(madvise(p, 2 * PAGE, MADV_DONTNEED));
    check_eq(p[0], 'a');
    check_err(madvise(p, PAGE, MADV_FREE), EINVAL);
    check_ok(mlock(p, 2 * PAGE));
    check_ok(mincore(p, 2 * PAGE, vec));
    check_eq(vec[0] & vec[1] & 1, 1);
    check_ok(munlock(p, 2 * PAGE));
    check_ok(madvise(p + 2 * PAGE, 2 * PAGE, MADV_REMOVE));
    check_eq(p[2 * PAGE], 0);
    check_eq(p[2 * PAGE - 1], 'a');
    check_eq(p[4 * PAGE], 'a');
    check_eq(pread(fd, &c, 1, 3 * PAGE), 1);
    check_eq(c, 0);
    check_ok(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * PAGE + 10, PAGE));
    check_eq(p[4 * PAGE + 9], 'a');
    check_eq(p[4 * PAGE + 10], 0);
    check_eq(p[5 * PAGE + 9], 0);
    check_eq(p[5 * PAGE + 10], 'a');
    check_ok(msync(p, 6 * PAGE, MS_SYNC));
    check_ok(msync(p, 6 * PAGE, MS_ASYNC | MS_INVALIDATE));
    check_eq(p[0], 'a');
    check_ok(munmap(p, 6 * PAGE));
    close(fd);
}

static void remapped(void)
{
    int fd = file_new(300 * PAGE);
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, PAGE), *q;

    need(p != MAP_FAILED);
    p[0] = 1;
    q = mremap(p, 2 * PAGE, 200 * PAGE, MREMAP_MAYMOVE);
    need(q != MAP_FAILED);
    check_eq(q[0], 1);
    q[199 * PAGE] = 2;
    char c = 0;
    check_eq(pread(fd, &c, 1, 200 * PAGE), 1);
    check_eq(c, 2);
    /* A second mapping of the same. */
    p = mremap(q, 0, 3 * PAGE, MREMAP_MAYMOVE);
    need(p != MAP_FAILED);
    check_eq(p[0], 1);
    check_ok(munmap(q, 200 * PAGE));
    check_eq(p[0], 1);
    q = mremap(p, 3 * PAGE, PAGE, 0);
    check(q == p);
    check_eq(check_access(p + PAGE, 0), SIGSEGV);
    check_ok(munmap(p, PAGE));
    close(fd);
}

/* Appends reach the mapping, and what the mapping changes is not appended. */
static void appended(void)
{
    int fd = file_new(0), a = open(path, O_RDWR | O_APPEND);
    char buf[16] = "", *p;

    need(a >= 0);
    check_eq(write(a, "one ", 4), 4);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
    need(p != MAP_FAILED);
    check_eq(p[0], 'o');
    check_eq(write(a, "two ", 4), 4);
    check(!memcmp(p, "one two ", 8));
    p[0] = 'O';
    check_ok(msync(p, PAGE, MS_SYNC));
    p[4] = 'T';
    check_eq(pwrite(fd, "three", 5, 8), 5);
    check(!memcmp(p, "One Two three", 13));
    check_ok(munmap(p, PAGE));
    check_eq(lseek(a, 0, SEEK_END), 13);
    check_eq(pread(fd, buf, 16, 0), 13);
    check(!memcmp(buf, "One Two three", 13));
    /* The flag can be set and taken away. */
    check_ok(fcntl(fd, F_SETFL, O_APPEND));
    check_eq(write(fd, "!", 1), 1);
    check_eq(lseek(fd, 0, SEEK_CUR), 14);
    check_ok(fcntl(fd, F_SETFL, 0));
    check_ok(lseek(fd, 0, SEEK_SET));
    check_eq(write(fd, "o", 1), 1);
    check_eq(pread(fd, buf, 16, 0), 14);
    check(!memcmp(buf, "one Two three!", 14));
    close(a);
    close(fd);
}

/* Files of more than one page's fault-around, one of them written to by others while it is mapped. */
static void long_file(void)
{
    static char block[64 * PAGE];
    int fd = file_new(0), other = open(path, O_RDWR);

    need(other >= 0);
    for (int i = 0; i < 8; i++) {
        memset(block, 'a' + i, sizeof(block));
        check_eq(write(fd, block, sizeof(block)), (long)sizeof(block));
    }
    char *p = mmap(NULL, 512 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    for (int i = 0; i < 512; i++)
        if (p[i * PAGE] != 'a' + i / 64)
            check_eq(i, -1);
    for (int i = 0; i < 512; i += 3)
        p[i * PAGE + 1] = 'M';
    memset(block, 'W', 10 * PAGE);
    check_eq(pwrite(other, block, 10 * PAGE, 100 * PAGE + 2), 10 * PAGE);
    check_eq(p[100 * PAGE + 1], 'b');
    check_eq(p[100 * PAGE + 2], 'W');
    check_eq(p[102 * PAGE + 1], 'W');
    check_eq(p[110 * PAGE + 1], 'W');
    check_eq(p[110 * PAGE + 2], 'b');
    check_eq(p[111 * PAGE + 1], 'M');
    check_eq(pread(other, block, 64 * PAGE, 64 * PAGE), 64 * PAGE);
    check(!memcmp(block, p + 64 * PAGE, 64 * PAGE));
    check_ok(munmap(p, 512 * PAGE));
    check_eq(pread(other, block, 64 * PAGE, 0), 64 * PAGE);
    for (int i = 0; i < 64; i++)
        if (block[i * PAGE + 1] != (i % 3 ? 'a' : 'M') || block[i * PAGE] != 'a')
            check_eq(i, -2);
    close(other);
    close(fd);
}

static void all(const char *where)
{
    path = where;
    coherent();
    the_end();
    two_mappings();
    rights();
    private_beside();
    advice();
    remapped();
    appended();
    long_file();
    unlink(path);
}

int main(void)
{
    char name[64];

    snprintf(name, sizeof(name), "/dev/shm/mmap_shared_file.%d", getpid());
    all(name);
    all("on_the_disk");
    return check_done();
}
