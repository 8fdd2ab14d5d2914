/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact sequence of pages that make up an enclave, in EADD order: what MRENCLAVE covers.
 *
 * It is a pure function of the kernel image and the configuration (abi/host/layout.h fixes the
 * addresses), so that the signer, who measures it, and the runtime, which builds it, agree on
 * every machine.  The sequence is a list of runs: neighbouring pages with the same rights, whose
 * contents lie side by side in this process's memory, one SGX_IOC_ENCLAVE_ADD_PAGES each.  Every
 * page of every run is measured in full.
 */
#ifndef HOST_ENCLAVE_LAYOUT_H
#define HOST_ENCLAVE_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "host/enclave/image.h"

struct config;

/* SECINFO.FLAGS */
#define SECINFO_R 0x1UL
#define SECINFO_W 0x2UL
#define SECINFO_X 0x4UL
#define SECINFO_TCS 0x100UL
#define SECINFO_REG 0x200UL

struct enclave_run {
    uint64_t addr;    /* in the enclave; ELRANGE starts at 0, so this is the offset too */
    uint64_t len;     /* bytes, whole pages */
    const void *src;  /* contents, page-aligned */
    uint64_t secinfo; /* SECINFO.FLAGS */
};

struct enclave_layout {
    uint64_t elrange_size; /* SECS.SIZE; SECS.BASEADDR is 0 */
    uint64_t kernel_base;
    uint32_t ssa_frame_pages; /* SECS.SSAFRAMESIZE */
    uint32_t vcpu_count;
    struct enclave_run *runs; /* rising addresses */
    size_t run_count;

    /* private to layout.c */
    size_t run_room;
    uint8_t *arena;
    size_t arena_len, arena_used;
};

/*
 * Lays out the enclave of a parsed kernel image and a checked configuration.  The runs refer to
 * the image's and the configuration's bytes, which must outlive the layout and not change.
 * 0, -ENOMEM, or -ENOEXEC / -EINVAL with *why.
 */
int layout_init(struct enclave_layout *l, const struct image *img, const struct config *config,
                const char **why);
void layout_fini(struct enclave_layout *l);

/* Address of vCPU n's TCS. */
uint64_t layout_tcs(const struct enclave_layout *l, unsigned int n);

#endif
