/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes ahead: with a file that the guest has just opened to read comes what it is and what it holds, or begins with if
 * it is large, since mostly that is asked for next; a compiler opens, stats, reads and closes some hundred.
 *
 * It is used for nothing but the calls right after the open: until the next call that goes to the base, or another
 * word of it, by which the guest could learn that the file is not any more as it was; and not for longer than a
 * moment, for those who look at a clock.  The descriptor is the guest's alone meanwhile, since its one thread has made no call: so where it is
 * in the file may be told with the next one (struct wire_used).
 *
 * Only the guest's thread comes here.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <asm/unistd.h>

#include "kernel/mm/heap.h"
#include "kernel/satellite/guest.h"
#include "kernel/sched/clock.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/vfs.h"
#include "lib/string.h"

#define AHEAD_NS 10000000
#define AHEAD_PAGES ((WIRE_AHEAD_MAX + PAGE_SIZE - 1) / PAGE_SIZE)

static struct {
    int fd;        /* -1: none */
    ktime_t until; /* … it is good for answers */
    uint64_t pos;  /* how far it has been read here; the base knows nothing of it */
    size_t n;      /* bytes of data, from the file's beginning on */
    struct statx st;
    char *data;    /* AHEAD_PAGES, for the next guest too; NULL: not yet */
    uint32_t used; /* answers that were given */
} ahead = {.fd = -1};

void ahead_take(int fd, const struct letter *l)
{
    const struct statx *st = letter_body(l, sizeof(*st));
    size_t n = l->n - sizeof(struct wire_head) - sizeof(*st);

    if (!st || n > WIRE_AHEAD_MAX || n > st->stx_size)
        return;
    if (!ahead.data && (ahead.data = kpages_alloc_any(AHEAD_PAGES)) == NULL)
        return;
    ahead.fd = fd;
    ahead.until = clock_mono() + AHEAD_NS;
    ahead.pos = 0;
    ahead.st = *st;
    ahead.n = n;
    memcpy(ahead.data, st + 1, n);
}

void ahead_drop(void)
{
    ahead.fd = -1;
    ahead.used = 0;
}

void ahead_stale(void)
{
    ahead.until = 0;
}

static bool path_is_empty(uaddr_t path)
{
    char c;

    return !copy_in(&c, path, 1) && !c;
}

static bool read_ahead(struct user_regs *regs)
{
    size_t n = MIN(regs->rdx, ahead.n - ahead.pos);
    bool known = n == regs->rdx || (ahead.n && ahead.n == ahead.st.stx_size);

    if (!known || !user_range_ok(regs->rsi, regs->rdx) ||
        (n && copy_out(regs->rsi, ahead.data + ahead.pos, n)))
        return false;
    ahead.pos += n;
    regs->rax = n;
    return true;
}

static bool stat_ahead(struct user_regs *regs, uaddr_t buf)
{
    regs->rax = 0;
    return stat_out(buf, &ahead.st) == 0;
}

bool ahead_answers(struct user_regs *regs)
{
    bool known = false;

    if (ahead.fd < 0 || (int)regs->rdi != ahead.fd || clock_mono() >= ahead.until)
        return false;
    switch (regs->orig_rax) {
    case __NR_read: known = read_ahead(regs); break;
    case __NR_fstat: known = stat_ahead(regs, regs->rsi); break;
    case __NR_newfstatat:
        known = (int)regs->r10 == AT_EMPTY_PATH && path_is_empty(regs->rsi) &&
                stat_ahead(regs, regs->rdx);
        break;
    default: break;
    }
    ahead.used += known;
    return known;
}

void ahead_end(struct wire_used *u, const struct user_regs *regs)
{
    bool closes = regs->orig_rax == __NR_close && (int)regs->rdi == ahead.fd;

    u->ahead_used = ahead.used;
    u->ahead_fd = ahead.fd >= 0 && ahead.pos && !closes ? ahead.fd : -1;
    u->ahead_pos = (int64_t)ahead.pos;
    ahead.fd = -1;
}
