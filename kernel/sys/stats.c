/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --stats: exits, exceptions, system calls by number, sites, memory.  All counters are kept anyway
 * and without locks, so that a figure may be off by a few when several vCPUs ran.
 */
#include "kernel/sys/stats.h"

#include "kernel/kernel.h"
#include "kernel/mm/epage.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/overlay.h"
#include "kernel/ocall/ocall.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/satellite.h"
#include "kernel/sched/vcpus.h"
#include "kernel/sys/dispatch.h"
#include "kernel/sys/patch.h"
#include "kernel/sys/syscalls.h"
#include "kernel/sys/trace.h"
#include "kernel/vfs/file.h"
#include "lib/format.h"

static void line(const char *fmt, ...) PRINTF(1, 2);

static void line(const char *fmt, ...)
{
    char buf[160];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(buf, sizeof(buf) - 1, fmt, ap);
    va_end(ap);
    size_t len = MIN((size_t)MAX(n, 0), sizeof(buf) - 2);
    buf[len++] = '\n';
    ocall_log(buf, len);
}

static void print_vcpus(void)
{
    uint64_t exits = 0, aexs = 0, ticks = 0, faults = 0, switches = 0;
    unsigned n = 0;

    for (; n < vcpus_count(); n++) {
        const struct vcpu *v = vcpu_get(n);
        exits += v->exits;
        aexs += v->aexs;
        ticks += v->ticks;
        faults += v->faults;
        switches += v->switches;
    }
    line("vcpus            %12u", n);
    line("exits            %12lu", exits);
    line("aexs             %12lu  (%lu ticks, %lu exceptions of the program)", aexs, ticks, faults);
    line("context switches %12lu", switches);
}

/* What it costs that processes have the same addresses. */
static void print_turns(void)
{
    struct swap_stats s;

    swap_stats_get(&s);
    line("turns            %12lu changes  (%lu pages exchanged)", s.changes, s.pages);
    line("satellites       %12lu journeys (%lu back home, %lu system calls)",
         satellite_count_get(SATELLITE_JOURNEY), satellite_count_get(SATELLITE_RETURN),
         satellite_count_get(SATELLITE_CALL));
}

static void print_memory(void)
{
    const unsigned long kib = PAGE_SIZE / 1024;
    line("enclave memory   %12lu KiB now, %lu KiB at most, limit %lu KiB", epage_count() * kib,
         epage_peak() * kib, epage_limit() * kib);
}

/* What must come back to where it was when processes end. */
static void print_objects(void)
{
    size_t pages, free_pages;

    heap_stat(&pages, &free_pages);
    line("processes        %12u  (%u threads, %u files, %lu kernel pages)", processes_count(),
         threads_count(), files_count(), (unsigned long)(pages - free_pages));
}

static void print_sites(void)
{
    struct patch_stats s;

    patch_stats_get(&s);
    line("syscall sites    %12lu patched (%lu mov, %lu before, %lu cave, %lu window), "
         "%lu seldom used, %lu trapping",
         s.patched[PATCH_MOV] + s.patched[PATCH_BEFORE] + s.patched[PATCH_CAVE] +
             s.patched[PATCH_WINDOW],
         s.patched[PATCH_MOV], s.patched[PATCH_BEFORE], s.patched[PATCH_CAVE],
         s.patched[PATCH_WINDOW], s.waiting, s.refused);
    line("syscall traps    %12lu", s.traps);
}

/* The most frequent first; a few dozen rows at most, so the search may be simple. */
static void print_calls(void)
{
    uint64_t total = 0, below = UINT64_MAX;

    for (uint32_t nr = 0; nr < SYSCALL_COUNT; nr++)
        total += syscall_counts[nr];
    line("system calls     %12lu", total);
    for (;;) {
        uint64_t next = 0;
        for (uint32_t nr = 0; nr < SYSCALL_COUNT; nr++)
            if (syscall_counts[nr] > next && syscall_counts[nr] < below)
                next = syscall_counts[nr];
        if (!next)
            return;
        for (uint32_t nr = 0; nr < SYSCALL_COUNT; nr++)
            if (syscall_counts[nr] == next)
                line("  %-24s %3u %11lu%s", syscall_name(nr) ? syscall_name(nr) : "?", nr, next,
                     syscall_served(nr) ? "" : "  not in this kernel");
        below = next;
    }
}

void stats_print(void)
{
    if (!kernel.stats)
        return;
    line("cella: statistics of this run");
    print_vcpus();
    print_turns();
    print_memory();
    print_objects();
    print_sites();
    print_calls();
}
