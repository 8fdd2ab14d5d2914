/* SPDX-License-Identifier: Apache-2.0 */
/* EGETKEY: secrets that only this CPU and this enclave can have (SDM vol. 3D, 38.17 and 41). */
#ifndef KERNEL_SGX_KEY_H
#define KERNEL_SGX_KEY_H

#include "kernel/types.h"

#define SGX_KEY_SIZE 16

/*
 * The seal key named by keyid: the same for each enclave with this MRENCLAVE, these attributes (DEBUG
 * among them), XFRM and security versions on this machine, and for nobody else.  0, or -EIO when the
 * CPU refuses, and out is as it was.
 */
MUST_CHECK int sgx_seal_key(const uint8_t keyid[32], uint8_t out[SGX_KEY_SIZE]);

#endif
