/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace lines and dispatch: the arguments are decoded as syscall.tbl says, results and reasons follow,
 * and numbers without a handler are ENOSYS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/sys/test/exec_host.h"

#include "kernel/sys/trace.c"
#include "kernel/sys/trace_args.c"
#include "kernel/sys/trace_names.c"

struct kernel kernel;
static struct boot_args args;
static struct vcpu vcpu;
static struct thread thread = {.tid = 7};
static char logged[2 * TRACE_LINE];
static unsigned lines;
static bool served = true;

void ocall_log(const char *text, size_t n)
{
    assert_true(n < sizeof(logged));
    memcpy(logged, text, n);
    logged[n] = '\0';
    lines++;
}
void log_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(logged, sizeof(logged), fmt, ap);
    va_end(ap);
}
void *kmalloc(size_t n)
{
    return host_alloc(n);
}
void kfree(void *p)
{
    host_free(p);
}
/* The program's memory is the test's own; small numbers are bad addresses. */
int copy_in(void *dst, uaddr_t src, size_t n)
{
    if (src < 4096)
        return -EFAULT;
    memcpy(dst, (const void *)src, n);
    return 0;
}
long copy_in_str(char *dst, uaddr_t src, size_t size)
{
    if (src < 4096)
        return -EFAULT;
    size_t n = strnlen((const char *)src, size);
    memcpy(dst, (const void *)src, n < size ? n + 1 : size);
    return n < size ? (long)n : -ENAMETOOLONG;
}
bool syscall_served(uint32_t nr)
{
    (void)nr;
    return served;
}

static long result;
static const char *reason;

static long handler(const struct user_regs *r)
{
    (void)r;
    return reason ? syscall_reject(result, reason) : result;
}

static void expect(uint32_t nr, const uint64_t a[6], long ret, const char *why, const char *line)
{
    struct user_regs r = {
        .rdi = a[0], .rsi = a[1], .rdx = a[2], .r10 = a[3], .r8 = a[4], .r9 = a[5]};
    result = ret;
    reason = why;
    lines = 0;
    logged[0] = '\0';
    assert_int_equal(trace_call(&r, nr, handler), ret);
    assert_string_equal(logged, line);
    assert_int_equal(lines, *line ? 1 : 0);
}
#define A(...) ((const uint64_t[6]){__VA_ARGS__})
#define P(s) ((uint64_t)(s))

static int setup(void **state)
{
    (void)state;
    vcpu.head.self = (unsigned long)&vcpu;
    vcpu.running = &thread;
    host_set_gs(&vcpu);
    memset(&filter, 0, sizeof(filter));
    args.trace = NULL;
    kernel.boot_args = &args;
    kernel.trace = true;
    served = true;
    return 0;
}

static void test_kinds(void **state)
{
    (void)state;
    expect(257, A((uint64_t)-100, P("/etc/passwd"), 02000000, 0644), 3, NULL,
           "[7] openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3\n");
    expect(2, A(P("a\nb\"\x01"), 01101, 0644), 4, NULL,
           "[7] open(\"a\\nb\\\"\\x01\", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 4\n");
    expect(2, A(16, 0, 0), -EFAULT, NULL, "[7] open(0x10, O_RDONLY) = -1 EFAULT\n");
    expect(9, A(0, 8192, 3, 0x22, (uint64_t)-1, 0), 0x10000, NULL,
           "[7] mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = "
           "0x10000\n");
    expect(10, A(0x1000, 4096, 0), 0, NULL, "[7] mprotect(0x1000, 4096, PROT_NONE) = 0\n");
    expect(10, A(0x1000, 4096, 0x80), 0, NULL, "[7] mprotect(0x1000, 4096, 0x80) = 0\n");
    expect(1, A(1, P("hi\n"), 3), 3, NULL, "[7] write(1, \"hi\\n\", 3) = 3\n");
    expect(1, A(1, P("0123456789012345678901234567890123456789"), 40), 40, NULL,
           "[7] write(1, \"01234567890123456789012345678901\"..., 40) = 40\n");
    expect(62, A(5, 15), 0, NULL, "[7] kill(5, SIGTERM) = 0\n");
    expect(62, A((uint64_t)-1, 99), -ESRCH, NULL, "[7] kill(-1, 99) = -1 ESRCH\n");
    expect(202, A(0x5000, 128, 1), 0, NULL,
           "[7] futex(0x5000, FUTEX_WAIT|PRIVATE, 1, NULL, NULL, 0) = 0\n");
    expect(39, A(0), 7, NULL, "[7] getpid() = 7\n");
    expect(8, A(3, (uint64_t)-5, 2), 10, NULL, "[7] lseek(3, -5, SEEK_END) = 10\n");
    expect(56, A(0x3d0f00), 8, NULL,
           "[7] clone(CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM|"
           "CLONE_SETTLS|CLONE_PARENT_SETTID|CLONE_CHILD_CLEARTID, NULL, NULL, NULL, 0) = 8\n");
}

static void test_results(void **state)
{
    (void)state;
    expect(0, A(3, 0x5000, 1), -EINVAL, "the offset is not aligned",
           "[7] read(3, 0x5000, 1) = -1 EINVAL (the offset is not aligned)\n");
    /* A reason belongs to the call that gave it. */
    expect(0, A(3, 0x5000, 1), -EINVAL, NULL, "[7] read(3, 0x5000, 1) = -1 EINVAL\n");
    expect(0, A(3, 0x5000, 1), -ERESTARTSYS, NULL, "[7] read(3, 0x5000, 1) = ? ERESTARTSYS\n");
    expect(231, A(3), 0, NULL, "[7] exit_group(3) = ?\n");
    served = false;
    expect(425, A(8, 0x5000), -ENOSYS, NULL,
           "[7] io_uring_setup(8, 0x5000) = -1 ENOSYS (not in this kernel)\n");
    expect(400, A(1, 2, 3), -ENOSYS, NULL,
           "[7] syscall_400(0x1, 0x2, 0x3) = -1 ENOSYS (not in this kernel)\n");
    expect(0xffffffff, A(0), -ENOSYS, NULL,
           "[7] syscall_4294967295(0x0, 0x0, 0x0) = -1 ENOSYS (not in this kernel)\n");
}

/* Whatever the strings, a line ends with its result and one newline. */
static void test_long(void **state)
{
    char path[300];
    struct user_regs r = {.rdi = P(path), .rsi = P(path)};
    (void)state;
    memset(path, '\x01', sizeof(path));
    path[299] = '\0';
    result = -ENAMETOOLONG;
    reason = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    lines = 0;
    trace_call(&r, 82, handler);
    assert_int_equal(lines, 1);
    assert_true(strlen(logged) <= TRACE_LINE);
    assert_non_null(strstr(logged, ") = -1 ENAMETOOLONG (xxx"));
    assert_ptr_equal(strchr(logged, '\n'), logged + strlen(logged) - 1);
}

static void test_filter(void **state)
{
    (void)state;
    args.trace = (char *)"read,getpid";
    trace_init();
    expect(39, A(0), 7, NULL, "[7] getpid() = 7\n");
    expect(1, A(1, P("x"), 1), 1, NULL, "");
    expect(400, A(0), -ENOSYS, NULL, "");
    args.trace = (char *)"raed";
    trace_init();
    assert_string_equal(logged, "--trace: there is no system call raed");
}

/* Each line of the table has a name that fits and kinds that exist. */
static void test_table(void **state)
{
    unsigned named = 0;
    (void)state;
    for (uint32_t nr = 0; nr < SYSCALL_COUNT + 10; nr++) {
        const char *name = syscall_name(nr);
        if (!name)
            continue;
        named++;
        assert_true(strnlen(name, 24) < 24 && calls[nr].nargs <= 6);
        for (unsigned i = 0; i < calls[nr].nargs; i++)
            assert_true(calls[nr].kind[i] > KIND_none && calls[nr].kind[i] < KIND_COUNT);
        struct user_regs r = {.rdi = 1, .rsi = 2, .rdx = 3, .r10 = 4, .r8 = 5, .r9 = 6};
        lines = 0;
        trace_call(&r, nr, handler);
        assert_int_equal(lines, 1);
    }
    assert_true(named > 360);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_kinds, setup), cmocka_unit_test_setup(test_results, setup),
        cmocka_unit_test_setup(test_long, setup),  cmocka_unit_test_setup(test_filter, setup),
        cmocka_unit_test_setup(test_table, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
