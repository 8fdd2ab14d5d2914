/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inotify: which events each operation makes, in which order, for a watched directory and a watched file in
 * it; cookies of renames; what becomes of watches when names go.
 */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

static int in;
static char names[64][16];
static const char *bits[16] = {"access", "modify", "attrib",   "close_w", "close_n",  "open",
                               "from",   "to",     "create",   "delete",  "del_self", "move_self",
                               "?",      "?",      "overflow", "ignored"};

static int watch(const char *path, uint32_t mask)
{
    int wd = inotify_add_watch(in, path, mask);

    if (wd > 0 && wd < 64)
        snprintf(names[wd], sizeof(names[wd]), "%s", path);
    return wd;
}

/* What is queued, as text: "watch:event[/][(name)][#cookie] …". */
static const char *queued(void)
{
    static char text[4096];
    char buf[8192] __attribute__((aligned(8)));
    size_t len = 0;
    uint32_t first = 0;
    ssize_t n;

    text[0] = '\0';
    while ((n = read(in, buf, sizeof(buf))) > 0) {
        for (char *at = buf; at < buf + n;) {
            struct inotify_event *e = (void *)at;
            int bit = __builtin_ctz(e->mask & 0xffff);

            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s:%s%s", len ? " " : "",
                                    e->wd > 0 ? names[e->wd] : "-", bits[bit],
                                    e->mask & IN_ISDIR ? "/" : "");
            if (e->len)
                len += (size_t)snprintf(text + len, sizeof(text) - len, "(%s)", e->name);
            if (e->cookie) {
                first = first ? first : e->cookie;
                len += (size_t)snprintf(text + len, sizeof(text) - len, "#%u", e->cookie - first);
            }
            at += sizeof(*e) + e->len;
        }
    }
    return text;
}

#define expect(want)                                                                \
    do {                                                                            \
        const char *got_ = queued();                                                \
        if (strcmp(got_, want))                                                     \
            printf("# line %d: got \"%s\"\n# want \"%s\"\n", __LINE__, got_, want); \
        check_report(!strcmp(got_, want), want, __LINE__);                          \
    } while (0)

static void data(void)
{
    struct timespec access_only[2] = {{1, 0}, {0, UTIME_OMIT}};
    struct timespec modify_only[2] = {{0, UTIME_OMIT}, {1, 0}};
    int fd = open("d/f", O_RDWR), copy;
    char c;

    expect("d:open(f) d/f:open");
    check_eq(write(fd, "abc", 3), 3);
    check_eq(write(fd, "abc", 3), 3);
    expect("d:modify(f) d/f:modify d:modify(f) d/f:modify");
    check_eq(pread(fd, &c, 1, 0), 1);
    check_eq(read(fd, &c, 1), 0);
    expect("d:access(f) d/f:access");
    check_ok(ftruncate(fd, 1));
    expect("d:modify(f) d/f:modify");
    check_ok(fchmod(fd, 0640));
    expect("d:attrib(f) d/f:attrib");
    copy = dup(fd);
    close(fd);
    expect("");
    close(copy);
    expect("d:close_w(f) d/f:close_w");
    check_ok(truncate("d/f", 0));
    expect("d:modify(f) d/f:modify");
    check_ok(utimensat(AT_FDCWD, "d/f", NULL, 0));
    expect("d:attrib(f) d/f:attrib");
    check_ok(utimensat(AT_FDCWD, "d/f", access_only, 0));
    expect("d:access(f) d/f:access");
    check_ok(utimensat(AT_FDCWD, "d/f", modify_only, 0));
    expect("d:modify(f) d/f:modify");
    check_ok(chown("d/f", getuid(), (gid_t)-1));
    expect("d:attrib(f) d/f:attrib");
    check_ok(access("d/f", R_OK));
    close(open("d/f", O_PATH));
    expect("");
}

static void names_made(void)
{
    close(open("d/g", O_CREAT | O_WRONLY | O_TRUNC, 0600));
    expect("d:create(g) d:open(g) d:close_w(g)");
    close(open("d/g", O_CREAT | O_WRONLY, 0600));
    expect("d:open(g) d:close_w(g)");
    check_err(open("d/g", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
    expect("");
    check_ok(link("d/f", "d/h"));
    expect("d/f:attrib d:create(h)");
    check_ok(unlink("d/h"));
    expect("d/f:attrib d:delete(h)");
    check_ok(symlink("x", "d/s"));
    check_ok(mkdir("d/sub", 0700));
    check_ok(mkfifo("d/fifo", 0600));
    expect("d:create(s) d:create/(sub) d:create(fifo)");
}

static void renames(void)
{
    check_ok(rename("d/f", "d/ff"));
    expect("d:from(f)#0 d:to(ff)#0 d/f:move_self");
    check_ok(rename("d/g", "d/ff"));
    expect("d:from(g)#0 d:to(ff)#0 d/f:attrib d/f:del_self d/f:ignored");
    check_ok(mkdir("e", 0700));
    check(watch("e", IN_ALL_EVENTS) > 0);
    check_ok(rename("d/s", "e/s"));
    expect("d:from(s)#0 e:to(s)#0");
    check_ok(syscall(SYS_renameat2, AT_FDCWD, "d/ff", AT_FDCWD, "e/s", 2 /* RENAME_EXCHANGE */));
    expect("d:from(ff)#0 e:to(s)#0 e:from(s)#1 d:to(ff)#1");
    check_err(rename("d/none", "d/x"), ENOENT);
    expect("");
}

static void removed_while_open(void)
{
    int fd = open("d/f", O_CREAT | O_RDWR, 0600);

    (void)queued();
    check(watch("d/f", IN_ALL_EVENTS) > 0);
    check_ok(unlink("d/f"));
    expect("d/f:attrib d:delete(f)");
    check_eq(write(fd, "x", 1), 1);
    expect("d:modify(f) d/f:modify");
    close(fd);
    expect("d:close_w(f) d/f:close_w d/f:del_self d/f:ignored");
}

static void directories(void)
{
    char buf[1024];
    int fd;

    check(watch("d/sub", IN_ALL_EVENTS) > 0);
    fd = open("d/sub", O_RDONLY | O_DIRECTORY);
    expect("d:open/(sub) d/sub:open/");
    check(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
    expect("d:access/(sub) d/sub:access/");
    close(fd);
    expect("d:close_n/(sub) d/sub:close_n/");
    check_ok(rename("d/sub", "d/sub2"));
    expect("d:from/(sub)#0 d:to/(sub2)#0 d/sub:move_self");
    check_ok(chmod("d/sub2", 0755));
    expect("d:attrib/(sub2) d/sub:attrib/");
    check_ok(rmdir("d/sub2"));
    expect("d/sub:del_self d/sub:ignored d:delete/(sub2)");
}

static void options(void)
{
    int wd = watch("d/fifo", IN_OPEN | IN_ONESHOT), fd;

    close(open("d/fifo", O_RDWR));
    expect("d:open(fifo) d/fifo:open d/fifo:ignored d:close_w(fifo)");
    check_err(inotify_rm_watch(in, wd), EINVAL);
    wd = watch("e", IN_CREATE);
    check_ok(inotify_rm_watch(in, wd));
    expect("e:ignored");
    check_eq(watch("d", IN_MODIFY | IN_EXCL_UNLINK), 1);
    fd = open("d/u", O_CREAT | O_RDWR, 0600);
    check_eq(write(fd, "x", 1), 1);
    expect("d:modify(u)");
    check_ok(unlink("d/u"));
    check_eq(write(fd, "x", 1), 1);
    expect("");
    check_eq(watch("d", IN_MODIFY), 1);
    check_eq(write(fd, "x", 1), 1);
    expect("d:modify(u)");
    check_eq(watch("d", IN_CLOSE_WRITE | IN_MASK_ADD), 1);
    check_eq(write(fd, "x", 1), 1);
    close(fd);
    expect("d:modify(u) d:close_w(u)");
}

int main(void)
{
    in = inotify_init1(IN_NONBLOCK);
    need(in >= 0 && mkdir("d", 0700) == 0);
    close(open("d/f", O_CREAT | O_RDWR, 0600));
    check_eq(watch("d", IN_ALL_EVENTS), 1);
    check_eq(watch("d/f", IN_ALL_EVENTS), 2);
    data();
    names_made();
    renames();
    removed_while_open();
    directories();
    options();
    return check_done();
}
