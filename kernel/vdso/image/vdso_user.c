/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program's side of the vDSO: ordinary user code that runs in the program and reads what the vvar
 * page, one page below the image, leads to.  Whatever it cannot answer goes to the kernel by a
 * `syscall` like any other, which is patched after its first use like any other.
 *
 * Names, version (LINUX_2.6) and soname are Linux's, because C libraries and Go look for them.
 */
#include <asm/unistd.h>
#include <linux/time.h>
#include <linux/time_types.h>

#include "abi/host/layout.h"
#include "kernel/arch/asm.h"
#include "kernel/vdso/vvar.h"

#define NSEC_PER_SEC 1000000000UL
#define EXPORT __attribute__((visibility("default")))

/* The linker script puts this one page before the image. */
extern const struct vvar_page vvar __attribute__((visibility("hidden")));

EXPORT int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
EXPORT int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz);
EXPORT long __vdso_time(long *t);
EXPORT int __vdso_clock_getres(int clock, struct __kernel_timespec *res);
EXPORT int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

/* The number is loaded directly before the instruction: such a site can be patched. */
#define SYSCALL2(nr, a, b)                           \
    ({                                               \
        long ret_;                                   \
        __asm__ volatile("movl %1, %%eax\n\tsyscall" \
                         : "=a"(ret_)                \
                         : "i"(nr), "D"(a), "S"(b)   \
                         : "rcx", "r11", "memory");  \
        ret_;                                        \
    })

/* As the kernel's own: not before what was loaded earlier. */
static inline uint64_t tsc_read(void)
{
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}

#define VVAR_NONE 3UL /* the kernel knows */

/* Which of vvar's clocks: two bits each; those above CLOCK_TAI and below 0 are the kernel's. */
#define CLOCK_IS(clock, v) ((unsigned long)(v) << (2 * (clock)))
#define CLOCKS                                                                                  \
    (CLOCK_IS(CLOCK_REALTIME, VVAR_REAL) | CLOCK_IS(CLOCK_MONOTONIC, VVAR_MONO) |               \
     CLOCK_IS(CLOCK_PROCESS_CPUTIME_ID, VVAR_NONE) |                                            \
     CLOCK_IS(CLOCK_THREAD_CPUTIME_ID, VVAR_NONE) | CLOCK_IS(CLOCK_MONOTONIC_RAW, VVAR_MONO) |  \
     CLOCK_IS(CLOCK_REALTIME_COARSE, VVAR_REAL) | CLOCK_IS(CLOCK_MONOTONIC_COARSE, VVAR_MONO) | \
     CLOCK_IS(CLOCK_BOOTTIME, VVAR_BOOT) | CLOCK_IS(CLOCK_REALTIME_ALARM, VVAR_REAL) |          \
     CLOCK_IS(CLOCK_BOOTTIME_ALARM, VVAR_BOOT) | CLOCK_IS(10, VVAR_NONE) |                      \
     CLOCK_IS(CLOCK_TAI, VVAR_REAL))

struct moment {
    int64_t sec;
    uint64_t nsec;
};

/* False: ask the kernel. */
static inline int vvar_now(unsigned long clock, struct moment *out)
{
    const struct vvar_time *t = vvar.time;
    uint32_t seq;

    do {
        seq = __atomic_load_n(&t->seq, __ATOMIC_ACQUIRE);
        /* A TSC before the base wraps and is out of bounds too. */
        uint64_t delta = tsc_read() - t->tsc_base;
        if (__builtin_expect((seq & 1) || delta >= t->tsc_span, 0))
            return 0;
        out->sec = t->at_base[clock].sec;
        out->nsec = t->at_base[clock].nsec + (delta * t->mult >> 32);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__builtin_expect(__atomic_load_n(&t->seq, __ATOMIC_RELAXED) != seq, 0));
    /* Three times at most, and a branch that is foreseen is cheaper than a division. */
    while (out->nsec >= NSEC_PER_SEC) {
        __asm__("" : "+r"(out->nsec));
        out->nsec -= NSEC_PER_SEC;
        out->sec++;
    }
    return 1;
}

/* In this order, so that a bad address is the fault that Linux reports. */
static inline void store_two(volatile void *first, long a, volatile void *second, long b)
{
    *(volatile long *)first = a;
    *(volatile long *)second = b;
}

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts)
{
    struct moment now;
    unsigned long which = CLOCKS >> (2 * ((unsigned)clock & 31)) & 3;

    if (__builtin_expect((unsigned)clock > CLOCK_TAI || which == VVAR_NONE, 0) ||
        !vvar_now(which, &now))
        return (int)SYSCALL2(__NR_clock_gettime, clock, ts);
    store_two(&ts->tv_sec, now.sec, &ts->tv_nsec, (long)now.nsec);
    return 0;
}

int __vdso_gettimeofday(struct __kernel_old_timeval *tv, struct timezone *tz)
{
    struct moment now;

    if (!vvar_now(VVAR_REAL, &now))
        return (int)SYSCALL2(__NR_gettimeofday, tv, tz);
    if (tv) {
        store_two(&tv->tv_sec, now.sec, &tv->tv_usec, (long)(now.nsec / 1000));
    }
    if (tz) {
        tz->tz_minuteswest = 0;
        tz->tz_dsttime = 0;
    }
    return 0;
}

long __vdso_time(long *t)
{
    struct moment now;

    if (!vvar_now(VVAR_REAL, &now))
        return SYSCALL2(__NR_time, t, 0);
    if (t)
        *t = now.sec;
    return now.sec;
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *res)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return (int)SYSCALL2(__NR_clock_getres, clock, res);
    if (res)
        store_two(&res->tv_sec, 0, &res->tv_nsec, 1);
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
