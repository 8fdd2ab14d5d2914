/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of bytes: see byteq.h. */
#include "kernel/ipc/byteq.h"

#include <linux/errno.h>

#include "abi/host/layout.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/uio.h"
#include "lib/string.h"

int byteq_init(struct byteq *q, size_t size)
{
    memset(q, 0, sizeof(*q));
    q->pages = kzalloc(size / PAGE_SIZE * sizeof(*q->pages));
    if (!q->pages)
        return -ENOMEM;
    q->size = size;
    return 0;
}

void byteq_fini(struct byteq *q)
{
    for (size_t i = 0; i < q->size / PAGE_SIZE; i++)
        if (q->pages[i])
            kfree(q->pages[i]);
    if (q->spare)
        kfree(q->spare);
    kfree(q->pages);
}

static char *page_get(struct byteq *q, size_t at)
{
    char **slot = &q->pages[at / PAGE_SIZE];
    if (!*slot) {
        *slot = q->spare ? q->spare : kmalloc(PAGE_SIZE);
        q->spare = NULL;
    }
    return *slot;
}

static void page_release(struct byteq *q, size_t at)
{
    char **slot = &q->pages[at / PAGE_SIZE];
    if (!q->spare)
        q->spare = *slot;
    else
        kfree(*slot);
    *slot = NULL;
}

int byteq_put(struct byteq *q, struct uio *u)
{
    while (u->left && q->len < q->size) {
        size_t at = q->head + q->len;
        if (at >= q->size)
            at -= q->size;
        size_t n = MIN(PAGE_SIZE - at % PAGE_SIZE, q->size - q->len);
        size_t before = u->done;
        char *page = page_get(q, at);
        if (!page)
            return -ENOMEM;
        int err = uio_get(u, page + at % PAGE_SIZE, n);
        q->len += u->done - before;
        if (err)
            return err;
    }
    return 0;
}

static int peek_at(struct byteq *q, struct uio *u, size_t skip)
{
    while (u->left && skip < q->len) {
        size_t at = q->head + skip;
        if (at >= q->size)
            at -= q->size;
        size_t n = MIN(PAGE_SIZE - at % PAGE_SIZE, q->len - skip);
        size_t before = u->done;
        int err = uio_put(u, q->pages[at / PAGE_SIZE] + at % PAGE_SIZE, n);
        skip += u->done - before;
        if (err)
            return err;
    }
    return 0;
}

/* Whole pages are given up. */
void byteq_drop(struct byteq *q, size_t n)
{
    while (n) {
        size_t off = q->head % PAGE_SIZE;
        size_t part = MIN(n, PAGE_SIZE - off);
        size_t page = q->head;
        q->head += part;
        q->len -= part;
        n -= part;
        /* A nearly full ring ends in the page where it began: that one is not free yet. */
        size_t last = (q->head + q->len - 1) % q->size / PAGE_SIZE;
        bool busy = q->len && last == page / PAGE_SIZE;
        if ((off + part == PAGE_SIZE || !q->len) && !busy)
            page_release(q, page);
        if (q->head == q->size)
            q->head = 0;
    }
    if (!q->len)
        q->head = 0;
}

void byteq_cut(struct byteq *q, size_t len)
{
    q->len = MIN(q->len, len); /* pages beyond stay in the ring and are written again */
}

int byteq_get(struct byteq *q, struct uio *u, bool peek)
{
    size_t before = u->done;
    int err = peek_at(q, u, 0);
    if (!peek)
        byteq_drop(q, u->done - before);
    return err;
}

int byteq_resize(struct byteq *q, size_t size)
{
    struct byteq new_q;
    struct uio_seg seg;
    struct uio u;
    if (q->len > size)
        return -EBUSY;
    int err = byteq_init(&new_q, size);
    if (err)
        return err;
    while (new_q.len < q->len) {
        size_t at = (q->head + new_q.len) % q->size;
        size_t n = MIN(PAGE_SIZE - at % PAGE_SIZE, q->len - new_q.len);
        uio_init_kernel(&u, &seg, q->pages[at / PAGE_SIZE] + at % PAGE_SIZE, n);
        err = byteq_put(&new_q, &u);
        if (err) {
            byteq_fini(&new_q);
            return err;
        }
    }
    byteq_fini(q);
    *q = new_q;
    return 0;
}
