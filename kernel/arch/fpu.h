/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vector state.  While a thread is in the kernel its x87/SSE/AVX registers stay in the CPU: the
 * kernel does not use them.  They are *parked* in thread->xstate when the registers are needed
 * otherwise or must not be seen: before a context switch, before an ocall (the host would read
 * them), for crypto.  On the way back to the program, parked state is loaded again.
 */
#ifndef KERNEL_ARCH_FPU_H
#define KERNEL_ARCH_FPU_H

#include "kernel/types.h"

struct thread;

enum fpu_parked { FPU_LIVE, FPU_PARKED_XSAVE, FPU_PARKED_AVX, FPU_PARKED_AVX512 };

/* Once, at boot, after kernel.xfrm is known: finds the size of a save area by saving one. */
void fpu_boot(void);
/* Parks the current thread's state and clears the registers; cheap when parked already. */
void fpu_park(void);
/* Loads parked state: the last thing before the program runs. */
void fpu_unpark(struct thread *t);
/* Brackets kernel code that uses vector registers (crypto); not nested. May be used by the idle thread. */
void kernel_fpu_begin(void);
void kernel_fpu_end(void);
/* For signal frames: the current thread's state in standard format, kernel.xsave_size bytes, buf 64-aligned. */
void fpu_save(void *buf);
/* Makes buf (64-aligned kernel memory, a standard-format image that a program made) the current thread's state:
 * -EINVAL when the CPU would refuse it. */
MUST_CHECK int fpu_restore_checked(void *buf);
/* The initial state of a new program. */
void fpu_reset(struct thread *t);
/* A new thread starts with its creator's state. */
void fpu_copy(struct thread *to);

#endif
