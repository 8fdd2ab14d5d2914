/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted files: registration. */
#include "kernel/fs/fs.h"

void trusted_fs_init(void)
{
}
