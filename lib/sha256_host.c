/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto's CPU feature words for host programs.  They come from the dynamic linker, which has
 * read cpuid already: a cpuid of our own costs 10 us each in a virtual machine.
 */
#include <stdint.h>
#include <sys/platform/x86.h>

/* Words: leaf 1 edx, leaf 1 ecx, leaf 7 ebx, leaf 7 ecx. */
extern uint32_t OPENSSL_ia32cap_P[4];
uint32_t OPENSSL_ia32cap_P[4];

__attribute__((constructor)) static void ia32cap_init(void)
{
    const struct cpuid_feature *one = __x86_get_cpuid_feature_leaf(CPUID_INDEX_1);
    const struct cpuid_feature *seven = __x86_get_cpuid_feature_leaf(CPUID_INDEX_7);
    OPENSSL_ia32cap_P[0] = one->active_array[3];
    OPENSSL_ia32cap_P[1] = one->active_array[2];
    OPENSSL_ia32cap_P[2] = seven->active_array[1];
    OPENSSL_ia32cap_P[3] = seven->active_array[2];
}
