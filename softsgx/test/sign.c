/* SPDX-License-Identifier: Apache-2.0 */
#include "softsgx/test/sign.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <string.h>

void measure_start(struct measure *m, uint64_t size, uint32_t ssa_frame_size)
{
    uint8_t r[64] = "ECREATE";
    memcpy(r + 8, &ssa_frame_size, 4);
    memcpy(r + 12, &size, 8);
    m->ctx = EVP_MD_CTX_new();
    assert(EVP_DigestInit(m->ctx, EVP_sha256()));
    assert(EVP_DigestUpdate(m->ctx, r, 64));
}

void measure_page(struct measure *m, uint64_t offset, uint64_t flags, const void *data, bool extend)
{
    uint8_t r[64] = "EADD";
    memcpy(r + 8, &offset, 8);
    memcpy(r + 16, &flags, 8);
    assert(EVP_DigestUpdate(m->ctx, r, 64));
    for (unsigned int i = 0; extend && i < 4096; i += 256) {
        uint64_t at = offset + i;
        memset(r, 0, sizeof(r));
        memcpy(r, "EEXTEND", 8);
        memcpy(r + 8, &at, 8);
        assert(EVP_DigestUpdate(m->ctx, r, 64));
        assert(EVP_DigestUpdate(m->ctx, (const uint8_t *)data + i, 256));
    }
}

void measure_end(struct measure *m, uint8_t mrenclave[32])
{
    unsigned int len;
    assert(EVP_DigestFinal(m->ctx, mrenclave, &len));
    EVP_MD_CTX_free(m->ctx);
}

static EVP_PKEY *key_get(void)
{
    static EVP_PKEY *key;
    if (key)
        return key;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    BIGNUM *e = BN_new();
    BN_set_word(e, 3);
    assert(EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 3072) > 0);
    assert(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) > 0 && EVP_PKEY_keygen(ctx, &key) > 0);
    BN_free(e);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void reverse(uint8_t *to, const uint8_t *from)
{
    for (int i = 0; i < 384; i++)
        to[i] = from[383 - i];
}

static void quotients(struct sigstruct *ss, const uint8_t sig[384], const BIGNUM *n)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *s = BN_bin2bn(sig, 384, NULL), *t = BN_new(), *q = BN_new(), *r = BN_new();
    BN_sqr(t, s, ctx);
    BN_div(q, r, t, n, ctx);
    assert(BN_bn2lebinpad(q, ss->q1, 384) == 384);
    BN_mul(t, r, s, ctx);
    BN_div(q, r, t, n, ctx);
    assert(BN_bn2lebinpad(q, ss->q2, 384) == 384);
    BN_free(s);
    BN_free(t);
    BN_free(q);
    BN_free(r);
    BN_CTX_free(ctx);
}

void sigstruct_sign(struct sigstruct *ss)
{
    uint8_t signed_part[256], sig[384];
    size_t len = sizeof(sig);
    BIGNUM *n = NULL;
    memcpy(signed_part, ss, 128);
    memcpy(signed_part + 128, &ss->miscselect, 128);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key_get()) > 0);
    assert(EVP_DigestSign(ctx, sig, &len, signed_part, sizeof(signed_part)) > 0 && len == 384);
    EVP_MD_CTX_free(ctx);
    assert(EVP_PKEY_get_bn_param(key_get(), OSSL_PKEY_PARAM_RSA_N, &n) > 0);
    assert(BN_bn2lebinpad(n, ss->modulus, 384) == 384);
    ss->exponent = 3;
    reverse(ss->signature, sig);
    quotients(ss, sig, n);
    BN_free(n);
}

void sigstruct_make(struct sigstruct *ss, const uint8_t mrenclave[32])
{
    static const uint8_t h1[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    static const uint8_t h2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1, 0, 0, 0};
    memset(ss, 0, sizeof(*ss));
    memcpy(ss->header, h1, 16);
    memcpy(ss->header2, h2, 16);
    ss->date = 0x20240101;
    ss->miscselect = MISC_EXINFO;
    ss->miscmask = ~0U;
    ss->attributes.flags = ATTR_MODE64BIT | ATTR_DEBUG;
    ss->attribute_mask.flags = ~0UL & ~ATTR_INIT;
    ss->attributes.xfrm = 3;
    ss->attribute_mask.xfrm = 3;
    ss->isv_prod_id = 7;
    ss->isv_svn = 2;
    memcpy(ss->enclave_hash, mrenclave, 32);
    sigstruct_sign(ss);
}
