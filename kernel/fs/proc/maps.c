/* SPDX-License-Identifier: Apache-2.0 */
/* maps, smaps, smaps_rollup: the regions of an address space. */
#include <linux/mman.h>

#include "kernel/fs/proc/proc_impl.h"
#include "kernel/satellite/satellite.h"

#define NAME_COLUMN 73

struct totals {
    struct seq *s;
    unsigned long size, rss, priv;
    bool details;
};

static unsigned long kib(uint64_t bytes)
{
    return (unsigned long)(bytes / 1024);
}

static void name_show(struct seq *s, size_t line_start, const char *name, size_t len)
{
    if (!len)
        return;
    do
        seq_puts(s, " ");
    while (!s->err && s->len - line_start < NAME_COLUMN);
    seq_escape(s, name, len, "\n");
}

static void region_name_show(struct seq *s, size_t line_start, const struct mm_region_info *r)
{
    if (!r->file) {
        if (r->name)
            name_show(s, line_start, r->name, strlen(r->name));
        return;
    }
    if (!r->file->dentry) {
        if (r->file->name)
            name_show(s, line_start, r->file->name, strlen(r->file->name));
        return;
    }
    char *path = kmalloc(PATH_MAX);
    int64_t n = path ? proc_dentry_link(r->file->dentry, path, PATH_MAX) : 0;
    if (n > 0)
        name_show(s, line_start, path, (size_t)n);
    kfree(path);
}

static int map_line(struct seq *s, const struct mm_region_info *r)
{
    size_t start = s->len;
    const struct inode *i = r->file ? r->file->inode : NULL;
    uint64_t dev = i && i->dev ? i->dev : i && i->super ? i->super->dev : 0;
    bool shared =
        (r->flags & MAP_TYPE) == MAP_SHARED || (r->flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
    seq_printf(s, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu", (unsigned long)r->start,
               (unsigned long)r->end, r->prot & MM_READ ? 'r' : '-', r->prot & MM_WRITE ? 'w' : '-',
               r->prot & MM_EXEC ? 'x' : '-', shared ? 's' : 'p', i ? (unsigned long)r->off : 0UL,
               (unsigned)(dev >> 8) & 0xfff,
               (unsigned)(dev & 0xff) | (unsigned)(dev >> 12 & ~0xffUL),
               i ? (unsigned long)i->ino : 0UL);
    region_name_show(s, start, r);
    seq_puts(s, "\n");
    return s->err;
}

static int map_one(const struct mm_region_info *r, void *arg)
{
    return map_line(arg, r);
}

static void amounts_show(struct seq *s, unsigned long rss, unsigned long priv)
{
    seq_printf(s, "Rss:            %8lu kB\nPss:            %8lu kB\n", rss, rss);
    seq_printf(s, "Shared_Clean:          0 kB\nShared_Dirty:          0 kB\n");
    seq_printf(s, "Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n", rss - priv, priv);
    seq_printf(s, "Referenced:     %8lu kB\nAnonymous:      %8lu kB\n", rss, priv);
    seq_puts(
        s, "AnonHugePages:         0 kB\nSwap:                  0 kB\nSwapPss:               0 kB\n"
           "Locked:                0 kB\n");
}

static int smap_one(const struct mm_region_info *r, void *arg)
{
    struct totals *t = arg;
    unsigned long size = kib(r->end - r->start), rss = kib(r->resident * PAGE_SIZE);
    unsigned long priv = r->prot & MM_WRITE || !r->file ? rss : 0;
    t->size += size;
    t->rss += rss;
    t->priv += priv;
    if (!t->details)
        return 0;
    map_line(t->s, r);
    seq_printf(
        t->s, "Size:           %8lu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n",
        size);
    amounts_show(t->s, rss, priv);
    seq_printf(t->s, "VmFlags:%s%s%s mr mw me\n", r->prot & MM_READ ? " rd" : "",
               r->prot & MM_WRITE ? " wr" : "", r->prot & MM_EXEC ? " ex" : "");
    return t->s->err;
}

static int each(const struct pseudo_inode *i, int (*fn)(const struct mm_region_info *, void *),
                void *arg)
{
    struct process *p = proc_process(i);
    if (!p)
        return -ESRCH;
    int ret = satellite_recall(p);
    if (!ret && p->mm)
        ret = mm_for_each(p->mm, fn, arg);
    process_put(p);
    return ret;
}

int proc_maps_show(struct seq *s, const struct pseudo_inode *i)
{
    return each(i, map_one, s);
}

int proc_smaps_show(struct seq *s, const struct pseudo_inode *i)
{
    struct totals t = {.s = s, .details = true};
    return each(i, smap_one, &t);
}

int proc_smaps_rollup_show(struct seq *s, const struct pseudo_inode *i)
{
    struct totals t = {.s = s};
    int err = each(i, smap_one, &t);
    if (err)
        return err;
    seq_puts(s,
             "00010000-ffffffffff ---p 00000000 00:00 0                                [rollup]\n");
    amounts_show(s, t.rss, t.priv);
    return 0;
}
