/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGSTRUCT's fixed parts.  The RSA signature itself is made by cella-sign and verified by EINIT.
 */
#include "host/enclave/sigstruct.h"

#include <errno.h>
#include <string.h>

#include "lib/sha256.h"

static const uint8_t header1[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};

static bool all_zero(const uint8_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i])
            return false;
    return true;
}

bool sigstruct_check(const struct sigstruct *s, const char **why)
{
    *why = NULL;
    if (memcmp(s->header, header1, 16) != 0 || memcmp(s->header2, header2, 16) != 0)
        *why = "not a SIGSTRUCT";
    else if (s->vendor != 0 && s->vendor != 0x8086)
        *why = "unknown vendor";
    else if (s->exponent != 3)
        *why = "the exponent is not 3";
    else if (!all_zero(s->reserved1, sizeof s->reserved1) ||
             !all_zero(s->reserved2, sizeof s->reserved2) ||
             !all_zero(s->reserved3, sizeof s->reserved3) ||
             !all_zero(s->reserved4, sizeof s->reserved4))
        *why = "a reserved field is not zero";
    return !*why;
}

void sigstruct_init(struct sigstruct *s)
{
    memset(s, 0, sizeof *s);
    memcpy(s->header, header1, 16);
    memcpy(s->header2, header2, 16);
    s->exponent = 3;
}

void sigstruct_mrsigner(const struct sigstruct *s, uint8_t mrsigner[32])
{
    sha256(s->modulus, sizeof s->modulus, mrsigner);
}

int sigstruct_attributes(const struct sigstruct *s, uint64_t allowed, uint64_t *flags,
                         uint64_t *xfrm)
{
    *flags = s->flags & s->flags_mask;
    *xfrm = (s->xfrm & s->xfrm_mask) | (allowed & ~s->xfrm_mask) | SGX_XFRM_LEGACY;
    return *xfrm & ~(allowed | SGX_XFRM_LEGACY) ? -ENOTSUP : 0;
}
