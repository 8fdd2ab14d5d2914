/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access to program memory.  A copy runs until it is done or faults; a fault is first offered to
 * the memory manager, as a fault of the program itself would be, and the copy goes on where it
 * stopped.
 *
 * The threat: the program passes any address.  What lies outside its part of ELRANGE is refused
 * before it is touched; what is unmapped or protected there faults and is refused by mm_fault.
 * Data may change while it is copied: callers copy once and check their copy.
 */
#include "kernel/sys/usercopy.h"

#include <linux/errno.h>

#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/raw_copy.h"

#define PF_WRITE 2U
#define WORD_ONES 0x0101010101010101UL
#define WORD_HIGHS 0x8080808080808080UL

bool user_range_ok(uaddr_t a, size_t n)
{
    uint64_t end = kernel.params->kernel_base;
    return a >= USER_MIN && a < end && n <= end - a;
}

/*
 * After a raw_ function stopped at a fault somewhere in [a, a+n), which is within the program's
 * part: 0 when it may be tried again.  The page is what counts: a CPU may report no more of the
 * address.
 */
static int fault_serve(uaddr_t a, size_t n)
{
    const struct vcpu *v = vcpu_this();
    uint64_t addr = v->fault_addr;
    unsigned access = v->fault_error & PF_WRITE ? MM_WRITE : MM_READ;

    if (addr < ALIGN_DOWN(a, PAGE_SIZE) || addr >= a + n)
        return -EFAULT;
    return mm_fault(current_process()->mm, MAX(addr, a), access) ? -EFAULT : 0;
}

/* The user side of the copy is [user, user+n), dst or src; returns bytes not copied. */
static size_t copy_faulting(char *dst, const char *src, size_t n, uaddr_t user)
{
    for (;;) {
        size_t left = raw_copy(dst, src, n);
        size_t done = n - left;
        if (likely(!left))
            return 0;
        user += done;
        dst += done;
        src += done;
        n = left;
        if (fault_serve(user, n))
            return raw_copy_exact(dst, src, n);
    }
}

size_t copy_in_partial(void *dst, uaddr_t src, size_t n)
{
    if (thread_is_away())
        return away_copy_in(dst, src, n);
    if (unlikely(!user_range_ok(src, n)))
        return n;
    return copy_faulting(dst, (const char *)src, n, src);
}

size_t copy_out_partial(uaddr_t dst, const void *src, size_t n)
{
    if (thread_is_away())
        return away_copy_out(dst, src, n);
    if (unlikely(!user_range_ok(dst, n)))
        return n;
    return copy_faulting((char *)dst, src, n, dst);
}

static size_t copy_present(char *dst, const char *src, size_t n)
{
    size_t left = raw_copy(dst, src, n);

    return left ? raw_copy_exact(dst + (n - left), src + (n - left), left) : 0;
}

size_t copy_in_present(void *dst, uaddr_t src, size_t n)
{
    if (thread_is_away())
        return away_copy_in_present(dst, src, n);
    return user_range_ok(src, n) ? copy_present(dst, (const char *)src, n) : n;
}

size_t copy_out_present(uaddr_t dst, const void *src, size_t n)
{
    if (thread_is_away())
        return away_copy_out_present(dst, src, n);
    return user_range_ok(dst, n) ? copy_present((char *)dst, src, n) : n;
}

/* Likewise a page at a time; bytes not zeroed. */
static size_t away_zero(uaddr_t dst, size_t n, size_t (*copy)(uaddr_t, const void *, size_t))
{
    static const char zero[PAGE_SIZE];

    if (!user_range_ok(dst, n))
        return n;
    while (n) {
        size_t part = MIN(n, PAGE_SIZE), left = copy(dst, zero, part);
        n -= part - left;
        dst += part - left;
        if (left)
            break;
    }
    return n;
}

size_t zero_out_present(uaddr_t dst, size_t n)
{
    if (thread_is_away())
        return away_zero(dst, n, away_copy_out_present);
    return user_range_ok(dst, n) ? raw_zero((void *)dst, n) : n;
}

int user_fault_in(uaddr_t addr, bool write)
{
    if (thread_is_away())
        return away_fault_in(addr, 1, write);
    if (!user_range_ok(addr, 1))
        return -EFAULT;
    return mm_fault(current_process()->mm, addr, write ? MM_WRITE : MM_READ) ? -EFAULT : 0;
}

int copy_in(void *dst, uaddr_t src, size_t n)
{
    return copy_in_partial(dst, src, n) ? -EFAULT : 0;
}

int copy_out(uaddr_t dst, const void *src, size_t n)
{
    return copy_out_partial(dst, src, n) ? -EFAULT : 0;
}

/* The host side was proven to be untrusted memory; if the host unmaps it, the copy just ends. */
size_t copy_out_host(uaddr_t dst, haddr_t src, size_t n)
{
    return copy_out_partial(dst, (const void *)src, n);
}

size_t copy_in_host(haddr_t dst, uaddr_t src, size_t n)
{
    return copy_in_partial((void *)dst, src, n);
}

int zero_out(uaddr_t dst, size_t n)
{
    if (thread_is_away())
        return away_zero(dst, n, away_copy_out) ? -EFAULT : 0;
    if (!user_range_ok(dst, n))
        return n ? -EFAULT : 0;
    for (;;) {
        size_t left = raw_zero((void *)dst, n);
        if (!left)
            return 0;
        dst += n - left;
        n = left;
        if (fault_serve(dst, n))
            return -EFAULT;
    }
}

static int load_byte(uaddr_t addr, char *val)
{
    if (thread_is_away())
        return away_copy_in(val, addr, 1) ? -EFAULT : 0;
    while (!raw_load8((const uint8_t *)addr, (uint8_t *)val))
        if (fault_serve(addr, 1))
            return -EFAULT;
    return 0;
}

/* False: not in memory, or not yet. */
static bool load_word(uaddr_t addr, uint64_t *w)
{
    if (thread_is_away())
        return !away_copy_in_present(w, addr, sizeof(*w));
    return raw_load64((const uint64_t *)addr, w);
}

/*
 * Aligned words first: they do not cross into a page that the string may not reach.  The bound on
 * the string is the buffer or the end of the program's part, whichever comes first.
 */
long copy_in_str(char *dst, uaddr_t src, size_t size)
{
    size_t i = 0;

    if (!user_range_ok(src, 1))
        return -EFAULT;
    size_t room = MIN(size, kernel.params->kernel_base - src);
    while (i < room) {
        uint64_t w;
        if ((src + i) % 8 == 0 && i + 8 <= room && load_word(src + i, &w) &&
            !((w - WORD_ONES) & ~w & WORD_HIGHS)) {
            __builtin_memcpy(dst + i, &w, 8);
            i += 8;
            continue;
        }
        if (load_byte(src + i, &dst[i]))
            return -EFAULT;
        if (!dst[i])
            return (long)i;
        i++;
    }
    return room < size ? -EFAULT : -ENAMETOOLONG;
}

static int word_check(uaddr_t addr)
{
    if (addr % 4)
        return -EINVAL;
    return user_range_ok(addr, 4) ? 0 : -EFAULT;
}

/* Nobody else can change the memory of a thread that is away, so there is nothing to be atomic against. */

int user_load32(uaddr_t addr, uint32_t *val)
{
    int err = word_check(addr);
    if (!err && thread_is_away())
        return copy_in(val, addr, sizeof(*val));
    while (!err && !raw_load32((const uint32_t *)addr, val))
        err = fault_serve(addr, 4);
    return err;
}

int user_store32(uaddr_t addr, uint32_t val)
{
    int err = word_check(addr);
    if (!err && thread_is_away())
        return copy_out(addr, &val, sizeof(val));
    while (!err && !raw_store32((uint32_t *)addr, val))
        err = fault_serve(addr, 4);
    return err;
}

static int away_cmpxchg32(uaddr_t addr, uint32_t *old, uint32_t new_val)
{
    uint32_t found;

    if (copy_in(&found, addr, sizeof(found)))
        return -EFAULT;
    int err = found == *old ? copy_out(addr, &new_val, sizeof(new_val)) : 0;
    *old = found;
    return err;
}

int user_cmpxchg32(uaddr_t addr, uint32_t *old, uint32_t new_val)
{
    int err = word_check(addr);
    if (!err && thread_is_away())
        return away_cmpxchg32(addr, old, new_val);
    while (!err && !raw_cmpxchg32((uint32_t *)addr, old, new_val))
        err = fault_serve(addr, 4);
    return err;
}
