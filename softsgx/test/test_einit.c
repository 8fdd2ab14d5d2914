/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ECREATE, EADD, EINIT against an independent measurement and signature by OpenSSL; every check has
 * an input that it alone refuses.
 */
#include "softsgx/driver/driver.h"
#include "softsgx/softsgx.h"
#include "softsgx/test/sign.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BASE 0x600000000000UL
#define SIZE 0x100000UL

static struct secs secs;
static uint8_t page[4096] __attribute__((aligned(4096)));
static uint8_t mrenclave[32];

static void secs_good(void)
{
    memset(&secs, 0, sizeof(secs));
    secs.size = SIZE;
    secs.base = BASE;
    secs.ssa_frame_size = 1;
    secs.miscselect = MISC_EXINFO;
    secs.attributes.flags = ATTR_MODE64BIT | ATTR_DEBUG;
    secs.attributes.xfrm = 3;
}

static int create(int fd)
{
    struct sgx_enclave_create arg = {.src = (uint64_t)&secs};
    return softsgx_ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &arg);
}

static int add(int fd, uint64_t offset, uint64_t flags, bool measured)
{
    struct secinfo si = {.flags = flags};
    struct sgx_enclave_add_pages arg = {.src = (uint64_t)page,
                                        .offset = offset,
                                        .length = 4096,
                                        .secinfo = (uint64_t)&si,
                                        .flags = measured ? SGX_PAGE_MEASURE : 0};
    return softsgx_ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &arg);
}

static int init(int fd, const struct sigstruct *ss)
{
    struct sgx_enclave_init arg = {.sigstruct = (uint64_t)ss};
    return softsgx_ioctl(fd, SGX_IOC_ENCLAVE_INIT, &arg);
}

static void tcs_good(struct tcs_page *t)
{
    memset(t, 0, sizeof(*t));
    t->nssa = 1;
    t->ossa = 0x1000;
    t->fslimit = t->gslimit = ~0U;
}

/* A code page, an unmeasured one, a TCS whose volatile fields EADD clears. */
static int built(void)
{
    struct measure m;
    int fd = softsgx_open();
    assert_true(fd >= 0);
    assert_int_equal(create(fd), 0);
    measure_start(&m, SIZE, 1);
    for (size_t i = 0; i < sizeof(page); i++)
        page[i] = (uint8_t)(i * 7);
    assert_int_equal(add(fd, 0x3000, SI_R | SI_X | SI_PT(PT_REG), true), 0);
    measure_page(&m, 0x3000, SI_R | SI_X | SI_PT(PT_REG), page, true);
    assert_int_equal(add(fd, 0x4000, SI_R | SI_W | SI_PT(PT_REG), false), 0);
    measure_page(&m, 0x4000, SI_R | SI_W | SI_PT(PT_REG), page, false);
    struct tcs_page *t = (struct tcs_page *)page;
    tcs_good(t);
    t->cssa = 1;
    t->aep = 5;
    t->state = 9;
    t->flags = TCS_DBGOPTIN;
    assert_int_equal(add(fd, 0, SI_PT(PT_TCS), true), 0);
    tcs_good(t);
    measure_page(&m, 0, SI_PT(PT_TCS), t, true);
    measure_end(&m, mrenclave);
    return fd;
}

static void test_good(void **state)
{
    static struct sigstruct ss;
    (void)state;
    int fd = built();
    sigstruct_make(&ss, mrenclave);
    assert_int_equal(init(fd, &ss), 0);
    struct encl *e = encl_of_fd(fd);
    assert_memory_equal(e->secs.mrenclave, mrenclave, 32);
    uint8_t mrsigner[32];
    assert_true(EVP_Digest(ss.modulus, 384, mrsigner, NULL, EVP_sha256(), NULL));
    assert_memory_equal(e->secs.mrsigner, mrsigner, 32);
    assert_int_equal(e->secs.isv_prod_id, 7);
    assert_int_equal(e->secs.attributes.flags, ATTR_INIT | ATTR_MODE64BIT | ATTR_DEBUG);
    assert_int_equal(init(fd, &ss), -EINVAL);
    assert_int_equal(add(fd, 0x5000, SI_R | SI_PT(PT_REG), false), -EINVAL);
    assert_int_equal(softsgx_close(fd), 0);
    assert_false(softsgx_owns(fd));
}

/* One changed thing at a time; the error is EINIT's own, as softsgx_why() and the SGX code say. */
static void test_bad_sigstruct(void **state)
{
    static struct sigstruct good, bad;
    (void)state;
    int fd = built();
    struct encl *e = encl_of_fd(fd);
    sigstruct_make(&good, mrenclave);
#define REFUSED(code, sign, change)                 \
    do {                                            \
        bad = good;                                 \
        change;                                     \
        if (sign)                                   \
            sigstruct_sign(&bad);                   \
        assert_int_equal(einit(e, &bad), code);     \
        assert_int_equal(init(fd, &bad), -EPERM);   \
        assert_string_not_equal(softsgx_why(), ""); \
    } while (0)
    REFUSED(SGX_INVALID_SIG_STRUCT, true, bad.header[0] ^= 1);
    REFUSED(SGX_INVALID_SIG_STRUCT, true, bad.header2[3] ^= 1);
    REFUSED(SGX_INVALID_SIG_STRUCT, true, bad.reserved1[83] = 1);
    REFUSED(SGX_INVALID_SIG_STRUCT, true, bad.reserved2[1] = 1);
    REFUSED(SGX_INVALID_SIG_STRUCT, true, bad.reserved3[15] = 1);
    REFUSED(SGX_INVALID_SIG_STRUCT, true, bad.reserved4[11] = 1);
    REFUSED(SGX_INVALID_SIG_STRUCT, false, bad.exponent = 65537);
    REFUSED(SGX_INVALID_SIGNATURE, false, bad.date++);
    REFUSED(SGX_INVALID_SIGNATURE, false, bad.isv_svn++);
    REFUSED(SGX_INVALID_SIGNATURE, false, bad.signature[0] ^= 1);
    REFUSED(SGX_INVALID_SIGNATURE, false, memset(bad.signature, 0xff, 384));
    REFUSED(SGX_INVALID_SIGNATURE, false, memset(bad.signature, 0, 384));
    REFUSED(SGX_INVALID_SIGNATURE, false, bad.modulus[1] ^= 1);
    REFUSED(SGX_INVALID_SIGNATURE, false, bad.q1[0] ^= 1);
    REFUSED(SGX_INVALID_SIGNATURE, false, bad.q1[383] ^= 0x80);
    REFUSED(SGX_INVALID_SIGNATURE, false, bad.q2[0]++);
    REFUSED(SGX_INVALID_MEASUREMENT, true, bad.enclave_hash[31] ^= 1);
    REFUSED(SGX_INVALID_ATTRIBUTE, true, bad.attributes.flags &= ~ATTR_DEBUG);
    REFUSED(SGX_INVALID_ATTRIBUTE, true, bad.attributes.xfrm = 7; bad.attribute_mask.xfrm = 7);
    REFUSED(SGX_INVALID_ATTRIBUTE, true, bad.miscselect = 0);
    REFUSED(SGX_INVALID_ATTRIBUTE, true, bad.cet_attributes = bad.cet_attributes_mask = 1);
#undef REFUSED
    bad = good;
    bad.vendor = 1;
    assert_int_equal(init(fd, &bad), -EINVAL);
    /* A mask lets the difference pass. */
    bad = good;
    bad.attributes.flags &= ~ATTR_DEBUG;
    bad.attribute_mask.flags &= ~ATTR_DEBUG;
    bad.vendor = 0x8086;
    sigstruct_sign(&bad);
    assert_int_equal(init(fd, &bad), 0);
    softsgx_close(fd);
}

static void test_bad_secs(void **state)
{
    (void)state;
    int fd = softsgx_open();
#define REFUSED(err, change)               \
    do {                                   \
        secs_good();                       \
        change;                            \
        assert_int_equal(create(fd), err); \
    } while (0)
    REFUSED(-EINVAL, secs.size = SIZE - 4096);
    REFUSED(-EIO, secs.size = 4096);
    REFUSED(-EIO, secs.base = BASE + 4096);
    REFUSED(-EIO, secs.base = 1UL << 63);
    REFUSED(-EIO, secs.ssa_frame_size = 0);
    REFUSED(-EIO, secs.ssa_frame_size = ~0U);
    REFUSED(-EIO, secs.miscselect = 2);
    REFUSED(-EIO, secs.attributes.flags |= ATTR_INIT);
    REFUSED(-EIO, secs.attributes.flags |= 8);
    REFUSED(-EIO, secs.attributes.flags &= ~ATTR_MODE64BIT);
    REFUSED(-EIO, secs.attributes.xfrm = 1);
    REFUSED(-EIO, secs.attributes.xfrm = 3 | 1UL << 62);
    REFUSED(-EIO, secs.attributes.xfrm = 3 | 0x20);
    REFUSED(-EIO, secs.config_svn = 1);
    REFUSED(-EIO, secs.config_id[63] = 1);
    REFUSED(-EIO, secs.reserved1[0] = 1);
    REFUSED(-EIO, secs.reserved4[3833] = 1);
#undef REFUSED
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_CREATE, NULL), -EFAULT);
    assert_int_equal(softsgx_ioctl(fd, 0x1234, NULL), -ENOTTY);
    secs_good();
    assert_int_equal(create(fd), 0);
    assert_int_equal(create(fd), -EINVAL);
    softsgx_close(fd);
    assert_int_equal(create(fd), -EBADF);
}

static void test_bad_pages(void **state)
{
    (void)state;
    struct secinfo si = {.flags = SI_R | SI_PT(PT_REG)};
    int fd = softsgx_open();
    assert_int_equal(add(fd, 0, SI_R | SI_PT(PT_REG), true), -EINVAL); /* before CREATE */
    secs_good();
    assert_int_equal(create(fd), 0);
    assert_int_equal(add(fd, SIZE, SI_R | SI_PT(PT_REG), true), -EINVAL);
    assert_int_equal(add(fd, 1, SI_R | SI_PT(PT_REG), true), -EINVAL);
    assert_int_equal(add(fd, 0, SI_W | SI_PT(PT_REG), true), -EINVAL);
    assert_int_equal(add(fd, 0, SI_R | SI_PT(PT_SECS), true), -EINVAL);
    assert_int_equal(add(fd, 0, SI_R | SI_PT(PT_TRIM), true), -EINVAL);
    assert_int_equal(add(fd, 0, SI_R | SI_PT(PT_TCS), true), -EINVAL);
    assert_int_equal(add(fd, 0, SI_R | SI_PENDING | SI_PT(PT_REG), true), -EINVAL);
    assert_int_equal(add(fd, 0, SI_R | SI_PT(PT_REG), true), 0);
    assert_int_equal(add(fd, 0, SI_R | SI_PT(PT_REG), true), -EBUSY);
    memset(page, 0xff, sizeof(page));
    assert_int_equal(add(fd, 0x1000, SI_PT(PT_TCS), true), -EIO);
    /* The second of two source pages is not there: one has been added. */
    uint8_t *hole = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole + 4096, 4096);
    struct sgx_enclave_add_pages arg = {.src = (uint64_t)hole,
                                        .offset = 0x8000,
                                        .length = 8192,
                                        .secinfo = (uint64_t)&si,
                                        .flags = SGX_PAGE_MEASURE};
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_ADD_PAGES, &arg), -EFAULT);
    assert_int_equal(arg.count, 4096);
    softsgx_close(fd);
}

static void test_provision(void **state)
{
    static struct sigstruct ss;
    struct measure m;
    (void)state;
    int fd = softsgx_open();
    secs_good();
    secs.attributes.flags |= ATTR_PROVISION_KEY;
    assert_int_equal(create(fd), 0);
    measure_start(&m, SIZE, 1);
    measure_end(&m, mrenclave);
    sigstruct_make(&ss, mrenclave);
    ss.attributes.flags |= ATTR_PROVISION_KEY;
    sigstruct_sign(&ss);
    assert_int_equal(init(fd, &ss), -EACCES);
    struct sgx_enclave_provision p = {.fd = (uint64_t)fd};
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_PROVISION, &p), -EINVAL);
    int prov = softsgx_open_provision();
    p.fd = (uint64_t)prov;
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_PROVISION, &p), 0);
    assert_int_equal(init(fd, &ss), 0);
    close(prov);
    softsgx_close(fd);
}

static bool is_call(const uint8_t *p)
{
    return p[0] == 0xff && p[1] == 0x15;
}

/* Padded ENCLU sites of measured text are found at every alignment, at both ends and across pages. */
static void test_sites(void **state)
{
    static const uint8_t site[16] = {0x0f, 0x01, 0xd7, 0x0f, 0x1f, 0x84, 0, 0,
                                     0,    0,    0,    0x0f, 0x1f, 0x44, 0, 0};
    static uint8_t text[2 * sizeof(page)];
    (void)state;
    memset(text, 0xd7, sizeof(text));
    for (size_t k = 0; k < 16; k++)
        memcpy(text + k * 33, site, 16);
    memcpy(text + 2048, site, 15); /* not quite */
    memcpy(text + 4088, site, 16);
    memcpy(text + 8176, site, 16);
    secs_good();
    int fd = softsgx_open();
    assert_int_equal(create(fd), 0);
    for (size_t i = 0; i < 2; i++) {
        memcpy(page, text + i * sizeof(page), sizeof(page));
        assert_int_equal(add(fd, 0x5000 + i * sizeof(page), SI_R | SI_X | SI_PT(PT_REG), true), 0);
    }
    struct encl *e = encl_of_fd(fd);
    patch_sites(e);
    const uint8_t *p = page_shelf(e, 5);
    assert_ptr_equal(page_shelf(e, 6), p + sizeof(page));
    for (size_t k = 0; k < 16; k++)
        assert_true(is_call(p + k * 33) && p[k * 33 + 16] == 0xd7);
    assert_memory_equal(p + 2048, text + 2048, 16);
    assert_true(is_call(p + 4088));
    assert_true(is_call(p + 8176));
    assert_int_equal(softsgx_close(fd), 0);
}

static char dir[] = "/tmp/softsgx-test-XXXXXX";

static int setup(void **state)
{
    char path[64];
    (void)state;
    secs_good();
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/a/b/root.key", dir);
    setenv("SOFTSGX_ROOT_KEY", path, 1);
    return 0;
}

static int teardown(void **state)
{
    char path[64];
    (void)state;
    snprintf(path, sizeof(path), "rm -r %s", dir);
    return system(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_bad_sigstruct),
        cmocka_unit_test(test_bad_secs),  cmocka_unit_test(test_bad_pages),
        cmocka_unit_test(test_provision), cmocka_unit_test(test_sites),
    };
    return cmocka_run_group_tests_name("softsgx einit", tests, setup, teardown);
}
