/* SPDX-License-Identifier: Apache-2.0 */
/* What the system says of itself: names and who may set them, random bytes, cpuid behind a mask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/sys/test/exec_host.h"

#include "kernel/sys/cpuid.c"
#include "kernel/sys/sysinfo.c"

struct kernel kernel;
static struct vcpu vcpu;
static struct cred cred;
static struct thread thread = {.cred = &cred};
static struct process process = {};
static struct boot_args args;
static struct config_header head;
static struct config config = {.head = &head};
static size_t room = SIZE_MAX; /* bytes that may be copied out before a fault */
static unsigned cpuids;
static uint32_t cpuid_answer = 0xffffffff;

int copy_out(uaddr_t dst, const void *src, size_t n)
{
    if (dst < 4096)
        return -EFAULT;
    memcpy((void *)dst, src, n);
    return 0;
}
size_t copy_out_partial(uaddr_t dst, const void *src, size_t n)
{
    size_t take = MIN(n, room);
    if (dst < 4096)
        return n;
    memcpy((void *)dst, src, take);
    room -= take;
    return n - take;
}
int copy_in(void *dst, uaddr_t src, size_t n)
{
    if (src < 4096)
        return -EFAULT;
    memcpy(dst, (const void *)src, n);
    return 0;
}
void random_bytes(void *p, size_t n)
{
    memset(p, 0xa5, n);
}
long syscall_reject(long err, const char *why)
{
    (void)why;
    return err;
}
void ocall_sysinfo(struct host_sysinfo *out)
{
    memset(out, 0xff, sizeof(*out));
}
int ocall_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    (void)leaf;
    (void)subleaf;
    cpuids++;
    for (int i = 0; i < 4; i++)
        out[i] = cpuid_answer;
    return 0;
}
ktime_t clock_mono(void)
{
    return 5000000000;
}
ktime_t clock_boot_off(void)
{
    return 2000000000;
}
unsigned threads_count(void)
{
    return 2;
}
size_t epage_limit(void)
{
    return 1000;
}
size_t epage_count(void)
{
    return 400;
}

static int setup(void **state)
{
    (void)state;
    vcpu.head.self = (unsigned long)&vcpu;
    vcpu.head.index = 3;
    vcpu.running = &thread;
    thread.process = &process;
    host_set_gs(&vcpu);
    kernel.config = &config;
    kernel.boot_args = &args;
    cred.effective = CAPS_ALL;
    head.flags = 0;
    memset(uts_nodename, 0, sizeof(uts_nodename));
    room = SIZE_MAX;
    return 0;
}

static void test_names(void **state)
{
    struct new_utsname u;
    (void)state;
    args.hostname = (char *)"myhost.example";
    assert_int_equal(sys_uname((uaddr_t)&u), 0);
    assert_string_equal(u.sysname, "Linux");
    assert_string_equal(u.machine, "x86_64");
    assert_string_equal(u.nodename, "localhost"); /* the host's word does not count */
    setup(state);
    head.flags = CONFIG_F_DEV;
    sys_uname((uaddr_t)&u);
    assert_string_equal(u.nodename, "myhost.example");
    setup(state);
    head.flags = CONFIG_F_DEV;
    args.hostname = (char *)"evil\nname";
    sys_uname((uaddr_t)&u);
    assert_string_equal(u.nodename, "localhost");
    assert_int_equal(sys_uname(8), -EFAULT);
}

static void test_set_name(void **state)
{
    struct new_utsname u;
    (void)state;
    assert_int_equal(sys_sethostname((uaddr_t) "new", 3), 0);
    assert_int_equal(sys_setdomainname((uaddr_t) "dom", 3), 0);
    sys_uname((uaddr_t)&u);
    assert_string_equal(u.nodename, "new");
    assert_string_equal(u.domainname, "dom");
    assert_int_equal(sys_sethostname((uaddr_t) "new", -1), -EINVAL);
    assert_int_equal(sys_sethostname((uaddr_t) "new", 65), -EINVAL);
    assert_int_equal(sys_sethostname(8, 3), -EFAULT);
    cred.effective = 0;
    assert_int_equal(sys_sethostname((uaddr_t) "new", 3), -EPERM);
}

static void test_sysinfo(void **state)
{
    struct sysinfo si;
    (void)state;
    assert_int_equal(sys_sysinfo((uaddr_t)&si), 0);
    assert_int_equal(si.uptime, 7);
    assert_int_equal(si.totalram, 1000 * 4096);
    assert_int_equal(si.freeram, 600 * 4096);
    assert_int_equal(si.procs, 3);
}

static void test_getrandom(void **state)
{
    uint8_t buf[1000] = {0};
    (void)state;
    assert_int_equal(sys_getrandom((uaddr_t)buf, 999, 0), 999);
    assert_true(buf[0] == 0xa5 && buf[998] == 0xa5 && buf[999] == 0);
    assert_int_equal(sys_getrandom((uaddr_t)buf, 0, 0), 0);
    assert_int_equal(sys_getrandom((uaddr_t)buf, 10, GRND_NONBLOCK | GRND_RANDOM), 10);
    assert_int_equal(sys_getrandom((uaddr_t)buf, 10, 8), -EINVAL);
    assert_int_equal(sys_getrandom((uaddr_t)buf, 10, GRND_INSECURE | GRND_RANDOM), -EINVAL);
    assert_int_equal(sys_getrandom(8, 10, 0), -EFAULT);
    room = 300;
    assert_int_equal(sys_getrandom((uaddr_t)buf, 999, 0), 300);
}

static void test_getcpu(void **state)
{
    uint32_t cpu = 99, node = 99;
    (void)state;
    assert_int_equal(sys_getcpu((uaddr_t)&cpu, (uaddr_t)&node, 0), 0);
    assert_int_equal(cpu, 3);
    assert_int_equal(node, 0);
    assert_int_equal(sys_getcpu(0, 0, 0), 0);
    assert_int_equal(sys_getcpu(8, 0, 0), -EFAULT);
}

static struct user_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct user_regs r = {.rax = leaf, .rcx = subleaf | 0xdead00000000, .rip = 100};
    cpuid_emulate(&r);
    assert_int_equal(r.rip, 102);
    return r;
}

/* The host claims everything: what XFRM does not enable, and SGX, is not passed on. */
static void test_cpuid(void **state)
{
    (void)state;
    kernel.xfrm = 3; /* x87 and SSE */
    assert_false(cpuid(1, 0).rcx & L1_ECX_AVX);
    assert_false(cpuid(7, 0).rbx & (L7_EBX_AVX2 | L7_EBX_AVX512 | L7_EBX_SGX));
    assert_int_equal(cpuid(0xd, 0).rax, 3);
    assert_int_equal(cpuid(0x12, 0).rax, 0);
    memset(cache, 0, sizeof(cache));
    kernel.xfrm = 0xe7; /* all but AMX */
    assert_true(cpuid(1, 0).rcx & L1_ECX_AVX);
    assert_true(cpuid(7, 0).rbx & L7_EBX_AVX512);
    assert_false(cpuid(7, 0).rdx & L7_EDX_AMX);
    assert_int_equal(cpuid(0x80000000, 0).rax, 0xffffffff);
    /* Kept: one question a leaf, whatever ECX holds where it does not matter. */
    cpuids = 0;
    cpuid(0x80000002, 1);
    cpuid(0x80000002, 2);
    cpuid(4, 1);
    cpuid(4, 1);
    cpuid(4, 2);
    assert_int_equal(cpuids, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names, setup),   cmocka_unit_test_setup(test_set_name, setup),
        cmocka_unit_test_setup(test_sysinfo, setup), cmocka_unit_test_setup(test_getrandom, setup),
        cmocka_unit_test_setup(test_getcpu, setup),  cmocka_unit_test_setup(test_cpuid, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
