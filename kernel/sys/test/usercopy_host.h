/* SPDX-License-Identifier: Apache-2.0 */
/* What test_usercopy.c needs of the C library, whose headers do not go with the kernel's. */
#ifndef KERNEL_SYS_TEST_USERCOPY_HOST_H
#define KERNEL_SYS_TEST_USERCOPY_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets %gs and maps `size` bytes; NULL when that fails.  The two words are where a fault is noted.
 */
uint8_t *host_setup(void *gs, size_t size, uint64_t *fault_addr, uint64_t *fault_error);
/* A SIGSEGV handler that does what stage one does.  For each test: cmocka sets its own. */
void host_catch_faults(void);
/* Makes a page accessible or not. */
void host_open(void *page, bool open);

#endif
