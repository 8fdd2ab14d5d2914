/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trusted files against a host that lies: a changed byte, another length before and after the open,
 * damaged leaf hashes, a missing file; and what of the tree is visible, allowed, denied.
 *
 * The hash is a toy (each byte counts, by place); the host is a table of files in memory.  Linked with
 * host/check.c and lib/config.c.
 */
#include "kernel/fs/test/stubs.h"

#include "kernel/fs/pagecache.c"
#include "kernel/fs/pagetree.c"

#include "kernel/fs/trusted/verify.c"
#include "kernel/fs/trusted/allowed.c"
#define dir_ops trusted_dir_ops
#define reg_ops trusted_reg_ops
#include "kernel/fs/trusted/file.c"
#include "kernel/fs/trusted/node.c"
#include "kernel/fs/trusted/path.c"
#include "kernel/fs/trusted/super.c"

/* The toy hash. */

void sha256_hash(const void *data, size_t n, uint8_t out[SHA256_HASH_SIZE])
{
    const uint8_t *p = data;
    uint64_t h = n + 1;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 1099511628211UL;
    for (int i = 0; i < SHA256_HASH_SIZE; i++)
        out[i] = (uint8_t)((h * (uint64_t)(2 * i + 1)) >> 40);
}

void sha256_hash_pages(void *const page[], size_t n, size_t len, size_t last_len,
                       uint8_t (*out)[SHA256_HASH_SIZE])
{
    for (size_t i = 0; i < n; i++)
        sha256_hash(page[i], i + 1 < n ? len : last_len, out[i]);
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    return !memcmp(a, b, n);
}

void shrinker_register(struct shrinker *s)
{
    (void)s;
}

/* The host. */

struct fake_file {
    const char *path;
    const char *target; /* a link */
    uint8_t *data;
    size_t size;
    uint64_t said_size; /* by statx */
    int opens;
};

static uint8_t big[10 * PAGE_SIZE + 100], small_file[3] = "abc";
static struct fake_file files_of_host[] = {
    {.path = "dir/big", .data = big, .size = sizeof(big), .said_size = sizeof(big)},
    {.path = "small", .target = "elsewhere/real"},
    {.path = "elsewhere/real", .data = small_file, .size = 3, .said_size = 3},
    {.path = "unlisted", .data = small_file, .size = 3, .said_size = 3},
    {.path = "out", .data = small_file, .size = 3, .said_size = 3},
};
static int host_reads;

static struct fake_file *host_find(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(files_of_host); i++)
        if (files_of_host[i].path && !strcmp(files_of_host[i].path, path))
            return &files_of_host[i];
    return NULL;
}

static void host_stat(const struct fake_file *f, struct statx *st)
{
    *st = (struct statx){.stx_mask = STATX_BASIC_STATS,
                         .stx_mode = (uint16_t)((f->target ? S_IFLNK : S_IFREG) | 0644),
                         .stx_size = f->said_size};
}

long ocall_open(int dirfd, const char *name, uint32_t flags, uint32_t mode, struct statx *st)
{
    struct fake_file *f = host_find(name);
    assert_int_equal(dirfd, 50);
    (void)mode;
    if (!f)
        return -ENOENT;
    if (f->target)
        return -ELOOP;
    assert_true(flags & O_NOFOLLOW);
    host_stat(f, st);
    f->opens++;
    return 100 + (f - files_of_host);
}

void ocall_close(int fd)
{
    files_of_host[fd - 100].opens--;
}

long ocall_statx(int dirfd, const char *name, uint32_t flags, struct statx *st)
{
    struct fake_file *f = host_find(name);
    (void)dirfd;
    (void)flags;
    if (!f)
        return -ENOENT;
    host_stat(f, st);
    return 0;
}

int host_stat_at(struct inode *dir, const char *name, struct statx *st)
{
    (void)dir;
    return (int)ocall_statx(50, name, 0, st);
}

long ocall_readlink(int dirfd, const char *name, char *buf, size_t n)
{
    struct fake_file *f = host_find(name);
    (void)dirfd;
    if (!f || !f->target || strlen(f->target) > n)
        return -EINVAL;
    memcpy(buf, f->target, strlen(f->target));
    return (long)strlen(f->target);
}

/* At most three pages at a time, so that the reader has to go on. */
int ocall_pread_uio(int fd, struct uio *u, int64_t off)
{
    struct fake_file *f = &files_of_host[fd - 100];
    assert_int_equal(f->opens, 1);
    host_reads++;
    if ((size_t)off >= f->size)
        return 0;
    return uio_put(u, f->data + off, MIN(f->size - (size_t)off, 3 * PAGE_SIZE));
}

static struct inode host_dir_inode = {.mode = S_IFDIR | 0755};
static struct super host_sb = {.root = &host_dir_inode};

int host_super_new(const char *source, unsigned flags, struct super **out)
{
    assert_string_equal(source, "src");
    (void)flags;
    *out = &host_sb;
    return 0;
}

struct inode *host_super_dir(struct super *sb)
{
    return sb->root;
}

int host_super_fd(struct super *sb)
{
    (void)sb;
    return 50;
}

static char host_created[64];

static void fake_free(struct inode *i)
{
    kfree(i);
}

static int fake_create(struct inode *dir, const char *name, uint32_t mode, struct inode **out)
{
    (void)mode;
    (void)out;
    assert_ptr_equal(dir, &host_dir_inode);
    strcpy(host_created, name);
    return -EROFS; /* the host's own answer */
}

const struct inode_ops host_inode_ops = {.free = fake_free, .create = fake_create};

int host_lookup(struct inode *dir, const char *name, struct inode **out)
{
    struct fake_file *f = host_find(name);
    struct statx st;
    (void)dir;
    if (!f)
        return -ENOENT;
    host_stat(f, &st);
    *out = kzalloc(sizeof(struct inode));
    inode_init(*out, &host_sb, &host_inode_ops, st.stx_mode, 99);
    return 0;
}

int host_open_at(struct inode *dir, const char *name, uint32_t flags, uint32_t mode,
                 struct inode **out_ino, struct file **out)
{
    (void)dir;
    (void)name;
    (void)flags;
    (void)mode;
    (void)out_ino;
    (void)out;
    return -ENOSYS;
}

/* The configuration: / { dir/ { big }, link -> dir, out (allowed), small, empty }. */

enum { ROOT, DIR, EMPTY, LINK, OUT, SMALL, BIG, NODES };

static struct {
    struct config_header head;
    struct config_mount mount;
    struct config_node node[NODES];
    char text[256];
} blob;
static struct config config;
static uint8_t side[16][CONFIG_HASH_SIZE];
static struct super *sb;

static struct config_str text(const char *s)
{
    static uint32_t used;
    struct config_str r = {(uint32_t)offsetof(__typeof__(blob), text) + used, (uint32_t)strlen(s)};
    strcpy(blob.text + used, s);
    used += r.len + 1;
    return r;
}

static void node(int n, const char *name, int kind, int parent)
{
    blob.node[n].name = name ? text(name) : (struct config_str){0};
    blob.node[n].kind = (uint16_t)kind;
    blob.node[n].parent = (uint32_t)parent;
    blob.node[n].mode = kind == CONFIG_NODE_DIR ? 0755 : 0644;
}

static void regular(int n, const void *data, size_t size, unsigned first_leaf)
{
    size_t leaves = config_leaf_count(size);
    blob.node[n].size = size;
    blob.node[n].data = first_leaf * CONFIG_HASH_SIZE;
    for (size_t i = 0; i < leaves; i++)
        sha256_hash((const uint8_t *)data + i * PAGE_SIZE, MIN(size - i * PAGE_SIZE, PAGE_SIZE),
                    side[first_leaf + i]);
    sha256_hash(side[first_leaf], leaves * CONFIG_HASH_SIZE, blob.node[n].root);
}

static int group_setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (uint8_t)(i * 13 + (i >> 12));
    config = (struct config){.head = &blob.head, .mounts = &blob.mount, .nodes = blob.node};
    blob.head.nodes.count = NODES;
    blob.head.mounts.count = 1;
    blob.mount = (struct config_mount){
        .kind = CONFIG_MOUNT_TRUSTED, .path = text("/"), .source = text("src")};
    node(ROOT, NULL, CONFIG_NODE_DIR, 0);
    node(DIR, "dir", CONFIG_NODE_DIR, ROOT);
    node(EMPTY, "empty", CONFIG_NODE_REG, ROOT);
    node(LINK, "link", CONFIG_NODE_LNK, ROOT);
    node(OUT, "out", CONFIG_NODE_HOST, ROOT);
    node(SMALL, "small", CONFIG_NODE_REG, ROOT);
    node(BIG, "big", CONFIG_NODE_REG, DIR);
    blob.node[ROOT].first = DIR;
    blob.node[ROOT].count = 5;
    blob.node[DIR].first = BIG;
    blob.node[DIR].count = 1;
    blob.node[LINK].data = text("dir").off;
    blob.node[LINK].size = 3;
    regular(BIG, big, sizeof(big), 0);
    regular(SMALL, small_file, 3, 11);
    regular(EMPTY, NULL, 0, 12);
    stub_boot_args.side = (haddr_t)side;
    stub_boot_args.side_len = sizeof(side);
    trusted_table_init();
    return trusted_mount("src", 0, &sb);
}

const struct config *fs_config(void)
{
    return &config;
}

/* Forgets all that is cached of a file, as if it had never been opened. */
static void forget(int n)
{
    struct trusted_inode *ti = pagetree_get(&files.tree, (uint64_t)n);
    if (!ti)
        return;
    pagecache_fini(&ti->cache);
    kfree(ti->leaves);
    ti->leaves = NULL;
    ti->reported = false;
    if (ti->fd >= 0) {
        ocall_close(ti->fd);
        ti->fd = -1;
        list_del(&ti->fd_link);
        fds.open--;
    }
}

static int setup(void **state)
{
    (void)state;
    forget(BIG);
    forget(SMALL);
    stub_log_lines = 0;
    stub_log[0] = '\0';
    return 0;
}

static int look(struct inode *dir, const char *name, struct inode **out)
{
    return dir->ops->lookup(dir, name, out);
}

static int open_path(const char *dir, const char *name, uint32_t flags, struct file **out)
{
    struct inode *d = inode_get(sb->root), *i;
    if (dir) {
        assert_int_equal(look(sb->root, dir, &i), 0);
        inode_put(d);
        d = i;
    }
    int err = look(d, name, &i);
    inode_put(d);
    if (err)
        return err;
    err = i->ops->open(i, flags, out);
    inode_put(i);
    return err;
}

static int read_at(struct file *f, int64_t off, void *buf, size_t n, size_t *done)
{
    struct stub_uio s;
    int err = f->ops->read(f, stub_user(&s, buf, n), &off);
    *done = s.u.done;
    return err;
}

static void test_good(void **state)
{
    struct file *f;
    static uint8_t buf[sizeof(big) + 10];
    size_t n;
    (void)state;
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), 0);
    assert_int_equal(read_at(f, 0, buf, sizeof(buf), &n), 0);
    assert_int_equal(n, sizeof(big));
    assert_memory_equal(buf, big, sizeof(big));
    int reads = host_reads;
    big[5000] ^= 1; /* too late for the host: the page is here */
    assert_int_equal(read_at(f, 4096, buf, 4096, &n), 0);
    big[5000] ^= 1;
    assert_memory_equal(buf, big + 4096, 4096);
    assert_int_equal(host_reads, reads);
    file_put(f);
    assert_int_equal(open_path(NULL, "small", O_RDONLY, &f), 0); /* through the host's link */
    assert_int_equal(read_at(f, 0, buf, 10, &n), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(buf, "abc", 3);
    file_put(f);
    assert_int_equal(stub_log_lines, 0);
}

static void test_changed_byte(void **state)
{
    struct file *f;
    static uint8_t buf[sizeof(big)];
    size_t n;
    (void)state;
    static const size_t places[] = {0, 4095, 4096, 40960, sizeof(big) - 1};
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        setup(NULL);
        size_t page = places[i] / PAGE_SIZE * PAGE_SIZE;
        big[places[i]] ^= 0x40;
        assert_int_equal(open_path("dir", "big", O_RDONLY, &f), 0);
        memset(buf, 0, sizeof(buf));
        assert_int_equal(read_at(f, (int64_t)page, buf, 1, &n), -EIO);
        assert_int_equal(n, 0);
        assert_int_equal(buf[0], 0);
        assert_int_equal(stub_log_lines, 1);
        assert_non_null(strstr(stub_log, "dir/big"));
        assert_non_null(strstr(stub_log, "sign"));
        int err = read_at(f, 0, buf, sizeof(buf), &n);
        assert_int_equal(err, -EIO);
        assert_true(n <= page);
        assert_int_equal(stub_log_lines, 1); /* said once */
        big[places[i]] ^= 0x40;
        assert_int_equal(read_at(f, 0, buf, sizeof(buf), &n), 0); /* restored */
        assert_memory_equal(buf, big, sizeof(big));
        file_put(f);
    }
}

static void test_other_length(void **state)
{
    struct file *f;
    uint8_t buf[100];
    size_t n;
    struct fake_file *h = host_find("dir/big");
    (void)state;
    h->said_size = sizeof(big) + 1; /* grown */
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), -EIO);
    assert_int_equal(stub_log_lines, 1);
    h->said_size = 10; /* cut */
    setup(NULL);
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), -EIO);
    assert_int_equal(h->opens, 0);
    h->said_size = sizeof(big);
    setup(NULL);
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), 0);
    h->size = 9 * PAGE_SIZE; /* cut after the open */
    assert_int_equal(read_at(f, 9 * (int64_t)PAGE_SIZE, buf, 10, &n), -EIO);
    assert_non_null(strstr(stub_log, "shorter"));
    assert_int_equal(n, 0);
    h->size = sizeof(big);
    file_put(f);
}

static void test_missing(void **state)
{
    struct file *f;
    struct fake_file *h = host_find("dir/big");
    (void)state;
    h->path = NULL;
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), -ENOENT);
    assert_non_null(strstr(stub_log, "missing"));
    h->path = "dir/big";
}

static void test_leaves(void **state)
{
    struct file *f;
    (void)state;
    side[3][7] ^= 1;
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), -EIO);
    assert_int_equal(stub_log_lines, 1);
    side[3][7] ^= 1;
    stub_boot_args.side_len = 5 * CONFIG_HASH_SIZE;
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), -EIO);
    stub_boot_args.side_len = sizeof(side);
    assert_int_equal(open_path("dir", "big", O_RDONLY, &f), 0);
    side[3][7] ^= 1; /* ours are a copy */
    uint8_t buf[4096];
    size_t n;
    assert_int_equal(read_at(f, 3 * 4096, buf, 4096, &n), 0);
    side[3][7] ^= 1;
    file_put(f);
}

static void test_tree(void **state)
{
    struct inode *i;
    struct statx st;
    char buf[16];
    struct file *f;
    struct stub_sink s = {.sink.emit = stub_emit, .room = 100};
    (void)state;
    assert_int_equal(look(sb->root, "nothing", &i), -ENOENT);
    assert_int_equal(look(sb->root, "unlisted", &i), -EACCES); /* the host has it, the table not */
    blob.head.file_policy = CONFIG_FILES_LOG;
    assert_int_equal(look(sb->root, "unlisted", &i), 0);
    assert_int_equal(stub_log_lines, 1);
    inode_put(i);
    blob.head.file_policy = CONFIG_FILES_STRICT;
    assert_int_equal(look(sb->root, "link", &i), 0);
    assert_int_equal(i->ops->readlink(i, buf, sizeof(buf)), 3);
    inode_put(i);
    assert_int_equal(look(sb->root, "out", &i), 0);
    assert_ptr_equal(i->super, &host_sb);
    inode_put(i);
    assert_int_equal(look(sb->root, "empty", &i), 0);
    assert_int_equal(i->ops->getattr(i, &st), 0);
    assert_int_equal(st.stx_size, 0);
    inode_put(i);
    assert_int_equal(sb->root->ops->open(sb->root, O_RDONLY, &f), 0);
    assert_int_equal(f->ops->iterate(f, &s.sink), 0);
    assert_string_equal(s.names, ". .. dir empty link out small ");
    file_put(f);
}

static void test_changes_are_refused(void **state)
{
    struct inode *i;
    struct file *f;
    (void)state;
    assert_int_equal(open_path(NULL, "small", O_RDWR, &f), -EACCES);
    assert_int_equal(open_path(NULL, "small", O_RDONLY | O_TRUNC, &f), -EACCES);
    assert_int_equal(sb->root->ops->create(sb->root, "new", 0644, &i), -EACCES);
    assert_int_equal(sb->root->ops->mkdir(sb->root, "new", 0755, &i), -EACCES);
    assert_int_equal(sb->root->ops->unlink(sb->root, "small", NULL), -EACCES);
    assert_int_equal(sb->root->ops->rename(sb->root, "small", sb->root, "out", 0), -EACCES);
    assert_int_equal(sb->root->ops->create(sb->root, "out", 0644, &i), -EROFS);
    assert_string_equal(host_created, "out");
}

#define TEST(fn) cmocka_unit_test_setup(fn, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_changed_byte),
        TEST(test_other_length),
        TEST(test_missing),
        TEST(test_leaves),
        TEST(test_tree),
        TEST(test_changes_are_refused),
    };
    return cmocka_run_group_tests(tests, group_setup, NULL);
}
