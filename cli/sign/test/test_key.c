/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures: the SIGSTRUCT's numbers satisfy what EINIT computes, signing is
 * deterministic, and unfit keys are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "cli/sign/key.c"

static EVP_PKEY *key;

static int set_up(void **state)
{
    (void)state;
    key = key_generate();
    return key ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    return 0;
}

static void fill(struct sigstruct *s)
{
    sigstruct_init(s);
    s->date = 0x20240101;
    memset(s->mrenclave, 0x5a, sizeof s->mrenclave);
}

static BIGNUM *number(const uint8_t *p)
{
    return BN_lebin2bn(p, SIGSTRUCT_KEY, NULL);
}

/* S^3 mod M is PKCS#1 v1.5 padding of SHA-256 over both parts, and Q1, Q2 are the quotients. */
static void test_numbers(void **state)
{
    static const uint8_t info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    struct sigstruct s;
    uint8_t em[SIGSTRUCT_KEY], want[SIGSTRUCT_KEY], parts[256];
    (void)state;
    fill(&s);
    assert_true(key_sign(key, &s));
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *sig = number(s.signature), *m = number(s.modulus), *q1 = number(s.q1);
    BIGNUM *q2 = number(s.q2), *t = BN_new(), *r = BN_new();
    BN_sqr(t, sig, ctx);
    BN_div(t, r, t, m, ctx);
    assert_int_equal(BN_cmp(t, q1), 0);
    BN_mul(t, r, sig, ctx);
    BN_div(t, r, t, m, ctx);
    assert_int_equal(BN_cmp(t, q2), 0);
    BN_bn2binpad(r, em, sizeof em);
    memcpy(parts, &s, 128);
    memcpy(parts + 128, (uint8_t *)&s + 900, 128);
    memset(want, 0xff, sizeof want);
    want[0] = 0;
    want[1] = 1;
    want[384 - 32 - sizeof info - 1] = 0;
    memcpy(want + 384 - 32 - sizeof info, info, sizeof info);
    EVP_Digest(parts, sizeof parts, want + 384 - 32, NULL, EVP_sha256(), NULL);
    assert_memory_equal(em, want, sizeof em);
    BIGNUM *all[] = {sig, m, q1, q2, t, r};
    for (size_t i = 0; i < 6; i++)
        BN_free(all[i]);
    BN_CTX_free(ctx);
}

static void test_deterministic(void **state)
{
    struct sigstruct a, b;
    (void)state;
    fill(&a);
    fill(&b);
    assert_true(key_sign(key, &a) && key_sign(key, &b));
    assert_memory_equal(&a, &b, sizeof a);
    b.mrenclave[0]++;
    assert_true(key_sign(key, &b));
    assert_memory_not_equal(a.signature, b.signature, sizeof a.signature);
}

static void test_file(void **state)
{
    char path[] = "/tmp/cella-key-XXXXXX";
    struct stat st;
    struct sigstruct a, b;
    (void)state;
    close(mkstemp(path));
    assert_int_equal(key_store(key, path, false), -EEXIST);
    assert_int_equal(key_store(key, path, true), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    EVP_PKEY *again = key_load(path);
    assert_non_null(again);
    fill(&a);
    fill(&b);
    assert_true(key_sign(key, &a) && key_sign(again, &b));
    assert_memory_equal(&a, &b, sizeof a);
    EVP_PKEY_free(again);
    unlink(path);
    assert_int_equal(key_store(key, "/nowhere/key", true), -ENOENT);
}

static void test_unfit(void **state)
{
    char path[] = "/tmp/cella-key-XXXXXX";
    EVP_PKEY *other = EVP_RSA_gen(1024);
    (void)state;
    close(mkstemp(path));
    assert_null(key_load(path));
    assert_null(key_load("/nowhere/key"));
    assert_int_equal(key_store(other, path, true), 0);
    assert_null(key_load(path));
    EVP_PKEY_free(other);
    other = EVP_EC_gen("P-256");
    assert_int_equal(key_store(other, path, true), 0);
    assert_null(key_load(path));
    EVP_PKEY_free(other);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_unfit),
    };
    return cmocka_run_group_tests_name("key", tests, set_up, tear_down);
}
