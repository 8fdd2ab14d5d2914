/* SPDX-License-Identifier: Apache-2.0 */
/* System V shared memory, for the rest of the kernel. */
#ifndef KERNEL_IPC_SYSV_SHM_H
#define KERNEL_IPC_SYSV_SHM_H

struct seq;

/* /proc/sysvipc/shm */
void shm_list(struct seq *s);

#endif
