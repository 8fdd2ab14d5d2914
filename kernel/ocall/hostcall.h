/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One raw ocall: writes the request to the vCPU's shared block, leaves, and reads the result once.
 * Only the files of this folder call it.
 */
#ifndef KERNEL_OCALL_HOSTCALL_H
#define KERNEL_OCALL_HOSTCALL_H

#include "abi/host/start.h"
#include "kernel/types.h"

enum ocall_nr {
#define OCALL(nr, name, argc) OCALL_##name = (nr),
#include "abi/host/ocall.tbl"
#undef OCALL
};

/* The host's answer as it is: a number, nothing more. */
int64_t host_call(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                  uint64_t a5);
#define host_call0(nr) host_call(OCALL_##nr, 0, 0, 0, 0, 0, 0)
#define host_call1(nr, a) host_call(OCALL_##nr, (a), 0, 0, 0, 0, 0)
#define host_call2(nr, a, b) host_call(OCALL_##nr, (a), (b), 0, 0, 0, 0)
#define host_call3(nr, a, b, c) host_call(OCALL_##nr, (a), (b), (c), 0, 0, 0)
#define host_call4(nr, a, b, c, d) host_call(OCALL_##nr, (a), (b), (c), (d), 0, 0)
#define host_call5(nr, a, b, c, d, e) host_call(OCALL_##nr, (a), (b), (c), (d), (e), 0)

/* Leaves with whatever the shared block says; returns when the host enters again. */
void ocall_leave(void);

/* A result that must be in [0, max] or an errno; anything else is a lying host: -EIO. */
int64_t host_result(int64_t ret, int64_t max);

/* The same for an answer that may be no news: the caller ends the epoch if it is. */
int64_t host_call_quiet(enum ocall_nr nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                        uint64_t a4, uint64_t a5);

/* Gives the host's CPU away.  Takes no lock: it is what somebody does who waits for one. */
void host_yield(void);

/* The host's pending signals as a mask, taken. What of it the program sees, the configuration
 * decides. */
uint64_t host_signals_take(void);

#endif
