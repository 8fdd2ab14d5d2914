/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: sizes that do not match pieces, empty segments, faults in the middle. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/ocall/hostmem.h"
#include "kernel/vfs/uio.c"

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

static void test_put_over_segments(void **state)
{
    char a[3], b[5], src[] = "abcdefgh";
    struct uio_seg seg[] = {{(uintptr_t)a, 3}, {0, 0}, {(uintptr_t)b, 5}};
    struct uio u;
    (void)state;
    uio_init_user(&u, seg, 3);
    assert_int_equal(u.left, 8);
    assert_int_equal(uio_put(&u, src, 2), 0);
    assert_int_equal(uio_put(&u, src + 2, 100 < 6 ? 100 : 6), 0);
    assert_memory_equal(a, "abc", 3);
    assert_memory_equal(b, "defgh", 5);
    assert_int_equal(u.done, 8);
    assert_int_equal(u.left, 0);
    assert_int_equal(uio_put(&u, src, 1), 0);
    assert_int_equal(u.done, 8);
}

static void test_fault_keeps_what_was_moved(void **state)
{
    char a[4], src[] = "abcdefgh";
    struct uio_seg seg[] = {{(uintptr_t)a, 4}, {STUB_BAD, 4}};
    struct uio u;
    (void)state;
    uio_init_user(&u, seg, 2);
    assert_int_equal(uio_put(&u, src, 8), -EFAULT);
    assert_int_equal(u.done, 4);
    assert_memory_equal(a, "abcd", 4);
}

static void test_kernel_and_host(void **state)
{
    char mem[16], host[8] = "hostdat";
    struct uio_seg seg;
    struct uio u;
    (void)state;
    uio_init_kernel(&u, &seg, mem, sizeof(mem));
    assert_int_equal(uio_put_host(&u, (haddr_t)host, 8), 0);
    assert_int_equal(uio_zero(&u, 100), 0);
    assert_int_equal(u.done, 16);
    assert_memory_equal(mem, "hostdat\0\0\0\0\0\0\0\0\0", 16);
    uio_init_kernel(&u, &seg, mem, 4);
    assert_int_equal(uio_get_host(&u, (haddr_t)host, 8), 0);
    assert_int_equal(u.done, 4);
    assert_int_equal(uio_get(&u, host, 4), 0);
}

static void test_get_random_pieces(void **state)
{
    static unsigned char data[4096], back[4096];
    struct uio_seg seg[64];
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        size_t at = 0, n = 0;
        struct uio u;
        for (size_t i = 0; i < sizeof(data); i++)
            data[i] = (unsigned char)rand();
        for (; n < 64; n++) {
            size_t len = (size_t)rand() % 128;
            if (at + len > sizeof(data))
                break;
            seg[n] = (struct uio_seg){(uintptr_t)data + at, len};
            at += len;
        }
        uio_init_user(&u, seg, n);
        assert_int_equal(u.left, at);
        for (size_t got = 0; u.left; got = u.done)
            assert_int_equal(uio_get(&u, back + got, 1 + (size_t)rand() % 300), 0);
        assert_int_equal(u.done, at);
        assert_memory_equal(data, back, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_over_segments),
        cmocka_unit_test(test_fault_keeps_what_was_moved),
        cmocka_unit_test(test_kernel_and_host),
        cmocka_unit_test(test_get_random_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
