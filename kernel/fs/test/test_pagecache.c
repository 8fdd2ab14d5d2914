/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page cache: every way of reading gives the file's bytes; a failed fill shows nothing; pages go when
 * memory is short, but never under a reader; the kernel's own reads leave nothing behind.
 */
#include "kernel/fs/test/stubs.h"

#include "kernel/fs/pagecache.c"
#include "kernel/fs/pagetree.c"

#define SIZE (70 * PAGE_SIZE + 1234)

static struct pagecache c;
static struct readahead ra;
static unsigned fills, filled_pages;
static pgoff_t bad_page = UINT64_MAX; /* fails to fill */

void shrinker_register(struct shrinker *s)
{
    (void)s;
}

static uint8_t byte_at(uint64_t off)
{
    return (uint8_t)(off * 31 + (off >> 12));
}

static int fill(struct pagecache *pc, pgoff_t index, void *const page[], size_t n)
{
    assert_int_equal(pc->lock.held, 1);
    assert_true(n >= 1 && n <= EXTENT_PAGES);
    fills++;
    filled_pages += (unsigned)n;
    for (size_t i = 0; i < n; i++) {
        uint8_t *p = page[i];
        if (index + i == bad_page)
            return -EIO;
        for (size_t k = 0; k < PAGE_SIZE; k++) {
            uint64_t off = (index + i) * PAGE_SIZE + k;
            p[k] = off < SIZE ? byte_at(off) : 0;
        }
    }
    return 0;
}

static int setup(void **state)
{
    (void)state;
    pagecache_init(&c, fill, SIZE);
    ra = (struct readahead){0};
    fills = filled_pages = 0;
    bad_page = UINT64_MAX;
    stub_headroom = SIZE_MAX;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pagecache_fini(&c);
    assert_int_equal(pagecache_pages(), 0);
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static void check(const uint8_t *data, uint64_t off, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (data[i] != byte_at(off + i))
            fail_msg("byte %lu is wrong", (unsigned long)(off + i));
}

/* Reads n bytes at off for the program (or the kernel) and checks them; returns how many came. */
static size_t get(int64_t off, size_t n, bool as_kernel)
{
    struct stub_uio s;
    uint8_t *buf = malloc(n);
    int64_t pos = off;
    struct uio *u = as_kernel ? stub_uio(&s, buf, n) : stub_user(&s, buf, n);
    assert_int_equal(pagecache_read(&c, u, &pos, &ra), 0);
    check(buf, (uint64_t)off, u->done);
    assert_int_equal(pos - off, u->done);
    size_t done = u->done;
    free(buf);
    assert_int_equal(c.io, 0);
    assert_int_equal(c.lock.held, 0);
    return done;
}

static void test_reads(void **state)
{
    (void)state;
    assert_int_equal(get(0, 100, false), 100);
    assert_int_equal(get(4000, 9000, false), 9000);
    assert_int_equal(get(SIZE - 10, 100, false), 10);
    assert_int_equal(get(SIZE, 100, false), 0);
    assert_int_equal(get(SIZE + 5000, 100, false), 0);
    assert_int_equal(get(0, SIZE + 99, false), SIZE);
    unsigned before = fills;
    assert_int_equal(get(0, SIZE, false), SIZE); /* all there */
    assert_int_equal(fills, before);
    assert_int_equal(pagecache_pages(), 71);
}

static void test_readahead(void **state)
{
    (void)state;
    for (size_t off = 0; off + 4096 <= SIZE; off += 4096)
        assert_int_equal(get((int64_t)off, 4096, false), 4096);
    assert_true(fills <= 8);
    pagecache_fini(&c);
    fills = filled_pages = 0;
    ra = (struct readahead){0};
    get(50 * (int64_t)PAGE_SIZE, 4096, false);
    get(20 * (int64_t)PAGE_SIZE, 4096, false);
    get(60 * (int64_t)PAGE_SIZE, 4096, false);
    assert_int_equal(filled_pages, 3); /* here and there: no reading ahead */
}

static void test_kernel_reads_leave_nothing(void **state)
{
    (void)state;
    assert_int_equal(get(0, 20 * PAGE_SIZE, true), 20 * PAGE_SIZE);
    assert_int_equal(pagecache_pages(), 0);
    get(5 * (int64_t)PAGE_SIZE, 100, false); /* one page is cached now */
    unsigned before = filled_pages;
    assert_int_equal(get(0, 20 * PAGE_SIZE, true), 20 * PAGE_SIZE);
    assert_true(filled_pages - before < 20);
    assert_int_equal(get(70 * (int64_t)PAGE_SIZE, 1234, true), 1234); /* the short end */
}

static void test_bad_page(void **state)
{
    struct stub_uio s;
    uint8_t buf[4 * PAGE_SIZE];
    int64_t pos = 9 * (int64_t)PAGE_SIZE;
    (void)state;
    bad_page = 10;
    memset(buf, 0xee, sizeof(buf));
    assert_int_equal(get(0, 4096, false), 4096);
    int err = pagecache_read(&c, stub_user(&s, buf, sizeof(buf)), &pos, &ra);
    assert_int_equal(err, -EIO);
    assert_int_equal(s.u.done, PAGE_SIZE); /* up to the bad one */
    for (size_t i = s.u.done; i < sizeof(buf); i++)
        assert_int_equal(buf[i], 0xee);
    check(buf, 9 * PAGE_SIZE, s.u.done);
    pos = 10 * (int64_t)PAGE_SIZE;
    assert_int_equal(pagecache_read(&c, stub_user(&s, buf, 1), &pos, &ra), -EIO);
    bad_page = UINT64_MAX;
    assert_int_equal(get(9 * (int64_t)PAGE_SIZE, 8192, false), 8192);
}

static void test_short_of_memory(void **state)
{
    (void)state;
    get(0, SIZE, false);
    assert_int_equal(pagecache_pages(), 71);
    assert_int_equal(shrink_for_mm(1), 64); /* an extent at a time, the oldest */
    assert_int_equal(pagecache_pages(), 7);
    stub_headroom = 0; /* no growth: what is read pushes out what was */
    assert_int_equal(get(0, SIZE, false), SIZE);
    assert_true(pagecache_pages() <= 71);
    for (int n = 0; n < 6; n++) {
        struct stub_uio s;
        uint8_t byte;
        int64_t pos = 66 * (int64_t)PAGE_SIZE;
        pagecache_fini(&c);
        stub_fail_after = n;
        int err = pagecache_read(&c, stub_user(&s, &byte, 1), &pos, &ra);
        stub_fail_after = -1;
        assert_true(err == 0 || err == -ENOMEM);
        assert_int_equal(s.u.done, err ? 0 : 1);
    }
}

static void test_no_shrink_under_a_reader(void **state)
{
    struct stub_uio s;
    uint8_t byte;
    int64_t pos = 0;
    (void)state;
    get(0, SIZE, false);
    c.io = 1; /* somebody copies, asleep in a fault */
    assert_int_equal(shrink_for_mm(100), 0);
    c.io = 0;
    c.lock.held = 1; /* or fills */
    assert_int_equal(shrink_for_mm(100), 0);
    c.lock.held = 0;
    pos = 5;
    assert_int_equal(pagecache_read(&c, stub_user(&s, (void *)STUB_BAD, 1), &pos, &ra), -EFAULT);
    assert_int_equal(c.io, 0);
    pos = -1;
    assert_int_equal(pagecache_read(&c, stub_user(&s, &byte, 1), &pos, &ra), -EINVAL);
    assert_int_equal(shrink_for_mm(100), 71);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads),    TEST(test_readahead),       TEST(test_kernel_reads_leave_nothing),
        TEST(test_bad_page), TEST(test_short_of_memory), TEST(test_no_shrink_under_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
