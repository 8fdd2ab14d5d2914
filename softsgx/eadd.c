/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EADD and EEXTEND for a run of pages: the bytes go to the page's address if a VMA covers it, else to
 * the shadow; TCS pages become struct tcs.
 */
#include "driver.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define EEXTEND_CHUNK 256

int shadow_init(struct encl *e)
{
    if (!e->shadow)
        e->shadow = mem_reserve(e->size);
    return e->shadow ? 0 : -ENOMEM;
}

static void measure_page(struct encl *e, uint64_t offset, uint64_t flags, const uint8_t *data,
                         bool extend)
{
    uint8_t record[64] = "EADD";
    memcpy(record + 8, &offset, 8);
    memcpy(record + 16, &flags, 8);
    sha256_update(&e->sha, record, sizeof(record));
    memset(record, 0, sizeof(record));
    memcpy(record, "EEXTEND", 8);
    for (unsigned int i = 0; extend && i < PAGE_SIZE; i += EEXTEND_CHUNK) {
        uint64_t at = offset + i;
        memcpy(record + 8, &at, 8);
        sha256_update(&e->sha, record, sizeof(record));
        sha256_update(&e->sha, data + i, EEXTEND_CHUNK);
    }
}

static int tcs_check(const struct tcs_page *t)
{
    for (size_t i = 0; i < sizeof(t->reserved); i++)
        if (t->reserved[i])
            return why(-EIO, "EADD: a reserved field of the TCS is not zero");
    if (t->flags & ~TCS_DBGOPTIN)
        return why(-EIO, "EADD: unknown TCS.FLAGS");
    return 0;
}

static int tcs_add(struct encl *e, uint64_t offset, struct tcs_page *t)
{
    int err = tcs_check(t);
    if (err)
        return err;
    t->flags &= ~TCS_DBGOPTIN;
    t->cssa = 0;
    t->aep = 0;
    t->state = 0;
    return tcs_new(e, e->base + offset, t) ? 0 : -ENOMEM;
}

/* One page, whose bytes have been copied to mem. */
static int page_add(struct encl *e, uint64_t offset, uint64_t flags, uint8_t *mem, bool inplace,
                    bool extend)
{
    uint32_t type = (flags & SI_PT_MASK) >> SI_PT_SHIFT;
    epcm_t *p = epcm_get(&e->epcm, &e->arena, offset >> PAGE_SHIFT);
    if (!p)
        return -ENOMEM;
    if (type == PT_TCS) {
        int err = tcs_add(e, offset, (struct tcs_page *)mem);
        if (err)
            return err;
    }
    /* Linux lets a TCS page be mapped read-write, whatever its SECINFO. */
    uint32_t max = type == PT_TCS ? SI_R | SI_W : flags & SI_RWX;
    *p = (uint32_t)(flags & EPCM_SECINFO) | EPCM_VALID | max << EPCM_MAX_SHIFT;
    *p |= (inplace ? EPCM_INPLACE : 0) | (extend ? EPCM_MEASURED : 0);
    measure_page(e, offset, flags, mem, extend);
    return 0;
}

/* Pages of [offset, end) that lie together: in one VMA or in none, and do not exist yet. */
static uint64_t run_find(struct encl *e, uint64_t offset, uint64_t end, bool *inplace)
{
    struct vma *v = vma_find(e, e->base + offset);
    *inplace = v != NULL;
    if (v && v->end - e->base < end)
        end = v->end - e->base;
    uint64_t stop = offset;
    while (stop < end && !(epcm_read(&e->epcm, stop >> PAGE_SHIFT) & EPCM_VALID)) {
        if (!v && stop > offset && vma_find(e, e->base + stop))
            break;
        stop += PAGE_SIZE;
    }
    return stop;
}

static int run_add(struct encl *e, uint64_t offset, uint64_t end, uint64_t src, uint64_t flags,
                   bool inplace, bool extend, uint64_t *done)
{
    uint8_t *mem = (inplace ? (uint8_t *)e->base : e->shadow) + offset;
    int err = inplace ? prot_open(e, offset >> PAGE_SHIFT, (end - offset) >> PAGE_SHIFT) : 0;
    if (err)
        return err;
    softsgx_syscall(SYS_madvise, mem, end - offset, (long)MADV_POPULATE_WRITE);
    for (; offset < end && !err; offset += PAGE_SIZE, src += PAGE_SIZE, mem += PAGE_SIZE) {
        if (softsgx_copy(mem, (const void *)src, PAGE_SIZE))
            err = why(-EFAULT, "EADD: the source page cannot be read");
        else
            err = page_add(e, offset, flags, mem, inplace, extend);
        if (!err)
            *done += PAGE_SIZE;
    }
    return err;
}

int eadd(struct encl *e, const struct sgx_enclave_add_pages *arg, const struct secinfo *si,
         uint64_t *done)
{
    uint64_t offset = arg->offset, end = arg->offset + arg->length;
    int err = 0;
    *done = 0;
    while (offset < end && !err) {
        bool inplace;
        uint64_t stop = run_find(e, offset, end, &inplace);
        if (stop == offset) {
            err = why(-EBUSY, "EADD: the page at offset 0x%lx exists", (unsigned long)offset);
            break;
        }
        if (!inplace)
            err = shadow_init(e);
        if (!err)
            err = run_add(e, offset, stop, arg->src + *done, si->flags, inplace,
                          arg->flags & SGX_PAGE_MEASURE, done);
        if (inplace) {
            uint64_t page = offset >> PAGE_SHIFT;
            for (; page < (stop >> PAGE_SHIFT); page++) {
                epcm_t *p = epcm_find(&e->epcm, page);
                if (p && *p)
                    epcm_set_applied(p, SI_R | SI_W);
            }
            prot_sync(e, offset >> PAGE_SHIFT, stop >> PAGE_SHIFT);
        }
        offset = stop;
    }
    return err;
}
