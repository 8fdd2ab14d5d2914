/* SPDX-License-Identifier: Apache-2.0 */
/* /proc: placeholder mount with an empty root. */
#include "kernel/fs/fs.h"
#include "kernel/fs/pseudo.h"

static const struct pseudo_entry root_entries[] = {PSEUDO_END};
static const struct pseudo_entry root = PSEUDO_DIR("", root_entries);

static int proc_mount(const char *source, unsigned flags, struct super **out)
{
    (void)source;
    return pseudo_super_new("proc", 0x9fa0, &root, flags, out);
}

void proc_fs_init(void)
{
    static struct fs_type type = {.name = "proc", .mount = proc_mount};
    fs_type_register(&type);
}
