/* SPDX-License-Identifier: Apache-2.0 */
/* Pseudo-terminals, for those who make files of them: /dev. */
#ifndef KERNEL_FS_TTY_PTY_H
#define KERNEL_FS_TTY_PTY_H

#include "kernel/types.h"

struct file;

/* /dev/ptmx was opened: a new pair's master, its slave locked and named in /dev/pts. */
MUST_CHECK int pty_open_master(uint32_t flags, struct file **out);
/* /dev/tty: the controlling terminal once more; -ENXIO without one. */
MUST_CHECK int tty_open_current(uint32_t flags, struct file **out);

/* How many pairs there are, and how many at most. */
unsigned pty_count(void);
#define PTY_MAX 4096U

/* The file system of the slaves' names; called by fs_init. */
void devpts_fs_init(void);

#endif
