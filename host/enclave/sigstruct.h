/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGSTRUCT, the enclave's signature (SDM volume 3, "Enclave Signature Structure"), and the
 * attributes that follow from it.  Little-endian numbers; 1808 bytes.
 */
#ifndef HOST_ENCLAVE_SIGSTRUCT_H
#define HOST_ENCLAVE_SIGSTRUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGSTRUCT_SIZE 1808
#define SIGSTRUCT_KEY 384 /* RSA-3072 */

/* ATTRIBUTES.FLAGS */
#define SGX_ATTR_DEBUG 0x2UL
#define SGX_ATTR_MODE64 0x4UL
#define SGX_ATTR_PROVISION 0x10UL
#define SGX_ATTR_EINITTOKEN 0x20UL
#define SGX_ATTR_AEXNOTIFY 0x400UL
/* ATTRIBUTES.XFRM, as XCR0 */
#define SGX_XFRM_LEGACY 0x3UL
#define SGX_XFRM_AVX 0x4UL
#define SGX_XFRM_MPX 0x18UL
#define SGX_XFRM_AVX512 0xe0UL
#define SGX_XFRM_PKRU 0x200UL
#define SGX_XFRM_AMX 0x60000UL
/* MISCSELECT */
#define SGX_MISC_EXINFO 0x1U

struct sigstruct {
    uint8_t header[16];  /* SIGSTRUCT_HEADER1 */
    uint32_t vendor;     /* 0 */
    uint32_t date;       /* BCD 0xyyyymmdd */
    uint8_t header2[16]; /* SIGSTRUCT_HEADER2 */
    uint32_t swdefined;
    uint8_t reserved1[84];
    uint8_t modulus[SIGSTRUCT_KEY];
    uint32_t exponent; /* 3 */
    uint8_t signature[SIGSTRUCT_KEY];
    /* the second signed part */
    uint32_t miscselect;
    uint32_t miscmask;
    uint8_t cet_attributes, cet_attributes_mask;
    uint8_t reserved2[2];
    uint8_t isvfamilyid[16];
    uint64_t flags;
    uint64_t xfrm;
    uint64_t flags_mask;
    uint64_t xfrm_mask;
    uint8_t mrenclave[32];
    uint8_t reserved3[16];
    uint8_t isvextprodid[16];
    uint16_t isvprodid;
    uint16_t isvsvn;
    /* not signed */
    uint8_t reserved4[12];
    uint8_t q1[SIGSTRUCT_KEY];
    uint8_t q2[SIGSTRUCT_KEY];
} __attribute__((packed));

_Static_assert(sizeof(struct sigstruct) == SIGSTRUCT_SIZE, "sigstruct");
_Static_assert(offsetof(struct sigstruct, modulus) == 128, "modulus");
_Static_assert(offsetof(struct sigstruct, miscselect) == 900, "miscselect");
_Static_assert(offsetof(struct sigstruct, mrenclave) == 960, "mrenclave");
_Static_assert(offsetof(struct sigstruct, isvprodid) == 1024, "isvprodid");
_Static_assert(offsetof(struct sigstruct, q1) == 1040, "q1");

/* The two parts that the signature covers, each SIGSTRUCT_PART bytes: header and body. */
#define SIGSTRUCT_PART 128
#define SIGSTRUCT_BODY_OFF 900

/* Headers, vendor, exponent and reserved fields are as the SDM demands; says why if not. */
bool sigstruct_check(const struct sigstruct *s, const char **why);

/* Sets the fixed headers and the exponent; everything else zero. */
void sigstruct_init(struct sigstruct *s);

/* MRSIGNER: SHA-256 of the modulus. */
void sigstruct_mrsigner(const struct sigstruct *s, uint8_t mrsigner[32]);

/*
 * SECS attributes for this signature on a machine whose XCR0 (as far as enclaves may use it, CPUID
 * 12H.1) is `allowed`.  0, or -ENOTSUP if the signature demands a feature that the machine lacks.
 */
int sigstruct_attributes(const struct sigstruct *s, uint64_t allowed, uint64_t *flags,
                         uint64_t *xfrm);

#endif
