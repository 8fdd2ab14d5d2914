/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the runtime: one enclave a process, one struct host for it.
 */
#ifndef HOST_RUNTIME_IMPL_H
#define HOST_RUNTIME_IMPL_H

#include <setjmp.h>
#include <stdatomic.h>
#include <time.h>

#include "abi/host/start.h"
#include "host/device.h"
#include "host/runtime.h"

struct ring;

struct host {
    const struct runtime_options *options;
    const struct sgx_device *device;
    int fd;                   /* the device's handle */
    struct host_start *start; /* shared with the enclave */
    struct host_vcpu *vcpus;  /* likewise */
    struct ring *ring;        /* what serves vcpus[0].ring */
    timer_t tick;             /* of the vCPU's thread */
    bool tick_made;
    mode_t umask;    /* the caller's: the program starts with it if the configuration lets it */
    int wait_status; /* the program's, once ended */
    int log_fd;      /* standard error, for good: the program may close descriptor 2 */
    int trace_fd;    /* where traced calls go: the same, or --trace-file */
    bool ended;
};

extern struct host host;

/* build.c: 0 or -errno after one printed line. */
int enclave_build(void);
/* start.c: the start block and all that it points to. */
int start_prepare(void);
void clock_begin(
    void); /* as early as possible: the TSC's rate may have to be measured from here on */
void clock_sample(struct host_clock *c);
/* enter.c: EENTER or ERESUME; 0, and *run says how it ended, or an error of the vDSO's. */
int enclave_enter(unsigned function, const void *start, struct sgx_enclave_run *run);
/* vcpu.c: runs vCPU 0 on the calling thread until the enclave ends: 0 or -errno. */
int vcpu_run(unsigned index);
/* signals.c */
int signals_init(void);
void tick_set(int64_t ns); /* 0: off */
/* ocall.c: serves one request of the kernel. */
int64_t ocall_serve(struct host_vcpu *v);
/* One line "cella: …" to standard error. */
void host_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
