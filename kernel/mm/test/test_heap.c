/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel heap on stub enclave pages: objects and runs keep their bytes, do not overlap, come
 * aligned and zeroed; memory is reused, given back by trimming, and its end is NULL, not a crash.
 */
#include "kernel/mm/test/stubs.h"

#include "kernel/mm/test/epage_stub.h"

#include "kernel/mm/heap.c"
#include "kernel/mm/kpages.c"
#include "kernel/mm/kstack.c"

#define HEAP_PAGES 65536UL

struct kernel kernel;
static struct enclave_params params;
static jmp_buf panicked;
static bool panic_expected;

void panic(const char *fmt, ...)
{
    va_list ap;

    if (panic_expected)
        longjmp(panicked, 1);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    abort();
}

static int setup_limit(size_t limit)
{
    stub_init(0, HEAP_PAGES, limit);
    params.heap_addr = stub.start;
    params.heap_end = stub.end;
    kernel.params = &params;
    mm_heap_init();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    return setup_limit(HEAP_PAGES);
}

static int teardown(void **state)
{
    (void)state;
    stub_fini();
    return 0;
}

/* Every size class and some runs: aligned, zeroed when asked, distinct, and free again afterwards. */
static void test_sizes(void **state)
{
    size_t pages, free_pages, pages2;

    (void)state;
    for (size_t n = 1; n <= 20000; n += n < 300 ? 1 : 97) {
        unsigned char *a = kmalloc(n), *b;

        assert_non_null(a);
        assert_int_equal((uintptr_t)a % (n >= 64 ? 64 : 16), 0);
        memset(a, 0xaa, n);
        b = kzalloc(n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(b[i], 0);
        memset(b, 0xbb, n);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(a[i], 0xaa);
        kfree(a);
        kfree(b);
    }
    heap_stat(&pages, &free_pages);
    for (size_t n = 1; n <= 20000; n += 97)
        kfree(kmalloc(n));
    heap_stat(&pages2, &free_pages);
    assert_int_equal(pages, pages2);
    assert_true(free_pages + 40 > pages);
    kfree(NULL);
}

struct item {
    unsigned char *p;
    size_t n;
    unsigned char fill;
};

static void item_check(const struct item *it)
{
    for (size_t i = 0; i < it->n; i++)
        assert_int_equal(it->p[i], it->fill);
}

/* A long random run of allocations, reallocations and frees, with contents checked throughout. */
static void test_random_use(void **state)
{
    static struct item items[300];

    (void)state;
    for (int step = 0; step < 30000; step++) {
        struct item *it = &items[test_random(300)];
        size_t n = 1 + test_random(test_random(16) ? 600 : 30000);

        if (!it->p) {
            it->p = test_random(2) ? kmalloc(n) : kzalloc(n);
        } else if (test_random(3) == 0) {
            size_t keep = MIN(n, it->n);
            it->p = krealloc(it->p, n);
            it->n = keep;
            item_check(it);
        } else {
            item_check(it);
            kfree(it->p);
            it->p = NULL;
            continue;
        }
        assert_non_null(it->p);
        it->n = n;
        it->fill = (unsigned char)step;
        memset(it->p, it->fill, n);
        if (step % 5000 == 0)
            heap_trim();
    }
    for (size_t i = 0; i < 300; i++) {
        if (items[i].p)
            item_check(&items[i]);
        kfree(items[i].p);
        items[i].p = NULL;
    }
}

/* Pages are zero at each reuse; neighbours join, so that a large run fits where small ones were. */
static void test_runs(void **state)
{
    unsigned char *p[64], *q;
    size_t before, after, ignored;

    (void)state;
    for (int i = 0; i < 64; i++) {
        p[i] = kpages_alloc(1 + (size_t)i % 5);
        assert_int_equal((uintptr_t)p[i] % PAGE_SIZE, 0);
        memset(p[i], 1, (1 + (size_t)i % 5) * PAGE_SIZE);
    }
    heap_stat(&before, &ignored);
    for (int i = 0; i < 64; i += 2)
        kpages_free(p[i], 1 + (size_t)i % 5);
    for (int i = 1; i < 64; i += 2)
        kpages_free(p[i], 1 + (size_t)i % 5);
    q = kpages_alloc(150);
    for (size_t i = 0; i < 150 * PAGE_SIZE; i++)
        assert_int_equal(q[i], 0);
    heap_stat(&after, &ignored);
    assert_int_equal(before, after);
    kpages_free(q, 150);
}

/* Trimming gives free runs back; their addresses are used again. */
static void test_trim(void **state)
{
    void *p = kpages_alloc(1000), *q;
    size_t count = stub.count;

    (void)state;
    kpages_free(p, 1000);
    assert_int_equal(stub.count, count);
    assert_true(heap_trim() >= 1000);
    assert_true(stub.count <= count - 1000);
    q = kpages_alloc(500);
    memset(q, 1, 500 * PAGE_SIZE);
    assert_ptr_equal(p, q);
    p = kpages_alloc(400);
    memset(p, 1, 400 * PAGE_SIZE);
    kpages_free(q, 500);
    kpages_free(p, 400);
    heap_trim();
    assert_non_null(kpages_alloc(1000));
}

/* At the limit there is NULL, and after a free there is memory again. */
static void test_limit(void **state)
{
    void **list = NULL, **p, *big;
    size_t n = 0;

    (void)state;
    teardown(NULL);
    setup_limit(300);
    assert_null(kpages_alloc(301));
    big = kpages_alloc(200);
    assert_non_null(big);
    while ((p = kmalloc(512)) != NULL) {
        *p = list;
        list = p;
        n++;
    }
    assert_true(n > 500);
    assert_null(kzalloc(5000));
    assert_null(krealloc(list, 5000));
    assert_null(kstack_alloc());
    assert_true(stub.count <= 300);
    kpages_free(big, 200);
    assert_non_null(kzalloc(5000));
    while (list) {
        p = *list;
        kfree(list);
        list = p;
    }
}

/* Stacks: distinct, usable to the last byte, above an absent guard page; reused; trimmed. */
static void test_stacks(void **state)
{
    char *s[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        s[i] = kstack_alloc();
        assert_non_null(s[i]);
        memset(s[i], i, KSTACK_SIZE);
        assert_int_equal(stub_perm((uintptr_t)s[i] - PAGE_SIZE), STUB_ABSENT);
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(s[i][0] + s[i][KSTACK_SIZE - 1], 2 * i);
    kstack_free(s[7]);
    assert_ptr_equal(kstack_alloc(), s[7]);
    for (int i = 0; i < 100; i++)
        kstack_free(s[i]);
    assert_int_equal(kstack_trim(), ABSENT_MAX * STACK_PAGES);
    for (int i = 0; i < 100; i++) {
        s[i] = kstack_alloc();
        memset(s[i], i, KSTACK_SIZE);
    }
}

/* Freeing what was not allocated is a panic, not a corruption. */
static void test_bad_free(void **state)
{
    char *p = kpages_alloc(4), *q = kmalloc(100);

    (void)state;
    panic_expected = true;
    if (setjmp(panicked) == 0) {
        kfree(&params);
        fail();
    }
    spin_unlock(&heap_lock);
    if (setjmp(panicked) == 0) {
        kpages_free(p + PAGE_SIZE, 1);
        fail();
    }
    spin_unlock(&heap_lock);
    if (setjmp(panicked) == 0) {
        kfree(q + 16);
        fail();
    }
    spin_unlock(&heap_lock);
    if (setjmp(panicked) == 0) {
        kpages_free(p, 3);
        fail();
    }
    spin_unlock(&heap_lock);
    panic_expected = false;
    kpages_free(p, 4);
    kfree(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trim, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stacks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_free, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
