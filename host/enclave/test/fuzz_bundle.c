/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a bundle of arbitrary bytes, whose header's digest is made right.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/enclave/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle b;
    const char *why;
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    if (size >= sizeof(struct bundle_header)) {
        struct bundle_header *h = (void *)copy;
        bundle_header_digest(h, h->header_sha256);
    }
    if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
        abort();
    free(copy);
    if (bundle_probe(fd) && !bundle_open(&b, fd, &why)) {
        (void)bundle_check_config(&b, &why);
        bundle_close(&b);
    }
    close(fd);
    return 0;
}
