/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Untrusted memory: all that lies outside ELRANGE. Each address that the host names is checked for
 * that. Data is copied, once; nothing is ever parsed in place.
 *
 * A bounce buffer belongs to its holder until put; the allocator's bookkeeping is in trusted
 * memory.
 */
#ifndef KERNEL_OCALL_HOSTMEM_H
#define KERNEL_OCALL_HOSTMEM_H

#include "kernel/types.h"

#define HOSTBUF_SIZE (256UL * 1024) /* the largest single bounce buffer */

/* A bounce buffer of n <= HOSTBUF_SIZE bytes; waits for a free one (may sleep). Never fails. */
haddr_t hostbuf_get(size_t n);
void hostbuf_put(haddr_t buf, size_t n);

/* Likewise of HOST_LINK_MAX bytes, to be kept as long as a link is: there are SATELLITE_MAX. */
haddr_t hostbuf_link_get(void);
void hostbuf_link_put(haddr_t buf);

/* Panic when the range is not untrusted memory: the kernel's own error. */
void host_in(void *dst, haddr_t src, size_t n);
void host_out(haddr_t dst, const void *src, size_t n);
/* True when [addr, addr+n) lies wholly outside ELRANGE and in the canonical lower half (or is
 * empty): what the host names must. */
MUST_CHECK bool host_range_ok(haddr_t addr, size_t n);

/* Boot: makes the area (checked) the pool of bounce buffers; false: too small. */
bool hostbuf_init(haddr_t area, size_t n);

#endif
