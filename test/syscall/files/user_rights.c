/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What users may do to each other's files: modes and groups, sticky and set-group-id
 * directories, chmod and chown, links, set-id bits, and capabilities. A user is a thread with ids of his
 * own.  Needs root.
 */
#include "check.h"
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <utime.h>

#define ANN 1001
#define BOB 1002
#define TEAM 2000

static char dir[64];

static const char *at(const char *name)
{
    static char paths[4][128];
    static int n;
    char *path = paths[n++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

static void become(uid_t uid, gid_t gid)
{
    gid_t team = TEAM;
    need(syscall(SYS_setgroups, 1, &team) == 0);
    need(syscall(SYS_setresgid, gid, gid, gid) == 0);
    need(syscall(SYS_setresuid, uid, uid, uid) == 0);
}

static int make(const char *name, mode_t mode)
{
    int fd = open(at(name), O_RDWR | O_CREAT | O_EXCL, 0600);
    need(fd >= 0 && fchmod(fd, mode) == 0);
    close(fd);
    return 0;
}

static struct stat look(const char *name)
{
    struct stat st = {0};
    check_ok(lstat(at(name), &st));
    return st;
}

static void *run_case(void *fn)
{
    ((void (*)(void))fn)();
    return NULL;
}

static void in_thread(void (*fn)(void))
{
    pthread_t t;
    need(pthread_create(&t, NULL, run_case, (void *)fn) == 0);
    pthread_join(t, NULL);
}

/* What Ann leaves. */
static void ann_makes(void)
{
    become(ANN, 3001);
    make("private", 0600);
    make("readable", 0644);
    make("team", 0640);
    make("writable", 0666);
    make("suid", 06755);
    check_ok(chown(at("team"), -1, TEAM)); /* a group of hers */
    check_eq(look("team").st_gid, TEAM);
    check_ok(mkdir(at("closed"), 0700));
    check_ok(mkdir(at("open"), 0777));
    check_ok(chmod(at("open"), 0777));
    check_ok(mkdir(at("list"), 0744));
    check_ok(mkdir(at("search"), 0711));
    make("closed/in", 0666);
    make("search/in", 0666);
    make("list/in", 0666);
    make("open/in", 0600);
    check_ok(symlink("readable", at("link")));
    struct stat st = look("private");
    check(st.st_uid == ANN && st.st_gid == 3001);
}

static void bob_reads(void)
{
    become(BOB, 3002);
    check_err(open(at("private"), O_RDONLY), EACCES);
    check_err(open(at("private"), O_RDWR | O_CREAT, 0600), EACCES);
    check_err(open(at("private"), O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
    check_ok(close(open(at("private"), O_PATH)));
    check_ok(close(open(at("readable"), O_RDONLY)));
    check_err(open(at("readable"), O_RDWR), EACCES);
    check_err(open(at("readable"), O_RDONLY | O_TRUNC), EACCES);
    check_err(open(at("readable"), O_RDONLY | O_NOATIME), EPERM);
    check_ok(close(open(at("team"), O_RDONLY)));
    check_err(open(at("team"), O_WRONLY), EACCES);
    check_ok(close(open(at("writable"), O_RDWR)));
    check_err(truncate(at("readable"), 0), EACCES);
    check_ok(truncate(at("writable"), 5));
    check_ok(access(at("readable"), R_OK));
    check_err(access(at("readable"), W_OK), EACCES);
    check_err(access(at("readable"), X_OK), EACCES);
    check_ok(access(at("suid"), X_OK));
    check_ok(access(at("private"), F_OK));
    check_err(access(at("closed/in"), F_OK), EACCES);
    check_err(open(at("closed/in"), O_RDONLY), EACCES);
    check_err(open(at("list/in"), O_RDONLY), EACCES);
    check_ok(close(open(at("search/in"), O_RDWR)));
    check_err(open(at("closed"), O_RDONLY | O_DIRECTORY), EACCES);
    check_err(open(at("search"), O_RDONLY | O_DIRECTORY), EACCES);
    check_ok(close(open(at("list"), O_RDONLY | O_DIRECTORY)));
    check_err(chdir(at("closed")), EACCES);
    check_err(chdir(at("list")), EACCES);
    struct stat st;
    check_err(stat(at("closed/in"), &st), EACCES);
    check_err(stat(at("list/in"), &st), EACCES);
    check_ok(stat(at("open/in"), &st));
}

static void bob_changes(void)
{
    struct utimbuf past = {1, 1};
    become(BOB, 3002);
    check_err(chmod(at("writable"), 0777), EPERM);
    check_err(chown(at("writable"), BOB, -1), EPERM);
    check_err(chown(at("writable"), -1, 3002), EPERM);
    check_err(utime(at("writable"), &past), EPERM);
    check_ok(utime(at("writable"), NULL)); /* now: who may write */
    check_err(utime(at("readable"), NULL), EACCES);
    check_err(unlink(at("closed/in")), EACCES);
    check_err(unlink(at("search/in")), EACCES);
    check_err(mkdir(at("search/in"), 0700), EEXIST); /* which counts for more */
    check_err(symlink("x", at("search/in")), EEXIST);
    check_err(mkfifo(at("search/in"), 0600), EEXIST);
    check_err(mkdir(at("closed/in"), 0700), EACCES);
    check_err(mkdir(at("search/new"), 0700), EACCES);
    check_err(open(at("search/new"), O_RDWR | O_CREAT, 0600), EACCES);
    check_err(symlink("x", at("search/new")), EACCES);
    check_err(mkfifo(at("search/new"), 0600), EACCES);
    check_err(link(at("writable"), at("search/new")), EACCES);
    check_err(rename(at("search/in"), at("search/new")), EACCES);
    check_err(mknod(at("open/dev"), S_IFCHR | 0600, 0x103), EPERM);
    check_ok(rename(at("open/in"), at("open/renamed"))); /* the directory's right */
    check_ok(unlink(at("open/renamed")));
    check_ok(mkdir(at("open/bobs"), 0700));
    check_err(rename(at("closed"), at("open/closed")), EPERM); /* sticky */
    make("own", 0644);
    check_err(chown(at("own"), ANN, -1), EPERM);
    check_ok(chown(at("own"), BOB, TEAM));
    check_ok(chown(at("own"), -1, -1));
    check_err(chown(at("own"), -1, 3001), EPERM);
    check_ok(chmod(at("own"), 02755));
    check_eq(look("own").st_mode & 07777, 02755);
    check_ok(rmdir(at("open/bobs")));
}

/* A sticky directory's names belong to the files' owners. */
static void bob_in_sticky(void)
{
    become(BOB, 3002);
    check_err(unlink(at("writable")), EPERM);
    check_err(rmdir(at("closed")), EPERM);
    check_err(rename(at("writable"), at("bobs")), EPERM);
    make("mine", 0600);
    check_err(rename(at("mine"), at("writable")), EPERM);
    check_ok(rename(at("mine"), at("mine2")));
    check_ok(unlink(at("mine2")));
}

static int setting(const char *name)
{
    char path[64], c = '0';
    snprintf(path, sizeof(path), "/proc/sys/fs/%s", name);
    int fd = open(path, O_RDONLY);
    if (fd >= 0) {
        need(read(fd, &c, 1) == 1);
        close(fd);
    }
    return c - '0';
}

static void bob_links(void)
{
    become(BOB, 3002);
    if (setting("protected_hardlinks")) {
        check_err(link(at("private"), at("bobs")), EPERM);
        check_err(link(at("readable"), at("bobs")), EPERM);
        check_err(link(at("suid"), at("bobs")), EPERM);
    }
    check_ok(link(at("writable"), at("bobs"))); /* it could be copied and written, too */
    check_err(unlink(at("bobs")), EPERM);       /* but it is hers */
    if (setting("protected_symlinks")) {
        check_err(open(at("link"), O_RDONLY), EACCES);
        char target[16];
        check_eq(readlink(at("link"), target, sizeof(target)), 8);
    } else {
        check_ok(close(open(at("link"), O_RDONLY)));
    }
}

static void groups_of_directories(void)
{
    need(mkdir(at("shared"), 0777) == 0);
    check_ok(chown(at("shared"), -1, 4000));
    check_ok(chmod(at("shared"), 02777));
    become(BOB, 3002);
    make("shared/file", 0644);
    check_eq(look("shared/file").st_gid, 4000);
    check_ok(mkdir(at("shared/sub"), 0755));
    check_eq(look("shared/sub").st_gid, 4000);
    check(look("shared/sub").st_mode & S_ISGID);
    make("shared/sub/file", 0644);
    check_eq(look("shared/sub/file").st_gid, 4000);
    int fd =
        open(at("shared/prog"), O_RDWR | O_CREAT, 02755); /* a strange group's bit is not given */
    check_eq(look("shared/prog").st_mode & S_ISGID, 0);
    close(fd);
    check_ok(chmod(at("shared/prog"), 02755));
    check_eq(look("shared/prog").st_mode & S_ISGID, 0);
    fd = open(at("shared"), O_RDWR | O_TMPFILE, 0600);
    struct stat st;
    check_ok(fstat(fd, &st));
    check_eq(st.st_gid, 4000);
    close(fd);
}

/* Set-id bits go with a write or a new owner. */
static void set_ids(void)
{
    make("bits", 0666);
    check_ok(chmod(at("bits"), 06777));
    int fd = open(at("bits"), O_RDWR);
    check_eq(write(fd, "x", 1), 1); /* root may */
    check_eq(look("bits").st_mode & 07777, 06777);
    check_ok(chown(at("bits"), 0, 5)); /* but this takes them in any case */
    check_eq(look("bits").st_mode & 07777, 0777);
    check_ok(chmod(at("bits"), 06767));
    check_ok(chown(at("bits"), -1, -1));
    check_eq(look("bits").st_mode & 07777, 02767); /* no group execution: mandatory locks, once */
    check_ok(chmod(at("bits"), 06777));
    become(BOB, 3002);
    check_eq(write(fd, "x", 1), 1);
    check_eq(look("bits").st_mode & 07777, 0777);
    close(fd);
}

static void set_id_truncate(void)
{
    check_ok(chmod(at("bits"), 04777));
    become(BOB, 3002);
    check_ok(truncate(at("bits"), 0));
    check_eq(look("bits").st_mode & 07777, 0777);
}

static void set_id_open(void)
{
    check_ok(chmod(at("bits"), 04777));
    become(BOB, 3002);
    check_ok(close(open(at("bits"), O_WRONLY | O_TRUNC)));
    check_eq(look("bits").st_mode & 07777, 0777);
}

static void caps_only(unsigned long caps)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{(uint32_t)caps, (uint32_t)caps, 0}, {0}};
    need(syscall(SYS_capset, &h, d) == 0);
}

#define BIT(c) (1UL << (c))

static void cap_read_search(void)
{
    caps_only(BIT(CAP_DAC_READ_SEARCH));
    check_ok(close(open(at("private"), O_RDONLY)));
    check_err(open(at("private"), O_RDWR), EACCES);
    check_ok(close(open(at("closed/in"), O_RDONLY)));
    check_err(open(at("closed/new"), O_RDWR | O_CREAT, 0600), EACCES);
    check_err(access(at("private"), X_OK), EACCES);
    check_err(chmod(at("private"), 0600), EPERM);
    check_err(chown(at("private"), ANN, -1), EPERM);
}

static void cap_override(void)
{
    caps_only(BIT(CAP_DAC_OVERRIDE));
    check_ok(close(open(at("private"), O_RDWR)));
    check_ok(close(open(at("closed/in"), O_RDWR)));
    check_err(access(at("private"), X_OK), EACCES);
    check_ok(access(at("suid"), X_OK));
    check_err(chmod(at("private"), 0600), EPERM);
    check_ok(unlink(at("closed/in")));
}

static void cap_owner(void)
{
    caps_only(BIT(CAP_FOWNER) | BIT(CAP_CHOWN));
    check_ok(chmod(at("private"), 0640));
    check_ok(chown(at("private"), BOB, 7));
    check_err(open(at("private"), O_RDONLY), EACCES);
    check_ok(chmod(at("private"), 02650));
    check_eq(look("private").st_mode & 07777, 0650); /* without CAP_FSETID */
}

static void no_caps(void)
{
    caps_only(0);
    check_err(open(at("private"), O_RDONLY), EACCES); /* root is a user like others then */
    check_err(chmod(at("private"), 0600), EPERM);
    check_ok(close(open(at("readable"), O_RDONLY)));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

static void all_cases(const char *place)
{
    void (*const cases[])(void) = {
        ann_makes,       bob_reads,       bob_changes,
        bob_in_sticky,   bob_links,       groups_of_directories,
        set_ids,         set_id_truncate, set_id_open,
        cap_read_search, cap_override,    cap_owner,
        no_caps,
    };
    snprintf(dir, sizeof(dir), "%s/rights.%d", place, getpid());
    need(mkdir(dir, 0777) == 0 && chmod(dir, 01777) == 0);
    printf("in %s\n", dir);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        in_thread(cases[i]);
    check_ok(nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS));
}

int main(void)
{
    umask(022);
    check(1);
    if (getuid())
        return check_done();
    all_cases(".");
    all_cases("/dev/shm"); /* a tmpfs */
    return check_done();
}
