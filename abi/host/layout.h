/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things lie in the enclave.
 *
 * ELRANGE starts at address 0, so that programs linked for 0x400000 load where they were linked;
 * its size is 2^elrange_bits (default 40).  The upper sixteenth belongs to the kernel, the rest to
 * the programs.  All measured pages lie in the kernel's part; everything else is added while the
 * enclave runs (EAUG + EACCEPT), so that building an enclave costs nothing for memory that nobody
 * touches.
 *
 *   SHARED_BASE        the upper eighth of the programs' part: memory that processes share; no process
 *                      has private memory there
 *   KERNEL_BASE
 *     + 0            kernel image: the PT_LOAD segments of cella-kernel, relocated for this base
 *     + CONFIG_OFF   struct enclave_params (one page), then the configuration blob; read-only
 *     + VCPU_OFF     one VCPU_STRIDE block for each TCS; all but the first are added on demand
 *     + HEAP_OFF     the kernel heap, up to the end of ELRANGE; added on demand
 *
 *   a vCPU block (offsets in pages of 4 KiB)
 *     0              struct vcpu, the GS segment (VCPU_GS_PAGES)
 *     VCPU_TCS_PAGE  the TCS
 *     VCPU_SSA_PAGE  NSSA frames of ssa_frame_pages each
 *     VCPU_XSTACK_PAGE … exception stack (handler entered with CSSA > 0), VCPU_XSTACK_PAGES
 *     VCPU_STACK_PAGE …  boot and idle stack, VCPU_STACK_PAGES
 *   Pages between these stay unmapped and guard the stacks.
 *
 * Order of EADD, which MRENCLAVE depends on: image pages, parameter page, configuration pages,
 * then the vCPU blocks, each in rising address order.  Every page is measured (EEXTEND) in full.
 */
#ifndef ABI_HOST_LAYOUT_H
#define ABI_HOST_LAYOUT_H

#define PAGE_SHIFT 12
#undef PAGE_SIZE /* some C libraries have one */
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define ELRANGE_BITS_DEFAULT 40
#define ELRANGE_BITS_MIN 36
#define ELRANGE_BITS_MAX 46

/* The program part is [USER_MIN, kernel_base), its private part ends at the shared one. */
#define USER_MIN 0x10000UL
#define SHARED_BASE(kernel_base) ((kernel_base) - (kernel_base) / 8)
#define KERNEL_BASE(bits) ((1UL << (bits)) - (1UL << ((bits)-4)))

#define CONFIG_OFF 0x02000000UL /* 32 MiB: the image's limit */
#define VCPU_OFF 0x0c000000UL   /* 192 MiB: the configuration's limit is 160 MiB */
#define VCPU_STRIDE 0x40000UL   /* 256 KiB */
#define VCPU_MAX 256            /* TCSs in one enclave … */
#define VCPU_BUILT 1 /* … of which so many are built and measured: the kernel adds the rest */
#define HEAP_OFF 0x10000000UL /* 256 MiB */

#define VCPU_GS_PAGES 2
#define VCPU_TCS_PAGE 4
#define VCPU_SSA_PAGE 5
#define VCPU_NSSA 3
#define VCPU_XSTACK_PAGE 24
#define VCPU_XSTACK_PAGES 4
#define VCPU_STACK_PAGE 32
#define VCPU_STACK_PAGES 4

/*
 * The first page at kernel_base + CONFIG_OFF.  It is measured: the kernel believes it.
 * All offsets and sizes are in bytes and multiples of a page unless said otherwise.
 */
#define ENCLAVE_PARAMS_MAGIC 0x314d4152504c4543UL /* "CELPRAM1" */

#ifndef __ASSEMBLER__
struct enclave_params {
    unsigned long magic;
    unsigned long elrange_size;
    unsigned long kernel_base;
    unsigned long kernel_size; /* image, from kernel_base */
    unsigned long config_addr; /* = kernel_base + CONFIG_OFF + PAGE_SIZE */
    unsigned long config_len;  /* exact length of its measured part, not rounded */
    unsigned long vcpu_addr;   /* = kernel_base + VCPU_OFF */
    unsigned int vcpu_count;   /* TCSs built: VCPU_BUILT */
    unsigned int ssa_frame_pages;
    unsigned long heap_addr;   /* = kernel_base + HEAP_OFF */
    unsigned long heap_end;    /* = elrange_size */
    unsigned long entry;       /* the image's e_entry, where every TCS enters */
    unsigned long reserved[5]; /* zero */
};

/*
 * TCS of vCPU n (all offsets relative to ELRANGE base 0):
 *   OSSA = its SSA page, NSSA = VCPU_NSSA, OENTRY = the image's e_entry, OGSBASGX = its block,
 *   OFSBASGX = its block, FSLIMIT = GSLIMIT = 0xffffffff, FLAGS = 0.
 * The first 64 bits of the block hold its own address (so that %gs:0 is a pointer to itself), the
 * next 32 bits its number; both are written by the builder and measured.
 */
struct vcpu_head {
    unsigned long self;
    unsigned int index;
    unsigned int reserved;
};

/* The first fields of a TCS page (SDM volume 3, "Thread Control Structure"); the rest is zero. */
struct tcs_page {
    unsigned long state;
    unsigned long flags;
    unsigned long ossa;
    unsigned int cssa;
    unsigned int nssa;
    unsigned long oentry;
    unsigned long aep;
    unsigned long ofsbasgx;
    unsigned long ogsbasgx;
    unsigned int fslimit;
    unsigned int gslimit;
};
#endif

#endif
