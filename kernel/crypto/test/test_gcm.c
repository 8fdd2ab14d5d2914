/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AES-256-GCM against NIST's vectors and against OpenSSL, in place and not, at every length around the
 * code's block counts; and what is opened is what was sealed, to the bit.  Linked with the library
 * objects that the kernel links.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <intel-ipsec-mb.h>
#include <openssl/evp.h>

#include "kernel/crypto/gcm.c"

_Static_assert(sizeof(struct gcm_key_data) <= sizeof(struct gcm_key), "gcm_key_data");
_Static_assert(sizeof(struct gcm_context_data) <= sizeof(struct gcm_context), "gcm_context_data");

#define MAX_LEN 66000

static unsigned brackets;

void kernel_fpu_begin(void)
{
    assert_int_equal(brackets++, 0);
}

void kernel_fpu_end(void)
{
    assert_int_equal(--brackets, 0);
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    return !memcmp(a, b, n);
}

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)strtoul((char[3]){hex[2 * i], hex[2 * i + 1], 0}, NULL, 16);
    return n;
}

/* "The Galois/Counter Mode of Operation", McGrew and Viega, test cases 13 to 16, as NIST has them. */
static const struct vector {
    const char *key, *iv, *aad, *plain, *sealed, *tag;
} vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
     "d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "5"
     "25b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838"
     "c5f61e6393ba7a0abcc9f662898015ad",
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b"
     "5"
     "25b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828"
     "838"
     "c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        uint8_t key[32], iv[12], aad[32], plain[64], sealed[64], tag[16], out[64], got[16];
        struct gcm_key k;
        assert_int_equal(from_hex(key, v->key), 32);
        assert_int_equal(from_hex(iv, v->iv), 12);
        size_t aad_len = from_hex(aad, v->aad), n = from_hex(plain, v->plain);
        assert_int_equal(from_hex(sealed, v->sealed), n);
        from_hex(tag, v->tag);
        gcm_init(&k, key);
        gcm_seal(&k, iv, aad, aad_len, plain, n, out, got);
        assert_memory_equal(out, sealed, n);
        assert_memory_equal(got, tag, 16);
        assert_true(gcm_open(&k, iv, aad, aad_len, sealed, n, out, tag));
        assert_memory_equal(out, plain, n);
    }
}

static void openssl_seal(const uint8_t *key, const uint8_t *iv, const uint8_t *aad, size_t aad_len,
                         const uint8_t *in, size_t n, uint8_t *out, uint8_t *tag)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len;
    assert_true(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, iv));
    assert_true(EVP_EncryptUpdate(c, NULL, &len, aad, (int)aad_len));
    assert_true(EVP_EncryptUpdate(c, out, &len, in, (int)n));
    assert_true(EVP_EncryptFinal_ex(c, out + len, &len));
    assert_true(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, tag));
    EVP_CIPHER_CTX_free(c);
}

static uint8_t in[MAX_LEN], ours[MAX_LEN], theirs[MAX_LEN];

/* One length: ours is theirs, and comes back in place. */
static void compare(const struct gcm_key *k, const uint8_t *key, size_t n, size_t aad_len)
{
    uint8_t iv[12] = {(uint8_t)n, (uint8_t)(n >> 8), 3}, aad[40] = {7, 8}, mine[16], other[16];
    openssl_seal(key, iv, aad, aad_len, in, n, theirs, other);
    memcpy(ours, in, n);
    gcm_seal(k, iv, aad, aad_len, ours, n, ours, mine);
    assert_memory_equal(ours, theirs, n);
    assert_memory_equal(mine, other, 16);
    assert_true(gcm_open(k, iv, aad, aad_len, ours, n, ours, mine));
    assert_memory_equal(ours, in, n);
}

static void test_openssl(void **state)
{
    uint8_t key[32];
    struct gcm_key k;

    (void)state;
    for (size_t i = 0; i < MAX_LEN; i++)
        in[i] = (uint8_t)(i * 31 + (i >> 8));
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(i * 7 + 1);
    gcm_init(&k, key);
    for (size_t n = 1; n < 700; n++)
        compare(&k, key, n, n % 41);
    for (size_t n = 4090; n < 4100; n++)
        compare(&k, key, n, 16);
    compare(&k, key, 65536, 16);
    compare(&k, key, MAX_LEN, 16);
}

/* A bit of anything changed: refused, and nothing of it to be seen. */
static void test_refused(void **state)
{
    static const uint8_t zero[64];
    uint8_t key[32] = {5}, iv[12] = {6}, aad[16] = {7}, tag[16], plain[64], sealed[64], out[64];
    struct gcm_key k;

    (void)state;
    memset(plain, 0x5a, sizeof(plain));
    gcm_init(&k, key);
    gcm_seal(&k, iv, aad, sizeof(aad), plain, sizeof(plain), sealed, tag);
    struct {
        uint8_t *at;
        size_t n;
    } parts[] = {{iv, 12}, {aad, 16}, {sealed, 64}, {tag, 16}};
    for (size_t p = 0; p < 4; p++)
        for (size_t bit = 0; bit < parts[p].n * 8; bit++) {
            parts[p].at[bit / 8] ^= (uint8_t)(1U << bit % 8);
            assert_false(gcm_open(&k, iv, aad, sizeof(aad), sealed, sizeof(sealed), out, tag));
            assert_memory_equal(out, zero, sizeof(out));
            parts[p].at[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    assert_false(gcm_open(&k, iv, aad, sizeof(aad), sealed, sizeof(sealed) - 1, out, tag));
    assert_true(gcm_open(&k, iv, aad, sizeof(aad), sealed, sizeof(sealed), out, tag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_openssl),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
