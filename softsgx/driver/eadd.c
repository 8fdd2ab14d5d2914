/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EADD and EEXTEND for a run of pages: the bytes go to the shelf (short runs to the stage, whose memory is
 * cheaper), from where mapping takes them into place; TCS pages become struct tcs.
 */
#include "softsgx/driver/driver.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define EEXTEND_CHUNK 256

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
static int page_add(struct encl *e, uint64_t offset, uint64_t flags, uint8_t *mem, bool extend)
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
    *p |= extend ? EPCM_MEASURED : 0;
    measure_page(e, offset, flags, mem, extend);
    return 0;
}

/* The pages of arg, one after the other, at mem. */
static int pages_add(struct encl *e, const struct sgx_enclave_add_pages *arg, uint64_t flags,
                     uint8_t *mem, uint64_t *done)
{
    int err = 0;
    for (; *done < arg->length && !err; *done += err ? 0 : PAGE_SIZE, mem += PAGE_SIZE) {
        uint64_t offset = arg->offset + *done;
        if (epcm_read(&e->epcm, offset >> PAGE_SHIFT) & EPCM_VALID)
            err = why(-EBUSY, "EADD: the page at offset 0x%lx exists", (unsigned long)offset);
        else if (softsgx_copy(mem, (const void *)(arg->src + *done), PAGE_SIZE))
            err = why(-EFAULT, "EADD: the source page cannot be read");
        else
            err = page_add(e, offset, flags, mem, arg->flags & SGX_PAGE_MEASURE);
    }
    return err;
}

int eadd(struct encl *e, const struct sgx_enclave_add_pages *arg, const struct secinfo *si,
         uint64_t *done)
{
    int err = shadow_init(e);
    *done = 0;
    if (err)
        return err;
    uint8_t *shadow = e->shadow + arg->offset;
    uint8_t *mem = stage_borrow(e, arg->length >> PAGE_SHIFT);
    if (!mem) {
        softsgx_syscall(SYS_madvise, shadow, arg->length, (long)MADV_POPULATE_WRITE);
        return pages_add(e, arg, si->flags, shadow, done);
    }
    err = pages_add(e, arg, si->flags, mem, done);
    if (*done && stage_add(e, arg->offset >> PAGE_SHIFT, *done >> PAGE_SHIFT, mem))
        mem_exhausted();
    return err;
}
