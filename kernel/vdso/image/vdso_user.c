/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's side of the vDSO: ordinary user code that runs in the program and reads the vvar page,
 * which lies one page below the image.  Whatever it cannot answer goes to the kernel by a `syscall` like
 * any other, which is patched after its first use like any other.
 *
 * Names, version (LINUX_2.6) and soname are Linux's, because C libraries and Go look for them.
 */
#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "abi/host/layout.h"
#include "kernel/arch/asm.h"
#include "kernel/vdso/vvar.h"

#define NSEC_PER_SEC 1000000000L
#define EXPORT __attribute__((visibility("default")))

/* The linker script puts this one page before the image. */
extern const volatile struct vvar vvar __attribute__((visibility("hidden")));

EXPORT int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
EXPORT int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz);
EXPORT long __vdso_time(long *t);
EXPORT int __vdso_clock_getres(int clock, struct __kernel_timespec *res);
EXPORT int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

/* The number is loaded directly before the instruction: such a site can be patched. */
#define SYSCALL2(nr, a, b)                                                                        \
    ({                                                                                             \
        long ret_;                                                                                 \
        __asm__ volatile("movl %1, %%eax\n\tsyscall"                                               \
                         : "=a"(ret_)                                                              \
                         : "i"(nr), "D"(a), "S"(b)                                                 \
                         : "rcx", "r11", "memory");                                                \
        ret_;                                                                                      \
    })

/* As the kernel's own: not before what was loaded earlier. */
static inline uint64_t tsc_read(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}

/* CLOCK_MONOTONIC plus an offset from the page at byte `off` (0: none).  False: ask the kernel. */
static inline int vvar_now(const volatile int64_t *offset, int64_t *ns)
{
    uint32_t seq;
    int64_t now;

    do {
        seq = __atomic_load_n(&vvar.seq, __ATOMIC_ACQUIRE);
        if (seq == 0 || (seq & 1))
            return 0;
        uint64_t tsc = tsc_read();
        if (tsc >= vvar.tsc_valid_until)
            return 0;
        int64_t delta = (int64_t)(tsc - vvar.tsc_base);
        if (delta < 0)
            delta = 0;
        now = vvar.mono_base +
              (int64_t)(((unsigned __int128)(uint64_t)delta * vvar.mult) >> 32);
        if (offset)
            now += *offset;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&vvar.seq, __ATOMIC_RELAXED) != seq);
    *ns = now;
    return 1;
}

static inline int clock_now(int clock, int64_t *ns)
{
    switch (clock) {
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
        return vvar_now(0, ns);
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        return vvar_now(&vvar.real_off, ns);
    case CLOCK_BOOTTIME:
        return vvar_now(&vvar.boot_off, ns);
    default:
        return 0;
    }
}

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts)
{
    int64_t ns;

    if (!clock_now(clock, &ns))
        return (int)SYSCALL2(__NR_clock_gettime, clock, ts);
    ts->tv_sec = (uint64_t)ns / NSEC_PER_SEC;
    ts->tv_nsec = (long)((uint64_t)ns % NSEC_PER_SEC);
    return 0;
}

int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
    int64_t ns;

    if (!vvar_now(&vvar.real_off, &ns))
        return (int)SYSCALL2(__NR_gettimeofday, tv, tz);
    if (tv) {
        tv->tv_sec = (long)((uint64_t)ns / NSEC_PER_SEC);
        tv->tv_usec = (long)((uint64_t)ns % NSEC_PER_SEC / 1000);
    }
    if (tz) {
        tz->tz_minuteswest = 0;
        tz->tz_dsttime = 0;
    }
    return 0;
}

long __vdso_time(long *t)
{
    int64_t ns;

    if (!vvar_now(&vvar.real_off, &ns))
        return SYSCALL2(__NR_time, t, 0);
    long now = (long)((uint64_t)ns / NSEC_PER_SEC);
    if (t)
        *t = now;
    return now;
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *res)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return (int)SYSCALL2(__NR_clock_getres, clock, res);
    if (res) {
        res->tv_sec = 0;
        res->tv_nsec = 1;
    }
    return 0;
}

/* The vCPU's number: what the kernel's getcpu says too. */
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
    unsigned index;

    (void)unused;
    __asm__ volatile("movl %%gs:%c1, %0" : "=r"(index) : "i"(VCPU_INDEX));
    if (cpu)
        *cpu = index;
    if (node)
        *node = 0;
    return 0;
}

EXPORT int clock_gettime(int, struct __kernel_timespec *)
    __attribute__((weak, alias("__vdso_clock_gettime")));
EXPORT int gettimeofday(struct __kernel_old_timeval *, struct timezone *)
    __attribute__((weak, alias("__vdso_gettimeofday")));
EXPORT long time(long *) __attribute__((weak, alias("__vdso_time")));
EXPORT int clock_getres(int, struct __kernel_timespec *)
    __attribute__((weak, alias("__vdso_clock_getres")));
EXPORT int getcpu(unsigned *, unsigned *, void *) __attribute__((weak, alias("__vdso_getcpu")));
