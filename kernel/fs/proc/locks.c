/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/locks, and the lines of an open file's locks and lease in its fdinfo. */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/lock/lease.h"
#include "kernel/vfs/lock/lock.h"
#include "kernel/vfs/vfs_impl.h"

static void inode_show(struct seq *s, struct inode *i)
{
    struct statx st;
    if (inode_getattr(i, &st))
        memset(&st, 0, sizeof(st));
    seq_printf(s, "%02x:%02x:%lu ", st.stx_dev_major, st.stx_dev_minor, (unsigned long)st.stx_ino);
}

static void line_show(struct seq *s, const struct lock_line *l, unsigned number)
{
    static const char *const kinds[] = {"POSIX  ADVISORY ", "OFDLCK ADVISORY ", "FLOCK  ADVISORY "};
    seq_printf(s, "%u: %s%s %s %d ", number, l->waits ? "-> " : "", kinds[l->lock.kind],
               l->lock.type == F_WRLCK ? "WRITE" : "READ ", l->lock.pid);
    inode_show(s, l->lock.inode);
    if (l->lock.end == INT64_MAX)
        seq_printf(s, "%ld EOF\n", (long)l->lock.start);
    else
        seq_printf(s, "%ld %ld\n", (long)l->lock.start, (long)l->lock.end);
}

static void lease_show(struct seq *s, const struct lease_line *l, unsigned number)
{
    static const char *const types[] = {
        [F_RDLCK] = "READ ", [F_WRLCK] = "WRITE", [F_UNLCK] = "UNLCK"};
    const char *state = !l->inode     ? "-> LEASE  BREAKER  "
                        : l->breaking ? "LEASE  BREAKING "
                                      : "LEASE  ACTIVE   ";
    seq_printf(s, "%u: %s %s %d ", number, state, types[l->type], l->pid);
    if (l->inode)
        inode_show(s, l->inode);
    else
        seq_puts(s, "<none>:0 ");
    seq_puts(s, "0 EOF\n");
}

int proc_locks_show(struct seq *s, const struct pseudo_inode *i)
{
    size_t n, leases;
    unsigned number = 0;
    struct lock_line *lines = locks_list(&n);
    struct lease_line *ls = leases_list(&leases);
    (void)i;
    for (size_t k = 0; k < n; k++) {
        number = lines[k].number;
        line_show(s, &lines[k], number);
        inode_put(lines[k].lock.inode);
    }
    for (size_t k = 0; k < leases; k++) {
        lease_show(s, &ls[k], ls[k].inode ? ++number : number);
        if (ls[k].inode)
            inode_put(ls[k].inode);
    }
    kfree(lines);
    kfree(ls);
    return 0;
}

static void file_lease_show(struct seq *s, const struct file *f, unsigned number)
{
    size_t n;
    struct lease_line *ls = leases_list(&n);
    for (size_t k = 0; k < n; k++) {
        if (!ls[k].inode)
            continue;
        if (ls[k].file == f) {
            seq_puts(s, "lock:\t");
            lease_show(s, &ls[k], ++number);
        }
        inode_put(ls[k].inode);
    }
    kfree(ls);
}

/* Those that a close of this descriptor may release. */
void proc_file_locks_show(struct seq *s, const struct file *f, const struct fdtable *t)
{
    size_t n;
    unsigned number = 0;
    if (!f->inode)
        return;
    struct lock_line *lines = list_empty(&f->inode->locks) ? NULL : locks_list(&n);
    for (size_t k = 0; lines && k < n; k++) {
        const struct file_lock *l = &lines[k].lock;
        if (l->inode == f->inode && !lines[k].waits && (l->owner == f || l->owner == t)) {
            seq_puts(s, "lock:\t");
            line_show(s, &lines[k], ++number);
        }
        inode_put(l->inode);
    }
    kfree(lines);
    if (lease_any())
        file_lease_show(s, f, number);
}
