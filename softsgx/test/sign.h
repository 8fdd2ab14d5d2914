/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an independent measurement and signer, with OpenSSL. */
#ifndef SOFTSGX_TEST_SIGN_H
#define SOFTSGX_TEST_SIGN_H

#include "softsgx/arch.h"
#include <openssl/evp.h>
#include <stdbool.h>

struct measure {
    EVP_MD_CTX *ctx;
};

void measure_start(struct measure *m, uint64_t size, uint32_t ssa_frame_size);
void measure_page(struct measure *m, uint64_t offset, uint64_t flags, const void *data,
                  bool extend);
void measure_end(struct measure *m, uint8_t mrenclave[32]);

/* A valid SIGSTRUCT for a 64-bit debug enclave, signed with a key made once. */
void sigstruct_make(struct sigstruct *ss, const uint8_t mrenclave[32]);
/* Signs again after a change. */
void sigstruct_sign(struct sigstruct *ss);

#endif
