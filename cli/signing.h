/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From configuration, kernel image and key to a SIGSTRUCT.
 */
#ifndef CLI_SIGNING_H
#define CLI_SIGNING_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/enclave/sigstruct.h"

struct kernel_file;

/* What the SIGSTRUCT says beside the measurement. */
struct signing {
    uint32_t date; /* BCD 0xyyyymmdd */
    uint16_t isvprodid, isvsvn;
    bool debug;
    uint64_t xfrm_required, xfrm_forbidden; /* disjoint; other features are left to the machine */
    uint32_t misc; /* MISCSELECT bits that must be set */
};

/* Measures and signs; `config` is a blob as of settings_write.  False after one line. */
bool signing_make(const struct signing *in, const struct kernel_file *k, const void *config,
                  size_t config_len, EVP_PKEY *key, struct sigstruct *out);

#endif
