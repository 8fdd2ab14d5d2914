/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS: handler, si_code, si_addr, recovery a thousand times. */
#include "check.h"
#include <sys/mman.h>
#include <ucontext.h>

static sigjmp_buf jump;
static siginfo_t last;
static volatile greg_t last_rip, last_cr2, last_trap;

static void handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    last = *info;
    last_rip = uc->uc_mcontext.gregs[REG_RIP];
    last_cr2 = uc->uc_mcontext.gregs[REG_CR2];
    last_trap = uc->uc_mcontext.gregs[REG_TRAPNO];
    siglongjmp(jump, sig);
}

/* Steps over the faulting 3-byte store and goes on after it. */
static void skipper(int sig, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;

    (void)sig;
    last = *info;
    uc->uc_mcontext.gregs[REG_RIP] += 3;
    uc->uc_mcontext.gregs[REG_RAX] = 4711;
}

int main(void)
{
    static const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGTRAP, SIGBUS};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    volatile int *null = NULL;
    volatile int rounds = 0;
    unsigned char *p;
    long value;

    for (size_t i = 0; i < 5; i++)
        check_ok(sigaction(signals[i], &act, NULL));

    if (sigsetjmp(jump, 1) == 0) {
        *(null + 5) = 1;
        check(!"the store went through");
    }
    check_eq(last.si_signo, SIGSEGV);
    check_eq(last.si_code, SEGV_MAPERR);
    check_eq((intptr_t)last.si_addr, 20);
    check_eq(last_cr2, 20);
    check_eq(last_trap, 14);

    p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (sigsetjmp(jump, 1) == 0) {
        p[123] = 1;
        check(!"the store went through");
    }
    check_eq(last.si_code, SEGV_ACCERR);
    check(last.si_addr == p + 123);

    /* A non-canonical address has no si_addr. */
    if (sigsetjmp(jump, 1) == 0) {
        *(volatile int *)0x123456789abcdef0ul = 1;
        check(!"the store went through");
    }
    check_eq(last.si_signo, SIGSEGV);
    check_eq(last.si_code, SI_KERNEL);
    check_eq((intptr_t)last.si_addr, 0);
    check_eq(last_trap, 13);

    /* A jump to nowhere. */
    if (sigsetjmp(jump, 1) == 0)
        ((void (*)(void))0x1230)();
    check_eq(last.si_signo, SIGSEGV);
    check_eq((intptr_t)last.si_addr, 0x1230);
    check_eq(last_rip, 0x1230);

    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("ud2");
    check_eq(last.si_signo, SIGILL);
    check_eq(last.si_code, ILL_ILLOPN);
    check_eq((intptr_t)last.si_addr, last_rip);

    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("xor %%ecx, %%ecx\n\tcltd\n\tidivl %%ecx" ::: "eax", "ecx", "edx", "cc");
    check_eq(last.si_signo, SIGFPE);
    check_eq(last.si_code, FPE_INTDIV);
    check_eq((intptr_t)last.si_addr, last_rip);

    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("int3");
    check_eq(last.si_signo, SIGTRAP);

    if (sigsetjmp(jump, 1) == 0)
        __asm__ volatile("hlt");
    check_eq(last.si_signo, SIGSEGV);
    check_eq(last.si_code, SI_KERNEL);

    while (rounds < 1000) {
        if (sigsetjmp(jump, 1) == 0)
            *null = 1;
        rounds++;
    }
    check_eq(rounds, 1000);

    act.sa_sigaction = skipper;
    check_ok(sigaction(SIGSEGV, &act, NULL));
    __asm__ volatile("xor %%ecx, %%ecx\n\tmov %%rcx, (%%rcx)"
                     : "=a"(value)
                     : "0"(1l)
                     : "rcx", "memory");
    check_eq(value, 4711);
    return check_done();
}
