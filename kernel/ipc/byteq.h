/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue of bytes in kernel memory: pipes and stream sockets.  Its ring is made of pages that come
 * when bytes come and go when they are read, so an idle queue costs at most one page.
 * The owner's lock (one that may sleep: data is copied from and to programs) guards it.
 */
#ifndef KERNEL_IPC_BYTEQ_H
#define KERNEL_IPC_BYTEQ_H

#include "kernel/types.h"

struct uio;

#define BYTEQ_DEFAULT (64UL * 1024)
#define BYTEQ_MAX (1024UL * 1024)

struct byteq {
    char **pages; /* the ring: size / 4096 pointers, NULL where nothing is */
    char *spare;  /* an empty page kept for the next write */
    size_t size;  /* of the ring, a multiple of a page */
    size_t head;  /* where the first byte is */
    size_t len;   /* bytes queued */
};

MUST_CHECK int byteq_init(struct byteq *q, size_t size);
void byteq_fini(struct byteq *q);
/* Moves what fits from the uio: 0 (perhaps a part), -EFAULT, -ENOMEM. */
MUST_CHECK int byteq_put(struct byteq *q, struct uio *u);
/* Moves what is there to the uio, and removes it unless peek. */
MUST_CHECK int byteq_get(struct byteq *q, struct uio *u, bool peek);
/* Removes n <= len bytes from the front; cuts the queue to its first len bytes. */
void byteq_drop(struct byteq *q, size_t n);
void byteq_cut(struct byteq *q, size_t len);
/* -EBUSY when what is queued would not fit. */
MUST_CHECK int byteq_resize(struct byteq *q, size_t size);

/* The last byte of a queue that is not empty. */
static inline uint8_t byteq_last(const struct byteq *q)
{
    size_t at = (q->head + q->len - 1) % q->size;
    return (uint8_t)q->pages[at / 4096][at % 4096];
}

static inline size_t byteq_room(const struct byteq *q)
{
    return q->size - q->len;
}

#endif
