/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --trace.  The line's first half is made before the call, while the arguments are what the program
 * passed; the result follows, and for an error the reason that the handler gave when it rejected:
 *
 *     [7] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3
 *     [7] mmap(0x10001, 4096, PROT_READ, MAP_FIXED, 3, 0) = -1 EINVAL (address not page aligned)
 *
 * A line goes out in one piece when the call is over; calls that do not come back are written
 * first.
 */
#include "kernel/sys/trace.h"

#include <linux/errno.h>
#include <stdarg.h>

#include "kernel/boot/args.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/ocall/ocall.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/syscalls.h"
#include "kernel/sys/trace_impl.h"
#include "lib/bitmap.h"
#include "lib/format.h"
#include "lib/string.h"

#define END_ROOM 96 /* of a line: kept for the result */

/* clang-format off */
#define KINDS0() 0, {0}
#define KINDS1(k1, a1) 1, {KIND_##k1}
#define KINDS2(k1, a1, k2, a2) 2, {KIND_##k1, KIND_##k2}
#define KINDS3(k1, a1, k2, a2, k3, a3) 3, {KIND_##k1, KIND_##k2, KIND_##k3}
#define KINDS4(k1, a1, k2, a2, k3, a3, k4, a4) 4, {KIND_##k1, KIND_##k2, KIND_##k3, KIND_##k4}
#define KINDS5(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5)                                             \
    5, {KIND_##k1, KIND_##k2, KIND_##k3, KIND_##k4, KIND_##k5}
#define KINDS6(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, k6, a6)                                     \
    6, {KIND_##k1, KIND_##k2, KIND_##k3, KIND_##k4, KIND_##k5, KIND_##k6}
/* clang-format on */
#define A0 KINDS0
#define A1 KINDS1
#define A2 KINDS2
#define A3 KINDS3
#define A4 KINDS4
#define A5 KINDS5
#define A6 KINDS6
#define SYSCALL(nr, name, level, args, note) [nr] = {#name, args},
static const struct trace_call_info calls[SYSCALL_COUNT] = {
#include "abi/linux/syscall.tbl"
};
#undef SYSCALL

static struct {
    bool some; /* trace only what is in the set */
    uint64_t set[BITMAP_WORDS(SYSCALL_COUNT)];
} filter; /* [I] after trace_init */

/* [a] each vCPU's last rejection: the kernel does not switch threads between it and the line. */
static struct {
    const struct thread *thread;
    const char *why;
} rejected[VCPU_MAX];

const char *syscall_name(uint32_t nr)
{
    return nr < SYSCALL_COUNT && calls[nr].name[0] ? calls[nr].name : NULL;
}

static bool filter_add(const char *name, size_t len)
{
    for (uint32_t nr = 0; nr < SYSCALL_COUNT; nr++) {
        if (strlen(calls[nr].name) == len && !memcmp(calls[nr].name, name, len)) {
            bitmap_set(filter.set, nr);
            return true;
        }
    }
    return false;
}

void trace_init(void)
{
    const char *s = kernel.boot_args ? kernel.boot_args->trace : NULL;

    while (kernel.trace && s && *s) {
        size_t len = 0;
        while (s[len] && s[len] != ',')
            len++;
        filter.some = true;
        if (len && !filter_add(s, len))
            log_warn("--trace: there is no system call %.*s", (int)MIN(len, 64UL), s);
        s += len + (s[len] == ',');
    }
}

long syscall_reject(long err, const char *why)
{
    if (unlikely(kernel.trace)) {
        uint32_t i = vcpu_this()->head.index % VCPU_MAX;
        rejected[i].thread = current;
        rejected[i].why = why;
    }
    return err;
}

static const char *rejection_take(void)
{
    uint32_t i = vcpu_this()->head.index % VCPU_MAX;
    const char *why = rejected[i].thread == current ? rejected[i].why : NULL;
    rejected[i].why = NULL;
    return why;
}

void line_put(struct trace_line *l, const char *fmt, ...)
{
    va_list ap;
    size_t room = sizeof(l->text) - l->len;

    va_start(ap, fmt);
    int n = vsnprintf(l->text + l->len, room, fmt, ap);
    va_end(ap);
    l->len += MIN((size_t)MAX(n, 0), room - 1);
}

static void line_start(struct trace_line *l, const struct user_regs *r, uint32_t nr)
{
    const uint64_t arg[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};

    l->len = 0;
    line_put(l, "[%d] ", current->tid);
    if (syscall_name(nr)) {
        line_put(l, "%s(", calls[nr].name);
        trace_put_args(l, &calls[nr], arg);
        l->len = MIN(l->len, sizeof(l->text) - END_ROOM);
        line_put(l, ") = ");
    } else {
        line_put(l, "syscall_%u(0x%lx, 0x%lx, 0x%lx) = ", nr, arg[0], arg[1], arg[2]);
    }
}

static bool result_is_address(uint32_t nr)
{
    return nr == SYS_NR_mmap || nr == SYS_NR_brk || nr == SYS_NR_mremap || nr == SYS_NR_shmat;
}

static const char *restart_name(long err)
{
    switch (err) {
    case ERESTARTSYS: return "ERESTARTSYS";
    case ERESTARTNOINTR: return "ERESTARTNOINTR";
    case ERESTARTNOHAND: return "ERESTARTNOHAND";
    case ERESTART_RESTARTBLOCK: return "ERESTART_RESTARTBLOCK";
    default: return NULL;
    }
}

static void line_end(struct trace_line *l, uint32_t nr, long result)
{
    const char *why = rejection_take();

    if (result >= 0 || result < -4095) {
        line_put(l, result_is_address(nr) ? "0x%lx" : "%ld", result);
    } else if (restart_name(-result)) {
        line_put(l, "? %s", restart_name(-result));
    } else {
        const char *name = errno_name(-result);
        line_put(l, "-1 %s", name ? name : "E?");
        if (why)
            line_put(l, " (%.64s)", why);
        else if (!syscall_served(nr))
            line_put(l, " (not in this kernel)");
    }
}

static void line_out(struct trace_line *l)
{
    l->len = MIN(l->len, sizeof(l->text) - 1);
    l->text[l->len] = '\n';
    ocall_log(l->text, l->len + 1);
}

static bool never_returns(uint32_t nr)
{
    return nr == SYS_NR_exit || nr == SYS_NR_exit_group;
}

long trace_call(struct user_regs *regs, uint32_t nr, syscall_fn *fn)
{
    if (filter.some && !(nr < SYSCALL_COUNT && bitmap_test(filter.set, nr)))
        return fn(regs);

    struct trace_line *l = kmalloc(sizeof(*l));
    if (!l)
        return fn(regs);
    line_start(l, regs, nr);
    rejection_take();
    if (never_returns(nr)) {
        line_put(l, "?");
        line_out(l);
        kfree(l);
        return fn(regs);
    }
    long result = fn(regs);
    line_end(l, nr, result);
    line_out(l);
    kfree(l);
    return result;
}
