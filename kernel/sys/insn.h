/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lengths of x86-64 instructions, and where their branches go: what it takes to move one
 * instruction elsewhere and to prove that nothing jumps into a range.  And which memory they name.
 */
#ifndef KERNEL_SYS_INSN_H
#define KERNEL_SYS_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_MAX 15 /* bytes in the longest instruction */

enum insn_kind {
    INSN_PLAIN,         /* goes on with the next instruction, and does not care where it stands */
    INSN_JUMP,          /* relative, unconditional */
    INSN_BRANCH,        /* relative, conditional (xbegin too) */
    INSN_CALL,          /* relative */
    INSN_JUMP_INDIRECT, /* far ones too */
    INSN_CALL_INDIRECT,
    INSN_RET,
    INSN_SYSTEM, /* syscall, int, hlt, ud2 …: leaves the program, or never goes on */
};

#define INSN_NO_REG 0xffU

/* Memory that is accessed: base + index * scale + disp.  Registers by their numbers in ModRM: 0 is rax, 4 rsp, 15 r15. */
struct insn_memory {
    bool
        known; /* there is some, and this is where; not with masks, EVEX, vectors of indices, FS, GS, RIP, 32-bit addresses */
    uint8_t base, index; /* or INSN_NO_REG */
    uint8_t scale;
    int32_t disp;
};

struct insn {
    uint8_t len;
    uint8_t kind;      /* enum insn_kind */
    bool rip_relative; /* has a memory operand relative to RIP */
    int32_t rel;       /* of relative branches: target = address of the next instruction + rel */
    uint8_t stack; /* the register that points to the stack, if it pushes or pops; or INSN_NO_REG */
    struct insn_memory memory;
};

/*
 * Decodes the instruction at the first of n bytes: its length, or 0 (no instruction, or cut off).
 */
size_t insn_decode(const uint8_t *code, size_t n, struct insn *out);

static inline bool insn_is_relative(const struct insn *i)
{
    return i->kind == INSN_JUMP || i->kind == INSN_BRANCH || i->kind == INSN_CALL;
}

/* True when the instruction does the same anywhere else. */
static inline bool insn_is_movable(const struct insn *i)
{
    return i->kind == INSN_PLAIN && !i->rip_relative;
}

#endif
