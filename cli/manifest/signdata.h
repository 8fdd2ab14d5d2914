/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a SIGSTRUCT says beside the measurement and the key.
 */
#ifndef CLI_MANIFEST_SIGNDATA_H
#define CLI_MANIFEST_SIGNDATA_H

#include <stdbool.h>
#include <stdint.h>

#include "host/enclave/sigstruct.h"

struct sign_data {
    uint32_t date; /* BCD 0xyyyymmdd */
    uint16_t isvprodid, isvsvn;
    bool debug;
    uint64_t xfrm_required; /* XFRM bits that must be set */
    uint64_t xfrm_free;     /* bits left to the machine; all others must be clear */
    uint32_t misc;          /* MISCSELECT bits that must be set */
};

/* What a manifest that says nothing gets, and the development enclave but for `debug`. */
#define SIGN_DATA_DEFAULT                                                               \
    {                                                                                   \
        .date = 0x20240101, .xfrm_free = SGX_XFRM_AVX | SGX_XFRM_AVX512 | SGX_XFRM_AMX, \
        .misc = SGX_MISC_EXINFO                                                         \
    }

#endif
