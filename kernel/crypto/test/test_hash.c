/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page hashes: the sixteen-lane code, the pairs, the single code, and a known answer agree, for every number of pages
 * and every short end.  Linked with the library objects that the kernel links.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/crypto/cpu.c"
#include "kernel/crypto/hash.c"
#include "kernel/crypto/lanes.c"
#include "lib/sha256.c"

#define PAGES 40
#define PAGE 4096

struct kernel kernel;
static unsigned brackets;
static uint32_t lie_ebx7 = ~0U; /* what "the host" leaves of leaf 7 */

void kernel_fpu_begin(void)
{
    assert_int_equal(brackets++, 0);
}

void kernel_fpu_end(void)
{
    assert_int_equal(--brackets, 0);
}

int ocall_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    __asm__("cpuid"
            : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
            : "a"(leaf), "c"(subleaf));
    if (leaf == 7)
        out[1] &= lie_ebx7;
    return 0;
}

static uint8_t data[PAGES][PAGE] __attribute__((aligned(PAGE)));
static void *page[PAGES];

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAGES; i++) {
        page[i] = data[i];
        for (size_t k = 0; k < PAGE; k++)
            data[i][k] = (uint8_t)(i * 7 + k * 13 + (k >> 8));
    }
    return 0;
}

static void compare_all(void)
{
    static const size_t ends[] = {1, 55, 56, 63, 64, 65, 4095, 4096};
    uint8_t got[PAGES][SHA256_HASH_SIZE], one[SHA256_HASH_SIZE];
    for (size_t n = 1; n <= PAGES; n++)
        for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
            sha256_hash_pages(page, n, PAGE, ends[e], got);
            for (size_t i = 0; i < n; i++) {
                sha256_hash(data[i], i + 1 < n ? PAGE : ends[e], one);
                assert_true(crypto_equal(got[i], one, sizeof(one)));
            }
        }
}

static void test_known_answer(void **state)
{
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                  0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                  0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t out[SHA256_HASH_SIZE];
    (void)state;
    sha256_hash("abc", 3, out);
    assert_memory_equal(out, abc, sizeof(abc));
}

/* No AVX state in the attributes: nothing that needs it is used, whatever cpuid says. */
static void test_plain(void **state)
{
    (void)state;
    kernel.xfrm = 3;
    crypto_init();
    assert_false(crypto_has_avx512());
    assert_int_equal(OPENSSL_ia32cap_P[1] & CAP1_AVX, 0);
    assert_int_equal(OPENSSL_ia32cap_P[2] & CAP2_AVX2, 0);
    compare_all();
}

static void test_denied(void **state)
{
    (void)state;
    kernel.xfrm = 0xe7;
    lie_ebx7 = 0;
    crypto_init();
    assert_false(crypto_has_avx512());
    assert_false(crypto_has_sha());
    assert_int_equal(OPENSSL_ia32cap_P[2], 0);
    lie_ebx7 = ~0U;
    compare_all();
}

/* SHA extensions without AVX-512, as in many CPUs. */
static void test_pairs(void **state)
{
    (void)state;
    kernel.xfrm = 3;
    crypto_init();
    if (!crypto_has_sha())
        skip();
    compare_all();
}

static void test_lanes(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx512bw"))
        skip();
    kernel.xfrm = 0xe7;
    crypto_init();
    assert_true(crypto_has_avx512());
    compare_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answer), cmocka_unit_test(test_plain),
        cmocka_unit_test(test_denied),       cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_lanes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
