/* SPDX-License-Identifier: Apache-2.0 */
/* --stats: what the run cost, printed once at its end. */
#ifndef KERNEL_SYS_STATS_H
#define KERNEL_SYS_STATS_H

/*
 * Writes the table to the host's standard error.  May be called with kernel.stats off: does
 * nothing.
 */
void stats_print(void);

#endif
