/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an ELF file's segments laid out in memory as a loader does, but not relocated. */
#ifndef KERNEL_SYS_TEST_IMAGE_H
#define KERNEL_SYS_TEST_IMAGE_H

#include <fcntl.h>
#include <linux/elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    uint8_t *mem; /* the lowest address of the first segment's page */
    size_t size;
    uint64_t vaddr; /* which mem[0] stands for */
    uint8_t *text;  /* the (first) executable segment */
    size_t text_size;
};

/* False when the file is not there. */
static bool image_load(const char *path, struct image *img)
{
    struct stat st;
    uint64_t low = UINT64_MAX, high = 0;
    int fd = open(path, O_RDONLY);

    memset(img, 0, sizeof(*img));
    if (fd < 0 || fstat(fd, &st))
        return false;
    uint8_t *f = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    const Elf64_Ehdr *e = (const Elf64_Ehdr *)f;
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(f + e->e_phoff);
    for (int i = 0; i < e->e_phnum; i++) {
        if (ph[i].p_type != PT_LOAD)
            continue;
        low = ph[i].p_vaddr < low ? ph[i].p_vaddr : low;
        high = ph[i].p_vaddr + ph[i].p_memsz > high ? ph[i].p_vaddr + ph[i].p_memsz : high;
    }
    img->vaddr = low & ~4095UL;
    img->size = high - img->vaddr;
    img->mem = calloc(1, img->size);
    for (int i = 0; i < e->e_phnum; i++) {
        if (ph[i].p_type != PT_LOAD)
            continue;
        uint8_t *at = img->mem + (ph[i].p_vaddr - img->vaddr);
        memcpy(at, f + ph[i].p_offset, ph[i].p_filesz);
        if ((ph[i].p_flags & PF_X) && !img->text) {
            img->text = at;
            img->text_size = ph[i].p_filesz;
        }
    }
    munmap(f, (size_t)st.st_size);
    return true;
}

static void image_free(struct image *img)
{
    free(img->mem);
}

#endif
