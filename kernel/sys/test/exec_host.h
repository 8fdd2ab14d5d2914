/* SPDX-License-Identifier: Apache-2.0 */
/* What test_patch.c needs of the C library, whose headers do not go with the kernel's. */
#ifndef KERNEL_SYS_TEST_EXEC_HOST_H
#define KERNEL_SYS_TEST_EXEC_HOST_H

#include <stddef.h>
#include <stdint.h>

/*
 * Memory that can be written and executed, somewhere near `near` (0: anywhere); NULL: there is
 * none.
 */
uint8_t *host_map_exec(uint64_t near, size_t size);
void host_set_gs(void *gs);
void *host_alloc(size_t n);
void host_free(void *p);

#endif
