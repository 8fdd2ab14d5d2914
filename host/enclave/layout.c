/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From kernel image and configuration to the enclave's pages.
 *
 * Contents that need no change are used where they lie (whole pages of read-only segments, the
 * configuration's whole pages); everything else (relocated or writable segments, last partial
 * pages, the parameter page, TCSs) is made in one anonymous mapping, the arena, whose size is
 * computed beforehand so that it never moves.  Zero pages come from one static block.
 */
#include "host/enclave/layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/host/layout.h"
#include "lib/config.h"

#define ZERO_PAGES 32
static uint8_t zero_block[ZERO_PAGES * PAGE_SIZE] __attribute__((aligned(4096)));

#define RW (SECINFO_REG | SECINFO_R | SECINFO_W)

static uint64_t page_up(uint64_t x)
{
    return (x + PAGE_SIZE - 1) & PAGE_MASK;
}

static void *arena_take(struct enclave_layout *l, uint64_t len)
{
    void *p = l->arena + l->arena_used;
    l->arena_used += page_up(len);
    return p;
}

static int add_run(struct enclave_layout *l, uint64_t addr, const void *src, uint64_t len,
                   uint64_t secinfo)
{
    if (!len)
        return 0;
    if (l->run_count == l->run_room) {
        size_t room = l->run_room ? 2 * l->run_room : 64;
        struct enclave_run *runs = reallocarray(l->runs, room, sizeof *runs);
        if (!runs)
            return -ENOMEM;
        l->runs = runs;
        l->run_room = room;
    }
    l->runs[l->run_count++] = (struct enclave_run){addr, len, src, secinfo};
    return 0;
}

static int add_zero(struct enclave_layout *l, uint64_t addr, uint64_t len, uint64_t secinfo)
{
    int err = 0;
    while (len && !err) {
        uint64_t n = len < sizeof zero_block ? len : sizeof zero_block;
        err = add_run(l, addr, zero_block, n, secinfo);
        addr += n;
        len -= n;
    }
    return err;
}

/* len bytes at src, of which whole pages are used in place if src is aligned; zero padding. */
static int add_bytes(struct enclave_layout *l, uint64_t addr, const void *src, uint64_t len,
                     uint64_t secinfo)
{
    uint64_t whole = (uintptr_t)src % PAGE_SIZE ? 0 : len & PAGE_MASK;
    int err = add_run(l, addr, src, whole, secinfo);
    if (err || whole == len)
        return err;
    void *copy = arena_take(l, len - whole);
    memcpy(copy, (const uint8_t *)src + whole, len - whole);
    return add_run(l, addr + whole, copy, page_up(len - whole), secinfo);
}

/* The copies of segments that cannot be used in place; NULL where the file's bytes can. */
struct copies {
    uint8_t *seg[IMAGE_SEGMENTS_MAX];
};

/* Copies the page that the segment starts in from its beginning, so that vaddr & ~PAGE_MASK
 * fits. */
static void copy_segment(struct enclave_layout *l, const struct image *img, struct copies *c,
                         unsigned int i)
{
    const struct image_segment *s = &img->seg[i];
    uint64_t head = s->vaddr & ~PAGE_MASK;
    if (c->seg[i])
        return;
    c->seg[i] = arena_take(l, head + s->filesz);
    memcpy(c->seg[i] + head, img->data + s->offset, s->filesz);
}

static int relocate(struct enclave_layout *l, const struct image *img, struct copies *c,
                    const char **why)
{
    for (uint64_t i = 0; i < img->relas; i++) {
        struct image_reloc rel;
        unsigned int seg;
        int err = image_reloc(img, i, &rel, &seg, why);
        if (err)
            return err;
        copy_segment(l, img, c, seg);
        uint64_t value = l->kernel_base + rel.addend;
        memcpy(c->seg[seg] + (rel.where - (img->seg[seg].vaddr & PAGE_MASK)), &value, 8);
    }
    return 0;
}

static int add_segment(struct enclave_layout *l, const struct image *img, const struct copies *c,
                       unsigned int i)
{
    const struct image_segment *s = &img->seg[i];
    uint64_t secinfo = SECINFO_REG | SECINFO_R | (s->w ? SECINFO_W : 0) | (s->x ? SECINFO_X : 0);
    uint64_t start = l->kernel_base + (s->vaddr & PAGE_MASK);
    uint64_t head = s->vaddr & ~PAGE_MASK;
    uint64_t end = page_up(head + s->memsz), filled;
    int err;
    if (c->seg[i]) {
        filled = page_up(head + s->filesz);
        err = add_run(l, start, c->seg[i], filled, secinfo);
    } else {
        filled = page_up(s->filesz);
        err = add_bytes(l, start, img->data + s->offset, s->filesz, secinfo);
    }
    return err ? err : add_zero(l, start + filled, end - filled, secinfo);
}

static int add_image(struct enclave_layout *l, const struct image *img, const char **why)
{
    struct copies c = {{NULL}};
    int err = relocate(l, img, &c, why);
    for (unsigned int i = 0; !err && i < img->segs; i++) {
        const struct image_segment *s = &img->seg[i];
        if (s->filesz && (s->w || s->vaddr % PAGE_SIZE))
            copy_segment(l, img, &c, i);
        err = add_segment(l, img, &c, i);
    }
    return err;
}

static int add_config(struct enclave_layout *l, const struct image *img,
                      const struct config *config)
{
    uint64_t base = l->kernel_base;
    struct enclave_params *p = arena_take(l, PAGE_SIZE);
    *p = (struct enclave_params){
        .magic = ENCLAVE_PARAMS_MAGIC,
        .elrange_size = l->elrange_size,
        .kernel_base = base,
        .kernel_size = img->size,
        .config_addr = base + CONFIG_OFF + PAGE_SIZE,
        .config_len = config->head->table_off,
        .vcpu_addr = base + VCPU_OFF,
        .vcpu_count = l->vcpu_count,
        .ssa_frame_pages = l->ssa_frame_pages,
        .heap_addr = base + HEAP_OFF,
        .heap_end = l->elrange_size,
        .entry = base + img->entry,
    };
    int err = add_run(l, base + CONFIG_OFF, p, PAGE_SIZE, SECINFO_REG | SECINFO_R);
    if (err)
        return err;
    return add_bytes(l, p->config_addr, config->head, p->config_len, SECINFO_REG | SECINFO_R);
}

static int add_vcpu(struct enclave_layout *l, const struct image *img, unsigned int n)
{
    uint64_t block = l->kernel_base + VCPU_OFF + n * VCPU_STRIDE;
    uint64_t ssa = block + VCPU_SSA_PAGE * PAGE_SIZE;
    struct vcpu_head *head = arena_take(l, PAGE_SIZE);
    struct tcs_page *tcs = arena_take(l, PAGE_SIZE);
    *head = (struct vcpu_head){.self = block, .index = n};
    *tcs = (struct tcs_page){
        .ossa = ssa,
        .nssa = VCPU_NSSA,
        .oentry = l->kernel_base + img->entry,
        .ofsbasgx = block,
        .ogsbasgx = block,
        .fslimit = 0xffffffff,
        .gslimit = 0xffffffff,
    };
    int err = add_run(l, block, head, PAGE_SIZE, RW);
    if (!err)
        err = add_zero(l, block + PAGE_SIZE, (VCPU_GS_PAGES - 1) * PAGE_SIZE, RW);
    if (!err)
        err = add_run(l, layout_tcs(l, n), tcs, PAGE_SIZE, SECINFO_TCS);
    if (!err)
        err = add_zero(l, ssa, VCPU_NSSA * l->ssa_frame_pages * PAGE_SIZE, RW);
    if (!err)
        err = add_zero(l, block + VCPU_XSTACK_PAGE * PAGE_SIZE, VCPU_XSTACK_PAGES * PAGE_SIZE, RW);
    if (!err)
        err = add_zero(l, block + VCPU_STACK_PAGE * PAGE_SIZE, VCPU_STACK_PAGES * PAGE_SIZE, RW);
    return err;
}

static int arena_init(struct enclave_layout *l, const struct image *img,
                      const struct config *config)
{
    uint64_t len = page_up(config->head->table_off) + PAGE_SIZE;
    len += (uint64_t)l->vcpu_count * 2 * PAGE_SIZE;
    for (unsigned int i = 0; i < img->segs; i++)
        len += page_up((img->seg[i].vaddr & ~PAGE_MASK) + img->seg[i].filesz);
    void *p =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return -ENOMEM;
    l->arena = p;
    l->arena_len = len;
    return 0;
}

int layout_init(struct enclave_layout *l, const struct image *img, const struct config *config,
                const char **why)
{
    const struct config_header *h = config->head;
    *why = "out of memory";
    *l = (struct enclave_layout){
        .elrange_size = 1UL << h->elrange_bits,
        .kernel_base = KERNEL_BASE(h->elrange_bits),
        .ssa_frame_pages = h->ssa_frame_pages,
        .vcpu_count = VCPU_BUILT,
    };
    if (img->size > CONFIG_OFF) {
        *why = "the kernel image is too large";
        return -ENOEXEC;
    }
    int err = arena_init(l, img, config);
    if (!err)
        err = add_image(l, img, why);
    if (!err)
        err = add_config(l, img, config);
    for (unsigned int n = 0; !err && n < l->vcpu_count; n++)
        err = add_vcpu(l, img, n);
    if (err)
        layout_fini(l);
    return err;
}

void layout_fini(struct enclave_layout *l)
{
    free(l->runs);
    if (l->arena)
        munmap(l->arena, l->arena_len);
    *l = (struct enclave_layout){0};
}

uint64_t layout_tcs(const struct enclave_layout *l, unsigned int n)
{
    return l->kernel_base + VCPU_OFF + n * VCPU_STRIDE + VCPU_TCS_PAGE * PAGE_SIZE;
}
