/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of file system, and what they share.
 *
 * Each kind registers itself with the VFS by name (fs_type_register).  fs_init registers them all and
 * mounts what the measured configuration says, then what every program expects and the
 * configuration left out: /proc, /dev, /sys, /dev/shm, /dev/mqueue.
 */
#ifndef KERNEL_FS_FS_H
#define KERNEL_FS_FS_H

#include <linux/stat.h>

#include "kernel/types.h"

struct config;
struct file;
struct inode;
struct process;
struct super;

/* Boot, after vfs_init: 0, or -errno after a log line that says which mount failed and why. */
MUST_CHECK int fs_init(struct config *config);
/* The configuration that fs_init was given. */
const struct config *fs_config(void);

/* Each kind's registration; called by fs_init. */
void host_fs_init(void);
/* Forgets what the host has said of names, and closes what was kept open by them. */
void host_said_drop(void);
void trusted_fs_init(void);
/* Boot: the configuration gets its file table.  0, or -errno after a log line. */
MUST_CHECK int trusted_table_open(struct config *c);
void tmpfs_fs_init(void);
void dev_fs_init(void);
void proc_fs_init(void);
void sys_fs_init(void);

/* True when a line about a file that is not what was signed has been printed: no need for another. */
bool fs_complained(void);
void fs_complain_once(void); /* notes that */

/* CPUs that the program sees. */
unsigned fs_cpu_count(void);

/* A device number as struct inode has it. */
#define FS_RDEV(major, minor) \
    (((uint64_t)(minor)&0xff) | (uint64_t)(major) << 8 | ((uint64_t)(minor) & ~0xffUL) << 12)

/* A number for the st_dev of a file system without a host device. */
uint64_t fs_dev_new(void);

/* Fills in a zeroed statx: type and mode, number, links and size; device from the super. Times stay zero. */
void fs_stat_fill(struct statx *st, const struct inode *i, uint32_t nlink, int64_t size);

/* The process whose directory in /proc an open file is, with a reference: 0, -EBADF, or -ESRCH: it is gone. */
MUST_CHECK int proc_process_of_dir(const struct file *f, struct process **out);

/* What mmap asks of any regular file: readable, and writable for a shared writable mapping. */
MUST_CHECK int fs_mmap_check(struct file *f, unsigned prot, unsigned flags);

/* A tmpfs file without a name, of `size` bytes, for shared memory that is no file: a reference.  name
 * (static) shows in /proc/PID/maps. */
MUST_CHECK int tmpfs_anon_file(const char *name, uint64_t size, struct file **out);

/* Pages of memory that tmpfs files have, those without a name too. */
size_t tmpfs_pages(void);

/* The same for a System V segment, whose pages stay when nobody maps them; consumes name, on failure too. */
MUST_CHECK int tmpfs_segment_file(char *name, uint64_t size, struct file **out);

#endif
