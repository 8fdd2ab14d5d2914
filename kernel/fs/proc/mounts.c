/* SPDX-License-Identifier: Apache-2.0 */
/* mounts, mountinfo, mountstats. */
#include "kernel/fs/proc/proc_impl.h"

#define SPECIAL " \t\n#"

struct listing {
    struct seq *s;
    int id; /* of the last one listed */
};

static void field(struct seq *s, const char *text)
{
    if (!text || !*text)
        text = "none";
    seq_escape(s, text, strlen(text), SPECIAL);
    seq_puts(s, " ");
}

static int mounts_one(const char *type, const char *source, const char *target, unsigned flags,
                      void *arg)
{
    struct seq *s = ((struct listing *)arg)->s;
    field(s, source);
    field(s, target);
    field(s, type);
    seq_printf(s, "%s,relatime 0 0\n", flags & SUPER_RDONLY ? "ro" : "rw");
    return s->err;
}

static int mountinfo_one(const char *type, const char *source, const char *target, unsigned flags,
                         void *arg)
{
    struct listing *l = arg;
    struct seq *s = l->s;
    const char *mode = flags & SUPER_RDONLY ? "ro" : "rw";
    int id = ++l->id;
    seq_printf(s, "%d %d 0:%d / ", id, id == 1 ? 0 : 1, id);
    field(s, target);
    seq_printf(s, "%s,relatime - ", mode);
    field(s, type);
    field(s, source);
    seq_printf(s, "%s\n", mode);
    return s->err;
}

static int mountstats_one(const char *type, const char *source, const char *target, unsigned flags,
                          void *arg)
{
    struct seq *s = ((struct listing *)arg)->s;
    (void)flags;
    seq_puts(s, "device ");
    field(s, source);
    seq_puts(s, "mounted on ");
    field(s, target);
    seq_puts(s, "with fstype ");
    seq_escape(s, type, strlen(type), SPECIAL);
    seq_puts(s, "\n");
    return s->err;
}

int proc_mountstats_show(struct seq *s, const struct pseudo_inode *i)
{
    struct listing l = {.s = s};
    (void)i;
    return vfs_for_each_mount(mountstats_one, &l);
}

int proc_mounts_show(struct seq *s, const struct pseudo_inode *i)
{
    struct listing l = {.s = s};
    (void)i;
    return vfs_for_each_mount(mounts_one, &l);
}

int proc_mountinfo_show(struct seq *s, const struct pseudo_inode *i)
{
    struct listing l = {.s = s};
    (void)i;
    return vfs_for_each_mount(mountinfo_one, &l);
}
