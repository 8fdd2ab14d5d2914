/* SPDX-License-Identifier: Apache-2.0 */
/* Signal sets: bit n-1 is signal n, as Linux's kernel_sigset_t. */
#ifndef KERNEL_SIGNAL_SIGSET_H
#define KERNEL_SIGNAL_SIGSET_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t sigset_t;

#define SIG_BIT(n) (1UL << ((n)-1))

#endif
