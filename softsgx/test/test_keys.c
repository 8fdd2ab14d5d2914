/* SPDX-License-Identifier: Apache-2.0 */
/* AES-CMAC against RFC 4493; keys change with what they should depend on and with nothing else. */
#include "softsgx/driver/driver.h"
#include "softsgx/keys/cmac.h"
#include "softsgx/keys/keys.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint8_t root[32] = {1, 2, 3};

static void hex(uint8_t *out, const char *s)
{
    for (; *s; s += 2, out++)
        sscanf(s, "%2hhx", out);
}

static void test_cmac(void **state)
{
    uint8_t key[16], msg[64], want[16], got[16];
    static const struct {
        size_t len;
        const char *mac;
    } v[] = {{0, "bb1d6929e95937287fa37d129b756746"},
             {16, "070a16b46b4d4144f79bdd9dd04a287c"},
             {40, "dfa66747de9ae63030ca32611497c827"},
             {64, "51f0bebf7e3b9d92fc49741779363cfe"}};
    (void)state;
    hex(key, "2b7e151628aed2a6abf7158809cf4f3c");
    hex(msg, "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
             "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710");
    for (size_t i = 0; i < 4; i++) {
        hex(want, v[i].mac);
        cmac(key, msg, v[i].len, got);
        assert_memory_equal(got, want, 16);
    }
}

static void encl_make(struct encl *e)
{
    memset(e, 0, sizeof(*e));
    e->secs.attributes.flags = ATTR_INIT | ATTR_MODE64BIT;
    e->secs.attributes.xfrm = 7;
    memset(e->secs.mrenclave, 0xe1, 32);
    memset(e->secs.mrsigner, 0x51, 32);
    e->secs.isv_prod_id = 3;
    e->secs.isv_svn = 5;
}

static void test_seal(void **state)
{
    static struct encl e;
    struct keyrequest req = {.keyname = KEY_SEAL, .keypolicy = KEYPOLICY_MRSIGNER, .isv_svn = 5};
    uint8_t base[16], key[16];
    (void)state;
    encl_make(&e);
    assert_int_equal(key_get(&e, root, &req, base), 0);
#define KEY(same, change)                                  \
    do {                                                   \
        struct encl saved = e;                             \
        struct keyrequest saved_req = req;                 \
        change;                                            \
        assert_int_equal(key_get(&e, root, &req, key), 0); \
        assert_int_equal(!memcmp(base, key, 16), same);    \
        e = saved;                                         \
        req = saved_req;                                   \
    } while (0)
    KEY(true, (void)0);
    KEY(true, e.secs.mrenclave[0]++); /* not in the policy */
    KEY(false, e.secs.mrsigner[0]++);
    KEY(false, e.secs.isv_prod_id++);
    KEY(true, e.secs.isv_svn++); /* a newer version still gets the old key */
    KEY(false, req.isv_svn--);
    KEY(false, req.keyid[31]++);
    KEY(true, e.secs.attributes.xfrm = 3);             /* masked out */
    KEY(false, e.secs.attributes.flags |= ATTR_DEBUG); /* cannot be masked out */
    KEY(false, req.keypolicy = KEYPOLICY_MRENCLAVE);
    KEY(false, req.keypolicy = KEYPOLICY_MRSIGNER | KEYPOLICY_MRENCLAVE);
#undef KEY
    uint8_t other[32] = {9};
    assert_int_equal(key_get(&e, other, &req, key), 0);
    assert_memory_not_equal(base, key, 16);
}

static void test_refused(void **state)
{
    static struct encl e;
    struct keyrequest good = {.keyname = KEY_SEAL, .isv_svn = 5}, req;
    uint8_t key[16];
    (void)state;
    encl_make(&e);
#define REFUSED(err, change)                                 \
    do {                                                     \
        req = good;                                          \
        change;                                              \
        assert_int_equal(key_get(&e, root, &req, key), err); \
    } while (0)
    REFUSED(SGX_INVALID_ISVSVN, req.isv_svn = 6);
    REFUSED(SGX_INVALID_CPUSVN, req.cpusvn[0] = 2);
    REFUSED(SGX_INVALID_KEYNAME, req.keyname = 5);
    REFUSED(SGX_INVALID_ATTRIBUTE, req.keyname = KEY_PROVISION);
    REFUSED(SGX_INVALID_ATTRIBUTE, req.keyname = KEY_EINITTOKEN);
    REFUSED(-1, req.reserved1 = 1);
    REFUSED(-1, req.reserved2[433] = 1);
    REFUSED(-1, req.keypolicy = 0x40);
    REFUSED(-1, req.keypolicy = KEYPOLICY_CONFIGID); /* needs KSS */
#undef REFUSED
}

/* The target, and nobody else, can check a report. */
static void test_report(void **state)
{
    static struct encl from, to;
    struct targetinfo target = {0};
    struct report r;
    uint8_t data[64] = "hello", key[16], mac[16];
    struct keyrequest req = {.keyname = KEY_REPORT};
    (void)state;
    encl_make(&from);
    encl_make(&to);
    to.secs.mrenclave[5] = 5;
    memcpy(target.measurement, to.secs.mrenclave, 32);
    target.attributes = to.secs.attributes;
    report_make(&from, root, &target, data, &r);
    assert_memory_equal(r.mrenclave, from.secs.mrenclave, 32);
    memcpy(req.keyid, r.keyid, 32);
    assert_int_equal(key_get(&to, root, &req, key), 0);
    cmac(key, &r, 384, mac);
    assert_memory_equal(mac, r.mac, 16);
    assert_int_equal(key_get(&from, root, &req, key), 0);
    cmac(key, &r, 384, mac);
    assert_memory_not_equal(mac, r.mac, 16);
}

static void test_root_key_file(void **state)
{
    char dir[] = "/tmp/softsgx-test-XXXXXX", path[64];
    uint8_t first[32];
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sub/root.key", dir);
    setenv("SOFTSGX_ROOT_KEY", path, 1);
    assert_int_equal(rootkey_load(), 0);
    memcpy(first, rootkey(), 32);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 32);
    assert_int_equal(rootkey_load(), 0);
    assert_memory_equal(first, rootkey(), 32);
    unlink(path);
    snprintf(path, sizeof(path), "%s/sub", dir);
    assert_int_equal(rmdir(path), 0); /* nothing else was left there */
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cmac),          cmocka_unit_test(test_seal),
        cmocka_unit_test(test_refused),       cmocka_unit_test(test_report),
        cmocka_unit_test(test_root_key_file),
    };
    return cmocka_run_group_tests_name("softsgx keys", tests, NULL, NULL);
}
