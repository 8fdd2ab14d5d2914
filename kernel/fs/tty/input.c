/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line discipline's way in: what is typed is mapped, edited, raises signals, starts and stops output,
 * is echoed, and goes into the input ring (see ldisc.h).
 *
 * A line that is longer than the ring loses what does not fit, but never its end: while no whole line is
 * there, the last place is written again and again.  In all other cases a full ring takes no more, and
 * the other side waits.
 */
#include "kernel/fs/tty/ldisc_impl.h"

#include <asm/signal.h>

#include "lib/string.h"

#define MARK 0xff /* PARMRK: a byte of this value is doubled */

/* How many bytes may be taken now. */
static size_t input_room(struct ldisc *l)
{
    size_t room = LDISC_SIZE - (l->head - l->tail);
    if (is_iflag(l, PARMRK))
        room = (room + 2) / 3;
    if (room > 1)
        return room - 1;
    if (!LDISC_ICANON(l) || l->canon_head != l->tail)
        return 0;
    if (!room)
        l->head--;
    return 1;
}

static void put_input(struct ldisc *l, uint8_t c)
{
    if (c == MARK && is_iflag(l, PARMRK))
        ring_put(l, c);
    ring_put(l, c);
}

static void echo_typed(struct ldisc *l, uint8_t c)
{
    if (!is_lflag(l, ECHO))
        return;
    echo_erase_end(l);
    if (l->canon_head == l->head)
        echo_column_begin(l);
    echo_char(l, c);
}

/* A character without a function now. */
static void take_plain(struct ldisc *l, uint8_t c)
{
    echo_typed(l, c);
    put_input(l, c);
}

static bool take_flow(struct ldisc *l, uint8_t c)
{
    if (!is_iflag(l, IXON))
        return false;
    if (is_char(l, c, VSTART))
        ldisc_start(l);
    else if (is_char(l, c, VSTOP))
        ldisc_stop(l);
    else
        return false;
    return true;
}

void ldisc_flush_input(struct ldisc *l)
{
    l->head = l->canon_head = l->tail = 0;
    memset(l->ends, 0, sizeof(l->ends));
    l->erasing = l->lnext = false;
    l->hooks->flushed(l, true, false);
}

static bool take_signal(struct ldisc *l, uint8_t c)
{
    int sig;
    if (!is_lflag(l, ISIG))
        return false;
    if (is_char(l, c, VINTR))
        sig = SIGINT;
    else if (is_char(l, c, VQUIT))
        sig = SIGQUIT;
    else if (is_char(l, c, VSUSP))
        sig = SIGTSTP;
    else
        return false;
    l->hooks->signal(l, sig);
    if (!is_lflag(l, NOFLSH)) {
        echo_drop(l);
        l->hooks->flushed(l, false, true);
        ldisc_flush_input(l);
    }
    if (is_iflag(l, IXON))
        ldisc_start(l);
    if (is_lflag(l, ECHO))
        echo_char(l, c);
    return true;
}

/* A line ends with this character, which is '\0' for the end of file. */
static void end_line(struct ldisc *l, uint8_t c)
{
    end_set(l, l->head);
    ring_put(l, c);
    l->canon_head = l->head;
}

static void reprint(struct ldisc *l, uint8_t c)
{
    echo_erase_end(l);
    echo_char(l, c);
    echo_raw(l, '\n');
    for (size_t i = l->canon_head; i != l->head; i++)
        echo_char(l, ring_at(l, i));
}

static bool take_extended(struct ldisc *l, uint8_t c)
{
    if (!is_lflag(l, IEXTEN))
        return false;
    if (is_char(l, c, VWERASE)) {
        erase_typed(l, c);
    } else if (is_char(l, c, VLNEXT)) {
        l->lnext = true;
        if (is_lflag(l, ECHO)) {
            echo_erase_end(l);
            if (is_lflag(l, ECHOCTL)) {
                echo_raw(l, '^');
                echo_raw(l, '\b');
            }
        }
    } else if (is_char(l, c, VREPRINT) && is_lflag(l, ECHO)) {
        reprint(l, c);
    } else {
        return false;
    }
    return true;
}

static bool take_editing(struct ldisc *l, uint8_t c)
{
    if (is_char(l, c, VERASE) || is_char(l, c, VKILL)) {
        erase_typed(l, c);
    } else if (take_extended(l, c)) {
        return true;
    } else if (c == '\n') {
        if (is_lflag(l, ECHO | ECHONL))
            echo_raw(l, '\n');
        end_line(l, c);
    } else if (is_char(l, c, VEOF)) {
        end_line(l, '\0');
    } else if (is_char(l, c, VEOL) || (is_lflag(l, IEXTEN) && is_char(l, c, VEOL2))) {
        if (is_lflag(l, ECHO)) {
            if (l->canon_head == l->head)
                echo_column_begin(l);
            echo_char(l, c);
        }
        if (c == MARK && is_iflag(l, PARMRK))
            ring_put(l, c);
        end_line(l, c);
    } else {
        return false;
    }
    return true;
}

/* A character that may have a function. */
static void take_special(struct ldisc *l, uint8_t c)
{
    if (take_flow(l, c) || take_signal(l, c))
        return;
    if (l->stopped && (l->t.c_iflag & (IXON | IXANY)) == (IXON | IXANY))
        ldisc_start(l);
    if (c == '\r') {
        if (is_iflag(l, IGNCR))
            return;
        if (is_iflag(l, ICRNL))
            c = '\n';
    } else if (c == '\n' && is_iflag(l, INLCR)) {
        c = '\r';
    }
    if (is_lflag(l, ICANON) && take_editing(l, c))
        return;
    if (c != '\n') {
        take_plain(l, c);
        return;
    }
    if (is_lflag(l, ECHO)) {
        echo_erase_end(l);
        echo_raw(l, c);
    }
    put_input(l, c);
}

static void take(struct ldisc *l, uint8_t c)
{
    if (is_iflag(l, ISTRIP))
        c &= 0x7f;
    if (is_iflag(l, IUCLC) && is_lflag(l, IEXTEN) && c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (is_lflag(l, EXTPROC)) {
        ring_put(l, c);
    } else if (l->lnext) {
        l->lnext = false;
        take_plain(l, c);
    } else if (l->special[c / 64] >> (c % 64) & 1) {
        take_special(l, c);
    } else {
        if (l->stopped && (l->t.c_iflag & (IXON | IXANY)) == (IXON | IXANY))
            ldisc_start(l);
        take_plain(l, c);
    }
}

static void take_raw(struct ldisc *l, const uint8_t *p, size_t n)
{
    size_t at = l->head & MASK, first = MIN(n, LDISC_SIZE - at);
    memcpy(l->ring + at, p, first);
    memcpy(l->ring, p + first, n - first);
    l->head += n;
}

size_t ldisc_receive(struct ldisc *l, const uint8_t *p, size_t n)
{
    size_t done = 0, room;
    while (done < n && (room = input_room(l)) > 0) {
        size_t part = MIN(room, n - done);
        if (l->raw)
            take_raw(l, p + done, part);
        for (size_t i = 0; i < part && !l->raw; i++)
            take(l, p[done + i]);
        done += part;
    }
    ldisc_echo_run(l);
    return done;
}
