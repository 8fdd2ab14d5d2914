/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ocalls about files against a host that answers anything: every request with every odd number.
 * What comes out is a value in range or an errno, and no more is copied than there is room for, which
 * the address sanitizer watches: destinations are of exactly the size that is asked for.
 */
#include "kernel/mm/test/stubs.h"

#include "kernel/arch/fpu.h"
#include "kernel/arch/vcpu.h"

static struct vcpu the_vcpu;
#define vcpu_this() (&the_vcpu)
#include "kernel/ocall/hostcall.c"
#include "kernel/ocall/hostfile.c"
#include "kernel/vfs/uio.c"

static struct host_vcpu shared;
static int64_t answer; /* the host's, to whatever it is asked */
static size_t bounced; /* the bounce buffer's size */

struct kernel kernel;

void panic(const char *fmt, ...)
{
    fail_msg("panic: %s", fmt);
    abort();
}

void sched_leaving(void)
{
}

void fpu_park(void)
{
}

void closing_send(volatile struct host_vcpu *h, bool all)
{
    (void)h, (void)all;
}

void ocall_leave(void)
{
    shared.ocall.ret = answer;
    shared.close_count = 0;
}

/* Bounce buffers end where the request says, so that a byte too far is seen. */
haddr_t hostbuf_get(size_t n)
{
    assert_true(n <= HOSTBUF_SIZE);
    bounced = n;
    return (haddr_t)calloc(1, n);
}

void hostbuf_put(haddr_t buf, size_t n)
{
    assert_int_equal(n, bounced);
    free((void *)buf);
}

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

bool host_range_ok(haddr_t addr, size_t n)
{
    return addr >= 1UL << 40 && addr + n <= 1UL << 47 && addr + n >= addr;
}

/* Program memory: ordinary here. */
size_t copy_in_partial(void *dst, uaddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
    return 0;
}

size_t copy_out_partial(uaddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
    return 0;
}

size_t copy_in_present(void *dst, uaddr_t src, size_t n)
{
    return copy_in_partial(dst, src, n);
}

size_t copy_out_present(uaddr_t dst, const void *src, size_t n)
{
    return copy_out_partial(dst, src, n);
}

size_t zero_out_present(uaddr_t dst, size_t n)
{
    memset((void *)dst, 0, n);
    return 0;
}

int user_fault_in(uaddr_t addr, bool write)
{
    (void)addr;
    (void)write;
    return 0;
}

size_t copy_out_host(uaddr_t dst, haddr_t src, size_t n)
{
    memcpy((void *)dst, (const void *)src, n);
    return 0;
}

size_t copy_in_host(haddr_t dst, uaddr_t src, size_t n)
{
    memcpy((void *)dst, (const void *)src, n);
    return 0;
}

int zero_out(uaddr_t dst, size_t n)
{
    memset((void *)dst, 0, n);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    the_vcpu.host_unsafe = &shared;
    return 0;
}

/* Answers around each length that is asked for below, and far from all. */
static const int64_t answers[] = {
    0,           1,         31,
    32,          33,        64,
    255,         256,       257,
    4095,        4096,      4097,
    8191,        8192,      8193,
    65536,       65537,     262144,
    -1,          -2,        -4095,
    -4096,       -4097,     INT32_MAX,
    INT32_MIN,   1L << 31,  1L << 32,
    1L << 40,    1L << 47,  1L << 62,
    INT64_MAX,   INT64_MIN, INT64_MIN + 1,
    -(1L << 32), 133,       134,
};

#define COUNT (sizeof(answers) / sizeof(answers[0]))

static void assert_possible(int64_t got, int64_t max)
{
    if (got < -4095 || got > max)
        fail_msg("the host's %ld became %ld, beyond %ld", (long)answer, (long)got, (long)max);
}

static void test_result(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        answer = answers[i];
        assert_possible(host_result(answer, 100), 100);
        assert_possible(host_result(answer, 0), 0);
    }
    assert_int_equal(host_result(100, 100), 100);
    assert_int_equal(host_result(101, 100), -EIO);
    assert_int_equal(host_result(-4095, 100), -4095);
    assert_int_equal(host_result(-4096, 100), -EIO);
    assert_int_equal(host_result(INT64_MIN, 100), -EIO);
}

static void test_lengths(void **state)
{
    static const size_t sizes[] = {1, 32, 256, 4095, 8192};

    (void)state;
    for (size_t i = 0; i < COUNT * 5; i++) {
        size_t n = sizes[i % 5];
        char *dst = malloc(n);
        answer = answers[i / 5];
        assert_possible(ocall_pread(3, dst, n, 0), (int64_t)n);
        assert_possible(ocall_getdents(3, dst, n), (int64_t)n);
        assert_possible(ocall_readlink(3, "name", dst, n), (int64_t)MIN(n, (size_t)PATH_MAX));
        free(dst);
    }
}

/* A transfer never says that more was moved than there was. */
static void test_transfers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT * 4; i++) {
        size_t n = 300;
        char *memory = calloc(1, n);
        struct uio u;
        struct uio_seg seg;
        int ret = 0;
        answer = answers[i / 4];
        uio_init_one(&u, &seg, (uaddr_t)memory, n);
        u.kernel = i & 1;
        switch (i % 4) {
        case 0: ret = ocall_pread_uio(3, &u, 0); break;
        case 1: ret = ocall_read_uio(3, &u); break;
        case 2: ret = ocall_pwrite_uio(3, &u, 0); break;
        case 3: ret = ocall_write_uio(3, &u); break;
        }
        assert_possible(ret, 0);
        assert_true(u.done <= n && u.left == n - u.done);
        free(memory);
    }
}

static void test_names(void **state)
{
    static char longer[PATH_MAX + 1];
    int64_t times[4] = {0};
    struct statx st;
    struct statfs_info fs;
    char data[64];

    (void)state;
    memset(longer, 'x', PATH_MAX);
    for (size_t i = 0; i < COUNT; i++) {
        answer = answers[i];
        assert_possible(ocall_open(3, "name", 0, 0, &st), INT32_MAX);
        assert_possible(ocall_statx(3, "name", 0, &st), 0);
        assert_possible(ocall_statfs(3, &fs), 0);
        assert_possible(ocall_mkdir(3, "name", 0), 0);
        assert_possible(ocall_unlink(3, "name", 0), 0);
        assert_possible(ocall_rename(3, "name", 4, "other", 0), 0);
        assert_possible(ocall_link(3, 4, "name"), 0);
        assert_possible(ocall_symlink("target", 3, "name"), 0);
        assert_possible(ocall_utimens(3, times), 0);
        assert_possible(ocall_ftruncate(3, 1), 0);
        assert_possible(ocall_lseek(3, 0, SEEK_SET), INT64_MAX);
        assert_possible(ocall_poll_now(3, 1), 0xffff);
        assert_possible(ocall_ioctl(3, 1, data, 0, sizeof(data)), INT32_MAX);
        assert_int_equal(ocall_open(3, longer, 0, 0, NULL), -ENAMETOOLONG);
        assert_int_equal(ocall_rename(3, "name", 4, longer, 0), -ENAMETOOLONG);
    }
}

/* A mapping that the host made: whole pages outside the enclave, or nothing. */
static void test_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        answer = answers[i];
        int64_t at = ocall_map(3, 0, 1UL << 20);
        assert_true(at < 0 ? at >= -4095 : at >= 1L << 40 && at + (1L << 20) <= 1L << 47);
    }
    answer = (1L << 41) + 1;
    assert_int_equal(ocall_map(3, 0, 4096), -EIO);
    answer = 1L << 41;
    assert_int_equal(ocall_map(3, 0, 4096), 1L << 41);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_result, setup),    cmocka_unit_test_setup(test_lengths, setup),
        cmocka_unit_test_setup(test_transfers, setup), cmocka_unit_test_setup(test_names, setup),
        cmocka_unit_test_setup(test_map, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
