/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's life outside the enclave: enter, and do what the kernel left for.
 *
 *   EEXIT                   serve the request, EENTER with the result
 *   an exception            EENTER (CSSA 1): the kernel looks at it
 *   EEXIT of such an entry  the exception is dealt with: ERESUME
 * An exception while the kernel looks at one is the end.
 */
#include <errno.h>

#include "host/enclave/layout.h"
#include "host/runtime_impl.h"

static int exception_in_handler(const struct sgx_enclave_run *run)
{
    host_say(
        "the kernel failed while it handled an exception (vector %u, error %u, address 0x%llx)",
        run->exception_vector, run->exception_error_code, (unsigned long long)run->exception_addr);
    return -EIO;
}

int vcpu_run(unsigned index)
{
    struct host_vcpu *v = &host.vcpus[index];
    struct sgx_enclave_run run = {.tcs = layout_tcs(host.options->layout, index)};
    unsigned function = EENTER;
    bool handling = false;

    while (!host.ended) {
        int ret = enclave_enter(function, host.start, &run);
        if (ret) {
            host_say("entering the enclave failed (%d)", ret);
            return -EIO;
        }
        if (run.function != EEXIT) {
            if (handling)
                return exception_in_handler(&run);
            handling = true;
            function = EENTER;
            continue;
        }
        if (handling) {
            handling = false;
            function = ERESUME;
            continue;
        }
        if (v->ocall.nr == HOST_NO_REQUEST) {
            host_say("the kernel image is not made for this cella; build or install both again");
            return -EIO;
        }
        v->ocall.ret = ocall_serve(v);
        function = EENTER;
    }
    return 0;
}
