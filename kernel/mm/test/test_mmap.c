/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of the mmap family: their errors, then a long random run of calls and touches
 * against a model with one entry a page, contents included.
 */
#include "kernel/mm/test/mm_stub.h"

#define K PAGE_SIZE

static void test_errors(void **state)
{
    uaddr_t a = map_ok(0, 8 * K, RW, ANON, -1, 0);

    (void)state;
    test_file_new(1, O_WRONLY, K);
    test_file_new(2, O_RDWR | O_APPEND, K);
    test_file_new(3, O_RDONLY, K);
    assert_int_equal(sys_mmap(0, 0, RW, ANON, -1, 0), -EINVAL);
    assert_int_equal(sys_mmap(0, K, RW, MAP_ANONYMOUS, -1, 0), -EINVAL);
    assert_int_equal(sys_mmap(0, K, RW, MAP_PRIVATE, -1, 0), -EBADF);
    assert_int_equal(sys_mmap(0, K, RW, ANON, -1, 100), -EINVAL);
    assert_int_equal(sys_mmap(0, -K, RW, ANON, -1, 0), -ENOMEM);
    assert_int_equal(sys_mmap(0, -1UL, RW, ANON, -1, 0), -ENOMEM);
    assert_int_equal(sys_mmap(12345, K, RW, ANON | MAP_FIXED, -1, 0), -EINVAL);
    assert_int_equal(sys_mmap(K, K, RW, ANON | MAP_FIXED, -1, 0), -EPERM);
    assert_int_equal(sys_mmap(TEST_TOP, K, RW, ANON | MAP_FIXED, -1, 0), -ENOMEM);
    assert_int_equal(sys_mmap(-2 * K, K, RW, ANON | MAP_FIXED, -1, 0), -ENOMEM);
    assert_int_equal(sys_mmap(a, K, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), -EEXIST);
    assert_int_equal(sys_mmap(0, TEST_TOP, RW, ANON, -1, 0), -ENOMEM);
    assert_int_equal(sys_mmap(0, K, RW, MAP_PRIVATE, 1, 0), -EACCES);
    assert_int_equal(sys_mmap(0, K, RW, MAP_SHARED, 3, 0), -EACCES);
    assert_int_equal(sys_munmap(map_ok(0, K, RW, MAP_SHARED, 2, 0), K), 0); /* O_APPEND */
    assert_int_equal(sys_mmap(0, K, RW, MAP_PRIVATE | MAP_GROWSDOWN, 3, 0), -EINVAL);
    assert_int_equal(sys_mmap(0, 2 * K, RW, MAP_PRIVATE, 3, INT64_MAX & PAGE_MASK), -EOVERFLOW);
    assert_int_equal(sys_mmap(0, K, RW, MAP_SHARED_VALIDATE | MAP_SYNC, 3, 0), -EOPNOTSUPP);
    assert_int_equal(sys_mmap(0, K, RW, MAP_PRIVATE | MAP_HUGETLB, 3, 0), -EINVAL);
    assert_int_equal(sys_mmap(0, K, RW, ANON | MAP_HUGETLB, -1, 0), -ENOMEM);

    assert_int_equal(sys_munmap(a + 1, K), -EINVAL);
    assert_int_equal(sys_munmap(a, 0), -EINVAL);
    assert_int_equal(sys_munmap(a, TEST_TOP), -EINVAL);
    assert_int_equal(sys_munmap(TEST_TOP + K, K), -EINVAL);
    assert_int_equal(sys_munmap(a + 100 * K, K), 0);

    assert_int_equal(sys_mprotect(a + 1, K, RW), -EINVAL);
    assert_int_equal(sys_mprotect(a, K, 0x40), -EINVAL);
    assert_int_equal(sys_mprotect(a, 0, RW), 0);
    assert_int_equal(sys_mprotect(a, -1UL, RW), -ENOMEM);
    assert_int_equal(sys_mprotect(a, 9 * K, RW), -ENOMEM);
    assert_int_equal(sys_mprotect(a, K, RW | PROT_GROWSDOWN), -EINVAL);
    assert_int_equal(sys_mprotect(a, K, RW | PROT_GROWSDOWN | PROT_GROWSUP), -EINVAL);
    assert_int_equal(sys_pkey_mprotect(a, K, RW, 1), -EINVAL);
    assert_int_equal(sys_pkey_mprotect(a, K, RW, -1), 0);

    assert_int_equal(sys_mremap(a + 1, K, K, MREMAP_MAYMOVE, 0), -EINVAL);
    assert_int_equal(sys_mremap(a, K, 0, MREMAP_MAYMOVE, 0), -EINVAL);
    assert_int_equal(sys_mremap(a, K, K, MREMAP_FIXED, a + 20 * K), -EINVAL);
    assert_int_equal(sys_mremap(a, K, K, 8, 0), -EINVAL);
    assert_int_equal(sys_mremap(a, 2 * K, 2 * K, MREMAP_FIXED | MREMAP_MAYMOVE, a + K), -EINVAL);
    assert_int_equal(sys_mremap(a, K, 2 * K, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, 0), -EINVAL);
    assert_int_equal(sys_mremap(a, 9 * K, 10 * K, MREMAP_MAYMOVE, 0), -EFAULT);
    assert_int_equal(sys_mremap(a + 100 * K, K, 2 * K, MREMAP_MAYMOVE, 0), -EFAULT);
    assert_int_equal(sys_mremap(a, 0, K, MREMAP_MAYMOVE, 0), -EINVAL);
    assert_int_equal(sys_mremap(a, K, TEST_TOP, MREMAP_MAYMOVE, 0), -ENOMEM);

    assert_int_equal(sys_madvise(a, K, 9999), -EINVAL);
    assert_int_equal(sys_madvise(a + 1, K, MADV_DONTNEED), -EINVAL);
    assert_int_equal(sys_madvise(a, 9 * K, MADV_DONTNEED), -ENOMEM);
    assert_int_equal(sys_madvise(a, -1UL, MADV_DONTNEED), -EINVAL);
    assert_int_equal(sys_msync(a, K, MS_SYNC | MS_ASYNC), -EINVAL);
    assert_int_equal(sys_msync(a, 9 * K, MS_SYNC), -ENOMEM);
    assert_int_equal(sys_mincore(a + 1, K, 0), -EINVAL);
    assert_int_equal(sys_mincore(a, 9 * K, a), -ENOMEM);
    assert_int_equal(sys_mlock(a, 9 * K), -ENOMEM);
    assert_int_equal(sys_mlock(a, -1UL), -EINVAL);
    assert_int_equal(sys_mlock(a + 5, 8 * K - 5), 0);
    assert_int_equal(sys_mlockall(0), -EINVAL);
    for (int fd = 1; fd <= 3; fd++)
        test_file_close(fd);
}

/* /dev/zero is anonymous memory; its file is not kept. */
static void test_zero_device(void **state)
{
    struct inode zero = {.mode = S_IFCHR | 0666, .rdev = ZERO_DEVICE};
    uaddr_t a;

    (void)state;
    test_file_new(3, O_RDWR, 0)->file.inode = &zero;
    a = map_ok(0, 2 * K, RW, MAP_SHARED, 3, K);
    assert_int_equal(test_fd[3]->file.ref.count, 1);
    assert_int_equal(touch(a + K, MM_WRITE), 0);
    assert_int_equal(*(int *)(a + K), 0);
    test_file_close(3);
}

static void test_rlimits(void **state)
{
    struct rlimit64 *lim = process.rlimits;
    uaddr_t a = map_ok(0, 8 * K, RW, ANON, -1, 0);

    (void)state;
    lim[RLIMIT_AS].rlim_cur = 10 * K;
    assert_int_equal(sys_mmap(0, 3 * K, PROT_READ, ANON, -1, 0), -ENOMEM);
    assert_int_equal(sys_mremap(a, 8 * K, 11 * K, MREMAP_MAYMOVE, 0), -ENOMEM);
    map_ok(0, 2 * K, PROT_READ, ANON, -1, 0);
    lim[RLIMIT_AS].rlim_cur = RLIM64_INFINITY;
    lim[RLIMIT_DATA].rlim_cur = 8 * K;
    assert_int_equal(sys_mmap(0, K, RW, ANON, -1, 0), -ENOMEM);
    map_ok(0, 100 * K, PROT_READ, ANON, -1, 0);
    map_ok(0, 100 * K, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void test_placing(void **state)
{
    uaddr_t a = map_ok(0, 4 * K, RW, ANON, -1, 0), b;

    (void)state;
    b = map_ok(0, 4 * K, RW, ANON, -1, 0);
    assert_int_equal(b, a - 4 * K);                         /* downward */
    assert_int_equal(map_ok(a, K, RW, ANON, -1, 0), b - K); /* a hint that is taken */
    assert_int_equal(map_ok(0x1000123, K, RW, ANON, -1, 0), 0x1000000);
    assert_int_equal(map_ok(5, K, RW, ANON, -1, 0), b - 2 * K); /* rounds to 0: no hint */
    assert_int_equal(map_ok(K, K, RW, ANON, -1, 0), USER_MIN);
    b = map_ok(0, K, RW, ANON | MAP_32BIT, -1, 0);
    assert_true(b >= LOW_32BIT && b < HIGH_32BIT);
}

static void test_brk(void **state)
{
    uaddr_t start = 0x20000123, end = 0x20001000;

    (void)state;
    assert_int_equal(sys_brk(0), 0);
    mm_set_brk(mm, start);
    assert_int_equal(sys_brk(0), start);
    assert_int_equal(sys_brk(start - 1), start);
    assert_int_equal(sys_brk(end + 50 * K), end + 50 * K);
    memset((void *)end, 1, 50 * K);
    assert_int_equal(sys_brk(end + 3 * K - 5), end + 3 * K - 5);
    assert_int_equal(touch(end + 3 * K, MM_READ), -EFAULT);
    assert_int_equal(sys_brk(end + 200 * K), end + 200 * K);
    assert_int_equal(((char *)end)[3 * K - 1], 1);
    assert_int_equal(touch(end + 3 * K, MM_READ), 0);
    assert_int_equal(((char *)end)[3 * K], 0);
    assert_int_equal(region_find(&mm->regions, end)->end, end + 200 * K);
    map_ok(end + 300 * K, K, RW, ANON | MAP_FIXED, -1, 0);
    assert_int_equal(sys_brk(end + 300 * K), end + 200 * K); /* a page stays between */
    assert_int_equal(sys_brk(end + 299 * K), end + 299 * K);
    assert_int_equal(sys_brk(TEST_TOP + K), end + 299 * K);
    assert_int_equal(sys_brk(~0UL), end + 299 * K);
    process.rlimits[RLIMIT_DATA].rlim_cur = 250 * K;
    assert_int_equal(sys_brk(end), end);
    assert_int_equal(sys_brk(end + 260 * K), end);
}

/* Moved to grow: room is left, so that the next times are in place. */
static void test_mremap_growth(void **state)
{
    uaddr_t a = map_ok(0, 100 * K, RW, ANON, -1, 0), b, c;
    int moves = 0;

    (void)state;
    touch(a + 7 * K, MM_WRITE);
    *(int *)(a + 7 * K) = 42;
    for (size_t n = 101; n < 1000; n++) {
        b = (uaddr_t)sys_mremap(a, (n - 1) * K, n * K, MREMAP_MAYMOVE, 0);
        assert_true(b < TEST_TOP);
        moves += a != b;
        a = b;
    }
    assert_true(moves < 5);
    assert_int_equal(*(int *)(a + 7 * K), 42);
    b = (uaddr_t)sys_mremap(a, 999 * K, 999 * K, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0);
    assert_int_equal(*(int *)(b + 7 * K), 42);
    assert_int_equal(touch(a + 7 * K, MM_READ), 0);
    assert_int_equal(*(int *)(a + 7 * K), 0);
    c = map_ok(0, 999 * K, PROT_NONE, ANON, -1, 0);
    assert_int_equal(sys_mprotect(b, 999 * K, PROT_NONE), 0);
    assert_int_equal(sys_mremap(b, 999 * K, 999 * K, MREMAP_MAYMOVE | MREMAP_FIXED, c), c);
    assert_int_equal(touch(c + 7 * K, MM_READ), -EACCES);
    assert_int_equal(sys_mprotect(c, 999 * K, PROT_READ), 0);
    assert_int_equal(*(int *)(c + 7 * K), 42);
}

static int list_region(const struct mm_region_info *info, void *arg)
{
    struct mm_region_info *out = arg;

    assert_false(locked);
    out[out[0].resident++ + 1] = *info;
    return 0;
}

static void test_listing(void **state)
{
    struct mm_region_info list[5] = {0}, one;
    uaddr_t a = map_ok(0x30000000, 3 * K, RW, ANON, -1, 0);
    uaddr_t b =
        map_ok(a + 10 * K, 100 * K, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    unsigned char vec[3];
    uaddr_t v = map_ok(0x40000000, K, RW, ANON, -1, 0);

    (void)state;
    assert_int_equal(mm_for_each(mm, list_region, list), 0);
    assert_int_equal(list[0].resident, 3);
    assert_int_equal(list[1].start, a);
    assert_int_equal(list[1].resident, 3);
    assert_int_equal(list[1].flags, MAP_PRIVATE);
    assert_int_equal(list[2].start, b);
    assert_int_equal(list[2].resident, 0);
    assert_int_equal(list[2].flags, MAP_SHARED);
    assert_true(mm_find(mm, a + 5 * K, &one));
    assert_int_equal(one.start, b);
    assert_false(mm_find(mm, v + K, &one));
    assert_int_equal(mm_total(mm), 104);
    assert_int_equal(sys_mprotect(a + K, K, PROT_NONE), 0);
    assert_int_equal(sys_madvise(a, K, MADV_DONTNEED), 0);
    assert_int_equal(sys_mincore(a, 3 * K, v), 0);
    memcpy(vec, (void *)v, 3);
    assert_int_equal(vec[1], 1);
    assert_int_equal(sys_mincore(b, 3 * K, v), 0);
    memcpy(vec, (void *)v, 3);
    assert_int_equal(vec[1], 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(sys_mprotect(a, 3 * K, i % 2 ? RW : PROT_READ), 0);
    assert_int_equal(mm->regions.count, 3); /* joined again */
}

/* The model.  Each page holds one number, at its start. */
#define ARENA 0x10000000UL
#define CELLS 400UL
#define BIG_FILE (CELLS * PAGE_SIZE)

enum kind { FREE, ANONYMOUS, PRIVATE_FILE, SHARED_FILE, SHARED_ANON };
static struct cell {
    enum kind kind;
    unsigned prot;
    unsigned maps; /* of a shared file: how often it is mapped here */
    bool aliased;  /* that was more than once at some time */
    uint32_t value;
} cells[CELLS];

static uint32_t *file_word(int fd, size_t i)
{
    return (uint32_t *)(test_fd[fd]->data + i * K);
}

static void model_touch(size_t i)
{
    struct cell *c = &cells[i];
    uaddr_t a = ARENA + i * K;
    bool write = test_random(2);
    int want = c->kind == FREE                    ? -EFAULT
               : write && !(c->prot & PROT_WRITE) ? -EACCES
               : c->prot == 0                     ? -EACCES
                                                  : 0;

    assert_int_equal(touch(a, write ? MM_WRITE : MM_READ), want);
    if (want)
        return;
    assert_int_equal(*(uint32_t *)a, c->value);
    if (write)
        *(uint32_t *)a = c->value = (uint32_t)test_random(1UL << 32);
}

/* After the call: what was shared is in the file. */
static void model_unmap(size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++) {
        if (cells[i].kind == SHARED_FILE)
            assert_int_equal(*file_word(4, i), cells[i].value); /* was written back */
        cells[i] = (struct cell){0};
    }
}

/* munmap leaves what is mapped more than once. */
static void model_munmap(size_t first, size_t n)
{
    assert_int_equal(sys_munmap(ARENA + first * K, n * K), 0);
    for (size_t i = first; i < first + n; i++) {
        if (cells[i].maps > 1)
            cells[i].maps--;
        else
            model_unmap(i, 1);
    }
}

/* A second mapping of a shared file lies on the first. */
static void model_map_again(size_t first, size_t n)
{
    unsigned prot = (unsigned)test_random(8);

    for (size_t i = first; i < first + n; i++)
        if (cells[i].kind != SHARED_FILE)
            return;
    assert_int_equal(map_ok(ARENA, n * K, prot, MAP_SHARED, 4, first * K), ARENA + first * K);
    for (size_t i = first; i < first + n; i++) {
        cells[i].prot |= prot;
        cells[i].maps++;
        cells[i].aliased = true;
    }
}

static void model_map(size_t first, size_t n)
{
    enum kind kind = 1 + test_random(4);
    unsigned prot = (unsigned)test_random(8);
    unsigned long flags = MAP_FIXED | (kind >= SHARED_FILE ? MAP_SHARED : MAP_PRIVATE);

    flags |= kind == ANONYMOUS || kind == SHARED_ANON ? MAP_ANONYMOUS : 0;
    flags |= test_random(8) ? 0 : MAP_POPULATE;
    map_ok(ARENA + first * K, n * K, prot, flags, kind == SHARED_FILE ? 4 : 3, first * K);
    bool stays = kind == SHARED_FILE;
    for (size_t i = first; i < first + n; i++)
        stays &= cells[i].kind == SHARED_FILE;
    for (size_t i = first; i < first + n; i++) {
        if (cells[i].kind == SHARED_FILE && !stays)
            assert_int_equal(*file_word(4, i), cells[i].value);
        cells[i].kind = kind;
        cells[i].prot = stays && cells[i].aliased ? cells[i].prot | prot : prot;
        cells[i].maps += stays && cells[i].aliased;
        if (stays)
            continue;
        cells[i].aliased = false;
        cells[i].maps = kind == SHARED_FILE;
        cells[i].value = flags & MAP_ANONYMOUS ? 0 : *file_word(kind == SHARED_FILE ? 4 : 3, i);
    }
}

static void model_protect(size_t first, size_t n)
{
    unsigned prot = (unsigned)test_random(8);
    int want = 0;

    for (size_t i = first; i < first + n && !want; i++) {
        if (cells[i].kind == FREE)
            want = -ENOMEM;
        else
            cells[i].prot = cells[i].maps > 1 ? cells[i].prot | prot : prot;
    }
    assert_int_equal(sys_mprotect(ARENA + first * K, n * K, prot), want);
}

static void model_dontneed(size_t first, size_t n)
{
    int want = 0;

    for (size_t i = first; i < first + n; i++) {
        if (cells[i].kind == FREE)
            want = -ENOMEM;
        else if (cells[i].kind == ANONYMOUS)
            cells[i].value = 0;
        else if (cells[i].kind == PRIVATE_FILE)
            cells[i].value = *file_word(3, i);
    }
    assert_int_equal(sys_madvise(ARENA + first * K, n * K, MADV_DONTNEED), want);
}

/* Moves anonymous pages to a fixed place. */
static void model_remap(size_t first, size_t n)
{
    size_t to = test_random(CELLS - n);
    struct cell moved[CELLS];

    for (size_t i = first; i < first + n; i++)
        if (cells[i].kind != ANONYMOUS || cells[i].prot != cells[first].prot)
            return;
    if (to < first + n && first < to + n)
        return;
    assert_int_equal(
        sys_mremap(ARENA + first * K, n * K, n * K, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA + to * K),
        ARENA + to * K);
    memcpy(moved, &cells[first], n * sizeof(*moved));
    model_unmap(first, n);
    model_unmap(to, n);
    memcpy(&cells[to], moved, n * sizeof(*moved));
}

static void test_model(void **state)
{
    (void)state;
    test_file_new(3, O_RDONLY, BIG_FILE);
    test_file_new(4, O_RDWR, BIG_FILE);
    memset(cells, 0, sizeof(cells));
    for (int step = 0; step < 30000; step++) {
        size_t first = test_random(CELLS), n = 1 + test_random(test_random(10) ? 20 : 150);

        n = MIN(n, CELLS - first);
        switch (test_random(10)) {
        case 0: model_map(first, n); break;
        case 1: model_munmap(first, n); break;
        case 2: model_protect(first, n); break;
        case 3: model_dontneed(first, MIN(n, 10)); break;
        case 4: model_remap(first, n); break;
        case 5:
            if (test_random(20) == 0)
                mm_reclaim(mm, 50);
            model_map_again(first, MIN(n, 4));
            break;
        default: model_touch(first);
        }
    }
    for (bool more = true; more;) {
        assert_int_equal(sys_munmap(ARENA, CELLS * K), 0);
        more = false;
        for (size_t i = 0; i < CELLS; i++)
            more |= cells[i].maps > 1 && cells[i].maps-- > 1;
    }
    for (size_t i = 0; i < CELLS; i++)
        if (cells[i].kind == SHARED_FILE)
            assert_int_equal(*file_word(4, i), cells[i].value);
    assert_int_equal(mm->regions.count, 0);
    test_file_close(3);
    test_file_close(4);
}

/* Values that programs should not pass, and some that they do. */
static uint64_t odd_value(void)
{
    static const uint64_t odd[] = {0,
                                   1,
                                   K - 1,
                                   K,
                                   K + 1,
                                   USER_MIN,
                                   ARENA,
                                   ARENA + K,
                                   ARENA + 64 * K,
                                   TEST_TOP - K,
                                   TEST_TOP,
                                   TEST_TOP + K,
                                   1UL << 31,
                                   1UL << 40,
                                   1UL << 47,
                                   INT64_MAX,
                                   1UL << 63,
                                   -K,
                                   -1UL};
    uint64_t v = odd[test_random(ARRAY_SIZE(odd))];

    return test_random(3) ? ARENA + test_random(64) * K
                          : v + (test_random(4) ? 0 : test_random(8 * K));
}

static uint64_t odd_length(void)
{
    return test_random(4) ? test_random(40) * K + (test_random(4) ? 0 : test_random(K))
                          : odd_value();
}

static void odd_call(void)
{
    uint64_t a = odd_value(), n = odd_length(), b = odd_value(), m = odd_length();
    unsigned long flags = test_random(4) ? test_random(1 << 21) : 1UL << test_random(64);

    switch (test_random(10)) {
    case 0:
    case 1:
        flags |= test_random(2) ? 0 : MAP_PRIVATE | MAP_ANONYMOUS;
        sys_mmap(a, n, test_random(16), flags & ~MAP_POPULATE, (int)test_random(6),
                 test_random(4) ? m & PAGE_MASK : m);
        break;
    case 2: sys_munmap(a, n); break;
    case 3: sys_mprotect(a, n, test_random(8) ? test_random(8) : flags); break;
    case 4: sys_mremap(a, n, m, test_random(8) ? test_random(8) : flags, b); break;
    case 5: sys_madvise(a, n, (int)test_random(26)); break;
    case 6: sys_msync(a, n, (int)test_random(8)); break;
    case 7: sys_mincore(a, n, b); break;
    case 8: sys_mlock(a, MIN(n, 100 * K)); break;
    default: sys_brk(test_random(2) ? a : mm->brk + test_random(200 * K));
    }
}

/* Whatever is passed, the kernel's books stay right (the stubs and the teardown check them). */
static void test_odd_arguments(void **state)
{
    (void)state;
    test_file_new(3, O_RDONLY, 30 * K + 5);
    test_file_new(4, O_RDWR, 100 * K);
    test_file_new(5, O_WRONLY, K);
    mm_set_brk(mm, ARENA + 200 * K);
    for (int step = 0; step < 30000; step++) {
        unsigned access[] = {MM_READ, MM_WRITE, MM_EXEC};
        odd_call();
        if (step % 2)
            touch(odd_value(), access[test_random(3)]);
        assert_false(locked);
    }
    assert_int_equal(mm_unmap(mm, 0, TEST_TOP), 0);
    for (int fd = 3; fd <= 5; fd++)
        test_file_close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_errors, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_zero_device, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_rlimits, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_placing, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_brk, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_mremap_growth, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_listing, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_model, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_odd_arguments, mm_setup, mm_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
