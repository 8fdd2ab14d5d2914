/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSTRUCT on its own: constants, reserved fields and signature, as EINIT checks them. */
#include "softsgx/driver/driver.h"

#include <string.h>

static const uint8_t header1[16] = {0x06, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 0x01, 0, 0, 0, 0, 0};
static const uint8_t header2[16] = {0x01, 0x01, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 0x01, 0, 0, 0};

static bool zero(const uint8_t *p, size_t len)
{
    uint8_t any = 0;
    for (size_t i = 0; i < len; i++)
        any |= p[i];
    return !any;
}

static bool reserved_zero(const struct sigstruct *ss)
{
    return zero(ss->reserved1, sizeof(ss->reserved1)) &&
           zero(ss->reserved2, sizeof(ss->reserved2)) &&
           zero(ss->reserved3, sizeof(ss->reserved3)) && zero(ss->reserved4, sizeof(ss->reserved4));
}

int sigstruct_verify(const struct sigstruct *ss)
{
    if (memcmp(ss->header, header1, 16) || memcmp(ss->header2, header2, 16))
        return why(SGX_INVALID_SIG_STRUCT, "EINIT: SIGSTRUCT has a wrong header");
    if (ss->vendor != 0 && ss->vendor != 0x8086)
        return why(SGX_INVALID_SIG_STRUCT, "EINIT: SIGSTRUCT has an unknown vendor");
    if (ss->exponent != 3)
        return why(SGX_INVALID_SIG_STRUCT, "EINIT: SIGSTRUCT's exponent is not 3");
    if (!reserved_zero(ss))
        return why(SGX_INVALID_SIG_STRUCT, "EINIT: a reserved field of SIGSTRUCT is not zero");
    /*
     * The signature covers the header and the body; the key and the quotients lie between and
     * after.
     */
    struct sha256 sha;
    uint8_t digest[32];
    sha256_init(&sha);
    sha256_update(&sha, ss, offsetof(struct sigstruct, modulus));
    sha256_update(&sha, &ss->miscselect,
                  offsetof(struct sigstruct, reserved4) - offsetof(struct sigstruct, miscselect));
    sha256_final(&sha, digest);
    if (!rsa_verify(ss->modulus, ss->signature, ss->q1, ss->q2, digest))
        return why(SGX_INVALID_SIGNATURE, "EINIT: SIGSTRUCT's signature is wrong");
    return 0;
}
