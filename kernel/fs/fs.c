/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration of the kinds and the mounts of the configuration.
 */
#include "kernel/fs/fs.h"

#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "abi/config/config.h"
#include "kernel/boot/args.h"
#include "kernel/fs/tty/pty.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/kernel.h"
#include "kernel/vfs/vfs.h"
#include "lib/config.h"
#include "lib/string.h"

#define MQUEUE_PATH "/dev/mqueue"

static const struct config *the_config; /* [I] after fs_init */
static bool complained;                 /* [a] */
static uint64_t last_dev = 32; /* [a] clear of the small numbers that ids of pseudo files use */

const struct config *fs_config(void)
{
    return the_config;
}

uint64_t fs_dev_new(void)
{
    return __atomic_add_fetch(&last_dev, 1, __ATOMIC_RELAXED);
}

bool fs_complained(void)
{
    return __atomic_load_n(&complained, __ATOMIC_RELAXED);
}

void fs_complain_once(void)
{
    __atomic_store_n(&complained, true, __ATOMIC_RELAXED);
}

unsigned fs_cpu_count(void)
{
    return MAX(kernel.boot_args->ncpu, 1U);
}

void fs_stat_fill(struct statx *st, const struct inode *i, uint32_t nlink, int64_t size)
{
    st->stx_mask = STATX_BASIC_STATS;
    st->stx_blksize = 4096;
    st->stx_nlink = nlink;
    st->stx_mode = (uint16_t)i->mode;
    st->stx_ino = i->ino;
    st->stx_size = (uint64_t)size;
    st->stx_blocks = ((uint64_t)size + 511) / 512;
    st->stx_rdev_major = (uint32_t)(i->rdev >> 8) & 0xfff;
    st->stx_rdev_minor = (uint32_t)((i->rdev & 0xff) | (i->rdev >> 12 & ~0xffU));
    st->stx_dev_major = (uint32_t)(i->super->dev >> 8) & 0xfff;
    st->stx_dev_minor = (uint32_t)(i->super->dev & 0xff);
}

int fs_mmap_check(struct file *f, unsigned prot, unsigned flags)
{
    if (!FMODE_READ(f))
        return -EACCES;
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    if (shared && (prot & PROT_WRITE) && !FMODE_WRITE(f))
        return -EACCES;
    return 0;
}

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {
        [CONFIG_MOUNT_HOST] = "host",   [CONFIG_MOUNT_TRUSTED] = "trusted",
        [CONFIG_MOUNT_TMPFS] = "tmpfs", [CONFIG_MOUNT_DEV] = "devtmpfs",
        [CONFIG_MOUNT_PROC] = "proc",   [CONFIG_MOUNT_SYS] = "sysfs",
    };
    return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "none";
}

static int mount_one(const char *type, const char *source, const char *path)
{
    int err = vfs_mount(type, source, path, 0);
    if (err)
        log_warn("cannot mount %s%s%s at %s: error %d", type, source ? " " : "",
                 source ? source : "", path, -err);
    return err;
}

static bool configured(const struct config *c, const char *path)
{
    for (uint32_t i = 0; i < c->head->mounts.count; i++)
        if (!strcmp(config_string(c, c->mounts[i].path), path))
            return true;
    return false;
}

/* Pairs of terminals go with our own /dev/ptmx. */
static bool foreign(const struct config *c, const char *type)
{
    for (uint32_t i = 0; i < c->head->mounts.count; i++)
        if (!strcmp(config_string(c, c->mounts[i].path), "/dev") &&
            c->mounts[i].kind != CONFIG_MOUNT_DEV)
            return !strcmp(type, "devpts");
    return false;
}

/* What every program expects. */
static int mount_defaults(const struct config *c)
{
    static const struct {
        const char *type, *path;
    } defaults[] = {
        {"proc", "/proc"}, {"devtmpfs", "/dev"},  {"devpts", "/dev/pts"},
        {"sysfs", "/sys"}, {"tmpfs", "/dev/shm"}, {"mqueue", MQUEUE_PATH},
    };
    for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
        if (configured(c, defaults[i].path) || foreign(c, defaults[i].type))
            continue;
        int err = mount_one(defaults[i].type, NULL, defaults[i].path);
        if (err)
            return err;
    }
    /* Queues have names even where the configuration has something else at that place. */
    return configured(c, MQUEUE_PATH) ? vfs_mount_hidden("mqueue") : 0;
}

static void kinds_init(void)
{
    host_fs_init();
    trusted_fs_init();
    tmpfs_fs_init();
    dev_fs_init();
    devpts_fs_init();
    proc_fs_init();
    sys_fs_init();
    mqueue_fs_init();
}

int fs_init(struct config *config)
{
    int err = trusted_table_open(config);
    if (err)
        return err;
    the_config = config;
    kinds_init();
    for (uint32_t i = 0; i < config->head->mounts.count; i++) {
        const struct config_mount *m = &config->mounts[i];
        err = mount_one(kind_name(m->kind), config_string(config, m->source),
                        config_string(config, m->path));
        if (err)
            return err;
    }
    return mount_defaults(config);
}
