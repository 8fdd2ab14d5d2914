/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Direct calls.  ENCLU traps on this CPU; an enclave that pads it to 16 bytes with two given nops
 * gets the whole of it rewritten, after it has been measured, into a call through a pointer:
 *
 *   0f 01 d7 | 0f 1f 84 00 00 00 00 00 | 0f 1f 44 00 00       enclu; nop; nop
 *   ff 15 02 00 00 00 | eb 08 | address of softsgx_leaf_entry   call *2(%rip); jmp over the address
 *
 * So does a padded WRFSBASE where somebody must know what it sets (softsgx_bases_lost):
 *
 *   f3 48 0f ae d0 | 0f 1f 84 00 00 00 00 00 | 0f 1f 00       wrfsbase %rax; nop; nop
 *
 * The call pushes a return address, so the padded form must not be used over a live red zone.
 */
#include "softsgx/driver/driver.h"

#include <string.h>

#define SITE_SIZE 16

struct site {
    uint8_t pattern[SITE_SIZE];
    size_t rare; /* where in it a byte stands that is rare in code */
    void (*entry)(void);
};

static const struct site enclu_site = {
    .pattern = {0x0f, 0x01, 0xd7, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0f, 0x1f, 0x44,
                0x00, 0x00},
    .rare = 2,
    .entry = softsgx_leaf_entry,
};

static const struct site wrfsbase_site = {
    .pattern = {0xf3, 0x48, 0x0f, 0xae, 0xd0, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0f,
                0x1f, 0x00},
    .rare = 3,
    .entry = softsgx_wrfsbase_entry,
};

static void site_rewrite(uint8_t *p, const struct site *s)
{
    static const uint8_t call[8] = {0xff, 0x15, 0x02, 0x00, 0x00, 0x00, 0xeb, 0x08};
    uint64_t target = (uint64_t)s->entry;
    memcpy(p, call, sizeof(call));
    memcpy(p + sizeof(call), &target, sizeof(target));
}

/* One of the eight bytes at p can be a site's rare one. */
static bool rare_near(const uint8_t *p, const struct site *s)
{
    const uint64_t ones = ~0UL / 255;
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    x ^= ones * s->pattern[s->rare];
    return ((x - ones) & ~x & ones << 7) != 0;
}

/* Whole pages. */
static void text_patch(uint8_t *p, size_t len, const struct site *s)
{
    for (size_t at = 0; at < len; at += 8) {
        if (!rare_near(p + at, s))
            continue;
        for (size_t i = at ? at - s->rare : 0; i < at + 8 - s->rare && i + SITE_SIZE <= len; i++)
            if (!memcmp(p + i, s->pattern, SITE_SIZE))
                site_rewrite(p + i, s);
    }
}

static bool page_is_text(epcm_t w)
{
    uint32_t need = EPCM_VALID | EPCM_MEASURED | SI_R | SI_X;
    return (w & need) == need && !(w & (SI_W | EPCM_INPLACE)) && EPCM_TYPE(w) == PT_REG;
}

void patch_sites(struct encl *e)
{
    uint64_t page = epcm_next(&e->epcm, 0, e->epcm.pages), end;
    for (; page < e->epcm.pages; page = epcm_next(&e->epcm, end, e->epcm.pages)) {
        end = page + 1;
        if (!page_is_text(epcm_read(&e->epcm, page)))
            continue;
        uint8_t *shelf = page_shelf(e, page);
        while (end < e->epcm.pages && page_is_text(epcm_read(&e->epcm, end)) &&
               page_shelf(e, end) == shelf + ((end - page) << PAGE_SHIFT))
            end++;
        text_patch(shelf, (end - page) << PAGE_SHIFT, &enclu_site);
        if (softsgx_bases_lost)
            text_patch(shelf, (end - page) << PAGE_SHIFT, &wrfsbase_site);
    }
}
