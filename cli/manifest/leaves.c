/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing of trusted files.  A file that is reached by several paths (mounts, hard links) is hashed
 * once and its leaves are shared.
 */
#include "cli/manifest/leaves.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/mem.h"
#include "cli/say.h"
#include "lib/sha256.h"

#define CHUNK (1UL << 20)

struct leaf_memo {
    dev_t dev;
    ino_t ino;
    const struct file_node *node; /* NULL: a free slot */
};

void leaves_init(struct leaves *l)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    *l = (struct leaves){.mtime_max = INT64_MAX};
    if (epoch && *epoch)
        l->mtime_max = strtoll(epoch, NULL, 10);
    l->progress = say_level >= 0 && isatty(STDERR_FILENO);
}

void leaves_fini(struct leaves *l)
{
    free(l->data);
    free(l->memo);
    *l = (struct leaves){0};
}

static struct leaf_memo *memo_slot(struct leaf_memo *memo, size_t room, dev_t dev, ino_t ino)
{
    size_t i = (ino * 0x9e3779b97f4a7c15UL + dev) & (room - 1);
    while (memo[i].node && (memo[i].dev != dev || memo[i].ino != ino))
        i = (i + 1) & (room - 1);
    return &memo[i];
}

static void memo_grow(struct leaves *l)
{
    size_t room = l->memo_room ? 2 * l->memo_room : 256;
    struct leaf_memo *memo = mem_new(room * sizeof *memo);
    for (size_t i = 0; i < l->memo_room; i++)
        if (l->memo[i].node)
            *memo_slot(memo, room, l->memo[i].dev, l->memo[i].ino) = l->memo[i];
    free(l->memo);
    l->memo = memo;
    l->memo_room = room;
}

/* The node of this file if it has been hashed, else NULL with a slot for it. */
static const struct file_node *memo_find(struct leaves *l, const struct stat *st,
                                         struct leaf_memo **slot)
{
    if (2 * l->memo_count >= l->memo_room)
        memo_grow(l);
    *slot = memo_slot(l->memo, l->memo_room, st->st_dev, st->st_ino);
    return (*slot)->node;
}

static uint8_t *new_leaf(struct leaves *l)
{
    if (l->len == l->room) {
        l->room = l->room ? 2 * l->room : 65536;
        l->data = mem_grow(l->data, l->room, 1);
    }
    l->len += CONFIG_HASH_SIZE;
    return l->data + l->len - CONFIG_HASH_SIZE;
}

static void show(struct leaves *l)
{
    fprintf(stderr, "\rcella: hashing: %lu files, %lu MB\033[K", l->files, l->bytes >> 20);
}

/* Reads until the buffer is full or the file ends. */
static ssize_t read_full(int fd, uint8_t *buf, size_t len, uint64_t off)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = pread(fd, buf + have, len - have, (off_t)(off + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (!n)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static int hash_contents(struct leaves *l, int fd, uint64_t size, struct sha256 *whole)
{
    static uint8_t *buf;
    if (!buf)
        buf = mem_new(CHUNK);
    for (uint64_t off = 0; off < size;) {
        ssize_t n = read_full(fd, buf, CHUNK, off);
        if (n <= 0)
            return n ? (int)n : -EAGAIN;
        for (size_t i = 0; i < (size_t)n; i += CONFIG_LEAF_SIZE) {
            size_t len = (size_t)n - i;
            sha256(buf + i, len < CONFIG_LEAF_SIZE ? len : CONFIG_LEAF_SIZE, new_leaf(l));
        }
        if (whole)
            sha256_update(whole, buf, (size_t)n);
        off += (size_t)n;
        l->bytes += (size_t)n;
        if (off > size)
            return -EAGAIN;
        if (l->progress && off % (64 * CHUNK) == 0)
            show(l);
    }
    return 0;
}

static bool unchanged(int fd, const struct stat *before)
{
    struct stat now;
    return !fstat(fd, &now) && now.st_size == before->st_size &&
           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

int leaves_hash(struct leaves *l, int fd, struct file_node *n, uint8_t *whole)
{
    struct stat st;
    struct sha256 s;
    struct leaf_memo *slot;
    if (fstat(fd, &st))
        return -errno;
    n->mode = st.st_mode & 0777;
    n->mtime = st.st_mtim.tv_sec < l->mtime_max ? st.st_mtim.tv_sec : l->mtime_max;
    n->size = (uint64_t)st.st_size;
    const struct file_node *same = memo_find(l, &st, &slot);
    if (same && same->size == n->size && !whole) {
        n->leaves = same->leaves;
        memcpy(n->root, same->root, sizeof n->root);
        return 0;
    }
    n->leaves = l->len;
    sha256_init(&s);
    int err = hash_contents(l, fd, n->size, whole ? &s : NULL);
    if (!err && !unchanged(fd, &st))
        err = -EAGAIN;
    if (err)
        return err;
    if (whole)
        sha256_final(&s, whole);
    sha256(l->data + n->leaves, l->len - n->leaves, n->root);
    if (!same)
        l->memo_count++;
    *slot = (struct leaf_memo){st.st_dev, st.st_ino, n};
    l->files++;
    if (l->progress && l->files % 256 == 0)
        show(l);
    return 0;
}

void leaves_done(struct leaves *l)
{
    if (l->progress)
        fputs("\r\033[K", stderr);
}
