/* SPDX-License-Identifier: Apache-2.0 */
/* The start block: everything the kernel is told, in one mapping outside ELRANGE. */
#include <asm/hwcap2.h>
#include <errno.h>
#include <cpuid.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#include "abi/host/layout.h"
#include "host/control/control.h"
#include "host/ring.h"
#include "host/runtime_impl.h"
#include "lib/cpu_host.h"
#include "lib/config.h"

#define BUFFER_SIZE (12UL << 20) /* bounce buffers; only those in use become resident */

static int64_t timespec_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * 1000000000L + ts.tv_nsec;
}

static bool in_virtual_machine(void)
{
    return cpu_host_leaf1[2] >> 31;
}

/* The TSC's rate by the CPU's own word, or 0. In a virtual machine few hypervisors say it, and each cpuid
 * that asks takes longer than a measurement's error is worth: 20 us. */
static uint64_t tsc_khz_told(void)
{
    uint32_t a, b, c, d;

    if (in_virtual_machine())
        return 0;
    if (__get_cpuid_max(0, NULL) >= 0x15) {
        __cpuid(0x15, a, b, c, d);
        if (a && b && c)
            return (uint64_t)c * b / a / 1000;
    }
    return 0;
}

struct clock_pair {
    int64_t ns;
    uint64_t tsc;
};

static struct clock_pair begin;

/* Both clocks at one moment: the best of a few, as we may be interrupted between the two. */
static struct clock_pair clock_pair(void)
{
    struct clock_pair best = {0, 0};
    uint64_t gap = UINT64_MAX;
    for (int i = 0; i < 4; i++) {
        uint64_t before = __rdtsc();
        int64_t ns = timespec_ns(CLOCK_MONOTONIC);
        uint64_t after = __rdtsc();
        if (after - before < gap) {
            gap = after - before;
            best = (struct clock_pair){ns, before + gap / 2};
        }
    }
    return best;
}

void clock_begin(void)
{
    begin = clock_pair();
}

/* The rate since clock_begin: building the enclave has mostly taken long enough. */
static uint64_t tsc_khz_measured(void)
{
    struct clock_pair now;
    do
        now = clock_pair();
    while (now.ns - begin.ns < 200000);
    return (now.tsc - begin.tsc) * 1000000 / (uint64_t)(now.ns - begin.ns);
}

static uint64_t khz;

void clock_rate_set(uint64_t known)
{
    khz = known;
}

void clock_sample(struct host_clock *c)
{
    if (!khz) {
        khz = tsc_khz_told();
        if (khz < 100000 || khz > 20000000)
            khz = tsc_khz_measured();
    }
    uint64_t before = __rdtsc();
    c->mono_ns = timespec_ns(CLOCK_MONOTONIC);
    c->tsc = before + (__rdtsc() - before) / 2;
    c->real_ns = timespec_ns(CLOCK_REALTIME);
    c->boot_ns = timespec_ns(CLOCK_BOOTTIME);
    c->tsc_khz = khz;
}

static size_t strings_len(char *const *v)
{
    size_t n = 0;
    for (; v && *v; v++)
        n += strlen(*v) + 1;
    return n;
}

static char *put_bytes(char **at, const void *data, size_t n)
{
    char *p = *at;
    memcpy(p, data, n);
    *at += n;
    return p;
}

static uint64_t put_strings(char **at, char *const *v)
{
    uint64_t first = (uint64_t)*at;
    for (; v && *v; v++)
        put_bytes(at, *v, strlen(*v) + 1);
    return first;
}

static void put_text(char **at, const char *s, uint64_t *addr, uint64_t *len)
{
    *len = s ? strlen(s) : 0;
    *addr = (uint64_t)put_bytes(at, s ? s : "", *len);
}

unsigned cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set))
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

static uint32_t start_flags(const struct runtime_options *o)
{
    return (o->trace ? HOST_FLAG_TRACE : 0) | (o->verbosity > 0 ? HOST_FLAG_VERBOSE : 0) |
           (o->verbosity < 0 ? HOST_FLAG_QUIET : 0) | (o->stats ? HOST_FLAG_STATS : 0) |
           (o->control_listen >= 0 ? HOST_FLAG_CONTROL : 0) | (o->idle ? HOST_FLAG_IDLE : 0) |
           (host.link_fd >= 0 ? HOST_FLAG_SATELLITE : 0) |
           (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE ? 0 : HOST_FLAG_NO_FSGSBASE);
}

static void start_fill(struct host_start *s, char *at, const char *hostname)
{
    const struct runtime_options *o = host.options;

    s->version = HOST_ABI_VERSION;
    s->flags = start_flags(o);
    s->vcpu_count = host.vcpu_count;
    s->ncpu = cpu_count();
    s->vcpus = (uint64_t)host.vcpus;
    s->side = (uint64_t)o->leaves;
    s->side_len = o->leaves_len;
    s->table_len = o->config ? config_table_len(o->config) : 0;
    s->table = s->table_len ? (uint64_t)o->config->head + o->config->head->table_off : 0;
    s->argv_len = strings_len(o->argv);
    s->argv = put_strings(&at, o->argv);
    s->envp_len = strings_len(o->envp);
    s->envp = put_strings(&at, o->envp);
    put_text(&at, o->cwd, &s->cwd, &s->cwd_len);
    put_text(&at, o->program, &s->program, &s->program_len);
    put_text(&at, o->trace_calls, &s->trace, &s->trace_len);
    put_text(&at, hostname, &s->hostname, &s->hostname_len);
    s->uid = o->uid;
    s->gid = o->gid;
    s->umask = host.umask;
    s->memory_limit = o->memory_limit;
    s->link_fd = host.link_fd;
    s->satellites = satellites_wanted();
    clock_sample(&s->clock);
}

unsigned vcpus_wanted(void)
{
    const struct runtime_options *o = host.options;
    unsigned n = o->vcpus ? o->vcpus : o->config->head->vcpu_count;
    if (!n)
        n = cpu_count();
    return n < 1 ? 1 : n > VCPU_MAX ? VCPU_MAX : n;
}

static int cpus_prepare(void)
{
    host.cpus = calloc(host.vcpu_count, sizeof(*host.cpus));
    if (!host.cpus)
        return -ENOMEM;
    for (unsigned i = 0; i < host.vcpu_count; i++) {
        host.vcpus[i] = (struct host_vcpu){.index = i, .ocall.nr = HOST_NO_REQUEST};
        host.cpus[i] = (struct host_cpu){.index = i, .wake_fd = -1};
    }
    return 0;
}

int start_prepare(void)
{
    const struct runtime_options *o = host.options;
    char hostname[65] = "";
    size_t text = strings_len(o->argv) + strings_len(o->envp) + strlen(o->cwd ? o->cwd : "") +
                  strlen(o->program ? o->program : "") +
                  strlen(o->trace_calls ? o->trace_calls : "") + sizeof(hostname);
    size_t head = (sizeof(struct host_start) + 63) / 64 * 64;

    host.vcpu_count = vcpus_wanted();
    size_t vcpus = host.vcpu_count * sizeof(struct host_vcpu);
    gethostname(hostname, sizeof(hostname) - 1);
    char *p =
        mmap(NULL, head + vcpus + text, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED || buffer == MAP_FAILED)
        return -ENOMEM;
    host.start = (struct host_start *)p;
    host.vcpus = (struct host_vcpu *)(p + head);
    if (cpus_prepare())
        return -ENOMEM;
    host.start->buffer = (uint64_t)buffer;
    host.start->buffer_len = BUFFER_SIZE;
    start_fill(host.start, p + head + vcpus, hostname);
    if (o->control_listen >= 0) {
        int fd, err = control_start(o, &fd);
        if (err)
            return err;
        host.start->control_fd = fd;
    }
    return ring_open(o->io, &host.start->ring, &host.ring);
}
