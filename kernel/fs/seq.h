/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that grows: how /proc and /sys make their files.  The first failure sticks (err) and later
 * writes do nothing, so that callers check once at the end.
 */
#ifndef KERNEL_FS_SEQ_H
#define KERNEL_FS_SEQ_H

#include "kernel/types.h"

#define SEQ_MAX (16UL << 20) /* a longer text is -EFBIG */

struct seq {
    char *buf; /* not NUL-terminated; NULL while empty */
    size_t len, room;
    int err;
};

void seq_init(struct seq *s);
void seq_fini(struct seq *s);
void seq_write(struct seq *s, const void *data, size_t n);
void seq_puts(struct seq *s, const char *text);
void seq_printf(struct seq *s, const char *fmt, ...) PRINTF(2, 3);
/* The bytes of text, with those in `special` (and '\\') as \ooo: paths in mounts and maps. */
void seq_escape(struct seq *s, const char *text, size_t n, const char *special);

#endif
