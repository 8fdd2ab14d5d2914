/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials as objects: made, shared, replaced.  See cred.h for who may read which. */
#include "kernel/proc/id/cred.h"

#include <linux/errno.h>
#include <linux/securebits.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/id/user.h"
#include "kernel/proc/process.h"
#include "lib/string.h"

static struct cred *cred_new(uint32_t ngroups)
{
    struct cred *c = kzalloc(sizeof(*c) + ngroups * sizeof(c->groups[0]));
    if (!c)
        return NULL;
    ref_init(&c->ref);
    c->ngroups = ngroups;
    return c;
}

void cred_put(const struct cred *c)
{
    struct cred *mine = (struct cred *)(uintptr_t)c;
    if (!mine || !ref_put(&mine->ref))
        return;
    user_put(mine->user);
    kfree(mine);
}

int cred_set_user(struct cred *c)
{
    if (c->user && c->user->uid == c->uid)
        return 0;
    struct user *u = user_lookup(c->uid);
    if (!u)
        return -ENOMEM;
    user_put(c->user);
    c->user = u;
    return 0;
}

struct cred *cred_first(uint32_t uid, uint32_t gid)
{
    struct cred *c = cred_new(1);
    if (!c)
        return NULL;
    c->uid = c->euid = c->suid = c->fsuid = uid;
    c->gid = c->egid = c->sgid = c->fsgid = gid;
    c->groups[0] = gid;
    c->bounding = CAPS_ALL;
    if (uid == 0)
        c->permitted = c->effective = CAPS_ALL;
    if (!cred_set_user(c))
        return c;
    cred_put(c);
    return NULL;
}

struct cred *cred_prepare_groups(uint32_t ngroups)
{
    struct cred *c = cred_new(ngroups);
    if (!c)
        return NULL;
    struct ref ref = c->ref;
    memcpy(c, current_cred(), offsetof(struct cred, ngroups));
    c->ref = ref;
    user_get(c->user);
    return c;
}

struct cred *cred_prepare(void)
{
    const struct cred *old = current_cred();
    struct cred *c = cred_prepare_groups(old->ngroups);
    if (c)
        memcpy(c->groups, old->groups, old->ngroups * sizeof(old->groups[0]));
    return c;
}

/* As in Linux, who changes what it may do to files leaves no core file behind. */
static bool changes_power(const struct cred *old, const struct cred *new)
{
    return old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
           old->fsgid != new->fsgid || (new->permitted & ~old->permitted) != 0;
}

void cred_commit(struct cred *c)
{
    struct thread *t = current;
    struct process *p = t->process;
    const struct cred *others = NULL;
    spin_lock(&p->lock);
    const struct cred *old = t->cred;
    t->cred = c;
    if (t->tid == p->pid) {
        others = p->cred;
        p->cred = cred_get(c);
    }
    if (changes_power(old, c))
        p->dumpable = false;
    spin_unlock(&p->lock);
    cred_put(old);
    cred_put(others);
}

void cred_inherit(struct thread *t)
{
    bool same = current->process == t->process;
    t->cred = same ? cred_get(current_cred()) : process_cred_get(t->process);
}

const struct cred *process_cred_get(struct process *p)
{
    spin_lock(&p->lock);
    const struct cred *c = cred_get(p->cred);
    spin_unlock(&p->lock);
    return c;
}

const struct cred *thread_cred_get(struct thread *t)
{
    spin_lock(&t->process->lock);
    const struct cred *c = cred_get(t->cred);
    spin_unlock(&t->process->lock);
    return c;
}

const struct cred *cred_override(const struct cred *c)
{
    const struct cred *old = current->cred;
    current->cred = c;
    return old;
}

void cred_restore(const struct cred *old)
{
    current->cred = old;
}

/* capabilities(7), "Transformation of capabilities during execve()"; files have none here. */
struct cred *cred_exec(bool *secure)
{
    const struct cred *old = current_cred();
    struct cred *c = cred_prepare();
    if (!c)
        return NULL;
    bool root = !(c->securebits & SECBIT_NOROOT) && (c->euid == 0 || c->uid == 0);
    bool effective = root && c->euid == 0;
    bool other_ids = c->euid != c->uid || c->egid != c->gid;
    c->permitted = root ? c->bounding | c->inheritable : 0;
    if ((other_ids || (c->permitted & ~old->permitted)) && current_process()->no_new_privs) {
        c->euid = c->uid;
        c->egid = c->gid;
        c->permitted &= old->permitted;
    }
    c->suid = c->fsuid = c->euid;
    c->sgid = c->fsgid = c->egid;
    if (other_ids)
        c->ambient = 0;
    c->permitted |= c->ambient;
    c->effective = effective ? c->permitted : c->ambient;
    c->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
    *secure = other_ids || (c->uid != 0 && (effective || (c->permitted & ~c->ambient) != 0));
    return c;
}

bool cred_may_signal(const struct cred *target)
{
    const struct cred *c = current_cred();
    return c->euid == target->suid || c->euid == target->uid || c->uid == target->suid ||
           c->uid == target->uid || cred_has(c, CAP_KILL);
}
