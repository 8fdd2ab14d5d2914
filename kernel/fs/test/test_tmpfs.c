/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs: names, links, renames, listings that survive changes, holes, sizes, and its limits. */
#include "kernel/fs/test/stubs.h"

#include "kernel/fs/test/shmem_stub.h"

#include "kernel/fs/pagetree.c"
#include "kernel/fs/tmpfs/copy.c"
#include "kernel/fs/tmpfs/data.c"
#define dir_lseek tmpfs_dir_lseek
#define dir_fsync tmpfs_dir_fsync
#include "kernel/fs/tmpfs/dir.c"
#include "kernel/fs/tmpfs/file.c"
#include "kernel/fs/tmpfs/inode.c"
#include "kernel/fs/tmpfs/memfd.c"
#include "kernel/fs/tmpfs/share.c"
#include "lib/hash.c"
#include "lib/tree.c"

#include <linux/falloc.h>

static struct super *sb;
static struct inode *root;

static int setup(void **state)
{
    (void)state;
    stub_shmem_init(200); /* 100 pages of files */
    stub_cred.fsuid = 7;
    assert_int_equal(tmpfs_mount(NULL, 0, &sb), 0);
    root = sb->root;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    inode_put(root);
    kfree(container_of(sb, struct tmpfs_super, sb));
    stub_shmem_fini();
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static struct inode *make(struct inode *dir, const char *name)
{
    struct inode *i;
    assert_int_equal(tmpfs_create(dir, name, 0644, &i), 0);
    return i;
}

static struct inode *make_dir(struct inode *dir, const char *name)
{
    struct inode *i;
    assert_int_equal(tmpfs_mkdir(dir, name, 0755, &i), 0);
    return i;
}

static struct statx stat_of(struct inode *i)
{
    struct statx st = {0};
    assert_int_equal(tmpfs_getattr(i, &st), 0);
    return st;
}

static void remove_file(struct inode *dir, const char *name)
{
    assert_int_equal(tmpfs_unlink(dir, name, NULL), 0);
}

static void test_names(void **state)
{
    struct inode *f = make(root, "f"), *other;
    (void)state;
    assert_int_equal(tmpfs_create(root, "f", 0644, &other), -EEXIST);
    assert_int_equal(tmpfs_lookup(root, "g", &other), -ENOENT);
    assert_int_equal(tmpfs_lookup(root, "f", &other), 0);
    assert_ptr_equal(other, f);
    assert_int_equal(stat_of(f).stx_nlink, 1);
    assert_int_equal(stat_of(f).stx_uid, 7);
    assert_int_equal(tmpfs_rmdir(root, "f", NULL), -ENOTDIR);
    remove_file(root, "f");
    assert_int_equal(stat_of(f).stx_nlink, 0);
    assert_int_equal(tmpfs_unlink(root, "f", NULL), -ENOENT);
    inode_put(other);
    inode_put(f);
}

static void test_hard_links(void **state)
{
    struct inode *f = make(root, "f"), *d = make_dir(root, "d");
    (void)state;
    assert_int_equal(tmpfs_link(d, "g", f), 0);
    assert_int_equal(tmpfs_link(d, "g", f), -EEXIST);
    assert_int_equal(tmpfs_link(root, "h", d), -EPERM);
    assert_int_equal(stat_of(f).stx_nlink, 2);
    remove_file(root, "f");
    assert_int_equal(stat_of(f).stx_nlink, 1);
    assert_int_equal(tmpfs_rmdir(root, "d", NULL), -ENOTEMPTY);
    assert_int_equal(tmpfs_unlink(root, "d", NULL), -EISDIR);
    remove_file(d, "g");
    assert_int_equal(tmpfs_rmdir(root, "d", NULL), 0);
    inode_put(f);
    assert_int_equal(tmpfs_create(d, "late", 0600, &f), -ENOENT); /* d has no name any more */
    inode_put(d);
}

static void test_symlink(void **state)
{
    struct inode *l;
    char buf[16];
    (void)state;
    assert_int_equal(tmpfs_symlink(root, "l", "to/here", &l), 0);
    assert_int_equal(tmpfs_readlink(l, buf, sizeof(buf)), 7);
    assert_memory_equal(buf, "to/here", 7);
    assert_int_equal(tmpfs_readlink(l, buf, 2), 2);
    assert_int_equal(stat_of(l).stx_size, 7);
    inode_put(l);
    remove_file(root, "l");
}

static void test_rename(void **state)
{
    struct inode *a = make(root, "a"), *b = make(root, "b"), *found;
    struct inode *d = make_dir(root, "d"), *e = make_dir(root, "e");
    (void)state;
    assert_int_equal(tmpfs_rename(root, "x", root, "y", 0), -ENOENT);
    assert_int_equal(tmpfs_rename(root, "a", root, "b", RENAME_NOREPLACE), -EEXIST);
    assert_int_equal(tmpfs_rename(root, "a", root, "d", 0), -EISDIR);
    assert_int_equal(tmpfs_rename(root, "d", root, "a", 0), -ENOTDIR);
    assert_int_equal(tmpfs_rename(root, "a", root, "b", 0), 0);
    assert_int_equal(stat_of(b).stx_nlink, 0);
    assert_int_equal(tmpfs_rename(root, "b", d, "a", 0), 0);
    assert_int_equal(tmpfs_lookup(d, "a", &found), 0);
    assert_ptr_equal(found, a);
    inode_put(found);
    assert_int_equal(tmpfs_rename(root, "e", root, "d", 0), -ENOTEMPTY);
    assert_int_equal(tmpfs_rename(root, "d", root, "e", RENAME_EXCHANGE), 0);
    assert_int_equal(tmpfs_lookup(root, "e", &found), 0);
    assert_ptr_equal(found, d);
    inode_put(found);
    assert_int_equal(stat_of(root).stx_nlink, 4);
    assert_int_equal(tmpfs_rename(root, "e", e, "inner", 0), 0);
    assert_int_equal(stat_of(root).stx_nlink, 3);
    assert_int_equal(stat_of(e).stx_nlink, 3);
    remove_file(d, "a");
    assert_int_equal(tmpfs_rmdir(e, "inner", NULL), 0);
    assert_int_equal(tmpfs_rmdir(root, "d", NULL), 0);
    inode_put(a);
    inode_put(b);
    inode_put(d);
    inode_put(e);
}

static void list(struct file *f, struct stub_sink *s, int room)
{
    s->sink.emit = stub_emit;
    s->names[0] = '\0';
    s->room = room;
    assert_int_equal(f->ops->iterate(f, &s->sink), 0);
}

static void test_listing(void **state)
{
    struct file *f;
    struct stub_sink s;
    (void)state;
    for (char n[2] = "a"; n[0] <= 'e'; n[0]++)
        inode_put(make(root, n));
    assert_int_equal(tmpfs_open(root, O_RDONLY | O_DIRECTORY, &f), 0);
    list(f, &s, 4);
    assert_string_equal(s.names, ". .. a b ");
    remove_file(root, "b");
    remove_file(root, "c");
    inode_put(make(root, "z"));
    list(f, &s, 100);
    assert_string_equal(s.names, "d e z ");
    list(f, &s, 100);
    assert_string_equal(s.names, "");
    f->pos = 0;
    list(f, &s, 100);
    assert_string_equal(s.names, ". .. a d e z ");
    file_put(f);
    remove_file(root, "a");
    remove_file(root, "d");
    remove_file(root, "e");
    remove_file(root, "z");
}

static size_t put(struct inode *i, int64_t at, const void *data, size_t n, int err)
{
    struct stub_uio s;
    struct uio *u = stub_user(&s, data, n);
    assert_int_equal(tmpfs_data_write(tmpfs_inode_of(i), u, &at, false), err);
    return u->done;
}

static size_t get(struct inode *i, int64_t at, void *data, size_t n)
{
    struct stub_uio s;
    struct uio *u = stub_user(&s, data, n);
    assert_int_equal(tmpfs_data_read(tmpfs_inode_of(i), u, &at), 0);
    return u->done;
}

static void test_data(void **state)
{
    struct inode *f = make(root, "f");
    static char in[30000], out[40000];
    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (char)(i * 7 + 1);
    assert_int_equal(put(f, 5000, in, sizeof(in), 0), sizeof(in));
    assert_int_equal(stat_of(f).stx_size, 35000);
    assert_int_equal(get(f, 0, out, sizeof(out)), 35000);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(out[i], 0);
    assert_memory_equal(out + 5000, in, sizeof(in));
    assert_int_equal(get(f, 35000, out, 10), 0);
    /* Shrink and grow: what was cut is zeros. */
    assert_int_equal(tmpfs_truncate(f, 6000), 0);
    assert_int_equal(tmpfs_truncate(f, 9000), 0);
    assert_int_equal(get(f, 5990, out, 100), 100);
    assert_memory_equal(out, in + 990, 10);
    for (int i = 10; i < 100; i++)
        assert_int_equal(out[i], 0);
    assert_int_equal(tmpfs_truncate(f, -1), -EINVAL);
    remove_file(root, "f");
    inode_put(f);
}

static void test_holes(void **state)
{
    struct inode *f = make(root, "f");
    struct tmpfs_inode *ti = tmpfs_inode_of(f);
    char page[PAGE_SIZE], out[PAGE_SIZE];
    (void)state;
    memset(page, 'p', sizeof(page));
    for (int i = 0; i < 8; i++)
        put(f, i * (int64_t)PAGE_SIZE, page, sizeof(page), 0);
    assert_int_equal(
        tmpfs_data_fallocate(ti, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 10000), 0);
    assert_int_equal(ti->npages, 7); /* only page 2 was covered wholly */
    get(f, 4096, out, sizeof(out));
    assert_int_equal(out[903], 'p');
    assert_int_equal(out[904], 0);
    get(f, 3 * 4096, out, sizeof(out));
    assert_int_equal(out[15000 - 12288 - 1], 0);
    assert_int_equal(out[15000 - 12288], 'p');
    assert_int_equal(tmpfs_data_seek(ti, 0, SEEK_HOLE), 2 * PAGE_SIZE);
    assert_int_equal(tmpfs_data_seek(ti, 2 * (int64_t)PAGE_SIZE, SEEK_DATA), 3 * PAGE_SIZE);
    assert_int_equal(tmpfs_data_seek(ti, 4 * (int64_t)PAGE_SIZE, SEEK_HOLE), 8 * PAGE_SIZE);
    assert_int_equal(tmpfs_data_seek(ti, 8 * (int64_t)PAGE_SIZE, SEEK_DATA), -ENXIO);
    /* Within one page, and up to an end in it. */
    assert_int_equal(tmpfs_data_fallocate(ti, FALLOC_FL_ZERO_RANGE, 100, 50), 0);
    get(f, 0, out, sizeof(out));
    assert_int_equal(out[99], 'p');
    assert_int_equal(out[100], 0);
    assert_int_equal(out[149], 0);
    assert_int_equal(out[150], 'p');
    assert_int_equal(tmpfs_data_fallocate(ti, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), -EOPNOTSUPP);
    remove_file(root, "f");
    inode_put(f);
}

static void test_append_and_fault(void **state)
{
    struct inode *f = make(root, "f");
    struct stub_uio s;
    struct uio_seg seg[] = {{(uintptr_t) "abc", 3}, {STUB_BAD, 5}};
    struct uio u;
    int64_t pos = 77;
    char out[16];
    (void)state;
    put(f, 0, "12345", 5, 0);
    assert_int_equal(tmpfs_data_write(tmpfs_inode_of(f), stub_user(&s, "XY", 2), &pos, true), 0);
    assert_int_equal(pos, 7);
    uio_init_user(&u, seg, 2);
    assert_int_equal(tmpfs_data_write(tmpfs_inode_of(f), &u, &pos, true), 0);
    assert_int_equal(u.done, 3);
    assert_int_equal(get(f, 0, out, sizeof(out)), 10);
    assert_memory_equal(out, "12345XYabc", 10);
    pos = 0;
    uio_init_one(&u, &seg[0], STUB_BAD, 5);
    assert_int_equal(tmpfs_data_write(tmpfs_inode_of(f), &u, &pos, false), -EFAULT);
    assert_int_equal(tmpfs_inode_of(f)->io, 0);
    assert_int_equal(tmpfs_inode_of(f)->shm.lock.held, 0);
    remove_file(root, "f");
    inode_put(f);
}

static void test_full(void **state)
{
    struct inode *f = make(root, "f");
    static char data[120 * 4096];
    struct statfs_info info;
    (void)state;
    assert_int_equal(put(f, 0, data, sizeof(data), 0), 100 * PAGE_SIZE);
    assert_int_equal(put(f, 100 * (int64_t)PAGE_SIZE, data, 1, -ENOSPC), 0);
    assert_int_equal(tmpfs_statfs(sb, &info), 0);
    assert_int_equal(info.bfree, 0);
    assert_int_equal(tmpfs_truncate(f, 0), 0);
    assert_int_equal(tmpfs_statfs(sb, &info), 0);
    assert_int_equal(info.bfree, 100);
    assert_int_equal(put(f, TMPFS_FILE_MAX, data, 1, -EFBIG), 0);
    assert_int_equal(tmpfs_truncate(f, TMPFS_FILE_MAX), 0);
    assert_int_equal(tmpfs_data_fallocate(tmpfs_inode_of(f), 0, 0, 1L << 40), -ENOSPC);
    remove_file(root, "f");
    inode_put(f);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (int n = 0; n < 4; n++) {
        struct inode *i = NULL;
        long before = stub_allocations;
        stub_fail_after = n;
        int err = tmpfs_symlink(root, "l", "target", &i);
        stub_fail_after = -1;
        if (err) {
            assert_int_equal(err, -ENOMEM);
            assert_int_equal(stub_allocations, before);
            continue;
        }
        inode_put(i);
        remove_file(root, "l");
    }
}

static void test_tmpfile(void **state)
{
    struct inode *i;
    struct file *f;
    (void)state;
    assert_int_equal(tmpfs_open_at(root, ".", O_TMPFILE | O_RDWR, 0600, &i, &f), 0);
    assert_int_equal(stat_of(i).stx_nlink, 0);
    put(i, 0, "data", 4, 0);
    assert_int_equal(tmpfs_link(root, "named", i), 0);
    assert_int_equal(stat_of(i).stx_nlink, 1);
    file_put(f);
    inode_put(i);
    remove_file(root, "named");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names),   TEST(test_hard_links), TEST(test_symlink), TEST(test_rename),
        TEST(test_listing), TEST(test_data),       TEST(test_holes),   TEST(test_append_and_fault),
        TEST(test_full),    TEST(test_no_memory),  TEST(test_tmpfile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
