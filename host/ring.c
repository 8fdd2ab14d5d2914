/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing who serves the rings. */
#include "host/ring.h"

#include <string.h>

#include "host/runtime_impl.h"

int ring_open(enum runtime_io io, struct host_ring *shared, struct ring **out)
{
    int ret = -1;

    if (io != RUNTIME_IO_THREADS)
        ret = ring_uring_open(shared, out);
    if (ret && io == RUNTIME_IO_URING) {
        host_say("io_uring is not available (%s); use --io=threads", strerror(-ret));
        return ret;
    }
    if (ret)
        ret = ring_threads_open(shared, out);
    if (ret)
        host_say("the rings cannot be set up: %s", strerror(-ret));
    return ret;
}
