/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of --trace: trace.c makes the line, trace_args.c decodes arguments, trace_names.c knows
 * the names of flags and errors.
 */
#ifndef KERNEL_SYS_TRACE_IMPL_H
#define KERNEL_SYS_TRACE_IMPL_H

#include "kernel/arch/regs.h"
#include "kernel/types.h"

#define TRACE_LINE 768

/* A line as it grows; what does not fit is dropped, the end always fits. */
struct trace_line {
    size_t len;
    char text[TRACE_LINE];
};

/* clang-format off */
enum trace_kind {
    KIND_none, KIND_int, KIND_uint, KIND_long, KIND_ulong, KIND_size, KIND_hex, KIND_hex64,
    KIND_ptr, KIND_path, KIND_str, KIND_buf, KIND_fd, KIND_dirfd, KIND_oflags, KIND_atflags,
    KIND_mode, KIND_whence, KIND_prot, KIND_mflags, KIND_cflags, KIND_sig, KIND_sighow, KIND_clock,
    KIND_advice, KIND_futexop, KIND_epollop, KIND_fcntlcmd, KIND_rlimit,
    KIND_COUNT
};
/* clang-format on */

struct trace_call_info {
    char name[24]; /* "" : no such call */
    uint8_t nargs;
    uint8_t kind[6];
};

void line_put(struct trace_line *l, const char *fmt, ...) PRINTF(2, 3);
/* Appends "arg, arg, …" as they are now, before the call. */
void trace_put_args(struct trace_line *l, const struct trace_call_info *c, const uint64_t arg[6]);

/* One value of a set or a flag word; the last entry has an empty name. */
struct trace_name {
    uint32_t value;
    char name[24];
};
enum { NAME_STYLE_NUMBER, NAME_STYLE_VALUE, NAME_STYLE_FLAGS };
/* How values of a kind are written: as a number, one of the names, or names joined by '|'. */
int trace_names(enum trace_kind kind, const struct trace_name **names);
/* "ENOENT" or NULL; err is positive. */
const char *errno_name(long err);

#endif
