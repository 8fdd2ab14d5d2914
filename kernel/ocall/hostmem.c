/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Untrusted memory: what it is, copying, and the bounce buffers.
 *
 * The buffer area is cut into slots of HOSTBUF_SIZE; a bitmap in trusted memory says which are
 * free, so that the host can neither make two holders share one nor point the kernel elsewhere.
 * Small requests (almost all) are served from slots of SMALL_SIZE at the area's start; then come those of
 * links, which keep theirs.
 *
 * Lock: buf_lock.
 */
#include "kernel/ocall/hostmem.h"

#include "abi/host/start.h"
#include "kernel/kernel.h"
#include "kernel/sched/waitq.h"
#include "lib/string.h"

#define HOST_END (1UL << 47)
#define SMALL_SIZE 8192UL
#define SMALL_SLOTS 64
#define BIG_SLOTS 64
#define LINK_SIZE ALIGN_UP((size_t)HOST_LINK_MAX, PAGE_SIZE)

struct slots {
    haddr_t base;
    size_t size;
    unsigned count;
    uint64_t free; /* [buf_lock] bit n: slot n is free */
};

static struct spinlock buf_lock;
static struct slots small, links, big;
static struct waitq buf_waitq;

bool host_range_ok(haddr_t addr, size_t n)
{
    haddr_t end;
    /* ELRANGE starts at 0: everything below its size is inside. */
    return !n || (!__builtin_add_overflow(addr, n, &end) && addr >= kernel.params->elrange_size &&
                  end <= HOST_END);
}

static void host_check(haddr_t addr, size_t n)
{
    if (unlikely(!host_range_ok(addr, n)))
        panic("0x%lx+0x%lx is not untrusted memory", (unsigned long)addr, (unsigned long)n);
}

void host_in(void *dst, haddr_t src, size_t n)
{
    host_check(src, n);
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    host_check(dst, n);
    memcpy((void *)dst, src, n);
}

static unsigned slots_make(struct slots *s, haddr_t base, size_t size, size_t room, unsigned max)
{
    s->base = base;
    s->size = size;
    s->count = (unsigned)MIN(room / size, (size_t)max);
    s->free = s->count == 64 ? ~0UL : (1UL << s->count) - 1;
    return s->count;
}

bool hostbuf_init(haddr_t area, size_t n)
{
    size_t small_area = SMALL_SLOTS * SMALL_SIZE, link_area = SATELLITE_MAX * LINK_SIZE;

    waitq_init(&buf_waitq);
    if (n < small_area + link_area + HOSTBUF_SIZE)
        return false;
    slots_make(&small, area, SMALL_SIZE, small_area, SMALL_SLOTS);
    slots_make(&links, area + small_area, LINK_SIZE, link_area, SATELLITE_MAX);
    slots_make(&big, area + small_area + link_area, HOSTBUF_SIZE, n - small_area - link_area,
               BIG_SLOTS);
    return true;
}

static haddr_t slot_try(struct slots *s)
{
    haddr_t buf = 0;
    spin_lock(&buf_lock);
    if (s->free) {
        unsigned i = (unsigned)__builtin_ctzl(s->free);
        s->free &= ~(1UL << i);
        buf = s->base + i * s->size;
    }
    spin_unlock(&buf_lock);
    return buf;
}

static haddr_t slot_get(struct slots *s)
{
    haddr_t buf = slot_try(s);

    if (likely(buf))
        return buf;
    struct waiter w;
    waitq_add(&buf_waitq, &w);
    while (!(buf = slot_try(s)))
        (void)thread_block(KTIME_NEVER, false);
    waitq_del(&buf_waitq, &w);
    return buf;
}

static void slot_put(struct slots *s, haddr_t buf)
{
    unsigned i = (unsigned)((buf - s->base) / s->size);

    spin_lock(&buf_lock);
    s->free |= 1UL << i;
    spin_unlock(&buf_lock);
    waitq_wake(&buf_waitq, 0);
}

haddr_t hostbuf_get(size_t n)
{
    if (n > HOSTBUF_SIZE)
        panic("a bounce buffer of %lu bytes", (unsigned long)n);
    return slot_get(n <= SMALL_SIZE ? &small : &big);
}

void hostbuf_put(haddr_t buf, size_t n)
{
    slot_put(n <= SMALL_SIZE ? &small : &big, buf);
}

haddr_t hostbuf_link_get(void)
{
    return slot_get(&links);
}

void hostbuf_link_put(haddr_t buf)
{
    slot_put(&links, buf);
}
