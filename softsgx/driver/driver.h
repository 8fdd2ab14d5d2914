/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ENCLS leaves behind the ioctls.  All run with the enclave's lock held (which drops and takes
 * it nowhere), return an errno as Linux's driver would, and explain a refusal through why().
 */
#ifndef SOFTSGX_DRIVER_DRIVER_H
#define SOFTSGX_DRIVER_DRIVER_H

#include "softsgx/pages/prot.h"

#include <asm/sgx.h>

int ecreate(struct encl *e, const struct secs *secs);

/* Adds `length` bytes of pages; *done counts the bytes that were added. */
int eadd(struct encl *e, const struct sgx_enclave_add_pages *arg, const struct secinfo *si,
         uint64_t *done);

/* Returns an SGX error (> 0) or 0. */
int einit(struct encl *e, const struct sigstruct *ss);

/* SIGSTRUCT alone: header, reserved fields, RSA signature.  An SGX error or 0. */
int sigstruct_verify(const struct sigstruct *ss);

/* sig^3 mod n == the padded digest, with the quotients q1 and q2; all little-endian. */
bool rsa_verify(const uint8_t n[384], const uint8_t sig[384], const uint8_t q1[384],
                const uint8_t q2[384], const uint8_t digest[32]);

/* Rewrites the padded sites of the measured executable pages (patch.c). */
void patch_sites(struct encl *e);

/* SGX2, page by page; an SGX error in *result where the ioctl has one. */
int emodpr(struct encl *e, uint64_t page, uint32_t perm, uint64_t *result);
int emodt(struct encl *e, uint64_t page, enum page_type type, uint64_t *result);
int eremove(struct encl *e, uint64_t page);

/* Loads the root key if that has not happened.  0 or -errno. */
int rootkey_load(void);
const uint8_t *rootkey(void);

#endif
