/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cella doctor: what this machine offers to enclaves, what is missing, and how to get it.
 *
 * Each check is one function that answers yes, no or partly, with a detail and, where something
 * is missing, the remedy.  Exit status 0 if programs can run here (softsgx or hardware), 1 if not.
 */
#include <asm/hwcap2.h>
#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/argp.h"
#include "cli/report.h"
#include "cli/say.h"
#include "cli/verbs.h"
#include "softsgx/softsgx.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

/* What a check found; `fix` only where something is missing. */
struct finding {
    bool ok;
    char detail[160];
    const char *fix;
};

__attribute__((format(printf, 3, 4))) static void found(struct finding *f, bool ok, const char *fmt,
                                                        ...)
{
    va_list ap;
    f->ok = ok;
    va_start(ap, fmt);
    vsnprintf(f->detail, sizeof f->detail, fmt, ap);
    va_end(ap);
}

static void check_sgx(struct finding *f)
{
    unsigned int a, b, c, d, sub;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & 4)) {
        found(f, false, "the processor has none, or the firmware hides it");
        f->fix = "enable SGX in the firmware's set-up, or use softsgx (no protection)";
        return;
    }
    bool flc = c & (1u << 30);
    __get_cpuid_count(0x12, 0, &a, &b, &c, &d);
    sub = a;
    found(f, (sub & 2) && flc && (b & 1), "SGX1 %s, SGX2 %s, launch control %s, EXINFO %s",
          sub & 1 ? "yes" : "no", sub & 2 ? "yes" : "no", flc ? "yes" : "no", b & 1 ? "yes" : "no");
    if (!f->ok)
        f->fix = "Cella needs SGX2 and flexible launch control: a processor of 2021 or later";
}

static void check_device(struct finding *f, const char *path, const char *fix)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        found(f, true, "%s can be opened", path);
        return;
    }
    found(f, false, "%s: %s", path, strerror(errno));
    f->fix = errno == EACCES ? "add yourself to the group that owns it (sgx, sgx_prv)" : fix;
}

static void check_enclave_device(struct finding *f)
{
    check_device(f, "/dev/sgx_enclave", "needs SGX and Linux 6.0 or later with CONFIG_X86_SGX");
}

static void check_provision_device(struct finding *f)
{
    check_device(f, "/dev/sgx_provision", "needed for attestation only");
}

static void check_io_uring(struct finding *f)
{
    struct io_uring_params p;
    memset(&p, 0, sizeof p);
    long fd = syscall(SYS_io_uring_setup, 4, &p);
    if (fd >= 0) {
        close((int)fd);
        found(f, true, "allowed");
        return;
    }
    found(f, false, "%s; threads serve the rings instead, slower", strerror(errno));
    f->fix = errno == ENOSYS ? "Linux 5.11 or later with CONFIG_IO_URING"
                             : "sysctl kernel.io_uring_disabled=0, or a seccomp profile that lets "
                               "io_uring through";
}

static void check_fsgsbase(struct finding *f)
{
    bool kept = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
    int fd = kept ? -1 : softsgx_open();
    if (kept)
        found(f, true, "user programs may use it");
    else if (fd >= 0)
        found(f, true, "not kept by the kernel; softsgx mends that at each context switch");
    else
        found(f, false, "%s", softsgx_why());
    if (fd >= 0)
        softsgx_close(fd);
    if (!f->ok)
        f->fix = "a processor that has FSGSBASE, and either Linux 5.9 or later without nofsgsbase, "
                 "or perf events (root, or kernel.perf_event_paranoid=1)";
}

static void check_user_dispatch(struct finding *f)
{
    static char selector; /* SYSCALL_DISPATCH_FILTER_ALLOW */
    bool ok = !prctl(PR_SET_SYSCALL_USER_DISPATCH, 1, 0, 0, &selector);
    found(f, ok, "%s", ok ? "works" : strerror(errno));
    if (ok)
        prctl(PR_SET_SYSCALL_USER_DISPATCH, 0, 0, 0, 0);
    else
        f->fix = "softsgx needs it: Linux 5.11 or later with CONFIG_GENERIC_ENTRY";
}

static void check_cpuid_faulting(struct finding *f)
{
    bool ok = !syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    found(f, ok, "%s", ok ? "works" : "not there: softsgx cannot trap cpuid in enclaves");
    if (!ok)
        f->fix = "only matters to softsgx; most virtual machines lack it";
}

static void check_mmap_min(struct finding *f)
{
    char line[32];
    FILE *file = fopen("/proc/sys/vm/mmap_min_addr", "re");
    bool read = file && fgets(line, sizeof line, file);
    unsigned long min = read ? strtoul(line, NULL, 10) : 65536;
    if (file)
        fclose(file);
    found(f, min <= 65536, "%lu", min);
    if (!f->ok)
        f->fix = "enclaves start at address 0x10000: sysctl vm.mmap_min_addr=65536";
}

/* Programs linked for 0x400000 need the low addresses, which Cella's own code must not occupy. */
static void check_low_memory(struct finding *f)
{
    void *want = (void *)0x10000;
    void *p = mmap(want, 0x3f0000, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    bool ok = p == want;
    found(f, ok, ok ? "free" : "taken: %s", strerror(errno));
    if (p != MAP_FAILED)
        munmap(p, 0x3f0000);
    if (!ok)
        f->fix = "run without tools that load libraries at low addresses";
}

static const struct check {
    const char *key;
    const char *title;
    void (*run)(struct finding *f);
    bool needed; /* for softsgx, the least that every machine must have */
} checks[] = {
    {"sgx", "SGX2 in the processor", check_sgx, false},
    {"sgx_enclave", "SGX driver", check_enclave_device, false},
    {"sgx_provision", "SGX provisioning", check_provision_device, false},
    {"fsgsbase", "FSGSBASE", check_fsgsbase, true},
    {"syscall_user_dispatch", "system call user dispatch", check_user_dispatch, true},
    {"mmap_min_addr", "lowest address", check_mmap_min, true},
    {"low_memory", "low memory", check_low_memory, true},
    {"io_uring", "io_uring", check_io_uring, false},
    {"cpuid_faulting", "CPUID faulting", check_cpuid_faulting, false},
};

#define CHECKS (sizeof checks / sizeof checks[0])

static void print_text(const struct finding *f, bool hw, bool soft)
{
    for (size_t i = 0; i < CHECKS; i++) {
        const char *mark = f[i].ok ? "ok " : checks[i].needed ? "NO " : "-- ";
        printf("%s %-26s %s\n", mark, checks[i].title, f[i].detail);
        if (f[i].fix)
            printf("    %-26s -> %s\n", "", f[i].fix);
    }
    if (hw)
        puts("\nPrograms run in hardware enclaves here (cella run --sgx=hw).");
    else if (soft)
        puts("\nPrograms run on softsgx here: the same enclaves, but no protection.");
    else
        puts("\nPrograms cannot run here: see the lines marked NO.");
}

static void print_json(const struct finding *f, bool hw, bool soft)
{
    struct report r;
    report_begin(&r, stdout, true);
    for (size_t i = 0; i < CHECKS; i++) {
        report_object(&r, checks[i].key);
        report_bool(&r, "ok", f[i].ok);
        report_string(&r, "detail", f[i].detail);
        if (f[i].fix)
            report_string(&r, "fix", f[i].fix);
        report_close(&r);
    }
    report_bool(&r, "hardware", hw);
    report_bool(&r, "softsgx", soft);
    report_end(&r);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    bool *json = state->input;
    switch (key) {
    case 'j': *json = true; return 0;
    case ARGP_KEY_ARG: argp_error(state, "%s: no argument is expected", arg); return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

int verb_doctor(int argc, char **argv)
{
    static const struct argp_option options[] = {{"json", 'j', NULL, 0, "Print JSON", 0}, {0}};
    static const struct argp argp = {
        options, parse_option, NULL,
        "Show what this machine offers to enclaves, and how to get what is missing.\v"
        "Exit status: 0 if programs can run here, 1 if not.\n"
        "\n"
        "Examples:\n"
        "  cella doctor\n"
        "  cella doctor --json | jq .sgx.ok\n"};
    bool json = false, soft = true;
    struct finding f[CHECKS] = {0};
    argp_err_exit_status = EXIT_CELLA;
    argp_parse(&argp, argc, argv, 0, NULL, &json);
    for (size_t i = 0; i < CHECKS; i++) {
        checks[i].run(&f[i]);
        soft = soft && (f[i].ok || !checks[i].needed);
    }
    bool hw = f[0].ok && f[1].ok;
    if (json)
        print_json(f, hw, soft);
    else
        print_text(f, hw, soft);
    return hw || soft ? 0 : 1;
}
