/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX message queues, for the rest of the kernel: the file system that their names are in. */
#ifndef KERNEL_IPC_MQUEUE_H
#define KERNEL_IPC_MQUEUE_H

/* Registers the kind "mqueue". Boot; it is mounted once, be it hidden. */
void mqueue_fs_init(void);

#endif
