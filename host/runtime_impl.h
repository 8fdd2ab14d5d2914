/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the runtime: one enclave a process, one struct host for it.
 */
#ifndef HOST_RUNTIME_IMPL_H
#define HOST_RUNTIME_IMPL_H

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "abi/host/start.h"
#include "host/device.h"
#include "host/runtime.h"

struct ring;

/* A vCPU's host side.  Written by its own thread; `tid` and `wake_fd` are read by others. */
struct host_cpu {
    unsigned index;
    pid_t tid;   /* 0: not started */
    int wake_fd; /* an eventfd that ends the thread's wait */
    timer_t tick;
    bool tick_made, tick_armed;
};

struct host {
    const struct runtime_options *options;
    const struct sgx_device *device;
    int fd;                   /* the device's handle */
    struct host_start *start; /* shared with the enclave */
    struct host_vcpu *vcpus;  /* likewise */
    struct host_cpu *cpus;    /* one for each of them */
    unsigned vcpu_count;      /* that there may be */
    int link_fd;              /* a satellite's end of its link; -1: this process has the base */
    struct ring *ring;        /* what serves start->ring */
    mode_t umask; /* the caller's: the program starts with it if the configuration lets it */
    int log_fd;   /* standard error, for good: the program may close descriptor 2 */
    int trace_fd; /* where traced calls go: the same, or --trace-file */
};

extern struct host host;
extern __thread struct host_cpu *host_cpu; /* the calling thread's */

/* build.c: 0 or -errno after one printed line. */
int enclave_build(void);
/* runtime.c: chooses the device, builds the enclave, and makes ready to enter it: 0 or -errno after one printed
 * line. */
int enclave_prepare(void);
/* start.c: the start block and all that it points to. */
int start_prepare(void);
unsigned cpu_count(void); /* of the host's, those that this process may use */
unsigned vcpus_wanted(
    void); /* as many as asked for on the command line, by the manifest, or as there are CPUs */
void clock_begin(
    void); /* as early as possible: the TSC's rate may have to be measured from here on */
void clock_rate_set(uint64_t khz); /* instead */
void clock_sample(struct host_clock *c);
/* enter.c: EENTER or ERESUME; 0, and *run says how it ended, or an error of the vDSO's. */
int enclave_enter(unsigned function, const void *start, struct sgx_enclave_run *run);
/* vcpu.c: runs a vCPU on the calling thread: -errno when that fails, else it does not return. */
int vcpu_run(unsigned index);
/* Starts a thread for a vCPU: 0 or -errno. */
int vcpu_start(unsigned index);
/* Ends another vCPU's wait, or its next one. */
void vcpu_wake(unsigned index);
/* Makes the kernel see that something happened: an AEX if that vCPU is inside, else `kick`. */
void vcpu_interrupt(unsigned index);
/* Waits up to timeout ns (< 0: without limit; 0: not) for a wake-up, a signal, messages for the vCPU's inboxes,
 * which are received, and if `watch` for a completion in the ring. */
void vcpu_wait(int64_t timeout, bool watch);
/* One message of a link: the answer of the ocall link_receive. */
int64_t vcpu_receive(int link, void *buf, size_t n, bool wait);
/* signals.c */
#define TICK_SIGNAL (SIGRTMAX - 1)
int signals_init(void);
/* The program's signals, in the calling thread; *old: what was blocked before. */
void signals_block(sigset_t *old);
/* All but ticks and the CPU's exceptions: in processes which are none of those who send signals. */
void signals_block_all(sigset_t *old);
void tick_set(int64_t ns); /* 0: off */
/* satellite.c: how many the kernel may ask for. */
unsigned satellites_wanted(void);
/* A new one: the base's end of its link, or -errno.  That it could not be built is seen as the link's end. */
int satellite_start(void);
/* A tick for the one behind our end of its link: 0 or -errno. */
int satellite_kick(int link);
void satellites_signal(int sig); /* to all */
/* Ends all, and waits for it: none of their descriptors is open then.  There can be none afterwards. */
void satellites_end(void);
/* ocall.c: serves one request of the kernel. */
int64_t ocall_serve(struct host_vcpu *v);
/* One line "cella: …" to standard error. */
void host_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
