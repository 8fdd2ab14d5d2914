/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot: from the first EENTER to the first program.
 *
 * The order matters: what the host passed is copied and judged before anything is done with it, and
 * nothing that is measured is ever taken from it.
 */
#include "kernel/boot/args.h"

#include <asm/hwcap2.h>

#include "kernel/arch/fpu.h"
#include "kernel/arch/vcpu.h"
#include "kernel/crypto/crypto.h"
#include "kernel/fs/fs.h"
#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/ocall/hostmem.h"
#include "kernel/ocall/ocall.h"
#include "kernel/ocall/ring_impl.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/sched.h"
#include "kernel/sched/vcpus.h"
#include "kernel/sgx/report.h"
#include "kernel/sys/stats.h"
#include "kernel/sys/trace.h"
#include "kernel/vfs/vfs.h"
#include "lib/config.h"
#include "lib/string.h"

#define EXIT_BOOT_FAILED (125 << 8) /* wait status; the reason has been logged */

struct kernel kernel;

static struct config config;

void vcpu_main(haddr_t start);
void vcpu_secondary(void);
void syscall_gate(void);

/* The parameter page lies at a fixed place behind the image and is measured. */
static void params_find(void)
{
    extern char kernel_image_start[];
    kernel.params = (const struct enclave_params *)(kernel_image_start + CONFIG_OFF);
    kernel.config_len = kernel.params->config_len;
}

/* The CPU's word on what this enclave is: XFRM sizes the save areas. */
static void attributes_read(void)
{
    static const struct sgx_targetinfo nobody;
    static const uint8_t data[64];
    struct sgx_report r;

    sgx_ereport(&nobody, data, &r);
    kernel.xfrm = r.xfrm;
    kernel.xstate_size = (size_t)kernel.params->ssa_frame_pages * PAGE_SIZE;
    kernel.debug_enclave = r.attributes & SGX_ATTR_DEBUG;
}

/*
 * The start block, read once.  Before this, nothing of the host's has been looked at, and until all of
 * it is judged there is no place for a message or a request: ocall_exit just leaves.
 */
static void start_take(haddr_t addr, struct host_start *s)
{
    if (!host_range_ok(addr, sizeof(*s)))
        ocall_exit(-1);
    host_in(s, addr, sizeof(*s));
    if (s->version != HOST_ABI_VERSION || !s->vcpu_count || s->vcpu_count > VCPU_MAX)
        ocall_exit(-1);
    if (!host_range_ok(s->vcpus, s->vcpu_count * sizeof(struct host_vcpu)) ||
        !host_range_ok(s->buffer, s->buffer_len))
        ocall_exit(-1);
    if (!hostbuf_init(s->buffer, s->buffer_len))
        ocall_exit(-1);
    vcpu_this()->host_unsafe = (volatile struct host_vcpu *)s->vcpus;
}

static void config_take(void)
{
    const char *why = "";
    kernel.config_blob = (const void *)kernel.params->config_addr;
    if (config_check_measured(&config, kernel.config_blob, kernel.config_len, &why))
        panic("the configuration is not valid: %s", why);
    kernel.config = &config;
}

static void flags_take(uint32_t flags)
{
    bool may_log = config_flag(&config, CONFIG_F_HOST_LOG);
    kernel.quiet = flags & HOST_FLAG_QUIET;
    kernel.hwcap2 = flags & HOST_FLAG_NO_FSGSBASE ? 0 : HWCAP2_FSGSBASE;
    kernel.trace = may_log && (flags & HOST_FLAG_TRACE);
    kernel.stats = may_log && (flags & HOST_FLAG_STATS);
    kernel.debug_log = may_log && (flags & HOST_FLAG_VERBOSE);
}

void vcpu_main(haddr_t start_addr)
{
    struct host_start start;

    params_find();
    start_take(start_addr, &start);
    vcpu_this()->syscall_entry = (uint64_t)syscall_gate;
    attributes_read();
    config_take();
    ocall_closing_init();
    mm_heap_init();
    epage_limit_lower(start.memory_limit);
    vcpus_init(start.vcpu_count, start.vcpus);
    if (!sched_init_vcpu(vcpu_this()))
        panic("out of memory at start; raise sgx.enclave_size or --memory");
    fpu_boot();
    boot_args_take(&start);
    flags_take(start.flags);
    if (!ring_init(&start.ring))
        panic("the host's ring is not one");
    clock_init(&start.clock);
    crypto_init();
    trace_init();
    if (mm_init() || vfs_init())
        panic("out of memory at start; raise sgx.enclave_size or --memory");
    /* A satellite has no files of its own: nothing is mounted twice. */
    if (start.flags & HOST_FLAG_SATELLITE)
        satellite_main(start.link_fd);
    if (fs_init(&config) || process_init() || process_first())
        ocall_exit(EXIT_BOOT_FAILED);
    satellites_init(kernel.trace ? 0 : kernel.boot_args->satellites);
    sched_idle();
}

/* The first entry of a vCPU that vcpus.c has made, on its own boot stack. */
void vcpu_secondary(void)
{
    sched_idle();
}
