/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Direct calls.  ENCLU traps on this CPU; an enclave that pads it to 16 bytes with two given nops gets
 * the whole of it rewritten, after it has been measured, into a call through a pointer:
 *
 *   0f 01 d7 | 0f 1f 84 00 00 00 00 00 | 0f 1f 44 00 00       enclu; nop; nop
 *   ff 15 02 00 00 00 | eb 08 | address of softsgx_leaf_entry   call *2(%rip); jmp over the address
 *
 * The call pushes a return address, so the padded form must not be used over a live red zone.
 */
#include "driver.h"

#include <string.h>
#include <sys/mman.h>

#define SITE_SIZE 16

static const uint8_t site_pattern[SITE_SIZE] = {0x0f, 0x01, 0xd7, 0x0f, 0x1f, 0x84, 0x00, 0x00,
                                                0x00, 0x00, 0x00, 0x0f, 0x1f, 0x44, 0x00, 0x00};

static void site_rewrite(uint8_t *p)
{
    static const uint8_t call[8] = {0xff, 0x15, 0x02, 0x00, 0x00, 0x00, 0xeb, 0x08};
    uint64_t target = (uint64_t)softsgx_leaf_entry;
    memcpy(p, call, sizeof(call));
    memcpy(p + sizeof(call), &target, sizeof(target));
}

static void text_patch(uint8_t *p, size_t len)
{
    uint8_t *end = p + len;
    while ((p = memmem(p, (size_t)(end - p), site_pattern, SITE_SIZE))) {
        site_rewrite(p);
        p += SITE_SIZE;
    }
}

static bool page_is_text(epcm_t w)
{
    uint32_t need = EPCM_VALID | EPCM_MEASURED | SI_R | SI_X;
    return (w & need) == need && !(w & SI_W) && EPCM_TYPE(w) == PT_REG;
}

/* Pages [page, end) lie together in memory. */
static void run_patch(struct encl *e, uint64_t page, uint64_t end, bool inplace)
{
    uint8_t *mem = (inplace ? (uint8_t *)e->base : e->shadow) + (page << PAGE_SHIFT);
    size_t len = (end - page) << PAGE_SHIFT;
    if (inplace && prot_open(e, page, end - page))
        return;
    text_patch(mem, len);
    if (!inplace)
        return;
    for (uint64_t p = page; p < end; p++)
        epcm_set_applied(epcm_find(&e->epcm, p), SI_R | SI_W);
    prot_sync(e, page, end);
}

void patch_sites(struct encl *e)
{
    uint64_t page = epcm_next(&e->epcm, 0, e->epcm.pages), end;
    for (; page < e->epcm.pages; page = epcm_next(&e->epcm, end, e->epcm.pages)) {
        epcm_t w = epcm_read(&e->epcm, page);
        end = page + 1;
        if (!page_is_text(w))
            continue;
        while (end < e->epcm.pages && page_is_text(epcm_read(&e->epcm, end)) &&
               !((epcm_read(&e->epcm, end) ^ w) & EPCM_INPLACE))
            end++;
        run_patch(e, page, end, w & EPCM_INPLACE);
    }
}
