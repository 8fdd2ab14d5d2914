/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring by io_uring. The enclave fills and reads the shared memory itself, so of liburing only
 * the set-up is needed; who waits for completions polls the ring's descriptor.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/ring.h"

#define ENTRIES 256

/* Also lets the kernel finish what is ready, so that a look at the completions finds it. */
static int uring_submit(struct ring *r, uint32_t n)
{
    long ret = syscall(SYS_io_uring_enter, r->fd, n, 0, IORING_ENTER_GETEVENTS, NULL, (size_t)0);
    return ret < 0 ? -errno : 0;
}

/* The ring is readable as long as the enclave has not taken all completions. */
static void uring_woken(struct ring *r)
{
    (void)r;
}

static void uring_addresses(struct host_ring *s, const struct io_uring_params *p, char *rings,
                            void *sqes)
{
    s->sq_head = (uint64_t)(rings + p->sq_off.head);
    s->sq_tail = (uint64_t)(rings + p->sq_off.tail);
    s->sq_array = (uint64_t)(rings + p->sq_off.array);
    s->sqes = (uint64_t)sqes;
    s->cq_head = (uint64_t)(rings + p->cq_off.head);
    s->cq_tail = (uint64_t)(rings + p->cq_off.tail);
    s->cqes = (uint64_t)(rings + p->cq_off.cqes);
    s->sq_entries = p->sq_entries;
    s->cq_entries = p->cq_entries;
}

int ring_uring_open(struct host_ring *shared, struct ring **out)
{
    struct io_uring_params p = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 8 * ENTRIES};
    int fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &p);
    if (fd < 0)
        return -errno;
    int err = -ENOSYS;
    if (!(p.features & IORING_FEAT_SINGLE_MMAP) || !(p.features & IORING_FEAT_FAST_POLL))
        goto undo_fd;
    size_t sq = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
    size_t cq = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    size_t len = sq > cq ? sq : cq;
    struct ring *u = calloc(1, sizeof(*u));
    err = -ENOMEM;
    if (!u)
        goto undo_fd;
    char *rings =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
    if (rings == MAP_FAILED)
        goto undo_uring;
    void *sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                      MAP_SHARED, fd, IORING_OFF_SQES);
    if (sqes == MAP_FAILED)
        goto undo_rings;
    *u = (struct ring){.submit = uring_submit, .woken = uring_woken, .fd = fd, .name = "io_uring"};
    uring_addresses(shared, &p, rings, sqes);
    *out = u;
    return 0;

undo_rings:
    munmap(rings, len);
undo_uring:
    free(u);
undo_fd:
    close(fd);
    return err;
}
