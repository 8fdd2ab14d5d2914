/* SPDX-License-Identifier: Apache-2.0 */
/* Signals of the host process that reach the program. */
#ifndef KERNEL_SIGNAL_FROM_HOST_H
#define KERNEL_SIGNAL_FROM_HOST_H

/* Takes what the host has noted and sends what the configuration lets through to the first process. */
void signals_from_host(void);

#endif
