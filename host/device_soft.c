/* SPDX-License-Identifier: Apache-2.0 */
/* SGX by softsgx: the same interface, one call each. */
#include <errno.h>

#include "host/device.h"
#include "softsgx/softsgx.h"

static int soft_sigaction(int sig, const struct sigaction *act)
{
    return softsgx_sigaction(sig, act, NULL);
}

static uint64_t soft_xfrm(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

const struct sgx_device sgx_device_soft = {
    .name = "softsgx",
    .open = softsgx_open,
    .ioctl = softsgx_ioctl,
    .mmap = softsgx_mmap,
    .close = softsgx_close,
    .enter = softsgx_enter_enclave,
    .sigaction = soft_sigaction,
    .at_aep = softsgx_at_aep,
    .xfrm = soft_xfrm,
    .why = softsgx_why,
};
