/* SPDX-License-Identifier: Apache-2.0 */
/* ECREATE: the checks on SECS and the first record of the measurement. */
#include "softsgx/driver/driver.h"
#include "softsgx/sig.h"

#include <errno.h>
#include <string.h>

#define MAX_ENCLAVE_SIZE (1UL << 47)

static bool all_zero(const void *p, size_t len)
{
    const uint8_t *b = p;
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= b[i];
    return !any;
}

static int range_check(const struct secs *s)
{
    if (s->size & (s->size - 1))
        return why(-EINVAL, "ECREATE: SECS.SIZE is not a power of two");
    if (s->size < 2 * PAGE_SIZE || s->size > MAX_ENCLAVE_SIZE)
        return why(-EIO, "ECREATE: SECS.SIZE is out of range");
    if (s->base & (s->size - 1))
        return why(-EIO, "ECREATE: SECS.BASEADDR is not aligned to SIZE");
    if (s->base > MAX_ENCLAVE_SIZE - s->size)
        return why(-EIO, "ECREATE: SECS.BASEADDR is not canonical");
    return 0;
}

static int attributes_check(const struct secs *s)
{
    if (s->attributes.flags & ~ATTR_SUPPORTED)
        return why(-EIO, "ECREATE: unsupported SECS.ATTRIBUTES");
    if (!(s->attributes.flags & ATTR_MODE64BIT))
        return why(-EIO, "ECREATE: 32-bit enclaves are not supported");
    if (s->miscselect & ~MISC_SUPPORTED)
        return why(-EIO, "ECREATE: unsupported SECS.MISCSELECT");
    if (!(s->attributes.flags & ATTR_KSS) &&
        (!all_zero(s->config_id, sizeof(s->config_id)) || s->config_svn))
        return why(-EIO, "ECREATE: CONFIGID without KSS");
    return 0;
}

static int frame_check(const struct secs *s, uint32_t xsave)
{
    uint64_t need = xsave + sizeof(struct ssa_gprs);
    if (s->miscselect & MISC_EXINFO)
        need += sizeof(struct ssa_exinfo);
    if (!xsave)
        return why(-EIO, "ECREATE: SECS.XFRM 0x%lx is not valid on this CPU",
                   (unsigned long)s->attributes.xfrm);
    if (!s->ssa_frame_size || s->ssa_frame_size > 256 || s->ssa_frame_size * PAGE_SIZE < need)
        return why(-EIO, "ECREATE: SECS.SSAFRAMESIZE is too small");
    return 0;
}

static bool reserved_zero(const struct secs *s)
{
    return all_zero(s->reserved1, sizeof(s->reserved1)) &&
           all_zero(s->reserved2, sizeof(s->reserved2)) &&
           all_zero(s->reserved3, sizeof(s->reserved3)) &&
           all_zero(s->reserved4, sizeof(s->reserved4));
}

static void measure_create(struct encl *e)
{
    uint8_t record[64] = "ECREATE";
    memcpy(record + 8, &e->secs.ssa_frame_size, 4);
    memcpy(record + 12, &e->secs.size, 8);
    sha256_init(&e->sha);
    sha256_update(&e->sha, record, sizeof(record));
}

int ecreate(struct encl *e, const struct secs *secs)
{
    int err = range_check(secs);
    if (!err)
        err = attributes_check(secs);
    uint32_t xsave = err ? 0 : xstate_size(secs->attributes.xfrm);
    if (!err)
        err = frame_check(secs, xsave);
    if (!err && !reserved_zero(secs))
        err = why(-EIO, "ECREATE: a reserved field of SECS is not zero");
    if (!err && epcm_init(&e->epcm, &e->arena, secs->size >> PAGE_SHIFT))
        err = -ENOMEM;
    if (err)
        return err;
    e->secs = *secs;
    memset(e->secs.mrenclave, 0, sizeof(e->secs.mrenclave));
    memset(e->secs.mrsigner, 0, sizeof(e->secs.mrsigner));
    e->secs.isv_prod_id = 0;
    e->secs.isv_svn = 0;
    e->base = secs->base;
    e->size = secs->size;
    e->xsave_size = xsave;
    measure_create(e);
    return 0;
}
