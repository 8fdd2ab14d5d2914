/* SPDX-License-Identifier: Apache-2.0 */
/* A system call changes only rax, rcx and r11: all others, the flags' DF and the red zone stay. */
#include "check.h"
#include <sys/syscall.h>

struct registers {
    unsigned long rbx, rbp, rdi, rsi, rdx, r8, r9, r10, r12, r13, r14, r15, red[16];
};

/* Loads known values, makes the call and stores what came back. */
__attribute__((naked)) static long call_with_marks(long number, struct registers *out)
{
    __asm__ volatile(
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15; push %rsi\n\t"
        "mov %rdi, %rax\n\t"
        "mov $0x1001, %rbx; mov $0x1002, %rbp; mov $0x1003, %rdi; mov $0x1004, %rsi\n\t"
        "mov $0x1005, %rdx; mov $0x1006, %r8; mov $0x1007, %r9; mov $0x1008, %r10\n\t"
        "mov $0x1009, %r12; mov $0x100a, %r13; mov $0x100b, %r14; mov $0x100c, %r15\n\t"
        "movq $0x2001, -8(%rsp); movq $0x2002, -64(%rsp); movq $0x2003, -128(%rsp)\n\t"
        "syscall\n\t"
        "mov (%rsp), %rcx\n\t"
        "mov %rbx, (%rcx); mov %rbp, 8(%rcx); mov %rdi, 16(%rcx); mov %rsi, 24(%rcx)\n\t"
        "mov %rdx, 32(%rcx); mov %r8, 40(%rcx); mov %r9, 48(%rcx); mov %r10, 56(%rcx)\n\t"
        "mov %r12, 64(%rcx); mov %r13, 72(%rcx); mov %r14, 80(%rcx); mov %r15, 88(%rcx)\n\t"
        "mov -8(%rsp), %rdx; mov %rdx, 96(%rcx)\n\t"
        "mov -64(%rsp), %rdx; mov %rdx, 104(%rcx)\n\t"
        "mov -128(%rsp), %rdx; mov %rdx, 112(%rcx)\n\t"
        "pop %rsi; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
        "ret");
    (void)number;
    (void)out;
}

/* The instruction leaves the flags in r11, and so does a patched site. */
static int flags_in_r11(long number)
{
    unsigned long r11, before, result = (unsigned long)number;

    __asm__ volatile("pushfq; popq %1\n\tsyscall\n\tmov %%r11, %0"
                     : "=r"(r11), "=&r"(before), "+a"(result)
                     :
                     : "rcx", "r11", "memory");
    return ((r11 ^ before) & 0xcd5) == 0;
}

int main(void)
{
    static const long calls[] = {SYS_getppid, SYS_sched_yield, SYS_close, 5000};
    struct registers r;
    int wrong = 0;

    for (int round = 0; round < 1000; round++) {
        memset(&r, 0, sizeof(r));
        call_with_marks(calls[round % 4], &r);
        wrong += r.rbx != 0x1001 || r.rbp != 0x1002 || r.rdi != 0x1003 || r.rsi != 0x1004;
        wrong += r.rdx != 0x1005 || r.r8 != 0x1006 || r.r9 != 0x1007 || r.r10 != 0x1008;
        wrong += r.r12 != 0x1009 || r.r13 != 0x100a || r.r14 != 0x100b || r.r15 != 0x100c;
        wrong += r.red[0] != 0x2001 || r.red[1] != 0x2002 || r.red[2] != 0x2003;
    }
    check_eq(wrong, 0);
    for (int round = 0; round < 3; round++)
        check(flags_in_r11(SYS_getppid));
    memset(&r, 0, sizeof(r));
    check(call_with_marks(SYS_getpid, &r) == getpid());
    check_eq(call_with_marks(5000, &r), -ENOSYS);
    return check_done();
}
