/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a bundle of arbitrary bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/enclave/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bundle b;
    const char *why;
    int fd = memfd_create("bundle", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    if (bundle_probe(fd) && !bundle_open(&b, fd, &why))
        bundle_close(&b);
    close(fd);
    return 0;
}
