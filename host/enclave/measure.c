/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each instruction that builds an enclave feeds SHA-256 a 64-byte record; EEXTEND adds the 256
 * bytes that it measures.  All fields are little-endian, the rest of a record is zero.
 */
#include "host/enclave/measure.h"

#include <string.h>

#include "abi/host/layout.h"
#include "host/enclave/layout.h"
#include "lib/sha256.h"

#define EEXTEND_SIZE 256

struct record {
    char tag[8];
    uint64_t a;
    uint64_t b;
    uint64_t zero[5];
};

static void put_record(struct sha256 *s, const char *tag, uint64_t a, uint64_t b)
{
    struct record r = {.a = a, .b = b};
    memcpy(r.tag, tag, strlen(tag));
    sha256_update(s, &r, sizeof r);
}

/* ECREATE's record has the 32-bit SSAFRAMESIZE before SIZE, so it is not aligned like the
 * others. */
static void put_ecreate(struct sha256 *s, uint32_t ssa_frame_pages, uint64_t size)
{
    uint8_t r[64] = "ECREATE";
    memcpy(r + 8, &ssa_frame_pages, 4);
    memcpy(r + 12, &size, 8);
    sha256_update(s, r, sizeof r);
}

static void put_page(struct sha256 *s, uint64_t addr, const uint8_t *data, uint64_t secinfo)
{
    put_record(s, "EADD", addr, secinfo);
    for (uint64_t off = 0; off < PAGE_SIZE; off += EEXTEND_SIZE) {
        put_record(s, "EEXTEND", addr + off, 0);
        sha256_update(s, data + off, EEXTEND_SIZE);
    }
}

void layout_measure(const struct enclave_layout *l, uint8_t mrenclave[32])
{
    struct sha256 s;
    sha256_init(&s);
    put_ecreate(&s, l->ssa_frame_pages, l->elrange_size);
    for (size_t i = 0; i < l->run_count; i++) {
        const struct enclave_run *r = &l->runs[i];
        for (uint64_t off = 0; off < r->len; off += PAGE_SIZE)
            put_page(&s, r->addr + off, (const uint8_t *)r->src + off, r->secinfo);
    }
    sha256_final(&s, mrenclave);
}
