/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a read puts its data, or a write takes it from: segments of program memory, or kernel
 * memory.  File operations move data with uio_put / uio_get only and need not know which it is.
 * A fault in the middle leaves `done` at what was moved.
 */
#ifndef KERNEL_VFS_UIO_H
#define KERNEL_VFS_UIO_H

#include "kernel/types.h"

struct uio_seg {
    uint64_t base; /* uaddr_t, or a kernel pointer when uio.kernel */
    size_t len;
};

struct uio {
    const struct uio_seg *seg; /* the segment that is next */
    size_t nseg;               /* that are left */
    size_t seg_off;            /* moved of the next segment */
    size_t left;               /* bytes that can still be moved */
    size_t done;               /* bytes moved */
    bool kernel;
    bool locked; /* no fault may be served now: one ends the move with -EFAULT, see uio_fault_in */
};

void uio_init_user(struct uio *u, const struct uio_seg *seg, size_t nseg);
/* One segment; *store must live as long as the uio. */
void uio_init_one(struct uio *u, struct uio_seg *store, uaddr_t base, size_t len);
void uio_init_kernel(struct uio *u, struct uio_seg *store, void *buf, size_t len);

/* Move up to n bytes (and at most u->left): 0 or -EFAULT; how many is the growth of u->done. */
MUST_CHECK int uio_put(struct uio *u, const void *src, size_t n);  /* a read: kernel -> uio */
MUST_CHECK int uio_get(struct uio *u, void *dst, size_t n);        /* a write: uio -> kernel */
MUST_CHECK int uio_put_host(struct uio *u, haddr_t src, size_t n); /* a read: host -> uio */
MUST_CHECK int uio_get_host(struct uio *u, haddr_t dst, size_t n); /* a write: uio -> host */
MUST_CHECK int uio_zero(struct uio *u, size_t n);
/* After -EFAULT from a locked move, without the lock: brings in the page that is next, to be written
 * (a read(2)) or read.  0: it can be tried again. */
MUST_CHECK int uio_fault_in(const struct uio *u, bool write);
/* Advances by n <= u->left bytes that somebody else has moved. */
void uio_skip(struct uio *u, size_t n);

#endif
