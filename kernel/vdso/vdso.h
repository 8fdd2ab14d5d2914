/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO: a small shared object of our own in every program's memory, with the clock functions
 * that need no system call.  Before it lies the vvar page, with the clock's parameters.
 *
 *     vvar page   R W   struct vvar_page, written by the kernel through the program's mapping
 *     image page  R X   vdso.lds.S: everything in one page
 *
 * An enclave cannot map one page twice, so the kernel writes where the program reads, and SGX2
 * cannot make a page writable for the one and not for the other: the vvar page is writable for
 * the program.  A program that writes there fools only itself; the kernel never reads it back.
 */
#ifndef KERNEL_VDSO_VDSO_H
#define KERNEL_VDSO_VDSO_H

#include "kernel/types.h"
#include "kernel/vdso/vvar.h"

struct process;

/* Maps both pages into p, the current process, and sets p->vdso and p->vvar. */
MUST_CHECK int vdso_map(struct process *p);
/* Programs ask the kernel for the time from here until the next vdso_update.  As that one. */
void vdso_stop(void);
/*
 * New clock parameters for all programs (v->seq is ignored).  Any thread context; does not sleep:
 * a program that unmapped its vvar page is left alone.
 */
void vdso_update(const struct vvar *v);

#endif
