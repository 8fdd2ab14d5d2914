/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Permissions: mode bits against the process's file-system ids; id 0 may do all but execute what
 * nobody may.  Volatile file systems (the host's) are checked by the host with the user's own
 * rights at the operation itself.
 */
#include "kernel/vfs/vfs_impl.h"

static bool creds_in_group(const struct creds *c, uint32_t group)
{
    for (uint32_t i = 0; i < c->ngroups; i++)
        if (c->groups[i] == group)
            return true;
    return false;
}

int mode_permission(uint32_t mode, uint32_t owner, uint32_t group, unsigned mask,
                    const struct creds *c, uint32_t uid, uint32_t gid)
{
    if (uid == 0) {
        bool exec_ok = S_ISDIR(mode) || (mode & 0111);
        return (mask & MAY_EXEC) && !exec_ok ? -EACCES : 0;
    }
    uint32_t bits = mode;
    if (uid == owner)
        bits >>= 6;
    else if (gid == group || creds_in_group(c, group))
        bits >>= 3;
    return (bits & mask) == mask ? 0 : -EACCES;
}

int inode_permission(struct inode *i, unsigned mask)
{
    const struct process *p = current_process();
    struct statx st;
    if (!p) /* boot */
        return 0;
    const struct creds *c = &p->creds;
    if (i->super && (i->super->flags & SUPER_VOLATILE))
        return 0;
    if (c->fsuid == 0 && !(mask & MAY_EXEC && !S_ISDIR(i->mode)))
        return 0;
    int err = inode_getattr(i, &st);
    if (err)
        return err;
    return mode_permission(st.stx_mode, st.stx_uid, st.stx_gid, mask, c, c->fsuid, c->fsgid);
}

int may_create(struct dentry *dir)
{
    if (dentry_rdonly(dir))
        return reject(-EROFS, "the mount is read-only");
    return inode_permission(dir->inode, MAY_WRITE | MAY_EXEC);
}

int may_delete(struct dentry *dir, struct inode *victim)
{
    uint32_t uid = current_process()->creds.fsuid;
    struct statx d, v;
    int err = may_create(dir);
    if (err || uid == 0 || !victim || dentry_volatile(dir))
        return err;
    err = inode_getattr(dir->inode, &d);
    if (err || !(d.stx_mode & 01000) || d.stx_uid == uid)
        return err;
    err = inode_getattr(victim, &v);
    return err ? err : v.stx_uid == uid ? 0 : reject(-EPERM, "sticky directory");
}
