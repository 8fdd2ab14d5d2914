/* SPDX-License-Identifier: Apache-2.0 */
/*
 * #SS: an access through rsp or rbp to an address that is none (not canonical).  EXITINFO does not tell of it, so
 * that such an AEX looks like an interrupt, and the instruction would be tried for ever.  What the host says of
 * it is not to be believed; but the instruction itself can be looked at, and will fault for certain.
 */
#include "kernel/arch/exception.h"
#include "kernel/arch/regs.h"
#include "kernel/sys/insn.h"
#include "kernel/sys/usercopy.h"

#define REG_RSP 4
#define REG_RBP 5

static bool canonical(uint64_t addr)
{
    return (uint64_t)((int64_t)(addr << 16) >> 16) == addr;
}

static uint64_t reg_value(const struct user_regs *r, unsigned number)
{
    const uint64_t value[] = {r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                              r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15};

    return number < sizeof(value) / sizeof(value[0]) ? value[number] : 0;
}

/* Through any other base it is #GP, of which EXITINFO tells. */
static bool operand_faults(const struct user_regs *r, const struct insn_memory *m)
{
    if (!m->known || (m->base != REG_RSP && m->base != REG_RBP))
        return false;
    return !canonical(reg_value(r, m->base) + reg_value(r, m->index) * m->scale +
                      (uint64_t)(int64_t)m->disp);
}

bool stack_fault_due(const struct user_regs *r)
{
    uint8_t code[INSN_MAX];
    size_t n = sizeof(code);
    struct insn i;

    while (n > 0 && copy_in(code, r->rip, n)) /* text may end there */
        n--;
    if (!n || !insn_decode(code, n, &i))
        return false;
    uint64_t top = reg_value(r, i.stack);
    if (i.stack != INSN_NO_REG && !canonical(top) && !canonical(top - 8))
        return true;
    return operand_faults(r, &i.memory);
}
