/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User copies of a thread whose process is away.  Its one thread waits in the satellite for the end of the call, so
 * its memory stands still, and what was fetched once is good until the call ends.
 *
 *   in    what came with the call; else it is fetched
 *   out   gathered, and sent before anything is fetched and before the call ends; that the memory may be written is
 *         known before, from what came with the call or by asking
 */
#include <linux/errno.h>

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/satellite/base.h"
#include "kernel/sys/raw_copy.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#define FETCH_MIN 256UL
#define FETCH_AHEAD \
    (16UL << 10) /* for one who moves what is known, and asks for one byte of the rest */
#define WANT_MAX (64UL << 10) /* asked for beyond what is wanted, if it is there */
#define FETCH_MAX (WIRE_DATA_MAX & ~7UL)

static void extent_add(struct stay *y, uaddr_t addr, size_t len, const char *data)
{
    if (!len)
        return;
    unsigned i = y->nextents < EXTENTS ? y->nextents++ : EXTENTS - 1;
    y->extent[i] = (struct extent){addr, len, data};
}

/* Those with contents, in `from` or anywhere, are of no more use. */
static void extents_drop(struct stay *y, const char *from)
{
    unsigned n = 0;

    for (unsigned i = 0; i < y->nextents; i++) {
        const struct extent *e = &y->extent[i];
        bool drop = e->data && (!from || (e->data >= from && e->data < from + LINK_MAX));
        if (!drop)
            y->extent[n++] = *e;
    }
    y->nextents = n;
}

static const struct extent *extent_find(const struct stay *y, uaddr_t addr, bool write)
{
    /* A lost satellite has taken the buffers with it; a thread that ends still makes user copies. */
    for (unsigned i = 0; y->satellite && i < y->nextents; i++) {
        const struct extent *e = &y->extent[i];
        if (addr - e->addr < e->len && !e->data == write)
            return e;
    }
    return NULL;
}

int memory_begin(struct stay *y, size_t n)
{
    const struct wire_call *c = (const struct wire_call *)(y->msg + sizeof(struct wire_head));
    size_t at = sizeof(struct wire_head) + sizeof(*c);

    y->nextents = 0;
    for (unsigned i = 0; i < WIRE_EXTENTS; i++) {
        const struct wire_extent *e = &c->extent[i];
        if (e->len > n - at)
            return -EBADMSG;
        extent_add(y, e->addr, e->len, y->msg + at);
        extent_add(y, e->addr, e->write, NULL);
        at += e->len;
    }
    return 0;
}

int memory_flush(struct stay *y)
{
    struct wire_head h = {.kind = WIRE_STORE};

    if (!y->out_used)
        return 0;
    int err = link_send(y->satellite->link, &h, sizeof(h), y->out, y->out_used);
    y->out_used = 0;
    return err;
}

/* Brings [src, …) in: how much of n bytes, or link.h's errors. */
static int64_t fetch(struct stay *y, uaddr_t src, size_t n)
{
    size_t len;

    if (!y->satellite)
        return -EPIPE;
    /* Nothing at all would come of a range that goes beyond what programs have. */
    n = MIN(MIN(MAX(n, FETCH_MIN), FETCH_MAX), kernel.params->kernel_base - src);
    extents_drop(y, y->answer);
    int err = memory_flush(y);
    if (!err)
        err = wire_tell(y->satellite->link, WIRE_FETCH, (int64_t)src, (int64_t)n, 0);
    if (!err)
        err = stay_answer(y, WIRE_FETCHED, LINK_WAIT, &len);
    if (err)
        return err;
    len -= sizeof(struct wire_head);
    if (len > n)
        return -EBADMSG;
    extent_add(y, src, len, y->answer + sizeof(struct wire_head));
    return (int64_t)len;
}

static size_t copy_in_from(struct stay *y, char *dst, uaddr_t src, size_t n, bool present)
{
    while (n) {
        const struct extent *e = extent_find(y, src, false);
        if (!e && (present || fetch(y, src, n) <= 0))
            return n;
        if (!e)
            continue;
        size_t off = src - e->addr, part = MIN(n, e->len - off);
        /* dst may be the host's memory, which may go: then the copy ends. */
        if (raw_copy_exact(dst, e->data + off, part))
            return n;
        dst += part;
        src += part;
        n -= part;
    }
    return 0;
}

size_t away_copy_in(void *dst, uaddr_t src, size_t n)
{
    return user_range_ok(src, n) ? copy_in_from(current->stay, dst, src, n, false) : n;
}

size_t away_copy_in_present(void *dst, uaddr_t src, size_t n)
{
    return user_range_ok(src, n) ? copy_in_from(current->stay, dst, src, n, true) : n;
}

/* May n bytes at dst be written, and what follows them?  How many bytes, or 0. */
static size_t want(struct stay *y, uaddr_t dst, size_t n)
{
    size_t len, most = MAX(n, WANT_MAX);

    extents_drop(y, y->answer); /* others come there */
    if (!y->satellite || memory_flush(y) ||
        wire_tell(y->satellite->link, WIRE_WANT, (int64_t)dst, (int64_t)n, (int64_t)most) ||
        stay_answer(y, WIRE_WANTED, LINK_WAIT, &len))
        return 0;
    size_t ok = (size_t)wire_head_of(y->answer)->arg[0];
    if (ok > most)
        return 0;
    extent_add(y, dst, ok, NULL);
    return ok;
}

/* Gathers n bytes, which may be written; false: they cannot be sent, or src is the host's and has gone. */
static bool store(struct stay *y, uaddr_t dst, const char *src, size_t n)
{
    size_t padded = ALIGN_UP(n, 8UL), room = LINK_MAX - sizeof(struct wire_head) - y->out_used;

    if (room < sizeof(struct wire_store) + padded && memory_flush(y))
        return false;
    struct wire_store *s = (struct wire_store *)(y->out + y->out_used);
    *s = (struct wire_store){.addr = dst, .len = n};
    if (raw_copy_exact(s + 1, src, n))
        return false;
    y->out_used += sizeof(*s) + padded;
    extents_drop(y, NULL); /* what was fetched may be another now */
    return true;
}

static size_t copy_out_to(struct stay *y, uaddr_t dst, const char *src, size_t n, bool present)
{
    const size_t most = WIRE_DATA_MAX - sizeof(struct wire_store);

    while (n) {
        const struct extent *e = extent_find(y, dst, true);
        if (!e && (present || !want(y, dst, n)))
            return n;
        if (!e)
            continue;
        size_t part = MIN(MIN(n, e->len - (dst - e->addr)), most & ~7UL);
        if (!store(y, dst, src, part))
            return n;
        dst += part;
        src += part;
        n -= part;
    }
    return 0;
}

size_t away_copy_out(uaddr_t dst, const void *src, size_t n)
{
    return user_range_ok(dst, n) ? copy_out_to(current->stay, dst, src, n, false) : n;
}

size_t away_copy_out_present(uaddr_t dst, const void *src, size_t n)
{
    return user_range_ok(dst, n) ? copy_out_to(current->stay, dst, src, n, true) : n;
}

int away_fault_in(uaddr_t addr, size_t n, bool write)
{
    struct stay *y = current->stay;

    if (!user_range_ok(addr, 1))
        return -EFAULT;
    if (extent_find(y, addr, write))
        return 0;
    if (write)
        return want(y, addr, n) ? 0 : -EFAULT;
    return fetch(y, addr, MAX(n, FETCH_AHEAD)) > 0 ? 0 : -EFAULT;
}
