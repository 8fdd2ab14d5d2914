/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small reads, one after the other, of one file: the second and those after it fetch more than they
 * were asked for, and the program's next reads find it here.  What was fetched stands for as long
 * as nothing else has come in from the host (ocall_epoch), so nobody can tell that the host was not
 * asked. That a read came to the end of the file is remembered likewise: the read of 0 bytes that
 * ends every read loop needs no exit.
 *
 * There is one window, since the epoch makes older ones worthless.  Lock: its mutex, only ever
 * tried.  It is held while data is copied to the program; a page fault there may read a file, but
 * does so into kernel memory, which does not come here.
 */
#include "kernel/fs/host/host_impl.h"
#include "kernel/sched/clock.h"

#define WINDOW_SIZE (32UL * 1024)
#define SMALL_READ (8UL * 1024)

static struct {
    struct mutex lock;
    const struct host_file *file; /* [l] only compared: see last.c */
    uint64_t epoch;               /* [l] */
    ktime_t when;                 /* [l] */
    int64_t off;                  /* [l] of the first byte in buf */
    size_t len;                   /* [l] */
    int64_t next;                 /* [l] where the last read ended */
    bool eof;  /* [l] off + len (or next, when len is 0) is the end of the file */
    char *buf; /* [l] WINDOW_SIZE bytes */
} window = {.lock = {.waitq = {.waiters = LIST_INIT(window.lock.waitq.waiters)}}};

static bool window_stands(const struct host_file *hf)
{
    return window.file == hf && window.epoch == ocall_epoch() &&
           clock_mono() - window.when < OCALL_EPOCH_NS;
}

/* Bytes from off on that the window has; 0 at the known end; -1: it cannot tell. */
static int64_t window_has(int64_t off, size_t n)
{
    int64_t end = window.off + (int64_t)window.len;
    if (off >= window.off && off <= end && ((int64_t)n <= end - off || window.eof))
        return MIN((int64_t)n, end - off);
    return -1;
}

static void window_set(const struct host_file *hf, int64_t off, size_t len, bool eof)
{
    window.file = hf;
    window.epoch = ocall_epoch();
    window.when = clock_mono();
    window.off = off;
    window.len = len;
    window.eof = eof;
}

/*
 * A short read ends at the end of the file, if that is where the file was said to end; files that
 * programs make up (/proc, /sys) give short pieces and have no size.
 */
static bool ends_file(const struct host_file *hf, int64_t off, size_t n, size_t got)
{
    return got < n && (got == 0 || off + (int64_t)got == hf->size);
}

/* n bytes at off, and more when the reads are in sequence; false: the long way must be gone. */
static bool window_fetch(const struct host_file *hf, int64_t off, size_t n)
{
    if (!window.buf)
        window.buf = kmalloc(WINDOW_SIZE);
    if (!window.buf)
        return false;
    size_t size = off == window.next ? WINDOW_SIZE : n;
    long got = ocall_pread(hf->fd, window.buf, size, off);
    if (got < 0)
        return false;
    window_set(hf, off, (size_t)got, ends_file(hf, off, size, (size_t)got));
    return true;
}

static bool read_locked(const struct host_file *hf, struct uio *u, int64_t off, int *err)
{
    if (!window_stands(hf))
        return false;
    int64_t n = window_has(off, u->left);
    if (n < 0) {
        if (u->left > SMALL_READ || !window_fetch(hf, off, u->left))
            return false;
        n = (int64_t)MIN(u->left, window.len);
    }
    *err = n > 0 ? uio_put(u, window.buf + (off - window.off), (size_t)n) : 0;
    window.next = off + n;
    return true;
}

bool host_window_read(const struct host_file *hf, struct uio *u, int64_t off, int *err)
{
    if (window.file != hf || u->kernel || !u->left || !mutex_trylock(&window.lock))
        return false;
    bool done = read_locked(hf, u, off, err);
    mutex_unlock(&window.lock);
    return done;
}

void host_window_note(const struct host_file *hf, int64_t off, size_t n, size_t got)
{
    int64_t end = off + (int64_t)got;
    /* A bad address of the program ends a read early, too: only a known end counts. */
    if (!mutex_trylock(&window.lock))
        return;
    window_set(hf, end, 0, got < n && end == hf->size);
    window.next = end;
    mutex_unlock(&window.lock);
}
