/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and the SIGSTRUCT's signature, with OpenSSL.
 *
 * EINIT verifies S^3 mod M without dividing, given Q1 = floor(S^2 / M) and
 * Q2 = floor((S^3 - Q1 * S * M) / M) (SDM volume 3, "EINIT").  All numbers in a SIGSTRUCT are
 * little-endian.
 */
#include "cli/sign/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>
#include <unistd.h>

#include "cli/outfile.h"
#include "cli/say.h"

#define KEY_BITS 3072

/* One line from OpenSSL's error queue. */
static const char *reason(void)
{
    unsigned long e = ERR_peek_last_error();
    const char *text = e ? ERR_reason_error_string(e) : NULL;
    return text ? text : "unknown error";
}

EVP_PKEY *key_generate(void)
{
    EVP_PKEY *key = NULL;
    BIGNUM *three = BN_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (!three || !BN_set_word(three, 3) || !ctx || EVP_PKEY_keygen_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, KEY_BITS) <= 0 ||
        EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three) <= 0 || EVP_PKEY_generate(ctx, &key) <= 0) {
        say_error("cannot make a key: %s", reason());
        key = NULL;
    }
    EVP_PKEY_CTX_free(ctx);
    BN_free(three);
    return key;
}

static bool key_fits(EVP_PKEY *key)
{
    BIGNUM *e = NULL;
    bool ok = EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == KEY_BITS &&
              EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) && BN_is_word(e, 3);
    BN_free(e);
    return ok;
}

EVP_PKEY *key_load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        say_error("cannot open the key %s: %s%s", path, strerror(errno),
                  errno == ENOENT ? "; make one with cella keygen" : "");
        return NULL;
    }
    FILE *f = fdopen(fd, "r");
    EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;
    if (f)
        fclose(f);
    if (!key) {
        say_error("%s: no private key in PEM format (%s); make one with cella keygen", path,
                  reason());
        return NULL;
    }
    if (key_fits(key))
        return key;
    say_error("%s: not an RSA key of 3072 bits with exponent 3; make one with cella keygen", path);
    EVP_PKEY_free(key);
    return NULL;
}

int key_store(EVP_PKEY *key, const char *path, bool replace)
{
    struct outfile o;
    char *data;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
        BIO_free(bio);
        return -ENOMEM;
    }
    long len = BIO_get_mem_data(bio, &data);
    int err = outfile_open(&o, path, 0600);
    if (!err) {
        outfile_write(&o, data, (size_t)len);
        err = outfile_commit(&o, replace);
    }
    OPENSSL_cleanse(data, (size_t)len);
    BIO_free(bio);
    return err;
}

/* PKCS#1 v1.5 over SHA-256 of the two signed parts; big-endian result. */
static bool rsa_sign(EVP_PKEY *key, const struct sigstruct *s, uint8_t sig[SIGSTRUCT_KEY])
{
    const uint8_t *p = (const uint8_t *)s;
    size_t len = SIGSTRUCT_KEY;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL) > 0 &&
              EVP_DigestSignUpdate(ctx, p, SIGSTRUCT_PART) > 0 &&
              EVP_DigestSignUpdate(ctx, p + SIGSTRUCT_BODY_OFF, SIGSTRUCT_PART) > 0 &&
              EVP_DigestSignFinal(ctx, sig, &len) > 0 && len == SIGSTRUCT_KEY;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bool put_quotients(struct sigstruct *s, const BIGNUM *sig, const BIGNUM *mod, BN_CTX *ctx)
{
    BIGNUM *q1 = BN_CTX_get(ctx), *q2 = BN_CTX_get(ctx), *r = BN_CTX_get(ctx);
    BIGNUM *t = BN_CTX_get(ctx);
    return t && BN_sqr(t, sig, ctx) && BN_div(q1, r, t, mod, ctx) &&
           /* r = S^2 - Q1*M, so r*S = S^3 - Q1*S*M */
           BN_mul(t, r, sig, ctx) && BN_div(q2, r, t, mod, ctx) &&
           BN_bn2lebinpad(q1, s->q1, SIGSTRUCT_KEY) == SIGSTRUCT_KEY &&
           BN_bn2lebinpad(q2, s->q2, SIGSTRUCT_KEY) == SIGSTRUCT_KEY;
}

bool key_sign(EVP_PKEY *key, struct sigstruct *s)
{
    uint8_t be[SIGSTRUCT_KEY];
    BIGNUM *mod = NULL, *sig = NULL;
    BN_CTX *ctx = BN_CTX_new();
    bool ok = ctx && EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &mod) &&
              BN_bn2lebinpad(mod, s->modulus, SIGSTRUCT_KEY) == SIGSTRUCT_KEY &&
              rsa_sign(key, s, be) && (sig = BN_bin2bn(be, sizeof be, NULL)) &&
              BN_bn2lebinpad(sig, s->signature, SIGSTRUCT_KEY) == SIGSTRUCT_KEY;
    if (ok) {
        BN_CTX_start(ctx);
        ok = put_quotients(s, sig, mod, ctx);
        BN_CTX_end(ctx);
    }
    if (!ok)
        say_error("cannot sign: %s", reason());
    BN_free(mod);
    BN_free(sig);
    BN_CTX_free(ctx);
    return ok;
}
