/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids: told, and changed by Linux's rules.  Each change is worked out on a copy of the
 * thread's credentials; capabilities follow the user ids (capabilities(7), "Effect of user ID changes
 * on capabilities").
 */
#include <linux/errno.h>
#include <linux/securebits.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define KEEP 0xffffffffU /* "leave as it is"; never a valid id */

long sys_getuid(void)
{
    return current_cred()->uid;
}

long sys_geteuid(void)
{
    return current_cred()->euid;
}

long sys_getgid(void)
{
    return current_cred()->gid;
}

long sys_getegid(void)
{
    return current_cred()->egid;
}

/* One kind of id (user or group) by reference, so that the rules are written once. */
struct idset {
    uint32_t *real, *effective, *saved, *fs;
    bool privileged; /* CAP_SETUID, CAP_SETGID */
};

static struct idset uids(struct cred *c)
{
    return (struct idset){&c->uid, &c->euid, &c->suid, &c->fsuid, cred_has(c, CAP_SETUID)};
}

static struct idset gids(struct cred *c)
{
    return (struct idset){&c->gid, &c->egid, &c->sgid, &c->fsgid, cred_has(c, CAP_SETGID)};
}

static bool is_one_of(struct idset s, uint32_t id)
{
    return id == *s.real || id == *s.effective || id == *s.saved;
}

static long set_id(struct idset s, uint32_t id)
{
    if (id == KEEP)
        return -EINVAL;
    if (s.privileged)
        *s.real = *s.saved = id;
    else if (id != *s.real && id != *s.saved)
        return -EPERM;
    *s.effective = *s.fs = id;
    return 0;
}

static long set_re_id(struct idset s, uint32_t real, uint32_t effective)
{
    uint32_t old_real = *s.real;

    if (real != KEEP && !s.privileged && real != *s.real && real != *s.effective)
        return -EPERM;
    if (effective != KEEP && !s.privileged && !is_one_of(s, effective))
        return -EPERM;
    if (real != KEEP)
        *s.real = real;
    if (effective != KEEP)
        *s.effective = effective;
    if (real != KEEP || (effective != KEEP && effective != old_real))
        *s.saved = *s.effective;
    *s.fs = *s.effective;
    return 0;
}

static long set_res_id(struct idset s, uint32_t real, uint32_t effective, uint32_t saved)
{
    if (!s.privileged &&
        ((real != KEEP && !is_one_of(s, real)) || (effective != KEEP && !is_one_of(s, effective)) ||
         (saved != KEEP && !is_one_of(s, saved))))
        return -EPERM;
    if (real != KEEP)
        *s.real = real;
    if (effective != KEEP)
        *s.effective = effective;
    if (saved != KEEP)
        *s.saved = saved;
    *s.fs = *s.effective;
    return 0;
}

static bool any_root(const struct cred *c)
{
    return c->uid == 0 || c->euid == 0 || c->suid == 0;
}

/* What leaving or becoming root means for capabilities. */
static void caps_follow_uids(struct cred *c, const struct cred *old)
{
    if (c->securebits & SECBIT_NO_SETUID_FIXUP)
        return;
    if (any_root(old) && !any_root(c)) {
        if (!(c->securebits & SECBIT_KEEP_CAPS))
            c->permitted = c->effective = 0;
        c->ambient = 0;
    }
    if (old->euid == 0 && c->euid != 0)
        c->effective = 0;
    else if (old->euid != 0 && c->euid == 0)
        c->effective = c->permitted;
}

/* Takes over c. */
static long finish(struct cred *c, long err)
{
    if (!err)
        err = cred_set_user(c);
    if (err) {
        cred_put(c);
        return err;
    }
    caps_follow_uids(c, current_cred());
    cred_commit(c);
    return 0;
}

/* Runs a change on a copy and puts it in place. */
#define WITH_CREDS(c, expr)              \
    ({                                   \
        struct cred *c = cred_prepare(); \
        c ? finish(c, (expr)) : -ENOMEM; \
    })

long sys_setuid(unsigned uid)
{
    return WITH_CREDS(c, set_id(uids(c), uid));
}

long sys_setgid(unsigned gid)
{
    return WITH_CREDS(c, set_id(gids(c), gid));
}

long sys_setreuid(unsigned ruid, unsigned euid)
{
    return WITH_CREDS(c, set_re_id(uids(c), ruid, euid));
}

long sys_setregid(unsigned rgid, unsigned egid)
{
    return WITH_CREDS(c, set_re_id(gids(c), rgid, egid));
}

long sys_setresuid(unsigned ruid, unsigned euid, unsigned suid)
{
    return WITH_CREDS(c, set_res_id(uids(c), ruid, euid, suid));
}

long sys_setresgid(unsigned rgid, unsigned egid, unsigned sgid)
{
    return WITH_CREDS(c, set_res_id(gids(c), rgid, egid, sgid));
}

static bool fs_id_allowed(struct idset s, uint32_t id)
{
    return id != KEEP && id != *s.fs && (s.privileged || is_one_of(s, id));
}

/* Both return the old id, whatever happens. */
long sys_setfsuid(unsigned uid)
{
    uint32_t old = current_cred()->fsuid;
    struct cred *c = cred_prepare();
    if (!c || !fs_id_allowed(uids(c), uid)) {
        cred_put(c);
        return old;
    }
    c->fsuid = uid;
    if (!(c->securebits & SECBIT_NO_SETUID_FIXUP)) {
        if (old == 0)
            c->effective &= ~CAPS_FS;
        else if (uid == 0)
            c->effective |= c->permitted & CAPS_FS;
    }
    cred_commit(c);
    return old;
}

long sys_setfsgid(unsigned gid)
{
    uint32_t old = current_cred()->fsgid;
    struct cred *c = cred_prepare();
    if (!c || !fs_id_allowed(gids(c), gid)) {
        cred_put(c);
        return old;
    }
    c->fsgid = gid;
    cred_commit(c);
    return old;
}

static long store_three(uaddr_t a, uint32_t va, uaddr_t b, uint32_t vb, uaddr_t c, uint32_t vc)
{
    if (copy_out(a, &va, sizeof(va)) || copy_out(b, &vb, sizeof(vb)) ||
        copy_out(c, &vc, sizeof(vc)))
        return -EFAULT;
    return 0;
}

long sys_getresuid(uaddr_t ruid, uaddr_t euid, uaddr_t suid)
{
    const struct cred *c = current_cred();
    return store_three(ruid, c->uid, euid, c->euid, suid, c->suid);
}

long sys_getresgid(uaddr_t rgid, uaddr_t egid, uaddr_t sgid)
{
    const struct cred *c = current_cred();
    return store_three(rgid, c->gid, egid, c->egid, sgid, c->sgid);
}

long sys_getgroups(int size, uaddr_t list)
{
    const struct cred *c = current_cred();

    if (size < 0)
        return -EINVAL;
    if (size == 0)
        return c->ngroups;
    if ((uint32_t)size < c->ngroups)
        return -EINVAL;
    if (copy_out(list, c->groups, c->ngroups * sizeof(c->groups[0])))
        return -EFAULT;
    return c->ngroups;
}

/* Lets v[i] sink in the heap of n. */
static void sift(uint32_t *v, uint32_t n, uint32_t i)
{
    for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && v[child + 1] > v[child])
            child++;
        if (v[i] >= v[child])
            return;
        uint32_t swap = v[i];
        v[i] = v[child];
        v[child] = swap;
    }
}

/* Heap sort: in place, and no order of the program's makes it slow. */
static void groups_sort(uint32_t *v, uint32_t n)
{
    for (uint32_t i = n / 2; i-- > 0;)
        sift(v, n, i);
    for (uint32_t i = n; i-- > 1;) {
        uint32_t top = v[0];
        v[0] = v[i];
        v[i] = top;
        sift(v, i, 0);
    }
}

long sys_setgroups(int size, uaddr_t list)
{
    if (!capable(CAP_SETGID))
        return -EPERM;
    if (size < 0 || (uint32_t)size > GROUPS_MAX)
        return -EINVAL;
    struct cred *c = cred_prepare_groups((uint32_t)size);
    if (!c)
        return -ENOMEM;
    if (copy_in(c->groups, list, (size_t)size * sizeof(c->groups[0]))) {
        cred_put(c);
        return -EFAULT;
    }
    for (uint32_t i = 0; i < c->ngroups; i++) {
        if (c->groups[i] == KEEP) {
            cred_put(c);
            return reject(-EINVAL, "no group has this number");
        }
    }
    groups_sort(c->groups, c->ngroups);
    cred_commit(c);
    return 0;
}
