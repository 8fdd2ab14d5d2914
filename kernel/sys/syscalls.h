/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prototypes of all system-call handlers, from abi/linux/syscall.tbl.  Include it last, in files
 * that define a sys_<name>.  Calls of level NONE have a prototype too, but no function.
 */
#ifndef KERNEL_SYS_SYSCALLS_H
#define KERNEL_SYS_SYSCALLS_H

#include "kernel/types.h"

/* The C type of each kind of argument. */
#define SC_int int
#define SC_uint unsigned
#define SC_long long
#define SC_ulong unsigned long
#define SC_size size_t
#define SC_hex unsigned
#define SC_hex64 unsigned long
#define SC_ptr uaddr_t
#define SC_path uaddr_t
#define SC_str uaddr_t
#define SC_buf uaddr_t
#define SC_fd int
#define SC_dirfd int
#define SC_oflags int
#define SC_atflags int
#define SC_mode unsigned
#define SC_whence unsigned
#define SC_prot unsigned long
#define SC_mflags unsigned long
#define SC_cflags unsigned long
#define SC_sig int
#define SC_sighow int
#define SC_clock int
#define SC_advice int
#define SC_futexop int
#define SC_epollop int
#define SC_fcntlcmd unsigned
#define SC_rlimit unsigned

#define A0() void
#define A1(k1, a1) SC_##k1 a1
#define A2(k1, a1, k2, a2) A1(k1, a1), SC_##k2 a2
#define A3(k1, a1, k2, a2, k3, a3) A2(k1, a1, k2, a2), SC_##k3 a3
#define A4(k1, a1, k2, a2, k3, a3, k4, a4) A3(k1, a1, k2, a2, k3, a3), SC_##k4 a4
#define A5(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5) A4(k1, a1, k2, a2, k3, a3, k4, a4), SC_##k5 a5
#define A6(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5, k6, a6) \
    A5(k1, a1, k2, a2, k3, a3, k4, a4, k5, a5), SC_##k6 a6
#define SYSCALL(nr, name, level, args, note) long sys_##name(args);
#include "abi/linux/syscall.tbl"
#undef SYSCALL
#undef A0
#undef A1
#undef A2
#undef A3
#undef A4
#undef A5
#undef A6

/* Highest number with a line, plus one. */
enum {
#define SYSCALL(nr, name, level, args, note) SYS_NR_##name = nr,
#define A0()
#define A1(...)
#define A2(...)
#define A3(...)
#define A4(...)
#define A5(...)
#define A6(...)
#include "abi/linux/syscall.tbl"
#undef SYSCALL
#undef A0
#undef A1
#undef A2
#undef A3
#undef A4
#undef A5
#undef A6
    SYSCALL_COUNT
};

#endif
