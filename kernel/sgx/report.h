/* SPDX-License-Identifier: Apache-2.0 */
/* EREPORT: the enclave's identity as the CPU knows it (SDM vol. 3D, 38.15 and 38.16). */
#ifndef KERNEL_SGX_REPORT_H
#define KERNEL_SGX_REPORT_H

#include "kernel/types.h"

struct sgx_report {
    uint8_t cpusvn[16];
    uint32_t miscselect;
    uint8_t cet_attributes, reserved1[11];
    uint8_t isvextprodid[16];
    uint64_t attributes, xfrm;
    uint8_t mrenclave[32], reserved2[32];
    uint8_t mrsigner[32], reserved3[32];
    uint8_t configid[64];
    uint16_t isvprodid, isvsvn, configsvn;
    uint8_t reserved4[42], isvfamilyid[16];
    uint8_t reportdata[64];
    uint8_t keyid[32], mac[16];
} __attribute__((aligned(512)));

struct sgx_targetinfo {
    uint8_t mrenclave[32];
    uint64_t attributes, xfrm;
    uint8_t cet_attributes, reserved1;
    uint16_t configsvn;
    uint32_t miscselect;
    uint8_t reserved2[8], configid[64], reserved3[384];
} __attribute__((aligned(512)));

_Static_assert(__builtin_offsetof(struct sgx_report, mac) == 416, "REPORT");
_Static_assert(sizeof(struct sgx_targetinfo) == 512, "TARGETINFO");

#define SGX_ATTR_DEBUG 2UL

/* A report for `target` with 64 bytes of data. */
void sgx_ereport(const struct sgx_targetinfo *target, const uint8_t data[64],
                 struct sgx_report *out);

#endif
