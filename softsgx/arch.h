/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structures, leaf numbers and error codes of SGX2, from the Intel SDM volume 3D, chapters
 * "Enclave Data Structures" and "SGX Instruction References".  Offsets are checked below.
 */
#ifndef SOFTSGX_ARCH_H
#define SOFTSGX_ARCH_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096UL
#define PAGE_SHIFT 12
#define PAGE_DOWN(a) ((a) & ~(PAGE_SIZE - 1))

enum enclu_leaf {
    ENCLU_EREPORT = 0,
    ENCLU_EGETKEY = 1,
    ENCLU_EENTER = 2,
    ENCLU_ERESUME = 3,
    ENCLU_EEXIT = 4,
    ENCLU_EACCEPT = 5,
    ENCLU_EMODPE = 6,
    ENCLU_EACCEPTCOPY = 7,
    ENCLU_EDECCSSA = 9,
};

enum sgx_error {
    SGX_SUCCESS = 0,
    SGX_INVALID_SIG_STRUCT = 1,
    SGX_INVALID_ATTRIBUTE = 2,
    SGX_INVALID_MEASUREMENT = 4,
    SGX_INVALID_SIGNATURE = 8,
    SGX_NOT_TRACKED = 11,
    SGX_INVALID_EINITTOKEN = 16,
    SGX_PAGE_ATTRIBUTES_MISMATCH = 19,
    SGX_PAGE_NOT_MODIFIABLE = 20,
    SGX_INVALID_CPUSVN = 32,
    SGX_INVALID_ISVSVN = 64,
    SGX_INVALID_KEYNAME = 256,
};

/* Exception vectors. */
enum vector {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_BP = 3,
    VEC_BR = 5,
    VEC_UD = 6,
    VEC_GP = 13,
    VEC_PF = 14,
    VEC_MF = 16,
    VEC_AC = 17,
    VEC_XM = 19,
    VEC_NONE = 255,
};

/* #PF error code. */
#define PF_P 1U
#define PF_W 2U
#define PF_U 4U
#define PF_I 16U
#define PF_SGX 0x8000U

enum page_type { PT_SECS = 0, PT_TCS = 1, PT_REG = 2, PT_VA = 3, PT_TRIM = 4 };

/* SECINFO.FLAGS */
#define SI_R 1U
#define SI_W 2U
#define SI_X 4U
#define SI_RWX 7U
#define SI_PENDING 8U
#define SI_MODIFIED 16U
#define SI_PR 32U
#define SI_PT_SHIFT 8
#define SI_PT_MASK 0xff00U
#define SI_PT(t) ((uint32_t)(t) << SI_PT_SHIFT)

struct secinfo {
    uint64_t flags;
    uint64_t reserved[7];
};

#define ATTR_INIT 1UL
#define ATTR_DEBUG 2UL
#define ATTR_MODE64BIT 4UL
#define ATTR_PROVISION_KEY 16UL
#define ATTR_EINITTOKEN_KEY 32UL
#define ATTR_KSS 128UL
/* What this CPU supports (CPUID.12H.1). */
#define ATTR_SUPPORTED \
    (ATTR_DEBUG | ATTR_MODE64BIT | ATTR_PROVISION_KEY | ATTR_EINITTOKEN_KEY | ATTR_KSS)

#define MISC_EXINFO 1U
#define MISC_SUPPORTED MISC_EXINFO

struct attributes {
    uint64_t flags;
    uint64_t xfrm;
};

struct secs {
    uint64_t size;
    uint64_t base;
    uint32_t ssa_frame_size; /* pages */
    uint32_t miscselect;
    uint8_t reserved1[24];
    struct attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t config_id[64];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint8_t reserved4[3834];
};

struct tcs_page {
    uint64_t state;
    uint64_t flags;
    uint64_t ossa;
    uint32_t cssa;
    uint32_t nssa;
    uint64_t oentry;
    uint64_t aep;
    uint64_t ofsbase;
    uint64_t ogsbase;
    uint32_t fslimit;
    uint32_t gslimit;
    uint8_t reserved[4024];
};

#define TCS_DBGOPTIN 1UL

struct ssa_gprs {
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rflags, rip;
    uint64_t ursp, urbp;
    uint32_t exitinfo;
    uint32_t reserved;
    uint64_t fsbase, gsbase;
};

#define EXITINFO_VALID 0x80000000U
#define EXITINFO_HARDWARE (3U << 8)
#define EXITINFO_SOFTWARE (6U << 8)

struct ssa_exinfo {
    uint64_t maddr;
    uint32_t errcd;
    uint32_t reserved;
};

struct sigstruct {
    uint8_t header[16];
    uint32_t vendor;
    uint32_t date;
    uint8_t header2[16];
    uint32_t swdefined;
    uint8_t reserved1[84];
    uint8_t modulus[384];
    uint32_t exponent;
    uint8_t signature[384];
    uint32_t miscselect;
    uint32_t miscmask;
    uint8_t cet_attributes;
    uint8_t cet_attributes_mask;
    uint8_t reserved2[2];
    uint8_t isv_family_id[16];
    struct attributes attributes;
    struct attributes attribute_mask;
    uint8_t enclave_hash[32];
    uint8_t reserved3[16];
    uint8_t isv_ext_prod_id[16];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint8_t reserved4[12];
    uint8_t q1[384];
    uint8_t q2[384];
} __attribute__((packed));

struct targetinfo {
    uint8_t measurement[32];
    struct attributes attributes;
    uint8_t cet_attributes;
    uint8_t reserved1;
    uint16_t config_svn;
    uint32_t miscselect;
    uint8_t reserved2[8];
    uint8_t config_id[64];
    uint8_t reserved3[384];
};

struct report {
    uint8_t cpusvn[16];
    uint32_t miscselect;
    uint8_t cet_attributes;
    uint8_t reserved1[11];
    uint8_t isv_ext_prod_id[16];
    struct attributes attributes;
    uint8_t mrenclave[32];
    uint8_t reserved2[32];
    uint8_t mrsigner[32];
    uint8_t reserved3[32];
    uint8_t config_id[64];
    uint16_t isv_prod_id;
    uint16_t isv_svn;
    uint16_t config_svn;
    uint8_t reserved4[42];
    uint8_t isv_family_id[16];
    uint8_t reportdata[64]; /* the MAC covers everything up to here */
    uint8_t keyid[32];
    uint8_t mac[16];
};

enum keyname {
    KEY_EINITTOKEN = 0,
    KEY_PROVISION = 1,
    KEY_PROVISION_SEAL = 2,
    KEY_REPORT = 3,
    KEY_SEAL = 4,
};

#define KEYPOLICY_MRENCLAVE 1U
#define KEYPOLICY_MRSIGNER 2U
#define KEYPOLICY_NOISVPRODID 4U
#define KEYPOLICY_CONFIGID 8U
#define KEYPOLICY_ISVFAMILYID 16U
#define KEYPOLICY_ISVEXTPRODID 32U
#define KEYPOLICY_KSS \
    (KEYPOLICY_NOISVPRODID | KEYPOLICY_CONFIGID | KEYPOLICY_ISVFAMILYID | KEYPOLICY_ISVEXTPRODID)

struct keyrequest {
    uint16_t keyname;
    uint16_t keypolicy;
    uint16_t isv_svn;
    uint8_t cet_attributes_mask;
    uint8_t reserved1;
    uint8_t cpusvn[16];
    struct attributes attribute_mask;
    uint8_t keyid[32];
    uint32_t miscmask;
    uint16_t config_svn;
    uint8_t reserved2[434];
};

_Static_assert(sizeof(struct secinfo) == 64, "SECINFO");
_Static_assert(sizeof(struct secs) == 4096, "SECS");
_Static_assert(sizeof(struct tcs_page) == 4096, "TCS");
_Static_assert(sizeof(struct ssa_gprs) == 184, "GPRSGX");
_Static_assert(sizeof(struct sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct sigstruct, miscselect) == 900, "SIGSTRUCT");
_Static_assert(sizeof(struct targetinfo) == 512, "TARGETINFO");
_Static_assert(sizeof(struct report) == 432, "REPORT");
_Static_assert(sizeof(struct keyrequest) == 512, "KEYREQUEST");

#endif
