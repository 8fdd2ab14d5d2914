/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpuid for the program.  Only the host can execute it, so the answers are the host's word: they
 * select code paths and nothing else.  What the enclave's XFRM does not enable is masked out, since
 * a program that believed in it would die of #UD; SGX itself is hidden.
 *
 * Answers are kept, because programs ask the same again (each vCPU's own APIC number apart).
 */
#include "kernel/sys/cpuid.h"

#include "kernel/kernel.h"
#include "kernel/ocall/ocall.h"
#include "lib/hash.h"

#define CACHE_SLOTS 64 /* a power of two */

#define XFRM_AVX (1UL << 2)
#define XFRM_AVX512 (7UL << 5)
#define XFRM_AMX (3UL << 17)

#define L1_ECX_FMA (1U << 12)
#define L1_ECX_AVX (1U << 28)
#define L1_ECX_F16C (1U << 29)
#define L7_EBX_SGX (1U << 2)
#define L7_EBX_AVX2 (1U << 5)
#define L7_EBX_AVX512 (1U << 16 | 1U << 17 | 1U << 21 | 0xfU << 26 | 1U << 30 | 1U << 31)
#define L7_ECX_VEX_CRYPTO (1U << 9 | 1U << 10) /* VAES, VPCLMULQDQ */
#define L7_ECX_AVX512 (1U << 1 | 1U << 6 | 1U << 11 | 1U << 12 | 1U << 14)
#define L7_ECX_PKU (1U << 3 | 1U << 4)
#define L7_ECX_SGX_LC (1U << 30)
#define L7_EDX_AVX512 (1U << 2 | 1U << 3 | 1U << 8 | 1U << 23)
#define L7_EDX_AMX (1U << 22 | 1U << 24 | 1U << 25)

struct entry {
    uint32_t leaf, subleaf;
    uint32_t reg[4]; /* eax, ebx, ecx, edx */
    bool valid;
};

static struct spinlock lock;
static struct entry cache[CACHE_SLOTS]; /* [lock] */

static void mask_features(uint32_t leaf, uint32_t subleaf, uint32_t reg[4])
{
    bool avx = kernel.xfrm & XFRM_AVX;
    bool avx512 = avx && (kernel.xfrm & XFRM_AVX512) == XFRM_AVX512;

    if (leaf == 1 && !avx)
        reg[2] &= ~(L1_ECX_FMA | L1_ECX_AVX | L1_ECX_F16C);
    if (leaf == 7 && !subleaf) {
        reg[1] &= ~(L7_EBX_SGX | (avx ? 0 : L7_EBX_AVX2) | (avx512 ? 0 : L7_EBX_AVX512));
        reg[2] &= ~(L7_ECX_SGX_LC | L7_ECX_PKU | (avx ? 0 : L7_ECX_VEX_CRYPTO) |
                    (avx512 ? 0 : L7_ECX_AVX512));
        reg[3] &= ~((avx512 ? 0 : L7_EDX_AVX512) |
                    ((kernel.xfrm & XFRM_AMX) == XFRM_AMX ? 0 : L7_EDX_AMX));
    }
    if (leaf == 7 && subleaf == 1 && !avx)
        reg[0] &= ~(1U << 4 | 1U << 5); /* AVX-VNNI, AVX512-BF16 */
    if (leaf == 0xd && !subleaf) {
        reg[0] &= (uint32_t)kernel.xfrm;
        reg[3] &= (uint32_t)(kernel.xfrm >> 32);
    }
    if (leaf == 0x12)
        reg[0] = reg[1] = reg[2] = reg[3] = 0;
}

/* Leaves whose answer does not depend on ECX, so that whatever ECX holds is one cache entry. */
static bool has_subleaves(uint32_t leaf)
{
    return leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd || (leaf >= 0xf && leaf <= 0x12) ||
           leaf == 0x14 || (leaf >= 0x17 && leaf <= 0x24) || leaf == 0x8000001d ||
           leaf == 0x80000026;
}

static struct entry *slot(uint32_t leaf, uint32_t subleaf)
{
    return &cache[hash_u64((uint64_t)leaf << 32 | subleaf) % CACHE_SLOTS];
}

static bool cache_get(uint32_t leaf, uint32_t subleaf, uint32_t reg[4])
{
    const struct entry *e = slot(leaf, subleaf);
    spin_lock(&lock);
    bool hit = e->valid && e->leaf == leaf && e->subleaf == subleaf;
    for (int i = 0; hit && i < 4; i++)
        reg[i] = e->reg[i];
    spin_unlock(&lock);
    return hit;
}

static void cache_put(uint32_t leaf, uint32_t subleaf, const uint32_t reg[4])
{
    spin_lock(&lock);
    *slot(leaf, subleaf) = (struct entry){leaf, subleaf, {reg[0], reg[1], reg[2], reg[3]}, true};
    spin_unlock(&lock);
}

void cpuid_emulate(struct user_regs *regs)
{
    uint32_t leaf = (uint32_t)regs->rax;
    uint32_t subleaf = has_subleaves(leaf) ? (uint32_t)regs->rcx : 0;
    uint32_t reg[4] = {0};

    if (!cache_get(leaf, subleaf, reg)) {
        if (ocall_cpuid(leaf, subleaf, reg))
            reg[0] = reg[1] = reg[2] = reg[3] = 0;
        mask_features(leaf, subleaf, reg);
        cache_put(leaf, subleaf, reg);
    }
    regs->rax = reg[0];
    regs->rbx = reg[1];
    regs->rcx = reg[2];
    regs->rdx = reg[3];
    regs->rip += 2;
}
