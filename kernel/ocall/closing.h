/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that close with the next exit: what hostcall.c needs of it.  The rest is in ocall.h. */
#ifndef KERNEL_OCALL_CLOSING_H
#define KERNEL_OCALL_CLOSING_H

#include "abi/host/start.h"
#include "kernel/types.h"

/* Puts what is to be closed in the shared block; all: also what could still be had back. */
void closing_send(volatile struct host_vcpu *h, bool all);

#endif
