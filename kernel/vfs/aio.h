/* SPDX-License-Identifier: Apache-2.0 */
/* Linux AIO for the rest of the kernel: see aio.c. */
#ifndef KERNEL_VFS_AIO_H
#define KERNEL_VFS_AIO_H

struct mm;

#define AIO_MAX_NR 65536U /* requests of all contexts; /proc/sys/fs/aio-max-nr */

/* Ends the contexts of an address space that is about to go.  May sleep. */
void aio_end(struct mm *mm);
/* Requests that contexts were made for: /proc/sys/fs/aio-nr. */
unsigned aio_nr(void);

#endif
