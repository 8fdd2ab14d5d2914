/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own messages.  They go to the host's standard error, one line each. */
#include <stdarg.h>

#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/ocall/ocall.h"
#include "lib/format.h"
#include "lib/string.h"

#define EXIT_PANIC (125 << 8) /* wait status */

#define LINE 512

static void log_line(const char *prefix, const char *fmt, va_list ap)
{
    char buf[LINE];
    size_t n = str_copy(buf, prefix, sizeof(buf));
    int len = vsnprintf(buf + n, sizeof(buf) - n - 1, fmt, ap);
    n = MIN(n + (size_t)MAX(len, 0), sizeof(buf) - 2);
    buf[n++] = '\n';
    ocall_log(buf, n);
}

void log_warn(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_line("cella: ", fmt, ap);
    va_end(ap);
}

void log_debug(const char *fmt, ...)
{
    va_list ap;
    if (!kernel.debug_log)
        return;
    va_start(ap, fmt);
    log_line("cella: ", fmt, ap);
    va_end(ap);
}

void panic(const char *fmt, ...)
{
    static bool again;
    va_list ap;

    /* A panic on the way to saying so can only end. */
    if (!__atomic_exchange_n(&again, true, __ATOMIC_RELAXED)) {
        va_start(ap, fmt);
        log_line("cella: kernel panic: ", fmt, ap);
        va_end(ap);
    }
    ocall_exit(EXIT_PANIC);
}
