/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDRAND is the one source of randomness: it is inside the CPU's boundary, which the enclave trusts
 * anyway.  A failing RDRAND must stop the enclave; a predictable one is worse than none.
 */
#include "kernel/sgx/random.h"

#include "kernel/kernel.h"
#include "lib/string.h"

uint64_t random_u64(void)
{
    for (int tries = 0; tries < 10; tries++) {
        uint64_t v;
        bool ok;
        __asm__ volatile("rdrand %0" : "=r"(v), "=@ccc"(ok));
        if (ok)
            return v;
    }
    panic("RDRAND failed ten times: no randomness on this CPU");
}

void random_bytes(void *buf, size_t n)
{
    char *p = buf;
    while (n) {
        uint64_t v = random_u64();
        size_t take = MIN(n, sizeof(v));
        memcpy(p, &v, take);
        p += take;
        n -= take;
    }
}
