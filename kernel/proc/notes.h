/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said about a process and told again, and means nothing inside an enclave: there is no out-of-memory
 * killer, no audit, no core file.  fork copies it, exec leaves it.  Guarded by the process's lock.
 */
#ifndef KERNEL_PROC_NOTES_H
#define KERNEL_PROC_NOTES_H

#include "kernel/types.h"

#define NOTES_NOBODY 0xffffffffU

struct process_notes {
    uint32_t loginuid, sessionid; /* NOTES_NOBODY: nobody logged in */
    uint32_t coredump_filter;
    int16_t oom_score_adj, oom_score_adj_min; /* the lowest that it was privileged to have */
    int8_t autogroup_nice;
};

#define PROCESS_NOTES                                                                           \
    (struct process_notes)                                                                      \
    {                                                                                           \
        .loginuid = NOTES_NOBODY, .sessionid = NOTES_NOBODY, .coredump_filter = COREDUMP_FILTER \
    }
#define COREDUMP_FILTER 0x33U  /* Linux: anonymous memory, ELF headers, huge pages */
#define TIMER_SLACK_NS 50000UL /* Linux's for a first thread; a new one begins with its creator's */

#endif
