/* SPDX-License-Identifier: Apache-2.0 */
/* EGETKEY wants its operands aligned and in the enclave: they are made on the stack. */
#include "kernel/sgx/key.h"

#include <linux/errno.h>

#include "kernel/sgx/enclu.h"
#include "kernel/sgx/report.h"
#include "lib/string.h"

#define KEYNAME_SEAL 4
#define KEYPOLICY_MRENCLAVE 1

struct keyrequest {
    uint16_t keyname, keypolicy, isvsvn;
    uint8_t cet_attributes_mask, reserved1;
    uint8_t cpusvn[16];
    uint64_t attribute_mask, xfrm_mask;
    uint8_t keyid[32];
    uint32_t miscmask;
    uint16_t configsvn;
    uint8_t reserved2[434];
} __attribute__((aligned(512)));

_Static_assert(__builtin_offsetof(struct keyrequest, keyid) == 40, "KEYREQUEST");
_Static_assert(sizeof(struct keyrequest) == 512, "KEYREQUEST");

/* The masks say what the key depends on: all there is, as both who seal and who open are this enclave. */
int sgx_seal_key(const uint8_t keyid[32], uint8_t out[SGX_KEY_SIZE])
{
    static const struct sgx_targetinfo nobody;
    static const uint8_t data[64];
    struct sgx_report self;
    uint8_t key[SGX_KEY_SIZE] __attribute__((aligned(16)));

    sgx_ereport(&nobody, data, &self);
    struct keyrequest r = {
        .keyname = KEYNAME_SEAL,
        .keypolicy = KEYPOLICY_MRENCLAVE,
        .isvsvn = self.isvsvn,
        .attribute_mask = ~0UL,
        .xfrm_mask = ~0UL,
        .miscmask = ~0U,
    };
    memcpy(r.cpusvn, self.cpusvn, sizeof(r.cpusvn));
    memcpy(r.keyid, keyid, sizeof(r.keyid));
    if (enclu(ENCLU_EGETKEY, &r, (uint64_t)key, 0))
        return -EIO;
    memcpy(out, key, sizeof(key));
    memset(key, 0, sizeof(key));
    return 0;
}
