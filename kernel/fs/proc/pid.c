/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a process, and of each of its threads below task/. */
#include "kernel/fs/proc/proc_impl.h"

/* Links. */

int64_t proc_dentry_link(struct dentry *d, char *buf, size_t size)
{
    static const char lost[] = "(unreachable)";
    char *path = kmalloc(PATH_MAX);
    if (!path)
        return -ENOMEM;
    int64_t n = dentry_path(d, path, PATH_MAX);
    const char *text = n < 0 ? lost : path;
    size_t len = MIN(n < 0 ? sizeof(lost) - 1 : (size_t)n, size);
    memcpy(buf, text, len);
    kfree(path);
    return (int64_t)len;
}

/* The program file's place: a reference, or NULL. */
static struct dentry *exe_get(struct process *p)
{
    spin_lock(&p->lock);
    struct file *f = p->exe ? file_get(p->exe) : NULL;
    spin_unlock(&p->lock);
    if (!f)
        return NULL;
    struct dentry *d = f->dentry ? dentry_get(f->dentry) : NULL;
    file_put(f);
    return d;
}

static struct dentry *cwd_get(struct process *p)
{
    struct fs_context *fs = process_fs_get(p);
    struct dentry *d = fs ? fs_context_cwd(fs) : NULL;
    if (fs)
        fs_context_put(fs);
    return d;
}

static struct dentry *root_get(struct process *p)
{
    struct fs_context *fs = process_fs_get(p);
    struct dentry *d = fs ? fs_context_root(fs) : NULL;
    if (fs)
        fs_context_put(fs);
    return d;
}

static int place(const struct pseudo_inode *i, struct dentry *(*get)(struct process *),
                 struct dentry **out)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    bool may = proc_may_look(p);
    *out = may ? get(p) : NULL;
    process_put(p);
    return !may ? -EACCES : *out ? 0 : -ENOENT;
}

static int64_t place_link(const struct pseudo_inode *i, struct dentry *(*get)(struct process *),
                          char *buf, size_t size)
{
    struct dentry *d;
    int err = place(i, get, &d);
    if (err)
        return err;
    int64_t n = proc_dentry_link(d, buf, size);
    dentry_put(d);
    return n;
}

static int exe_follow(const struct pseudo_inode *i, struct dentry **out)
{
    return place(i, exe_get, out);
}

static int64_t exe_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    return place_link(i, exe_get, buf, size);
}

static int cwd_follow(const struct pseudo_inode *i, struct dentry **out)
{
    return place(i, cwd_get, out);
}

static int64_t cwd_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    return place_link(i, cwd_get, buf, size);
}

static int root_follow(const struct pseudo_inode *i, struct dentry **out)
{
    return place(i, root_get, out);
}

static int64_t root_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    return place_link(i, root_get, buf, size);
}

/* Texts. */

static int comm_show(struct seq *s, const struct pseudo_inode *i)
{
    struct thread *t = proc_thread(i);
    if (!t)
        return -ESRCH;
    seq_printf(s, "%.15s\n", t->comm);
    thread_put(t);
    return 0;
}

static int comm_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    struct thread *t = proc_thread(i);
    char name[sizeof(t->comm)] = {0};
    if (!t)
        return -ESRCH;
    memcpy(name, text, MIN(n, sizeof(name) - 1));
    char *end = strchr(name, '\n');
    if (end)
        *end = '\0';
    memcpy(t->comm, name, sizeof(name));
    thread_put(t);
    return 0;
}

static int cgroup_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "0::/\n");
    return 0;
}

static int zero_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "0\n");
    return 0;
}

/* There is nobody whom an out-of-memory killer could prefer. */
static int ignore_store(const struct pseudo_inode *i, const char *text, size_t n)
{
    (void)i;
    (void)text;
    (void)n;
    return 0;
}

static int personality_show(struct seq *s, const struct pseudo_inode *i)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    seq_printf(s, "%08x\n", p->personality);
    process_put(p);
    return 0;
}

static int idmap_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "         0          0 4294967295\n");
    return 0;
}

static int loginuid_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "4294967295");
    return 0;
}

/* Directories. */

/* Reading and searching it is what the mode allows to all. */
static int fdinfo_allowed(const struct pseudo_inode *i, unsigned mask, int said)
{
    return said ? said : mask & MAY_READ ? proc_look(i) : 0;
}

/* Its own descriptors a process may always see; others' infos need the right to look, which find asks for. */
#define FD_DIR(n, m, f, type, ok)                                              \
    {                                                                          \
        .name = (n), .mode = S_IFDIR | (m), .find = (f), .next = proc_fd_next, \
        .next_type = (type), .allowed = (ok)                                   \
    }
#define SECRET(n, m, sh)                                                               \
    {                                                                                  \
        .name = (n), .mode = S_IFREG | (m), .show = (sh), .allowed = proc_allowed_look \
    }
#define PLACE(n, l, f)                                                  \
    {                                                                   \
        .name = (n), .mode = S_IFLNK | 0777, .link = (l), .follow = (f) \
    }
#define WRITABLE(n, sh, st)                                              \
    {                                                                    \
        .name = (n), .mode = S_IFREG | 0644, .show = (sh), .store = (st) \
    }

/* What processes and threads have alike. */
#define COMMON_ENTRIES                                                                          \
    PLACE("exe", exe_link, exe_follow), PLACE("cwd", cwd_link, cwd_follow),                     \
        PLACE("root", root_link, root_follow),                                                  \
        FD_DIR("fd", 0500, proc_fd_find, DT_LNK_, proc_allowed_own),                            \
        FD_DIR("fdinfo", 0555, proc_fdinfo_find, 8, fdinfo_allowed),                            \
        SECRET("maps", 0444, proc_maps_show), SECRET("smaps", 0444, proc_smaps_show),           \
        PSEUDO_FILE("stat", proc_stat_show), PSEUDO_FILE("statm", proc_statm_show),             \
        PSEUDO_FILE("status", proc_status_show), PSEUDO_FILE("cmdline", proc_args_show),        \
        SECRET("environ", 0400, proc_environ_show), SECRET("auxv", 0400, proc_auxv_show),       \
        WRITABLE("comm", comm_show, comm_store), PSEUDO_FILE("limits", proc_limits_show),       \
        PSEUDO_FILE("mounts", proc_mounts_show), PSEUDO_FILE("mountinfo", proc_mountinfo_show), \
        PSEUDO_FILE("cgroup", cgroup_show), PSEUDO_FILE("oom_score", zero_show),                \
        WRITABLE("oom_score_adj", zero_show, ignore_store), SECRET("io", 0400, proc_io_show),   \
        PSEUDO_DIR("net", proc_net_dir), SECRET("personality", 0400, personality_show),         \
        PSEUDO_FILE("uid_map", idmap_show), PSEUDO_FILE("gid_map", idmap_show),                 \
        PSEUDO_FILE("loginuid", loginuid_show), PSEUDO_FILE("wchan", zero_show)

static const struct pseudo_entry thread_entries[] = {COMMON_ENTRIES, PSEUDO_END};
static const struct pseudo_entry thread_entry = PSEUDO_DIR("", thread_entries);

static int task_find(struct pseudo_inode *dir, const char *name, struct inode **out)
{
    int tid = pseudo_number(name);
    struct thread *t = tid > 0 ? thread_lookup(tid) : NULL;
    if (!t)
        return -ENOENT;
    bool mine = t->process->pid == dir->key.pid;
    struct pseudo_key key = dir->key;
    key.tid = tid;
    key.thread_began = t->start_time;
    thread_put(t);
    return mine ? pseudo_inode_new(dir->inode.super, &thread_entry, key, out) : -ENOENT;
}

static bool task_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX])
{
    struct process *p = proc_process(dir);
    int best = INT32_MAX;
    if (!p)
        return false;
    spin_lock(&p->lock);
    list_for_each(it, &p->threads) {
        int tid = list_entry(it, struct thread, process_link)->tid;
        if (tid >= *n && tid < best)
            best = tid;
    }
    spin_unlock(&p->lock);
    process_put(p);
    if (best == INT32_MAX)
        return false;
    *n = best;
    snprintf(name, PSEUDO_NAME_MAX, "%d", best);
    return true;
}

static unsigned task_count(const struct pseudo_inode *dir)
{
    struct process *p = proc_process(dir);
    unsigned n = p ? p->nthreads : 0;
    if (p)
        process_put(p);
    return n;
}

static const struct pseudo_entry pid_entries[] = {
    COMMON_ENTRIES,
    SECRET("smaps_rollup", 0444, proc_smaps_rollup_show),
    {
        .name = "task",
        .mode = S_IFDIR | 0555,
        .find = task_find,
        .next = task_next,
        .next_type = DT_DIR_,
        .count = task_count,
    },
    PSEUDO_END,
};

const struct pseudo_entry proc_pid_entry = PSEUDO_DIR("", pid_entries);
