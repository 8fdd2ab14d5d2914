/* SPDX-License-Identifier: Apache-2.0 */
/* /sys: the few files that run-time libraries read to learn about CPUs and huge pages. */
#include <linux/errno.h>
#include <linux/stat.h>

#include "kernel/fs/fs.h"
#include "kernel/fs/pseudo.h"
#include "kernel/kernel.h"
#include "lib/format.h"
#include "lib/string.h"

#define SYSFS_MAGIC_ 0x62656572UL
#define DT_DIR_ 4

static int cpu_range_show(struct seq *s, const struct pseudo_inode *i)
{
    unsigned n = fs_cpu_count();
    (void)i;
    if (n > 1)
        seq_printf(s, "0-%u\n", n - 1);
    else
        seq_puts(s, "0\n");
    return 0;
}

static int kernel_max_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "255\n");
    return 0;
}

/* Enclave pages are not huge pages, whatever the host backs them with. */
static int thp_enabled_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "always madvise [never]\n");
    return 0;
}

static int thp_size_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "2097152\n");
    return 0;
}

/* A CPU's directory: each is a core of its own in one package. Its number is the key's fd. */
static int cpu_number_show(struct seq *s, const struct pseudo_inode *i)
{
    seq_printf(s, "%d\n", i->key.fd);
    return 0;
}

static int package_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    seq_puts(s, "0\n");
    return 0;
}

/* CPUs [first, end) as bits: groups of 32, the highest first, the first group as wide as it needs to be. */
static void mask_put(struct seq *s, unsigned first, unsigned end)
{
    unsigned n = fs_cpu_count();
    for (unsigned low = ALIGN_DOWN(n - 1, 32U);; low -= 32) {
        uint32_t bits = 0;
        for (unsigned i = MAX(first, low); i < MIN(end, low + 32); i++)
            bits |= 1U << (i - low);
        seq_printf(s, "%0*x", n - low < 32 ? (int)(n - low + 3) / 4 : 8, bits);
        seq_puts(s, low ? "," : "\n");
        if (!low)
            break;
    }
}

static int thread_mask_show(struct seq *s, const struct pseudo_inode *i)
{
    mask_put(s, (unsigned)i->key.fd, (unsigned)i->key.fd + 1);
    return 0;
}

static int core_mask_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    mask_put(s, 0, fs_cpu_count());
    return 0;
}

static const struct pseudo_entry topology_entries[] = {
    PSEUDO_FILE("thread_siblings", thread_mask_show),
    PSEUDO_FILE("core_siblings", core_mask_show),
    PSEUDO_FILE("core_id", cpu_number_show),
    PSEUDO_FILE("physical_package_id", package_show),
    PSEUDO_FILE("thread_siblings_list", cpu_number_show),
    PSEUDO_FILE("core_siblings_list", cpu_range_show),
    PSEUDO_END,
};
static const struct pseudo_entry one_cpu_entries[] = {PSEUDO_DIR("topology", topology_entries),
                                                      PSEUDO_END};
static const struct pseudo_entry one_cpu = PSEUDO_DIR("cpu", one_cpu_entries);

static int cpu_find(struct pseudo_inode *dir, const char *name, struct inode **out)
{
    int n = strncmp(name, "cpu", 3) ? -1 : pseudo_number(name + 3);
    if (n < 0 || (unsigned)n >= fs_cpu_count())
        return -ENOENT;
    return pseudo_inode_new(dir->inode.super, &one_cpu, (struct pseudo_key){.fd = n}, out);
}

static bool cpu_next(const struct pseudo_inode *dir, int *n, char name[PSEUDO_NAME_MAX])
{
    (void)dir;
    if ((unsigned)*n >= fs_cpu_count())
        return false;
    snprintf(name, PSEUDO_NAME_MAX, "cpu%d", *n);
    return true;
}

static unsigned cpu_count(const struct pseudo_inode *dir)
{
    (void)dir;
    return fs_cpu_count();
}

static const struct pseudo_entry cpu_entries[] = {
    PSEUDO_FILE("online", cpu_range_show),
    PSEUDO_FILE("possible", cpu_range_show),
    PSEUDO_FILE("present", cpu_range_show),
    PSEUDO_FILE("kernel_max", kernel_max_show),
    PSEUDO_END,
};
static const struct pseudo_entry system_entries[] = {{.name = "cpu",
                                                      .mode = S_IFDIR | 0555,
                                                      .children = cpu_entries,
                                                      .find = cpu_find,
                                                      .next = cpu_next,
                                                      .next_type = DT_DIR_,
                                                      .count = cpu_count},
                                                     PSEUDO_END};
static const struct pseudo_entry devices_entries[] = {PSEUDO_DIR("system", system_entries),
                                                      PSEUDO_END};
static const struct pseudo_entry thp_entries[] = {
    PSEUDO_FILE("enabled", thp_enabled_show),
    PSEUDO_FILE("hpage_pmd_size", thp_size_show),
    PSEUDO_END,
};
static const struct pseudo_entry mm_entries[] = {PSEUDO_DIR("transparent_hugepage", thp_entries),
                                                 PSEUDO_END};
static const struct pseudo_entry kernel_entries[] = {PSEUDO_DIR("mm", mm_entries), PSEUDO_END};
static const struct pseudo_entry root_entries[] = {
    PSEUDO_DIR("devices", devices_entries),
    PSEUDO_DIR("kernel", kernel_entries),
    PSEUDO_END,
};
static const struct pseudo_entry root = PSEUDO_DIR("", root_entries);

static int sys_mount(const char *source, unsigned flags, struct super **out)
{
    (void)source;
    static const struct pseudo_fs sysfs = {
        .type = "sysfs", .magic = SYSFS_MAGIC_, .root = &root, .allowed = pseudo_allowed_strictly};
    return pseudo_super_new(&sysfs, flags, out);
}

void sys_fs_init(void)
{
    static struct fs_type type = {.name = "sysfs", .mount = sys_mount};
    fs_type_register(&type);
}
