/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building the enclave: reserve ELRANGE, ECREATE, add and measure the layout's pages, EINIT, and
 * map what the enclave may touch.
 *
 * A VMA must not promise more than its pages were added with, so the whole range is first reserved
 * without access, and mapped piece by piece once it is initialised: measured pages with their own
 * rights, the program's part and the kernel heap (which the enclave fills itself) with all rights:
 * there the EPCM decides.  Gaps between vCPU stacks stay without access.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/host/layout.h"
#include "host/enclave/layout.h"
#include "host/enclave/sigstruct.h"
#include "host/runtime_impl.h"

/* SECS (SDM vol. 3D, 38.7). */
struct secs {
    uint64_t size, base;
    uint32_t ssaframesize, miscselect;
    uint8_t reserved1[24];
    uint64_t flags, xfrm;
    uint8_t rest[4096 - 64];
};
_Static_assert(sizeof(struct secs) == 4096, "SECS");
_Static_assert(offsetof(struct secs, flags) == 48, "SECS.ATTRIBUTES");

static int failed(const char *what, int err)
{
    const char *why = host.device->why();
    host_say("%s failed: %s%s%s", what, strerror(-err), *why ? ": " : "", why);
    return err;
}

static int range_reserve(void)
{
    size_t len = host.options->layout->elrange_size - USER_MIN;
    void *at = host.device->mmap((void *)USER_MIN, len, PROT_NONE, MAP_SHARED | MAP_FIXED_NOREPLACE,
                                 host.fd, 0);
    if (at == MAP_FAILED)
        return failed("reserving the enclave's address range", -errno);
    return 0;
}

static int create(void)
{
    static struct secs secs __attribute__((aligned(4096)));
    const struct enclave_layout *l = host.options->layout;
    struct sgx_enclave_create arg = {.src = (uint64_t)&secs};
    uint64_t flags, xfrm;

    if (sigstruct_attributes(host.options->sigstruct, host.device->xfrm(), &flags, &xfrm)) {
        host_say("the signature demands a CPU feature that this machine does not have");
        return -ENOTSUP;
    }
    secs.size = l->elrange_size;
    secs.base = 0;
    secs.ssaframesize = l->ssa_frame_pages;
    secs.miscselect = host.options->sigstruct->miscselect;
    secs.flags = flags;
    secs.xfrm = xfrm;
    int ret = host.device->ioctl(host.fd, SGX_IOC_ENCLAVE_CREATE, &arg);
    return ret ? failed("creating the enclave", ret > 0 ? -EIO : ret) : 0;
}

static int add_run(const struct enclave_run *r)
{
    static struct {
        uint64_t flags, reserved[7];
    } secinfo __attribute__((aligned(64)));
    uint64_t done = 0;

    secinfo.flags = r->secinfo;
    while (done < r->len) {
        struct sgx_enclave_add_pages arg = {
            .src = (uint64_t)r->src + done,
            .offset = r->addr + done,
            .length = r->len - done,
            .secinfo = (uint64_t)&secinfo,
            .flags = SGX_PAGE_MEASURE,
        };
        int ret = host.device->ioctl(host.fd, SGX_IOC_ENCLAVE_ADD_PAGES, &arg);
        done += arg.count;
        if (ret == -EINTR || ret == -EAGAIN || (!ret && arg.count))
            continue;
        return failed("adding pages to the enclave", ret ? (ret > 0 ? -EIO : ret) : -EIO);
    }
    return 0;
}

static int init(void)
{
    struct sgx_enclave_init arg = {.sigstruct = (uint64_t)host.options->sigstruct};
    int ret = host.device->ioctl(host.fd, SGX_IOC_ENCLAVE_INIT, &arg);
    if (!ret)
        return 0;
    host.options->einit_refused(host.options, ret > 0 ? ret : 0);
    return -EPERM;
}

static int map_piece(uint64_t addr, uint64_t len, int prot)
{
    if (host.device->mmap((void *)addr, len, prot, MAP_SHARED | MAP_FIXED, host.fd, 0) ==
        MAP_FAILED)
        return failed("mapping the enclave", -errno);
    return 0;
}

static int prot_of(uint64_t secinfo)
{
    if (secinfo & SECINFO_TCS)
        return PROT_READ | PROT_WRITE;
    return (secinfo & SECINFO_R ? PROT_READ : 0) | (secinfo & SECINFO_W ? PROT_WRITE : 0) |
           (secinfo & SECINFO_X ? PROT_EXEC : 0);
}

static int map_all(void)
{
    const struct enclave_layout *l = host.options->layout;
    const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    int ret = map_piece(USER_MIN, l->kernel_base - USER_MIN, all);

    for (size_t i = 0, next; i < l->run_count && !ret; i = next) {
        const struct enclave_run *r = &l->runs[i];
        uint64_t end = r->addr + r->len;
        for (next = i + 1; next < l->run_count && l->runs[next].addr == end &&
                           prot_of(l->runs[next].secinfo) == prot_of(r->secinfo);
             next++)
            end += l->runs[next].len;
        ret = map_piece(r->addr, end - r->addr, prot_of(r->secinfo));
    }
    /* A TCS page's mapping must not have more rights than the page: the blocks have one of their own. */
    uint64_t blocks = l->kernel_base + VCPU_OFF + l->vcpu_count * VCPU_STRIDE;
    if (!ret)
        ret = map_piece(blocks, l->kernel_base + HEAP_OFF - blocks, PROT_READ | PROT_WRITE);
    if (!ret)
        ret =
            map_piece(l->kernel_base + HEAP_OFF, l->elrange_size - l->kernel_base - HEAP_OFF, all);
    return ret;
}

int enclave_build(void)
{
    const struct enclave_layout *l = host.options->layout;

    host.fd = host.device->open();
    if (host.fd < 0)
        return failed("opening the SGX device", host.fd);
    int ret = range_reserve();
    if (!ret)
        ret = create();
    for (size_t i = 0; i < l->run_count && !ret; i++)
        ret = add_run(&l->runs[i]);
    if (!ret)
        ret = init();
    if (!ret)
        ret = map_all();
    return ret;
}
