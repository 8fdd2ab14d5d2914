/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a new program's parts go.  Random unless the configuration or personality(2) says
 * otherwise; the random bits are the CPU's.  The host sees page-granular addresses through the
 * page faults it serves, so this defends against the program's input, not against the host.
 */
#ifndef KERNEL_PROC_EXEC_ASLR_H
#define KERNEL_PROC_EXEC_ASLR_H

#include "kernel/types.h"

/*
 * How far below the end of the main stack (mm_stack_top) the stack's contents start: less than a
 * page, a multiple of 16.
 */
size_t aslr_stack_shift(void);
/* The program break's start for an image that ends at `end` (page aligned); fixed: it is linked for there. */
uaddr_t aslr_brk(uaddr_t end, bool fixed);

#endif
