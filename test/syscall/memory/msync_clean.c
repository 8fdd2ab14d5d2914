/* SPDX-License-Identifier: Apache-2.0 */
/*
 * msync writes what has been written since the last one, once: a file whose mappings are clean is not
 * written again, by whoever syncs, unmaps or ends.  The time of the file's last change tells.
 */
#include "check.h"
#include "child.h"
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PAGE 4096L
#define PAGES 40

static int fd;
static char *map;

static long long changed(void)
{
    struct stat st;

    check_ok(fstat(fd, &st));
    return st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec;
}

static void expect(int page, char c)
{
    char got = 0;

    check_eq(pread(fd, &got, 1, page * PAGE), 1);
    check_eq(got, c);
}

/* Nothing of what fn does changes the file. */
static void expect_unchanged(void (*fn)(void))
{
    child_nap(20); /* more than a tick of the file system's clock */
    long long before = changed();
    fn();
    check_eq(changed() - before, 0);
}

static void sync_all(void)
{
    check_ok(msync(map, PAGES * PAGE, MS_SYNC));
}

static void sync_again(void)
{
    sync_all();
    check_ok(msync(map, PAGES * PAGE, MS_ASYNC));
    check_ok(msync(map + PAGE, PAGE, MS_SYNC | MS_INVALIDATE));
    check_ok(fsync(fd));
    check_ok(fdatasync(fd));
}

static void read_all(void)
{
    int sum = 0;

    for (int i = 0; i < PAGES; i++)
        sum += map[i * PAGE];
    check(sum >= 0);
    sync_again();
}

static void child_syncs(void)
{
    int status;
    fflush(stdout);
    pid_t pid = fork();

    if (!pid) {
        int err = msync(map, PAGES * PAGE, MS_SYNC);
        _exit(err || munmap(map, PAGES * PAGE));
    }
    check_eq(waitpid(pid, &status, 0), pid);
    check_eq(status, 0);
}

static void map_again(void)
{
    check_ok(munmap(map, PAGES * PAGE));
    map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(map != MAP_FAILED);
    sync_all();
}

static void part_of_it(void)
{
    check_ok(msync(map + 10 * PAGE, 5 * PAGE, MS_SYNC));
}

int main(void)
{
    struct statfs f;

    fd = check_ok(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600));
    check_ok(ftruncate(fd, PAGES * PAGE));
    check_ok(fstatfs(fd, &f));
    map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    need(map != MAP_FAILED);
    memset(map, 1, PAGES * PAGE);
    sync_all();
    expect_unchanged(sync_again);
    expect_unchanged(read_all);
    expect_unchanged(child_syncs);
    expect_unchanged(map_again);
    expect_unchanged(read_all);

    /* What is written again is written again, and only what was asked for needs to be. */
    child_nap(20);
    long long before = changed();
    map[3 * PAGE] = 5;
    map[12 * PAGE] = 6;
    part_of_it();
    sync_all();
    if (f.f_type != TMPFS_MAGIC) /* which has nowhere to write to */
        check(changed() > before);
    expect(3, 5);
    expect(12, 6);
    expect_unchanged(part_of_it);
    expect_unchanged(sync_again);

    /* By write, what the mapping shows is not to be written by it. */
    check_eq(pwrite(fd, "w", 1, 7 * PAGE), 1);
    check_eq(map[7 * PAGE], 'w');
    expect_unchanged(sync_again);
    expect_unchanged(child_syncs);
    check_ok(munmap(map, PAGES * PAGE));
    expect(7, 'w');
    close(fd);
    return check_done();
}
