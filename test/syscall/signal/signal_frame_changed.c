/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handler changes its signal frame: what rt_sigreturn takes over (registers, vector state, also
 * from another place or only its legacy part) and what it answers with SIGSEGV.
 */
#include "check.h"
#include <ucontext.h>

#define XCOMP_BV 520
#define XMM0 160

enum change {
    NOTHING,
    NO_MAGIC,
    NO_STATE,
    BAD_MXCSR,
    BAD_XCOMP,
    BAD_MAGIC2,
    BAD_POINTER,
    KERNEL_POINTER,
    NULL_RIP,
    NON_CANONICAL_RIP,
    SIZE_TOO_LARGE,
    NEW_XMM,
    MOVED_STATE,
    UNALIGNED_STATE,
    NEW_RAX,
};

static volatile enum change change;
static sigjmp_buf jump;
static unsigned char copy[16384] __attribute__((aligned(64)));

static siginfo_t last;
static volatile greg_t rip_at_fault;
static volatile int go_on;

static void on_segv(int sig, siginfo_t *info, void *context)
{
    last = *info;
    rip_at_fault = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (!go_on)
        siglongjmp(jump, sig);
}

static void change_state(mcontext_t *mc, unsigned char *fp, unsigned *sw)
{
    double value = 7.5;

    switch (change) {
    case NO_MAGIC: sw[0] = 0; break;
    case BAD_MXCSR: memset(fp + 24, 0xff, 4); break;
    case BAD_XCOMP: fp[XCOMP_BV + 7] |= 0x80; break;
    case BAD_MAGIC2: memset(fp + sw[4], 0, 4); break;
    case SIZE_TOO_LARGE: sw[4] = 0x7fffffff; break;
    case NEW_XMM: memcpy(fp + XMM0, &value, sizeof(value)); break;
    case MOVED_STATE:
        memcpy(copy, fp, sw[1]);
        memcpy(copy + XMM0, &value, sizeof(value));
        mc->fpregs = (void *)copy;
        break;
    case UNALIGNED_STATE:
        memcpy(copy + 8, fp, sw[1]);
        mc->fpregs = (void *)(copy + 8);
        break;
    default: break;
    }
}

static void handler(int sig, siginfo_t *info, void *context)
{
    mcontext_t *mc = &((ucontext_t *)context)->uc_mcontext;
    unsigned char *fp = (unsigned char *)mc->fpregs;

    (void)sig;
    (void)info;
    change_state(mc, fp, (unsigned *)(fp + 464));
    if (change == NO_STATE)
        mc->fpregs = NULL;
    else if (change == BAD_POINTER)
        mc->fpregs = (void *)8;
    else if (change == KERNEL_POINTER)
        mc->fpregs = (void *)0xffff800000000000;
    else if (change == NULL_RIP)
        mc->gregs[REG_RIP] = 0;
    else if (change == NON_CANONICAL_RIP)
        mc->gregs[REG_RIP] = 1LL << 62;
    else if (change == NEW_RAX)
        mc->gregs[REG_RAX] = 4711;
}

/* kill(getpid(), SIGUSR1) with 1.5 in xmm0: what is there afterwards, or -1 for a SIGSEGV. */
static double after(enum change what, long *result)
{
    double value = 1.5;
    long rax = 62;

    change = what;
    if (sigsetjmp(jump, 1))
        return -1;
    __asm__ volatile("movsd %1, %%xmm0\n\tsyscall\n\tmovsd %%xmm0, %1"
                     : "+a"(rax), "+m"(value)
                     : "D"((long)getpid()), "S"((long)SIGUSR1)
                     : "rcx", "r11", "xmm0", "memory");
    if (result)
        *result = rax;
    return value;
}

int main(void)
{
    static char stack[65536];
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction act = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    struct sigaction segv = {.sa_sigaction = on_segv,
                             .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    long result;

    check_ok(sigaltstack(&alternate, NULL));
    check_ok(sigaction(SIGUSR1, &act, NULL));
    check_ok(sigaction(SIGSEGV, &segv, NULL));
    check(after(NOTHING, &result) == 1.5);
    check_eq(result, 0);
    check(after(NO_MAGIC, NULL) == 1.5);
    check(after(NO_STATE, NULL) == 0);
    check(after(BAD_MXCSR, NULL) == -1);
    check(after(BAD_XCOMP, NULL) == -1);
    check(after(BAD_MAGIC2, NULL) == 1.5);
    check(after(BAD_POINTER, NULL) == -1);
    check(after(KERNEL_POINTER, NULL) == -1);
    check(after(NULL_RIP, NULL) == -1);
    check_eq(last.si_code, SEGV_MAPERR);
    check_eq((intptr_t)last.si_addr, 0);
    check_eq(rip_at_fault, 0);
    check(after(NON_CANONICAL_RIP, NULL) == -1);
    check_eq(last.si_code, SI_KERNEL);
    check_eq(rip_at_fault, 1LL << 62);
    /* A handler that returns goes on where the frame said, although its vector state was refused. */
    go_on = 1;
    check(after(BAD_XCOMP, &result) == 0);
    check_eq(result, 0);
    go_on = 0;
    check(after(SIZE_TOO_LARGE, NULL) == 1.5);
    check(after(NEW_XMM, NULL) == 7.5);
    check(after(MOVED_STATE, NULL) == 7.5);
    check(after(UNALIGNED_STATE, NULL) == -1);
    check(after(NEW_RAX, &result) == 1.5);
    check_eq(result, 4711);
    return check_done();
}
