/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may use which addresses.  All processes live in one ELRANGE, so the programs' part of it is cut
 * into 4,096ths ("units", 256 MiB of the usual 2^40), each of which is free or belongs to one overlay
 * group (overlay.h), that is to one process or to several that take turns.
 *
 * A new address space gets a home of free units at a random place.  When that is full, or something
 * asks for other addresses (a hint, MAP_FIXED, an image linked for 0x400000), more units are claimed.
 *
 * Lock: a spin lock of its own, innermost of mm/.
 */
#ifndef KERNEL_MM_SLOT_H
#define KERNEL_MM_SLOT_H

#include "kernel/types.h"

struct overlay;

MUST_CHECK int slots_init(void);
/* The units from start to end (exclusive; within the programs' part) become g's: false, and nothing changed,
 * when one of them is another's. */
MUST_CHECK bool slot_claim(struct overlay *g, uaddr_t start, uaddr_t end);
/* They all are g's. */
bool slot_is(const struct overlay *g, uaddr_t start, uaddr_t end);
/* Free units for len bytes become g's, at a random place or the lowest: where they begin, or 0 when there are none. */
MUST_CHECK uaddr_t slot_take(struct overlay *g, uint64_t len, bool random);
/* The highest run of g's units that ends at or below `below`: false when there is none. */
bool slot_below(const struct overlay *g, uaddr_t below, uaddr_t *start, uaddr_t *end);
/* All units of g become to's. */
void slots_inherit(const struct overlay *g, struct overlay *to);
/* Units of g in [start, end) become to's. */
void slots_pass(const struct overlay *g, struct overlay *to, uaddr_t start, uaddr_t end);
/* Units of g in [start, end) are free again. */
void slots_release_range(const struct overlay *g, uaddr_t start, uaddr_t end);
/* All units of g are free again. */
void slots_release(const struct overlay *g);
/* Whose unit addr lies in, or NULL. */
struct overlay *slot_owner(uaddr_t addr);
/* The size of a home: the first process's is large. */
uint64_t slot_home_size(void);
/* Slots end here; shared objects have their windows above, up to the kernel's part. */
uaddr_t slots_end(void);
/* The end of the unit that addr lies in. */
uaddr_t slot_unit_end(uaddr_t addr);

#endif
