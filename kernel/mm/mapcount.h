/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How often, and with which rights, each page of a shared object is mapped: runs of pages with equal
 * counts, in order; pages that nobody maps are in none.  A mapping is counted once for each address
 * space that has it, so a page's permission, of which an enclave page has only one, is the union of
 * what all of them may do.
 *
 * Pure bookkeeping; the object's lock guards it.  Runs are cut where a mapping begins or ends and not
 * joined again, so that giving up a mapping, or a part of it that mapcount_cut has prepared, cannot fail.
 */
#ifndef KERNEL_MM_MAPCOUNT_H
#define KERNEL_MM_MAPCOUNT_H

#include "kernel/types.h"
#include "lib/tree.h"

struct mapcount {
    struct tree runs;
};

/* What one mapping may do. */
struct map_rights {
    unsigned prot;  /* MM_* */
    bool may_write; /* it may become writable */
};

/* What all may do. */
struct mapcount_look {
    pgoff_t end;   /* so far it is the same for all pages */
    bool mapped;   /* by somebody */
    unsigned prot; /* MM_*: the union */
};

void mapcount_init(struct mapcount *c);
/* One more mapping of [first, end): 0, or -ENOMEM and nothing is counted. */
MUST_CHECK int mapcount_add(struct mapcount *c, pgoff_t first, pgoff_t end, struct map_rights m);
/* Parts of mappings that end at first or end can then be given up or changed. -ENOMEM. */
MUST_CHECK int mapcount_cut(struct mapcount *c, pgoff_t first, pgoff_t end);
/* One mapping of [first, end) less: what mapcount_add has counted, or cut off. */
void mapcount_del(struct mapcount *c, pgoff_t first, pgoff_t end, struct map_rights m);
/* A mapping of [first, end) has other rights. */
void mapcount_change(struct mapcount *c, pgoff_t first, pgoff_t end, struct map_rights from,
                     struct map_rights to);
/* The page at index, and how far pages are like it (at most to `end`). */
struct mapcount_look mapcount_look(const struct mapcount *c, pgoff_t index, pgoff_t end);
/* Somebody maps a page of [first, end). */
bool mapcount_any(const struct mapcount *c, pgoff_t first, pgoff_t end);
/* A mapping is or may become writable. */
bool mapcount_may_write(const struct mapcount *c);

#endif
