/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto's CPU feature words for host programs, and the cpuid leaves that they come from: glibc's
 * dynamic linker or start code has read them already; musl's has not.
 */
#include <cpuid.h>
#include <features.h>
#include <string.h>
#ifdef __GLIBC__
#include <sys/platform/x86.h>
#endif

#include "lib/cpu_host.h"

#define OSXSAVE (1U << 27)
#define XCR0_AVX 0x6U
#define XCR0_AVX512 0xe6U
#define L1_AVX (1U << 12 | 1U << 28 | 1U << 29)
#define L7_AVX2 (1U << 5)
#define L7_AVX512 (1U << 16 | 1U << 17 | 1U << 21 | 0x7U << 26 | 1U << 30 | 1U << 31)

/* Words: leaf 1 edx, leaf 1 ecx, leaf 7 ebx, leaf 7 ecx. */
extern uint32_t OPENSSL_ia32cap_P[4];
uint32_t OPENSSL_ia32cap_P[4];
uint32_t cpu_host_leaf1[4], cpu_host_leaf7[4];

static void leaves_read(void)
{
#ifdef __GLIBC__
    const struct cpuid_feature *one = __x86_get_cpuid_feature_leaf(CPUID_INDEX_1);
    const struct cpuid_feature *seven = __x86_get_cpuid_feature_leaf(CPUID_INDEX_7);
    memcpy(cpu_host_leaf1, one->cpuid_array, sizeof cpu_host_leaf1);
    memcpy(cpu_host_leaf7, seven->cpuid_array, sizeof cpu_host_leaf7);
#else
    uint32_t *a = cpu_host_leaf1, *b = cpu_host_leaf7;
    __cpuid_count(1, 0, a[0], a[1], a[2], a[3]);
    __cpuid_count(7, 0, b[0], b[1], b[2], b[3]);
#endif
}

static uint32_t xcr0_read(void)
{
    uint32_t lo = 0, hi = 0;
    if (cpu_host_leaf1[2] & OSXSAVE)
        __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

/* What the operating system does not keep registers for is not there. */
__attribute__((constructor)) static void ia32cap_init(void)
{
    leaves_read();
    uint32_t xcr0 = xcr0_read();
    uint32_t avx = (xcr0 & XCR0_AVX) == XCR0_AVX ? 0 : L1_AVX;
    uint32_t avx2 = avx ? L7_AVX2 : 0;
    uint32_t avx512 = (xcr0 & XCR0_AVX512) == XCR0_AVX512 ? 0 : L7_AVX512;
    OPENSSL_ia32cap_P[0] = cpu_host_leaf1[3];
    OPENSSL_ia32cap_P[1] = cpu_host_leaf1[2] & ~avx;
    OPENSSL_ia32cap_P[2] = cpu_host_leaf7[1] & ~(avx2 | avx512);
    OPENSSL_ia32cap_P[3] = cpu_host_leaf7[2];
}
