/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside a pipe, for those that move whole buffers: pipe.c, fifo.c, and splice, tee and vmsplice
 * (vfs/splice.c).
 *
 * A pipe is a ring of slots; a slot holds a piece of a page.  Pages are counted, since tee lets two
 * pipes share one.  A slot may be promised before it is filled (`reserved`), so that a splice can
 * fetch its data without the pipe's lock and is then sure of room.  While a splice carries the first
 * buffer elsewhere (`draining`) nobody else takes any: readers wait as for an empty pipe.
 *
 * Locks: lock (mutex) -> ends_lock (spin) -> the ends' wait queues.  Two pipes: by rising address.
 */
#ifndef KERNEL_IPC_PIPE_H
#define KERNEL_IPC_PIPE_H

#include "kernel/vfs/file.h"

#define PIPE_IN ((uint32_t)(EPOLLIN | EPOLLRDNORM))
#define PIPE_OUT ((uint32_t)(EPOLLOUT | EPOLLWRNORM))

#define PIPE_SLOTS 16U
#define PIPE_SLOTS_MAX 256U          /* for users; /proc/sys/fs/pipe-max-size */
#define PIPE_SLOTS_LIMIT (64U << 10) /* for root */

struct pipe_page {
    struct ref ref;
    char *data; /* [I] a page of the kernel's */
};

struct pipe_buf {
    struct pipe_page *page; /* a reference */
    uint32_t off, len;      /* len > 0 */
    uint32_t flags;
};
#define PIPE_BUF_MERGE 1U  /* later writes may go on in this page */
#define PIPE_BUF_PACKET 2U /* O_DIRECT: one read takes it all */

struct pipe {
    struct ref ref;
    struct mutex lock;
    struct pipe_buf *ring;   /* [lock] */
    unsigned slots;          /* [lock] a power of two */
    unsigned head;           /* [lock] the first slot in use, modulo slots */
    unsigned used, reserved; /* [lock] used + reserved <= slots; read without for poll */
    bool draining;           /* [lock] */
    struct pipe_page *spare; /* [lock] an empty page kept for the next write */
    struct spinlock ends_lock;
    struct list reader_ends, writer_ends; /* [e] */
    unsigned readers, writers;            /* [e] read without */
    unsigned reader_opens, writer_opens;  /* [e] ever */
    struct waitq opening;                 /* openers of a FIFO that wait for the other side */
    uint64_t ino;                         /* [I] */
    ktime_t created;                      /* [I] CLOCK_REALTIME */
    char name[32];                        /* [I] */
};

struct pipe_end {
    struct file file; /* first */
    struct pipe *pipe;
    struct list reader_link, writer_link; /* [e] */
    /* [I] of a reader: writer_opens when it was opened with none there; else 0.  Such a reader has not
     * met a writer yet, and is not told of the end. */
    unsigned writers_seen;
};

/* The pipe behind a file, borrowed, or NULL. */
struct pipe *pipe_of_file(struct file *f);
struct pipe *pipe_new(void) MUST_CHECK;
void pipe_put(struct pipe *p);
/* A new end with the access of flags; takes a reference to the pipe. */
MUST_CHECK int pipe_end_new(struct pipe *p, uint32_t flags, struct pipe_end **out);

/* An end of p, which was opened by way of i, is gone: with the last one the FIFO is empty again. */
void pipe_close_fifo(struct inode *i, const struct pipe *p);

static inline bool pipe_full(const struct pipe *p)
{
    return __atomic_load_n(&p->used, __ATOMIC_RELAXED) +
               __atomic_load_n(&p->reserved, __ATOMIC_RELAXED) >=
           __atomic_load_n(&p->slots, __ATOMIC_RELAXED);
}

static inline struct pipe_buf *pipe_slot(struct pipe *p, unsigned i)
{
    return &p->ring[(p->head + i) & (p->slots - 1)];
}

/* A page for a new buffer, or NULL.  The lock is held. */
struct pipe_page *pipe_page_new(struct pipe *p) REQUIRES(p->lock);
/* Gives up a reference; the last one's page becomes the pipe's spare. */
void pipe_page_put(struct pipe *p, struct pipe_page *page) REQUIRES(p->lock);
/* Adds at the end, consuming the reference.  There is room. */
void pipe_push(struct pipe *p, const struct pipe_buf *b) REQUIRES(p->lock);
/* Puts back what was taken: in front of all others.  There is room. */
void pipe_push_front(struct pipe *p, const struct pipe_buf *b) REQUIRES(p->lock);
/* Takes the first buffer with its reference. */
struct pipe_buf pipe_pop(struct pipe *p) REQUIRES(p->lock);
/* Removes n bytes of the first buffer, which has them. */
void pipe_consume(struct pipe *p, size_t n) REQUIRES(p->lock);

/* Wake whoever waits to read, or to write.  No lock held. */
void pipe_wake_readers(struct pipe *p, uint32_t events);
void pipe_wake_writers(struct pipe *p, uint32_t events);

#endif
