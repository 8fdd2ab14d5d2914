/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the fuzzer and the unit test: any settings, and any bytes from both sides in any order, with little room for what is shown.  The
 * rings' positions stay what ldisc.h says, nothing is put where there is no room, and nobody waits
 * for ever: with room, all echo goes out.
 */
#ifndef KERNEL_FS_TTY_TEST_ANYTHING_H
#define KERNEL_FS_TTY_TEST_ANYTHING_H

#include "kernel/fs/tty/echo.c"
#include "kernel/fs/tty/erase.c"
#include "kernel/fs/tty/input.c"
#include "kernel/fs/tty/ldisc.c"

#define SCREEN 64

static size_t fuzz_room, fuzz_signals;

static void require(bool ok)
{
    if (!ok)
        __builtin_trap();
}

static size_t fuzz_room_get(struct ldisc *l)
{
    (void)l;
    return fuzz_room;
}

static void fuzz_put(struct ldisc *l, const uint8_t *p, size_t n)
{
    (void)l;
    (void)p;
    require(n <= fuzz_room);
    fuzz_room -= n;
}

static void fuzz_signal(struct ldisc *l, int sig)
{
    (void)l;
    (void)sig;
    fuzz_signals++;
}

static void fuzz_flow(struct ldisc *l, bool stopped)
{
    require(l->stopped == stopped);
}

static void fuzz_flushed(struct ldisc *l, bool input, bool output)
{
    (void)output;
    require(!input || l->head == l->tail);
}

static const struct ldisc_hooks fuzz_hooks = {fuzz_room_get, fuzz_put, fuzz_signal, fuzz_flow,
                                              fuzz_flushed};

static void sound(const struct ldisc *l)
{
    require(l->head - l->tail <= LDISC_SIZE);
    require(!LDISC_ICANON(l) || l->canon_head - l->tail <= l->head - l->tail);
    require(l->echo_head - l->echo_tail <= LDISC_SIZE);
    require(!l->held || l->stopped);
    require(ldisc_count(l) <= LDISC_SIZE);
}

/* New settings out of the input, as far as it goes; the higher bits have no meaning here. */
static size_t fuzz_settings(struct ldisc *l, const uint8_t *p, size_t n)
{
    struct termios2 old = l->t;
    uint16_t words[3];
    size_t cc = MIN(n > sizeof(words) ? n - sizeof(words) : 0, (size_t)NCCS);
    if (n < sizeof(words))
        return n;
    memcpy(words, p, sizeof(words));
    l->t.c_iflag = words[0];
    l->t.c_oflag = words[1];
    l->t.c_lflag = words[2] | (words[2] & 1 ? 0U : (uint32_t)EXTPROC);
    memcpy(l->t.c_cc, p + sizeof(words), cc);
    ldisc_changed(l, &old);
    return sizeof(words) + cc;
}

static void fuzz_read(struct ldisc *l, size_t n)
{
    char buf[256];
    struct uio_seg seg;
    struct uio u;
    uio_init_kernel(&u, &seg, buf, n);
    int err = ldisc_read(l, &u);
    require(u.done <= n && (err == 0 || err == -EAGAIN));
    require(err || !LDISC_ICANON(l) || u.done <= n);
    (void)ldisc_patience(l, &u);
}

static void fuzz_write(struct ldisc *l, const uint8_t *p, size_t n)
{
    struct uio_seg seg;
    struct uio u;
    uio_init_kernel(&u, &seg, (void *)(uintptr_t)p, n);
    int err = ldisc_write(l, &u);
    require(err == 0 ? u.left == 0 : err == -EAGAIN);
}

/* One step; returns how many bytes it used. */
static size_t fuzz_step(struct ldisc *l, uint8_t op, const uint8_t *p, size_t n)
{
    size_t part = MIN(n, (size_t)(op >> 3) * 4);
    switch (op & 7) {
    case 0: return fuzz_settings(l, p, n);
    case 1: require(ldisc_receive(l, p, part) <= part); return part;
    case 2: fuzz_write(l, p, part); return part;
    case 3: fuzz_read(l, op); return 0;
    case 4:
        fuzz_room = op;
        ldisc_echo_run(l);
        require(!ldisc_writable(l) || l->echo_head == l->echo_tail);
        return 0;
    case 5: ldisc_hold(l, op & 8); return 0;
    case 6: /* a long line, or many bytes */
        for (unsigned i = 0; i < 300; i++)
            (void)ldisc_receive(l, p, part);
        return part;
    default: ldisc_flush_input(l); return 0;
    }
}

static void ldisc_anything(const uint8_t *data, size_t size)
{
    struct ldisc l;
    require(!ldisc_init(&l, &fuzz_hooks));
    fuzz_room = SCREEN;
    while (size) {
        size_t used = 1 + fuzz_step(&l, *data, data + 1, size - 1);
        sound(&l);
        data += used;
        size -= used;
    }
    ldisc_fini(&l);
}

#endif
