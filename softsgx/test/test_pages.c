/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a page: the leaves and ioctls that change it, in every order that is refused, called
 * directly on an initialized enclave.
 */
#include "softsgx/driver/driver.h"
#include "softsgx/enclu.h"
#include "softsgx/softsgx.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define SIZE 0x100000UL

static struct encl *e;
static uint64_t base;
static int fd;
static struct leaf_regs regs;

/* As the driver would have left it after EINIT; page 0 is readable and writable for operands. */
static int setup(void **state)
{
    struct secs secs = {.size = SIZE, .ssa_frame_size = 1};
    uint8_t *p = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;
    base = ((uint64_t)p + SIZE - 1) & ~(SIZE - 1);
    secs.base = base;
    secs.attributes.flags = ATTR_MODE64BIT;
    secs.attributes.xfrm = 3;
    fd = softsgx_open();
    struct sgx_enclave_create create = {.src = (uint64_t)&secs};
    assert_int_equal(softsgx_ioctl(fd, SGX_IOC_ENCLAVE_CREATE, &create), 0);
    e = encl_of_fd(fd);
    e->initialized = true;
    assert_ptr_equal(softsgx_mmap((void *)base, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                                  MAP_SHARED | MAP_FIXED, fd, 0),
                     (void *)base);
    *page_augment(e, 0) &= ~SI_PENDING;
    prot_sync(e, 0, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    softsgx_close(fd);
    return softsgx_munmap((void *)base, SIZE);
}

static struct secinfo *operand(uint64_t flags)
{
    struct secinfo *si = (struct secinfo *)base;
    *si = (struct secinfo){.flags = flags};
    return si;
}

static struct fault leaf(struct fault (*fn)(struct encl *, struct leaf_regs *), uint64_t flags,
                         uint64_t page, uint64_t source)
{
    regs = (struct leaf_regs){.rax = 99,
                              .rbx = (uint64_t)operand(flags),
                              .rcx = base + page * PAGE_SIZE,
                              .rdx = base + source * PAGE_SIZE,
                              .rflags = 0x8d5};
    return fn(e, &regs);
}

/* The page as the enclave would touch it (the host may not: its protection is behind). */
static void *touch(uint64_t page, enum access access)
{
    assert_int_equal(fault_resolve(e, base + page * PAGE_SIZE, access), 0);
    return (void *)(base + page * PAGE_SIZE);
}

#define PENDING_RW (SI_R | SI_W | SI_PENDING | SI_PT(PT_REG))

static int restrict_page(uint64_t page, uint64_t perm)
{
    struct sgx_enclave_restrict_permissions p = {
        .offset = page * PAGE_SIZE, .length = PAGE_SIZE, .permissions = perm};
    int err = softsgx_ioctl(fd, SGX_IOC_ENCLAVE_RESTRICT_PERMISSIONS, &p);
    return err == -EFAULT && p.result ? (int)p.result : err;
}

static int modify_type(uint64_t page, uint64_t type)
{
    struct sgx_enclave_modify_types p = {
        .offset = page * PAGE_SIZE, .length = PAGE_SIZE, .page_type = type};
    int err = softsgx_ioctl(fd, SGX_IOC_ENCLAVE_MODIFY_TYPES, &p);
    return err == -EFAULT && p.result ? (int)p.result : err;
}

static int remove_page(uint64_t page)
{
    struct sgx_enclave_remove_pages p = {.offset = page * PAGE_SIZE, .length = PAGE_SIZE};
    return softsgx_ioctl(fd, SGX_IOC_ENCLAVE_REMOVE_PAGES, &p);
}

static void test_accept(void **state)
{
    (void)state;
    struct fault f = leaf(leaf_eaccept, PENDING_RW, 2, 0);
    assert_int_equal(f.code, 0);
    assert_int_equal(regs.rax, 0);
    assert_int_equal(regs.rflags & FLAGS_STATUS, 0);
    memset(touch(2, ACCESS_W), 7, PAGE_SIZE);
    leaf(leaf_eaccept, PENDING_RW, 2, 0);
    assert_int_equal(regs.rax, SGX_PAGE_ATTRIBUTES_MISMATCH);
    assert_int_equal(regs.rflags & FLAGS_STATUS, FLAG_ZF);
}

static void test_accept_refused(void **state)
{
    static const uint64_t illegal[] = {
        SI_R | SI_W | SI_PT(PT_REG),
        SI_R | SI_MODIFIED | SI_PT(PT_REG),
        SI_PT(PT_TCS),
        SI_PENDING | SI_PT(PT_TCS),
        SI_MODIFIED | SI_PENDING | SI_PT(PT_TRIM),
        SI_PENDING | SI_PT(PT_SECS),
        SI_PENDING | SI_PT(PT_VA),
    };
    (void)state;
    for (size_t i = 0; i < sizeof(illegal) / sizeof(illegal[0]); i++)
        assert_int_equal(leaf(leaf_eaccept, illegal[i], 3, 0).code, VEC_GP);
    operand(PENDING_RW)->reserved[6] = 1;
    regs.rbx = base;
    assert_int_equal(leaf_eaccept(e, &regs).code, VEC_GP);
    operand(PENDING_RW);
    regs.rbx = base + 8; /* not aligned */
    assert_int_equal(leaf_eaccept(e, &regs).code, VEC_GP);
    regs.rbx = base + SIZE; /* outside */
    assert_int_equal(leaf_eaccept(e, &regs).code, VEC_GP);
    regs.rbx = base;
    regs.rcx = base + 3 * PAGE_SIZE + 8;
    assert_int_equal(leaf_eaccept(e, &regs).code, VEC_GP);
    regs.rcx = base + SIZE;
    assert_int_equal(leaf_eaccept(e, &regs).code, VEC_GP);
    /* A SECINFO in a page that is not accepted itself. */
    regs.rbx = base + 4 * PAGE_SIZE;
    regs.rcx = base + 3 * PAGE_SIZE;
    struct fault f = leaf_eaccept(e, &regs);
    assert_int_equal(f.code, VEC_PF | (PF_P | PF_U | PF_SGX) << 16);
    assert_int_equal(f.addr, base + 4 * PAGE_SIZE);
}

static void test_extend(void **state)
{
    (void)state;
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 10, 0).code, 0);
    assert_int_equal(leaf(leaf_emodpe, SI_R | SI_X | SI_PT(PT_REG), 10, 0).code, 0);
    assert_int_equal(regs.rax, 99);
    assert_int_equal(epcm_read(&e->epcm, 10) & SI_RWX, SI_RWX);
    assert_int_equal(leaf(leaf_emodpe, SI_W, 10, 0).code, VEC_GP);
    /* A pending page cannot be extended. */
    page_augment(e, 11);
    assert_int_equal(leaf(leaf_emodpe, SI_R | SI_X, 11, 0).code & 0xff, VEC_PF);
}

static void test_restrict(void **state)
{
    (void)state;
    assert_int_equal(restrict_page(20, SI_R), -EFAULT); /* absent */
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 20, 0).code, 0);
    assert_int_equal(restrict_page(20, SI_W), -EINVAL);
    assert_int_equal(restrict_page(20, SI_R), 0);
    assert_int_equal(epcm_read(&e->epcm, 20) & (SI_RWX | SI_PR), SI_R | SI_PR);
    assert_int_equal(EPCM_APPLIED(epcm_read(&e->epcm, 20)) & SI_W, 0);
    leaf(leaf_eaccept, SI_R | SI_W | SI_PR | SI_PT(PT_REG), 20, 0);
    assert_int_equal(regs.rax, SGX_PAGE_ATTRIBUTES_MISMATCH);
    leaf(leaf_eaccept, SI_R | SI_PR | SI_PT(PT_REG), 20, 0);
    assert_int_equal(regs.rax, 0);
    assert_int_equal(epcm_read(&e->epcm, 20) & SI_PR, 0);
    page_augment(e, 21);
    assert_int_equal(restrict_page(21, SI_R), SGX_PAGE_NOT_MODIFIABLE);
}

static void test_trim(void **state)
{
    (void)state;
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 30, 0).code, 0);
    memset(touch(30, ACCESS_W), 7, PAGE_SIZE);
    assert_int_equal(remove_page(30), -EPERM);
    assert_int_equal(modify_type(30, PT_REG), -EINVAL);
    assert_int_equal(modify_type(30, PT_TRIM), 0);
    assert_int_equal(modify_type(30, PT_TRIM), -EINVAL);
    assert_int_equal(remove_page(30), -EPERM); /* not accepted */
    leaf(leaf_eaccept, SI_MODIFIED | SI_PT(PT_TRIM), 30, 0);
    assert_int_equal(regs.rax, 0);
    assert_int_equal(remove_page(30), 0);
    assert_int_equal(remove_page(30), -EFAULT);
    /* It comes back empty. */
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 30, 0).code, 0);
    assert_int_equal(*(uint8_t *)touch(30, ACCESS_R), 0);
}

static void test_tcs(void **state)
{
    (void)state;
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 40, 0).code, 0);
    struct tcs_page *t = touch(40, ACCESS_W);
    t->nssa = 1;
    t->reserved[4023] = 1;
    assert_int_equal(modify_type(40, PT_TCS), 0);
    /* A TCS may be mapped for reading and writing only. */
    assert_int_equal(leaf(leaf_eaccept, SI_MODIFIED | SI_PT(PT_TCS), 40, 0).code & 0xff, VEC_PF);
    assert_int_equal(softsgx_mprotect((void *)t, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    assert_int_equal(leaf(leaf_eaccept, SI_MODIFIED | SI_PT(PT_TCS), 40, 0).code, VEC_GP);
    assert_null(tcs_find(e, base + 40 * PAGE_SIZE));
    prot_open(e, 40, 1);
    t->reserved[4023] = 0;
    assert_int_equal(leaf(leaf_eaccept, SI_MODIFIED | SI_PT(PT_TCS), 40, 0).code, 0);
    assert_non_null(tcs_find(e, base + 40 * PAGE_SIZE));
    assert_int_equal(modify_type(40, PT_TRIM), 0);
    assert_null(tcs_find(e, base + 40 * PAGE_SIZE));
}

static void test_acceptcopy(void **state)
{
    const uint64_t rx = SI_R | SI_X | SI_PT(PT_REG);
    (void)state;
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 50, 0).code, 0);
    memset(touch(50, ACCESS_W), 0x5a, PAGE_SIZE);
    assert_int_equal(leaf(leaf_eacceptcopy, rx, 51, 50).code, 0);
    assert_int_equal(regs.rax, 0);
    assert_memory_equal(touch(51, ACCESS_X), touch(50, ACCESS_R), PAGE_SIZE);
    assert_int_equal(epcm_read(&e->epcm, 51) & (SI_RWX | SI_PENDING), SI_R | SI_X);
    leaf(leaf_eacceptcopy, rx, 51, 50);
    assert_int_equal(regs.rax, SGX_PAGE_ATTRIBUTES_MISMATCH);
    assert_int_equal(leaf(leaf_eacceptcopy, rx | SI_PENDING, 52, 50).code, VEC_GP);
    assert_int_equal(leaf(leaf_eacceptcopy, SI_W | SI_PT(PT_REG), 52, 50).code, VEC_GP);
    /* A source that is not there is added by the driver, and then pending. */
    assert_int_equal(leaf(leaf_eacceptcopy, rx, 52, 53).code, VEC_PF | (PF_P | PF_U | PF_SGX)
                                                                           << 16);
}

static void copied(uint64_t page, int byte)
{
    const uint8_t *p = touch(page, ACCESS_R);
    for (size_t i = 0; i < PAGE_SIZE; i++)
        assert_int_equal(p[i], byte);
}

/* A run of accepted pages gets memory of the pool once: it is zero then, and keeps what is written. */
static void test_supply(void **state)
{
    uint8_t *at = (uint8_t *)(base + 80 * PAGE_SIZE);
    const size_t len = 16 * PAGE_SIZE;
    (void)state;
    for (uint64_t page = 80; page < 96; page++)
        assert_int_equal(leaf(leaf_eaccept, PENDING_RW, page, 0).code, 0);
    const uint8_t *next = e->stage.next;
    assert_ptr_equal(touch(80, ACCESS_W), at);
    assert_ptr_equal(e->stage.next, next + len);
    for (uint64_t page = 80; page < 96; page++)
        copied(page, 0);
    memset(at, 5, len);
    next = e->stage.next;
    assert_int_equal(softsgx_mprotect(at, len, PROT_NONE), 0);
    assert_int_equal(softsgx_mprotect(at, len, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    assert_int_equal(restrict_page(81, 0), 0);
    assert_int_equal(leaf(leaf_eaccept, SI_PR | SI_PT(PT_REG), 81, 0).code, 0);
    assert_int_equal(leaf(leaf_emodpe, SI_R | SI_W, 81, 0).code, 0);
    for (uint64_t page = 80; page < 96; page++)
        copied(page, 5);
    assert_ptr_equal(e->stage.next, next);
}

/* Copies that are not in place when others begin: they keep their contents, wherever they wait. */
static void test_stage(void **state)
{
    const uint64_t r = SI_R | SI_PT(PT_REG);
    void *at = (void *)(base + 70 * PAGE_SIZE);
    (void)state;
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 69, 0).code, 0);
    memset(touch(69, ACCESS_W), 1, PAGE_SIZE);
    /* The mapping allows none of what the pages do. */
    assert_int_equal(softsgx_mprotect(at, 4 * PAGE_SIZE, PROT_WRITE), 0);
    assert_int_equal(leaf(leaf_eacceptcopy, r, 70, 69).code, 0);
    memset(touch(69, ACCESS_W), 2, PAGE_SIZE);
    assert_int_equal(leaf(leaf_eacceptcopy, r, 71, 69).code, 0);
    assert_int_equal(e->stage.run.end - e->stage.run.start, 2);
    assert_int_equal(leaf(leaf_eacceptcopy, r, 73, 69).code, 0);
    assert_int_equal(e->stage.run.start, 73);
    /* The last page of the pool, and the first after it. */
    e->stage.next = e->stage.limit - PAGE_SIZE;
    assert_int_equal(leaf(leaf_eacceptcopy, r, 76, 69).code, 0);
    assert_int_equal(leaf(leaf_eacceptcopy, r, 77, 69).code, 0);
    assert_int_equal(e->stage.run.start, e->stage.run.end);
    /* Taken away while it waits, and made anew. */
    assert_int_equal(modify_type(71, PT_TRIM), 0);
    assert_int_equal(leaf(leaf_eaccept, SI_MODIFIED | SI_PT(PT_TRIM), 71, 0).code, 0);
    assert_int_equal(remove_page(71), 0);
    memset(touch(69, ACCESS_W), 3, PAGE_SIZE);
    assert_int_equal(leaf(leaf_eacceptcopy, r, 71, 69).code, 0);
    assert_int_equal(softsgx_mprotect(at, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
    copied(70, 1);
    copied(71, 3);
    copied(73, 2);
    copied(76, 2);
    copied(77, 2);
}

/* Unmapping keeps the contents; mapping shows them again, with the new protection. */
static void test_remap(void **state)
{
    (void)state;
    assert_int_equal(leaf(leaf_eaccept, PENDING_RW, 60, 0).code, 0);
    memset(touch(60, ACCESS_W), 0x77, PAGE_SIZE);
    void *at = (void *)(base + 60 * PAGE_SIZE);
    assert_int_equal(softsgx_munmap(at, PAGE_SIZE), 0);
    assert_int_equal(fault_resolve(e, base + 60 * PAGE_SIZE, ACCESS_R), PF_U);
    assert_ptr_equal(softsgx_mmap(at, PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0), at);
    assert_int_equal(*(uint8_t *)at, 0x77);
    assert_int_equal(fault_resolve(e, base + 60 * PAGE_SIZE, ACCESS_W), PF_P | PF_U | PF_W);
    assert_int_equal(softsgx_mprotect(at, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
    *(uint8_t *)at = 0x78;
    assert_int_equal(softsgx_mprotect((void *)0x1000, PAGE_SIZE, PROT_READ), -ENOENT);
    assert_ptr_equal(softsgx_mmap(at, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0),
                     MAP_FAILED);
    assert_int_equal(errno, EINVAL);
    assert_ptr_equal(
        softsgx_mmap((void *)(base + SIZE), PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0),
        MAP_FAILED);
    assert_int_equal(errno, EACCES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),     cmocka_unit_test(test_accept_refused),
        cmocka_unit_test(test_extend),     cmocka_unit_test(test_restrict),
        cmocka_unit_test(test_trim),       cmocka_unit_test(test_tcs),
        cmocka_unit_test(test_acceptcopy), cmocka_unit_test(test_supply),
        cmocka_unit_test(test_stage),      cmocka_unit_test(test_remap),
    };
    return cmocka_run_group_tests_name("softsgx pages", tests, setup, teardown);
}
