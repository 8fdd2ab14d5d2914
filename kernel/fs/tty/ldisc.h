/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The line discipline: what a terminal does to bytes on their way, as Linux's N_TTY does it.
 *
 *   typed ──ldisc_receive──► editing, signals, flow control ──► input ring ──ldisc_read──► the program
 *                                │ echo
 *   shown ◄──── hooks->put ──────┴──── output processing ◄──ldisc_write── the program
 *
 * The input ring's positions only grow; they are taken modulo its size.  With ICANON, tail <= canon_head
 * <= head: up to canon_head are whole lines, behind it is the line that is being edited.  Where a line ends
 * is a bit in `ends`; an end of file is a '\0' with that bit.
 *
 * Echo that finds no room, or output stopped, is kept in a ring of its own and goes out first.  It holds
 * bytes and operations on columns, since columns are known only when it goes out.
 *
 * The owner's lock (one that sleeps, since data is copied from and to programs) guards it all.
 */
#ifndef KERNEL_FS_TTY_LDISC_H
#define KERNEL_FS_TTY_LDISC_H

#include <asm/termbits.h>

#include "kernel/types.h"

struct ldisc;
struct uio;

#define LDISC_SIZE 4096U /* of the input ring, and of the echo ring */
#define LDISC_TAB 8U     /* the most bytes that one becomes on output */

struct ldisc_hooks {
    size_t (*room)(struct ldisc *l);                           /* for output, in bytes */
    void (*put)(struct ldisc *l, const uint8_t *p, size_t n);  /* n <= room */
    void (*signal)(struct ldisc *l, int sig);                  /* to the foreground group */
    void (*flow)(struct ldisc *l, bool stopped);               /* output was stopped, goes on */
    void (*flushed)(struct ldisc *l, bool input, bool output); /* forget what is on its way, too */
};

struct ldisc {
    const struct ldisc_hooks *hooks; /* [I] */
    struct termios2 t;
    uint8_t *ring, *echo; /* [I] */
    uint64_t ends[LDISC_SIZE / 64];
    uint64_t special[4]; /* characters that t makes something of */
    size_t head, canon_head, tail;
    size_t echo_head, echo_tail;
    unsigned column;       /* of the output's cursor */
    unsigned canon_column; /* where the line began that is being edited */
    bool raw;              /* input passes as it is */
    bool lnext;            /* the next character is taken literally */
    bool erasing;          /* ECHOPRT: within \.../ */
    bool stopped;          /* output is, by STOP or by request … */
    bool held;             /* … which START does not end */
};

#define LDISC_ICANON(l) (((l)->t.c_lflag & (ICANON | EXTPROC)) == ICANON)

MUST_CHECK int ldisc_init(struct ldisc *l, const struct ldisc_hooks *hooks);
void ldisc_fini(struct ldisc *l);
/* New settings have been put into l->t, old is what was there. */
void ldisc_changed(struct ldisc *l, const struct termios2 *old);

/* All as in the beginning, but for what is shown already. */
void ldisc_reset(struct ldisc *l);

/* Bytes from the other side; returns how many found room. */
size_t ldisc_receive(struct ldisc *l, const uint8_t *p, size_t n);

/*
 * A program reads: 0 when that ends the read (u->done may be 0: the end of file), -EAGAIN when it
 * should go on waiting, though something may have been moved, or -EFAULT.
 */
MUST_CHECK int ldisc_read(struct ldisc *l, struct uio *u);
/* How long a read that has moved u->done bytes waits for the next one. */
ktime_t ldisc_patience(const struct ldisc *l, const struct uio *u);
bool ldisc_readable(const struct ldisc *l); /* as poll(2) means it */
size_t ldisc_count(const struct ldisc *l);  /* FIONREAD */
void ldisc_flush_input(struct ldisc *l);

/* A program writes what there is room for: 0, -EAGAIN, -EFAULT. */
MUST_CHECK int ldisc_write(struct ldisc *l, struct uio *u);
bool ldisc_writable(const struct ldisc *l);
/* There may be room again: echo that waits goes out. */
void ldisc_echo_run(struct ldisc *l);
/* Stops output, or lets it go on; held: by request, not by a character. */
void ldisc_stop(struct ldisc *l);
void ldisc_start(struct ldisc *l);
void ldisc_hold(struct ldisc *l, bool on);

#endif
