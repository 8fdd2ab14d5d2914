/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host passes at the first EENTER (RDI = address of struct host_start in untrusted
 * memory), and the block that each vCPU shares with the host for ever after. Everything here is
 * written by the host and believed for nothing: the kernel copies it once, checks it, and uses its
 * own copy.
 */
#ifndef ABI_HOST_START_H
#define ABI_HOST_START_H

#include <stdint.h>

#define HOST_ABI_VERSION 4

struct host_clock {
    uint64_t tsc;     /* read next to the clocks */
    int64_t mono_ns;  /* CLOCK_MONOTONIC */
    int64_t real_ns;  /* CLOCK_REALTIME */
    int64_t boot_ns;  /* CLOCK_BOOTTIME */
    uint64_t tsc_khz; /* the host's best estimate */
};

struct host_sysinfo {
    uint64_t uptime, loads[3], total_ram, free_ram;
    uint32_t ncpu, procs;
};

/*
 * A request to the host.  The kernel writes it, EEXITs, and reads `ret` after the next EENTER.  Before
 * the first one `nr` is HOST_NO_REQUEST: a kernel that leaves so refuses the start block.
 */
#define HOST_NO_REQUEST UINT64_MAX

struct host_ocall {
    uint64_t nr;
    uint64_t arg[6];
    int64_t ret;
};

/* An io_uring instance as the kernel sees it: addresses of the shared words and arrays. */
struct host_ring {
    uint64_t sq_head, sq_tail, sq_array, sqes; /* sqes: struct io_uring_sqe[sq_entries] */
    uint64_t cq_head, cq_tail, cqes;           /* cqes: struct io_uring_cqe[cq_entries] */
    uint32_t sq_entries, cq_entries;           /* powers of two */
};

#define HOST_CLOSE_MAX 127

/*
 * A link joins an enclave (the base) with a satellite: an AF_UNIX SOCK_SEQPACKET pair, one end in each
 * of two host processes.  A message has 1 to HOST_LINK_MAX bytes and arrives whole or not at all.
 */
#define HOST_LINK_MAX (65536 + 64)
#define SATELLITE_MAX 64 /* of one base at a time */

/* A message that is waited for on a link, which ring_enter brings if it comes meanwhile. */
struct host_inbox {
    int32_t fd;
    uint32_t reserved;
    uint64_t buf; /* HOST_LINK_MAX bytes */
    int64_t got; /* link_receive's answer; -EAGAIN, which the kernel writes before: none has come */
};

/*
 * What an EEXIT asks for follows from how the enclave was entered: after EENTER with CSSA 0 the
 * kernel wants `ocall` served and EENTER with its result, after EENTER with CSSA 1 (an exception or
 * a tick) ERESUME.  It is no word in here, because a tick may come when an ocall is half written.
 */
struct host_vcpu {
    uint32_t index;
    uint32_t kick;    /* set by the host: a tick or an interrupt came while it was outside */
    uint64_t signals; /* bit n-1: signal n; set by the host, taken by the kernel */
    struct host_ocall ocall;
    uint32_t close_count; /* descriptors to close before the ocall is served; the host zeroes it */
    int32_t close_fds[HOST_CLOSE_MAX];
    uint32_t inbox_count; /* for ring_enter; the kernel zeroes it afterwards */
    struct host_inbox inbox[SATELLITE_MAX];
};

#define HOST_FLAG_TRACE 1U
#define HOST_FLAG_VERBOSE 2U
#define HOST_FLAG_STATS 4U
#define HOST_FLAG_QUIET 8U
#define HOST_FLAG_CONTROL 16U     /* requests come by control_fd (abi/host/control.h) */
#define HOST_FLAG_IDLE 32U        /* with that: no first process */
#define HOST_FLAG_NO_FSGSBASE 64U /* the host's kernel does not offer it to programs */
#define HOST_FLAG_SATELLITE 128U  /* a second enclave for a program of another one's, at link_fd */

struct host_start {
    uint32_t version; /* HOST_ABI_VERSION */
    uint32_t flags;
    uint32_t vcpu_count;         /* that the host can run; more than one are started on demand */
    uint32_t ncpu;               /* what the program should see */
    uint64_t vcpus;              /* struct host_vcpu[vcpu_count] */
    uint64_t buffer, buffer_len; /* the bounce buffers */
    uint64_t side, side_len;     /* the bundle's side data (leaf hashes), read-only; 0: none */
    uint64_t table, table_len;   /* the configuration's file table, likewise */
    uint64_t argv, argv_len;     /* NUL-terminated strings one after the other */
    uint64_t envp, envp_len;
    uint64_t cwd, cwd_len;         /* without NUL */
    uint64_t program, program_len; /* dev mode: the entry point */
    uint64_t trace, trace_len;     /* names of the calls to trace, comma separated; empty: all */
    uint64_t hostname, hostname_len;
    uint32_t uid, gid;
    uint32_t umask;
    int32_t control_fd;    /* with HOST_FLAG_CONTROL */
    int32_t link_fd;       /* with HOST_FLAG_SATELLITE: its end of the link */
    uint32_t satellites;   /* how many the enclave may ask for; 0: none */
    uint64_t memory_limit; /* bytes; can only lower the configuration's limit; 0: does not */
    struct host_clock clock;
    struct host_ring ring; /* one for all vCPUs */
};

#endif
