/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving data between the kernel (or the host) and the segments of a read or write.  All five
 * movers are one loop over segments with a different copy at its heart.  The invariant: left is
 * never more than what the segments still hold, so the loop cannot run off their end.
 */
#include "kernel/vfs/uio.h"

#include <linux/errno.h>

#include "kernel/ocall/hostmem.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

enum uio_kind { PUT, GET, PUT_HOST, GET_HOST, ZERO };

void uio_init_user(struct uio *u, const struct uio_seg *seg, size_t nseg)
{
    *u = (struct uio){.seg = seg, .nseg = nseg};
    for (size_t i = 0; i < nseg; i++)
        u->left += seg[i].len;
}

void uio_init_one(struct uio *u, struct uio_seg *store, uaddr_t base, size_t len)
{
    store->base = base;
    store->len = len;
    *u = (struct uio){.seg = store, .nseg = 1, .left = len};
}

void uio_init_kernel(struct uio *u, struct uio_seg *store, void *buf, size_t len)
{
    uio_init_one(u, store, (uintptr_t)buf, len);
    u->kernel = true;
}

/* Moves n bytes of kernel memory; `other` is the other side. All are moved. */
static void move_kernel(enum uio_kind kind, void *mem, uint64_t other, size_t n)
{
    switch (kind) {
    case PUT: memcpy(mem, (const void *)other, n); break;
    case GET: memcpy((void *)other, mem, n); break;
    case PUT_HOST: host_in(mem, other, n); break;
    case GET_HOST: host_out(other, mem, n); break;
    case ZERO: memset(mem, 0, n); break;
    }
}

static size_t move_present(enum uio_kind kind, uaddr_t mem, uint64_t other, size_t n)
{
    switch (kind) {
    case PUT: return copy_out_present(mem, (const void *)other, n);
    case GET: return copy_in_present((void *)other, mem, n);
    case ZERO: return zero_out_present(mem, n);
    default: return n; /* nobody moves the host's data with a lock held */
    }
}

/* Returns what was NOT moved. */
static inline size_t move_user(enum uio_kind kind, uaddr_t mem, uint64_t other, size_t n)
{
    switch (kind) {
    case PUT: return copy_out_partial(mem, (const void *)other, n);
    case GET: return copy_in_partial((void *)other, mem, n);
    case PUT_HOST: return copy_out_host(mem, other, n);
    case GET_HOST: return copy_in_host(other, mem, n);
    case ZERO: break;
    }
    return zero_out(mem, n) ? n : 0;
}

static void uio_advance(struct uio *u, size_t n)
{
    u->seg_off += n;
    u->left -= n;
    u->done += n;
    while (u->nseg && u->seg_off == u->seg->len) {
        u->seg++;
        u->nseg--;
        u->seg_off = 0;
    }
}

static inline __attribute__((always_inline)) int uio_move(struct uio *u, enum uio_kind kind,
                                                          uint64_t other, size_t n)
{
    n = MIN(n, u->left);
    while (n) {
        uint64_t mem = u->seg->base + u->seg_off;
        size_t part = MIN(n, u->seg->len - u->seg_off);
        size_t missing = 0;
        if (unlikely(u->kernel))
            move_kernel(kind, (void *)mem, other, part);
        else if (unlikely(u->locked))
            missing = move_present(kind, mem, other, part);
        else
            missing = move_user(kind, mem, other, part);
        uio_advance(u, part - missing);
        if (unlikely(missing))
            return -EFAULT;
        other += part;
        n -= part;
    }
    return 0;
}

int uio_put(struct uio *u, const void *src, size_t n)
{
    return uio_move(u, PUT, (uintptr_t)src, n);
}

int uio_get(struct uio *u, void *dst, size_t n)
{
    return uio_move(u, GET, (uintptr_t)dst, n);
}

int uio_put_host(struct uio *u, haddr_t src, size_t n)
{
    return uio_move(u, PUT_HOST, src, n);
}

int uio_get_host(struct uio *u, haddr_t dst, size_t n)
{
    return uio_move(u, GET_HOST, dst, n);
}

int uio_zero(struct uio *u, size_t n)
{
    return uio_move(u, ZERO, 0, n);
}

int uio_fault_in(const struct uio *u, bool write)
{
    if (u->kernel || !u->nseg)
        return -EFAULT;
    return user_fault_in(u->seg->base + u->seg_off, write);
}

void uio_skip(struct uio *u, size_t n)
{
    while (n) {
        size_t part = MIN(n, u->seg->len - u->seg_off);
        uio_advance(u, part);
        n -= part;
    }
}
