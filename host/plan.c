/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of an enclave: see plan.h.
 *
 *   0           struct plan
 *   sigstruct   struct sigstruct
 *   runs        struct enclave_run[run_count]; `src` is the offset of the contents here
 *   …           the contents of the runs, and the names of the calls to trace
 */
#include "host/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/host/layout.h"
#include "host/enclave/sigstruct.h"
#include "host/runtime_impl.h"

#define PLAN_MAGIC 0x314e414c504c4543UL /* "CELPLAN1" */
#define SATELLITE_VCPUS 2U              /* one computes, one waits */

static uint64_t pages(uint64_t n)
{
    return (n + PAGE_SIZE - 1) & PAGE_MASK;
}

/* Where everything will lie. */
static struct plan plan_of(const struct runtime_options *o)
{
    const struct enclave_layout *l = o->layout;
    struct plan p = {
        .magic = PLAN_MAGIC,
        .layout = *l,
        .memory_limit = o->memory_limit,
        .tsc_khz = host.start->clock.tsc_khz,
        .vcpus = host.vcpu_count < SATELLITE_VCPUS ? host.vcpu_count : SATELLITE_VCPUS,
        .sgx = host.device == &sgx_device_soft ? RUNTIME_SGX_SOFT : RUNTIME_SGX_HW,
        .io = o->io,
        .verbosity = o->verbosity,
        .trace = o->trace,
    };
    p.sigstruct = pages(sizeof(p));
    p.runs = p.sigstruct + pages(sizeof(struct sigstruct));
    p.size = p.runs + pages(l->run_count * sizeof(*l->runs));
    for (size_t i = 0; i < l->run_count; i++)
        p.size += l->runs[i].len;
    if (o->trace_calls) {
        p.trace_calls = p.size;
        p.size += pages(strlen(o->trace_calls) + 1);
    }
    return p;
}

static bool put(int fd, const void *data, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n;) {
        ssize_t put = pwrite(fd, (const char *)data + done, n - done, (off_t)(at + done));
        if (put <= 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

/* By writes, which fail where there is no memory; a mapping would end the base. */
static bool plan_fill(int fd, const struct plan *p, const struct runtime_options *o)
{
    const struct enclave_run *runs = o->layout->runs;
    uint64_t at = p->runs + pages(p->layout.run_count * sizeof(*runs));
    bool ok = !ftruncate(fd, (off_t)p->size) && put(fd, p, sizeof(*p), 0) &&
              put(fd, o->sigstruct, sizeof(*o->sigstruct), p->sigstruct);

    for (size_t i = 0; i < p->layout.run_count && ok; i++) {
        struct enclave_run run = runs[i];
        run.src = (const void *)at;
        ok = put(fd, &run, sizeof(run), p->runs + i * sizeof(run)) &&
             put(fd, runs[i].src, run.len, at);
        at += run.len;
    }
    if (p->trace_calls && ok)
        ok = put(fd, o->trace_calls, strlen(o->trace_calls) + 1, p->trace_calls);
    return ok;
}

int plan_make(void)
{
    struct plan p = plan_of(host.options);
    int fd = memfd_create("cella-plan", MFD_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (plan_fill(fd, &p, host.options))
        return fd;
    int err = errno ? errno : EIO;
    close(fd);
    return -err;
}

int plan_take(int fd, struct runtime_options *o, struct enclave_layout *l)
{
    struct stat st;

    if (fstat(fd, &st))
        return -errno;
    if (st.st_size < (off_t)sizeof(struct plan))
        return -EINVAL;
    /* Private, as the addresses of the runs' contents are put in. */
    char *at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return -errno;
    const struct plan *p = (const struct plan *)at;
    if (p->magic != PLAN_MAGIC || p->size != (uint64_t)st.st_size)
        return -EINVAL;
    *l = p->layout;
    l->runs = (struct enclave_run *)(at + p->runs);
    for (size_t i = 0; i < l->run_count; i++)
        l->runs[i].src = at + (uint64_t)l->runs[i].src;
    *o = (struct runtime_options){
        .layout = l,
        .sigstruct = (const struct sigstruct *)(at + p->sigstruct),
        .uid = getuid(),
        .gid = getgid(),
        .memory_limit = p->memory_limit,
        .sgx = (enum runtime_sgx)p->sgx,
        .io = (enum runtime_io)p->io,
        .vcpus = p->vcpus,
        .verbosity = p->verbosity,
        .control_listen = -1,
        .trace = p->trace,
        .trace_calls = p->trace_calls ? at + p->trace_calls : NULL,
    };
    clock_rate_set(p->tsc_khz);
    return 0;
}
