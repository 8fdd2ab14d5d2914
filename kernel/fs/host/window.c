/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading host files without leaving the enclave: a file that is read again and again is mapped into
 * the host's memory, shared and read-only, and reads copy from there.  The mapping is the host's page
 * cache itself, so the bytes are as fresh as pread's; only where the file ends must be known.
 *
 *   NONE --WINDOW_AFTER reads in one span--> MAPPED --a read elsewhere, or a fault--> NONE
 *
 * The size that the host last said stands while no other news has come in from the host (ocall_epoch), for a
 * millisecond at most: until then nobody in the enclave can have learned that the file was truncated.
 * After that it is asked for again, which is no news when it is the same.  A read that reaches
 * beyond that size goes to the host.  If the file was truncated meanwhile, the pages that are gone
 * fault in the copy, which then ends, and the host is asked.
 *
 * Kernel readers (uio.kernel: exec, file mappings) have no fault fix-up and go to the host always.
 * Lock: the window is changed with the file's win_lock held, which is only tried: who does not get it reads
 * through the host.
 */
#include "kernel/fs/host/host_impl.h"
#include "kernel/sched/clock.h"

#define WINDOW_SPAN \
    (32L << 20) /* a window lies in one span: bounds the memory that reads make resident */
#define WINDOW_AFTER 4

bool host_size_stands(const struct host_file *hf)
{
    return hf->size_epoch == ocall_epoch() && clock_mono() - hf->size_when < OCALL_EPOCH_NS;
}

void host_size_note(struct host_file *hf, int64_t size)
{
    hf->size = size;
    hf->size_epoch = ocall_epoch();
    hf->size_when = clock_mono();
}

void host_size_said(struct host_file *hf, int64_t size, const struct said_question *asked)
{
    hf->size = size;
    hf->size_epoch = asked->epoch;
    hf->size_when = asked->when;
}

int64_t host_size_now(struct host_file *hf)
{
    if (host_size_stands(hf))
        return hf->size;
    int64_t size = ocall_size(hf->fd);
    if (size < 0)
        return size;
    if (size != hf->size)
        ocall_epoch_end();
    host_size_note(hf, size);
    return size;
}

void host_window_drop(struct host_file *hf)
{
    if (hf->win_base)
        ocall_unmap(hf->win_base, hf->win_len);
    hf->win_base = 0;
    hf->win_reads = 0;
}

static bool window_holds(const struct host_file *hf, int64_t off, size_t n)
{
    return hf->win_base && off >= hf->win_off &&
           off + (int64_t)n <= hf->win_off + (int64_t)hf->win_len;
}

/* Makes the span of a read the window once it has been read often enough. */
static bool window_map(struct host_file *hf, int64_t off, size_t n)
{
    int64_t span = off / WINDOW_SPAN * WINDOW_SPAN;
    if (span != hf->win_span) {
        hf->win_span = span;
        hf->win_reads = 0;
    }
    if (++hf->win_reads < WINDOW_AFTER || off + (int64_t)n > span + WINDOW_SPAN)
        return false;
    host_window_drop(hf);
    size_t len = (size_t)ALIGN_UP(MIN(WINDOW_SPAN, hf->size - span), (int64_t)PAGE_SIZE);
    int64_t base = ocall_map(hf->fd, span, len);
    if (base < 0)
        return false;
    hf->win_base = (haddr_t)base;
    hf->win_off = span;
    hf->win_len = len;
    return window_holds(hf, off, n);
}

static bool read_locked(struct host_file *hf, struct uio *u, int64_t off)
{
    size_t n = u->left;
    if (host_size_now(hf) < 0 || off > hf->size - (int64_t)n)
        return false;
    if (!window_holds(hf, off, n) && !window_map(hf, off, n))
        return false;
    int err = uio_put_host(u, hf->win_base + (haddr_t)(off - hf->win_off), n);
    said_read();
    if (!err)
        return true;
    host_window_drop(hf);
    return false;
}

bool host_window_read(struct host_file *hf, struct uio *u, int64_t off)
{
    if (u->kernel || !u->left || hf->size <= 0)
        return false;
    /* The read of 0 bytes that ends a loop. */
    if (off >= hf->size)
        return host_size_stands(hf);
    if ((int64_t)u->left > hf->size || !mutex_trylock(&hf->win_lock))
        return false;
    bool done = read_locked(hf, u, off);
    mutex_unlock(&hf->win_lock);
    return done;
}

void host_window_note(struct host_file *hf, int64_t off, size_t n, size_t got)
{
    /* A short read ends at the end of the file, if that is where the file was said to end; files that
     * programs make up (/proc, /sys) give short pieces and have no size.  No byte at all: the end may be before. */
    if (got && got < n && off + (int64_t)got == hf->size)
        host_size_note(hf, hf->size);
}
