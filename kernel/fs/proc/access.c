/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a file of /proc is, how long it is there, and who may see what, as Linux has it without a security module
 * and with hidepid off: everybody sees that a process is there and its numbers; what it has in its memory, its
 * descriptors and its directories only those who could trace it.
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/proc/id/cred.h"

struct process *proc_process(const struct pseudo_inode *i)
{
    struct process *p = process_lookup(i->key.pid);
    if (!p || p->start_time == i->key.process_began)
        return p;
    process_put(p);
    return NULL;
}

struct thread *proc_thread(const struct pseudo_inode *i)
{
    struct thread *t = thread_lookup(i->key.tid ? i->key.tid : i->key.pid);
    if (!t)
        return NULL;
    bool first = !i->key.tid || i->key.tid == i->key.pid;
    if (first ? t->process->start_time == i->key.process_began
              : t->start_time == i->key.thread_began)
        return t;
    thread_put(t);
    return NULL;
}

bool proc_alive(const struct pseudo_inode *i)
{
    if (i->key.tid != i->key.pid &&
        i->key.tid) { /* the first one is there as long as its process */
        struct thread *t = proc_thread(i);
        if (t)
            thread_put(t);
        return t;
    }
    struct process *p = i->key.pid ? proc_process(i) : NULL;
    if (p)
        process_put(p);
    return p || !i->key.pid;
}

/* Everybody may see the directories of a process, so they tell whose it is; the rest is root's if it is not to be
 * looked at, or has no memory any more. */
void proc_owner(const struct pseudo_inode *i, uint32_t *uid, uint32_t *gid)
{
    struct process *p = i->key.pid ? proc_process(i) : NULL;
    *uid = *gid = 0;
    if (!p)
        return;
    spin_lock(&p->lock);
    if (i->inode.mode == (S_IFDIR | 0555) || (p->mm && p->dumpable)) {
        *uid = p->cred ? p->cred->euid : 0;
        *gid = p->cred ? p->cred->egid : 0;
    }
    spin_unlock(&p->lock);
    process_put(p);
}

static bool same_ids(const struct cred *mine, const struct cred *its)
{
    return its && mine->fsuid == its->euid && mine->fsuid == its->suid && mine->fsuid == its->uid &&
           mine->fsgid == its->egid && mine->fsgid == its->sgid && mine->fsgid == its->gid;
}

bool proc_may_look(struct process *p)
{
    const struct cred *c = current_cred();
    if (p == current_process() || cred_has(c, CAP_SYS_PTRACE))
        return true;
    spin_lock(&p->lock);
    bool may = same_ids(c, p->cred) && (p->dumpable || !p->mm);
    spin_unlock(&p->lock);
    return may;
}

int proc_look(const struct pseudo_inode *i)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    bool may = proc_may_look(p);
    process_put(p);
    return may ? 0 : -EACCES;
}

int proc_allowed_look(const struct pseudo_inode *i, unsigned mask, int said)
{
    (void)mask;
    return said ? said : proc_look(i);
}

int proc_allowed_own(const struct pseudo_inode *i, unsigned mask, int said)
{
    struct process *p = current_process();
    (void)mask;
    return p->pid == i->key.pid && p->start_time == i->key.process_began ? 0 : said;
}
