/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `cella run` and `cella start` have in common: options, and how a program or a bundle becomes
 * what the runtime wants to know.
 */
#ifndef CLI_LAUNCH_H
#define CLI_LAUNCH_H

#include "cli/argp.h"
#include "cli/paths.h"
#include "host/enclave/bundle.h"
#include "host/enclave/layout.h"
#include "host/enclave/sigstruct.h"
#include "host/runtime.h"
#include "lib/config.h"

/* Everything one enclave's start holds; `opt` first, so that einit_refused gets back to it. */
struct launch {
    struct runtime_options opt;
    const char *kernel_path; /* --kernel */
    const char *cwd;         /* -C */
    int first;               /* index in argv of PROGRAM */
    char *target;            /* path of the program or bundle on the host */
    int fd;                  /* the same, open; -1 at first */
    struct kernel_file kernel;
    struct enclave_layout layout;
    struct bundle bundle; /* if is_bundle */
    bool is_bundle;
    void *dev_blob; /* else */
    size_t dev_len;
    struct config dev_config;
    struct sigstruct dev_sig;
    char **argv;
};

enum {
    LAUNCH_SGX = 256,
    LAUNCH_IO,
    LAUNCH_TRACE,
    LAUNCH_TRACE_FILE,
    LAUNCH_STATS,
    LAUNCH_KERNEL,
    LAUNCH_VCPUS,
    LAUNCH_SATELLITES,
    LAUNCH_OWN, /* a verb's own options start here */
};

/* clang-format off */
#define LAUNCH_OPTIONS                                                                            \
    {"quiet", 'q', NULL, 0, "Print nothing of our own but errors", 0},                            \
    {"verbose", 'v', NULL, 0, "Say more; twice for more still", 0},                               \
    {"env", 'e', "NAME[=VALUE]", 0,                                                               \
     "Set a variable of the program's environment; without =VALUE remove it", 0},                 \
    {"cwd", 'C', "DIR", 0, "Start the program in DIR", 0},                                        \
    {"memory", 'm', "SIZE", 0, "Limit the enclave's memory (512M, 4G …)", 0},                     \
    {"vcpus", LAUNCH_VCPUS, "N", 0, "Run on N host threads (as many as there are CPUs)", 0},      \
    {"satellites", LAUNCH_SATELLITES, "N", 0,                                                     \
     "Have up to N enclaves of their own for programs that cannot run beside each other in one "  \
     "(0 to 64; one fewer than there are CPUs)", 0},                                          \
    {"sgx", LAUNCH_SGX, "auto|hw|soft", 0, "Which SGX: this CPU's, softsgx's, or what there is", 0}, \
    {"io", LAUNCH_IO, "auto|uring|threads", 0, "How the host serves I/O", 0},                     \
    {"trace", LAUNCH_TRACE, "CALL,…", OPTION_ARG_OPTIONAL,                                        \
     "Print system calls, as strace does", 0},                                                    \
    {"trace-file", LAUNCH_TRACE_FILE, "FILE", 0, "Trace to FILE instead of standard error", 0},   \
    {"stats", LAUNCH_STATS, NULL, 0, "Print counters at the end", 0},                             \
    {"kernel", LAUNCH_KERNEL, "FILE", 0, "Use this kernel image", 0}
/* clang-format on */

/* One of those; ARGP_ERR_UNKNOWN if it is none. */
error_t launch_option(struct launch *l, int key, char *arg, struct argp_state *state);
/* Finds and opens the program or bundle: 0, or the exit status after a message. */
int launch_find(struct launch *l, const char *name);
/* All but l->opt.finish; argv[l->first …] is the program with its arguments.  False after a message. */
bool launch_prepare(struct launch *l, int argc, char **argv);

#endif
