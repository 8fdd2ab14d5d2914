/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bundle: one file NAME.cella with all that `cella run` needs beside the kernel image.
 *
 *   offset 0   struct bundle_header, padded to a page
 *   …          the configuration blob, page-aligned, zero-padded to a page
 *   …          SIGSTRUCT, page-aligned, zero-padded to a page
 *   …          leaf hashes, page-aligned (abi/config/config.h), to the end of the file
 *
 * Nothing here is trusted: the configuration is measured but for its file table, the SIGSTRUCT signed, leaf
 * hashes and file table checked by the kernel.  The digests in the header guard against accidents and say which file was
 * changed when EINIT refuses the enclave.  All numbers are little-endian.
 */
#ifndef HOST_ENCLAVE_BUNDLE_H
#define HOST_ENCLAVE_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/enclave/sigstruct.h"
#include "lib/config.h"

#define BUNDLE_MAGIC "CELLABDL"
#define BUNDLE_VERSION 1
#define BUNDLE_BASE_MAX 1024

struct bundle_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint64_t file_size;
    uint64_t config_off;
    uint64_t config_len;
    uint64_t sigstruct_off; /* SIGSTRUCT_SIZE bytes */
    uint64_t leaves_off;
    uint64_t leaves_len;
    uint8_t kernel_sha256[32]; /* of the kernel image file that was measured */
    uint8_t config_sha256[32];
    uint8_t header_sha256[32];  /* of this header with these bytes zero */
    char base[BUNDLE_BASE_MAX]; /* the manifest's directory, relative to the bundle's; NUL-padded */
};

_Static_assert(sizeof(struct bundle_header) == 160 + BUNDLE_BASE_MAX, "bundle_header");

struct bundle {
    const struct bundle_header *head;
    const struct sigstruct *sigstruct;
    const void *leaves; /* leaves_len bytes, page-aligned */
    size_t leaves_len;
    struct config config; /* its front is checked: see bundle_check_config */
    void *map;
    size_t map_len;
};

/* SHA-256 of a header with its header_sha256 taken as zero. */
void bundle_header_digest(const struct bundle_header *h, uint8_t digest[32]);

/* True if the file at fd begins as a bundle does.  Moves no offset. */
bool bundle_probe(int fd);

/*
 * Maps and checks the bundle at fd (which may be closed afterwards).  0, -errno of the mapping, or
 * -EINVAL with *why.
 */
int bundle_open(struct bundle *b, int fd, const char **why);
/* All of the configuration, for those who look at more than its front: 0, or -EINVAL with *why.  To run
 * the enclave it is not needed: there the configuration is measured, and checked by the kernel. */
int bundle_check_config(struct bundle *b, const char **why);
void bundle_close(struct bundle *b);

#endif
