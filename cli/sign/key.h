/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing keys: RSA-3072 with public exponent 3, as SGX demands, in PEM files.
 */
#ifndef CLI_SIGN_KEY_H
#define CLI_SIGN_KEY_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "host/enclave/sigstruct.h"

/* A fresh key, or NULL after one line. */
EVP_PKEY *key_generate(void);

/* Reads a private key and checks its kind; NULL after one line that names `path`. */
EVP_PKEY *key_load(const char *path);

/* Writes it, mode 0600, whole or not at all; with `replace` over an existing file.  0 or -errno. */
int key_store(EVP_PKEY *key, const char *path, bool replace);

/*
 * Fills in modulus, signature, Q1 and Q2 of a SIGSTRUCT whose other fields are final.  The
 * signature is deterministic.  False after one line.
 */
bool key_sign(EVP_PKEY *key, struct sigstruct *s);

#endif
