/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fault's siginfo and ucontext say: floating-point exceptions of both units by kind, page
 * faults with their error code, bus errors, traps.
 */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static sigjmp_buf jump;
static siginfo_t last;
static volatile greg_t rip, cr2, trap, error;

static void handler(int sig, siginfo_t *info, void *context)
{
    const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

    last = *info;
    rip = g[REG_RIP];
    cr2 = g[REG_CR2];
    trap = g[REG_TRAPNO];
    error = g[REG_ERR];
    siglongjmp(jump, sig);
}

/* Addresses that are none, through the stack's registers and another. */
static void not_canonical(void)
{
    enum { THROUGH_RBP, THROUGH_RSP, PUSH, POP, INDEX, OTHER, WAYS };
    static char stack[65536];
    const stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    check_ok(sigaltstack(&alt, NULL));
    check_ok(sigaction(SIGBUS, &act, NULL));
    check_ok(sigaction(SIGSEGV, &act, NULL));
    for (int way = 0; way < WAYS; way++) {
        volatile int done = 0;
        int sig = sigsetjmp(jump, 1);
        if (!sig) {
            unsigned long bad = 0x1234567890abcdefUL;
            switch (way) {
            case THROUGH_RBP:
                __asm__ volatile("push %%rbp; mov %0, %%rbp; mov 8(%%rbp), %%rax" ::"r"(bad)
                                 : "rax");
                break;
            case THROUGH_RSP:
                __asm__ volatile("mov %0, %%rsp; mov (%%rsp), %%rax" ::"r"(bad) : "rax");
                break;
            case PUSH: __asm__ volatile("mov %0, %%rsp; push %%rax" ::"r"(bad) : "rax"); break;
            case POP: __asm__ volatile("mov %0, %%rsp; pop %%rax" ::"r"(bad) : "rax"); break;
            case INDEX: __asm__ volatile("movl $1, -8(%%rsp,%0,8)" ::"r"(bad)); break;
            case OTHER: __asm__ volatile("mov (%0), %%rax" ::"r"(bad) : "rax"); break;
            }
            done = 1;
        }
        check_eq(done, 0);
        check_eq(sig, way == OTHER ? SIGSEGV : SIGBUS);
        check_eq(last.si_code, SI_KERNEL);
        check(last.si_addr == NULL);
        check_eq(trap, way == OTHER ? 13 : 12);
        check_eq(error, 0);
    }
}

static volatile int alarms;

static void on_alarm(int sig)
{
    (void)sig;
    alarms++;
}

/* An address that is only computed is no access, however often a tick comes just then. */
static void only_computed(void)
{
    const struct itimerval often = {{0, 500}, {0, 500}}, never = {0};
    struct timespec start, now;

    check_ok(signal(SIGALRM, on_alarm) == SIG_ERR ? -1 : 0);
    check_ok(setitimer(ITIMER_REAL, &often, NULL));
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        unsigned long n = 200000, sum = 0;
        __asm__ volatile(
            "push %%rbp; mov $0x1234567890abcdef, %%rbp\n"
            "1: lea 8(%%rbp,%1), %0; lea (%%rbp,%0,2), %0; nopl 8(%%rbp); prefetcht0 (%%rbp)\n"
            "dec %1; jnz 1b; pop %%rbp"
            : "+r"(sum), "+r"(n)::"cc");
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < 300);
    check_ok(setitimer(ITIMER_REAL, &never, NULL));
    check(alarms > 20);
}

static volatile double zero, one = 1, tiny = 1e-300, huge = 1e300, sink;

static void sse(int unmask, void (*operation)(void), int code, const char *what)
{
    unsigned mxcsr = 0x1f80u & ~((unsigned)unmask << 7), usual = 0x1f80;
    int sig = sigsetjmp(jump, 1);

    if (!sig) {
        __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
        operation();
    }
    __asm__ volatile("ldmxcsr %0" ::"m"(usual));
    check_report_eq(sig, SIGFPE, what, __LINE__);
    check_report_eq(last.si_code, code, what, __LINE__);
    check_report_eq((greg_t)last.si_addr, rip, what, __LINE__);
    check_report_eq(trap, 19, what, __LINE__);
}

static void x87(int unmask, double (*operation)(void), int code, const char *what)
{
    unsigned short control = 0x37f & ~unmask;
    int sig = sigsetjmp(jump, 1);

    if (!sig) {
        __asm__ volatile("fninit\n\tfldcw %0" ::"m"(control));
        sink = operation();
        __asm__ volatile("fwait");
    }
    __asm__ volatile("fninit");
    check_report_eq(sig, SIGFPE, what, __LINE__);
    check_report_eq(last.si_code, code, what, __LINE__);
    check_report_eq((greg_t)last.si_addr, rip, what, __LINE__);
    check_report_eq(trap, 16, what, __LINE__);
}

static void divide(void)
{
    sink = one / zero;
}

static void invalid(void)
{
    sink = zero / zero;
}

static void overflow(void)
{
    sink = huge * huge;
}

static void underflow(void)
{
    sink = tiny * tiny;
}

static void inexact(void)
{
    sink = one / 3;
}

static double x87_divide(void)
{
    long double r;
    __asm__ volatile("fld1\n\tfldz\n\tfdivrp" : "=t"(r));
    return (double)r;
}

static double x87_invalid(void)
{
    long double r;
    __asm__ volatile("fldz\n\tfldz\n\tfdivp" : "=t"(r));
    return (double)r;
}

static double x87_inexact(void)
{
    long double r;
    __asm__ volatile("fld1\n\tfldpi\n\tfdivp" : "=t"(r));
    return (double)r;
}

static void floating_point(void)
{
    sse(4, divide, FPE_FLTDIV, "SSE 1 / 0");
    sse(1, invalid, FPE_FLTINV, "SSE 0 / 0");
    sse(8, overflow, FPE_FLTOVF, "SSE overflow");
    sse(16, underflow, FPE_FLTUND, "SSE underflow");
    sse(32, inexact, FPE_FLTRES, "SSE inexact");
    x87(4, x87_divide, FPE_FLTDIV, "x87 1 / 0");
    x87(1, x87_invalid, FPE_FLTINV, "x87 0 / 0");
    x87(32, x87_inexact, FPE_FLTRES, "x87 inexact");
}

/* The error codes are the CPU's: 1 protection, 2 write, 4 user, 16 instruction fetch. */
static void page_faults(void)
{
    unsigned char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char *gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    need(p != MAP_FAILED && gone != MAP_FAILED);
    munmap(gone, 4096);
    if (!sigsetjmp(jump, 1))
        (void)*(volatile char *)gone;
    check_eq(last.si_signo, SIGSEGV);
    check_eq(last.si_code, SEGV_MAPERR);
    check(last.si_addr == gone);
    check_eq(cr2, (greg_t)gone);
    check_eq(error & 22, 4);

    (void)*(volatile char *)p;
    if (!sigsetjmp(jump, 1))
        *(volatile char *)(p + 77) = 1;
    check_eq(last.si_code, SEGV_ACCERR);
    check(last.si_addr == p + 77);
    check_eq(error & 6, 6);

    mprotect(p, 4096, PROT_NONE);
    if (!sigsetjmp(jump, 1))
        (void)*(volatile char *)(p + 5);
    check_eq(last.si_code, SEGV_ACCERR);
    check(last.si_addr == p + 5);

    if (!sigsetjmp(jump, 1))
        ((void (*)(void))(p + 4096))();
    check_eq(last.si_code, SEGV_ACCERR);
    check(last.si_addr == p + 4096);
    check_eq(rip, (greg_t)(p + 4096));
    check_eq(error & 20, 20);

    /* An access that begins in a good page and ends in a bad one. */
    if (!sigsetjmp(jump, 1))
        (void)*(volatile uint64_t *)(gone - 4);
    if (last.si_addr != gone - 4) /* else what is before it is not mapped either */
        check(last.si_addr == gone);
}

static void bus_errors(void)
{
    int fd = open("short", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unsigned char *p;

    need(fd >= 0 && ftruncate(fd, 100) == 0);
    p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
    need(p != MAP_FAILED);
    if (!sigsetjmp(jump, 1))
        (void)*(volatile char *)(p + 4096 + 9);
    check_eq(last.si_signo, SIGBUS);
    check_eq(last.si_code, BUS_ADRERR);
    check(last.si_addr == p + 4096 + 9);
    check_eq(trap, 14);
    close(fd);
}

static void traps(void)
{
    if (!sigsetjmp(jump, 1))
        __asm__ volatile("int3");
    check_eq(last.si_signo, SIGTRAP);
    check_eq(last.si_code, SI_KERNEL);
    check_eq(trap, 3);
    if (!sigsetjmp(jump, 1))
        __asm__ volatile("lock; addl %%eax, %%eax" ::: "eax", "memory", "cc");
    check_eq(last.si_signo, SIGILL);
    check_eq(last.si_code, ILL_ILLOPN);
    check_eq((greg_t)last.si_addr, rip);
    check_eq(trap, 6);
    if (!sigsetjmp(jump, 1))
        __asm__ volatile("cli");
    check_eq(last.si_signo, SIGSEGV);
    check_eq(last.si_code, SI_KERNEL);
    check_eq((greg_t)last.si_addr, 0);
    check_eq(trap, 13);
    if (!sigsetjmp(jump, 1))
        __asm__ volatile("int $0x70");
    check_eq(last.si_signo, SIGSEGV);
    check_eq(last.si_code, SI_KERNEL);
    if (!sigsetjmp(jump, 1)) {
        volatile int low = INT32_MIN;
        sink = low / (low + INT32_MAX);
        check(!"INT_MIN / -1");
    }
    check_eq(last.si_signo, SIGFPE);
    check_eq(last.si_code, FPE_INTDIV);
    check_eq(trap, 0);
}

int main(void)
{
    static const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

    for (size_t i = 0; i < 5; i++)
        check_ok(sigaction(signals[i], &act, NULL));
    floating_point();
    page_faults();
    bus_errors();
    traps();
    not_canonical();
    only_computed();
    return check_done();
}
