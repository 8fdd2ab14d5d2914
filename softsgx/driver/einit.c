/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EINIT: measurement, signature and attribute checks in the order of the SDM's pseudo-code.  Linux
 * writes the signer's hash to IA32_SGXLEPUBKEYHASH before every EINIT (flexible launch control), so
 * no EINITTOKEN is ever needed.
 */
#include "softsgx/driver/driver.h"

#include <string.h>

static int measurement_check(struct encl *e, const struct sigstruct *ss, uint8_t mrenclave[32])
{
    struct sha256 sha = e->sha; /* a failed EINIT may be repeated */
    sha256_final(&sha, mrenclave);
    if (!memcmp(mrenclave, ss->enclave_hash, 32))
        return 0;
    char have[17], want[17];
    for (int i = 0; i < 8; i++) {
        static const char hex[] = "0123456789abcdef";
        have[2 * i] = hex[mrenclave[i] >> 4];
        have[2 * i + 1] = hex[mrenclave[i] & 15];
        want[2 * i] = hex[ss->enclave_hash[i] >> 4];
        want[2 * i + 1] = hex[ss->enclave_hash[i] & 15];
    }
    have[16] = want[16] = 0;
    return why(SGX_INVALID_MEASUREMENT, "EINIT: the enclave measures %s..., SIGSTRUCT says %s...",
               have, want);
}

static int attributes_check(const struct secs *s, const struct sigstruct *ss)
{
    const struct attributes mask = ss->attribute_mask;
    if ((s->attributes.flags ^ ss->attributes.flags) & mask.flags)
        return why(SGX_INVALID_ATTRIBUTE, "EINIT: ATTRIBUTES differ from SIGSTRUCT's (%s)",
                   (s->attributes.flags ^ ss->attributes.flags) & mask.flags & ATTR_DEBUG
                       ? "debug against production"
                       : "flags");
    if ((s->attributes.xfrm ^ ss->attributes.xfrm) & mask.xfrm)
        return why(SGX_INVALID_ATTRIBUTE, "EINIT: XFRM differs from SIGSTRUCT's");
    if ((s->miscselect ^ ss->miscselect) & ss->miscmask)
        return why(SGX_INVALID_ATTRIBUTE, "EINIT: MISCSELECT differs from SIGSTRUCT's");
    if (ss->cet_attributes & ss->cet_attributes_mask)
        return why(SGX_INVALID_ATTRIBUTE, "EINIT: SIGSTRUCT demands CET");
    return 0;
}

int einit(struct encl *e, const struct sigstruct *ss)
{
    uint8_t mrenclave[32], mrsigner[32];
    int err = sigstruct_verify(ss);
    if (!err)
        err = measurement_check(e, ss, mrenclave);
    if (!err)
        err = attributes_check(&e->secs, ss);
    if (err)
        return err;
    if (!(e->secs.attributes.flags & ATTR_KSS)) {
        /* Without KSS these must be zero, or the key derivation would ignore what was signed. */
        for (int i = 0; i < 16; i++)
            if (ss->isv_family_id[i] | ss->isv_ext_prod_id[i])
                return why(SGX_INVALID_ATTRIBUTE, "EINIT: ISVFAMILYID or ISVEXTPRODID without KSS");
    }
    sha256(ss->modulus, sizeof(ss->modulus), mrsigner);
    memcpy(e->secs.mrenclave, mrenclave, 32);
    memcpy(e->secs.mrsigner, mrsigner, 32);
    e->secs.isv_prod_id = ss->isv_prod_id;
    e->secs.isv_svn = ss->isv_svn;
    memcpy(e->isv_ext_prod_id, ss->isv_ext_prod_id, 16);
    memcpy(e->isv_family_id, ss->isv_family_id, 16);
    e->secs.attributes.flags |= ATTR_INIT;
    e->initialized = true;
    patch_sites(e);
    return 0;
}
