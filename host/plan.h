/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a satellite is built from, as the base's process hands it on: a memory file with the enclave's pages, the
 * signature, and the few settings that are the same for both.  Both ends are the same executable.
 */
#ifndef HOST_PLAN_H
#define HOST_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "host/enclave/layout.h"
#include "host/runtime.h"

/* The file's first page; all else lies in it at whole pages. */
struct plan {
    uint64_t magic, size; /* bytes of the whole file */
    struct enclave_layout layout;
    uint64_t runs, sigstruct, trace_calls; /* offsets in bytes; trace_calls 0: NULL */
    uint64_t memory_limit, tsc_khz;
    uint32_t vcpus;
    int32_t sgx, io, verbosity; /* as in struct runtime_options */
    bool trace;
};

/* A new one of this process's enclave: a descriptor (closed by exec), or -errno. */
int plan_make(void);
/*
 * Maps one and makes options of it, for good: 0 or -errno.  Without configuration, program, side data and
 * whatever belongs to the first process.
 */
int plan_take(int fd, struct runtime_options *o, struct enclave_layout *l);

#endif
