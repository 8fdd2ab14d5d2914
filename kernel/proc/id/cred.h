/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials: user and group ids, groups, capabilities.  They are kept with Linux's rules, and the
 * kernel's own checks go by them; against the host they protect nothing, since every program of an
 * enclave can do what the enclave can do.
 *
 * A struct cred never changes once a thread has it: a change makes a copy (cred_prepare) and puts
 * it in its place (cred_commit).  Each thread has its own, and the C library tells all threads of a
 * change.  What other processes see of a process is its first thread's: process->cred.
 *
 * A thread reads its own without a lock; those of others are read under their process's lock
 * (process_cred_get).
 */
#ifndef KERNEL_PROC_ID_CRED_H
#define KERNEL_PROC_ID_CRED_H

#include <linux/capability.h>

#include "kernel/sched/thread.h"
#include "kernel/types.h"

#define GROUPS_MAX 65536U

struct process;
struct user;

typedef uint64_t capset_t; /* bit CAP_* */

struct cred {
    struct ref ref;
    uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
    uint32_t securebits; /* SECBIT_* */
    struct user *user;   /* a reference: of uid */
    capset_t permitted, effective, inheritable, bounding, ambient;
    uint32_t ngroups;
    uint32_t groups[]; /* in rising order */
};

#define CAP(c) ((capset_t)1 << (c))
#define CAPS_ALL (CAP(CAP_LAST_CAP + 1) - 1)
/* What is about files, and follows the file system's user id. */
#define CAPS_FS                                                                            \
    (CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FOWNER) | \
     CAP(CAP_FSETID) | CAP(CAP_LINUX_IMMUTABLE) | CAP(CAP_MKNOD) | CAP(CAP_MAC_OVERRIDE))

#define current_cred() (current->cred)

static inline bool cred_has(const struct cred *c, unsigned cap)
{
    return (c->effective >> cap) & 1;
}

/* The current thread may do what CAP_… allows. */
#define capable(cap) cred_has(current_cred(), cap)

/* The file system's group, or one of the supplementary groups. */
static inline bool cred_in_group(const struct cred *c, uint32_t gid)
{
    uint32_t low = 0, high = c->ngroups;
    if (gid == c->fsgid)
        return true;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (c->groups[mid] == gid)
            return true;
        if (c->groups[mid] < gid)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static inline const struct cred *cred_get(const struct cred *c)
{
    ref_get(&((struct cred *)(uintptr_t)c)->ref);
    return c;
}
/* NULL is fine. */
void cred_put(const struct cred *c);

/* Those of a new system's first process: all ids are these; uid 0 has all capabilities. */
struct cred *cred_first(uint32_t uid, uint32_t gid) MUST_CHECK;
/* A copy of the current thread's, to be changed; with room for as many groups.  NULL: no memory. */
struct cred *cred_prepare(void) MUST_CHECK;
struct cred *cred_prepare_groups(uint32_t ngroups) MUST_CHECK; /* groups are not filled in */
/* c->user follows c->uid: -ENOMEM. */
MUST_CHECK int cred_set_user(struct cred *c);
/* The current thread has c from now on (the reference is taken over). */
void cred_commit(struct cred *c);
/* A new thread's: those of its creator, or, when it is another process's first, that process's. */
void cred_inherit(struct thread *t);

/* What others see of a process or thread; a reference.  Takes the process's lock. */
const struct cred *process_cred_get(struct process *p) MUST_CHECK;
const struct cred *thread_cred_get(struct thread *t) MUST_CHECK;

/*
 * The current thread acts under c (borrowed) until cred_restore, as access(2) does; what others see
 * of it stays.  Returns what to restore.
 */
const struct cred *cred_override(const struct cred *c) MUST_CHECK;
void cred_restore(const struct cred *old);

/* execve's: those of the new program; *secure: AT_SECURE.  NULL: no memory. */
struct cred *cred_exec(bool *secure) MUST_CHECK;

/* The rule of what is said about scheduling: the current thread is who these are, but for capabilities. */
static inline bool cred_owns(const struct cred *target)
{
    uint32_t euid = current_cred()->euid;
    return euid == target->uid || euid == target->euid;
}

/* And then, even so: it has all that they may have, or CAP_SYS_NICE. */
static inline bool cred_covers(const struct cred *target)
{
    return !(target->permitted & ~current_cred()->permitted) || capable(CAP_SYS_NICE);
}

/*
 * kill(2)'s rule: the current thread may signal who has these.  (SIGCONT within a session is the
 * caller's to allow.)
 */
bool cred_may_signal(const struct cred *target);

/* capability.c: prctl's part; -ENOSYS: an option of somebody else. */
long cap_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
               unsigned long arg5);

#endif
