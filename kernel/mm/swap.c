/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of turns in an overlay group: the old holder's private pages go out of the way as far as any
 * other member uses their addresses, the new one's come into their place.
 *
 *   1. pages of the old holder where the new one has nothing put away: copied out
 *   2. blocks of the new holder: exchanged with what is in place, so that this takes no memory; a block
 *      that got something of the old holder's becomes its
 *   3. what is in place and nobody's now: zero for the new holder if it may have that, else gone
 *
 * Only threads of the new holder run when this is done, and none of the group meanwhile.
 */
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/overlay_impl.h"
#include "kernel/mm/pagemap.h"
#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/vfs/file.h"
#include "lib/string.h"

#include <linux/errno.h>
#include <linux/signal.h>

#define PLACE_RW (EPAGE_R | EPAGE_W)
#define PIECE 1024 /* exchanged at a time, on the kernel stack */

static struct swap_stats stats;

void swap_stats_get(struct swap_stats *out)
{
    out->changes = __atomic_load_n(&stats.changes, __ATOMIC_RELAXED);
    out->pages = __atomic_load_n(&stats.pages, __ATOMIC_RELAXED);
}

/* The state of a page in place says that its contents are one member's, so the old holder's. */
static bool is_own(unsigned state)
{
    return (state & PAGE_PRESENT) && !(state & (PAGE_COMMON | PAGE_CLEAN));
}

/* The page in place, if there is one, is nobody's now. */
static void disown(uaddr_t addr, size_t n, unsigned state)
{
    if (!(state & PAGE_PRESENT))
        return;
    if (state & PAGE_PERM) {
        pagemap_set(addr, n, PAGE_SPARE | (state & PAGE_PERM));
        return;
    }
    epage_remove(addr, n);
    pagemap_set(addr, n, PAGE_ABSENT);
}

/* The kernel may read and write n pages that are in place with permission perm; and no more. */
static void place_open(uaddr_t addr, size_t n, unsigned perm)
{
    if ((perm & PLACE_RW) != PLACE_RW)
        epage_open(addr, n, perm, perm | PLACE_RW);
}

static void place_close(uaddr_t addr, size_t n, unsigned perm, unsigned want)
{
    if ((perm | PLACE_RW) != want)
        epage_protect(addr, n, perm | PLACE_RW, want);
}

/* --- 1 ------------------------------------------------------------------------------------ */

/* n pages of `from`'s own go out; AWAY_PAGES at most. */
static void put_out(struct mm *from, uaddr_t start, size_t n, unsigned state)
{
    struct away *a = member_away_add(from, start, n);

    if (a) {
        place_open(start, n, state & PAGE_PERM);
        memcpy(a->memory, (const void *)start, n * PAGE_SIZE);
        place_close(start, n, state & PAGE_PERM, state & PAGE_PERM);
        memset(a->state, (int)state, n);
    } else {
        from->lost = true;
    }
    disown(start, n, state);
    __atomic_fetch_add(&stats.pages, n, __ATOMIC_RELAXED);
}

/* n pages that are as their file has them stay if they are that for all that map something there. */
static void leave_or_clear(struct mm *from, uaddr_t addr, size_t n, unsigned state)
{
    if (!(state & PAGE_CLEAN))
        return;
    for (size_t run; n > 0; n -= run, addr += run * PAGE_SIZE) {
        run = n;
        if (!clean_users(from, addr, &run) && overlay_used(from, addr, addr + 1))
            disown(addr, run, state);
    }
}

/* How many of the n pages from addr on lie before the next block of `to`; 0: addr is in one, *skip pages of it. */
static size_t before_block(const struct mm *to, uaddr_t addr, size_t n, size_t *skip)
{
    const struct away *a = away_find(&to->away, addr);

    *skip = 0;
    if (!a)
        return n;
    if (a->start <= addr) {
        *skip = MIN(n, (away_end(a) - addr) / PAGE_SIZE);
        return 0;
    }
    return MIN(n, (a->start - addr) / PAGE_SIZE);
}

static void run_out(struct mm *from, struct mm *to, uaddr_t at, size_t n, unsigned state)
{
    while (n > 0) {
        size_t skip, part = before_block(to, at, MIN(n, AWAY_PAGES), &skip);

        if (part && is_own(state))
            put_out(from, at, part, state);
        else if (part)
            leave_or_clear(from, at, part, state);
        part += skip;
        at += part * PAGE_SIZE;
        n -= part;
    }
}

static void region_out(struct mm *from, struct mm *to, const struct region *r)
{
    size_t n = (r->end - r->start) / PAGE_SIZE, run;
    unsigned state;

    for (uaddr_t at = r->start; n > 0; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if (state & PAGE_PRESENT)
            run_out(from, to, at, run, state);
    }
}

/* --- 2 ------------------------------------------------------------------------------------ */

/* Eight words at a time, without a branch for each. */
static bool page_same(const uint64_t *a, const uint64_t *b)
{
    for (const uint64_t *end = a + PAGE_SIZE / sizeof(*a); a < end; a += 8, b += 8) {
        uint64_t differ = (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]);
        differ |= (a[4] ^ b[4]) | (a[5] ^ b[5]) | (a[6] ^ b[6]) | (a[7] ^ b[7]);
        if (differ)
            return false;
    }
    return true;
}

/* Much of what a family has is as it was when it forked: a look is cheaper than three copies. */
static void exchange(char *a, char *b)
{
    char piece[PIECE];

    if (page_same((const uint64_t *)a, (const uint64_t *)b))
        return;
    for (size_t i = 0; i < PAGE_SIZE; i += PIECE) {
        memcpy(piece, a + i, PIECE);
        memcpy(a + i, b + i, PIECE);
        memcpy(b + i, piece, PIECE);
    }
}

/* Pages of a block that are alike, and so is what is in place there. */
struct piece {
    size_t i, n;    /* in the block */
    unsigned want;  /* the state of the block's; 0: it has none */
    unsigned state; /* of those in place, as place_state says */
};

/* What is in place changes places with the block's, or makes room for it, or goes there. */
static void piece_exchange(struct away *a, const struct piece *p, bool out)
{
    uaddr_t addr = a->start + p->i * PAGE_SIZE;
    char *memory = away_page(a, p->i);

    if (!out)
        memcpy((void *)addr, memory, p->n * PAGE_SIZE);
    else if (!p->want)
        memcpy(memory, (void *)addr, p->n * PAGE_SIZE);
    else
        for (size_t at = 0; at < p->n * PAGE_SIZE; at += PAGE_SIZE)
            exchange((char *)addr + at, memory + at);
}

/*
 * Pages of a block and those in place, of which one of each two at least is somebody's, change places.  One change of
 * permissions for all: an access to each page that waits for its own costs more than the page.
 */
static int piece_in(struct mm *to, struct away *a, const struct piece *p)
{
    uaddr_t addr = a->start + p->i * PAGE_SIZE;
    unsigned want = p->want & PAGE_PERM, perm = p->state & PAGE_PERM;
    bool out = is_own(p->state);

    if (!(p->state & (PAGE_PRESENT | PAGE_SPARE))) {
        if (!reclaim_room(to, p->n) || epage_add_copy(addr, away_page(a, p->i), p->n, want))
            return -ENOMEM;
    } else {
        place_open(addr, p->n, perm);
        piece_exchange(a, p, out);
        place_close(addr, p->n, perm, p->want ? want : perm);
    }
    if (p->want)
        pagemap_set(addr, p->n, p->want);
    else
        disown(addr, p->n, p->state);
    memset(a->state + p->i, out ? (int)p->state : 0, p->n);
    return 0;
}

/* What a page in place is to `to`, which has its own put away or none: from's, nobody's, or not its business. */
static unsigned place_state(struct mm *from, struct mm *to, uaddr_t addr, bool comes)
{
    unsigned state = pagemap_get(addr);
    bool covers = from && member_region(from, addr);

    if (comes && (state & PAGE_COMMON)) {
        common_put_away(to->overlay, addr, 1, state, from);
        state &= ~PAGE_COMMON;
        pagemap_set(addr, 1, state);
    }
    if (is_own(state) && covers)
        return state;
    return (state & PAGE_PRESENT) && comes ? PAGE_SPARE | (state & PAGE_PERM)
                                           : state & ~PAGE_PRESENT;
}

/* A page of a block that comes in, as a piece; n 0: neither it nor what is in place there is anybody's. */
static struct piece page_piece(struct mm *from, struct mm *to, struct away *a, size_t i)
{
    uaddr_t addr = a->start + i * PAGE_SIZE;
    unsigned want = a->state[i], state;

    if (from && !want && member_region(from, addr))
        leave_or_clear(from, addr, 1, pagemap_get(addr));
    state = place_state(from, to, addr, want != 0);
    return (struct piece){i, want || is_own(state), want, state};
}

/* A block of `to`, whose pages come in; true: it has pages of `from` now. */
static bool block_in(struct mm *from, struct mm *to, struct away *a)
{
    struct piece run = {0}, next;

    for (size_t i = 0; i <= a->n; i++) {
        next = i < a->n ? page_piece(from, to, a, i) : (struct piece){.i = i};
        if (run.n && next.n && next.want == run.want && next.state == run.state) {
            run.n++;
            continue;
        }
        if (run.n && piece_in(to, a, &run))
            to->lost = true;
        run = next;
    }
    for (size_t i = 0; i < a->n; i++)
        if (a->state[i])
            return true;
    return false;
}

/* --- 3 ------------------------------------------------------------------------------------ */

/* n pages in place that are nobody's, with permission: `to` finds zeros, or nothing. */
static void nobodys(struct mm *to, uaddr_t at, size_t n, unsigned state)
{
    unsigned perm = state & PAGE_PERM;

    for (size_t part; n > 0; n -= part, at += part * PAGE_SIZE) {
        const struct region *r = region_find(&to->regions, at);
        bool covers = r && r->start <= at;

        part = n;
        if (r)
            part = MIN(n, ((covers ? r->end : r->start) - at) / PAGE_SIZE);
        if (covers && region_private(r) && !r->file && (perm & EPAGE_W) && region_perm(r) == perm) {
            memset((void *)at, 0, part * PAGE_SIZE);
            pagemap_set(at, part, PAGE_PRESENT | perm);
        } else {
            pages_give_up(at, part, state);
        }
    }
}

static void region_sweep(struct mm *to, const struct region *r)
{
    size_t n = (r->end - r->start) / PAGE_SIZE, run;
    unsigned state;

    for (uaddr_t at = r->start; n > 0; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if ((state & PAGE_SPARE) && (state & PAGE_PERM))
            nobodys(to, at, run, state);
    }
}

/* ------------------------------------------------------------------------------------------ */

static void swap(struct mm *from, struct mm *to)
{
    struct tree_node *node, *next;

    if (from)
        list_for_each(l, &from->regions.list) {
            struct region *r = list_entry(l, struct region, link);
            r->stays = !overlay_used(from, r->start, r->end);
            if (region_private(r) && !r->stays)
                region_out(from, to, r);
        }
    for (node = tree_first(&to->away.tree); node; node = next) {
        struct away *a = tree_entry(node, struct away, node);

        next = tree_next(node);
        __atomic_fetch_add(&stats.pages, a->n, __ATOMIC_RELAXED);
        if (block_in(from, to, a))
            away_move(&from->away, &to->away, a);
        else if (!to->lost)
            away_free(&to->away, a);
    }
    if (from)
        list_for_each(l, &from->regions.list) {
            const struct region *r = list_entry(l, const struct region, link);
            if (region_private(r))
                region_sweep(to, r);
        }
    list_for_each(l, &to->regions.list)
        list_entry(l, struct region, link)->stays = false;
    __atomic_fetch_add(&stats.changes, 1, __ATOMIC_RELAXED);
}

static struct mm *mm_of(struct turn *t)
{
    return t ? container_of(t, struct mm, turn) : NULL;
}

void swap_turns(struct turns *g, struct turn *from, struct turn *to)
{
    struct mm *mm = container_of(to, struct mm, turn);

    (void)g;
    overlay_busy_begin(mm->overlay);
    if (merge_due(mm) && from)
        overlay_merge(mm_of(from));
    swap(mm_of(from), mm);
    overlay_busy_end(mm->overlay);
    if (!mm->lost)
        return;
    log_warn("out of enclave memory: a process is killed, since its pages found no room; raise "
             "sgx.enclave_size or --memory");
    (void)signal_send_process(current_process(), SIGKILL, NULL);
}
