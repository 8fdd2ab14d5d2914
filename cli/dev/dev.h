/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The development enclave: what `cella run PROGRAM` runs without a manifest.
 *
 * Its configuration is constant (the program, its arguments and its environment come from the
 * host at run time), so that one MRENCLAVE and one SIGSTRUCT serve all such runs of one kernel
 * image.  Nothing on disk is verified.
 */
#ifndef CLI_DEV_DEV_H
#define CLI_DEV_DEV_H

#include <stdbool.h>
#include <stddef.h>

#include "host/enclave/sigstruct.h"

struct kernel_file;

/* The configuration, as settings_write returns it; free it. */
void *dev_config(size_t *len);

/*
 * The development SIGSTRUCT for this kernel image: from the cache, or made by cella-sign and put
 * there.  False after one line about what went wrong.
 */
bool dev_sigstruct(const struct kernel_file *k, const void *config, size_t config_len,
                   struct sigstruct *s);

/* Forgets the cached SIGSTRUCT, after EINIT has refused it. */
void dev_forget(const struct kernel_file *k, const void *config, size_t config_len);

#endif
