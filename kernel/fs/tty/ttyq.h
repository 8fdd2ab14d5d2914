/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of bytes between the two sides of a terminal.  Its owner's lock guards it. */
#ifndef KERNEL_FS_TTY_TTYQ_H
#define KERNEL_FS_TTY_TTYQ_H

#include "kernel/types.h"
#include "lib/string.h"

struct ttyq {
    uint8_t *buf;
    size_t size; /* a power of two */
    size_t head; /* where the first byte is, modulo size */
    size_t len;
};

static inline size_t ttyq_room(const struct ttyq *q)
{
    return q->size - q->len;
}

/* n <= ttyq_room bytes. */
static inline void ttyq_put(struct ttyq *q, const uint8_t *p, size_t n)
{
    size_t at = (q->head + q->len) & (q->size - 1);
    size_t first = MIN(n, q->size - at);
    memcpy(q->buf + at, p, first);
    memcpy(q->buf, p + first, n - first);
    q->len += n;
}

/* The bytes at the front that lie together. */
static inline size_t ttyq_front(const struct ttyq *q, const uint8_t **p)
{
    size_t at = q->head & (q->size - 1);
    *p = q->buf + at;
    return MIN(q->len, q->size - at);
}

static inline void ttyq_drop(struct ttyq *q, size_t n)
{
    q->head += n;
    q->len -= n;
}

#endif
