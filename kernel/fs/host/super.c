/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory (or a single file) of the host as a file system.  A relative source starts at the host
 * process's working directory; symlinks in the source are the host's affair.
 */
#include "kernel/fs/fs.h"
#include "kernel/fs/host/host.h"
#include "kernel/fs/host/host_impl.h"
#include "kernel/fs/host/table.h"
#include "lib/format.h"

#define CWD "/proc/self/cwd/"

struct host_super {
    struct super sb;        /* first */
    struct host_inode *dir; /* [I] the directory whose descriptor never closes */
};

static int host_statfs(struct super *sb, struct statfs_info *out)
{
    struct host_super *hs = container_of(sb, struct host_super, sb);
    int fd, err = host_dir_pin(hs->dir, &fd);
    if (err)
        return err;
    err = ocall_statfs(fd, out);
    host_dir_unpin(hs->dir);
    return err;
}

static const struct super_ops host_super_ops = {
    .statfs = host_statfs,
    .sync = host_shared_sync_all,
};

/* path as a host path that openat takes without a directory, ending in "/." so that a link is followed. */
static int dir_open(struct super *sb, const char *path, struct inode **out)
{
    char full[PATH_MAX];
    struct statx st;
    int n = snprintf(full, sizeof(full), "%s%s/.", path[0] == '/' ? "" : CWD, path);
    if (n < 0 || (size_t)n >= sizeof(full))
        return -ENAMETOOLONG;
    long fd = ocall_open(0, full, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, &st);
    if (fd < 0)
        return (int)fd;
    int err = host_stat_check(&st);
    if (!err && !S_ISDIR(st.stx_mode))
        err = -EIO;
    if (err) {
        ocall_close((int)fd);
        return err;
    }
    return host_inode_make(sb, NULL, "/", &st, (int)fd, out);
}

/* A file as source: its directory is opened, and the root is the name in it. */
static int file_root(struct host_super *hs, const char *source)
{
    char parent[PATH_MAX];
    struct inode *dir;
    const char *slash = strrchr(source, '/');
    size_t n = slash ? (size_t)(slash - source) : 1;
    if (n >= sizeof(parent))
        return -ENAMETOOLONG;
    memcpy(parent, slash ? source : ".", n);
    parent[n] = '\0';
    int err = dir_open(&hs->sb, parent, &dir);
    if (err)
        return err;
    hs->dir = host_inode_of(dir);
    return host_lookup(dir, slash ? slash + 1 : source, &hs->sb.root);
}

int host_super_new(const char *source, unsigned flags, struct super **out)
{
    struct host_super *hs = kzalloc(sizeof(*hs));
    if (!hs)
        return -ENOMEM;
    hs->sb = (struct super){.type = "host",
                            .ops = &host_super_ops,
                            .flags = flags | SUPER_VOLATILE | SUPER_HOST,
                            .dev = fs_dev_new()};
    int err = dir_open(&hs->sb, source, &hs->sb.root);
    if (!err)
        hs->dir = host_inode_of(hs->sb.root);
    else if (err == -ENOTDIR)
        err = file_root(hs, source);
    if (err) {
        kfree(hs);
        return err;
    }
    *out = &hs->sb;
    return 0;
}

struct inode *host_super_dir(struct super *sb)
{
    return &container_of(sb, struct host_super, sb)->dir->inode;
}

int host_super_fd(struct super *sb)
{
    return container_of(sb, struct host_super, sb)->dir->fd;
}

static int host_mount(const char *source, unsigned flags, struct super **out)
{
    return host_super_new(source ? source : "/", flags, out);
}

void host_fs_init(void)
{
    static struct fs_type type = {.name = "host", .mount = host_mount};
    host_table_init();
    host_shared_init();
    fs_type_register(&type);
}
