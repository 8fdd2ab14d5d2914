/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process: what its threads share, and its place in the family.
 *
 *   LIVE ──the last thread has ended──► ZOMBIE ──a wait took its status──► GONE ──last reference──► freed
 *
 * Life: made by process_first or a clone without CLONE_THREAD, given a program by process_exec, told to
 * end by process_exit or by its last thread's end.  A zombie has no threads, memory, files or
 * directories, only its number, its status and what it has used.  Threads are on p->threads from
 * thread_attach to thread_die; a thread off the list takes no signals.
 *
 * Process 1 is kernel.init: it has no threads and no memory, and takes what its children leave at once.
 *
 * References: the table of numbers holds one from attach until GONE, each thread holds one on its
 * process.  A parent is not freed before its children have another one, so they hold none on it.
 *
 * Lock order: process_tree_lock, then p->lock (of one process at a time), then the run queue's.  The tree
 * lock guards the table of numbers, the family, process groups and sessions.  p->lock guards the
 * thread list, credentials, limits and both signal queues.  Both are spin locks: nothing that sleeps
 * happens under them.  Legend: [I] immutable, [t] the tree lock, [l] its lock, [a] atomic, [x] only
 * changed by exec, when single threaded.
 */
#ifndef KERNEL_PROC_PROCESS_H
#define KERNEL_PROC_PROCESS_H

#include <linux/resource.h>

#include "kernel/proc/notes.h"
#include "kernel/proc/usage.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/cputime.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/schedparam.h"
#include "kernel/sched/waitq.h"
#include "kernel/types.h"

struct mm;
struct fdtable;
struct fs_context;
struct sighand;
struct sigqueue;
struct file;
struct tty;
struct program;
struct cred;

#define PID_MAX 4194304

/* setitimer(2) and alarm(2); kernel/signal/itimer.c. */
struct itimer {
    struct timer timer;
    struct process *process; /* [I] */
    ktime_t expires;         /* [l] on the clock it counts; 0: not armed */
    ktime_t interval;        /* [l] 0: once */
    bool fired;              /* [l] ITIMER_REAL: goes on when its SIGALRM is taken */
};
#define ITIMERS 3

enum process_state { PROCESS_LIVE, PROCESS_ZOMBIE, PROCESS_GONE };

struct process {
    struct spinlock lock;
    struct ref ref;
    int pid;                       /* [I] = tid of the first thread */
    enum process_state state;      /* [t] */
    struct list number_link;       /* [t] by pid, in the table of numbers */
    struct list all_link;          /* [t] all that are not GONE, in order of their making */
    struct process *parent;        /* [t] NULL for kernel.init only */
    struct list children, sibling; /* [t] */
    bool root;                     /* [I] the host asked for it (root/root.h) */
    int pgid, sid;                 /* [t] may be read without it */
    int parent_tid;    /* [t] which of the parent's threads made it, or the next to answer for it */
    int exit_signal;   /* [t] what the parent gets at the end; 0: nothing */
    int pdeath_signal; /* [a] what we get when that thread ends (PR_SET_PDEATHSIG); 0: nothing */
    bool subreaper;    /* [a] orphans below become its children (PR_SET_CHILD_SUBREAPER) */
    bool did_exec;     /* [t] */
    unsigned execs, parent_execs; /* [t] how often; how often the parent had when it made us */
    struct list pidfds;           /* [t] to be woken at the end; pidfd.c */
    struct usage children_usage;  /* [t] */
    struct waitq child_wait;      /* who waits for children */
    int wait_stop;                /* [l] a stop that no wait has taken: its signal; 0: none */
    bool wait_continued;          /* [l] likewise, that it went on */
    int news; /* [l] CLD_STOPPED or CLD_CONTINUED that the parent is to be told; 0: nothing */
    struct thread *vfork_parent; /* [l] a reference: sleeps until we exec or end; or NULL */
    struct tty *tty;             /* [tty lock] controlling terminal: a reference, or NULL */
    bool tty_away;               /* [a] of a leader: the host's terminals are lent (tty.h) */
    int tty_old_foreground; /* [tty lock] of a leader whose terminal was hung up: told when it ends */
    struct mm *mm;          /* [x] under its lock; NULL: init, or ended.  So are … */
    struct fdtable *fds;    /* … the files … */
    struct fs_context *fs;                 /* … and directories */
    struct sighand *sighand;               /* [x] actions; kernel/signal */
    struct sigqueue *sigqueue;             /* [l] process-wide queue; kernel/signal */
    int stop_signal;                       /* [l] job control (signal/stop.c): 0 or what stops us */
    unsigned nstopped;                     /* [l] threads that have stopped */
    bool stop_taken;                       /* [l] a stop signal was taken, no SIGCONT came since */
    bool stop_reported;                    /* [l] the parent knows of the stop */
    struct list threads;                   /* [l] */
    unsigned nthreads;                     /* [l] */
    const struct cred *cred;               /* [l] a reference: the first thread's; cred.h */
    struct rlimit64 rlimits[RLIM_NLIMITS]; /* [l] */
    struct process_notes notes;            /* [l] */
    struct file *exe;                      /* [l] /proc/self/exe */
    char comm[16];                /* [l] the first thread's, when that has ended; init's … */
    struct schedparam schedparam; /* … likewise */
    struct program *program;      /* [l] what it was started with (exec/program.h); or NULL */
    uaddr_t vdso;                 /* [x] where it is mapped; 0: not */
    bool exiting;                 /* [l] group exit: all threads are told to die */
    struct thread *exec_thread;   /* [l] the thread that ends all others for its exec, or NULL */
    int exit_status;              /* [l] wait status: (code << 8) or signal */
    int leader_status;       /* [l] wait status of the first thread, when it went before others */
    bool dumpable;           /* [l] */
    bool no_new_privs;       /* [l] */
    bool cpu_split;          /* [a] its time in the kernel is counted; sched/cputime.h */
    uint32_t membarrier;     /* [a] MEMBARRIER_CMD_REGISTER_* that were done */
    uint32_t personality;    /* [l] */
    ktime_t start_time;      /* [I] CLOCK_MONOTONIC */
    struct usage dead_usage; /* [l] of threads that are gone */
    struct tree ptimers;     /* [l] timer_create(2), by id */
    int ptimer_next;         /* [l] the id to try next */
    struct itimer itimers[ITIMERS]; /* [l] by ITIMER_* */
    struct timer cpu_limit;         /* RLIMIT_CPU; kernel/signal/itimer.c */
};

#define current_process() (current->process)

/* Outermost of the processes' locks. */
extern struct spinlock process_tree_lock;
/* [t] All that are not GONE, by all_link, in order of their making. */
extern struct list process_list;

/* A process that is not GONE, init and zombies too: pid -> process with a reference, or NULL. */
struct process *process_lookup(int pid) MUST_CHECK;
/* Any thread's number stands for its process, too: for calls that say "pid" and mean that. */
struct process *process_lookup_any(int number) MUST_CHECK;
/* The same as process_lookup, borrowed: the tree lock is held. */
struct process *process_find_locked(int pid) REQUIRES(process_tree_lock);
/* The one with the lowest pid >= `from`, with a reference, or NULL: for listings. */
struct process *process_next(int from) MUST_CHECK;
void process_get(struct process *p);
void process_put(struct process *p);
/*
 * Calls fn for each process that is not GONE, init and zombies too, until it returns something else than 0,
 * which is the result.  The tree lock is held: fn may take p->lock and must not sleep.
 */
int process_for_each(int (*fn)(struct process *p, void *arg), void *arg);
/* How many there are without init, how many threads: for statistics and limits. */
unsigned processes_count(void);
unsigned threads_count(void);
/* The number that was given last, and how many have been since the start; and what the next one follows on. */
int numbers_last(uint64_t *given);
void numbers_set_last(int last);

/*
 * What a process that may be another one's has, with a reference that keeps it usable whatever the
 * process does; NULL when it has ended (or is init).
 */
struct fdtable *process_fds_get(struct process *p) MUST_CHECK;
struct fs_context *process_fs_get(struct process *p) MUST_CHECK;

/* May the current process look into p (ptrace(2)'s rule, PTRACE_MODE_ATTACH_REALCREDS)? */
bool process_may_look(struct process *p);

/* Thread of any process by tid, with a reference, or NULL. */
struct thread *thread_lookup(int tid) MUST_CHECK;

/*
 * The current process alone uses its table of descriptors, or its directories, from here on: 0 or -ENOMEM.
 * Only when it has one thread.
 */
MUST_CHECK int process_unshare_fds(void);
MUST_CHECK int process_unshare_fs(void);

/* An empty process with one reference, not in the table: lists, locks and timers are there. NULL. */
struct process *process_alloc(void) MUST_CHECK;
/* kernel.init; once at boot. */
MUST_CHECK int process_init(void);

/*
 * Gives a new thread its tid, unless one was chosen, and signal queue and puts it on its process's
 * list: 0, -ENOMEM, -EEXIST (the chosen tid is in use), or -EAGAIN when the process is ending or at
 * its RLIMIT_NPROC.  Before thread_start.
 */
MUST_CHECK int thread_attach(struct thread *t);
/*
 * The same for a new process's first thread: the process gets the number too, and its place in the family;
 * its process group and session are its parent's.  sibling: its parent is `parent`'s, as its exit signal.
 * -ERESTARTNOINTR: the caller has a signal to see to first; -ENOMEM: the enclave ends.
 */
MUST_CHECK int process_attach(struct thread *t, struct process *parent, bool sibling);
/* The current thread is on no list from here on; true: it was its process's last. */
MUST_CHECK bool thread_detach_locked(struct thread *t) REQUIRES(process_tree_lock);
/* exec: the current thread, which is alone, takes over the first one's number; the parent may expect SIGCHLD. */
void process_did_exec(struct thread *t);

/*
 * The first process, from the configuration.  Called once on the boot thread; its program is
 * loaded by its own thread as soon as that runs (a failure there ends the enclave with one line
 * and status 126 or 127).
 */
MUST_CHECK int process_first(void);
/* Ends the process (all threads) with a wait status; the calling thread dies now. */
NORETURN void process_exit(int wait_status);
/* Called by a thread that is told to die (signal code, on the way to the program). */
NORETURN void thread_die(void);
/* Gives up what sleeping may be needed for: memory, files, directories.  By its last thread, or none. */
void process_release(struct process *p);
/* vfork: the child uses its parent's memory no more. */
void process_vfork_done(struct process *p);
/* How a wait status shows in a siginfo: CLD_*, and *value. */
int wait_status_code(int status, int *value);
/* The process ends with a wait status, as soon as its threads see it.  Its lock is held. */
void process_kill_locked(struct process *p, int wait_status);
/* exec: ends all other threads of the current process.  0, or -EAGAIN: we are being ended ourselves. */
MUST_CHECK int process_kill_threads(struct process *p);

#endif
