/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process's address space: a tree of regions in [USER_MIN, kernel_base), private ones below
 * SHARED_BASE (abi/host/layout.h).  A region says what the program may do with a range and where its
 * pages come from; pages are added on first touch (with fault-around), or at once when that is
 * cheaper.  Freed ranges keep their pages for reuse.
 *
 * Lock: mm->lock is a sleeping lock (mutex); it is taken by every system call of the mmap family and by mm_fault.
 * Never copy_in/copy_out with it held.
 */
#ifndef KERNEL_MM_MM_H
#define KERNEL_MM_MM_H

#include "kernel/types.h"

struct mm;
struct file;
struct inode;
struct process;

#define MM_READ 1U  /* = PROT_READ */
#define MM_WRITE 2U /* = PROT_WRITE */
#define MM_EXEC 4U  /* = PROT_EXEC */

/* Once, after mm_heap_init (heap.h) and before the first mm_new. */
MUST_CHECK int mm_init(void);
/* The home that a process of the program has left to the next one (kept.h), or NULL. */
struct mm *mm_again(const struct file *program) MUST_CHECK;
/*
 * An empty address space in a home of its own (slot.h), with randomised places for stack and mappings; one
 * user, the caller.  NULL: no memory, or no addresses left.  program (or NULL): what will be executed in it; if it has not
 * been before, it may get what another one that is `like` it, in all, has left.
 */
struct mm_like {
    uint64_t needs;    /* a hash of what libraries it maps; 0: unknown, and like nothing */
    uint32_t uid, gid; /* who may read them */
};
struct mm *mm_new(const struct file *program, const struct mm_like *like) MUST_CHECK;
/* Users are the processes that run in it (vfork, CLONE_VM). */
struct mm *mm_get(struct mm *mm);
/*
 * The current process, whose thread is its last, ends or goes elsewhere: its thread leaves the turn, too.  The last
 * user unmaps all, writing shared mappings back, or leaves it to the next process of the program (kept.h).  NULL is fine.
 */
void mm_leave(struct mm *mm);
/* For one in which no thread of this user has run.  NULL is fine. */
void mm_put(struct mm *mm);
/*
 * fork: a copy with the same addresses, which takes turns with mm (overlay.h), with one user.  mm is the current
 * process's.  Shared mappings stay shared.  -ENOMEM.
 */
MUST_CHECK int mm_fork(struct mm *mm, struct mm **child);
/*
 * Before the child's first thread is started: lets it run first if that saves copying and no other thread of the
 * process has run since mm_fork.  Since then the caller
 * must not have written to its memory, and it must not touch it before turn_enter (sched/turns.h).
 */
void mm_fork_child_first(struct mm *mm, struct mm *child);
/*
 * An image is linked for [start, end), and mm, the current process's and still empty, is to have it: when these
 * addresses are another process's, the two will take turns.  May sleep.  -ENOMEM: several others' at once.
 */
MUST_CHECK int mm_share(struct mm *mm, uaddr_t start, uaddr_t end);
/*
 * For those who only look from outside (/proc): p->mm under p->lock, then grab.  The object stays until mm_drop;
 * its regions may go meanwhile.
 */
struct mm *mm_grab(struct mm *mm);
void mm_drop(struct mm *mm);
void mm_sync(struct mm *mm); /* at exit: writes dirty pages of shared file mappings back */

/*
 * mmap for the kernel's own use (ELF loading, stacks); flags are MAP_*; takes its own reference on
 * file.  Returns the address or -errno.  name (borrowed, static) shows in /proc/self/maps.
 */
MUST_CHECK int64_t mm_map(struct mm *mm, uaddr_t addr, size_t len, unsigned prot, unsigned flags,
                          struct file *file, int64_t off, const char *name);
MUST_CHECK int mm_unmap(struct mm *mm, uaddr_t addr, size_t len);
/* shmdt: unmaps the shared object that was mapped at addr, if its `attached` (shmem.h) is whose; else -EINVAL. */
MUST_CHECK int mm_detach(struct mm *mm, uaddr_t addr, void (*whose)(void *, int));
MUST_CHECK int mm_protect(struct mm *mm, uaddr_t addr, size_t len, unsigned prot);
/* The end of the initial stack: mm_map with MAP_GROWSDOWN and addr 0 puts a mapping right below it; it then
 * grows on faults up to RLIMIT_STACK. */
uaddr_t mm_stack_top(const struct mm *mm);
/* Where a position-independent program with an interpreter goes. */
uaddr_t mm_pie_base(const struct mm *mm);
/* An address for len bytes, as mmap would choose it for the hint: nothing is mapped.  -ENOMEM. */
MUST_CHECK int64_t mm_place(struct mm *mm, uaddr_t hint, size_t len);
/* Its turn among those with the same addresses (sched/turns.h): every thread that runs in it has it. */
struct turn;
struct turn *mm_turn(struct mm *mm);
/* What the site patcher (sys/) knows of it. */
struct patch_space;
struct patch_space **mm_patch(struct mm *mm);
/* [start, end) is free and from now on ours, for mappings to come.  -EEXIST, -EINVAL, -EPERM, -ENOMEM. */
MUST_CHECK int mm_claim(struct mm *mm, uaddr_t start, uaddr_t end);
/* mmap(2) of a file, or of none, in the current process; off is a multiple of the page's size. */
MUST_CHECK long mmap_file(struct file *file, uaddr_t addr, size_t len, unsigned long prot,
                          unsigned long flags, unsigned long off);
/* Sets where brk starts (after exec). */
void mm_set_brk(struct mm *mm, uaddr_t start);

/*
 * Serves a fault at addr in the current process: 0 when the access may be retried, -EFAULT (SEGV_MAPERR),
 * -EACCES (SEGV_ACCERR), -EIO (SIGBUS: beyond the end of file, or the file could not be verified), -ENOMEM.
 * access is MM_READ, MM_WRITE or MM_EXEC.  May sleep.
 */
MUST_CHECK int mm_fault(struct mm *mm, uaddr_t addr, unsigned access);

/*
 * For the site patcher (sys/): n bytes at addr, which lie in executable private pages that are present,
 * become `bytes`, of which no other vCPU's program sees a part only; n is at most a page.  -EFAULT,
 * -EACCES when the region is not executable, -ENOMEM.
 */
MUST_CHECK int mm_patch_text(struct mm *mm, uaddr_t addr, const void *bytes, size_t n);
/* Memory within +-2 GiB of `near` for n bytes of trampolines, R X, filled by mm_patch_text; -errno. Shows as [cella]. */
MUST_CHECK int64_t mm_map_near(struct mm *mm, uaddr_t near, size_t n);

/*
 * A file has become shorter: private mappings lose what lies behind its end (cut.c).  The caller holds no locks.
 */
void mm_file_cut(const struct inode *i, uint64_t size);
/* The current thread goes back to the program, which has its group's turn: what of that others left to it. */
void mm_cut_rest(void);
/* Gives back what is only cached, whatever that costs: files' pages, ended programs' homes.  mm is any. */
void mm_drop_caches(struct mm *mm);

/* /proc/self/maps, smaps…: calls fn for each region in address order; stops at the first nonzero. Copies, no lock held in fn. */
struct mm_region_info {
    uaddr_t start, end;
    unsigned prot, flags; /* flags: MAP_SHARED/MAP_PRIVATE/MAP_STACK… */
    int64_t off;
    struct file *file; /* borrowed during the call; or NULL */
    const char *name;  /* "[heap]", "[stack]", "[vdso]" … or NULL */
    size_t resident;   /* pages */
    size_t clean;      /* … of which as the file has them */
};
int mm_for_each(struct mm *mm, int (*fn)(const struct mm_region_info *, void *), void *arg);
/* The region that holds addr, or the next above it. False when there is none.  out->file is only good
 * for comparing: no reference is held. */
bool mm_find(struct mm *mm, uaddr_t addr, struct mm_region_info *out);
/* What it amounts to (usage.c); all but brk_start in pages. */
struct mm_usage {
    size_t total, total_peak;       /* in regions, and the most there ever were */
    size_t resident, resident_peak; /* of these, in memory; anon + file + shared */
    size_t anon, file,
        shared; /* the process's own; as their files have them; memory shared with others */
    size_t data, stack, exec; /* in private writable regions; in growing ones; in text */
    uaddr_t brk_start;
};
void mm_usage(struct mm *mm, struct mm_usage *out);
size_t mm_resident(struct mm *mm);      /* pages */
size_t mm_resident_peak(struct mm *mm); /* the most so far */
size_t mm_total(struct mm *mm);         /* pages */

#endif
