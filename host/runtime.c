/* SPDX-License-Identifier: Apache-2.0 */
/* Running one enclave from its pages to its end. */
#include "host/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/runtime_impl.h"
#include "softsgx/softsgx.h"

struct host host;

void host_say(const char *fmt, ...)
{
    char buf[512] = "cella: ";
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf + 7, sizeof(buf) - 8, fmt, ap);
    va_end(ap);
    size_t len = 7 + (n < 0 ? 0 : (size_t)n > sizeof(buf) - 9 ? sizeof(buf) - 9 : (size_t)n);
    buf[len++] = '\n';
    (void)!write(host.log_fd ? host.log_fd : 2, buf, len);
}

static int device_choose(void)
{
    const struct runtime_options *o = host.options;
    const char *why = "";

    if (o->sgx != RUNTIME_SGX_SOFT) {
        host.device = sgx_device_hw(&why);
        if (host.device)
            return 0;
    }
    if (o->sgx == RUNTIME_SGX_HW) {
        host_say("%s; use --sgx=soft to run without protection", why);
        return -ENODEV;
    }
    host.device = &sgx_device_soft;
    if (o->verbosity >= 0 && host.link_fd < 0)
        host_say("%s", softsgx_banner());
    return 0;
}

/* An O_PATH descriptor keeps the number taken and answers reads and writes with EBADF. */
void runtime_reserve_stdio(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_PATH) != fd)
            host_say("descriptor %d is closed and cannot be reserved", fd);
}

/* Where messages and traced calls go: 0 or -errno after a printed line. */
static int logs_open(const struct runtime_options *o)
{
    host.log_fd = fcntl(2, F_DUPFD_CLOEXEC, 64);
    host.trace_fd = host.log_fd;
    if (!o->trace_file)
        return 0;
    host.trace_fd = open(o->trace_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (host.trace_fd >= 0)
        return 0;
    int err = errno;
    host_say("--trace-file=%s: %s", o->trace_file, strerror(err));
    return -err;
}

int enclave_prepare(void)
{
    int ret = device_choose();
    if (!ret)
        ret = enclave_build();
    if (!ret)
        ret = start_prepare();
    if (!ret && (ret = signals_init()))
        host_say("signal handlers cannot be set: %s", strerror(-ret));
    return ret;
}

int runtime_run(const struct runtime_options *o)
{
    clock_begin();
    host.options = o;
    host.link_fd = -1;
    int ret = logs_open(o);
    host.umask = umask(0); /* the program's umask is applied inside, before a mode gets here */
    if (!ret)
        ret = enclave_prepare();
    if (!ret)
        ret = vcpu_run(0);
    satellites_end();
    return ret;
}
