/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line discipline's way out: output processing, and echo (see ldisc.h).
 *
 * In the echo ring a byte OP begins an operation: OP OP is that byte itself, OP and one of the codes
 * below moves columns, OP and any other byte is a control character shown as ^X.
 */
#include "kernel/fs/tty/ldisc_impl.h"

#include <linux/errno.h>

#include "kernel/vfs/uio.h"

#define OP 0xff
#define OP_BACK 0x80      /* one column back */
#define OP_LINE 0x81      /* an edited line begins at this column */
#define OP_ERASE_TAB 0x82 /* with a byte: columns before it, bit 7: since another tab */
#define AFTER_TAB 0x80
#define ECHO_FULL (LDISC_SIZE - 8) /* the oldest goes beyond this */

static void put(struct ldisc *l, uint8_t c)
{
    l->hooks->put(l, &c, 1);
}

static void put_text(struct ldisc *l, const char *s, size_t n)
{
    l->hooks->put(l, (const uint8_t *)s, n);
}

/* Output processing. */

static void put_tab(struct ldisc *l)
{
    unsigned spaces = LDISC_TAB - (l->column & (LDISC_TAB - 1));
    l->column += spaces;
    if ((l->t.c_oflag & TABDLY) == XTABS)
        put_text(l, "        ", spaces);
    else
        put(l, '\t');
}

static void put_return(struct ldisc *l)
{
    uint32_t o = l->t.c_oflag;
    if (o & ONOCR && l->column == 0)
        return;
    if (!(o & OCRNL) || o & ONLRET)
        l->column = l->canon_column = 0;
    put(l, o & OCRNL ? '\n' : '\r');
}

static void put_newline(struct ldisc *l)
{
    uint32_t o = l->t.c_oflag;
    if (o & (ONLRET | ONLCR))
        l->column = 0;
    l->canon_column = l->column;
    if (o & ONLCR)
        put_text(l, "\r\n", 2);
    else
        put(l, '\n');
}

/* One byte with output processing; there is room for LDISC_TAB. */
static void put_processed(struct ldisc *l, uint8_t c)
{
    switch (c) {
    case '\n': put_newline(l); return;
    case '\r': put_return(l); return;
    case '\t': put_tab(l); return;
    case '\b':
        if (l->column)
            l->column--;
        break;
    default:
        if (is_control(c))
            break;
        if (l->t.c_oflag & OLCUC && c >= 'a' && c <= 'z')
            c -= 'a' - 'A';
        if (!is_continuation(l, c))
            l->column++;
        break;
    }
    put(l, c);
}

static void put_any(struct ldisc *l, uint8_t c)
{
    if (l->t.c_oflag & OPOST)
        put_processed(l, c);
    else
        put(l, c);
}

static void put_all(struct ldisc *l, const uint8_t *p, size_t n)
{
    if (!(l->t.c_oflag & OPOST)) {
        l->hooks->put(l, p, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        put_processed(l, p[i]);
}

bool ldisc_writable(const struct ldisc *l)
{
    return !l->stopped && l->hooks->room((struct ldisc *)l) >= LDISC_TAB;
}

int ldisc_write(struct ldisc *l, struct uio *u)
{
    uint8_t piece[256];
    size_t grows = !(l->t.c_oflag & OPOST) ? 1 : (l->t.c_oflag & TABDLY) == XTABS ? LDISC_TAB : 2;
    ldisc_echo_run(l);
    while (u->left) {
        size_t before = u->done;
        size_t n = ldisc_writable(l) ? l->hooks->room(l) / grows : 0;
        if (!n)
            return -EAGAIN;
        int err = uio_get(u, piece, MIN(n, MIN(u->left, sizeof(piece))));
        put_all(l, piece, u->done - before);
        if (err)
            return err;
    }
    return 0;
}

/* Stopping and going on. */

static void flow_set(struct ldisc *l, bool stopped)
{
    if (l->stopped == stopped)
        return;
    l->stopped = stopped;
    l->hooks->flow(l, stopped);
}

void ldisc_stop(struct ldisc *l)
{
    flow_set(l, true);
}

void ldisc_start(struct ldisc *l)
{
    if (!l->held)
        flow_set(l, false);
}

void ldisc_hold(struct ldisc *l, bool on)
{
    if (l->held == on)
        return;
    l->held = on;
    flow_set(l, on);
}

/* The echo ring. */

static uint8_t echo_at(const struct ldisc *l, size_t i)
{
    return l->echo[i & MASK];
}

/* How long what begins at i is. */
static size_t echo_length(const struct ldisc *l, size_t i)
{
    if (echo_at(l, i) != OP)
        return 1;
    return echo_at(l, i + 1) == OP_ERASE_TAB ? 3 : 2;
}

static void echo_byte(struct ldisc *l, uint8_t c)
{
    l->echo[l->echo_head++ & MASK] = c;
}

/* Room for one more operation, at the cost of the oldest. */
static void echo_reserve(struct ldisc *l)
{
    while (l->echo_head - l->echo_tail > ECHO_FULL)
        l->echo_tail += echo_length(l, l->echo_tail);
}

static void echo_op(struct ldisc *l, uint8_t code)
{
    echo_reserve(l);
    echo_byte(l, OP);
    echo_byte(l, code);
}

void echo_raw(struct ldisc *l, uint8_t c)
{
    echo_reserve(l);
    if (c == OP)
        echo_byte(l, OP);
    echo_byte(l, c);
}

void echo_char(struct ldisc *l, uint8_t c)
{
    if (is_lflag(l, ECHOCTL) && is_control(c) && c != '\t')
        echo_op(l, c);
    else
        echo_raw(l, c);
}

void echo_column_begin(struct ldisc *l)
{
    echo_op(l, OP_LINE);
}

void echo_back(struct ldisc *l)
{
    echo_op(l, OP_BACK);
}

void echo_erase_tab(struct ldisc *l, unsigned before, bool after_tab)
{
    echo_op(l, OP_ERASE_TAB);
    echo_byte(l, (uint8_t)((before & (LDISC_TAB - 1)) | (after_tab ? AFTER_TAB : 0)));
}

void echo_erase_end(struct ldisc *l)
{
    if (l->erasing)
        echo_raw(l, '/');
    l->erasing = false;
}

void echo_drop(struct ldisc *l)
{
    l->echo_tail = l->echo_head;
}

/* As many columns back as the tab had taken: to where its text began, or the tab before it. */
static void erase_tab(struct ldisc *l, uint8_t arg)
{
    unsigned before = arg & AFTER_TAB ? arg : arg + l->canon_column;
    unsigned n = LDISC_TAB - (before & (LDISC_TAB - 1));
    put_text(l, "\b\b\b\b\b\b\b\b", n);
    l->column -= MIN(l->column, n);
}

static void echo_run_op(struct ldisc *l, uint8_t code, size_t at)
{
    switch (code) {
    case OP_BACK: l->column -= l->column != 0; break;
    case OP_LINE: l->canon_column = l->column; break;
    case OP_ERASE_TAB: erase_tab(l, echo_at(l, at + 2)); break;
    case OP:
        put(l, OP);
        l->column++;
        break;
    default:
        put(l, '^');
        put(l, code ^ 0100);
        l->column += 2;
        break;
    }
}

void ldisc_echo_run(struct ldisc *l)
{
    while (l->echo_tail != l->echo_head && ldisc_writable(l)) {
        size_t at = l->echo_tail;
        uint8_t c = echo_at(l, at);
        l->echo_tail += echo_length(l, at);
        if (c == OP)
            echo_run_op(l, echo_at(l, at + 1), at);
        else
            put_any(l, c);
    }
}
