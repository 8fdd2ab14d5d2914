/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc.  Everything is made when it is looked at (pseudo.h); a file keeps the number of its process, not a
 * reference, and says -ESRCH when that is gone.
 *
 *   access.c   whose a file is, and who may see what
 *   super.c    the root, its dynamic names (processes), /proc/self
 *   system.c   files about the whole system: version, CPUs, devices
 *   activity.c stat, uptime, loadavg
 *   meminfo.c  meminfo, vmstat
 *   slabinfo.c what the kernel's heap holds
 *   sysctl.c   /proc/sys; sysctl_number.c: numbers there that can be written
 *   sysvipc.c  /proc/sysvipc
 *   pid.c      the directory of a process and of a thread
 *   facts.c    what is known of a process or thread, for
 *   stat.c     stat, statm, limits, io
 *   status.c   status
 *   program.c  cmdline, environ, auxv: what a process was started with
 *   maps.c     maps, smaps
 *   fd.c       fd, fdinfo
 *   place.c    exe, cwd, root
 *   notes.c    what can be written and read back
 *   sched.c    what a thread does
 *   ns.c       ns, attr, and what else is not there
 *   net.c      net: sockets and the interface
 *   locks.c    locks
 *   mounts.c   mounts, mountinfo
 */
#ifndef KERNEL_FS_PROC_PROC_IMPL_H
#define KERNEL_FS_PROC_PROC_IMPL_H

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/limits.h>
#include <linux/stat.h>

#include "abi/host/layout.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/pseudo.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/exec/program.h"
#include "kernel/proc/process.h"
#include "kernel/proc/usage.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/vfs/vfs.h"
#include "lib/format.h"
#include "lib/string.h"

#define DT_DIR_ 4
#define DT_LNK_ 10
#define CLOCK_TICK_NS 10000000L /* a tick of times(2) and stat: 1/100 s */

/* The process that a file tells of (a reference), or NULL. */
struct process *proc_process(const struct pseudo_inode *i) MUST_CHECK;
/* The thread that a file tells of: of its task directory, or the process's first. A reference, or NULL. */
struct thread *proc_thread(const struct pseudo_inode *i) MUST_CHECK;

/* access.c: for struct pseudo_fs and pseudo_entry. */
bool proc_alive(const struct pseudo_inode *i);
void proc_owner(const struct pseudo_inode *i, uint32_t *uid, uint32_t *gid);
/*
 * May the current process look into p's memory, descriptors and places?  Its own; with the ids of p, unless
 * that has become undumpable; the privileged (ptrace(2), PTRACE_MODE_READ_FSCREDS).
 */
bool proc_may_look(struct process *p);
/* The same by inode: 0, -EACCES, -ESRCH. */
MUST_CHECK int proc_look(const struct pseudo_inode *i);
/* Entries that need it beside what the mode says; or that the process itself may use whatever the mode says. */
int proc_allowed_look(const struct pseudo_inode *i, unsigned mask, int said);
int proc_allowed_own(const struct pseudo_inode *i, unsigned mask, int said);

/* The path of a dentry as text for a link or a listing; errors are shown as "(unreachable)". */
int64_t proc_dentry_link(struct dentry *d, char *buf, size_t size);

extern const struct pseudo_entry proc_pid_entry;     /* /proc/<pid> */
extern const struct pseudo_entry proc_sysctl_dir[];  /* /proc/sys */
extern const struct pseudo_entry proc_sysvipc_dir[]; /* /proc/sysvipc */

/* sysctl_number.c: an entry whose data is a struct proc_numbers; [a] what they point to. */
struct proc_number {
    uint64_t *value;
    uint64_t min, max;
};
struct proc_numbers {
    const struct proc_number *number;
    size_t n;
};
int proc_numbers_show(struct seq *s, const struct pseudo_inode *i);
int proc_numbers_store(const struct pseudo_inode *i, const char *text, size_t n);
extern const struct pseudo_entry proc_net_dir[]; /* /proc/<pid>/net */

/* What is known of a process or thread; facts.c. */
struct facts {
    struct process *p; /* a reference */
    struct thread *t;  /* a reference: the thread, or the process's first; NULL: that has ended */
    const struct schedparam *param; /* the thread's, or what it left; never NULL */
    struct mm *mm;                  /* grabbed; NULL: there is none, and memory is all 0 */
    struct program *program;        /* a reference, or NULL */
    const struct cred *cred;        /* a reference; NULL: init's */
    bool whole;                     /* of the process, not of a thread */
    bool may_look;                  /* the reader may look into it */
    char state;                     /* as in stat */
    char comm[16];
    int id, ppid, pgid, sid; /* id: of the thread, if it is one's */
    unsigned nthreads;
    int exit_signal;
    bool did_exec;
    uint64_t tty; /* its device number, or 0 */
    int foreground;
    struct usage usage, children;
    struct mm_usage memory;
    struct signal_sets signals;
};
/* 0, then facts_put; or -ESRCH. */
MUST_CHECK int facts_get(const struct pseudo_inode *i, struct facts *f);
void facts_put(struct facts *f);
void facts_text(const struct facts *f, size_t *own, size_t *libraries);

int proc_stat_show(struct seq *s, const struct pseudo_inode *i);
int proc_statm_show(struct seq *s, const struct pseudo_inode *i);
int proc_status_show(struct seq *s, const struct pseudo_inode *i);
int proc_limits_show(struct seq *s, const struct pseudo_inode *i);
int proc_io_show(struct seq *s, const struct pseudo_inode *i);
int proc_args_show(struct seq *s, const struct pseudo_inode *i);
int proc_environ_show(struct seq *s, const struct pseudo_inode *i);
int proc_auxv_show(struct seq *s, const struct pseudo_inode *i);
int proc_maps_show(struct seq *s, const struct pseudo_inode *i);
int proc_smaps_show(struct seq *s, const struct pseudo_inode *i);
int proc_smaps_rollup_show(struct seq *s, const struct pseudo_inode *i);
int proc_mounts_show(struct seq *s, const struct pseudo_inode *i);
int proc_mountinfo_show(struct seq *s, const struct pseudo_inode *i);
int proc_mountstats_show(struct seq *s, const struct pseudo_inode *i);

int proc_meminfo_show(struct seq *s, const struct pseudo_inode *i);
int proc_cpuinfo_show(struct seq *s, const struct pseudo_inode *i);
int proc_system_stat_show(struct seq *s, const struct pseudo_inode *i);
int proc_uptime_show(struct seq *s, const struct pseudo_inode *i);
int proc_loadavg_show(struct seq *s, const struct pseudo_inode *i);
int proc_version_show(struct seq *s, const struct pseudo_inode *i);
int proc_filesystems_show(struct seq *s, const struct pseudo_inode *i);
int proc_swaps_show(struct seq *s, const struct pseudo_inode *i);
int proc_cmdline_show(struct seq *s, const struct pseudo_inode *i);
int proc_devices_show(struct seq *s, const struct pseudo_inode *i);
int proc_empty_show(struct seq *s, const struct pseudo_inode *i);
extern const struct pseudo_entry proc_tty_dir[];
int proc_vmstat_show(struct seq *s, const struct pseudo_inode *i);
int proc_slabinfo_show(struct seq *s, const struct pseudo_inode *i);

/* locks.c */
int proc_locks_show(struct seq *s, const struct pseudo_inode *i);
void proc_file_locks_show(struct seq *s, const struct file *f, const struct fdtable *t);

/* notes.c */
/* A decimal, octal or hexadecimal number between spaces: 0, -EINVAL, -ERANGE. */
MUST_CHECK int proc_number_parse(const char *text, size_t n, int64_t *out);
int proc_comm_show(struct seq *s, const struct pseudo_inode *i);
int proc_oom_score_show(struct seq *s, const struct pseudo_inode *i);
int proc_oom_adj_show(struct seq *s, const struct pseudo_inode *i);
int proc_oom_score_adj_show(struct seq *s, const struct pseudo_inode *i);
int proc_loginuid_show(struct seq *s, const struct pseudo_inode *i);
int proc_sessionid_show(struct seq *s, const struct pseudo_inode *i);
int proc_coredump_filter_show(struct seq *s, const struct pseudo_inode *i);
int proc_autogroup_show(struct seq *s, const struct pseudo_inode *i);
int proc_personality_show(struct seq *s, const struct pseudo_inode *i);
int proc_timerslack_show(struct seq *s, const struct pseudo_inode *i);
int proc_comm_store(const struct pseudo_inode *i, const char *text, size_t n);
int proc_oom_adj_store(const struct pseudo_inode *i, const char *text, size_t n);
int proc_oom_score_adj_store(const struct pseudo_inode *i, const char *text, size_t n);
int proc_loginuid_store(const struct pseudo_inode *i, const char *text, size_t n);
int proc_coredump_filter_store(const struct pseudo_inode *i, const char *text, size_t n);
int proc_autogroup_store(const struct pseudo_inode *i, const char *text, size_t n);
int proc_timerslack_store(const struct pseudo_inode *i, const char *text, size_t n);

/* sched.c */
int proc_sched_show(struct seq *s, const struct pseudo_inode *i);
int proc_schedstat_show(struct seq *s, const struct pseudo_inode *i);
int proc_wchan_show(struct seq *s, const struct pseudo_inode *i);
int proc_stack_show(struct seq *s, const struct pseudo_inode *i);
int proc_syscall_show(struct seq *s, const struct pseudo_inode *i);
int proc_children_show(struct seq *s, const struct pseudo_inode *i);
int proc_sched_store(const struct pseudo_inode *i, const char *text, size_t n);

/* ns.c */
extern const struct pseudo_entry proc_attr_dir[];
int proc_ns_find(struct pseudo_inode *dir, const char *name, struct inode **out);
bool proc_ns_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX]);
int proc_idmap_show(struct seq *s, const struct pseudo_inode *i);
int proc_setgroups_show(struct seq *s, const struct pseudo_inode *i);
int proc_cgroup_show(struct seq *s, const struct pseudo_inode *i);
int proc_cpuset_show(struct seq *s, const struct pseudo_inode *i);
int proc_idmap_store(const struct pseudo_inode *i, const char *text, size_t n);
int proc_setgroups_store(const struct pseudo_inode *i, const char *text, size_t n);

/* place.c */
int64_t proc_exe_link(const struct pseudo_inode *i, char *buf, size_t size);
int proc_exe_follow(const struct pseudo_inode *i, struct dentry **out);
int64_t proc_cwd_link(const struct pseudo_inode *i, char *buf, size_t size);
int proc_cwd_follow(const struct pseudo_inode *i, struct dentry **out);
int64_t proc_root_link(const struct pseudo_inode *i, char *buf, size_t size);
int proc_root_follow(const struct pseudo_inode *i, struct dentry **out);

/* fd.c */
int proc_fd_find(struct pseudo_inode *dir, const char *name, struct inode **out);
int proc_fdinfo_find(struct pseudo_inode *dir, const char *name, struct inode **out);
bool proc_fd_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX]);

#endif
