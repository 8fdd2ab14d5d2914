/* SPDX-License-Identifier: Apache-2.0 */
/* /sys: the few files that run-time libraries read to learn about CPUs and huge pages. */
#include "kernel/fs/fs.h"
#include "kernel/fs/pseudo.h"
#include "kernel/kernel.h"

#define SYSFS_MAGIC_ 0x62656572UL

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

static const struct pseudo_entry cpu_entries[] = {
    PSEUDO_FILE("online", cpu_range_show),
    PSEUDO_FILE("possible", cpu_range_show),
    PSEUDO_FILE("present", cpu_range_show),
    PSEUDO_FILE("kernel_max", kernel_max_show),
    PSEUDO_END,
};
static const struct pseudo_entry system_entries[] = {PSEUDO_DIR("cpu", cpu_entries), PSEUDO_END};
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
