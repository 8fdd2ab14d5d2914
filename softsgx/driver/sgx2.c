/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The driver's SGX2 leaves: EMODPR, EMODT and EREMOVE, with the checks of Linux's ioctls around
 * them. They change EPCM words only; the ioctl applies the protection to the whole range once.
 */
#include "softsgx/driver/driver.h"

#include <errno.h>

int emodpr(struct encl *e, uint64_t page, uint32_t perm, uint64_t *result)
{
    epcm_t *p = epcm_find(&e->epcm, page);
    if (!p || !(*p & EPCM_VALID))
        return why(-EFAULT, "EMODPR: no such page");
    if (EPCM_TYPE(*p) != PT_REG)
        return why(-EINVAL, "EMODPR: not a regular page");
    if (*p & (SI_PENDING | SI_MODIFIED)) {
        *result = SGX_PAGE_NOT_MODIFIABLE;
        return why(-EFAULT, "EMODPR: the page waits for EACCEPT");
    }
    *p = (*p & ~SI_RWX) | (*p & perm) | SI_PR;
    return 0;
}

int emodt(struct encl *e, uint64_t page, enum page_type type, uint64_t *result)
{
    epcm_t *p = epcm_find(&e->epcm, page);
    if (!p || !(*p & EPCM_VALID))
        return why(-EFAULT, "EMODT: no such page");
    bool ok = EPCM_TYPE(*p) == PT_REG || (EPCM_TYPE(*p) == PT_TCS && type == PT_TRIM);
    if (!ok)
        return why(-EINVAL, "EMODT: a page of this type cannot change");
    if (EPCM_TYPE(*p) == PT_REG && type == PT_TCS && (~EPCM_MAX(*p) & (SI_R | SI_W)))
        return why(-EPERM, "EMODT: the page was not added for reading and writing");
    if (*p & (SI_PENDING | SI_MODIFIED)) {
        *result = SGX_PAGE_NOT_MODIFIABLE;
        return why(-EFAULT, "EMODT: the page waits for EACCEPT");
    }
    if (EPCM_TYPE(*p) == PT_TCS)
        tcs_free(e, e->base + (page << PAGE_SHIFT));
    if (type == PT_TCS)
        *p = (*p & ~(7U << EPCM_MAX_SHIFT)) | (SI_R | SI_W) << EPCM_MAX_SHIFT;
    *p = (*p & ~EPCM_SECINFO) | SI_PT(type) | SI_MODIFIED;
    return 0;
}

int eremove(struct encl *e, uint64_t page)
{
    epcm_t *p = epcm_find(&e->epcm, page);
    if (!p || !(*p & EPCM_VALID))
        return why(-EFAULT, "EREMOVE: no such page");
    if (EPCM_TYPE(*p) != PT_TRIM)
        return why(-EPERM, "EREMOVE: the page has not been trimmed");
    if (*p & SI_MODIFIED)
        return why(-EPERM, "EREMOVE: the enclave has not accepted the removal");
    /* Keep where its bytes are, for the caller to give them back. */
    *p &= EPCM_INPLACE | 7U << EPCM_APPLIED_SHIFT;
    return 0;
}
