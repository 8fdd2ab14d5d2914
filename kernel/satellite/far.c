/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the base, which a guest maps: there is nothing of them here but their number and what stat said when they
 * were last told of.  One struct file each, as long as a region shows it or pages of it are kept.
 *
 * Only the guest's thread comes here, one at a time, so there is no lock.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>

#include "kernel/mm/heap.h"
#include "kernel/satellite/guest.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/uio.h"
#include "lib/string.h"

struct far_file {
    struct file file; /* first: file_put frees it */
    struct far_inode *inode;
};

struct far_inode {
    struct inode inode;
    struct wire_file told;
};

static struct far_file *table[WIRE_FILES]; /* by number - 1; no references */

static struct super fixed = {.type = "base"}, changing = {.type = "base", .flags = SUPER_HOST};

static struct far_file *far_of(const struct file *f)
{
    return (struct far_file *)f;
}

/* Of its own, since a read may be for a fault of what serves another letter. */
static struct letter answer_box;

/*
 * The answer to what was asked.  The base may call meanwhile; if it has ended us there is no answer.  False: so it is, or
 * there is no memory.
 */
static bool answer(enum wire_kind kind)
{
    if (!answer_box.data)
        answer_box.data = kpages_alloc_any((LINK_MAX + PAGE_SIZE - 1) / PAGE_SIZE);
    while (answer_box.data && !guest_ended()) {
        guest_next(&answer_box);
        if (letter_head(&answer_box)->kind == kind)
            return true;
        if (!guest_note(&answer_box))
            panic("the base said %lu instead of %u", letter_head(&answer_box)->kind, kind);
    }
    return false;
}

static int far_read(struct file *f, struct uio *u, int64_t *pos)
{
    const struct wire_file *told = &far_of(f)->inode->told;
    uint64_t size = told->st.stx_size, at = (uint64_t)*pos;

    if (*pos < 0 || at >= size)
        return 0;
    size_t n = MIN(MIN(u->left, size - at), WIRE_DATA_MAX);
    const struct wire_head h = {.kind = WIRE_READ, .arg = {told->id, *pos, (int64_t)n}};
    guest_send(&h, NULL, 0);
    if (!answer(WIRE_DATA))
        return -EIO;
    int64_t got = letter_head(&answer_box)->arg[0];
    answers_heard((uint64_t)letter_head(&answer_box)->arg[1]);
    ahead_stale();
    if (got < 0)
        return (int)got;
    const void *data = letter_body(&answer_box, (size_t)got);
    int err = data && (size_t)got <= n ? uio_put(u, data, (size_t)got) : -EIO;
    if (!err)
        *pos += got;
    return err;
}

static int far_mmap(struct file *f, unsigned prot, unsigned flags)
{
    (void)prot;
    (void)flags;
    return far_of(f)->inode->told.no_write ? FILE_MMAP_NO_WRITE : 0;
}

static int far_getattr(struct file *f, struct statx *st)
{
    *st = far_of(f)->inode->told.st;
    return 0;
}

static void far_release(struct file *f)
{
    const struct wire_file *told = &far_of(f)->inode->told;
    const struct wire_head h = {.kind = WIRE_FORGET, .arg = {told->id, told->uses}};

    table[told->id - 1] = NULL;
    guest_send(&h, NULL, 0);
}

static const struct file_ops far_ops = {
    .read = far_read,
    .mmap = far_mmap,
    .getattr = far_getattr,
    .release = far_release,
};

static void far_inode_free(struct inode *i)
{
    kfree(container_of(i, struct far_inode, inode));
}

static const struct inode_ops far_inode_ops = {.free = far_inode_free};

static struct far_file *far_make(const struct wire_file *w)
{
    struct far_file *f = kzalloc(sizeof(*f));
    struct far_inode *i = kzalloc(sizeof(*i));

    if (!f || !i) {
        kfree(f);
        kfree(i);
        return NULL;
    }
    inode_init(&i->inode, w->host ? &changing : &fixed, &far_inode_ops, w->st.stx_mode,
               w->st.stx_ino);
    file_init(&f->file, &far_ops, O_RDONLY);
    f->inode = i;
    f->file.inode = &i->inode; /* the reference that it was made with */
    return f;
}

struct file *far_file(const struct wire_file *w)
{
    if (!w->id || w->id > WIRE_FILES)
        return NULL;
    struct far_file *f = table[w->id - 1];
    if (f) {
        file_get(&f->file);
    } else {
        f = table[w->id - 1] = far_make(w);
        if (!f)
            return NULL;
    }
    f->inode->told = *w;
    return &f->file;
}

void far_file_forget(const struct wire_file *w)
{
    struct file *f = far_file(w);

    if (f)
        file_put(f);
}

void far_file_tell(const struct file *f, struct wire_file *out)
{
    *out = far_of(f)->inode->told;
}

int64_t far_file_map(int fd, const struct wire_map *m, struct file **out)
{
    const struct wire_head h = {.kind = WIRE_MAP, .arg = {fd}};

    guest_send(&h, m, sizeof(*m));
    if (!answer(WIRE_MAPPED))
        return -EINTR;
    const struct wire_file *w = letter_body(&answer_box, sizeof(*w));
    int64_t ret = w ? letter_head(&answer_box)->arg[0] : -EIO;
    if (ret < 0 && w)
        far_file_forget(w);
    if (ret < 0)
        return ret;
    *out = far_file(w);
    return *out ? ret : -ENOMEM;
}
