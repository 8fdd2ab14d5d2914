/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the line discipline share: the rings, classes of characters, echo. */
#ifndef KERNEL_FS_TTY_LDISC_IMPL_H
#define KERNEL_FS_TTY_LDISC_IMPL_H

#include "kernel/fs/tty/ldisc.h"

#define MASK (LDISC_SIZE - 1)
#define DISABLED 0 /* _POSIX_VDISABLE: no character has this function */

static inline uint8_t ring_at(const struct ldisc *l, size_t i)
{
    return l->ring[i & MASK];
}

static inline void ring_put(struct ldisc *l, uint8_t c)
{
    l->ring[l->head++ & MASK] = c;
}

static inline bool end_at(const struct ldisc *l, size_t i)
{
    return l->ends[(i & MASK) / 64] >> (i % 64) & 1;
}

static inline void end_set(struct ldisc *l, size_t i)
{
    l->ends[(i & MASK) / 64] |= 1UL << (i % 64);
}

static inline void end_clear(struct ldisc *l, size_t i)
{
    l->ends[(i & MASK) / 64] &= ~(1UL << (i % 64));
}

static inline bool is_lflag(const struct ldisc *l, uint32_t flag)
{
    return l->t.c_lflag & flag;
}

static inline bool is_iflag(const struct ldisc *l, uint32_t flag)
{
    return l->t.c_iflag & flag;
}

/* Is c the character for a function (V*)? */
static inline bool is_char(const struct ldisc *l, uint8_t c, unsigned function)
{
    return c != DISABLED && c == l->t.c_cc[function];
}

static inline bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

/* A byte of a UTF-8 character that is not its first. */
static inline bool is_continuation(const struct ldisc *l, uint8_t c)
{
    return is_iflag(l, IUTF8) && (c & 0xc0) == 0x80;
}

/* echo.c: what goes into the echo ring. */
void echo_raw(struct ldisc *l, uint8_t c);
void echo_char(struct ldisc *l, uint8_t c); /* with ECHOCTL as ^X */
void echo_column_begin(struct ldisc *l);    /* a line that is edited begins here */
void echo_back(struct ldisc *l);            /* the cursor's column is one less */
/* A tab is erased that has `before` columns of the line, or of what follows the tab before, in front. */
void echo_erase_tab(struct ldisc *l, unsigned before, bool after_tab);
void echo_erase_end(struct ldisc *l); /* ECHOPRT: closes what is erased */
void echo_drop(struct ldisc *l);

/* erase.c: ERASE, WERASE or KILL was typed. */
void erase_typed(struct ldisc *l, uint8_t c);

#endif
