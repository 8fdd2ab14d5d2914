/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts an ELF image into the address space: the segments as private file mappings, what lies beyond
 * their file part as anonymous memory, the tail of the last file page zeroed.
 *
 * A position-independent image goes where its hint says if that is free, else where the mm likes,
 * in one piece: the range is found with a reservation first, so that segments keep their
 * distances.  An ET_EXEC image goes to its own addresses and must find them free.
 */
#include "kernel/elf/elf.h"

#include <linux/errno.h>
#include <linux/mman.h>

#include "abi/host/layout.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/file.h"
#include "lib/string.h"

#define MAP_BASE (MAP_PRIVATE | MAP_FIXED)

int elf_read(struct file *f, const void *head, size_t n, uint64_t file_size, struct elf_image *out)
{
    uint64_t off;
    size_t len;

    int err = elf_phdr_range(head, n, file_size, &off, &len);
    if (err)
        return err;
    if (off <= n && len <= n - off)
        return elf_parse(head, n, (const char *)head + off, len, file_size, out);
    void *phdrs = kmalloc(len);
    if (!phdrs)
        return -ENOMEM;
    err = file_read_exact(f, phdrs, len, (int64_t)off);
    if (!err)
        err = elf_parse(head, n, phdrs, len, file_size, out);
    kfree(phdrs);
    return err;
}

int elf_read_interp(struct file *f, const void *head, size_t n, const struct elf_image *img,
                    char **out)
{
    *out = NULL;
    if (!img->interp_len)
        return 0;
    char *path = kmalloc(img->interp_len);
    if (!path)
        return -ENOMEM;
    int err = 0;
    if (img->interp_off <= n && img->interp_len <= n - img->interp_off)
        memcpy(path, (const char *)head + img->interp_off, img->interp_len);
    else
        err = file_read_exact(f, path, img->interp_len, (int64_t)img->interp_off);
    if (!err && path[img->interp_len - 1] != '\0')
        err = -ENOEXEC;
    if (err) {
        kfree(path);
        return err;
    }
    *out = path;
    return 0;
}

uint64_t elf_needs(struct file *f, const struct elf_image *img)
{
    size_t n = MIN(img->dynamic_len, ELF_DYNAMIC_MAX);
    struct elf_needs needs;
    uint64_t hash = 0;

    char *buf = n ? kmalloc(MAX(n, ELF_NAMES_MAX)) : NULL;
    if (!buf)
        return 0;
    if (!file_read_exact(f, buf, n, (int64_t)img->dynamic_off) &&
        !elf_needs_parse(img, buf, n, &needs) &&
        !file_read_exact(f, buf, needs.len, (int64_t)needs.off))
        hash = elf_needs_hash(&needs, buf);
    kfree(buf);
    return hash;
}

/*
 * Linux zeroes all of a writable segment's last page behind the file's bytes, beyond memsz too:
 * ld.so's first allocations come from there.
 */
static int zero_tail(const struct elf_segment *s, uint64_t bias)
{
    uint64_t end = s->vaddr + s->filesz;
    uint64_t page_end = ALIGN_UP(end, PAGE_SIZE);

    if (s->memsz == s->filesz || !(s->prot & MM_WRITE) || end == page_end)
        return 0;
    return zero_out(bias + end, page_end - end);
}

static int map_file_part(struct mm *mm, struct file *f, const struct elf_segment *s, uint64_t bias)
{
    uint64_t start = ALIGN_DOWN(s->vaddr, PAGE_SIZE);
    uint64_t end = ALIGN_UP(s->vaddr + s->filesz, PAGE_SIZE);

    if (s->filesz == 0)
        return 0;
    int64_t at = mm_map(mm, bias + start, end - start, s->prot, MAP_BASE, f,
                        (int64_t)ALIGN_DOWN(s->offset, PAGE_SIZE), NULL);
    return at < 0 ? (int)at : zero_tail(s, bias);
}

static int map_anon_part(struct mm *mm, const struct elf_segment *s, uint64_t bias)
{
    uint64_t start =
        s->filesz ? ALIGN_UP(s->vaddr + s->filesz, PAGE_SIZE) : ALIGN_DOWN(s->vaddr, PAGE_SIZE);
    uint64_t end = ALIGN_UP(s->vaddr + s->memsz, PAGE_SIZE);

    if (start >= end)
        return 0;
    int64_t at =
        mm_map(mm, bias + start, end - start, s->prot, MAP_BASE | MAP_ANONYMOUS, NULL, 0, NULL);
    return at < 0 ? (int)at : 0;
}

/*
 * The bias for a position-independent image: where its range is free (exec is alone in here).  The bias is a multiple of the image's alignment, whatever its lowest address is.
 */
static int find_bias(struct mm *mm, const struct elf_image *img, uaddr_t hint, uint64_t *bias)
{
    uint64_t low = ALIGN_DOWN(img->low, img->align);
    uint64_t span = img->high - low, slack = img->align - PAGE_SIZE;

    if (slack > (1UL << 46) || span > (1UL << 46))
        return -ENOMEM;
    int64_t at = mm_place(mm, hint, span + slack);
    if (at < 0)
        return (int)at;
    *bias = ALIGN_UP((uint64_t)at, img->align) - low;
    return 0;
}

int elf_map(struct mm *mm, struct file *f, const struct elf_image *img, uaddr_t hint,
            uint64_t *bias)
{
    *bias = 0;
    int err = img->pie ? find_bias(mm, img, hint, bias) : mm_claim(mm, img->low, img->high);
    for (unsigned i = 0; !err && i < img->nsegments; i++) {
        err = map_file_part(mm, f, &img->segment[i], *bias);
        if (!err)
            err = map_anon_part(mm, &img->segment[i], *bias);
    }
    return err;
}
