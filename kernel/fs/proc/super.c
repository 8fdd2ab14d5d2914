/* SPDX-License-Identifier: Apache-2.0 */
/* The root of /proc: system-wide files, and a directory for each process. */
#include "kernel/fs/proc/proc_impl.h"

#define PROC_MAGIC_ 0x9fa0UL

/* A link's target, as far as there is room. */
static int64_t link_text(char *buf, size_t size, const char *text)
{
    size_t len = MIN(strlen(text), size);
    memcpy(buf, text, len);
    return (int64_t)len;
}

static int64_t self_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    char text[16];
    (void)i;
    snprintf(text, sizeof(text), "%d", current_process()->pid);
    return link_text(buf, size, text);
}

static int64_t thread_self_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    char text[40];
    (void)i;
    snprintf(text, sizeof(text), "%d/task/%d", current_process()->pid, current->tid);
    return link_text(buf, size, text);
}

static int64_t net_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    (void)i;
    return link_text(buf, size, "self/net");
}

static int64_t mounts_link(const struct pseudo_inode *i, char *buf, size_t size)
{
    (void)i;
    return link_text(buf, size, "self/mounts");
}

/* A number is a process or, as on Linux, any thread, whose directory is not listed. */
static int pid_find(struct pseudo_inode *dir, const char *name, struct inode **out)
{
    int pid = pseudo_number(name);
    struct thread *t = pid > 0 ? thread_lookup(pid) : NULL;
    if (t) {
        pid = t->process->pid;
        thread_put(t);
    }
    struct process *p = pid > 0 ? process_lookup(pid) : NULL;
    if (!p)
        return -ENOENT;
    struct pseudo_key key = {.pid = pid, .process_began = p->start_time};
    process_put(p);
    return pseudo_inode_new(dir->inode.super, &proc_pid_entry, key, out);
}

int proc_process_of_dir(const struct file *f, struct process **out)
{
    const struct inode *i = f->inode;

    if (!i || !i->super || strcmp(i->super->type, "proc") != 0)
        return -EBADF;
    const struct pseudo_inode *pi = container_of(i, const struct pseudo_inode, inode);
    if (pi->entry != &proc_pid_entry)
        return -EBADF;
    *out = proc_process(pi);
    return *out ? 0 : -ESRCH;
}

static bool pid_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX])
{
    struct process *p = process_next(*n);
    (void)dir;
    if (!p)
        return false;
    *n = p->pid;
    process_put(p);
    snprintf(name, PSEUDO_NAME_MAX, "%d", *n);
    return true;
}

static unsigned pid_count(const struct pseudo_inode *dir)
{
    (void)dir;
    return processes_count() + 1;
}

static const struct pseudo_entry root_entries[] = {
    PSEUDO_LINK("self", self_link),
    PSEUDO_LINK("thread-self", thread_self_link),
    PSEUDO_LINK("mounts", mounts_link),
    PSEUDO_LINK("net", net_link),
    PSEUDO_FILE("meminfo", proc_meminfo_show),
    PSEUDO_FILE("cpuinfo", proc_cpuinfo_show),
    PSEUDO_FILE("stat", proc_system_stat_show),
    PSEUDO_FILE("uptime", proc_uptime_show),
    PSEUDO_FILE("loadavg", proc_loadavg_show),
    PSEUDO_FILE("version", proc_version_show),
    PSEUDO_FILE("filesystems", proc_filesystems_show),
    PSEUDO_FILE("locks", proc_locks_show),
    PSEUDO_FILE("swaps", proc_swaps_show),
    PSEUDO_FILE("cmdline", proc_cmdline_show),
    PSEUDO_FILE("vmstat", proc_vmstat_show),
    {.name = "slabinfo", .mode = S_IFREG | 0400, .show = proc_slabinfo_show},
    PSEUDO_FILE("devices", proc_devices_show),
    PSEUDO_FILE("partitions", proc_empty_show),
    PSEUDO_FILE("diskstats", proc_empty_show),
    PSEUDO_DIR("tty", proc_tty_dir),
    PSEUDO_DIR("sys", proc_sysctl_dir),
    PSEUDO_DIR("sysvipc", proc_sysvipc_dir),
    PSEUDO_END,
};

static const struct pseudo_entry root = {
    .name = "",
    .mode = S_IFDIR | 0555,
    .children = root_entries,
    .find = pid_find,
    .next = pid_next,
    .next_type = DT_DIR_,
    .count = pid_count,
};

static int proc_mount(const char *source, unsigned flags, struct super **out)
{
    static const struct pseudo_fs fs = {.type = "proc",
                                        .magic = PROC_MAGIC_,
                                        .root = &root,
                                        .alive = proc_alive,
                                        .owner = proc_owner};
    (void)source;
    return pseudo_super_new(&fs, flags, out);
}

void proc_fs_init(void)
{
    static struct fs_type type = {.name = "proc", .mount = proc_mount};
    fs_type_register(&type);
}
