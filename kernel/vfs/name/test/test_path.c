/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Path walk, opening, names and attributes over a toy file system: "/" is stable, "/host" volatile,
 * "/made/up" a mount point that no file system has.
 */
#include "kernel/vfs/test/stubs.h"

#include "kernel/vfs/test/stub_async.h"

#include "kernel/proc/id/cred.c"
#include "kernel/proc/id/user.c"

#include "kernel/vfs/name/test/toyfs.h"

#include "kernel/vfs/fdtable.c"
#include "kernel/vfs/file.c"
#include "kernel/vfs/inode.c"
#include "kernel/vfs/name/access.c"
#include "kernel/vfs/name/context.c"
#include "kernel/vfs/name/dentry.c"
#include "kernel/vfs/name/dir.c"
#include "kernel/vfs/name/mount.c"
#include "kernel/vfs/name/namei.c"
#include "kernel/vfs/name/open.c"
#include "kernel/vfs/name/path.c"
#include "kernel/vfs/name/stat.c"

struct kernel kernel;

void epoll_forget(struct file *f)
{
    (void)f;
}

void locks_release_table(struct file *f, const struct fdtable *t)
{
    (void)f;
    (void)t;
}

int process_unshare_fds(void)
{
    return 0;
}

void locks_release_file(struct file *f)
{
    (void)f;
}

bool file_is_pipe(const struct file *f)
{
    (void)f;
    return false;
}

int pipe_open_again(struct file *f, uint32_t flags, struct file **out)
{
    (void)f;
    (void)flags;
    (void)out;
    return -EIO;
}

int pipe_open_fifo(struct inode *i, uint32_t flags, struct file **out)
{
    (void)i;
    (void)flags;
    (void)out;
    return -ENXIO;
}

void pipe_free_fifo(struct inode *i)
{
    (void)i;
}

#define P(s) ((uaddr_t)(s))

static struct toy *root, *host;

static int setup(void **state)
{
    (void)state;
    stub_process_init();
    if (!mounts.first) {
        assert_int_equal(vfs_init(), 0);
        fs_type_register(&toy_type);
        assert_int_equal(vfs_mount("nosuch", NULL, "/", 0), -ENODEV);
        assert_int_equal(vfs_mount("toy", NULL, "/", 0), 0);
        root = toy_of(toy_super[0].root);
        toy_make(&toy_super[0], root, "host", S_IFDIR | 0755);
        assert_int_equal(vfs_mount("toy", NULL, "/host", SUPER_VOLATILE), 0);
        host = toy_of(toy_super[1].root);
        assert_int_equal(vfs_mount("toy", NULL, "/made/up", 0), 0);
        root = toy_of(mounts.first->super->root);
        /* the third mount shares toy_super[0]: its root is a tree of its own */
        root = toy_of(mounts.first->root->inode);
        struct toy *usr = toy_make(&toy_super[0], root, "usr", S_IFDIR | 0755);
        struct toy *lib = toy_make(&toy_super[0], usr, "lib", S_IFDIR | 0755);
        toy_make(&toy_super[0], lib, "file", S_IFREG | 0644);
        toy_link(root, "lib", "usr/lib");
        toy_link(root, "abs", "/usr/lib");
        toy_link(root, "loop", "loop");
        toy_link(root, "a", "b");
        toy_link(root, "b", "a");
        toy_link(root, "dangling", "nowhere");
        toy_link(root, "slash", "usr/");
        toy_link(root, "fileslash", "usr/lib/file/");
        toy_link(root, "empty", "");
        toy_link(usr, "up", "../usr/../usr/lib");
        struct toy *h = toy_make(&toy_super[1], host, "dir", S_IFDIR | 0755);
        toy_make(&toy_super[1], h, "file", S_IFREG | 0644);
        toy_link(h, "link", "file");
        toy_link(host, "out", "../usr/lib/file");
        toy_link(host, "dirlink", "dir");
        stub_process.fds = fdtable_new();
    }
    stub_process.fs = fs_context_new();
    assert_non_null(stub_process.fs);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fs_context_put(stub_process.fs);
    assert_int_equal(fdtable_next(stub_process.fds, 0), -1);
    return 0;
}

/* The full path that a path leads to, or the error as text. */
static const char *resolve(const char *path, unsigned flags)
{
    static char buf[4][PATH_MAX];
    static unsigned n;
    char *out = buf[n++ % 4];
    struct dentry *d;
    int err = path_lookup(AT_FDCWD, path, flags, &d);
    if (err) {
        snprintf(out, PATH_MAX, "error %d", -err);
        return out;
    }
    assert_true(dentry_path(d, out, PATH_MAX) > 0);
    dentry_put(d);
    return out;
}

static void assert_errno(const char *path, unsigned flags, int err)
{
    struct dentry *d;
    assert_int_equal(path_lookup(AT_FDCWD, path, flags, &d), err);
}

static void test_plain(void **state)
{
    (void)state;
    assert_string_equal(resolve("/", 0), "/");
    assert_string_equal(resolve("//", 0), "/");
    assert_string_equal(resolve("/..", 0), "/");
    assert_string_equal(resolve("/../../usr", 0), "/usr");
    assert_string_equal(resolve("usr", 0), "/usr");
    assert_string_equal(resolve("./usr/./lib//file", 0), "/usr/lib/file");
    assert_string_equal(resolve("/usr/lib/..", 0), "/usr");
    assert_string_equal(resolve("/usr/lib/", 0), "/usr/lib");
    assert_errno("/usr/lib/file/", 0, -ENOTDIR);
    assert_errno("/usr/lib/file/x", 0, -ENOTDIR);
    assert_errno("/usr/lib/file/..", 0, -ENOTDIR);
    assert_errno("/usr/no/x", 0, -ENOENT);
    assert_errno("/usr/no", 0, -ENOENT);
    assert_errno("", 0, -ENOENT);
}

static void test_long_names(void **state)
{
    char path[400];
    (void)state;
    memset(path, 'x', sizeof(path));
    path[NAME_MAX] = '\0';
    assert_errno(path, 0, -ENOENT);
    path[NAME_MAX] = 'x';
    path[NAME_MAX + 1] = '\0';
    assert_errno(path, 0, -ENAMETOOLONG);
    path[NAME_MAX + 1] = '/';
    path[NAME_MAX + 2] = '\0';
    assert_errno(path, 0, -ENAMETOOLONG);
}

static void test_symlinks(void **state)
{
    (void)state;
    assert_string_equal(resolve("/lib/file", 0), "/usr/lib/file");
    assert_string_equal(resolve("/abs/file", 0), "/usr/lib/file");
    assert_string_equal(resolve("/usr/up/file", 0), "/usr/lib/file");
    assert_string_equal(resolve("/lib", AT_SYMLINK_NOFOLLOW), "/lib");
    assert_string_equal(resolve("/lib/", AT_SYMLINK_NOFOLLOW), "/usr/lib");
    assert_string_equal(resolve("/slash", 0), "/usr");
    assert_errno("/loop", 0, -ELOOP);
    assert_errno("/loop/x", 0, -ELOOP);
    assert_string_equal(resolve("/loop", AT_SYMLINK_NOFOLLOW), "/loop");
    assert_errno("/a", 0, -ELOOP);
    assert_errno("/dangling", 0, -ENOENT);
    assert_errno("/empty", 0, -ENOENT);
    assert_errno("/fileslash", 0, -ENOTDIR);
}

static void test_mounts(void **state)
{
    (void)state;
    assert_string_equal(resolve("/host/dir/file", 0), "/host/dir/file");
    assert_string_equal(resolve("/host/..", 0), "/");
    assert_string_equal(resolve("/host/dir/../../usr", 0), "/usr");
    assert_string_equal(resolve("/host/out", 0), "/usr/lib/file");
    assert_string_equal(resolve("/host/dirlink/link", 0), "/host/dir/file");
    assert_string_equal(resolve("/made/up/..", 0), "/made");
    assert_string_equal(resolve("/made/up", 0), "/made/up");
}

static void test_magic_link(void **state)
{
    struct toy *m = toy_link(root, "magic", "text");
    (void)state;
    m->inode.ops = &toy_magic_ops;
    assert_int_equal(path_lookup(AT_FDCWD, "/usr/lib", 0, &toy_magic_end), 0);
    assert_string_equal(resolve("/magic", 0), "/usr/lib");
    assert_string_equal(resolve("/magic/file", 0), "/usr/lib/file");
    assert_string_equal(resolve("/magic", AT_SYMLINK_NOFOLLOW), "/magic");
    dentry_put(toy_magic_end);
}

static void test_volatile_calls(void **state)
{
    struct statx st;
    struct file *f;
    (void)state;
    assert_int_equal(stat_path(AT_FDCWD, "/host/dir/file", 0, &st), 0);
    unsigned before = toy_calls;
    assert_int_equal(stat_path(AT_FDCWD, "/host/dir/file", 0, &st), 0);
    assert_int_equal(toy_calls, before + 1); /* the leaf alone */
    assert_int_equal(vfs_open(AT_FDCWD, "/host/dir/file", O_RDONLY, 0, &f), 0);
    assert_int_equal(toy_calls, before + 2);
    assert_non_null(f->dentry);
    file_put(f);
    stub_now += 2000000000; /* directories are asked for again after a second */
    before = toy_calls;
    assert_int_equal(stat_path(AT_FDCWD, "/host/dir/file", 0, &st), 0);
    assert_int_equal(toy_calls, before + 2);
    assert_int_equal(stat_path(AT_FDCWD, "/host/dir/link", 0, &st), 0);
    assert_true(S_ISREG(st.stx_mode));
    assert_int_equal(stat_path(AT_FDCWD, "/host/dir/link", AT_SYMLINK_NOFOLLOW, &st), 0);
    assert_true(S_ISLNK(st.stx_mode));
    assert_int_equal(stat_path(AT_FDCWD, "/host/dir/file/", 0, &st), -ENOTDIR);
    assert_int_equal(stat_path(AT_FDCWD, "/host/dirlink/", AT_SYMLINK_NOFOLLOW, &st), 0);
    assert_true(S_ISDIR(st.stx_mode));
}

static void test_targets_are_kept(void **state)
{
    (void)state;
    stub_now += 2000000000;
    assert_string_equal(resolve("/host/dirlink/file", 0), "/host/dir/file");
    unsigned reads = toy_reads;
    assert_string_equal(resolve("/host/dirlink/file", 0), "/host/dir/file");
    assert_int_equal(toy_reads, reads);
    strcpy(toy_find(host, "dirlink")->target, "dir/../dir"); /* changed outside */
    stub_now += 2000000000;
    assert_string_equal(resolve("/host/dirlink/file", 0), "/host/dir/file");
    assert_int_equal(toy_reads, reads + 1);
    assert_int_equal(sys_unlink(P("/host/dirlink")), 0);
    assert_int_equal(sys_symlink(P("dir"), P("/host/dirlink")), 0);
    assert_string_equal(resolve("/host/dirlink/file", 0), "/host/dir/file");
    assert_int_equal(toy_reads, reads + 2);
}

static int open_errno(const char *path, uint32_t flags)
{
    struct file *f;
    int err = vfs_open(AT_FDCWD, path, flags, 0644, &f);
    if (!err)
        file_put(f);
    return err;
}

static void test_open_flags(void **state)
{
    static const char *const dirs[] = {"/usr/lib", "/host/dir"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vfs_chdir(dirs[i]), 0);
        assert_int_equal(open_errno("file", O_RDONLY), 0);
        assert_int_equal(open_errno("file", O_DIRECTORY), -ENOTDIR);
        assert_int_equal(open_errno("file/", O_RDONLY), -ENOTDIR);
        assert_int_equal(open_errno("file", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
        assert_int_equal(open_errno("no", O_RDONLY), -ENOENT);
        assert_int_equal(open_errno("no/", O_CREAT | O_WRONLY), -EISDIR);
        assert_int_equal(open_errno(".", O_RDONLY), 0);
        assert_int_equal(open_errno(".", O_WRONLY), -EISDIR);
        assert_int_equal(open_errno("..", O_CREAT | O_RDONLY), -EISDIR);
        assert_int_equal(open_errno("new", O_CREAT | O_EXCL | O_WRONLY), 0);
        assert_int_equal(open_errno("new", O_CREAT | O_WRONLY), 0);
        assert_int_equal(sys_unlink(P("new")), 0);
        assert_int_equal(open_errno("new", O_RDONLY), -ENOENT);
        assert_int_equal(sys_symlink(P("later"), P("sym")), 0);
        assert_int_equal(open_errno("sym", O_RDONLY), -ENOENT);
        assert_int_equal(open_errno("sym", O_RDONLY | O_NOFOLLOW), -ELOOP);
        assert_int_equal(open_errno("sym", O_RDONLY | O_NOFOLLOW | O_PATH), 0);
        assert_int_equal(open_errno("sym", O_CREAT | O_EXCL | O_WRONLY), -EEXIST);
        assert_int_equal(open_errno("sym", O_CREAT | O_WRONLY), 0); /* creates "later" */
        assert_int_equal(open_errno("later", O_RDONLY), 0);
        assert_int_equal(sys_unlink(P("sym")), 0);
        assert_int_equal(sys_unlink(P("later")), 0);
    }
    assert_int_equal(open_errno("/host/dirlink", O_DIRECTORY), 0);
    assert_int_equal(open_errno("/host/dirlink", O_DIRECTORY | O_NOFOLLOW), -ENOTDIR);
    assert_int_equal(open_errno("/loop", O_RDONLY), -ELOOP);
    assert_int_equal(open_errno("/usr", O_CREAT | O_DIRECTORY), -EINVAL);
}

static void test_openat2_resolve(void **state)
{
    static const struct {
        const char *path;
        uint64_t resolve;
        int err;
    } cases[] = {
        {"lib/file", RESOLVE_BENEATH, 0},
        {"lib/../lib/file", RESOLVE_BENEATH, 0},
        {"../usr/lib/file", RESOLVE_BENEATH, -EXDEV},
        {"/usr/lib/file", RESOLVE_BENEATH, -EXDEV},
        {"up/file", RESOLVE_BENEATH, -EXDEV},
        {"/lib/file", RESOLVE_IN_ROOT, 0},
        {"../../lib/file", RESOLVE_IN_ROOT, 0},
        {"up", RESOLVE_NO_SYMLINKS, -ELOOP},
        {"up/file", RESOLVE_NO_SYMLINKS, -ELOOP},
        {"../host/dir/file", RESOLVE_NO_XDEV, -EXDEV},
        {"../host", RESOLVE_NO_XDEV, -EXDEV},
    };
    struct file *dir, *f;
    (void)state;
    assert_int_equal(vfs_open(AT_FDCWD, "/usr", O_PATH, 0, &dir), 0);
    int fd = fd_install(dir, false, 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct open_request r = {.resolve = cases[i].resolve};
        int err = open_path(fd, cases[i].path, &r, &f);
        if (err != cases[i].err)
            fail_msg("%s: %d", cases[i].path, err);
        if (!err)
            file_put(f);
    }
    assert_int_equal(sys_close(fd), 0);
}

static void test_names(void **state)
{
    static const char *const dirs[] = {"/usr", "/host"};
    char cwd[64];
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vfs_chdir(dirs[i]), 0);
        assert_int_equal(sys_mkdir(P("d"), 0755), 0);
        assert_int_equal(sys_mkdir(P("d"), 0755), -EEXIST);
        assert_int_equal(sys_mkdir(P("d/"), 0755), -EEXIST);
        assert_int_equal(sys_mkdir(P("d/e/"), 0755), 0);
        assert_int_equal(sys_mkdir(P("."), 0755), -EEXIST);
        assert_int_equal(sys_symlink(P("x"), P("s/")), -ENOENT);
        assert_int_equal(sys_rmdir(P("d")), -ENOTEMPTY);
        assert_int_equal(sys_rmdir(P("d/e/.")), -EINVAL);
        assert_int_equal(sys_rmdir(P("d/e/..")), -ENOTEMPTY);
        assert_int_equal(sys_rmdir(P("/")), -EBUSY);
        assert_int_equal(sys_unlink(P("/")), -EISDIR);
        assert_int_equal(vfs_chdir("d/e"), 0);
        assert_int_equal(sys_rename(P("../../d"), P("../../moved")), 0);
        assert_true(sys_getcwd(P(cwd), sizeof(cwd)) > 0);
        assert_string_equal(strstr(cwd, "/moved/e"), "/moved/e");
        assert_int_equal(sys_rmdir(P("../e")), 0);
        assert_int_equal(sys_getcwd(P(cwd), sizeof(cwd)), -ENOENT);
        assert_int_equal(vfs_chdir(dirs[i]), 0);
        assert_int_equal(sys_rmdir(P("moved")), 0);
        assert_int_equal(vfs_chdir("moved"), -ENOENT);
    }
    assert_int_equal(sys_rmdir(P("/host")), -EBUSY);
    assert_int_equal(sys_rename(P("/host"), P("/guest")), -EBUSY);
    assert_int_equal(sys_rename(P("/host/dir"), P("/dir")), -EXDEV);
    assert_int_equal(sys_rmdir(P("/made")), -EBUSY);
}

static void test_rename_rules(void **state)
{
    struct dentry *d;
    (void)state;
    assert_int_equal(sys_mkdir(P("/r"), 0755), 0);
    assert_int_equal(sys_mkdir(P("/r/d"), 0755), 0);
    assert_int_equal(open_errno("/r/f", O_CREAT | O_WRONLY), 0);
    assert_int_equal(open_errno("/r/g", O_CREAT | O_WRONLY), 0);
    assert_int_equal(sys_rename(P("/r"), P("/r/d/x")), -EINVAL);
    assert_int_equal(sys_rename(P("/r/d"), P("/r")), -ENOTEMPTY);
    assert_int_equal(sys_rename(P("/r/f"), P("/r/d")), -EISDIR);
    assert_int_equal(sys_rename(P("/r/d"), P("/r/f")), -ENOTDIR);
    assert_int_equal(sys_rename(P("/r/f/"), P("/r/h")), -ENOTDIR);
    assert_int_equal(sys_rename(P("/r/f"), P("/r/h/")), -ENOTDIR);
    assert_int_equal(sys_rename(P("/r/no"), P("/r/h")), -ENOENT);
    assert_int_equal(sys_renameat2(AT_FDCWD, P("/r/f"), AT_FDCWD, P("/r/g"), RENAME_NOREPLACE),
                     -EEXIST);
    assert_int_equal(path_lookup(AT_FDCWD, "/r/g", 0, &d), 0);
    assert_int_equal(sys_rename(P("/r/f"), P("/r/g")), 0);
    assert_true(d->deleted);
    dentry_put(d);
    assert_errno("/r/f", 0, -ENOENT);
    assert_string_equal(resolve("/r/g", 0), "/r/g");
    assert_int_equal(sys_renameat2(AT_FDCWD, P("/r/g"), AT_FDCWD, P("/r/d"), RENAME_EXCHANGE), 0);
    assert_int_equal(sys_rmdir(P("/r/g")), 0);
    assert_int_equal(sys_unlink(P("/r/d")), 0);
    assert_int_equal(sys_rmdir(P("/r")), 0);
}

static void test_long_renames(void **state)
{
    static const char *const dirs[] = {"/usr", "/host"};
    static const char x[] = "a-name-that-is-too-long-for-the-dentry-itself";
    static const char y[] = "another-name-that-is-too-long-for-the-dentry-itself";
    struct file *f[12];
    char buf[128];
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(vfs_chdir(dirs[i]), 0);
        for (int k = 0; k < 12; k++)
            assert_int_equal(vfs_open(AT_FDCWD, x, O_CREAT | O_RDWR, 0600, &f[k]), 0);
        assert_int_equal(sys_rename(P(x), P(y)), 0);
        assert_int_equal(open_errno(x, O_RDONLY), -ENOENT);
        assert_true(dentry_path(f[0]->dentry, buf, sizeof(buf)) > 0);
        assert_int_equal(sys_rename(P(y), P("s")), 0);
        assert_int_equal(open_errno("s", O_RDONLY), 0);
        assert_int_equal(sys_rename(P("s"), P(x)), 0);
        assert_int_equal(open_errno(y, O_CREAT | O_WRONLY), 0);
        assert_int_equal(sys_renameat2(AT_FDCWD, P(x), AT_FDCWD, P(y), RENAME_EXCHANGE), 0);
        assert_int_equal(sys_unlink(P(x)), 0);
        assert_int_equal(sys_unlink(P(y)), 0);
        for (int k = 0; k < 12; k++)
            file_put(f[k]);
    }
}

static void test_deleted_open_file(void **state)
{
    char buf[64];
    struct file *f;
    (void)state;
    assert_int_equal(vfs_open(AT_FDCWD, "/host/t", O_CREAT | O_RDWR, 0600, &f), 0);
    assert_int_equal(sys_rename(P("/host/t"), P("/host/u")), 0);
    assert_true(dentry_path(f->dentry, buf, sizeof(buf)) > 0);
    assert_string_equal(buf, "/host/u");
    assert_int_equal(sys_unlink(P("/host/u")), 0);
    assert_true(dentry_path(f->dentry, buf, sizeof(buf)) > 0);
    assert_string_equal(buf, "/host/u (deleted)");
    assert_int_equal(dentry_path(f->dentry, buf, 10), -ENAMETOOLONG);
    file_put(f);
}

static void test_chroot(void **state)
{
    char cwd[64];
    (void)state;
    assert_int_equal(sys_chroot(P("/usr")), 0);
    assert_int_equal(vfs_chdir("/"), 0);
    assert_int_equal(sys_getcwd(P(cwd), sizeof(cwd)), 2);
    assert_string_equal(cwd, "/");
    assert_string_equal(resolve("../../lib/file", 0), "/lib/file");
    assert_errno("/usr", 0, -ENOENT);
}

static void test_bad_addresses(void **state)
{
    char longpath[PATH_MAX + 10], buf[8];
    (void)state;
    assert_int_equal(sys_open(STUB_BAD, O_RDONLY, 0), -EFAULT);
    memset(longpath, '/', sizeof(longpath) - 1);
    longpath[sizeof(longpath) - 1] = '\0';
    assert_int_equal(sys_open(P(longpath), O_RDONLY, 0), -ENAMETOOLONG);
    longpath[PATH_MAX - 1] = '\0';
    assert_int_equal(sys_access(P(longpath), 0), 0);
    assert_int_equal(sys_getcwd(P(buf), 1), -ERANGE);
    assert_int_equal(sys_getcwd(STUB_BAD, 64), -EFAULT);
    assert_int_equal(sys_readlink(P("/lib"), P(buf), 0), -EINVAL);
    assert_int_equal(sys_readlink(P("/lib"), P(buf), 3), 3);
    assert_memory_equal(buf, "usr", 3);
    assert_int_equal(sys_readlink(P("/usr"), P(buf), 3), -EINVAL);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 20; n++) {
        long before = stub_allocations;
        struct file *f;
        stub_fail_after = n;
        int err = vfs_open(AT_FDCWD, "/host/dirlink/link", O_RDONLY, 0, &f);
        stub_fail_after = -1;
        if (!err)
            file_put(f);
        else
            assert_int_equal(err, -ENOMEM);
        assert_true(stub_allocations - before <= 8); /* what the cache keeps */
    }
}

static void test_cache_shrinks(void **state)
{
    char path[64];
    (void)state;
    assert_int_equal(sys_mkdir(P("/many"), 0755), 0);
    for (int i = 0; i < 6000; i++) {
        snprintf(path, sizeof(path), "/many/%d", i);
        assert_int_equal(open_errno(path, O_CREAT | O_WRONLY), 0);
    }
    assert_true(dcache.count <= DCACHE_MAX + 1);
    for (int i = 0; i < 6000; i++) {
        snprintf(path, sizeof(path), "/many/%d", i);
        assert_int_equal(sys_unlink(P(path)), 0);
    }
    assert_int_equal(sys_rmdir(P("/many")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_plain),
        T(test_long_names),
        T(test_symlinks),
        T(test_mounts),
        T(test_magic_link),
        T(test_volatile_calls),
        T(test_targets_are_kept),
        T(test_open_flags),
        T(test_openat2_resolve),
        T(test_names),
        T(test_rename_rules),
        T(test_long_renames),
        T(test_deleted_open_file),
        T(test_chroot),
        T(test_bad_addresses),
        T(test_out_of_memory),
        T(test_cache_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
