/* SPDX-License-Identifier: Apache-2.0 */
/* Boot's part of the ring. */
#ifndef KERNEL_OCALL_RING_IMPL_H
#define KERNEL_OCALL_RING_IMPL_H

#include "abi/host/start.h"
#include "kernel/types.h"

/* Checks and registers the host's ring; false when it is not one. */
bool ring_init(const struct host_ring *r);

#endif
