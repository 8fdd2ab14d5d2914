/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO: a small shared object of our own in every program's memory, with the clock functions
 * that need no system call.  Before it lies the vvar page, which says where the clock's parameters are.
 *
 *     vvar page   R     struct vvar_page, made once
 *     image page  R X   vdso.lds: everything in one page
 *
 * Both are pages of one shared object (mm/shmem.h) of the kernel's own, made once: all programs have
 * them at the same address, a fork shares them, and one that unmaps them takes them from nobody else.
 *
 * SGX cannot make a page writable for the kernel and not for programs.  So what the kernel writes, struct
 * vvar_time, is in its own memory, where no mapping of a program's leads; programs can read that too.
 */
#ifndef KERNEL_VDSO_VDSO_H
#define KERNEL_VDSO_VDSO_H

#include "kernel/types.h"
#include "kernel/vdso/vvar.h"

struct mm;
struct process;
struct shmem;

/* Maps both into p, the current process, and sets p->vdso. */
MUST_CHECK int vdso_map(struct process *p);
/* That object; and one of the two in an address space that comes from elsewhere: -EINVAL: it has another place there. */
bool vdso_is(const struct shmem *s);
MUST_CHECK int vdso_map_part(struct mm *mm, bool vvar, uaddr_t at);
/* Programs ask the kernel for the time from here until the next vdso_update.  As that one. */
void vdso_stop(void);
/* New clock parameters for all programs (v->seq is ignored).  Any thread context; does not sleep. */
void vdso_update(const struct vvar *v);

#endif
