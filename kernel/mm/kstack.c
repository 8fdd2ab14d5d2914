/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel stacks: slots in a part of the heap of their own, each KSTACK_SIZE bytes above a guard page
 * that is never added to the enclave, so that an overflow faults instead of overwriting a neighbour.
 *
 * Free stacks stay present and are reused last in, first out; the list goes through their first word.
 * Slots whose pages were given back to the host are on a second list, in an array beside.
 */
#include "kernel/mm/heap_impl.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"

#define STACK_PAGES (KSTACK_SIZE / PAGE_SIZE)
#define SLOT_SIZE (KSTACK_SIZE + PAGE_SIZE)
#define KEEP_FREE 16  /* free stacks that a trim leaves */
#define ABSENT_MAX 64 /* slots given back that are remembered; more are simply not given back */

struct free_stack {
    struct free_stack *next;
};

static struct {
    struct spinlock lock;
    uintptr_t base, end;      /* [I] */
    size_t used;              /* slots ever used */
    struct free_stack *free;  /* present */
    size_t nfree;             /* of them */
    void *absent[ABSENT_MAX]; /* not present */
    size_t nabsent;
} stacks;

void kstack_init(uintptr_t start, uintptr_t end)
{
    spin_init(&stacks.lock);
    stacks.base = start;
    stacks.end = end;
    stacks.used = stacks.nfree = stacks.nabsent = 0;
    stacks.free = NULL;
}

/* A slot without pages, or NULL. */
static void *slot_take(void)
{
    uintptr_t slot = stacks.base + stacks.used * SLOT_SIZE;

    if (stacks.nabsent > 0)
        return stacks.absent[--stacks.nabsent];
    if (stacks.end - slot < SLOT_SIZE)
        return NULL;
    stacks.used++;
    return (void *)(slot + PAGE_SIZE);
}

void *kstack_alloc(void)
{
    struct free_stack *s;
    void *slot;

    spin_lock(&stacks.lock);
    s = stacks.free;
    if (s) {
        stacks.free = s->next;
        stacks.nfree--;
        spin_unlock(&stacks.lock);
        return s;
    }
    slot = slot_take();
    if (slot && epage_add((uintptr_t)slot, STACK_PAGES)) {
        if (stacks.nabsent < ABSENT_MAX)
            stacks.absent[stacks.nabsent++] =
                slot; /* else the addresses are lost; there are many */
        slot = NULL;
    }
    spin_unlock(&stacks.lock);
    return slot;
}

void kstack_free(void *stack)
{
    struct free_stack *s = stack;

    spin_lock(&stacks.lock);
    s->next = stacks.free;
    stacks.free = s;
    stacks.nfree++;
    spin_unlock(&stacks.lock);
}

size_t kstack_trim(void)
{
    size_t given = 0;

    spin_lock(&stacks.lock);
    while (stacks.nfree > KEEP_FREE && stacks.nabsent < ABSENT_MAX) {
        struct free_stack *s = stacks.free;

        stacks.free = s->next;
        stacks.nfree--;
        spin_unlock(&stacks.lock);
        epage_remove((uintptr_t)s, STACK_PAGES);
        given += STACK_PAGES;
        spin_lock(&stacks.lock);
        if (stacks.nabsent < ABSENT_MAX)
            stacks.absent[stacks.nabsent++] = s;
    }
    spin_unlock(&stacks.lock);
    return given;
}

void kstack_stat(size_t *pages, size_t *free_pages)
{
    spin_lock(&stacks.lock);
    *pages = (stacks.used - stacks.nabsent) * STACK_PAGES;
    *free_pages = stacks.nfree * STACK_PAGES;
    spin_unlock(&stacks.lock);
}
