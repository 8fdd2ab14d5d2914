/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ns: the namespaces of a process, of which there is one of each kind; their numbers are those of Linux's first
 * ones.  The files that the links lead to tell by their inode number which two are the same.  And what namespaces,
 * security modules and control groups say where there are none.
 */
#include "kernel/fs/proc/proc_impl.h"

static const struct {
    const char *name, *kind;
    unsigned number;
} spaces[] = {
    {"cgroup", "cgroup", 4026531835U}, {"ipc", "ipc", 4026531839U},
    {"mnt", "mnt", 4026531841U},       {"net", "net", 4026531840U},
    {"pid", "pid", 4026531836U},       {"pid_for_children", "pid", 4026531836U},
    {"time", "time", 4026531834U},     {"time_for_children", "time", 4026531834U},
    {"user", "user", 4026531837U},     {"uts", "uts", 4026531838U},
};

#define NS_DEVICE 4

struct ns_file {
    struct file file; /* first */
    unsigned which;   /* [I] */
    char name[32];    /* [I] */
};

static int ns_getattr(struct file *f, struct statx *st)
{
    const struct ns_file *ns = container_of(f, struct ns_file, file);
    st->stx_mask = STATX_BASIC_STATS;
    st->stx_mode = S_IFREG | 0444;
    st->stx_nlink = 1;
    st->stx_blksize = PAGE_SIZE;
    st->stx_ino = spaces[ns->which].number;
    st->stx_dev_minor = NS_DEVICE;
    return 0;
}

static const struct file_ops ns_ops = {.getattr = ns_getattr};

static void ns_name(unsigned which, char *name, size_t size)
{
    snprintf(name, size, "%s:[%u]", spaces[which].kind, spaces[which].number);
}

static int64_t ns_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    char name[32];
    int err = proc_look(i);
    if (err)
        return err;
    ns_name((unsigned)i->key.fd, name, sizeof(name));
    size_t n = MIN(strlen(name), size);
    memcpy(buf, name, n);
    return (int64_t)n;
}

static int ns_follow(const struct pseudo_inode *i, struct dentry **out)
{
    int err = proc_look(i);
    if (err)
        return err;
    struct ns_file *ns = kzalloc(sizeof(*ns));
    if (!ns)
        return -ENOMEM;
    file_init(&ns->file, &ns_ops, O_RDONLY);
    ns->which = (unsigned)i->key.fd;
    ns_name(ns->which, ns->name, sizeof(ns->name));
    ns->file.name = ns->name;
    err = dentry_of_file(&ns->file, out);
    file_put(&ns->file); /* the dentry's inode has its own */
    return err;
}

static const struct pseudo_entry ns_entry = {
    .name = "", .mode = S_IFLNK | 0777, .link = ns_link, .follow = ns_follow};

int proc_ns_find(struct pseudo_inode *dir, const char *name, struct inode **out)
{
    struct pseudo_key key = dir->key;
    for (key.fd = 0; key.fd < (int)ARRAY_SIZE(spaces); key.fd++)
        if (!strcmp(spaces[key.fd].name, name))
            return pseudo_inode_new(dir->inode.super, &ns_entry, key, out);
    return -ENOENT;
}

bool proc_ns_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX])
{
    (void)dir;
    if (*n >= (int)ARRAY_SIZE(spaces))
        return false;
    str_copy(name, spaces[*n].name, PSEUDO_NAME_MAX);
    return true;
}

/* --- what is not there --------------------------------------------------------------------- */

int proc_idmap_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "         0          0 4294967295\n");
    return 0;
}

/* The first user namespace's maps were written at boot. */
int proc_idmap_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    (void)i;
    (void)text;
    (void)n;
    return -EPERM;
}

int proc_setgroups_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "allow\n");
    return 0;
}

int proc_setgroups_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    (void)i;
    while (n && text[n - 1] == '\n')
        n--;
    if (n == 5 && !memcmp(text, "allow", 5))
        return 0;
    return n == 4 && !memcmp(text, "deny", 4) ? -EPERM : -EINVAL;
}

int proc_cgroup_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "0::/\n");
    return 0;
}

int proc_cpuset_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "/\n");
    return 0;
}

static int attr_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)s;
    (void)i;
    return -EINVAL;
}

static int attr_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    (void)text;
    (void)n;
    return proc_allowed_own(i, 0, -EACCES) ? -EACCES : -EINVAL;
}

#define ATTR(n)                                                                      \
    {                                                                                \
        .name = (n), .mode = S_IFREG | 0666, .show = attr_show, .store = attr_store, \
    }

const struct pseudo_entry proc_attr_dir[] = {
    ATTR("current"),  ATTR("exec"),      PSEUDO_FILE("prev", attr_show),
    ATTR("fscreate"), ATTR("keycreate"), ATTR("sockcreate"),
    PSEUDO_END,
};
