/* SPDX-License-Identifier: Apache-2.0 */
/* getdents64: every name once, right types, small buffers, rewinding, telldir/seekdir. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define FILES 300

static int seen[FILES];

static int count_entries(DIR *dir)
{
    struct dirent *entry;
    int count = 0;

    while ((entry = readdir(dir)))
        count++;
    return count;
}

int main(void)
{
    struct dirent *entry;
    char name[64], raw[24];
    DIR *dir;
    int fd, dots = 0, wrong = 0, twice = 0;
    long position;

    check_ok(mkdir("d", 0755));
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "d/file-with-a-longer-name-%d", i);
        fd = open(name, O_CREAT | O_WRONLY, 0644);
        need(fd >= 0);
        close(fd);
    }
    check_ok(mkdir("d/subdir", 0755));
    check_ok(symlink("x", "d/symlink"));

    dir = opendir("d");
    need(dir);
    while ((entry = readdir(dir))) {
        int number = -1;

        check_failures += entry->d_ino == 0;
        if (sscanf(entry->d_name, "file-with-a-longer-name-%d", &number) == 1) {
            wrong += entry->d_type != DT_REG;
            twice += seen[number]++;
        } else if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) {
            wrong += entry->d_type != DT_DIR;
            dots++;
        } else if (!strcmp(entry->d_name, "subdir")) {
            wrong += entry->d_type != DT_DIR;
            dots++;
        } else if (!strcmp(entry->d_name, "symlink")) {
            wrong += entry->d_type != DT_LNK;
            dots++;
        } else {
            wrong++;
        }
    }
    check_eq(dots, 4);
    check_eq(wrong, 0);
    check_eq(twice, 0);
    for (int i = 0; i < FILES; i++)
        wrong += seen[i] != 1;
    check_eq(wrong, 0);

    rewinddir(dir);
    check_eq(count_entries(dir), FILES + 4);
    rewinddir(dir);
    for (int i = 0; i < 100; i++)
        readdir(dir);
    position = telldir(dir);
    check_eq(count_entries(dir), FILES + 4 - 100);
    seekdir(dir, position);
    check_eq(count_entries(dir), FILES + 4 - 100);
    closedir(dir);

    fd = open("d", O_RDONLY | O_DIRECTORY);
    check_err(syscall(SYS_getdents64, fd, raw, 5), EINVAL);
    check_err(syscall(SYS_getdents64, fd, (void *)8, 4096), EFAULT);
    close(fd);
    fd = open("d/file-with-a-longer-name-0", O_RDONLY);
    check_err(syscall(SYS_getdents64, fd, raw, sizeof(raw)), ENOTDIR);
    check_err(syscall(SYS_getdents64, 99, raw, sizeof(raw)), EBADF);
    return check_done();
}
