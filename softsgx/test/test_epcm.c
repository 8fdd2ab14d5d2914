/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page tables of an enclave: EPCM words at any distance, VMAs split and merged as Linux would.
 */
#include "softsgx/driver/driver.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_words_are_sparse(void **state)
{
    struct arena a = {0};
    struct epcm m;
    const uint64_t pages = 1UL << 35; /* 128 TiB */
    const uint64_t at[] = {0, 511, 512, 0x12345678, (1UL << 35) - 1};
    (void)state;
    assert_int_equal(epcm_init(&m, &a, pages), 0);
    assert_int_equal(m.levels, 4);
    assert_int_equal(epcm_next(&m, 0, pages), pages);
    for (size_t i = 0; i < 5; i++)
        *epcm_get(&m, &a, at[i]) = (epcm_t)(i + 1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(epcm_read(&m, at[i]), i + 1);
    assert_null(epcm_find(&m, 0x100000));
    assert_int_equal(epcm_read(&m, 1), 0);
    assert_null(epcm_get(&m, &a, pages));
    uint64_t page = epcm_next(&m, 0, pages);
    for (size_t i = 0; i < 5; i++, page = epcm_next(&m, page + 1, pages))
        assert_int_equal(page, at[i]);
    assert_int_equal(page, pages);
    assert_int_equal(epcm_next(&m, 513, 0x12345678), 0x12345678);
    arena_free(&a);
}

static void test_small_enclave(void **state)
{
    struct arena a = {0};
    struct epcm m;
    (void)state;
    assert_int_equal(epcm_init(&m, &a, 2), 0);
    assert_int_equal(m.levels, 1);
    *epcm_get(&m, &a, 1) = 7;
    assert_int_equal(epcm_next(&m, 0, 2), 1);
    assert_null(epcm_get(&m, &a, 2));
    arena_free(&a);
}

static void assert_vmas(struct encl *e, const uint64_t (*want)[3], uint32_t count)
{
    assert_int_equal(e->vma_count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(e->vmas[i].start, want[i][0]);
        assert_int_equal(e->vmas[i].end, want[i][1]);
        assert_int_equal(e->vmas[i].prot, want[i][2]);
    }
}

static void test_vmas(void **state)
{
    static struct encl e;
    (void)state;
    assert_int_equal(vma_set(&e, 0x1000, 0x9000, 0), 0);
    assert_int_equal(vma_set(&e, 0x3000, 0x4000, 3), 0); /* split */
    assert_vmas(
        &e, (const uint64_t[][3]){{0x1000, 0x3000, 0}, {0x3000, 0x4000, 3}, {0x4000, 0x9000, 0}},
        3);
    assert_int_equal(vma_set(&e, 0x4000, 0x5000, 3), 0); /* merge */
    assert_vmas(
        &e, (const uint64_t[][3]){{0x1000, 0x3000, 0}, {0x3000, 0x5000, 3}, {0x5000, 0x9000, 0}},
        3);
    assert_int_equal(vma_find(&e, 0x4fff)->prot, 3);
    assert_int_equal(vma_find(&e, 0x5000)->prot, 0);
    assert_true(vma_covers(&e, 0x1000, 0x9000));
    assert_int_equal(vma_set(&e, 0x2000, 0x6000, -1), 0); /* unmap over several */
    assert_vmas(&e, (const uint64_t[][3]){{0x1000, 0x2000, 0}, {0x6000, 0x9000, 0}}, 2);
    assert_null(vma_find(&e, 0x2000));
    assert_false(vma_covers(&e, 0x1000, 0x9000));
    assert_int_equal(vma_set(&e, 0x2000, 0x6000, 0), 0); /* all one again */
    assert_vmas(&e, (const uint64_t[][3]){{0x1000, 0x9000, 0}}, 1);
    for (uint64_t a = 0x100000; a < 0x300000; a += 0x2000)
        assert_int_equal(vma_set(&e, a, a + 0x1000, 1), 0);
    assert_int_equal(e.vma_count, 257);
    assert_int_equal(vma_find(&e, 0x2fe000)->start, 0x2fe000);
    assert_null(vma_find(&e, 0x2ff000));
    mem_unmap(e.vmas, e.vma_max * sizeof(struct vma));
}

/* What the host's page table may allow, for every state of a page. */
static void test_wanted_protection(void **state)
{
    const struct vma rw = {0, 1, SI_R | SI_W}, rwx = {0, 1, SI_RWX}, none = {0, 1, 0};
    const epcm_t page = EPCM_VALID | EPCM_INPLACE | SI_PT(PT_REG) | SI_RWX << EPCM_MAX_SHIFT;
    (void)state;
    assert_int_equal(prot_want(&rw, page | SI_R | SI_W), SI_R | SI_W);
    assert_int_equal(prot_want(&rwx, page | SI_R), SI_R);
    assert_int_equal(prot_want(&rw, page | SI_R | SI_X), SI_R);
    assert_int_equal(prot_want(&none, page | SI_R), 0);
    assert_int_equal(prot_want(NULL, page | SI_R), 0);
    assert_int_equal(prot_want(&rw, page | SI_R | SI_W | SI_PENDING), 0);
    assert_int_equal(prot_want(&rw, page | SI_R | SI_MODIFIED), 0);
    assert_int_equal(prot_want(&rw, page | SI_R | SI_PR), SI_R);
    assert_int_equal(prot_want(&rw, (page & ~EPCM_VALID) | SI_R), 0);
    assert_int_equal(prot_want(&rw, (page & ~SI_PT_MASK) | SI_PT(PT_TCS) | SI_R), 0);
    /* Linux: a VMA that allows more than the page was added with reaches nothing. */
    assert_int_equal(prot_want(&rwx, (page & ~(SI_X << EPCM_MAX_SHIFT)) | SI_R | SI_W), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_sparse),
        cmocka_unit_test(test_small_enclave),
        cmocka_unit_test(test_vmas),
        cmocka_unit_test(test_wanted_protection),
    };
    return cmocka_run_group_tests_name("softsgx epcm", tests, NULL, NULL);
}
