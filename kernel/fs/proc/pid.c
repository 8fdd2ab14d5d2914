/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a process, and of each of its threads below task/: which files there are, and for whom. */
#include "kernel/fs/proc/proc_impl.h"

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
#define OWNERS(n, m, sh)                                 \
    {                                                    \
        .name = (n), .mode = S_IFREG | (m), .show = (sh) \
    }
#define NS_DIR                                                                            \
    {                                                                                     \
        .name = "ns", .mode = S_IFDIR | 0511, .find = proc_ns_find, .next = proc_ns_next, \
        .next_type = DT_LNK_                                                              \
    }
#define PLACE(n, l, f)                                                  \
    {                                                                   \
        .name = (n), .mode = S_IFLNK | 0777, .link = (l), .follow = (f) \
    }
#define WRITABLE(n, m, sh, st)                                          \
    {                                                                   \
        .name = (n), .mode = S_IFREG | (m), .show = (sh), .store = (st) \
    }

/* What processes and threads have alike. */
#define COMMON_ENTRIES                                                                          \
    FD_DIR("fd", 0500, proc_fd_find, DT_LNK_, proc_allowed_own),                                \
        FD_DIR("fdinfo", 0555, proc_fdinfo_find, 8, fdinfo_allowed), NS_DIR,                    \
        PSEUDO_DIR("net", proc_net_dir), PSEUDO_DIR("attr", proc_attr_dir),                     \
        SECRET("environ", 0400, proc_environ_show), SECRET("auxv", 0400, proc_auxv_show),       \
        PSEUDO_FILE("status", proc_status_show),                                                \
        SECRET("personality", 0400, proc_personality_show),                                     \
        PSEUDO_FILE("limits", proc_limits_show),                                                \
        WRITABLE("sched", 0644, proc_sched_show, proc_sched_store),                             \
        WRITABLE("comm", 0644, proc_comm_show, proc_comm_store),                                \
        OWNERS("syscall", 0400, proc_syscall_show), PSEUDO_FILE("cmdline", proc_args_show),     \
        PSEUDO_FILE("stat", proc_stat_show), PSEUDO_FILE("statm", proc_statm_show),             \
        SECRET("maps", 0444, proc_maps_show), PLACE("cwd", proc_cwd_link, proc_cwd_follow),     \
        PLACE("root", proc_root_link, proc_root_follow),                                        \
        PLACE("exe", proc_exe_link, proc_exe_follow), PSEUDO_FILE("mounts", proc_mounts_show),  \
        PSEUDO_FILE("mountinfo", proc_mountinfo_show), SECRET("smaps", 0444, proc_smaps_show),  \
        SECRET("smaps_rollup", 0444, proc_smaps_rollup_show),                                   \
        PSEUDO_FILE("wchan", proc_wchan_show), OWNERS("stack", 0400, proc_stack_show),          \
        PSEUDO_FILE("schedstat", proc_schedstat_show), PSEUDO_FILE("cpuset", proc_cpuset_show), \
        PSEUDO_FILE("cgroup", proc_cgroup_show), PSEUDO_FILE("oom_score", proc_oom_score_show), \
        WRITABLE("oom_adj", 0644, proc_oom_adj_show, proc_oom_adj_store),                       \
        WRITABLE("oom_score_adj", 0644, proc_oom_score_adj_show, proc_oom_score_adj_store),     \
        WRITABLE("loginuid", 0644, proc_loginuid_show, proc_loginuid_store),                    \
        PSEUDO_FILE("sessionid", proc_sessionid_show), SECRET("io", 0400, proc_io_show),        \
        WRITABLE("uid_map", 0644, proc_idmap_show, proc_idmap_store),                           \
        WRITABLE("gid_map", 0644, proc_idmap_show, proc_idmap_store),                           \
        WRITABLE("projid_map", 0644, proc_idmap_show, proc_idmap_store),                        \
        WRITABLE("setgroups", 0644, proc_setgroups_show, proc_setgroups_store)

static const struct pseudo_entry thread_entries[] = {
    COMMON_ENTRIES, PSEUDO_FILE("children", proc_children_show), PSEUDO_END};
static const struct pseudo_entry thread_entry = PSEUDO_DIR("", thread_entries);

/* The first thread is listed as long as the process, whether it has ended or not. */
static int task_find(struct pseudo_inode *dir, const char *name, struct inode **out)
{
    struct pseudo_key key = dir->key;
    key.tid = pseudo_number(name);
    if (key.tid != key.pid) {
        struct thread *t = key.tid > 0 ? thread_lookup(key.tid) : NULL;
        if (!t)
            return -ENOENT;
        bool mine = t->process->pid == key.pid;
        key.thread_began = t->start_time;
        thread_put(t);
        if (!mine)
            return -ENOENT;
    }
    return pseudo_inode_new(dir->inode.super, &thread_entry, key, out);
}

static bool task_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX])
{
    struct process *p = proc_process(dir);
    int best = INT32_MAX;
    if (!p)
        return false;
    if (p->pid >= *n)
        best = p->pid;
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
    struct facts f;
    if (facts_get(dir, &f))
        return 0;
    unsigned n = f.nthreads;
    facts_put(&f);
    return n;
}

static const struct pseudo_entry pid_entries[] = {
    {
        .name = "task",
        .mode = S_IFDIR | 0555,
        .find = task_find,
        .next = task_next,
        .next_type = DT_DIR_,
        .count = task_count,
    },
    COMMON_ENTRIES,
    SECRET("mountstats", 0400, proc_mountstats_show),
    WRITABLE("autogroup", 0644, proc_autogroup_show, proc_autogroup_store),
    WRITABLE("coredump_filter", 0644, proc_coredump_filter_show, proc_coredump_filter_store),
    WRITABLE("timerslack_ns", 0666, proc_timerslack_show, proc_timerslack_store),
    PSEUDO_END,
};

/* Who has the directory of a process that has ended is told so. */
static int pid_allowed(const struct pseudo_inode *i, unsigned mask, int said)
{
    (void)mask;
    return proc_alive(i) ? said : -ESRCH;
}

const struct pseudo_entry proc_pid_entry = {
    .name = "", .mode = S_IFDIR | 0555, .children = pid_entries, .allowed = pid_allowed};
