/* SPDX-License-Identifier: Apache-2.0 */
/* What came ahead with an opened file: which calls it answers, until when, and what the base hears of it. */
#include "kernel/mm/test/stubs.h"

static ktime_t now = 1000;

#include "kernel/satellite/ahead.c"

static bool bad_memory;

ktime_t clock_mono(void)
{
    return now;
}

void *kpages_alloc_any(size_t n)
{
    return malloc(n * PAGE_SIZE); /* for good, as in a satellite */
}

bool user_range_ok(uaddr_t addr, size_t n)
{
    return n < 1UL << 40 && addr + n > addr - 1;
}

int copy_in(void *dst, uaddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
    return 0;
}

int copy_out(uaddr_t dst, const void *src, size_t n)
{
    if (!bad_memory)
        memcpy((void *)dst, src, n);
    return bad_memory ? -EFAULT : 0;
}

int stat_out(uaddr_t buf, const struct statx *st)
{
    *(uint64_t *)buf = st->stx_size;
    return bad_memory ? -EFAULT : 0;
}

#define FD 5

static char room[sizeof(struct wire_head) + sizeof(struct statx) + WIRE_AHEAD_MAX + 8];
static char got[WIRE_AHEAD_MAX];

/* A file of that size, of which n bytes come. */
static void come(size_t size, size_t n)
{
    struct letter l = {.n = sizeof(struct wire_head) + sizeof(struct statx) + n, .data = room};
    struct statx *st = (struct statx *)(room + sizeof(struct wire_head));

    *st = (struct statx){.stx_size = size};
    for (size_t i = 0; i < n; i++)
        ((char *)(st + 1))[i] = (char)(i * 7);
    ahead_take(FD, &l);
}

static bool ask(long nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t *rax)
{
    struct user_regs regs = {
        .orig_rax = (uint64_t)nr, .rdi = a, .rsi = b, .rdx = c, .r10 = d, .rax = 77};
    bool known = ahead_answers(&regs);

    *rax = regs.rax;
    return known;
}

/* -1: it is not known here. */
static long take(int fd, size_t n)
{
    uint64_t rax;

    return ask(__NR_read, (uint64_t)fd, (uaddr_t)got, n, 0, &rax) ? (long)rax : -1;
}

static long size(void)
{
    uint64_t out = 0, rax;

    return ask(__NR_fstat, FD, (uaddr_t)&out, 0, 0, &rax) && !rax ? (long)out : -1;
}

/* The base hears of a descriptor and a place, or of none. */
static void check_told(long nr, int fd, int told, int64_t pos)
{
    const struct user_regs regs = {.orig_rax = (uint64_t)nr, .rdi = (uint64_t)fd};
    struct wire_used u;

    ahead_end(&u, &regs);
    assert_int_equal(u.ahead_fd, told);
    if (told >= 0)
        assert_int_equal(u.ahead_pos, pos);
    assert_int_equal(take(FD, 1), -1);
    assert_int_equal(size(), -1);
    ahead_end(&u, &regs); /* once */
    assert_int_equal(u.ahead_fd, -1);
}

static int setup(void **state)
{
    (void)state;
    ahead_drop();
    bad_memory = false;
    return 0;
}

static void test_read(void **state)
{
    (void)state;
    assert_int_equal(take(FD, 10), -1);
    come(1000, 1000);
    assert_int_equal(size(), 1000);
    assert_int_equal(take(FD, 300), 300);
    assert_int_equal(take(FD, 0), 0);
    assert_int_equal(take(FD, 5000), 700);
    for (size_t i = 0; i < 700; i++)
        assert_int_equal(got[i], (char)((i + 300) * 7));
    assert_int_equal(take(FD, 1), 0);
    assert_int_equal(take(FD + 1, 1), -1);
    assert_int_equal(take(-1, 1), -1);
    assert_int_equal(take(FD, SIZE_MAX), -1);
    check_told(__NR_write, 1, FD, 1000);
    come(1000, 1000);
    assert_int_equal(take(FD, 1000), 1000);
    check_told(__NR_close, FD, -1, 0);
    come(1000, 1000);
    assert_int_equal(take(FD, 10), 10);
    check_told(__NR_close, FD + 1, FD, 10);
    come(1000, 1000);
    check_told(__NR_lseek, FD, -1, 0); /* it is where it was */
}

static void test_stat(void **state)
{
    uint64_t out = 0, rax;
    (void)state;
    come(10, 10);
    assert_true(ask(__NR_newfstatat, FD, (uaddr_t) "", (uaddr_t)&out, AT_EMPTY_PATH, &rax));
    assert_int_equal(rax, 0);
    assert_int_equal(out, 10);
    assert_false(ask(__NR_newfstatat, FD, (uaddr_t) "x", (uaddr_t)&out, AT_EMPTY_PATH, &rax));
    assert_false(ask(__NR_newfstatat, FD, (uaddr_t) "", (uaddr_t)&out, 0, &rax));
    assert_false(ask(__NR_pread64, FD, (uaddr_t)&out, 8, 0, &rax));
}

/* More than comes along, nothing, and what cannot be. */
static void test_sizes(void **state)
{
    (void)state;
    come(WIRE_AHEAD_MAX, WIRE_AHEAD_MAX);
    assert_int_equal(take(FD, WIRE_AHEAD_MAX), WIRE_AHEAD_MAX);
    check_told(__NR_read, FD, FD, WIRE_AHEAD_MAX);
    come(WIRE_AHEAD_MAX + 1, 0);
    assert_int_equal(size(), WIRE_AHEAD_MAX + 1);
    assert_int_equal(take(FD, 1), -1);
    check_told(__NR_read, FD, -1, 0);
    come(0, 0);
    assert_int_equal(size(), 0);
    assert_int_equal(take(FD, 1), -1);
    come(100, 50); /* how it begins */
    assert_int_equal(take(FD, 30), 30);
    assert_int_equal(take(FD, 21), -1);
    assert_int_equal(take(FD, 20), 20);
    assert_int_equal(take(FD, 1), -1);
    assert_int_equal(take(FD, 0), 0);
    check_told(__NR_read, FD, FD, 50);
    ahead_drop();
    come(50, 100);
    assert_int_equal(size(), -1);
    struct letter l = {.n = sizeof(struct wire_head) + 8, .data = room};
    ahead_take(FD, &l);
    assert_int_equal(size(), -1);
}

static void test_until(void **state)
{
    (void)state;
    come(1000, 1000);
    assert_int_equal(take(FD, 10), 10);
    now += AHEAD_NS - 1;
    assert_int_equal(take(FD, 10), 10);
    now++;
    assert_int_equal(take(FD, 10), -1);
    assert_int_equal(size(), -1);
    check_told(__NR_read, FD, FD, 20);
    come(1000, 1000);
    assert_int_equal(take(FD, 5), 5);
    ahead_stale();
    assert_int_equal(take(FD, 5), -1);
    check_told(__NR_read, FD, FD, 5);
    /* The next guest has nothing of it. */
    come(1000, 1000);
    assert_int_equal(take(FD, 5), 5);
    ahead_drop();
    check_told(__NR_read, FD, -1, 0);
}

/* Memory that cannot be written is the base's to find. */
static void test_bad_memory(void **state)
{
    struct wire_used before, after;
    const struct user_regs none = {.orig_rax = __NR_getpid};
    (void)state;
    come(1000, 1000);
    bad_memory = true;
    assert_int_equal(take(FD, 10), -1);
    assert_int_equal(take(FD, 0), 0);
    assert_int_equal(size(), -1);
    bad_memory = false;
    assert_int_equal(take(FD, 10), 10);
    ahead_end(&before, &none);
    assert_int_equal(before.ahead_pos, 10);
    assert_int_equal(before.ahead_used, 2);
    come(1000, 1000);
    ahead_end(&after, &none);
    assert_int_equal(after.ahead_used, before.ahead_used); /* of no use */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_read, setup),       cmocka_unit_test_setup(test_stat, setup),
        cmocka_unit_test_setup(test_sizes, setup),      cmocka_unit_test_setup(test_until, setup),
        cmocka_unit_test_setup(test_bad_memory, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
