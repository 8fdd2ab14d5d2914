/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regular files that are made up: a text, made by the entry's `show` when it is read from the start.
 *
 * Lock: pf->lock, held while the text is made, which may read the reader's own memory.
 */
#include <linux/errno.h>
#include <linux/fs.h>

#include "kernel/fs/pseudo.h"
#include "kernel/mm/heap.h"
#include "lib/string.h"

#define STORE_MAX 4096U

struct pseudo_file {
    struct file file; /* first */
    struct mutex lock;
    struct seq text; /* [lock] */
    bool made;       /* [lock] */
};

static struct pseudo_file *pseudo_file_of(struct file *f)
{
    return container_of(f, struct pseudo_file, file);
}

static int text_make(struct pseudo_file *pf)
{
    struct pseudo_inode *pi = pseudo_inode_of(pf->file.inode);
    seq_fini(&pf->text);
    int err = pi->entry->show ? pi->entry->show(&pf->text, pi) : 0;
    if (!err)
        err = pf->text.err;
    if (err)
        seq_fini(&pf->text);
    pf->made = !err;
    return err;
}

/* A piece of the text at pos, copied out of the lock's reach: the uio may fault. */
static int text_piece(struct pseudo_file *pf, int64_t pos, char *piece, size_t size, size_t *n)
{
    int err = 0;
    mutex_lock(&pf->lock);
    if (!pf->made || pos == 0)
        err = text_make(pf);
    *n = 0;
    if (!err && pos >= 0 && (uint64_t)pos < pf->text.len) {
        *n = MIN(size, pf->text.len - (size_t)pos);
        memcpy(piece, pf->text.buf + pos, *n);
    }
    mutex_unlock(&pf->lock);
    return err;
}

static int pseudo_read(struct file *f, struct uio *u, int64_t *pos)
{
    struct pseudo_file *pf = pseudo_file_of(f);
    char piece[1024];
    size_t n;
    while (u->left) {
        int err = text_piece(pf, *pos, piece, MIN(sizeof(piece), u->left), &n);
        if (err || !n)
            return err;
        size_t before = u->done;
        err = uio_put(u, piece, n);
        *pos += (int64_t)(u->done - before);
        if (err)
            return err;
    }
    return 0;
}

static int pseudo_write(struct file *f, struct uio *u, int64_t *pos)
{
    struct pseudo_inode *pi = pseudo_inode_of(f->inode);
    size_t n = MIN(u->left, (size_t)STORE_MAX);
    if (!pi->entry->store)
        return pi->key.pid ? -EINVAL : -EIO; /* as Linux */
    char *text = kmalloc(n + 1);
    if (!text)
        return -ENOMEM;
    int err = uio_get(u, text, n);
    if (!err)
        err = pi->entry->store(pi, text, n);
    kfree(text);
    if (!err)
        *pos += (int64_t)n;
    else
        u->done = 0;
    return err;
}

static int64_t pseudo_lseek(struct file *f, int64_t off, int whence)
{
    if (whence == SEEK_END || whence > SEEK_END)
        return -EINVAL;
    return vfs_lseek_default(f, off, whence, 0);
}

static void pseudo_release(struct file *f)
{
    seq_fini(&pseudo_file_of(f)->text);
}

static const struct file_ops pseudo_file_ops = {
    .read = pseudo_read,
    .write = pseudo_write,
    .lseek = pseudo_lseek,
    .release = pseudo_release,
};

int pseudo_text_open(struct pseudo_inode *i, uint32_t flags, struct file **out)
{
    struct pseudo_file *pf = kzalloc(sizeof(*pf));
    if (!pf)
        return -ENOMEM;
    file_init(&pf->file, &pseudo_file_ops, flags);
    mutex_init(&pf->lock);
    seq_init(&pf->text);
    pf->file.inode = inode_get(&i->inode);
    *out = &pf->file;
    return 0;
}
