/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what with a file: mode bits against the thread's file-system ids and groups, and the
 * capabilities that go beyond them.  Volatile file systems are checked by their own `permission`.
 *
 * The host's files are checked by the host, at the operation itself, with the rights of the user who runs
 * the enclave.  It does not know whom a thread has become since the start; so what another user (or root
 * without his capabilities) asks
 * for is judged here too, by what the host says of the file, and what he makes becomes his if the host allows
 * that.
 */
#include "kernel/proc/id/cred.h"
#include "kernel/vfs/vfs_impl.h"

/* What capabilities let a thread do in spite of the bits. */
static bool may_override(uint32_t mode, unsigned mask, const struct cred *c)
{
    if (S_ISDIR(mode))
        return cred_has(c, CAP_DAC_OVERRIDE) ||
               (!(mask & MAY_WRITE) && cred_has(c, CAP_DAC_READ_SEARCH));
    if (cred_has(c, CAP_DAC_OVERRIDE) && (!(mask & MAY_EXEC) || (mode & 0111)))
        return true;
    return mask == MAY_READ && cred_has(c, CAP_DAC_READ_SEARCH);
}

int mode_permission(const struct statx *st, unsigned mask, const struct cred *c)
{
    uint32_t bits = st->stx_mode;
    if (c->fsuid == st->stx_uid)
        bits >>= 6;
    else if (cred_in_group(c, st->stx_gid))
        bits >>= 3;
    return (bits & mask) == mask || may_override(st->stx_mode, mask, c) ? 0 : -EACCES;
}

int inode_mode_permission(struct inode *i, unsigned mask)
{
    const struct cred *c = current_cred();
    struct statx st;
    if (cred_has(c, CAP_DAC_OVERRIDE) && (!(mask & MAY_EXEC) || S_ISDIR(i->mode)))
        return 0;
    int err = inode_getattr(i, &st);
    return err ? err : mode_permission(&st, mask, c);
}

bool search_permitted(const struct cred *c)
{
    return cred_has(c, CAP_DAC_OVERRIDE) || cred_has(c, CAP_DAC_READ_SEARCH);
}

bool is_host_user(const struct cred *c)
{
    return c->fsuid == kernel.uid && (c->fsuid || (c->effective & CAPS_FS) == CAPS_FS);
}

bool judged_elsewhere(const struct inode *i)
{
    if (!i->super || !(i->super->flags & SUPER_VOLATILE))
        return false;
    return !(i->super->flags & SUPER_HOST) || is_host_user(current_cred());
}

void give_to_user(struct inode *dir, struct inode *i)
{
    const struct cred *c = current_cred();
    struct setattr a = {.mask = SETATTR_UID | SETATTR_GID, .uid = c->fsuid, .gid = c->fsgid};
    struct statx st;
    if (!(i->super && i->super->flags & SUPER_HOST) || is_host_user(c) || !i->ops->setattr)
        return;
    if (inode_getattr(dir, &st) || st.stx_mode & S_ISGID)
        a.mask = SETATTR_UID; /* the group is the directory's */
    (void)!i->ops->setattr(i, &a);
}

int owner_permission(struct inode *i)
{
    struct statx st;
    if (judged_elsewhere(i) || capable(CAP_FOWNER))
        return 0;
    int err = inode_getattr(i, &st);
    if (err || st.stx_uid == current_cred()->fsuid)
        return err;
    return reject(-EPERM, "not the owner");
}

int inode_permission(struct inode *i, unsigned mask)
{
    if (!current_cred()) /* boot */
        return 0;
    if (i->ops->permission)
        return i->ops->permission(i, mask);
    if (judged_elsewhere(i))
        return 0;
    return inode_mode_permission(i, mask);
}

int set_id_drop(struct inode *i)
{
    struct setattr a = {.mask = SETATTR_MODE};
    struct statx st;
    if (likely(!(i->mode & (S_ISUID | S_ISGID))) || !S_ISREG(i->mode) || judged_elsewhere(i) ||
        capable(CAP_FSETID))
        return 0;
    int err = inode_getattr(i, &st);
    if (err || !set_id_bits(st.stx_mode) || !i->ops->setattr)
        return err;
    a.mode = st.stx_mode & 07777 & ~set_id_bits(st.stx_mode);
    return i->ops->setattr(i, &a);
}

int may_create(struct dentry *dir)
{
    if (dentry_rdonly(dir))
        return reject(-EROFS, "the mount is read-only");
    return inode_permission(dir->inode, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct dentry *dir, struct inode *victim)
{
    uint32_t uid = current_cred()->fsuid;
    struct statx d, v;
    int err = may_create(dir);
    if (err || !victim || judged_elsewhere(dir->inode) || capable(CAP_FOWNER))
        return err;
    err = inode_getattr(dir->inode, &d);
    if (err || !(d.stx_mode & S_ISVTX) || d.stx_uid == uid)
        return err;
    err = inode_getattr(victim, &v);
    return err ? err : v.stx_uid == uid ? 0 : reject(-EPERM, "sticky directory");
}
