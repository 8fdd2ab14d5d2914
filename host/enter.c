/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling the enclave from C. The vDSO's function is no ordinary one: whatever the enclave leaves
 * in the general registers stays there, and an exception zeroes R12 to R15. Everything is clobbered
 * but RBX, RBP and RSP; DF is the enclave's too.
 */
#include "host/runtime_impl.h"

int enclave_enter(unsigned function, const void *start, struct sgx_enclave_run *run)
{
    register unsigned long rdi __asm__("rdi") = (unsigned long)start;
    register unsigned long rcx __asm__("rcx") = function;
    unsigned long rsi = 0, rdx = 0;
    unsigned long rax;
    sgx_enter_fn *enter = host.device->enter;

    /* The red zone of this function must not be pushed upon. */
    __asm__ volatile("subq $136, %%rsp\n"
                     "pushq %[run]\n"
                     "xorl %%r8d, %%r8d\n"
                     "xorl %%r9d, %%r9d\n"
                     "callq *%%rax\n"
                     "addq $144, %%rsp\n"
                     "cld\n"
                     : "=a"(rax), "+D"(rdi), "+S"(rsi), "+c"(rcx), "+d"(rdx)
                     : "0"(enter), [run] "b"(run)
                     : "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
    return (int)rax;
}
