/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `cella run` asks of the host runtime: run one enclave to its end.
 *
 * The caller has read and checked the kernel image, the configuration and the SIGSTRUCT, and owns
 * everything that struct runtime_options points to until runtime_run returns.  The runtime builds
 * the enclave from `layout`, enters it, serves it, and reports how the program ended.
 *
 * The working directory of the host process is the base of the configuration's relative mount
 * sources when runtime_run is called.
 */
#ifndef HOST_RUNTIME_H
#define HOST_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct enclave_layout;
struct sigstruct;

enum runtime_sgx {
    RUNTIME_SGX_AUTO, /* hardware if it is there, else softsgx */
    RUNTIME_SGX_HW,
    RUNTIME_SGX_SOFT,
};

enum runtime_io {
    RUNTIME_IO_AUTO, /* io_uring if the host lets us, else threads */
    RUNTIME_IO_URING,
    RUNTIME_IO_THREADS,
};

struct runtime_options {
    const struct enclave_layout *layout; /* pages in EADD order, SECS size and SSA frame size */
    const struct sigstruct *sigstruct;   /* 1808 bytes, page-aligned page (see sigstruct.h) */
    const struct config *config;         /* checked; for the host's use. NULL in a satellite */
    const void *leaves;                  /* leaf hashes of trusted files, untrusted side data */
    size_t leaves_len;

    /* For the untrusted start block; the kernel takes each only if the configuration lets it. */
    const char *program;   /* what to run, as the user wrote it; NULL: the configuration names it */
    char *const *argv;     /* NULL-terminated; argv[0] included; NULL: the configuration's */
    char *const *envp;     /* NULL-terminated, after -e/--env */
    const char *cwd;       /* absolute path inside the enclave; NULL: the configuration's */
    unsigned int uid, gid; /* the caller's */
    uint64_t memory_limit; /* lower limit asked for by --memory in bytes; 0: the configuration's */

    enum runtime_sgx sgx;
    enum runtime_io io;
    unsigned vcpus; /* how many vCPUs; 0: the configuration's number, or one a host CPU */
    int satellites; /* 0 to SATELLITE_MAX; -1: one fewer than host CPUs, none with one vCPU */
    int verbosity;  /* -1 quiet, 0 normal, 1 and more verbose */

    /*
     * A live enclave: a socket that listens, on which clients ask for programs, and what they are told
     * that runs.  -1: none.  idle: no first process, the enclave ends when it is told to.
     * control_ready is called once, when the first process has its program, or requests are served.
     */
    int control_listen;
    const char *control_about;
    void (*control_ready)(void);
    bool idle;

    bool stats;              /* print counters at the end */
    bool trace;              /* --trace given */
    const char *trace_calls; /* comma-separated names; NULL: all */
    const char *trace_file;  /* NULL: standard error */

    /*
     * Called once if EINIT refuses the SIGSTRUCT, with the SGX error code (asm/sgx.h's ioctl
     * returns it), so that the caller, who knows the files, says in one line what has changed.
     * Not NULL.
     */
    void (*einit_refused)(const struct runtime_options *o, int sgx_error);
    /*
     * Called once when the program has ended, on whichever thread saw it, with its wait status as of
     * waitpid(2).  Ends the process, while other vCPUs may still be in the enclave: does not return.
     * Not NULL.
     */
    void (*finish)(int wait_status);
};

/*
 * First thing in main: a descriptor from 0 to 2 that the caller has closed must not become one of
 * ours, or the program would read and write it.
 */
void runtime_reserve_stdio(void);

/*
 * In the process that satellite.c has started as `cella satellite`: runs the satellite to its end.  Returns only a
 * negative errno.
 */
int runtime_satellite(void);

/*
 * Runs the enclave to its end, which is o->finish.  Returns only a negative errno: the enclave could
 * not be built or entered, and the runtime (or einit_refused) has printed one line that says why.
 * Not re-entrant.
 */
int runtime_run(const struct runtime_options *o);

#endif
