/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch: every line of the table reaches its own handler, every other number is ENOSYS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/sys/dispatch.c"

struct kernel kernel;
static uint32_t traced;
static uint64_t seen[6];

/* Handlers: the one of number n returns n. */
#undef A0
#undef A1
#undef A2
#undef A3
#undef A4
#undef A5
#undef A6
#define A0() void
#define A1(k1, a1) SC_##k1 a1
#define A2(k1, a1, k2, a2) A1(k1, a1), SC_##k2 a2
#define A3(k1, a1, k2, a2, k3, a3) A2(k1, a1, k2, a2), SC_##k3 a3
#define A4(k1, a1, k2, a2, k3, a3, k4, a4) A3(k1, a1, k2, a2, k3, a3), SC_##k4 a4
#define A5(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5) A4(k1, a1, k2, a2, k3, a3, k4, a4), SC_##k5 a5
#define A6(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, k6, a6) \
    A5(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5), SC_##k6 a6
#define HANDLER_NONE(nr, name, ...)
#define HANDLER_FULL(nr, name, ...) \
    long sys_##name(__VA_ARGS__)    \
    {                               \
        return nr;                  \
    }
#define HANDLER_PARTIAL(nr, name, ...) HANDLER_FULL(nr, name, __VA_ARGS__)
/* Those that the test looks into. */
#define sys_pread64 unused_pread64
#define sys_mmap unused_mmap
long unused_pread64(int fd, uaddr_t buf, size_t n, long pos);
long unused_mmap(uaddr_t a, size_t n, unsigned long p, unsigned long f, int fd, unsigned long off);
#define SYSCALL(nr, name, level, args, note) HANDLER_##level(nr, name, args)
#include "abi/linux/syscall.tbl"
#undef SYSCALL
#undef sys_pread64
#undef sys_mmap

long sys_pread64(int fd, uaddr_t buf, size_t count, long pos)
{
    seen[0] = (uint64_t)fd;
    seen[1] = buf;
    seen[2] = count;
    seen[3] = (uint64_t)pos;
    return 17;
}

long sys_mmap(uaddr_t addr, size_t len, unsigned long prot, unsigned long flags, int fd,
              unsigned long off)
{
    seen[0] = addr;
    seen[1] = len;
    seen[2] = prot;
    seen[3] = flags;
    seen[4] = (uint64_t)fd;
    seen[5] = off;
    return 9;
}

void guest_call(struct user_regs *regs)
{
    (void)regs;
    fail();
}

bool cpu_split_wanted(void)
{
    return false;
}

void cpu_split_enter(void)
{
}

void cpu_split_leave(void)
{
}

long trace_call(struct user_regs *regs, uint32_t nr, syscall_fn *fn)
{
    traced = nr;
    return fn(regs);
}

static long call(uint64_t nr)
{
    struct user_regs r = {.orig_rax = nr,
                          .rax = nr,
                          .rdi = 0xffffffff00000001,
                          .rsi = 0x2222222222,
                          .rdx = 0x3333333333,
                          .r10 = 0x4444444444,
                          .r8 = 0x5555555500000005,
                          .r9 = 0x6666666666};
    syscall_dispatch(&r);
    return (long)r.rax;
}

static void test_all(void **state)
{
    (void)state;
    for (uint32_t nr = 0; nr < SYSCALL_COUNT; nr++) {
        assert_int_equal(call(nr), syscall_served(nr) ? (long)nr : -ENOSYS);
        assert_int_equal(syscall_counts[nr], 1);
    }
    assert_int_equal(call(SYSCALL_COUNT), -ENOSYS);
    assert_int_equal(call(335), -ENOSYS);
    assert_int_equal(call(0x40000000), -ENOSYS); /* x32 */
    assert_int_equal(call(~0UL), -ENOSYS);
    assert_false(syscall_served(~0U));
}

/* As on Linux the upper half of rax does not count, and arguments have their types. */
static void test_types(void **state)
{
    (void)state;
    assert_int_equal(call(0x1234567800000011), 17);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 0x2222222222);
    assert_int_equal(seen[2], 0x3333333333);
    assert_int_equal(seen[3], 0x4444444444);
    assert_int_equal(call(9), 9);
    assert_int_equal(seen[0], 0xffffffff00000001);
    assert_int_equal(seen[4], 5);
    assert_int_equal(seen[5], 0x6666666666);
}

static void test_trace(void **state)
{
    (void)state;
    kernel.trace = true;
    traced = 0;
    assert_int_equal(call(39), 39);
    assert_int_equal(traced, 39);
    assert_int_equal(call(5000), -ENOSYS);
    assert_int_equal(traced, 5000);
    kernel.trace = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
