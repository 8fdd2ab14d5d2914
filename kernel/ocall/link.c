/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ocalls for satellites and the links to them.  The host carries messages that it can neither read nor make; here
 * only lengths are judged, by what was asked.
 */
#include <linux/errno.h>

#include "abi/host/start.h"
#include "kernel/arch/vcpu.h"
#include "kernel/ocall/hostcall.h"
#include "kernel/ocall/ocall.h"

/* The descriptor is only a number to be given back, as those of files are. */
long ocall_satellite_start(void)
{
    return host_result(host_call0(satellite_start), INT32_MAX);
}

int ocall_link_send(int fd, haddr_t buf, size_t n)
{
    int64_t sent =
        host_result(host_call_quiet(OCALL_link_send, (uint64_t)fd, buf, n, 0, 0, 0), (int64_t)n);
    if (sent < 0)
        return (int)sent;
    return sent == (int64_t)n ? 0 : -EIO;
}

/* Waiting disarms it: it is asked for again afterwards. */
static void tick_forget(void)
{
    struct vcpu *v = vcpu_this();

    if (!v->tick_at)
        return;
    v->tick_at = 0;
    __atomic_store_n(&v->need_resched, 1, __ATOMIC_RELAXED);
}

long ocall_link_receive(int fd, haddr_t buf, size_t size, bool wait)
{
    if (wait)
        tick_forget();
    return host_result(host_call_quiet(OCALL_link_receive, (uint64_t)fd, buf, size, wait, 0, 0),
                       (int64_t)size);
}

void ocall_satellite_kick(int fd)
{
    (void)host_call_quiet(OCALL_satellite_kick, (uint64_t)fd, 0, 0, 0, 0, 0);
}
