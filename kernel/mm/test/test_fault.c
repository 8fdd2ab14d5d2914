/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults and what brings pages in: windows, files and their ends, errors of one page, stacks, the
 * memory limit, text patching, shared files' dirty pages.
 */
#include "kernel/mm/test/mm_stub.h"

static unsigned char byte(uaddr_t a)
{
    assert_int_equal(touch(a, MM_READ), 0);
    return *(unsigned char *)a;
}

static int poke(uaddr_t a, unsigned char v)
{
    int err = touch(a, MM_WRITE);

    if (!err)
        *(unsigned char *)a = v;
    return err;
}

static void test_anonymous(void **state)
{
    uaddr_t small = map_ok(0, EAGER_BYTES, RW, ANON, -1, 0);
    uaddr_t big = map_ok(0, 64 << 20, RW, ANON, -1, 0);
    size_t before;

    (void)state;
    assert_int_equal(stub_perm(small), EPAGE_R | EPAGE_W); /* at once */
    assert_int_equal(stub_perm(big), STUB_ABSENT);
    before = stub.count;
    assert_int_equal(poke(big + (5 << 20), 1), 0);
    assert_true(stub.count - before <= FAULT_PAGES);
    /* Sequential touches need ever fewer faults, upward and downward. */
    stub.adds = 0;
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(poke(big + i * PAGE_SIZE, 1), 0);
    assert_true(stub.adds < 25);
    stub.adds = 0;
    for (size_t i = 0; i < 4096; i++)
        assert_int_equal(poke(big + (64 << 20) - 1 - i * PAGE_SIZE, 1), 0);
    assert_true(stub.adds < 25);
    assert_int_equal(byte(big + (5 << 20)), 1);
    assert_int_equal(byte(big + (5 << 20) + 1), 0);
    assert_int_equal(touch(big + (64 << 20), MM_READ), touch(big + (64 << 20), MM_WRITE));
}

static void test_rights(void **state)
{
    uaddr_t a = map_ok(0, 1 << 20, PROT_NONE, ANON, -1, 0);

    (void)state;
    assert_int_equal(touch(a, MM_READ), -EACCES);
    assert_int_equal(sys_mprotect(a, PAGE_SIZE, PROT_READ), 0);
    assert_int_equal(byte(a), 0);
    assert_int_equal(touch(a, MM_WRITE), -EACCES);
    assert_int_equal(touch(a, MM_EXEC), -EACCES);
    assert_int_equal(sys_mprotect(a, PAGE_SIZE, PROT_WRITE), 0);
    assert_int_equal(poke(a, 7), 0);
    assert_int_equal(byte(a), 7);
    assert_int_equal(sys_mprotect(a, PAGE_SIZE, PROT_READ | PROT_EXEC), 0);
    assert_int_equal(stub_perm(a), EPAGE_R | EPAGE_X);
    assert_int_equal(sys_mprotect(a, PAGE_SIZE, PROT_NONE), 0);
    assert_int_equal(stub_perm(a), 0);
    assert_int_equal(touch(a, MM_READ), -EACCES);
    assert_int_equal(sys_mprotect(a, PAGE_SIZE, RW), 0);
    assert_int_equal(byte(a), 7);
    assert_int_equal(sys_munmap(a, PAGE_SIZE), 0);
    assert_true(stub_perm(a) == 0 || stub_perm(a) == STUB_ABSENT);
    assert_int_equal(touch(a, MM_READ), -EFAULT);
    assert_int_equal(touch(TEST_TOP - PAGE_SIZE, MM_READ), -EFAULT);
    assert_int_equal(mm_fault(mm, 0, MM_READ), -EFAULT);
    assert_int_equal(mm_fault(mm, ~0UL, MM_READ), -EFAULT);
}

/* What was unmapped comes back zero, and cheaper than new pages. */
static void test_reuse(void **state)
{
    uaddr_t a = map_ok(0, EAGER_BYTES, RW, ANON, -1, 0), b;
    size_t count;

    (void)state;
    memset((void *)a, 5, EAGER_BYTES);
    count = stub.count;
    assert_int_equal(sys_munmap(a, EAGER_BYTES), 0);
    assert_int_equal(stub.count, count);
    assert_int_equal(mm_resident(mm), 0);
    b = map_ok(0, EAGER_BYTES, RW, ANON, -1, 0);
    assert_int_equal(a, b);
    assert_int_equal(stub.count, count);
    for (size_t i = 0; i < EAGER_BYTES; i++)
        assert_int_equal(((unsigned char *)b)[i], 0);
    /* A file over spare pages shows the file. */
    assert_int_equal(sys_munmap(a, EAGER_BYTES), 0);
    test_file_new(3, O_RDONLY, 10 * PAGE_SIZE);
    b = map_ok(a, 10 * PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, 3, 0);
    assert_int_equal(byte(b), test_fd[3]->data[0]);
    assert_int_equal(touch(b, MM_WRITE), -EACCES);
    assert_int_equal(sys_munmap(b, 10 * PAGE_SIZE), 0);
    test_file_close(3);
}

static void test_file_private(void **state)
{
    struct test_file *t = test_file_new(3, O_RDONLY, 300 * PAGE_SIZE - 100);
    uaddr_t a = map_ok(0, 310 * PAGE_SIZE, RW, MAP_PRIVATE, 3, 0);

    (void)state;
    assert_int_equal(t->reads, 0);
    assert_int_equal(byte(a + 5000), t->data[5000]);
    assert_int_equal(t->reads, 1);
    for (size_t i = 0; i < 300 * PAGE_SIZE - 100; i += 1000)
        assert_int_equal(byte(a + i), t->data[i]);
    assert_true(t->reads < 15);
    for (size_t i = 300 * PAGE_SIZE - 100; i < 300 * PAGE_SIZE; i++)
        assert_int_equal(byte(a + i), 0);
    assert_int_equal(touch(a + 300 * PAGE_SIZE, MM_READ), -EIO);
    assert_int_equal(poke(a, 99), 0);
    assert_int_not_equal(t->data[0], 99);
    /* DONTNEED shows the file again. */
    assert_int_equal(sys_madvise(a, PAGE_SIZE, MADV_DONTNEED), 0);
    assert_int_equal(byte(a), t->data[0]);
    /* One unreadable page harms nobody but itself. */
    assert_int_equal(sys_madvise(a, 310 * PAGE_SIZE, MADV_DONTNEED), 0);
    t->bad_from = 20 * PAGE_SIZE;
    t->bad_to = 21 * PAGE_SIZE;
    for (size_t i = 16; i < 32; i++)
        assert_int_equal(touch(a + i * PAGE_SIZE, MM_READ), i == 20 ? -EIO : 0);
    /* The mapping keeps the file. */
    assert_int_equal(sys_munmap(a + 5 * PAGE_SIZE, PAGE_SIZE), 0);
    assert_int_equal(t->file.ref.count, 3);
    assert_int_equal(sys_munmap(a, 310 * PAGE_SIZE), 0);
    test_file_close(3);
}

static void test_file_shared(void **state)
{
    struct test_file *t = test_file_new(3, O_RDWR, 64 * PAGE_SIZE);
    uaddr_t a = map_ok(0, 64 * PAGE_SIZE, RW, MAP_SHARED, 3, 0);

    (void)state;
    assert_int_equal(byte(a), t->data[0]);
    assert_int_equal(stub_perm(a), EPAGE_R);
    assert_int_equal(sys_msync(a, 64 * PAGE_SIZE, MS_SYNC), 0);
    assert_int_equal(t->writes, 0);
    assert_int_equal(poke(a + 3 * PAGE_SIZE + 5, 201), 0);
    t->data[4 * PAGE_SIZE] = 77; /* someone else writes to a page that we have not changed */
    assert_int_equal(sys_msync(a, 64 * PAGE_SIZE, MS_SYNC), 0);
    assert_int_equal(t->data[3 * PAGE_SIZE + 5], 201);
    assert_int_equal(t->data[4 * PAGE_SIZE], 77);
    assert_int_equal(stub_perm(a + 3 * PAGE_SIZE), EPAGE_R);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(poke(a + i * PAGE_SIZE, 202), 0);
    assert_int_equal(sys_mprotect(a, PAGE_SIZE, PROT_NONE), 0);
    assert_int_equal(sys_munmap(a, 64 * PAGE_SIZE), 0);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(t->data[i * PAGE_SIZE], 202);
    /* A file that may not be written. */
    t->file.flags = O_RDONLY;
    assert_int_equal(sys_mmap(0, PAGE_SIZE, RW, MAP_SHARED, 3, 0), -EACCES);
    a = map_ok(0, PAGE_SIZE, PROT_READ, MAP_SHARED, 3, 0);
    assert_int_equal(sys_mprotect(a, PAGE_SIZE, RW), -EACCES);
    assert_int_equal(sys_munmap(a, PAGE_SIZE), 0);
    test_file_close(3);
}

static void test_stack(void **state)
{
    int64_t s = mm_map(mm, 0, 128 << 10, RW, ANON | MAP_GROWSDOWN | MAP_STACK, NULL, 0, "[stack]");
    uaddr_t top = mm_stack_top(mm);
    uaddr_t low = top - (8 << 20);

    (void)state;
    assert_int_equal(s, top - (128 << 10));
    assert_int_equal(poke(top - (1 << 20), 1), 0);
    assert_int_equal(poke(low, 1), 0);
    assert_int_equal(touch(low - 1, MM_WRITE), -EFAULT);
    assert_int_equal(region_find(&mm->regions, low)->start, low);
    /* Nothing is placed near a stack, and a stack does not grow near another mapping. */
    assert_int_equal(sys_munmap(low, 7 << 20), 0);
    s = sys_mmap(top - (4 << 20), PAGE_SIZE, RW, ANON | MAP_FIXED, -1, 0);
    assert_int_equal(s, top - (4 << 20));
    assert_int_equal(mm_unmap(mm, top - (1 << 20), 1 << 20), 0);
    s = mm_map(mm, top - (64 << 10), 64 << 10, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, NULL, 0, NULL);
    assert_true(s > 0);
    assert_int_equal(touch(top - (4 << 20) + PAGE_SIZE + STACK_GUARD_GAP - 1, MM_WRITE), -EFAULT);
    assert_int_equal(poke(top - (4 << 20) + PAGE_SIZE + STACK_GUARD_GAP, 1), 0);
}

/* Near the limit spare pages go, windows shrink to one page, and then there is -ENOMEM and a line. */
static void test_limit(void **state)
{
    uaddr_t a, b;
    size_t i;

    (void)state;
    mm_teardown(NULL);
    mm_setup_limit(2000);
    a = map_ok(0, 4000 * PAGE_SIZE, RW, ANON, -1, 0);
    b = map_ok(0, 100 * PAGE_SIZE, RW, ANON, -1, 0);
    assert_int_equal(poke(b, 1), 0);
    assert_int_equal(sys_munmap(b, 100 * PAGE_SIZE), 0);
    assert_true(pagemap_spare() > 0);
    for (i = 0; i < 4000; i++)
        if (touch(a + i * PAGE_SIZE, MM_WRITE))
            break;
    assert_int_equal(i, 2000 - RESERVE_MIN);
    assert_int_equal(touch(a + i * PAGE_SIZE, MM_WRITE), -ENOMEM);
    assert_int_equal(warnings, 1);
    assert_int_equal(pagemap_spare(), 0);
    assert_int_equal(sys_mmap(0, PAGE_SIZE, RW, ANON, -1, 0), -ENOMEM);
    assert_true(sys_mmap(0, 1 << 20, RW, ANON | MAP_NORESERVE, -1, 0) > 0);
    assert_int_equal(sys_munmap(a, 10 * PAGE_SIZE), 0);
    assert_int_equal(touch(a + i * PAGE_SIZE, MM_WRITE), 0);
}

/* A file larger than the enclave can be mapped: what was only read goes and comes back. */
static void test_clean_pages(void **state)
{
    struct test_file *t = test_file_new(3, O_RDONLY, 900 * PAGE_SIZE);
    uaddr_t a, b;

    (void)state;
    mm_teardown(NULL);
    mm_setup_limit(600);
    a = map_ok(0, 900 * PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, 3, 0);
    b = map_ok(0, 900 * PAGE_SIZE, RW, MAP_PRIVATE, 3, 0);
    assert_int_equal(mm_patch_text(mm, a + 5, "\1", 1), 0);
    assert_int_equal(poke(b + 5, 2), 0);
    assert_int_equal(sys_mprotect(b, PAGE_SIZE, PROT_READ),
                     0); /* as RELRO: changed, then read-only */
    for (int round = 0; round < 2; round++)
        for (size_t i = 16; i < 900; i++)
            assert_int_equal(byte(a + i * PAGE_SIZE), t->data[i * PAGE_SIZE]);
    for (size_t i = 0; i < 3000; i++) {
        size_t page = 16 + test_random(884);
        assert_int_equal(byte(a + page * PAGE_SIZE), t->data[page * PAGE_SIZE]);
    }
    assert_true(stub.count <= 600 - RESERVE_MIN);
    assert_int_equal(byte(a + 5), 1);
    assert_int_equal(byte(b + 5), 2);
    assert_int_equal(sys_munmap(a, 900 * PAGE_SIZE), 0);
    assert_int_equal(sys_munmap(b, 900 * PAGE_SIZE), 0);
    test_file_close(3);
}

static void test_patch(void **state)
{
    struct test_file *t = test_file_new(3, O_RDONLY, 4 * PAGE_SIZE);
    uaddr_t a = map_ok(0, 4 * PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, 3, 0);
    uaddr_t b = map_ok(0, PAGE_SIZE, RW, ANON, -1, 0);
    int64_t n;

    (void)state;
    assert_int_equal(mm_patch_text(mm, a + PAGE_SIZE - 2, "\1\2\3\4\5", 5), 0);
    assert_memory_equal((void *)(a + PAGE_SIZE - 2), "\1\2\3\4\5", 5);
    assert_int_equal(mm_patch_text(mm, a + 100, "\6\7", 2), 0);
    assert_int_equal(*(unsigned char *)(a + 99), t->data[99]);
    assert_memory_equal((void *)(a + 100), "\6\7", 2);
    assert_int_equal(*(unsigned char *)(a + 102), t->data[102]);
    assert_int_equal(stub_perm(a), EPAGE_R | EPAGE_X);
    assert_int_equal(mm_patch_text(mm, b, "x", 1), -EACCES);
    assert_int_equal(mm_patch_text(mm, b + PAGE_SIZE * 1000, "x", 1), -EFAULT);
    assert_int_equal(mm_patch_text(mm, ~0UL, "xy", 2), -EFAULT);

    n = mm_map_near(mm, a, 5000);
    assert_true(n > 0);
    assert_true((int64_t)a - n < (int64_t)NEAR_SPAN && n - (int64_t)a < (int64_t)NEAR_SPAN);
    assert_int_equal(mm_patch_text(mm, (uaddr_t)n + 8, "\1\2\3\4\5\6\7\10\11", 9), 0);
    assert_memory_equal((void *)(n + 8), "\1\2\3\4\5\6\7\10\11", 9);
    assert_int_equal(touch((uaddr_t)n, MM_EXEC), 0);
    assert_int_equal(touch((uaddr_t)n, MM_WRITE), -EACCES);
    assert_int_equal(sys_munmap(a, 4 * PAGE_SIZE), 0);
    test_file_close(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_anonymous, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_rights, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_reuse, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_file_private, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_file_shared, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_stack, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_limit, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_clean_pages, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_patch, mm_setup, mm_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
