/* SPDX-License-Identifier: Apache-2.0 */
/* What processes there are, for the host. */
#ifndef KERNEL_PROC_ROOT_CONTROL_LIST_H
#define KERNEL_PROC_ROOT_CONTROL_LIST_H

#include "kernel/types.h"

/* Answers the request `id` (HOST_CONTROL_LIST); leaves the enclave. */
void control_list(uint64_t id);

#endif
