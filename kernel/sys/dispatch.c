/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a number to a handler.  Each call has an unpacker, generated from its line in syscall.tbl,
 * that takes the arguments out of the registers with their types; no function pointer is ever cast.
 *
 * The way is short: a bounds check, a count, a test for --trace and its like, one indirect call.  As on Linux
 * only the low 32 bits of the number count.
 */
#include "kernel/sys/syscall.h"

#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/cputime.h"
#include "kernel/sys/dispatch.h"
#include "kernel/sys/syscalls.h"
#include "kernel/sys/trace.h"

uint64_t syscall_counts[SYSCALL_COUNT]; /* increments may be lost between vCPUs: statistics only */

/* The unpackers: call_read(regs) is sys_read((int)regs->rdi, …). */
#define A0()
#define A1(k1, a1) (SC_##k1) r->rdi
#define A2(k1, a1, k2, a2) A1(k1, a1), (SC_##k2)r->rsi
#define A3(k1, a1, k2, a2, k3, a3) A2(k1, a1, k2, a2), (SC_##k3)r->rdx
#define A4(k1, a1, k2, a2, k3, a3, k4, a4) A3(k1, a1, k2, a2, k3, a3), (SC_##k4)r->r10
#define A5(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5) \
    A4(k1, a1, k2, a2, k3, a3, k4, a4), (SC_##k5)r->r8
#define A6(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, k6, a6) \
    A5(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5), (SC_##k6)r->r9

#define CALL_NONE(name, ...)
#define CALL_FULL(name, ...)                           \
    static long call_##name(const struct user_regs *r) \
    {                                                  \
        (void)r;                                       \
        return sys_##name(__VA_ARGS__);                \
    }
#define CALL_PARTIAL(name, ...) CALL_FULL(name, __VA_ARGS__)
#define SYSCALL(nr, name, level, args, note) CALL_##level(name, args)
#include "abi/linux/syscall.tbl"
#undef SYSCALL

static long call_none(const struct user_regs *r)
{
    (void)r;
    return -ENOSYS;
}

#define ENTRY_NONE(nr, name)
#define ENTRY_FULL(nr, name) [nr] = call_##name,
#define ENTRY_PARTIAL(nr, name) [nr] = call_##name,
#define SYSCALL(nr, name, level, args, note) ENTRY_##level(nr, name)
static syscall_fn *const table[SYSCALL_COUNT] = {
#include "abi/linux/syscall.tbl"
};
#undef SYSCALL

/* With --trace, or for a process whose time in the kernel is counted. */
static long call_watched(struct user_regs *regs, uint32_t nr, syscall_fn *fn)
{
    if (cpu_split_wanted())
        cpu_split_enter();
    long result = kernel.trace ? trace_call(regs, nr, fn) : fn(regs);
    cpu_split_leave();
    return result;
}

void syscall_dispatch(struct user_regs *regs)
{
    uint32_t nr = (uint32_t)regs->orig_rax;
    syscall_fn *fn = call_none;

    if (likely(nr < SYSCALL_COUNT)) {
        syscall_counts[nr]++;
        if (likely(table[nr]))
            fn = table[nr];
    }
    if (thread_is_guest()) {
        guest_call(regs);
        return;
    }
    if (unlikely(kernel.trace || __atomic_load_n(&kernel.cpu_split, __ATOMIC_RELAXED)))
        regs->rax = (uint64_t)call_watched(regs, nr, fn);
    else
        regs->rax = (uint64_t)fn(regs);
}

long syscall_serve(const struct user_regs *regs, uint32_t nr)
{
    return nr < SYSCALL_COUNT && table[nr] ? table[nr](regs) : -ENOSYS;
}

bool syscall_served(uint32_t nr)
{
    return nr < SYSCALL_COUNT && table[nr];
}
