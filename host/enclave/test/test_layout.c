/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page sequence and its measurement: addresses, rights and contents of each part, relocation,
 * and MRENCLAVE against an independent computation with OpenSSL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/evp.h>

#include "host/enclave/layout.c"
#include "host/enclave/measure.h"
#include "host/enclave/test/elf_make.h"

#define BASE KERNEL_BASE(ELRANGE_BITS_DEFAULT)
#define CONFIG_LEN 5000

struct fixture {
    unsigned char *elf;
    struct image img;
    unsigned char blob[CONFIG_LEN] __attribute__((aligned(4096)));
    struct config config;
    struct enclave_layout l;
};

/* layout.c looks at a few header fields only; the rest of the blob is a pattern. */
static struct fixture *make(void)
{
    const char *why;
    struct fixture *f = aligned_alloc(4096, (sizeof *f + 4095) & ~4095UL);
    memset(f, 0, sizeof *f);
    f->elf = elf_make();
    memset(f->blob, 0xab, CONFIG_LEN);
    struct config_header *h = (void *)f->blob;
    *h = (struct config_header){.total = CONFIG_LEN + 4096,
                                .table_off = CONFIG_LEN,
                                .vcpu_count = 2,
                                .ssa_frame_pages = 3,
                                .elrange_bits = ELRANGE_BITS_DEFAULT};
    f->config.head = h;
    assert_int_equal(image_parse(&f->img, f->elf, ELF_SIZE, CONFIG_OFF, &why), 0);
    assert_int_equal(layout_init(&f->l, &f->img, &f->config, &why), 0);
    return f;
}

static void drop(struct fixture *f)
{
    layout_fini(&f->l);
    free(f->elf);
    free(f);
}

/* The run with this address, and the bytes there. */
static const unsigned char *bytes_at(const struct fixture *f, uint64_t addr, uint64_t *secinfo)
{
    for (size_t i = 0; i < f->l.run_count; i++) {
        const struct enclave_run *r = &f->l.runs[i];
        if (addr < r->addr || addr - r->addr >= r->len)
            continue;
        *secinfo = r->secinfo;
        return (const unsigned char *)r->src + (addr - r->addr);
    }
    return NULL;
}

static uint64_t word_at(const struct fixture *f, uint64_t addr)
{
    uint64_t secinfo, word;
    const unsigned char *p = bytes_at(f, addr, &secinfo);
    assert_non_null(p);
    memcpy(&word, p, 8);
    return word;
}

static void test_runs(void **state)
{
    struct fixture *f = make();
    uint64_t end = 0;
    (void)state;
    for (size_t i = 0; i < f->l.run_count; i++) {
        const struct enclave_run *r = &f->l.runs[i];
        assert_true(r->addr >= end && r->len && r->addr % 4096 == 0 && r->len % 4096 == 0);
        assert_true((uintptr_t)r->src % 4096 == 0);
        end = r->addr + r->len;
    }
    assert_true(end <= BASE + HEAP_OFF);
    assert_int_equal(f->l.elrange_size, 1UL << 40);
    drop(f);
}

static void test_image(void **state)
{
    struct fixture *f = make();
    uint64_t secinfo;
    (void)state;
    const unsigned char *p = bytes_at(f, BASE + 0x40, &secinfo);
    assert_memory_equal(p, f->elf + 0x40, 0x100);
    assert_int_equal(secinfo, SECINFO_REG | SECINFO_R);
    p = bytes_at(f, BASE + 0x1800, &secinfo); /* behind the segment's file bytes */
    assert_int_equal(*p, 0);
    p = bytes_at(f, BASE + 0x2000, &secinfo);
    assert_ptr_equal(p, f->elf + 0x2000); /* used in place */
    assert_int_equal(secinfo, SECINFO_REG | SECINFO_R | SECINFO_X);
    assert_null(bytes_at(f, BASE + 0x3000, &secinfo));
    p = bytes_at(f, BASE + 0x4000, &secinfo); /* before the segment in its first page */
    assert_int_equal(*p, 0);
    assert_int_equal(secinfo, SECINFO_REG | SECINFO_R | SECINFO_W);
    p = bytes_at(f, BASE + 0x4200, &secinfo);
    assert_memory_equal(p, f->elf + 0x3200, 0x100);
    assert_int_equal(word_at(f, BASE + 0x5000), 0); /* bss */
    assert_non_null(bytes_at(f, BASE + 0x27000, &secinfo));
    assert_null(bytes_at(f, BASE + 0x28000, &secinfo));
    assert_int_equal(word_at(f, BASE + 0x4108), BASE + 0x2020);
    assert_int_equal(word_at(f, BASE + 0x1000), BASE + 0x4200);
    drop(f);
}

static void test_config(void **state)
{
    struct fixture *f = make();
    uint64_t secinfo;
    struct enclave_params p;
    (void)state;
    memcpy(&p, bytes_at(f, BASE + CONFIG_OFF, &secinfo), sizeof p);
    assert_int_equal(secinfo, SECINFO_REG | SECINFO_R);
    assert_int_equal(p.magic, ENCLAVE_PARAMS_MAGIC);
    assert_int_equal(p.kernel_base, BASE);
    assert_int_equal(p.kernel_size, 0x28000);
    assert_int_equal(p.config_addr, BASE + CONFIG_OFF + 4096);
    assert_int_equal(p.config_len, CONFIG_LEN);
    assert_int_equal(p.vcpu_count, VCPU_BUILT);
    assert_int_equal(p.heap_end, 1UL << 40);
    assert_ptr_equal(bytes_at(f, p.config_addr, &secinfo), f->blob);
    assert_int_equal(secinfo, SECINFO_REG | SECINFO_R);
    assert_int_equal(*bytes_at(f, p.config_addr + CONFIG_LEN - 1, &secinfo), 0xab);
    assert_int_equal(*bytes_at(f, p.config_addr + CONFIG_LEN, &secinfo), 0);
    assert_null(bytes_at(f, p.config_addr + 8192, &secinfo));
    drop(f);
}

static void test_vcpus(void **state)
{
    struct fixture *f = make();
    (void)state;
    for (unsigned int n = 0; n < VCPU_BUILT; n++) {
        uint64_t block = BASE + VCPU_OFF + n * VCPU_STRIDE, secinfo;
        uint64_t tcs = layout_tcs(&f->l, n);
        assert_int_equal(word_at(f, block), block);
        assert_int_equal(word_at(f, block + 8), n);
        assert_int_equal(tcs, block + VCPU_TCS_PAGE * 4096);
        bytes_at(f, tcs, &secinfo);
        assert_int_equal(secinfo, SECINFO_TCS);
        assert_int_equal(word_at(f, tcs + 16), block + VCPU_SSA_PAGE * 4096); /* OSSA */
        assert_int_equal(word_at(f, tcs + 24) >> 32, VCPU_NSSA);
        assert_int_equal(word_at(f, tcs + 32), BASE + 0x2010); /* OENTRY */
        assert_int_equal(word_at(f, tcs + 48), block);         /* OFSBASGX */
        assert_int_equal(word_at(f, tcs + 56), block);         /* OGSBASGX */
        assert_int_equal(word_at(f, tcs + 64), ~0UL);          /* limits */
        bytes_at(f, block + VCPU_STACK_PAGE * 4096, &secinfo);
        assert_int_equal(secinfo, SECINFO_REG | SECINFO_R | SECINFO_W);
        assert_null(bytes_at(f, block + 31 * 4096, &secinfo)); /* guard */
        assert_null(bytes_at(f, block + 3 * 4096, &secinfo));
        assert_non_null(bytes_at(f, block + 13 * 4096, &secinfo)); /* last of 9 SSA pages */
        assert_null(bytes_at(f, block + 14 * 4096, &secinfo));
    }
    uint64_t secinfo; /* the others are the kernel's to make, and so not measured */
    assert_null(bytes_at(f, BASE + VCPU_OFF + VCPU_BUILT * VCPU_STRIDE, &secinfo));
    drop(f);
}

/* The SDM's pseudo-code once more, with nothing shared but the run list. */
static void test_mrenclave(void **state)
{
    struct fixture *f = make();
    uint8_t got[32], want[32], rec[64];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    (void)state;
    EVP_DigestInit(ctx, EVP_sha256());
    memset(rec, 0, 64);
    memcpy(rec, "ECREATE", 7);
    rec[8] = 3;
    rec[12 + 5] = 1; /* 2^40 */
    EVP_DigestUpdate(ctx, rec, 64);
    for (size_t i = 0; i < f->l.run_count; i++) {
        const struct enclave_run *r = &f->l.runs[i];
        for (uint64_t off = 0; off < r->len; off += 256) {
            uint64_t at = r->addr + off;
            if (off % 4096 == 0) {
                memset(rec, 0, 64);
                memcpy(rec, "EADD", 4);
                memcpy(rec + 8, &at, 8);
                memcpy(rec + 16, &r->secinfo, 8);
                EVP_DigestUpdate(ctx, rec, 64);
            }
            memset(rec, 0, 64);
            memcpy(rec, "EEXTEND", 7);
            memcpy(rec + 8, &at, 8);
            EVP_DigestUpdate(ctx, rec, 64);
            EVP_DigestUpdate(ctx, (const uint8_t *)r->src + off, 256);
        }
    }
    EVP_DigestFinal(ctx, want, NULL);
    EVP_MD_CTX_free(ctx);
    layout_measure(&f->l, got);
    assert_memory_equal(got, want, 32);
    drop(f);
}

/* The result does not depend on where the inputs lie or on what is around them. */
static void test_independent(void **state)
{
    struct fixture *f = make();
    struct enclave_layout l;
    uint8_t a[32], b[32];
    const char *why;
    unsigned char *elf = malloc(ELF_SIZE + 16), *blob = malloc(CONFIG_LEN + 8);
    struct image img;
    struct config c = {.head = (void *)(blob + 8)};
    (void)state;
    memcpy(elf + 16, f->elf, ELF_SIZE);
    memcpy(blob + 8, f->blob, CONFIG_LEN);
    assert_int_equal(image_parse(&img, elf + 16, ELF_SIZE, CONFIG_OFF, &why), 0);
    assert_int_equal(layout_init(&l, &img, &c, &why), 0);
    layout_measure(&f->l, a);
    layout_measure(&l, b);
    assert_memory_equal(a, b, 32);
    layout_fini(&l);
    free(elf);
    free(blob);
    drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),      cmocka_unit_test(test_image),
        cmocka_unit_test(test_config),    cmocka_unit_test(test_vcpus),
        cmocka_unit_test(test_mrenclave), cmocka_unit_test(test_independent),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
