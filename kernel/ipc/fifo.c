/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FIFOs: pipes with a name.  The inode has a pipe from the first open to the last close: what was written
 * stays only as long as somebody has it open.
 *
 * Opening for reading or writing waits for the other side to be opened, however briefly that stays:
 * the number of opens ever counts, not who is there.
 */
#include "kernel/ipc/pipe.h"
#include "kernel/vfs/vfs_impl.h"

static struct mutex fifo_mutex = {.waitq = {.waiters = LIST_INIT(fifo_mutex.waitq.waiters)}};

/* The inode's pipe, made at the first open. */
static struct pipe *fifo_pipe_locked(struct inode *i) REQUIRES(fifo_mutex)
{
    if (!i->pipe)
        i->pipe = pipe_new();
    return i->pipe;
}

void pipe_close_fifo(struct inode *i, const struct pipe *p)
{
    mutex_lock(&fifo_mutex);
    struct pipe *gone = i->pipe == p && !p->readers && !p->writers ? i->pipe : NULL;
    if (gone)
        i->pipe = NULL;
    mutex_unlock(&fifo_mutex);
    if (gone)
        pipe_put(gone);
}

void pipe_free_fifo(struct inode *i)
{
    pipe_put(i->pipe);
}

/*
 * The other side's opens before this one's own open counts: whoever comes later sees this one and does not
 * wait, and may be gone again before this one looks.
 */
static unsigned others_ever(struct pipe *p, uint32_t flags)
{
    unsigned *opens = (flags & O_ACCMODE) == O_RDONLY ? &p->writer_opens : &p->reader_opens;
    return __atomic_load_n(opens, __ATOMIC_SEQ_CST);
}

static int fifo_meet(struct pipe *p, uint32_t flags, unsigned seen)
{
    unsigned mode = flags & O_ACCMODE;
    unsigned *others = mode == O_RDONLY ? &p->writers : &p->readers;
    waitq_wake(&p->opening, 0);
    if (mode == O_RDWR || __atomic_load_n(others, __ATOMIC_ACQUIRE))
        return 0;
    if (flags & O_NONBLOCK)
        return mode == O_RDONLY ? 0 : -ENXIO;
    return wait_event(&p->opening, others_ever(p, flags) != seen, KTIME_NEVER);
}

/* A new end, counted before anybody can take the pipe for closed; *seen: others_ever. */
static int fifo_end_locked(struct inode *i, uint32_t flags, struct pipe_end **e, unsigned *seen)
    REQUIRES(fifo_mutex)
{
    struct pipe *p = fifo_pipe_locked(i);
    if (!p)
        return -ENOMEM;
    *seen = others_ever(p, flags);
    return pipe_end_new(p, flags, e);
}

int pipe_open_fifo(struct inode *i, uint32_t flags, struct file **out)
{
    struct pipe_end *e;
    unsigned seen;
    mutex_lock(&fifo_mutex);
    int err = fifo_end_locked(i, flags, &e, &seen);
    mutex_unlock(&fifo_mutex);
    if (err)
        return err;
    e->file.inode = inode_get(i);
    e->file.name = NULL;
    /* A reader that waited has met its writer, even if that is gone again. */
    if (!(flags & O_NONBLOCK))
        e->writers_seen = 0;
    err = fifo_meet(e->pipe, flags, seen);
    if (err)
        file_put(&e->file);
    else
        *out = &e->file;
    return err;
}

int pipe_open_again(struct file *f, uint32_t flags, struct file **out)
{
    struct pipe_end *e;
    int err = pipe_end_new(pipe_of_file(f), flags, &e);
    if (err)
        return err;
    e->writers_seen = 0;
    *out = &e->file;
    return 0;
}
