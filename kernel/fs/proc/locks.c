/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/locks, and the lines of an open file's locks in its fdinfo. */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/lock.h"
#include "kernel/vfs/vfs_impl.h"

static void line_show(struct seq *s, const struct lock_line *l)
{
    static const char *const kinds[] = {"POSIX  ADVISORY ", "OFDLCK ADVISORY ", "FLOCK  ADVISORY "};
    struct statx st;
    if (inode_getattr(l->lock.inode, &st))
        memset(&st, 0, sizeof(st));
    seq_printf(s, "%u: %s%s %s %d %02x:%02x:%lu ", l->number, l->waits ? "-> " : "",
               kinds[l->lock.kind], l->lock.type == F_WRLCK ? "WRITE" : "READ ", l->lock.pid,
               st.stx_dev_major, st.stx_dev_minor, (unsigned long)st.stx_ino);
    if (l->lock.end == INT64_MAX)
        seq_printf(s, "%ld EOF\n", (long)l->lock.start);
    else
        seq_printf(s, "%ld %ld\n", (long)l->lock.start, (long)l->lock.end);
}

int proc_locks_show(struct seq *s, const struct pseudo_inode *i)
{
    size_t n;
    struct lock_line *lines = locks_list(&n);
    (void)i;
    for (size_t k = 0; k < n; k++) {
        line_show(s, &lines[k]);
        inode_put(lines[k].lock.inode);
    }
    kfree(lines);
    return 0;
}

/* Those that a close of this descriptor may release. */
void proc_file_locks_show(struct seq *s, const struct file *f, const struct fdtable *t)
{
    size_t n;
    if (!f->inode || list_empty(&f->inode->locks))
        return;
    struct lock_line *lines = locks_list(&n);
    for (size_t k = 0; k < n; k++) {
        const struct file_lock *l = &lines[k].lock;
        if (l->inode == f->inode && !lines[k].waits && (l->owner == f || l->owner == t)) {
            seq_puts(s, "lock:\t");
            line_show(s, &lines[k]);
        }
        inode_put(l->inode);
    }
    kfree(lines);
}
