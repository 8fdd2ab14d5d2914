/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User copies over real memory and real faults.  %gs points to a struct vcpu; a SIGSEGV handler
 * does what stage one does, with the fix-up table that the linker collected, and mm_fault is a page
 * table of its own: pages that it may open, and pages that it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/sys/test/usercopy_host.h"
#include "kernel/sys/usercopy.c"

struct kernel kernel;

enum { PAGES = 8 };
static uint8_t *mem;             /* PAGES pages */
static bool may_open[PAGES];     /* mm_fault opens it when asked */
static unsigned faults, refused; /* calls of mm_fault */

static struct vcpu vcpu;
static struct thread thread;
static struct process process;
static struct enclave_params params = {.kernel_base = 1UL << 47};

int mm_fault(struct mm *mm, uaddr_t addr, unsigned access)
{
    size_t page = (addr - (uaddr_t)mem) / PAGE_SIZE;
    (void)mm;
    faults++;
    assert_true(access == MM_READ || access == MM_WRITE);
    if (page < PAGES && may_open[page]) {
        host_open(mem + page * PAGE_SIZE, true);
        return 0;
    }
    refused++;
    return -EFAULT;
}

/* A thread that is away (satellite/memory.c has a test of its own): memory elsewhere, of which [good, good_end) is there. */
static uint8_t elsewhere[3 * PAGE_SIZE];
static const uaddr_t good = 0x100000, good_end = 0x100000 + sizeof(elsewhere);

static size_t part_of(uaddr_t at, size_t n)
{
    return at >= good && at < good_end ? MIN(n, good_end - at) : 0;
}

size_t away_copy_in(void *dst, uaddr_t src, size_t n)
{
    size_t part = part_of(src, n);
    memcpy(dst, elsewhere + (part ? src - good : 0), part);
    return n - part;
}

size_t away_copy_out(uaddr_t dst, const void *src, size_t n)
{
    size_t part = part_of(dst, n);
    memcpy(elsewhere + (part ? dst - good : 0), src, part);
    return n - part;
}

size_t away_copy_in_present(void *dst, uaddr_t src, size_t n)
{
    return away_copy_in(dst, src, n);
}

size_t away_copy_out_present(uaddr_t dst, const void *src, size_t n)
{
    return away_copy_out(dst, src, n);
}

int away_fault_in(uaddr_t addr, size_t n, bool write)
{
    (void)write;
    return part_of(addr, n) ? 0 : -EFAULT;
}

/* Pages: 'o' open, 'l' lazy (mm_fault opens it), 'x' refused. */
static void setup_pages(const char *kinds)
{
    host_catch_faults();
    for (size_t i = 0; i < PAGES; i++) {
        host_open(mem + i * PAGE_SIZE, true);
        memset(mem + i * PAGE_SIZE, (int)i + 1, PAGE_SIZE);
        may_open[i] = kinds[i] == 'l';
        if (kinds[i] != 'o')
            host_open(mem + i * PAGE_SIZE, false);
    }
    faults = refused = 0;
}

static int setup(void **state)
{
    (void)state;
    vcpu.head.self = (unsigned long)&vcpu;
    vcpu.running = &thread;
    thread.process = &process;
    kernel.params = &params;
    mem = host_setup(&vcpu, PAGES * PAGE_SIZE, &vcpu.fault_addr, &vcpu.fault_error);
    return !mem;
}

static void test_sizes(void **state)
{
    static uint8_t buf[2 * PAGE_SIZE], want[2 * PAGE_SIZE];
    (void)state;
    setup_pages("oooooooo");
    for (size_t i = 0; i < PAGES * PAGE_SIZE; i++)
        mem[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t n = 0; n < 700; n++) {
        size_t off = (n * 37) % 64;
        memset(buf, 0xee, sizeof(buf));
        memset(want, 0xee, sizeof(want));
        memcpy(want + 5, mem + off, n);
        assert_int_equal(copy_in(buf + 5, (uaddr_t)mem + off, n), 0);
        assert_memory_equal(buf, want, 800);
        assert_int_equal(copy_out((uaddr_t)mem + PAGE_SIZE + off, want + 5, n), 0);
        assert_memory_equal(mem + PAGE_SIZE + off, want + 5, n);
    }
    assert_int_equal(faults, 0);
}

/* A lazy page in the middle is opened and the copy is whole. */
static void test_lazy(void **state)
{
    static uint8_t buf[PAGES * PAGE_SIZE];
    (void)state;
    for (size_t n = 1; n < 3000; n = n * 2 + 1) {
        setup_pages("ollooool");
        memset(buf, 0x55, sizeof(buf));
        assert_int_equal(copy_out((uaddr_t)mem + PAGE_SIZE - n / 2, buf, n), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(mem[PAGE_SIZE - n / 2 + i], 0x55);
        setup_pages("ollooool");
        assert_int_equal(copy_in(buf, (uaddr_t)mem + PAGE_SIZE - n / 2, n), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf[i], i < n / 2 ? 1 : 2);
        assert_int_equal(refused, 0);
    }
    setup_pages("llllllll");
    assert_int_equal(copy_in(buf, (uaddr_t)mem, sizeof(buf)), 0);
    assert_int_equal(faults, PAGES);
    setup_pages("llllllll");
    assert_int_equal(zero_out((uaddr_t)mem + 5, sizeof(buf) - 5), 0);
    assert_int_equal(mem[4], 1);
    for (size_t i = 5; i < sizeof(buf); i++)
        assert_int_equal(mem[i], 0);
}

/* A refused page ends the copy at its first byte, for every size and every distance from it. */
static void test_refused(void **state)
{
    static uint8_t buf[PAGE_SIZE];
    (void)state;
    setup_pages("oxoooooo");
    for (size_t n = 1; n < 600; n += 1 + n / 20) {
        for (size_t before = 0; before < n; before += 1 + n / 13) {
            uaddr_t a = (uaddr_t)mem + PAGE_SIZE - before;
            memset(buf, 0xee, sizeof(buf));
            assert_int_equal(copy_in_partial(buf, a, n), n - before);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(buf[i], i < before ? 1 : 0xee);
            assert_int_equal(copy_in(buf, a, n), -EFAULT);
            memset(buf, 1, sizeof(buf));
            assert_int_equal(copy_out_partial(a, buf, n), n - before);
            assert_int_equal(copy_out(a, buf, n), -EFAULT);
            assert_int_equal(zero_out((uaddr_t)mem + PAGE_SIZE, 1), -EFAULT);
        }
    }
}

static void test_range(void **state)
{
    uint8_t b[16];
    uint32_t v;
    (void)state;
    params.kernel_base = (unsigned long)mem + 2 * PAGE_SIZE; /* from here on it is the kernel's */
    setup_pages("oooooooo");
    uaddr_t end = params.kernel_base;
    assert_true(user_range_ok(end - 8, 8));
    assert_false(user_range_ok(end - 8, 9));
    assert_false(user_range_ok(end, 0));
    assert_false(user_range_ok(end - 8, SIZE_MAX));
    assert_false(user_range_ok(0, 1));
    assert_false(user_range_ok(USER_MIN - 1, 8));
    assert_int_equal(copy_in(b, end - 8, 16), -EFAULT);
    assert_int_equal(copy_out(end, b, 1), -EFAULT);
    assert_int_equal(copy_in(b, ~0UL - 3, 8), -EFAULT);
    assert_int_equal(copy_in_partial(b, end - 8, 16), 16);
    assert_int_equal(copy_in(b, 0, 0), 0);
    assert_int_equal(user_load32(end, &v), -EFAULT);
    assert_int_equal(user_load32(end - 4, &v), 0);
    assert_int_equal(faults, 0);
    params.kernel_base = 1UL << 47;
}

static void test_strings(void **state)
{
    char buf[300];
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        for (size_t off = 0; off < 9; off++) {
            setup_pages("oooooooo");
            mem[off + len] = 0;
            assert_int_equal(copy_in_str(buf, (uaddr_t)mem + off, sizeof(buf)), len);
            assert_int_equal(strlen(buf), len);
            assert_int_equal(copy_in_str(buf, (uaddr_t)mem + off, len + 1), len);
            assert_int_equal(copy_in_str(buf, (uaddr_t)mem + off, len), -ENAMETOOLONG);
        }
    }
    /* Up to the last byte before a page that is refused; over a lazy one. */
    setup_pages("oxoooooo");
    mem[PAGE_SIZE - 1] = 0;
    assert_int_equal(copy_in_str(buf, (uaddr_t)mem + PAGE_SIZE - 20, sizeof(buf)), 19);
    assert_int_equal(faults, 0);
    mem[PAGE_SIZE - 1] = 'x';
    assert_int_equal(copy_in_str(buf, (uaddr_t)mem + PAGE_SIZE - 20, sizeof(buf)), -EFAULT);
    assert_int_equal(copy_in_str(buf, (uaddr_t)mem + PAGE_SIZE - 20, 20), -ENAMETOOLONG);
    setup_pages("oloooooo");
    host_open(mem + PAGE_SIZE, true);
    mem[PAGE_SIZE + 5] = 0;
    host_open(mem + PAGE_SIZE, false);
    assert_int_equal(copy_in_str(buf, (uaddr_t)mem + PAGE_SIZE - 20, sizeof(buf)), 25);
    assert_int_equal(copy_in_str(buf, 8, sizeof(buf)), -EFAULT);
    params.kernel_base = (unsigned long)mem + PAGE_SIZE;
    assert_int_equal(copy_in_str(buf, (uaddr_t)mem + PAGE_SIZE - 20, sizeof(buf)), -EFAULT);
    params.kernel_base = 1UL << 47;
}

static void test_words(void **state)
{
    uaddr_t a = (uaddr_t)mem + PAGE_SIZE;
    uint32_t v = 0;
    (void)state;
    setup_pages("olxooooo");
    assert_int_equal(user_load32(a, &v), 0);
    assert_int_equal(v, 0x02020202);
    assert_int_equal(faults, 1);
    assert_int_equal(user_store32(a, 7), 0);
    v = 8;
    assert_int_equal(user_cmpxchg32(a, &v, 9), 0);
    assert_int_equal(v, 7);
    assert_int_equal(user_cmpxchg32(a, &v, 9), 0);
    assert_int_equal(user_load32(a, &v), 0);
    assert_int_equal(v, 9);
    assert_int_equal(user_load32(a + 1, &v), -EINVAL);
    assert_int_equal(user_store32(a + 2, v), -EINVAL);
    assert_int_equal(user_load32(a + PAGE_SIZE, &v), -EFAULT);
    assert_int_equal(user_store32(a + PAGE_SIZE, v), -EFAULT);
    assert_int_equal(user_cmpxchg32(a + PAGE_SIZE, &v, 1), -EFAULT);
}

/*
 * The host's side of a copy may vanish: the copy ends, and the program's pages are not asked for.
 */
static void test_host_gone(void **state)
{
    (void)state;
    setup_pages("oooooxoo");
    haddr_t host = (haddr_t)mem + 5 * PAGE_SIZE;
    assert_int_equal(copy_out_host((uaddr_t)mem, host, 100), 100);
    assert_int_equal(copy_in_host(host - 50, (uaddr_t)mem, 100), 50);
    assert_int_equal(copy_out_host((uaddr_t)mem, host - 50, 100), 50);
    assert_int_equal(faults, 0);
}

/* Everything goes to where the process is, with the same results. */
static void test_away(void **state)
{
    static uint8_t zero[2 * PAGE_SIZE];
    uint32_t word = 0, old = 5;
    char text[64];

    (void)state;
    thread.stay = (struct stay *)elsewhere;
    memset(elsewhere, 'x', sizeof(elsewhere));
    assert_int_equal(copy_out(good, "hello", 6), 0);
    assert_int_equal(copy_in_str(text, good, sizeof(text)), 5);
    assert_string_equal(text, "hello");
    memcpy(elsewhere + sizeof(elsewhere) - 3, "end", 3);
    assert_int_equal(copy_in_str(text, good_end - 3, sizeof(text)), -EFAULT);
    assert_int_equal(copy_in_str(text, good + 8, 8), -ENAMETOOLONG);
    assert_int_equal(copy_in(text, good_end - 4, 8), -EFAULT);
    assert_int_equal(copy_out_partial(good_end - 4, "12345678", 8), 4);
    assert_int_equal(zero_out(good + 1, sizeof(zero)), 0);
    assert_memory_equal(elsewhere + 1, zero, sizeof(zero));
    assert_int_equal(elsewhere[0], 'h');
    assert_int_equal(elsewhere[sizeof(zero) + 1], 'x');
    assert_int_equal(zero_out(good_end - 8, 9), -EFAULT);
    assert_int_equal(zero_out_present(good_end - 8, 9), 1);
    assert_int_equal(user_store32(good, 5), 0);
    assert_int_equal(user_cmpxchg32(good, &old, 7), 0);
    assert_int_equal(old, 5);
    assert_int_equal(user_cmpxchg32(good, &old, 9), 0);
    assert_int_equal(old, 7);
    assert_int_equal(user_load32(good, &word), 0);
    assert_int_equal(word, 7);
    assert_int_equal(user_load32(good + 2, &word), -EINVAL);
    assert_int_equal(user_load32(good_end, &word), -EFAULT);
    assert_int_equal(user_fault_in(good, true), 0);
    assert_int_equal(user_fault_in(good_end, false), -EFAULT);
    thread.stay = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),     cmocka_unit_test(test_lazy),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_range),
        cmocka_unit_test(test_strings),   cmocka_unit_test(test_words),
        cmocka_unit_test(test_host_gone), cmocka_unit_test(test_away),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
