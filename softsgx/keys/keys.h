/* SPDX-License-Identifier: Apache-2.0 */
/* Key derivation: what EGETKEY gives out and EREPORT signs with. */
#ifndef SOFTSGX_KEYS_KEYS_H
#define SOFTSGX_KEYS_KEYS_H

#include "softsgx/arch.h"

extern const uint8_t softsgx_cpusvn[16];

/* The SDM's "key dependencies": everything that a key depends on, besides the machine. */
struct key_dependencies {
    uint16_t keyname;
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t keypolicy;
    uint8_t isv_ext_prod_id[16];
    uint8_t isv_family_id[16];
    uint8_t owner_epoch[16];
    struct attributes attributes;
    struct attributes attribute_mask;
    uint8_t mrenclave[32];
    uint8_t mrsigner[32];
    uint8_t keyid[32];
    uint8_t cpusvn[16];
    uint32_t miscselect;
    uint32_t miscmask;
    uint8_t config_id[64];
    uint16_t config_svn;
    uint8_t padding[6];
};

/* The key of these dependencies on this machine. */
void key_derive(const uint8_t root[32], const struct key_dependencies *d, uint8_t key[16]);

/* The key with which reports for `target` are signed. */
void report_key(const uint8_t root[32], const struct targetinfo *target, const uint8_t keyid[32],
                uint8_t key[16]);

/* EGETKEY for an enclave with these identities: an SGX error or 0; #GP is reported as -1. */
struct encl;
int key_get(const struct encl *e, const uint8_t root[32], const struct keyrequest *req,
            uint8_t key[16]);

/* EREPORT's result for `target`. */
void report_make(const struct encl *e, const uint8_t root[32], const struct targetinfo *target,
                 const uint8_t reportdata[64], struct report *out);

#endif
