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
/* Brackets kernel code that uses vector registers (crypto); not nested. May be used by the idle
 * thread. */
void kernel_fpu_begin(void);
void kernel_fpu_end(void);
/*
 * For signal frames: the current thread's state in standard format, kernel.xsave_size bytes,
 * straight to program memory (64-aligned, range checked by the caller) but for the header, which
 * the caller writes: it gets XSTATE_BV. -EFAULT: a page is not there; the caller brings it in and
 * tries again.
 */
MUST_CHECK int fpu_save_user(uaddr_t fp, uint64_t *xstate_bv);
/*
 * The reverse; header: a copy of the 64 bytes behind the image's legacy part.  -EINVAL when a page is
 * not there or the CPU refuses the image: the state is then the initial one.
 */
MUST_CHECK int fpu_restore_user(uaddr_t fp, const uint64_t *header);
/* Makes buf (64-aligned kernel memory, a standard-format image that a program made) the current
 * thread's state. -EINVAL when the CPU refuses it: the state is then the initial one. */
MUST_CHECK int fpu_restore_checked(void *buf);
/* Exceptions that the current thread's x87 unit or MXCSR has raised and does not mask: IE, DE, ZE,
 * OE, UE, PE from bit 0 on.  The state must be LIVE. */
uint32_t fpu_x87_exceptions(void);
uint32_t fpu_sse_exceptions(void);
/* The current thread's state in standard format, kernel.xsave_size bytes of a trusted copy: out, and in. */
void fpu_export(void *out);
void fpu_import(const void *in);
/* The current thread's state is given up for the initial one: for a signal handler. */
void fpu_start_over(void);
/* The initial state of a new program. */
void fpu_reset(struct thread *t);
/* A new thread starts with its creator's state. */
void fpu_copy(struct thread *to);

#endif
