/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The map of page states.  See pagemap.h.
 *
 * Three levels: the root has one slot a GiB, a node one slot a 2 MiB, a leaf one byte a page and
 * counts of what is in it, so that walks over huge reservations skip what was never touched.
 */
#include "kernel/mm/pagemap.h"

#include "abi/host/layout.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

#include <linux/errno.h>

#define LEAF_PAGES 512UL
#define NODE_LEAVES 512UL
#define LEAF_SPAN (LEAF_PAGES * PAGE_SIZE)
#define NODE_SPAN (NODE_LEAVES * LEAF_SPAN)

struct leaf {
    uint16_t resident, kind[PAGEMAP_KINDS]; /* [a]: neighbours may have other owners */
    uint8_t state[LEAF_PAGES];
};

struct node {
    struct leaf *leaf[NODE_LEAVES];
};

static struct {
    struct node **root;         /* [a] slots */
    size_t nroot;               /* [I] */
    size_t kind[PAGEMAP_KINDS]; /* [a] */
    size_t leaves, nodes;       /* [a] */
} map;

int pagemap_init(uint64_t end)
{
    map.nroot = ALIGN_UP(end, NODE_SPAN) / NODE_SPAN;
    map.kind[PAGEMAP_SPARE] = map.kind[PAGEMAP_CLEAN] = 0;
    map.root = kzalloc(map.nroot * sizeof(void *));
    return map.root ? 0 : -ENOMEM;
}

static struct node *node_of(uaddr_t addr)
{
    size_t i = addr / NODE_SPAN;

    return i < map.nroot ? __atomic_load_n(&map.root[i], __ATOMIC_ACQUIRE) : NULL;
}

static struct leaf *leaf_of(uaddr_t addr)
{
    struct node *n = node_of(addr);

    return n ? __atomic_load_n(&n->leaf[addr / LEAF_SPAN % NODE_LEAVES], __ATOMIC_ACQUIRE) : NULL;
}

/* Puts a zeroed object of `size` bytes into the slot if it is empty. */
static int slot_fill(void **slot, size_t size)
{
    void *empty = NULL, *fresh;

    if (__atomic_load_n(slot, __ATOMIC_ACQUIRE))
        return 0;
    fresh = kzalloc(size);
    if (!fresh)
        return -ENOMEM;
    if (!__atomic_compare_exchange_n(slot, &empty, fresh, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        kfree(fresh);
    else
        __atomic_fetch_add(size == sizeof(struct leaf) ? &map.leaves : &map.nodes, 1,
                           __ATOMIC_RELAXED);
    return 0;
}

int pagemap_reserve(uaddr_t addr, size_t n)
{
    uaddr_t end = addr + n * PAGE_SIZE;

    if (ALIGN_UP(end, NODE_SPAN) / NODE_SPAN > map.nroot)
        return -ENOMEM;
    for (uaddr_t a = ALIGN_DOWN(addr, LEAF_SPAN); a < end; a += LEAF_SPAN) {
        struct node **slot = &map.root[a / NODE_SPAN];

        if (slot_fill((void **)slot, sizeof(struct node)) ||
            slot_fill((void **)&(*slot)->leaf[a / LEAF_SPAN % NODE_LEAVES], sizeof(struct leaf)))
            return -ENOMEM;
    }
    return 0;
}

struct pagemap_pieces pagemap_pieces(void)
{
    return (struct pagemap_pieces){__atomic_load_n(&map.nodes, __ATOMIC_RELAXED),
                                   __atomic_load_n(&map.leaves, __ATOMIC_RELAXED),
                                   sizeof(struct leaf)};
}

unsigned pagemap_get(uaddr_t addr)
{
    struct leaf *l = leaf_of(addr);

    return l ? l->state[addr / PAGE_SIZE % LEAF_PAGES] : PAGE_ABSENT;
}

/* There is no leaf for addr: pages from there to the end of what is missing, a leaf or a whole node. */
static size_t hole_pages(uaddr_t addr)
{
    uint64_t span = node_of(addr) ? LEAF_SPAN : NODE_SPAN;

    return (span - addr % span) / PAGE_SIZE;
}

/* Pages from addr on in its leaf that have the given state, up to n. */
static size_t leaf_run(const struct leaf *l, uaddr_t addr, size_t n, unsigned state)
{
    size_t first = addr / PAGE_SIZE % LEAF_PAGES, i = first;

    size_t end = first + MIN(n, LEAF_PAGES - first);
    uint64_t eight = state * 0x0101010101010101UL, word;

    while (i < end && l->state[i] == state) {
        /* Whole words of the same state at once: most runs are long. */
        if (i % 8 == 0 && end - i >= 8) {
            __builtin_memcpy(&word, &l->state[i], sizeof(word));
            if (word == eight) {
                i += 8;
                continue;
            }
        }
        i++;
    }
    return i - first;
}

size_t pagemap_run(uaddr_t addr, size_t n, unsigned *state)
{
    size_t done = 0;

    *state = pagemap_get(addr);
    while (done < n) {
        uaddr_t a = addr + done * PAGE_SIZE;
        const struct leaf *l = leaf_of(a);
        size_t got;

        if (!l) {
            if (*state != PAGE_ABSENT)
                break;
            done += hole_pages(a);
            continue;
        }
        got = leaf_run(l, a, n - done, *state);
        done += got;
        if (got == 0 || (a / PAGE_SIZE + got) % LEAF_PAGES != 0)
            break;
    }
    return MIN(done, n);
}

static bool is_resident(unsigned state)
{
    return (state & PAGE_PRESENT) != 0;
}

static bool is_kind(unsigned state, enum pagemap_kind kind)
{
    return (state & (kind == PAGEMAP_SPARE ? PAGE_SPARE : PAGE_CLEAN)) != 0;
}

/* Pages [first, end) of the leaf; what it and the map count follows, in one step. */
static void leaf_set(struct leaf *l, size_t first, size_t end, unsigned state)
{
    int resident = 0, kind[PAGEMAP_KINDS] = {0};

    for (size_t i = first; i < end; i++) {
        unsigned old = l->state[i];

        if (old == state)
            continue;
        l->state[i] = (uint8_t)state;
        resident += is_resident(state) - is_resident(old);
        for (enum pagemap_kind k = 0; k < PAGEMAP_KINDS; k++)
            kind[k] += is_kind(state, k) - is_kind(old, k);
    }
    if (resident)
        __atomic_fetch_add(&l->resident, (uint16_t)resident, __ATOMIC_RELAXED);
    for (enum pagemap_kind k = 0; k < PAGEMAP_KINDS; k++) {
        if (!kind[k])
            continue;
        __atomic_fetch_add(&l->kind[k], (uint16_t)kind[k], __ATOMIC_RELAXED);
        __atomic_fetch_add(&map.kind[k], (size_t)(long)kind[k], __ATOMIC_RELAXED);
    }
}

void pagemap_set(uaddr_t addr, size_t n, unsigned state)
{
    for (size_t done = 0; done < n;) {
        uaddr_t a = addr + done * PAGE_SIZE;
        struct leaf *l = leaf_of(a);
        size_t first = a / PAGE_SIZE % LEAF_PAGES, end;

        if (!l) {
            done += hole_pages(a);
            continue;
        }
        end = MIN(LEAF_PAGES, first + (n - done));
        leaf_set(l, first, end, state);
        done += end - first;
    }
}

size_t pagemap_resident(uaddr_t addr, size_t n)
{
    size_t sum = 0;

    for (size_t done = 0; done < n;) {
        uaddr_t a = addr + done * PAGE_SIZE;
        const struct leaf *l = leaf_of(a);
        size_t first = a / PAGE_SIZE % LEAF_PAGES, i;

        if (!l) {
            done += hole_pages(a);
            continue;
        }
        if (l->resident == 0 || (first == 0 && n - done >= LEAF_PAGES)) {
            sum += l->resident;
            done += LEAF_PAGES - first;
            continue;
        }
        for (i = first; i < LEAF_PAGES && done < n; i++, done++)
            sum += is_resident(l->state[i]);
    }
    return sum;
}

size_t pagemap_count(enum pagemap_kind kind)
{
    return __atomic_load_n(&map.kind[kind], __ATOMIC_RELAXED);
}

size_t pagemap_find(enum pagemap_kind kind, uaddr_t addr, uaddr_t end, size_t max, uaddr_t *found)
{
    if (pagemap_count(kind) == 0)
        return 0;
    end = MIN(end, map.nroot * NODE_SPAN);
    while (addr < end) {
        const struct leaf *l = leaf_of(addr);
        size_t first = addr / PAGE_SIZE % LEAF_PAGES;

        if (!l || l->kind[kind] == 0) {
            addr += (l ? LEAF_PAGES - first : hole_pages(addr)) * PAGE_SIZE;
            continue;
        }
        if (is_kind(l->state[first], kind)) {
            *found = addr;
            return leaf_run(l, addr, MIN(max, (end - addr) / PAGE_SIZE), l->state[first]);
        }
        addr += PAGE_SIZE;
    }
    return 0;
}
