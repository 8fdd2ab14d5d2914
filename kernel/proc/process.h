/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process: what its threads share.
 * Legend: [I] immutable, [l] its lock, [a] atomic.
 */
#ifndef KERNEL_PROC_PROCESS_H
#define KERNEL_PROC_PROCESS_H

#include <linux/resource.h>

#include "kernel/sched/mutex.h"
#include "kernel/types.h"

struct mm;
struct fdtable;
struct fs_context;
struct sighand;
struct sigqueue;
struct file;

struct creds {
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint32_t ngroups;
    uint32_t groups[32];
};

struct process {
    struct spinlock lock;
    struct ref ref;
    int pid;                  /* [I] = tid of the first thread */
    struct process *parent;   /* [tree lock] NULL for the first */
    int pgid, sid;            /* [l] */
    struct mm *mm;            /* replaced by exec only, when single threaded */
    struct fdtable *fds;      /* [I] */
    struct fs_context *fs;    /* [I] */
    struct sighand *sighand;  /* [I] actions; kernel/signal */
    struct sigqueue *sigqueue; /* [l] process-wide queue; kernel/signal */
    struct list threads;      /* [l] */
    unsigned nthreads;        /* [l] */
    struct creds creds;       /* [l] */
    struct rlimit64 rlimits[RLIM_NLIMITS]; /* [l] */
    struct file *exe;         /* [l] /proc/self/exe */
    char *cmdline;            /* [l] kept copy: argv strings, NUL separated */
    size_t cmdline_len;
    uaddr_t arg_start, arg_end, env_start, env_end, stack_top, auxv_addr; /* [l] */
    bool exiting;             /* [l] group exit: all threads are told to die */
    int exit_status;          /* [l] wait status: (code << 8) or signal */
    bool dumpable;            /* [l] */
    ktime_t start_time;       /* [I] CLOCK_MONOTONIC */
    ktime_t cpu_time_dead;    /* [l] run time of threads that are gone */
};

#define current_process() (current->process)

/* All live processes (one for now): pid -> process with a reference, or NULL. */
struct process *process_lookup(int pid) MUST_CHECK;
void process_put(struct process *p);
/* Thread of any process by tid, with a reference, or NULL. */
struct thread *thread_lookup(int tid) MUST_CHECK;
int tid_alloc(void);

/* The first process, from the configuration: loads the entry point; called once on the boot thread. */
MUST_CHECK int process_first(void);
/*
 * Replaces the current process's image: path's program with argv/envp (kernel strings, NULL-terminated).
 * On success the current thread's regs are those of the new program.  On failure before the point of
 * no return -errno and nothing changed.
 */
MUST_CHECK int process_exec(struct file *file, const char *path, char *const argv[], char *const envp[]);
/* Ends the process (all threads) with a wait status; the calling thread dies now. */
NORETURN void process_exit(int wait_status);
/* Called by a thread that is told to die (signal code, on the way to the program). */
NORETURN void thread_die(void);

#endif
