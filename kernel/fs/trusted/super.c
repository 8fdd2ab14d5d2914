/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted mounts: which part of the node table, and which part of the host behind it. */
#include "kernel/boot/args.h"
#include "kernel/fs/trusted/trusted_impl.h"

static int trusted_statfs(struct super *sb, struct statfs_info *out)
{
    struct super *host = trusted_super_of(sb)->host;
    return host->ops->statfs(host, out);
}

static const struct super_ops trusted_super_ops = {.statfs = trusted_statfs};

/* The configured mount with this source; which of several is told by what was mounted before. */
static const struct config_mount *mount_of(const struct config *c, const char *source)
{
    static uint32_t next; /* mounting is single-threaded and in the configuration's order */
    for (uint32_t i = next; i < c->head->mounts.count; i++) {
        const struct config_mount *m = &c->mounts[i];
        const char *s = config_string(c, m->source);
        if (m->kind != CONFIG_MOUNT_TRUSTED || !s || strcmp(s, source) != 0)
            continue;
        next = i + 1;
        return m;
    }
    return NULL;
}

/* Whom stat names as the owner of files that have none: the program's user. */
static void owner_take(struct trusted_super *ts)
{
    bool host = config_flag(ts->config, CONFIG_F_HOST_IDS);
    ts->uid = host ? kernel.boot_args->uid : ts->config->head->uid;
    ts->gid = host ? kernel.boot_args->gid : ts->config->head->gid;
}

static int root_make(struct trusted_super *ts, const char *source)
{
    if (ts->top == CONFIG_NO_NODE)
        return trusted_inode_get(ts, ts->top, &ts->sb.root);
    const char *slash = strrchr(source, '/');
    if (!S_ISDIR(ts->host->root->mode))
        ts->top_name = slash ? slash + 1 : source;
    return trusted_node_lookup(ts, ts->top, &ts->sb.root);
}

static int trusted_mount(const char *source, unsigned flags, struct super **out)
{
    const struct config *c = fs_config();
    const struct config_mount *m = mount_of(c, source);
    if (!m)
        return -EINVAL;
    struct trusted_super *ts = kzalloc(sizeof(*ts));
    if (!ts)
        return -ENOMEM;
    ts->sb = (struct super){
        .type = "trusted", .ops = &trusted_super_ops, .flags = flags, .dev = fs_dev_new()};
    ts->config = c;
    ts->top = config_node_find(c, config_string(c, m->path));
    owner_take(ts);
    int err = host_super_new(source, 0, &ts->host);
    if (err)
        goto undo_alloc;
    ts->host->priv = ts;
    err = root_make(ts, source);
    if (err)
        goto undo_alloc; /* boot ends here: the host super may stay */
    *out = &ts->sb;
    return 0;
undo_alloc:
    kfree(ts);
    return err;
}

void trusted_fs_init(void)
{
    static struct fs_type type = {.name = "trusted", .mount = trusted_mount};
    trusted_table_init();
    pagecache_boot();
    fs_type_register(&type);
}
