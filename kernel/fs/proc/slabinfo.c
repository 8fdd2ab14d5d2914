/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slabinfo: what the kernel's heap holds, in Linux's form: objects by size, pages that are no objects', kernel
 * stacks.  Kinds that have a count of their own come first, by Linux's names; their memory is in the
 * other lines, too.  Tests see by it that nothing is left behind.
 */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/pagemap.h"
#include "kernel/proc/process.h"
#include "kernel/vfs/vfs_impl.h"

static void line(struct seq *s, const char *name, size_t used, size_t size, size_t slabs)
{
    size_t each = size < PAGE_SIZE ? PAGE_SIZE / size : 1;
    size_t pages = size < PAGE_SIZE ? 1 : size / PAGE_SIZE;

    seq_printf(s, "%-17s %6lu %6lu %6lu %4lu %4lu", name, (unsigned long)used,
               (unsigned long)MAX(used, slabs * each), (unsigned long)size, (unsigned long)each,
               (unsigned long)pages);
    seq_printf(s, " : tunables    0    0    0 : slabdata %6lu %6lu      0\n", (unsigned long)slabs,
               (unsigned long)slabs);
}

static void kinds_show(struct seq *s)
{
    struct pagemap_pieces map = pagemap_pieces();

    line(s, "inode_cache", inodes_count(), sizeof(struct inode), 0);
    line(s, "filp", files_count(), sizeof(struct file), 0);
    line(s, "signal_cache", processes_count(), sizeof(struct process), 0);
    line(s, "page_map_node", map.nodes, PAGE_SIZE, 0);
    line(s, "page_map", map.leaves, map.leaf_size, 0);
    line(s, "task_struct", threads_count(), sizeof(struct thread), 0);
}

int proc_slabinfo_show(struct seq *s, const struct pseudo_inode *i)
{
    size_t heap, heap_free, stacks, stacks_free, objects = 0;
    (void)i;
    seq_puts(s, "slabinfo - version: 2.1\n"
                "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> "
                ": tunables <limit> <batchcount> <sharedfactor> "
                ": slabdata <active_slabs> <num_slabs> <sharedavail>\n");
    kinds_show(s);
    kstack_stat(&stacks, &stacks_free);
    stacks /= KSTACK_SIZE / PAGE_SIZE;
    stacks_free /= KSTACK_SIZE / PAGE_SIZE;
    line(s, "kernel_stack", stacks - stacks_free, KSTACK_SIZE, stacks);
    for (unsigned n = heap_classes(); n-- > 0;) {
        struct heap_class c = heap_class_stat(n);
        char name[32];
        snprintf(name, sizeof(name), "kmalloc-%lu", (unsigned long)c.size);
        line(s, name, c.used, c.size, c.pages);
        objects += c.pages;
    }
    heap_stat(&heap, &heap_free);
    size_t used = heap - heap_free - (stacks - stacks_free) * (KSTACK_SIZE / PAGE_SIZE);
    line(s, "kmalloc-page", used - MIN(objects, used), PAGE_SIZE, heap);
    return 0;
}
