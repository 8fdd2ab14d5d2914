/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages that all members of an overlay group have alike need not be exchanged at each change of turns.
 *
 * fork copies all that may be written, since taking the permission to write away and giving it back is dearer than
 * a copy, and most children exec or end soon.  In a group that goes on changing turns, most of those copies stay as
 * they were.  So when a member gets the turn for the 16th time, the 32nd, the 64th and so on, what is in place is compared
 * with the copies that are put away; a page that is the same in all members that map it becomes common (PAGE_COMMON), without
 * write permission, and the copies go.  The first write makes it the members' own again (mm_fault, overlay_break).
 *
 *   own, R W, a copy put away for each other member ──all alike──► PAGE_COMMON, R ──a write──► own, R W, …
 *
 * Lock: as swap.c: the turn is being changed, and no thread of the group runs.
 */
#include "kernel/mm/epage.h"
#include "kernel/mm/overlay_impl.h"
#include "kernel/mm/pagemap.h"
#include "lib/string.h"

#define ALIKE (PAGE_PRESENT | EPAGE_R | EPAGE_W) /* the state of such pages: data */
#define FIRST 16U                                /* turns of a member before the first look */
#define GAP_MAX 4096U                            /* … and between looks, at most */

bool merge_due(struct mm *to)
{
    unsigned n = ++to->turns_had;

    return n < GAP_MAX ? n >= FIRST && (n & (n - 1)) == 0 : n % GAP_MAX == 0;
}

/* The block that has other's copy of the page; NULL: it has none that could be common. */
static struct away *copy_of(const struct mm *other, uaddr_t addr, size_t *i)
{
    struct away *a = away_find(&other->away, addr);

    if (!a || a->start > addr)
        return NULL;
    *i = (addr - a->start) / PAGE_SIZE;
    return a->state[*i] == ALIKE ? a : NULL;
}

/* Others map the page in place, and all that do have one put away that is the same. */
static bool all_alike(const struct mm *mm, uaddr_t addr)
{
    bool any = false;

    list_for_each(l, &mm->overlay->members) {
        const struct mm *other = list_entry(l, const struct mm, member_link);
        size_t i;

        if (other == mm || !member_region(other, addr))
            continue;
        const struct away *a = copy_of(other, addr, &i);
        if (!a || memcmp((const void *)addr, away_page(a, i), PAGE_SIZE))
            return false;
        any = true;
    }
    return any;
}

/* n pages in place are everybody's from here on. */
static void make_common(struct mm *mm, uaddr_t start, size_t n)
{
    epage_protect(start, n, EPAGE_R | EPAGE_W, EPAGE_R);
    pagemap_set(start, n, PAGE_PRESENT | EPAGE_R | PAGE_COMMON);
    list_for_each(l, &mm->overlay->members) {
        struct mm *other = list_entry(l, struct mm, member_link);
        if (other == mm)
            continue;
        for (size_t k = 0; k < n; k++) {
            size_t i;
            struct away *a = copy_of(other, start + k * PAGE_SIZE, &i);
            if (a)
                a->state[i] = 0;
        }
    }
}

static void merge_run(struct mm *mm, uaddr_t at, size_t n)
{
    while (n > 0) {
        size_t alike = 0;

        while (alike < n && all_alike(mm, at + alike * PAGE_SIZE))
            alike++;
        if (alike)
            make_common(mm, at, alike);
        alike += alike < n; /* the one that is not */
        at += alike * PAGE_SIZE;
        n -= alike;
    }
}

static void merge_region(struct mm *mm, const struct region *r)
{
    size_t n = (r->end - r->start) / PAGE_SIZE, run;
    unsigned state;

    for (uaddr_t at = r->start; n > 0; at += run * PAGE_SIZE, n -= run) {
        run = pagemap_run(at, n, &state);
        if (state == ALIKE)
            merge_run(mm, at, run);
    }
}

/* The block's pages that are left, in blocks of their own; false: no memory, and nothing done. */
static bool block_split(struct away_tree *to, const struct away *a)
{
    for (size_t i = 0, n; i < a->n; i += n) {
        bool has = a->state[i] != 0;

        for (n = 1; i + n < a->n && (a->state[i + n] != 0) == has; n++)
            ;
        if (!has)
            continue;
        struct away *part = away_add(to, a->start + i * PAGE_SIZE, n);
        if (!part)
            return false;
        memcpy(part->memory, away_page(a, i), n * PAGE_SIZE);
        memcpy(part->state, a->state + i, n);
    }
    return true;
}

/* Gives back what blocks have between their pages. */
static void blocks_tidy(struct away_tree *t)
{
    struct tree_node *node, *next;

    for (node = tree_first(&t->tree); node; node = next) {
        struct away *a = tree_entry(node, struct away, node);
        struct away_tree parts;

        next = tree_next(node);
        if (!memchr(a->state, 0, a->n))
            continue;
        away_init(&parts);
        if (!block_split(&parts, a)) {
            away_free_all(&parts);
            continue;
        }
        away_free(t, a);
        while ((node = tree_first(&parts.tree)) != NULL)
            away_move(t, &parts, tree_entry(node, struct away, node));
    }
}

void overlay_merge(struct mm *mm)
{
    list_for_each(l, &mm->regions.list) {
        const struct region *r = list_entry(l, const struct region, link);
        if (region_private(r) && overlay_used(mm, r->start, r->end))
            merge_region(mm, r);
    }
    list_for_each(l, &mm->overlay->members)
        blocks_tidy(&list_entry(l, struct mm, member_link)->away);
}
