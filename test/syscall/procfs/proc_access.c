/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose the files of /proc are, who may open them how, and when they are gone: modes of descriptors' links, writing
 * what cannot be written, a process that acts for another user, the files of a thread that has ended.
 */
#include "check.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static pthread_barrier_t barrier;
static int tid;

static int open_write(const char *path)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0)
        return -errno;
    int err = write(fd, "1", 1) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int link_mode(int fd)
{
    char path[64];
    struct stat st;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (lstat(path, &st))
        return -errno;
    check_eq(st.st_size, 64);
    return (int)(st.st_mode & 07777);
}

static int owner(const char *path)
{
    struct stat st;
    return lstat(path, &st) ? -errno : (int)st.st_uid;
}

static void check_links(void)
{
    int rd = open("file", O_RDONLY | O_CREAT, 0600), wr = open("file", O_WRONLY);
    int both = open("file", O_RDWR), path = open("file", O_PATH);
    check_eq(link_mode(rd), 0500);
    check_eq(link_mode(wr), 0300);
    check_eq(link_mode(both), 0700);
    check_eq(link_mode(path), 0);
    close(path);
    check_eq(link_mode(path), -ENOENT);
}

static void check_modes(void)
{
    struct stat st;
    check_ok(stat("/proc/self", &st));
    check_eq(st.st_mode, S_IFDIR | 0555);
    check_ok(stat("/proc/self/fd", &st));
    check_eq(st.st_mode, S_IFDIR | 0500);
    check_ok(stat("/proc/self/fdinfo", &st));
    check_eq(st.st_mode, S_IFDIR | 0555);
    check_ok(stat("/proc/self/environ", &st));
    check_eq(st.st_mode, S_IFREG | 0400);
    check_ok(stat("/proc/self/comm", &st));
    check_eq(st.st_mode, S_IFREG | 0644);
    check_ok(stat("/proc/self/task", &st));
    check_eq(st.st_nlink, 3);
    check_eq(owner("/proc/loadavg"), 0);
    check_eq(owner("/proc/self/."), (int)geteuid());
    check_eq(owner("/proc/self/stat"), (int)geteuid());
}

static void check_writing(void)
{
    check_eq(open_write("/proc/self/stat"), -EINVAL);
    check_eq(open_write("/proc/loadavg"), -EIO);
    check_eq(open_write("/proc/sys/kernel/ostype"), -EACCES);
    check_eq(open_write("/sys/devices/system/cpu/online"), -EACCES);
    check_err(chmod("/proc/self/stat", 0600), EPERM);
    check_ok(truncate("/proc/self/stat", 0));
}

/* A process with another's rights is root's, but for what everybody may see; it still sees its own descriptors. */
static void check_other_user(void)
{
    check_ok(setegid(1000));
    check_ok(seteuid(1000));
    check_eq(prctl(PR_GET_DUMPABLE), 0);
    check_eq(owner("/proc/self/."), 1000);
    check_eq(owner("/proc/self/fdinfo"), 1000);
    check_eq(owner("/proc/self/fd"), 0);
    check_eq(owner("/proc/self/stat"), 0);
    check_ok(open("/proc/self/fd", O_RDONLY));
    check_ok(open("/proc/self/stat", O_RDONLY));
    check_ok(open("/proc/self/maps", O_RDONLY));
    check_err(open("/proc/self/environ", O_RDONLY), EACCES);
    check_err(open("/proc/self/io", O_RDONLY), EACCES);
    check_err(open("/proc/self/comm", O_WRONLY), EACCES);
    check_ok(prctl(PR_SET_DUMPABLE, 1));
    check_eq(owner("/proc/self/stat"), 1000);
    check_ok(open("/proc/self/environ", O_RDONLY));
    check_ok(seteuid(0));
    check_ok(setegid(0));
    check_eq(prctl(PR_GET_DUMPABLE), 0);
    check_ok(prctl(PR_SET_DUMPABLE, 1));
}

static void *thread_main(void *arg)
{
    (void)arg;
    tid = (int)syscall(SYS_gettid);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return NULL;
}

static void check_thread_gone(void)
{
    char path[64], text[256];
    struct stat st;
    pthread_t thread;

    pthread_barrier_init(&barrier, NULL, 2);
    need(!pthread_create(&thread, NULL, thread_main, NULL));
    pthread_barrier_wait(&barrier);
    snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
    int dir = (int)check_ok(open(path, O_RDONLY | O_DIRECTORY));
    int file = (int)check_ok(openat(dir, "stat", O_RDONLY));
    check_ok(read(file, text, sizeof(text)));
    check_eq(atoi(text), tid);
    check_ok(stat("/proc/self/task", &st));
    check_eq(st.st_nlink, 4);
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    while (!syscall(SYS_tgkill, getpid(), tid, 0)) /* its memory goes before the thread itself */
        usleep(1000);
    check_err(pread(file, text, sizeof(text), 0), ESRCH);
    check_err(openat(dir, "stat", O_RDONLY), ENOENT);
    check_err(syscall(SYS_getdents64, dir, text, sizeof(text)), ENOENT);
    check_err(stat(path, &st), ENOENT);
    check_ok(fstat(dir, &st));
}

int main(void)
{
    check_links();
    check_modes();
    check_thread_gone();
    if (geteuid() == 0) {
        check_writing();
        check_other_user();
    }
    return check_done();
}
