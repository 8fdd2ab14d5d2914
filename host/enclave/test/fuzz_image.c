/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel image's reader and the layout on arbitrary bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "abi/host/layout.h"
#include "host/enclave/layout.h"
#include "lib/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_header head = {
        .total = sizeof head, .vcpu_count = 1, .ssa_frame_pages = 1, .elrange_bits = 40};
    const struct config config = {.head = &head};
    struct enclave_layout l;
    struct image img;
    const char *why;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    if (!image_parse(&img, copy, size, CONFIG_OFF, &why) && !layout_init(&l, &img, &config, &why)) {
        uint64_t end = 0;
        for (size_t i = 0; i < l.run_count; i++) {
            if (l.runs[i].addr < end || l.runs[i].addr % PAGE_SIZE || l.runs[i].len % PAGE_SIZE)
                abort();
            end = l.runs[i].addr + l.runs[i].len;
        }
        layout_fini(&l);
    }
    free(copy);
    return 0;
}
