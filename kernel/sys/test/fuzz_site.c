/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hostile program can feed to the site patcher: code bytes around a site, with any function
 * bounds, and an ELF image with unwind tables.  The first eight bytes choose the site and the
 * bounds, the rest is the code, and again the image.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/sys/eh_frame.c"
#include "kernel/sys/insn.c"
#include "kernel/sys/site.c"

#define BASE 0x400000UL
#define CHECK(cond)  \
    do {             \
        if (!(cond)) \
            abort(); \
    } while (0)

struct image {
    struct eh_reader reader;
    const uint8_t *bytes;
    size_t n;
};

static bool image_read(const struct eh_reader *r, uint64_t addr, void *buf, size_t n)
{
    const struct image *img = container_of(r, struct image, reader);
    if (addr < BASE || addr - BASE > img->n || n > img->n - (addr - BASE))
        return false;
    memcpy(buf, img->bytes + (addr - BASE), n);
    return true;
}

static void fuzz_decide(const uint16_t choice[4], const uint8_t *code, size_t n)
{
    uint64_t site = BASE + choice[0] % (n - 1);
    struct site_code c = {.bytes = code, .n = n, .base = BASE, .nr = choice[3] % 512};
    struct site_plan p;

    c.func_start = BASE + choice[1] % n;
    c.func_end = c.func_start + choice[2] % (BASE + n - c.func_start + 1);
    site_decide(&c, site, &p);
    if (p.kind == PATCH_NONE)
        return;
    CHECK(p.start >= BASE && p.start + p.len <= BASE + n && p.len <= SITE_LEN_MAX);
    if (p.kind == PATCH_MOV || p.kind == PATCH_BEFORE)
        CHECK(p.start + p.len == site && p.len >= SITE_JMP_LEN && p.start >= BASE);
    if (p.kind == PATCH_WINDOW)
        CHECK(p.start == site && p.len >= SITE_JMP_LEN && site + p.len <= c.func_end);
    if (p.kind == PATCH_CAVE)
        CHECK(p.cave >= BASE && p.cave + SITE_JMP_LEN <= BASE + n &&
              (int64_t)(p.cave - site - 2) == (int8_t)(p.cave - site - 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    uint16_t choice[4];
    uint64_t start, end;

    if (n < sizeof(choice) + 2)
        return 0;
    memcpy(choice, data, sizeof(choice));
    data += sizeof(choice);
    n -= sizeof(choice);
    fuzz_decide(choice, data, n);

    struct image img = {{image_read}, data, n};
    uint64_t addr = BASE + choice[0] % n;
    if (eh_frame_find(&img.reader, BASE, addr, &start, &end))
        CHECK(start <= addr && addr < end);
    return 0;
}
