/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a satellite's guest maps: the base reads them for it, and verifies what is verified.
 *
 * Both know them by a number.  The satellite keeps a file as long as it keeps pages of it, beyond a guest's end; a
 * number that the base has sent again meanwhile is not freed by an older FORGET: `uses` tells.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>

#include "kernel/mm/mm.h"
#include "kernel/satellite/base.h"
#include "kernel/vfs/file.h"
#include "kernel/vfs/inode.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

static struct known_file *known_find(struct satellite *s, const struct file *f)
{
    struct known_file *room = NULL;

    for (unsigned i = 0; i < WIRE_FILES; i++) {
        struct known_file *k = &s->files[i];
        if (!k->file)
            room = room ? room : k;
        else if (k->file->inode == f->inode)
            return k;
    }
    return room;
}

int known_file_tell(struct satellite *s, struct file *f, bool shared, struct wire_file *out)
{
    struct known_file *k = known_find(s, f);

    *out = (struct wire_file){0};
    if (!k)
        return -ENFILE;
    int err = file_stat(f, &out->st);
    if (err)
        return err;
    if (!k->file) {
        k->uses = 0;
        k->inode = f->inode;
        k->shared = false;
        __atomic_store_n(&k->file, file_get(f), __ATOMIC_RELEASE);
    }
    if (shared)
        __atomic_store_n(&k->shared, true, __ATOMIC_SEQ_CST);
    out->id = (uint32_t)(k - s->files) + 1;
    out->uses = ++k->uses;
    out->host = (f->inode->super->flags & SUPER_HOST) != 0;
    return 0;
}

void known_file_untell(struct satellite *s, const struct wire_file *told)
{
    struct known_file *k = &s->files[told->id - 1];

    if (--k->uses == 0)
        known_file_forget(s, told->id, 0);
}

bool known_file_is(const struct satellite *s, const struct inode *i, bool shared)
{
    for (unsigned n = 0; n < WIRE_FILES; n++) {
        const struct known_file *k = &s->files[n];
        if (__atomic_load_n(&k->file, __ATOMIC_ACQUIRE) &&
            __atomic_load_n(&k->inode, __ATOMIC_RELAXED) == i &&
            (!shared || __atomic_load_n(&k->shared, __ATOMIC_SEQ_CST)))
            return true;
    }
    return false;
}

struct file *known_file_get(struct satellite *s, uint32_t id)
{
    return id && id <= WIRE_FILES ? s->files[id - 1].file : NULL;
}

void known_file_forget(struct satellite *s, uint32_t id, uint32_t uses)
{
    struct file *f = known_file_get(s, id);

    if (!f || s->files[id - 1].uses != uses)
        return;
    s->files[id - 1].file = NULL;
    file_put(f);
}

void known_files_drop(struct satellite *s)
{
    for (unsigned i = 0; i < WIRE_FILES; i++) {
        struct file *f = s->files[i].file;
        s->files[i].file = NULL;
        if (f)
            file_put(f);
    }
}

int known_file_read(struct satellite *s, const struct wire_head *h, char *buf)
{
    struct file *f = known_file_get(s, (uint32_t)h->arg[0]);
    struct wire_head out = {.kind = WIRE_DATA};
    size_t n = MIN((size_t)h->arg[2], WIRE_DATA_MAX);

    out.arg[0] = f ? file_read_exact(f, buf, n, h->arg[1]) : -EBADF;
    if (out.arg[0])
        n = 0;
    else
        out.arg[0] = (int64_t)n;
    out.arg[1] = (int64_t)names_epoch(); /* after the read: it may tell of what others did */
    return link_send(s->link, &out, sizeof(out), buf, n);
}

/*
 * A mapping that nobody can write to, of a file that nobody writes to, is made here, where its shared object has its place,
 * and shown there: it stays when the guest comes home.  The address, or -errno.
 */
static int64_t map_shared(struct file *f, const struct wire_map *m)
{
    if ((m->prot & PROT_WRITE) || (m->flags & MAP_FIXED) ||
        __atomic_load_n(&f->inode->writers, __ATOMIC_RELAXED))
        return -EAGAIN;
    turn_back();
    int64_t at = mmap_file(f, 0, m->len, m->prot, m->flags, m->off);
    turn_give_up();
    return at;
}

/* A mapping of a regular file of the current process: 0, its address, or what mmap says; -EAGAIN: at home. */
static int64_t map_check(struct satellite *s, int fd, const struct wire_map *m,
                         struct wire_file *out)
{
    struct file *f;
    int64_t ret = fd_lookup(fd, false, &f);

    if (ret)
        return ret;
    if (!f->inode || !S_ISREG(f->inode->mode) || !FMODE_READ(f) || !f->ops->mmap)
        ret = -EAGAIN;
    if (!ret)
        ret = f->ops->mmap(f, m->prot, m->flags);
    bool no_write = ret == FILE_MMAP_NO_WRITE;
    if (ret >= 0)
        ret = known_file_tell(s, f, (m->flags & MAP_TYPE) != MAP_PRIVATE, out);
    out->no_write = no_write;
    if (!ret && (m->flags & MAP_TYPE) != MAP_PRIVATE)
        ret = map_shared(f, m);
    file_put(f);
    return ret;
}

int known_file_map(struct satellite *s, const struct wire_head *h, size_t n)
{
    struct wire_file file = {0};
    struct wire_map m;

    if (n != sizeof(*h) + sizeof(m))
        return -EBADMSG;
    memcpy(&m, h + 1, sizeof(m));
    struct wire_head out = {.kind = WIRE_MAPPED};
    out.arg[0] = map_check(s, (int)h->arg[0], &m, &file);
    return link_send(s->link, &out, sizeof(out), &file, sizeof(file));
}
