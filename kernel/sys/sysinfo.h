/* SPDX-License-Identifier: Apache-2.0 */
/* The names by which the kernel presents itself; also for /proc. */
#ifndef KERNEL_SYS_SYSINFO_H
#define KERNEL_SYS_SYSINFO_H

#include <linux/utsname.h>

#define UTS_LEN 64
#define UTS_RELEASE "6.1.0-cella"
#define UTS_VERSION "#1 SMP Cella"

/* Fills in all six names. */
void uts_get(struct new_utsname *out);

#endif
