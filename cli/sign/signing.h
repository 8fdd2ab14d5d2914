/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From configuration, kernel image and key to a SIGSTRUCT.
 */
#ifndef CLI_SIGN_SIGNING_H
#define CLI_SIGN_SIGNING_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/manifest/signdata.h"

struct kernel_file;

/* Measures and signs; `config` is a blob as of settings_write.  False after one line. */
bool signing_make(const struct sign_data *in, const struct kernel_file *k, const void *config,
                  size_t config_len, EVP_PKEY *key, struct sigstruct *out);

#endif
