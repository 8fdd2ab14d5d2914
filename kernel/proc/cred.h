/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What credentials allow.  They are bookkeeping: every program of an enclave can do what the
 * enclave can do.
 */
#ifndef KERNEL_PROC_CRED_H
#define KERNEL_PROC_CRED_H

#include "kernel/proc/process.h"

bool cred_in_group(const struct creds *c, uint32_t gid);
/* execve's check on a file's mode and owner. */
bool cred_may_exec(const struct creds *c, uint32_t mode, uint32_t uid, uint32_t gid);

#endif
