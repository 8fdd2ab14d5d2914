/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capability sets, asked for and changed: capget, capset, and prctl's bounding set, ambient set and
 * securebits.  What capabilities mean is decided where they are asked for (capable()).
 */
#include <linux/errno.h>
#include <linux/prctl.h>
#include <linux/securebits.h>

#include "kernel/proc/id/cred.h"
#include "kernel/proc/named.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

/* struct __user_cap_data_struct elements for a header's version; 0: unknown version. */
static int cap_words(uint32_t version)
{
    switch (version) {
    case _LINUX_CAPABILITY_VERSION_1: return 1;
    case _LINUX_CAPABILITY_VERSION_2:
    case _LINUX_CAPABILITY_VERSION_3: return 2;
    default: return 0;
    }
}

/* Reads the header; an unknown version is answered with the preferred one, as Linux does. */
static long cap_header(uaddr_t addr, struct __user_cap_header_struct *h, int *words)
{
    if (copy_in(h, addr, sizeof(*h)))
        return -EFAULT;
    *words = cap_words(h->version);
    if (*words)
        return 0;
    uint32_t preferred = _LINUX_CAPABILITY_VERSION_3;
    return copy_out(addr, &preferred, sizeof(preferred)) ? -EFAULT : -EINVAL;
}

/* A reference to those of a thread; 0: the current one. */
static long cred_of(int tid, const struct cred **out)
{
    if (tid == 0 || tid == current->tid) {
        *out = cred_get(current_cred());
        return 0;
    }
    struct named n;
    int err = named_get(tid, &n);
    if (err)
        return err;
    spin_lock(&n.p->lock);
    *out = cred_get(named_cred_locked(&n));
    spin_unlock(&n.p->lock);
    named_put(&n);
    return 0;
}

long sys_capget(uaddr_t header, uaddr_t data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2];
    const struct cred *c = NULL;
    int words;

    long err = cap_header(header, &h, &words);
    if (err || !data)
        return err == -EINVAL && !data ? 0 : err;
    err = h.pid < 0 ? -EINVAL : cred_of(h.pid, &c);
    if (err || !c)
        return err;
    for (int i = 0; i < 2; i++) {
        d[i].effective = (uint32_t)(c->effective >> (32 * i));
        d[i].permitted = (uint32_t)(c->permitted >> (32 * i));
        d[i].inheritable = (uint32_t)(c->inheritable >> (32 * i));
    }
    cred_put(c);
    return copy_out(data, d, (size_t)words * sizeof(d[0]));
}

/* The rules of capset(2), in Linux's order. */
static bool capset_allowed(const struct cred *old, const struct cred *new)
{
    if (!cred_has(old, CAP_SETPCAP) && new->inheritable & ~(old->inheritable | old->permitted))
        return false;
    if (new->inheritable & ~(old->inheritable | old->bounding))
        return false;
    return !(new->permitted & ~old->permitted) && !(new->effective & ~new->permitted);
}

long sys_capset(uaddr_t header, uaddr_t data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2] = {{0}};
    int words;

    long err = cap_header(header, &h, &words);
    if (err)
        return err;
    if (h.pid != 0 && h.pid != current->tid)
        return reject(-EPERM, "capabilities of another thread");
    if (copy_in(d, data, (size_t)words * sizeof(d[0])))
        return -EFAULT;
    struct cred *c = cred_prepare();
    if (!c)
        return -ENOMEM;
    c->effective = (d[0].effective | (capset_t)d[1].effective << 32) & CAPS_ALL;
    c->permitted = (d[0].permitted | (capset_t)d[1].permitted << 32) & CAPS_ALL;
    c->inheritable = (d[0].inheritable | (capset_t)d[1].inheritable << 32) & CAPS_ALL;
    if (!capset_allowed(current_cred(), c)) {
        cred_put(c);
        return -EPERM;
    }
    c->ambient &= c->permitted & c->inheritable;
    cred_commit(c);
    return 0;
}

/* prctl. */

static long bounding_drop(unsigned long cap)
{
    if (!capable(CAP_SETPCAP))
        return -EPERM;
    if (cap > CAP_LAST_CAP)
        return -EINVAL;
    struct cred *c = cred_prepare();
    if (!c)
        return -ENOMEM;
    c->bounding &= ~CAP(cap);
    cred_commit(c);
    return 0;
}

static long securebits_set(unsigned long bits)
{
    struct cred *c = cred_prepare();
    if (!c)
        return -ENOMEM;
    uint32_t locks = c->securebits & SECURE_ALL_LOCKS;
    if ((locks >> 1) & (c->securebits ^ bits) || locks & ~bits ||
        bits & ~(unsigned long)(SECURE_ALL_BITS | SECURE_ALL_LOCKS) || !cred_has(c, CAP_SETPCAP)) {
        cred_put(c);
        return -EPERM;
    }
    c->securebits = (uint32_t)bits;
    cred_commit(c);
    return 0;
}

static long keepcaps_set(unsigned long on)
{
    if (on > 1)
        return -EINVAL;
    if (current_cred()->securebits & SECBIT_KEEP_CAPS_LOCKED)
        return -EPERM;
    struct cred *c = cred_prepare();
    if (!c)
        return -ENOMEM;
    c->securebits &= ~(uint32_t)SECBIT_KEEP_CAPS;
    c->securebits |= on ? SECBIT_KEEP_CAPS : 0;
    cred_commit(c);
    return 0;
}

static long ambient_change(unsigned long op, capset_t bit)
{
    const struct cred *old = current_cred();
    if (op == PR_CAP_AMBIENT_RAISE && (!(old->permitted & old->inheritable & bit) ||
                                       old->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
        return -EPERM;
    struct cred *c = cred_prepare();
    if (!c)
        return -ENOMEM;
    c->ambient = op == PR_CAP_AMBIENT_RAISE ? c->ambient | bit : c->ambient & ~bit;
    cred_commit(c);
    return 0;
}

static long ambient(unsigned long op, unsigned long cap, unsigned long arg4, unsigned long arg5)
{
    if (op == PR_CAP_AMBIENT_CLEAR_ALL)
        return cap | arg4 | arg5 ? -EINVAL : ambient_change(op, CAPS_ALL);
    if (cap > CAP_LAST_CAP || arg4 | arg5)
        return -EINVAL;
    switch (op) {
    case PR_CAP_AMBIENT_IS_SET: return (current_cred()->ambient >> cap) & 1;
    case PR_CAP_AMBIENT_RAISE:
    case PR_CAP_AMBIENT_LOWER: return ambient_change(op, CAP(cap));
    default: return -EINVAL;
    }
}

long cap_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
               unsigned long arg5)
{
    const struct cred *c = current_cred();
    switch (option) {
    case PR_CAPBSET_READ: return arg2 <= CAP_LAST_CAP ? (long)(c->bounding >> arg2) & 1 : -EINVAL;
    case PR_CAPBSET_DROP: return bounding_drop(arg2);
    case PR_GET_SECUREBITS: return c->securebits;
    case PR_SET_SECUREBITS: return securebits_set(arg2);
    case PR_GET_KEEPCAPS: return (c->securebits & SECBIT_KEEP_CAPS) != 0;
    case PR_SET_KEEPCAPS: return keepcaps_set(arg2);
    case PR_CAP_AMBIENT: return ambient(arg2, arg3, arg4, arg5);
    default: return -ENOSYS;
    }
}
