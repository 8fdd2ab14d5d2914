/* SPDX-License-Identifier: Apache-2.0 */
/* System V message queues, for the rest of the kernel. */
#ifndef KERNEL_IPC_SYSV_MSG_H
#define KERNEL_IPC_SYSV_MSG_H

struct seq;

/* /proc/sysvipc/msg */
void msg_list(struct seq *s);

#endif
