/* SPDX-License-Identifier: Apache-2.0 */
/* The line discipline: its settings, and what a program reads (see ldisc.h). */
#include "kernel/fs/tty/ldisc.h"

#include <linux/errno.h>

#include "kernel/fs/tty/ldisc_impl.h"
#include "kernel/mm/heap.h"
#include "kernel/vfs/uio.h"
#include "lib/string.h"

#define TENTH 100000000L /* of a second, in ns */

static const struct termios2 default_termios = {
    .c_iflag = ICRNL | IXON,
    .c_oflag = OPOST | ONLCR,
    .c_cflag = B38400 | CS8 | CREAD,
    .c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
    .c_cc = {[VINTR] = 'C' - 64,
             [VQUIT] = '\\' - 64,
             [VERASE] = 0x7f,
             [VKILL] = 'U' - 64,
             [VEOF] = 'D' - 64,
             [VSTART] = 'Q' - 64,
             [VSTOP] = 'S' - 64,
             [VSUSP] = 'Z' - 64,
             [VREPRINT] = 'R' - 64,
             [VDISCARD] = 'O' - 64,
             [VWERASE] = 'W' - 64,
             [VLNEXT] = 'V' - 64,
             [VMIN] = 1},
    .c_ispeed = 38400,
    .c_ospeed = 38400,
};

static void special_add(struct ldisc *l, uint8_t c)
{
    l->special[c / 64] |= 1UL << (c % 64);
}

static void special_functions(struct ldisc *l, const uint8_t *functions, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (l->t.c_cc[functions[i]] != DISABLED)
            special_add(l, l->t.c_cc[functions[i]]);
}

/* Which characters have a function, and whether any byte is looked at. */
static void special_update(struct ldisc *l)
{
    static const uint8_t flow[] = {VSTART, VSTOP}, signals[] = {VINTR, VQUIT, VSUSP};
    static const uint8_t editing[] = {VERASE, VKILL, VEOF, VEOL, VWERASE, VLNEXT, VREPRINT, VEOL2};
    const uint32_t iflags = ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK;
    memset(l->special, 0, sizeof(l->special));
    l->raw = !is_iflag(l, iflags) && !is_lflag(l, ICANON | ISIG | ECHO);
    if (is_iflag(l, IGNCR | ICRNL))
        special_add(l, '\r');
    if (is_iflag(l, INLCR) || is_lflag(l, ICANON))
        special_add(l, '\n');
    if (is_lflag(l, ICANON))
        special_functions(l, editing, sizeof(editing));
    if (is_iflag(l, IXON))
        special_functions(l, flow, sizeof(flow));
    if (is_lflag(l, ISIG))
        special_functions(l, signals, sizeof(signals));
}

int ldisc_init(struct ldisc *l, const struct ldisc_hooks *hooks)
{
    memset(l, 0, sizeof(*l));
    l->hooks = hooks;
    l->t = default_termios;
    l->ring = kmalloc(LDISC_SIZE);
    l->echo = kmalloc(LDISC_SIZE);
    if (!l->ring || !l->echo) {
        ldisc_fini(l);
        return -ENOMEM;
    }
    special_update(l);
    return 0;
}

void ldisc_fini(struct ldisc *l)
{
    kfree(l->ring);
    kfree(l->echo);
}

/* What is in the ring becomes one line, or lines become bytes. */
static void mode_changed(struct ldisc *l)
{
    memset(l->ends, 0, sizeof(l->ends));
    l->canon_head = l->tail;
    if (is_lflag(l, ICANON) && l->head != l->tail) {
        end_set(l, l->head - 1);
        l->canon_head = l->head;
    }
    l->erasing = l->lnext = false;
}

void ldisc_changed(struct ldisc *l, const struct termios2 *old)
{
    if ((old->c_lflag ^ l->t.c_lflag) & (ICANON | EXTPROC))
        mode_changed(l);
    special_update(l);
    if (old->c_iflag & IXON && !is_iflag(l, IXON))
        ldisc_start(l);
    ldisc_echo_run(l);
}

void ldisc_reset(struct ldisc *l)
{
    struct termios2 old = l->t;
    l->t = default_termios;
    ldisc_changed(l, &old);
    echo_drop(l);
    ldisc_flush_input(l);
    ldisc_hold(l, false);
    ldisc_start(l);
}

/* Reading. */

/* n bytes from the tail on to the reader; tail is not moved. */
static int copy_ring(const struct ldisc *l, struct uio *u, size_t n)
{
    size_t at = l->tail & MASK, first = MIN(n, LDISC_SIZE - at);
    int err = uio_put(u, l->ring + at, first);
    return err || n == first ? err : uio_put(u, l->ring, n - first);
}

/* A character that only ends the file is not read. */
static bool is_eof(const struct ldisc *l, size_t i)
{
    return end_at(l, i) && ring_at(l, i) == DISABLED;
}

static int read_line(struct ldisc *l, struct uio *u)
{
    size_t n = 0, before = u->done, avail = l->canon_head - l->tail;
    if (!avail)
        return -EAGAIN;
    while (n < avail && n < u->left && !end_at(l, l->tail + n))
        n++;
    if (n < avail && n < u->left && !is_eof(l, l->tail + n))
        n++;
    int err = copy_ring(l, u, n);
    n = u->done - before;
    l->tail += n;
    if (n && end_at(l, l->tail - 1)) {
        end_clear(l, l->tail - 1);
    } else if (!err && l->tail != l->canon_head && is_eof(l, l->tail)) {
        end_clear(l, l->tail++); /* it goes with what came before it, even where that just fitted */
    }
    return err;
}

static int read_bytes(struct ldisc *l, struct uio *u)
{
    size_t before = u->done;
    int err = copy_ring(l, u, MIN(u->left, l->head - l->tail));
    l->tail += u->done - before;
    if (err || !u->left)
        return err;
    if (!l->t.c_cc[VMIN])
        return u->done || !l->t.c_cc[VTIME] ? 0 : -EAGAIN;
    return u->done >= l->t.c_cc[VMIN] ? 0 : -EAGAIN;
}

int ldisc_read(struct ldisc *l, struct uio *u)
{
    if (!u->left)
        return 0;
    return LDISC_ICANON(l) ? read_line(l, u) : read_bytes(l, u);
}

ktime_t ldisc_patience(const struct ldisc *l, const struct uio *u)
{
    if (LDISC_ICANON(l) || !l->t.c_cc[VTIME] || (l->t.c_cc[VMIN] && !u->done))
        return KTIME_NEVER;
    return l->t.c_cc[VTIME] * TENTH;
}

bool ldisc_readable(const struct ldisc *l)
{
    size_t least = l->t.c_cc[VMIN] && !l->t.c_cc[VTIME] ? l->t.c_cc[VMIN] : 1;
    return LDISC_ICANON(l) ? l->canon_head != l->tail : l->head - l->tail >= least;
}

size_t ldisc_count(const struct ldisc *l)
{
    size_t n = 0;
    if (!LDISC_ICANON(l))
        return l->head - l->tail;
    for (size_t i = l->tail; i != l->canon_head; i++)
        n += !is_eof(l, i);
    return n;
}
