/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues as files: what is done by one name is seen by the other, what the directory refuses,
 * attributes, inotify. Where nothing is mounted yet, a mount of our own will do. */
#include "ipc.h"
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define MQUEUE_MAGIC 0x19800202

static char name[64], other[64], path[128], other_path[128];
static const char *dir = "/dev/mqueue";

static int find_dir(void)
{
    struct statfs fs;

    if (statfs(dir, &fs) == 0 && fs.f_type == MQUEUE_MAGIC)
        return 1;
    dir = "mnt";
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return 0;
    return mkdir(dir, 0700) == 0 && mount("none", dir, "mqueue", 0, NULL) == 0;
}

static int listed(const char *what)
{
    DIR *d = opendir(dir);
    int n = 0;

    need(d);
    for (struct dirent *e; (e = readdir(d));)
        n += !strcmp(e->d_name, what);
    closedir(d);
    return n;
}

static void both_ways(void)
{
    struct mq_attr a = {.mq_maxmsg = 3, .mq_msgsize = 10};
    struct stat st, fst;
    char buf[10];

    check_err(stat(path, &st), ENOENT);
    mqd_t q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT, 0640, &a));
    check_ok(stat(path, &st));
    check_ok(fstat(q, &fst));
    check_eq(st.st_ino, fst.st_ino);
    check_eq(st.st_mode, S_IFREG | 0640);
    check_eq(st.st_size, 80);
    check_eq(st.st_blocks, 0);
    check_eq(listed(name + 1), 1);
    int fd = (int)check_ok(open(path, O_RDWR));
    check_eq(fcntl(fd, F_GETFD), 0);
    check_ok(mq_send(fd, "by file", 7, 0));
    check_eq(mq_receive(q, buf, 10, NULL), 7);
    check_ok(mq_unlink(name));
    check_err(stat(path, &st), ENOENT);
    check_err(open(path, O_RDWR), ENOENT);
    check_eq(listed(name + 1), 0);
    check_ok(mq_send(fd, "x", 1, 0));
    close(fd);
    mq_close(q);

    fd = (int)check_ok(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600)); /* with the default sizes */
    check_err(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL), EEXIST);
    q = (mqd_t)check_ok(mq_open(name, O_RDONLY));
    check_ok(mq_send(fd, "made", 4, 0));
    check_ok(mq_getattr(q, &a));
    check(a.mq_maxmsg > 0 && a.mq_msgsize > 0);
    check_eq(a.mq_curmsgs, 1);
    check_ok(close(open(path, O_RDWR | O_TRUNC)));
    check_ok(mq_getattr(q, &a));
    check_eq(a.mq_curmsgs, 1);
    check_ok(unlink(path));
    check_err(mq_open(name, O_RDONLY), ENOENT);
    check_err(unlink(path), ENOENT);
    close(fd);
    mq_close(q);
}

static void refused(void)
{
    mqd_t q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT, 0600, NULL));
    struct stat st;

    check_err(mkdir(other_path, 0700), EPERM);
    check_err(symlink("x", other_path), EPERM);
    check_err(mkfifo(other_path, 0600), EPERM);
    check_err(link(path, other_path), EPERM);
    check_err(rename(path, other_path), EPERM);
    check_ok(stat(dir, &st));
    check_eq(st.st_mode, S_IFDIR | 01777);
    check_eq(st.st_size % 20, 0);
    check(st.st_size >= 20);
    check_ok(chmod(path, 0444));
    check_ok(fstat(q, &st));
    check_eq(st.st_mode, S_IFREG | 0444);
    struct timespec t[2] = {{1000, 5}, {2000, 6}};
    check_ok(utimensat(AT_FDCWD, path, t, 0));
    check_ok(fstat(q, &st));
    check_eq(st.st_atim.tv_sec, 1000);
    check_eq(st.st_mtim.tv_sec, 2000);
    check_ok(mq_send(q, "x", 1, 0));
    check_ok(fstat(q, &st));
    check(st.st_mtim.tv_sec > 2000);
    mq_close(q);
    check_ok(mq_unlink(name));
}

static void watched(void)
{
    char buf[4096] __attribute__((aligned(8)));
    int in = (int)check_ok(inotify_init1(IN_NONBLOCK));

    check_ok(inotify_add_watch(in, dir, IN_CREATE | IN_DELETE));
    mqd_t q = (mqd_t)check_ok(mq_open(name, O_RDWR | O_CREAT, 0600, NULL));
    mq_close(q);
    check_ok(mq_unlink(name));
    int created = 0, deleted = 0;
    for (ssize_t n; (n = read(in, buf, sizeof(buf))) > 0;)
        for (ssize_t at = 0; at < n;) {
            struct inotify_event *e = (struct inotify_event *)(buf + at);
            if (!strcmp(e->name, name + 1)) {
                created += !!(e->mask & IN_CREATE);
                deleted += !!(e->mask & IN_DELETE);
            }
            at += (ssize_t)(sizeof(*e) + e->len);
        }
    check_eq(created, 1);
    check_eq(deleted, 1);
    close(in);
}

/* A listing that is read in pieces, while names come and go. */
static void many(void)
{
    struct mq_attr a = {.mq_maxmsg = 1, .mq_msgsize = 1};
    char what[100];
    int seen[40] = {0}, whole = 0;

    for (int i = 0; i < 40; i++) {
        snprintf(what, sizeof(what), "%s.%d", name, i);
        check_ok(mq_close(mq_open(what, O_RDWR | O_CREAT, 0600, &a)));
    }
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));) {
        size_t n = strlen(name + 1);
        if (strncmp(e->d_name, name + 1, n) || e->d_name[n] != '.')
            continue;
        int i = atoi(e->d_name + n + 1);
        seen[i]++;
        snprintf(what, sizeof(what), "%s.%d", name, i);
        check_ok(mq_unlink(what));
    }
    closedir(d);
    for (int i = 0; i < 40; i++)
        whole += seen[i] == 1;
    check_eq(whole, 40);
}

int main(void)
{
    if (!find_dir()) {
        printf("# no mqueue here\n");
        return 0;
    }
    snprintf(name, sizeof(name), "/cella-test-%d", getpid());
    snprintf(other, sizeof(other), "/cella-test-%d-b", getpid());
    snprintf(path, sizeof(path), "%s%s", dir, name);
    snprintf(other_path, sizeof(other_path), "%s%s", dir, other);
    both_ways();
    refused();
    watched();
    many();
    return check_done();
}
