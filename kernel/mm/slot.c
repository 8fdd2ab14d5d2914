/* SPDX-License-Identifier: Apache-2.0 */
/* See slot.h.  A table with the owner of each unit; it is small enough to be searched from end to end. */
#include "kernel/mm/slot.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/sgx/random.h"

#include <linux/errno.h>

#define UNITS 4096UL            /* of all ELRANGE */
#define HOME_SIZE (256UL << 20) /* at least, of all processes but the first */
#define LOW_END (4UL << 30)     /* no homes below: non-PIE programs, MAP_32BIT */

static struct {
    struct spinlock lock;
    struct overlay **owner; /* [l] */
    uint64_t unit;          /* [I] bytes */
    size_t count;           /* [I] units for slots */
    bool first_taken;       /* [l] */
} slots;

int slots_init(void)
{
    uint64_t top = kernel.params->kernel_base;

    spin_init(&slots.lock);
    slots.unit = kernel.params->elrange_size / UNITS;
    slots.count = SHARED_BASE(top) / slots.unit;
    slots.first_taken = false;
    slots.owner = kzalloc(slots.count * sizeof(slots.owner[0]));
    return slots.owner ? 0 : -ENOMEM;
}

uaddr_t slots_end(void)
{
    return slots.count * slots.unit;
}

uaddr_t slot_unit_end(uaddr_t addr)
{
    return ALIGN_DOWN(addr, slots.unit) + slots.unit;
}

uint64_t slot_home_size(void)
{
    if (!slots.first_taken)
        return slots.count / 4 * slots.unit;
    return MAX(slots.unit, HOME_SIZE);
}

struct overlay *slot_owner(uaddr_t addr)
{
    size_t i = addr / slots.unit;

    return i < slots.count ? __atomic_load_n(&slots.owner[i], __ATOMIC_RELAXED) : NULL;
}

static bool claim_locked(struct overlay *g, size_t first, size_t end) REQUIRES(slots.lock)
{
    for (size_t i = first; i < end; i++)
        if (slots.owner[i] && slots.owner[i] != g)
            return false;
    for (size_t i = first; i < end; i++)
        slots.owner[i] = g;
    return true;
}

bool slot_claim(struct overlay *g, uaddr_t start, uaddr_t end)
{
    size_t first = start / slots.unit, last = (end - 1) / slots.unit;
    bool ok;

    if (start >= end || last >= slots.count)
        return false;
    spin_lock(&slots.lock);
    ok = claim_locked(g, first, last + 1);
    spin_unlock(&slots.lock);
    return ok;
}

bool slot_is(const struct overlay *g, uaddr_t start, uaddr_t end)
{
    size_t i = start / slots.unit, last = (end - 1) / slots.unit;

    while (i <= last && i < slots.count && __atomic_load_n(&slots.owner[i], __ATOMIC_RELAXED) == g)
        i++;
    return start < end && i > last;
}

/* The first of n free units in a row at or above `from`, or the count. */
static size_t free_run_locked(size_t from, size_t n) REQUIRES(slots.lock)
{
    size_t run = 0;

    for (size_t i = from; i < slots.count; i++) {
        run = slots.owner[i] ? 0 : run + 1;
        if (run == n)
            return i + 1 - n;
    }
    return slots.count;
}

uaddr_t slot_take(struct overlay *g, uint64_t len, bool random)
{
    size_t n = (len + slots.unit - 1) / slots.unit, low = LOW_END / slots.unit, at;

    if (n == 0 || n >= slots.count)
        return 0;
    if (low >= slots.count / 4)
        low = 1;
    at = low + (random ? random_u64() % (slots.count - low) : 0);
    spin_lock(&slots.lock);
    at = free_run_locked(at, n);
    if (at == slots.count)
        at = free_run_locked(low, n);
    if (at < slots.count)
        (void)claim_locked(g, at, at + n);
    slots.first_taken = true;
    spin_unlock(&slots.lock);
    return at < slots.count ? at * slots.unit : 0;
}

bool slot_below(const struct overlay *g, uaddr_t below, uaddr_t *start, uaddr_t *end)
{
    size_t i = MIN(below / slots.unit, slots.count);

    spin_lock(&slots.lock);
    while (i > 0 && slots.owner[i - 1] != g)
        i--;
    *end = i * slots.unit;
    while (i > 0 && slots.owner[i - 1] == g)
        i--;
    spin_unlock(&slots.lock);
    *start = i * slots.unit;
    return *start < *end;
}

void slots_pass(const struct overlay *g, struct overlay *to, uaddr_t start, uaddr_t end)
{
    size_t stop = MIN((end + slots.unit - 1) / slots.unit, slots.count);

    spin_lock(&slots.lock);
    for (size_t i = start / slots.unit; i < stop; i++)
        if (slots.owner[i] == g)
            slots.owner[i] = to;
    spin_unlock(&slots.lock);
}

void slots_inherit(const struct overlay *g, struct overlay *to)
{
    slots_pass(g, to, 0, slots_end());
}

void slots_release_range(const struct overlay *g, uaddr_t start, uaddr_t end)
{
    slots_pass(g, NULL, start, end);
}

void slots_release(const struct overlay *g)
{
    slots_inherit(g, NULL);
}
