/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meminfo, vmstat: the enclave's memory.  Free is what may still come in and what is in but spare; cached is what
 * can be read again, and tmpfs; the kernel's heap, without its caches, is slab; the rest is anonymous.
 */
#include "kernel/fs/pagecache.h"
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/pagemap.h"

struct amounts { /* in pages */
    size_t total, free, available, cached, shared, slab, anon;
};

static void amounts_read(struct amounts *a)
{
    size_t heap, heap_free, cache = pagecache_pages(), clean = pagemap_count(PAGEMAP_CLEAN);
    size_t spare = pagemap_spare(), used = epage_count();

    heap_stat(&heap, &heap_free);
    a->total = epage_limit();
    a->free = a->total - MIN(used, a->total) + spare + heap_free;
    a->shared = tmpfs_pages();
    a->cached = cache + clean + a->shared;
    a->available = MIN(a->free + cache + clean, a->total);
    a->slab = heap - MIN(heap, heap_free + cache);
    size_t known = spare + heap + clean;
    a->anon = used - MIN(used, known);
}

static void kib_show(struct seq *s, const char *name, size_t pages)
{
    seq_printf(s, "%-15s %8lu kB\n", name, (unsigned long)pages * (PAGE_SIZE / 1024));
}

int proc_meminfo_show(struct seq *s, const struct pseudo_inode *i)
{
    struct amounts a;
    (void)i;
    amounts_read(&a);
    kib_show(s, "MemTotal:", a.total);
    kib_show(s, "MemFree:", a.free);
    kib_show(s, "MemAvailable:", a.available);
    kib_show(s, "Buffers:", 0);
    kib_show(s, "Cached:", a.cached);
    kib_show(s, "SwapCached:", 0);
    kib_show(s, "Active:", a.anon + a.cached);
    kib_show(s, "Inactive:", 0);
    kib_show(s, "Active(anon):", a.anon + a.shared);
    kib_show(s, "Inactive(anon):", 0);
    kib_show(s, "Active(file):", a.cached - a.shared);
    kib_show(s, "Inactive(file):", 0);
    kib_show(s, "Unevictable:", 0);
    kib_show(s, "Mlocked:", 0);
    kib_show(s, "SwapTotal:", 0);
    kib_show(s, "SwapFree:", 0);
    kib_show(s, "Dirty:", 0);
    kib_show(s, "Writeback:", 0);
    kib_show(s, "AnonPages:", a.anon);
    kib_show(s, "Mapped:", pagemap_count(PAGEMAP_CLEAN));
    kib_show(s, "Shmem:", a.shared);
    kib_show(s, "KReclaimable:", 0);
    kib_show(s, "Slab:", a.slab);
    kib_show(s, "SReclaimable:", 0);
    kib_show(s, "SUnreclaim:", a.slab);
    kib_show(s, "KernelStack:", threads_count() * 4);
    kib_show(s, "PageTables:", 0);
    kib_show(s, "CommitLimit:", a.total);
    kib_show(s, "Committed_AS:", a.anon + a.shared);
    seq_puts(s, "VmallocTotal:   34359738367 kB\n");
    kib_show(s, "VmallocUsed:", 0);
    kib_show(s, "AnonHugePages:", 0);
    seq_puts(s, "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\n"
                "HugePages_Surp:        0\nHugepagesize:       2048 kB\n");
    kib_show(s, "Hugetlb:", 0);
    return 0;
}

int proc_vmstat_show(struct seq *s, const struct pseudo_inode *i)
{
    struct amounts a;
    (void)i;
    amounts_read(&a);
    seq_printf(s, "nr_free_pages %lu\nnr_anon_pages %lu\nnr_mapped %lu\nnr_file_pages %lu\n",
               (unsigned long)a.free, (unsigned long)a.anon,
               (unsigned long)pagemap_count(PAGEMAP_CLEAN), (unsigned long)a.cached);
    seq_printf(s,
               "nr_dirty 0\nnr_writeback 0\nnr_shmem %lu\npgpgin 0\npgpgout 0\npswpin 0\n"
               "pswpout 0\npgfault 0\npgmajfault 0\n",
               (unsigned long)a.shared);
    return 0;
}
