/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of the host process that reach the program. */
#ifndef KERNEL_SIGNAL_FROM_HOST_H
#define KERNEL_SIGNAL_FROM_HOST_H

#include "kernel/types.h"

/* Takes what the host has noted and sends what the configuration lets through to the first process. */
void signals_from_host(void);

/* Does the configuration let this one in, now?  One that may come once is used up by that. */
bool signal_let_in(int sig);
/* Is it one that a terminal sends to its foreground group? */
bool signal_is_key(int sig);

#endif
