/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ocalls that are not about files: end, log, clocks, ticks, cpuid, memory management.
 * Every answer is checked here, so that callers see only values that are possible.
 */
#include "kernel/ocall/ocall.h"

#include <linux/errno.h>

#include "abi/host/control.h"
#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/ocall/hostmem.h"
#include "lib/string.h"

void ocall_exit(int wait_status)
{
    while (!vcpu_this()->host_unsafe)
        ocall_leave();
    for (;;)
        host_call1(exit, (uint64_t)wait_status);
}

void ocall_log(const char *text, size_t n)
{
    if (!vcpu_this()->host_unsafe)
        return;
    while (n) {
        size_t take = MIN(n, 8192UL);
        haddr_t buf = hostbuf_get(take);
        host_out(buf, text, take);
        host_call2(log, buf, take);
        hostbuf_put(buf, take);
        text += take;
        n -= take;
    }
}

int ocall_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    haddr_t buf = hostbuf_get(16);
    int64_t ret = host_result(host_call3(cpuid, leaf, subleaf, buf), 0);
    host_in(out, buf, 16);
    hostbuf_put(buf, 16);
    return (int)ret;
}

void ocall_clock(struct host_clock *out)
{
    haddr_t buf = hostbuf_get(sizeof(*out));
    host_call1(clock_get, buf);
    host_in(out, buf, sizeof(*out));
    hostbuf_put(buf, sizeof(*out));
}

void ocall_sysinfo(struct host_sysinfo *out)
{
    haddr_t buf = hostbuf_get(sizeof(*out));
    host_call1(sysinfo, buf);
    host_in(out, buf, sizeof(*out));
    hostbuf_put(buf, sizeof(*out));
}

void ocall_tick(ktime_t ns)
{
    host_call1(tick, (uint64_t)ns);
}

int ocall_vcpu_start(unsigned index)
{
    return (int)host_result(host_call1(vcpu_start, index), 0);
}

void ocall_vcpu_wake(unsigned index)
{
    host_call_quiet(OCALL_vcpu_wake, index, 0, 0, 0, 0, 0);
}

void ocall_vcpu_interrupt(unsigned index)
{
    host_call_quiet(OCALL_vcpu_interrupt, index, 0, 0, 0, 0, 0);
}

bool ocall_control_next(struct host_control *out)
{
    haddr_t buf = hostbuf_get(sizeof(*out));
    bool some = host_call1(control_next, buf) == 1;
    host_in(out, buf, sizeof(*out));
    hostbuf_put(buf, sizeof(*out));
    return some;
}

int ocall_control_data(void *buf, size_t n)
{
    for (size_t done = 0; done < n;) {
        size_t take = MIN(n - done, HOSTBUF_SIZE);
        haddr_t from = hostbuf_get(take);
        int64_t got = host_result(host_call3(control_data, from, take, done), (int64_t)take);
        host_in((char *)buf + done, from, take);
        hostbuf_put(from, take);
        if (got != (int64_t)take)
            return got < 0 ? (int)got : -EIO;
        done += take;
    }
    return 0;
}

void ocall_control_tell(uint64_t id, unsigned what, int64_t value, const char *text, size_t n)
{
    size_t size = MAX(n, (size_t)1);
    haddr_t buf = hostbuf_get(size);
    host_out(buf, text, n);
    host_call5(control_tell, id, what, (uint64_t)value, buf, n);
    hostbuf_put(buf, size);
}

void ocall_yield(void)
{
    host_yield();
}

int ocall_raise(int sig)
{
    return (int)host_result(host_call1(raise, (uint64_t)sig), 0);
}

int ocall_restrict_perm(uintptr_t addr, size_t len, unsigned perm)
{
    return (int)host_result(host_call3(restrict_perm, addr, len, perm), 0);
}

int ocall_modify_type(uintptr_t addr, size_t len, unsigned type)
{
    return (int)host_result(host_call3(modify_type, addr, len, type), 0);
}

int ocall_remove_pages(uintptr_t addr, size_t len)
{
    return (int)host_result(host_call2(remove_pages, addr, len), 0);
}
