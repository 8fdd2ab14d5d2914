/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before the kernel's selftests: cpuid leaf 0x12 as a CPU with SGX2 and one EPC section of
 * 32 MiB would answer it.  Everything else is the real CPU's.
 */
#include <cpuid.h>

static inline void cpuid_sgx(unsigned int sub, unsigned int *a, unsigned int *b, unsigned int *c,
                             unsigned int *d)
{
    static const unsigned int leaf[3][4] = {
        {0x3, 0x1, 0, 0x2f1f},                 /* SGX1, SGX2; EXINFO; enclave sizes */
        {0xb6, 0, 0xe7, 0},                    /* ATTRIBUTES, XFRM */
        {0x1 | 0x70000000, 0, 0x2000000, 0x0}, /* a section at 0x70000000 */
    };
    *a = sub < 3 ? leaf[sub][0] : 0;
    *b = sub < 3 ? leaf[sub][1] : 0;
    *c = sub < 3 ? leaf[sub][2] : 0;
    *d = sub < 3 ? leaf[sub][3] : 0;
}

#undef __cpuid_count
#define __cpuid_count(level, count, a, b, c, d)                                             \
    do {                                                                                    \
        if ((level) == 0x12)                                                                \
            cpuid_sgx(count, &(a), &(b), &(c), &(d));                                       \
        else                                                                                \
            __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(level), "2"(count)); \
    } while (0)
