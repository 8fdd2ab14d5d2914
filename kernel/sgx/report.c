/* SPDX-License-Identifier: Apache-2.0 */
/* EREPORT wants its operands aligned and in the enclave: they are copied to the stack. */
#include "kernel/sgx/report.h"

#include "kernel/sgx/enclu.h"
#include "lib/string.h"

void sgx_ereport(const struct sgx_targetinfo *target, const uint8_t data[64],
                 struct sgx_report *out)
{
    struct sgx_targetinfo t = *target;
    struct sgx_report r;
    uint8_t d[64] __attribute__((aligned(128)));

    memcpy(d, data, sizeof(d));
    memset(&r, 0, sizeof(r));
    enclu(ENCLU_EREPORT, &t, (uint64_t)d, (uint64_t)&r);
    *out = r;
}
