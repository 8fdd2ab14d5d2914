/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What base and satellite say to each other (link.h carries it, encrypted and in order).  Both are the same image, so
 * structs go as they are.  A message is a wire_head, what its kind says, and data.
 *
 *   base                               satellite
 *   PLACE, REGION…, PAGES…, RUN   ->                          a process comes
 *                                 <-   ARRIVED                … or could not: then it stays where it was
 *                                 <-   CALL                   a system call that the base serves
 *   FETCH / WANT                  ->   FETCHED / WANTED       … for which it wants the program's memory
 *   STORE                         ->                          … or changes it
 *   LIMITS, RETURN / OPENED       ->
 *                                 <-   READ / MAP             contents of a file / a file that is to be mapped
 *   DATA / MAPPED                 ->
 *                                 <-   FORGET                 it has no more of a file
 *   COME_HOME                     ->                          the process is wanted back
 *                                 <-   HOME, REGION…, PAGES…, HOME_END
 *   END                           ->                          it ends where it is
 *                                 <-   ENDED                  … and nothing of it will be asked any more
 */
#ifndef KERNEL_SATELLITE_WIRE_H
#define KERNEL_SATELLITE_WIRE_H

#include <linux/resource.h>
#include <linux/stat.h>

#include "kernel/arch/regs.h"
#include "kernel/mm/passage.h"
#include "kernel/satellite/link.h"
#include "kernel/types.h"

enum wire_kind {
    WIRE_PLACE = 1,
    WIRE_REGION,
    WIRE_PAGES,
    WIRE_RUN,
    WIRE_ARRIVED,
    WIRE_CALL,
    WIRE_FETCH,
    WIRE_FETCHED,
    WIRE_WANT,
    WIRE_WANTED,
    WIRE_STORE,
    WIRE_LIMITS,
    WIRE_RETURN,
    WIRE_OPENED,
    WIRE_READ,
    WIRE_MAP,
    WIRE_DATA,
    WIRE_MAPPED,
    WIRE_FORGET,
    WIRE_COME_HOME,
    WIRE_HOME,
    WIRE_HOME_END,
    WIRE_END,
    WIRE_ENDED,
};

/*
 * arg, by kind:
 *   PAGES     address, pages                       data: their contents
 *   ARRIVED   0 or -errno
 *   FETCH     address, bytes                       FETCHED: bytes that could be had, data
 *   WANT      address, bytes to be written, at most  WANTED: how many bytes may be
 *   STORE     data: struct wire_store, bytes, …
 *   RETURN    result, ns that it stands, epoch     data: as STORE's
 *   OPENED    descriptor, 0, epoch                 data: struct statx of the file, contents from its beginning on
 *   READ      file, offset, bytes                  DATA: bytes or -errno, epoch, data
 *   MAP       descriptor                           MAPPED: 0 or -errno, and for a shared mapping its address;
 *             data: struct wire_map                        data: struct wire_file
 *   FORGET    file, how often it had been sent
 */
struct wire_head {
    uint64_t kind;
    int64_t arg[3];
};

#define WIRE_DATA_MAX (PASSAGE_PAGES * PAGE_SIZE)
#define WIRE_AHEAD_MAX 49152UL /* of a file that was opened */

#define WIRE_FILES 256U /* that both may know at a time */

/* A file that regions show: a number that both know it by. */
struct wire_file {
    uint32_t id;   /* 0: none */
    uint32_t uses; /* how often it was sent so far */
    uint32_t host; /* it can change behind our back */
    uint32_t no_write;
    struct statx st;
};

struct wire_map {
    uint64_t len, off;    /* for a shared mapping, which the base makes for both */
    uint32_t prot, flags; /* PROT_*, MAP_* */
};

struct wire_region {
    struct passage_region region;
    struct wire_file file;
};

/* A thread, but for its vector state, which follows it: kernel.xsave_size bytes in standard format. */
struct wire_thread {
    struct user_regs regs;
    uint64_t fs_base, xfrm;
    uaddr_t rseq_area;
    uint32_t rseq_size, rseq_sig;
    uint32_t personality, reserved;
    char comm[16];
};

/* The current thread with these registers, and its vector state to fpu. */
void wire_thread_fill(struct wire_thread *out, void *fpu, const struct user_regs *regs);
/* It becomes the current one; regs->rip is still what a program sees (sys/patch.h). */
void wire_thread_take(const struct wire_thread *in, const void *fpu, struct user_regs *regs);

struct wire_place {
    struct passage_space space;
    struct wire_thread thread;
    struct rlimit64 limits[RLIM_NLIMITS];
};

enum wire_why { WIRE_HOME_RUN, WIRE_HOME_CALL };

/* What a thread has used since it came, and what it has. */
struct wire_used {
    int64_t cpu;              /* ns */
    uint64_t minflt;          /* since it came */
    uint64_t total, resident; /* pages; 0: as before */
    uint32_t ahead_used;      /* how often what came with OPENED was of use */
    int32_t ahead_fd;         /* -1, or a descriptor … */
    int64_t ahead_pos;        /* … that has been read to there */
};

struct wire_home {
    uint32_t why; /* enum wire_why: just go on, or make the call of regs.orig_rax */
    uint32_t reserved;
    struct wire_used used;
    struct passage_space space;
    struct wire_thread thread;
};

/* Memory of the program that a call will probably want. */
struct wire_extent {
    uaddr_t addr;
    uint32_t len;   /* bytes there that follow in the message, in the same order */
    uint32_t write; /* bytes there that may be written */
};
#define WIRE_EXTENTS 4

struct wire_call {
    struct user_regs regs;
    struct wire_used used;
    struct wire_extent extent[WIRE_EXTENTS];
};

struct wire_store {
    uaddr_t addr;
    uint64_t len; /* bytes that follow, padded to 8 */
};

#endif
