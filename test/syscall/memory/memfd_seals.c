/* SPDX-License-Identifier: Apache-2.0 */
/* memfd_create: a file without a name, mapped, opened again, and sealed against each kind of change. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PAGE 4096L
#define RW (PROT_READ | PROT_WRITE)

static int mmap_fails(int fd, int prot, int flags, int want)
{
    void *p = mmap(NULL, PAGE, prot, flags, fd, 0);

    if (p != MAP_FAILED)
        munmap(p, PAGE);
    return p == MAP_FAILED && errno == want;
}

static void the_file(void)
{
    int fd = memfd_create("a name", MFD_CLOEXEC), again;
    char link[64], target[64] = "", buf[8] = "";
    struct stat st;

    need(fd >= 0);
    check_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    check_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    check(readlink(link, target, sizeof(target) - 1) > 0);
    check(!strcmp(target, "/memfd:a name (deleted)"));
    check_ok(fstat(fd, &st));
    check_eq(st.st_mode & S_IFMT, S_IFREG);
    check_eq(st.st_nlink, 0);
    check_eq(st.st_size, 0);
    check_eq(write(fd, "hello", 5), 5);
    char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    check_eq(p[4], 'o');
    p[0] = 'j';
    /* Opened again it is another description of the same file. */
    again = open(link, O_RDONLY);
    need(again >= 0);
    check_eq(read(again, buf, 8), 5);
    check(!strcmp(buf, "jello"));
    check_err(write(again, "x", 1), EBADF);
    check_eq(lseek(fd, 0, SEEK_CUR), 5);
    check_ok(close(fd));
    p[1] = 'u';
    check_eq(pread(again, buf, 8, 0), 5);
    check(!strcmp(buf, "jullo"));
    check_ok(close(again));
    check_eq(p[4], 'o');
    check_ok(munmap(p, PAGE));
}

static void bad_arguments(void)
{
    char name[300];
    int fd, pipes[2];

    memset(name, 'n', sizeof(name));
    name[250] = 0;
    check_err(memfd_create(name, 0), EINVAL);
    name[249] = 0;
    fd = check_ok(memfd_create(name, 0));
    check_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    check_err(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
    close(fd);
    check_err(memfd_create((char *)8, 0), EFAULT);
    check_err(memfd_create("x", 0x40), EINVAL);
    check_ok(fd = memfd_create("", MFD_ALLOW_SEALING));
    check_eq(fcntl(fd, F_GET_SEALS), 0);
    check_err(fcntl(fd, F_ADD_SEALS, 0x8000), EINVAL);
    check_ok(fcntl(fd, F_ADD_SEALS, 0));
    close(fd);
    need(!pipe(pipes));
    check_err(fcntl(pipes[0], F_GET_SEALS), EINVAL);
    check_err(fcntl(pipes[1], F_ADD_SEALS, F_SEAL_SEAL), EINVAL);
    snprintf(name, sizeof(name), "/dev/shm/memfd_seals.%d", getpid());
    fd = open(name, O_RDWR | O_CREAT, 0600);
    need(fd >= 0);
    unlink(name);
    check_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
    close(fd);
}

static int sealed(int seals)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);

    need(fd >= 0);
    check_ok(ftruncate(fd, 2 * PAGE));
    check_ok(fcntl(fd, F_ADD_SEALS, seals));
    check_eq(fcntl(fd, F_GET_SEALS), seals);
    return fd;
}

static void sizes(void)
{
    static char data[2 * PAGE];
    int fd = sealed(F_SEAL_SHRINK);

    check_err(ftruncate(fd, PAGE), EPERM);
    check_ok(ftruncate(fd, 3 * PAGE));
    check_ok(ftruncate(fd, 3 * PAGE));
    close(fd);
    fd = sealed(F_SEAL_GROW);
    check_err(ftruncate(fd, 3 * PAGE), EPERM);
    check_err(fallocate(fd, 0, PAGE, 2 * PAGE), EPERM);
    check_eq(pwrite(fd, data, 2 * PAGE, PAGE), PAGE);
    check_err(pwrite(fd, data, 1, 2 * PAGE), EPERM);
    check_ok(ftruncate(fd, PAGE));
    check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    check_err(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
    check_ok(ftruncate(fd, 0));
    close(fd);
}

static void writes(void)
{
    int fd = memfd_create("w", MFD_ALLOW_SEALING);
    char link[64], *p, *r;

    check_ok(ftruncate(fd, PAGE));
    p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    p[0] = 'w';
    check_err(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
    check_ok(munmap(p, PAGE));
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    int ro = open(link, O_RDONLY);
    need(ro >= 0);
    check_err(fcntl(ro, F_ADD_SEALS, F_SEAL_SHRINK), EPERM);
    r = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0);
    need(r != MAP_FAILED);
    check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    check_eq(r[0], 'w');
    check_err(mprotect(r, PAGE, RW), EACCES);
    check_err(pwrite(fd, "x", 1, 0), EPERM);
    check_err(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
    check(mmap_fails(fd, RW, MAP_SHARED, EPERM));
    p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    need(p != MAP_FAILED);
    p[0] = 'p';
    check_eq(r[0], 'w');
    close(fd);
    close(ro);
}

static void future_writes(void)
{
    int fd = memfd_create("f", MFD_ALLOW_SEALING);
    char *p, *r, c = 0;

    check_ok(ftruncate(fd, 2 * PAGE));
    p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    need(p != MAP_FAILED);
    check_ok(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    p[0] = 'f';
    check_eq(pread(fd, &c, 1, 0), 1);
    check_eq(c, 'f');
    check_err(pwrite(fd, "x", 1, 0), EPERM);
    check(mmap_fails(fd, RW, MAP_SHARED, EPERM));
    r = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    need(r != MAP_FAILED);
    check_err(mprotect(r, PAGE, RW), EACCES);
    close(fd);
}

int main(void)
{
    the_file();
    bad_arguments();
    sizes();
    writes();
    future_writes();
    return check_done();
}
