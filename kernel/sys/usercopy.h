/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to the program's memory.  A bad address is -EFAULT, never a crash: the copy
 * instructions have entries in a fault-fixup table, and a fault on a page that the region would
 * allow is served (mm_fault) and the copy goes on.  Works on the current process.  May sleep (a
 * fault may read a file), so no spin lock may be held.
 */
#ifndef KERNEL_SYS_USERCOPY_H
#define KERNEL_SYS_USERCOPY_H

#include "kernel/types.h"

/* 0 or -EFAULT; what was copied before a fault stays copied. */
MUST_CHECK int copy_in(void *dst, uaddr_t src, size_t n);
MUST_CHECK int copy_out(uaddr_t dst, const void *src, size_t n);
MUST_CHECK int zero_out(uaddr_t dst, size_t n);
/* Bytes not copied (0: all); for reads and writes that return a short count. */
MUST_CHECK size_t copy_in_partial(void *dst, uaddr_t src, size_t n);
MUST_CHECK size_t copy_out_partial(uaddr_t dst, const void *src, size_t n);
/* The same without serving faults, for those who hold a lock that serving one might need: what is not in
 * memory ends it. */
MUST_CHECK size_t copy_in_present(void *dst, uaddr_t src, size_t n);
MUST_CHECK size_t copy_out_present(uaddr_t dst, const void *src, size_t n);
MUST_CHECK size_t zero_out_present(uaddr_t dst, size_t n); /* bytes not zeroed */
/* … and brings it in, to be read or written: 0 or -EFAULT. */
MUST_CHECK int user_fault_in(uaddr_t addr, bool write);
/* Between host memory (already proven untrusted by hostmem.c) and the program. */
MUST_CHECK size_t copy_out_host(uaddr_t dst, haddr_t src, size_t n);
MUST_CHECK size_t copy_in_host(haddr_t dst, uaddr_t src, size_t n);
/* A string of at most size-1 bytes + NUL: its length, -EFAULT, or -ENAMETOOLONG. */
MUST_CHECK long copy_in_str(char *dst, uaddr_t src, size_t size);
/* Atomic access to an aligned word of the program; 0 or -EFAULT (-EINVAL unaligned). */
MUST_CHECK int user_load32(uaddr_t addr, uint32_t *val);
MUST_CHECK int user_store32(uaddr_t addr, uint32_t val);
/* *old: in what is expected, out what was found. */
MUST_CHECK int user_cmpxchg32(uaddr_t addr, uint32_t *old, uint32_t new_val);
/* True when [a, a+n) lies within the program's part of ELRANGE (says nothing of mappings). */
bool user_range_ok(uaddr_t a, size_t n);

#endif
