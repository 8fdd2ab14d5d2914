/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's objects: size classes, each with pages that are cut into objects of one size.  Free
 * objects of a page form a list through their first word; pages with free objects are on their
 * class's list.  A page whose last object is freed goes back to the page allocator, except one a
 * class.  What is larger than OBJECT_MAX gets pages of its own.
 *
 * Lock: heap_lock, for the few instructions of a list operation.
 */
#include "kernel/mm/heap_impl.h"

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "lib/string.h"

#define OBJECT_MAX 2048
#define GRAIN 16

static const uint16_t class_size[] = {16,  32,  48,  64,  128, 192, 256,  320,
                                      384, 448, 512, 640, 768, 960, 1344, 2048};
#define CLASSES ARRAY_SIZE(class_size)

static struct {
    uint8_t class_of[OBJECT_MAX / GRAIN + 1]; /* [I] by size in grains */
    struct list partial[CLASSES];             /* [heap_lock] pages with free objects */
    uint16_t empty[CLASSES];                  /* [heap_lock] pages with free objects only */
    size_t used[CLASSES], pages[CLASSES];     /* [heap_lock] for statistics */
} objects;

void mm_heap_init(void)
{
    uintptr_t start = kernel.params->heap_addr, end = kernel.params->heap_end;
    uintptr_t stacks = end - ALIGN_DOWN((end - start) / 16, PAGE_SIZE);
    size_t c = 0;

    epage_init();
    kpages_init(start, stacks);
    kstack_init(stacks, end);
    for (size_t i = 0; i < ARRAY_SIZE(objects.class_of); i++) {
        if (i * GRAIN > class_size[c])
            c++;
        objects.class_of[i] = (uint8_t)c;
    }
    for (size_t i = 0; i < CLASSES; i++)
        list_init(&objects.partial[i]);
}

/* A new page of objects on its class's list, or NULL. */
static struct kpage *slab_new(unsigned class) REQUIRES(heap_lock)
{
    size_t size = class_size[class];
    struct kpage *page;
    bool zero;
    char *base = kpages_take(1, &zero);
    void *next = NULL;

    if (!base)
        return NULL;
    for (size_t n = PAGE_SIZE / size; n-- > 0; next = base + n * size)
        *(void **)(base + n * size) = next;
    page = kpage_of(base);
    page->kind = KPAGE_SLAB;
    page->class = (uint8_t) class;
    page->free = base;
    page->inuse = 0;
    list_add_head(&objects.partial[class], &page->link);
    objects.empty[class]++;
    objects.pages[class]++;
    return page;
}

static void *object_alloc(unsigned class)
{
    struct kpage *page;
    void *p = NULL;

    spin_lock(&heap_lock);
    if (!list_empty(&objects.partial[class]))
        page = list_entry(objects.partial[class].next, struct kpage, link);
    else
        page = slab_new(class);
    if (page) {
        p = page->free;
        page->free = *(void **)p;
        objects.used[class]++;
        if (page->inuse++ == 0)
            objects.empty[class]--;
        if (!page->free)
            list_del(&page->link);
    }
    spin_unlock(&heap_lock);
    return p;
}

static void object_free(struct kpage *page, void *p) REQUIRES(heap_lock)
{
    unsigned class = page->class;

    if (((uintptr_t)p & ~PAGE_MASK) % class_size[class] != 0 || page->inuse == 0)
        panic("heap: bad free of %p (class %u, %u in use)", p, class_size[class], page->inuse);
    if (!page->free)
        list_add_head(&objects.partial[class], &page->link);
    *(void **)p = page->free;
    page->free = p;
    objects.used[class]--;
    if (--page->inuse > 0)
        return;
    if (objects.empty[class] == 0) {
        objects.empty[class] = 1;
    } else {
        list_del(&page->link);
        objects.pages[class]--;
        kpages_give(kpage_address(page), 1);
    }
}

static void *run_alloc(size_t n, bool zeroed)
{
    size_t npages = (n - 1) / PAGE_SIZE + 1;
    bool zero = false;
    void *p;

    spin_lock(&heap_lock);
    p = kpages_take(npages, &zero);
    spin_unlock(&heap_lock);
    if (p && zeroed && !zero)
        memset(p, 0, npages * PAGE_SIZE);
    return p;
}

void *kmalloc(size_t n)
{
    if (n > OBJECT_MAX)
        return run_alloc(n, false);
    return object_alloc(objects.class_of[(n + GRAIN - 1) / GRAIN]);
}

void *kzalloc(size_t n)
{
    void *p;

    if (n > OBJECT_MAX)
        return run_alloc(n, true);
    p = kmalloc(n);
    if (p)
        memset(p, 0, n);
    return p;
}

/* Bytes that the object or run at p really has. */
static size_t usable_size(const void *p)
{
    struct kpage *page = kpage_of(p);

    return page->kind == KPAGE_SLAB ? class_size[page->class] : page->npages * PAGE_SIZE;
}

void *krealloc(void *p, size_t n)
{
    size_t have;
    void *q;

    if (!p)
        return kmalloc(n);
    have = usable_size(p);
    if (n <= have && (n > have / 2 || have <= GRAIN))
        return p;
    q = kmalloc(n);
    if (!q)
        return n <= have ? p : NULL;
    memcpy(q, p, MIN(have, n));
    kfree(p);
    return q;
}

void kfree(void *p)
{
    struct kpage *page;

    if (!p)
        return;
    spin_lock(&heap_lock);
    page = kpage_of(p);
    if (page->kind == KPAGE_SLAB)
        object_free(page, p);
    else
        kpages_give(p, page->npages);
    spin_unlock(&heap_lock);
}

char *kstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *p = kmalloc(n);

    if (p)
        memcpy(p, s, n);
    return p;
}

size_t heap_trim(void)
{
    return kpages_trim() + kstack_trim();
}

unsigned heap_classes(void)
{
    return CLASSES;
}

struct heap_class heap_class_stat(unsigned i)
{
    spin_lock(&heap_lock);
    struct heap_class c = {class_size[i], objects.used[i], objects.pages[i]};
    spin_unlock(&heap_lock);
    return c;
}

void heap_stat(size_t *pages, size_t *free_pages)
{
    size_t stack_pages, stack_free;

    kpages_stat(pages, free_pages);
    kstack_stat(&stack_pages, &stack_free);
    *pages += stack_pages;
    *free_pages += stack_free;
}
