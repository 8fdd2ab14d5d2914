/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening bundles: a good one, and each way in which one can be damaged; the attributes that
 * follow from a SIGSTRUCT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "cli/settings.h"
#include "host/enclave/bundle.c"
#include "host/enclave/sigstruct.c"

struct file {
    struct bundle_header *h;
    struct sigstruct *s;
    unsigned char *bytes;
    size_t len;
};

/* A bundle in memory: one page each, and 64 bytes of leaf hashes. */
static struct file make(void)
{
    struct settings s;
    struct file f = {.len = 3 * 4096 + 64};
    const char *why;
    size_t len;
    settings_init(&s);
    s.entrypoint = strdup("/a");
    s.start_dir = strdup("/");
    s.leaves_len = 64;
    settings_add_mount(&s, CONFIG_MOUNT_TMPFS, "/", NULL);
    struct settings_hashes none;
    void *config = settings_write(&s, &len, &none, &why);
    assert_non_null(config);
    f.bytes = test_calloc(1, f.len);
    f.h = (void *)f.bytes;
    f.s = (void *)(f.bytes + 8192);
    memcpy(f.bytes + 4096, config, len);
    sigstruct_init(f.s);
    *f.h = (struct bundle_header){
        .version = BUNDLE_VERSION,
        .header_size = sizeof *f.h,
        .file_size = f.len,
        .config_off = 4096,
        .config_len = len,
        .sigstruct_off = 8192,
        .leaves_off = 3 * 4096,
        .leaves_len = 64,
        .base = ".",
    };
    memcpy(f.h->magic, BUNDLE_MAGIC, 8);
    free(config);
    settings_fini(&s);
    bundle_header_digest(f.h, f.h->header_sha256);
    return f;
}

/* What the tests change must get past the header's digest. */
static void seal(struct file *f)
{
    bundle_header_digest(f->h, f->h->header_sha256);
}

static int file_of(const struct file *f)
{
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->bytes, f->len), f->len);
    return fd;
}

static int open_it(const struct file *f, struct bundle *b, const char **why)
{
    int fd = file_of(f);
    int err = bundle_open(b, fd, why);
    if (!err && bundle_check_config(b, why)) {
        bundle_close(b);
        err = -EINVAL;
    }
    close(fd);
    return err;
}

static void test_good(void **state)
{
    struct file f = make();
    struct bundle b;
    const char *why;
    (void)state;
    assert_int_equal(open_it(&f, &b, &why), 0);
    assert_string_equal(config_string(&b.config, b.config.head->entrypoint), "/a");
    assert_int_equal(b.leaves_len, 64);
    assert_int_equal((uintptr_t)b.leaves % 4096, 0);
    assert_string_equal(b.head->base, ".");
    bundle_close(&b);
    test_free(f.bytes);
}

static void test_probe(void **state)
{
    struct file f = make();
    int fd = file_of(&f);
    (void)state;
    assert_true(bundle_probe(fd));
    assert_int_equal(ftruncate(fd, 7), 0);
    assert_false(bundle_probe(fd));
    close(fd);
    test_free(f.bytes);
}

#define REFUSES(damage, text)                             \
    do {                                                  \
        struct file f = make();                           \
        struct bundle b;                                  \
        const char *why = NULL;                           \
        damage;                                           \
        seal(&f);                                         \
        assert_int_equal(open_it(&f, &b, &why), -EINVAL); \
        assert_string_equal(why, text);                   \
        test_free(f.bytes);                               \
    } while (0)

static void test_damaged(void **state)
{
    static const char other[] = "made by another version of Cella; sign the manifest again";
    (void)state;
    REFUSES(f.h->magic[0] = 'x', "not a bundle");
    REFUSES(f.h->version++, other);
    REFUSES(f.h->header_size++, other);
    REFUSES(f.len--, "truncated or extended");
    REFUSES(f.len = 100, "truncated");
    REFUSES(f.len = 0, "truncated");
    REFUSES(f.h->config_off = 0, "damaged header");
    REFUSES(f.h->config_off = 4097, "damaged header");
    REFUSES(f.h->config_off = UINT64_MAX - 4095, "damaged header");
    REFUSES(f.h->config_len = UINT64_MAX, "damaged header");
    REFUSES(f.h->sigstruct_off = 3 * 4096, "damaged header");
    REFUSES(f.h->leaves_len = 65, "damaged header");
    REFUSES(memset(f.h->base, 'x', sizeof f.h->base), "damaged header");
    REFUSES(f.h->leaves_len = 32, "the leaf hashes do not belong to the configuration");
    REFUSES(f.h->config_len--, "the length differs from the header's");
    REFUSES(f.bytes[4096] = 0, "not a configuration");
    REFUSES(f.bytes[8192] = 0, "not a SIGSTRUCT");
    REFUSES(f.s->exponent = 5, "the exponent is not 3");
    REFUSES(f.s->vendor = 1, "unknown vendor");
    REFUSES(f.s->reserved4[11] = 1, "a reserved field is not zero");
}

/* No bit of the header or of the padding can change unnoticed. */
static void test_every_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3 * 4096; i += i < 1200 ? 1 : 7) {
        struct file f = make();
        struct bundle b;
        const char *why;
        bool part = (i >= 4096 && i < 4096 + f.h->config_len) || (i >= 8192 && i < 8192 + 1808);
        f.bytes[i] ^= 1 << i % 8;
        int err = part ? -EINVAL : open_it(&f, &b, &why);
        assert_int_equal(err, -EINVAL);
        test_free(f.bytes);
    }
}

static void test_attributes(void **state)
{
    struct sigstruct s;
    uint64_t flags, xfrm;
    (void)state;
    sigstruct_init(&s);
    s.flags = SGX_ATTR_MODE64;
    s.flags_mask = ~0UL;
    s.xfrm = SGX_XFRM_LEGACY | SGX_XFRM_AVX;
    s.xfrm_mask = ~SGX_XFRM_AVX512; /* AVX required, AVX-512 free, the rest forbidden */
    assert_int_equal(sigstruct_attributes(&s, 0x2ff, &flags, &xfrm), 0);
    assert_int_equal(flags, SGX_ATTR_MODE64);
    assert_int_equal(xfrm, 0xe7);
    assert_int_equal(sigstruct_attributes(&s, 0x7, &flags, &xfrm), 0);
    assert_int_equal(xfrm, 0x7);
    assert_int_equal(sigstruct_attributes(&s, 0x3, &flags, &xfrm), -ENOTSUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_probe),
        cmocka_unit_test(test_damaged),    cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_attributes),
    };
    return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
