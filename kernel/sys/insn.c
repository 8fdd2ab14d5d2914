/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The length decoder.  An instruction is prefixes, an opcode in one of a few maps, perhaps a ModRM
 * byte with SIB and displacement, perhaps an immediate (SDM volume 2, chapter 2 and appendix A).
 * Two tables of one letter an opcode say what follows it:
 *
 *     .  nothing            m  ModRM               b w z v   immediate: 1, 2, 2/4, 2/4/8 bytes
 *     B  ModRM + 1 byte     Z  ModRM + 2/4 bytes   o  an address (mov %al, moffs)
 *     j  rel8   J  rel32    g  group 3: test has an immediate, the others have not
 *     e  enter: 3 bytes     c  ModRM, registers only   s  vmread, or extrq with 2 bytes
 *     x  no instruction in 64-bit mode, or handled before the table is looked at
 *
 * The bytes are a hostile program's: every read is bounded.  Some byte sequences that a CPU refuses
 * are accepted here; what matters is that valid code is measured rightly.
 */
#include "kernel/sys/insn.h"

static const char one_byte[] = "mmmmbzxxmmmmbzxx" /* 00 */
                               "mmmmbzxxmmmmbzxx" /* 10 */
                               "mmmmbzxxmmmmbzxx" /* 20 */
                               "mmmmbzxxmmmmbzxx" /* 30 */
                               "xxxxxxxxxxxxxxxx" /* 40: REX */
                               "................" /* 50 */
                               "xxxmxxxxzZbB...." /* 60 */
                               "jjjjjjjjjjjjjjjj" /* 70 */
                               "BZxBmmmmmmmmmmmm" /* 80 */
                               "..........x....." /* 90 */
                               "oooo....bz......" /* a0 */
                               "bbbbbbbbvvvvvvvv" /* b0 */
                               "BBw.xxBZe.w..bx." /* c0 */
                               "mmmmxxx.mmmmmmmm" /* d0 */
                               "jjjjbbbbJJxj...." /* e0 */
                               "x.xx..gg......mm" /* f0 */;

static const char two_byte[] = "mmmmx.....x.xm.B" /* 0f 00 */
                               "mmmmmmmmmmmmmmmm" /* 0f 10 */
                               "ccccxxxxmmmmmmmm" /* 0f 20 */
                               "......x.xxxxxxxx" /* 0f 30 */
                               "mmmmmmmmmmmmmmmm" /* 0f 40 */
                               "mmmmmmmmmmmmmmmm" /* 0f 50 */
                               "mmmmmmmmmmmmmmmm" /* 0f 60 */
                               "BBBBmmm.smxxmmmm" /* 0f 70 */
                               "JJJJJJJJJJJJJJJJ" /* 0f 80 */
                               "mmmmmmmmmmmmmmmm" /* 0f 90 */
                               "...mBmxx...mBmmm" /* 0f a0 */
                               "mmmmmmmmmmBmmmmm" /* 0f b0 */
                               "mmBmBBBm........" /* 0f c0 */
                               "mmmmmmmmmmmmmmmm" /* 0f d0 */
                               "mmmmmmmmmmmmmmmm" /* 0f e0 */
                               "mmmmmmmmmmmmmmmm" /* 0f f0 */;

/* The instruction as far as it has been read. */
struct reader {
    const uint8_t *p, *end;
    bool opsize;   /* 66 */
    bool addrsize; /* 67 */
    bool rep;      /* f2 or f3 */
    bool rex_w;
    uint8_t rex_x, rex_b; /* 8 or 0: more of the index's and the base's numbers */
    bool fs_gs;
    bool vex; /* VEX, EVEX or XOP */
    bool evex;
    unsigned map; /* 0: one byte, 1: 0f, 2: 0f 38, 3: 0f 3a; 5, 6: EVEX; 8-10: XOP */
    uint8_t opcode;
    uint8_t modrm;
    bool has_modrm;
};

static bool read_byte(struct reader *r, uint8_t *b)
{
    if (r->p >= r->end)
        return false;
    *b = *r->p++;
    return true;
}

static bool read_skip(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->p) < n)
        return false;
    r->p += n;
    return true;
}

static bool is_prefix(struct reader *r, uint8_t b)
{
    switch (b) {
    case 0x66: r->opsize = true; return true;
    case 0x67: r->addrsize = true; return true;
    case 0xf2:
    case 0xf3: r->rep = true; return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0xf0: return true;
    case 0x64:
    case 0x65: r->fs_gs = true; return true;
    default: return false;
    }
}

/* The payload of VEX, EVEX or XOP behind its first byte. */
static bool read_vex(struct reader *r, uint8_t first)
{
    uint8_t b1;

    r->vex = true;
    if (!read_byte(r, &b1))
        return false;
    if (first == 0xc5) {
        r->map = 1;
        return read_byte(r, &r->opcode);
    }
    r->evex = first == 0x62;
    r->rex_x = b1 & 0x40 ? 0 : 8;
    r->rex_b = b1 & 0x20 ? 0 : 8;
    r->map = first == 0x62 ? b1 & 7 : b1 & 0x1f;
    return read_skip(r, first == 0x62 ? 2 : 1) && read_byte(r, &r->opcode);
}

static bool read_escape(struct reader *r)
{
    if (!read_byte(r, &r->opcode))
        return false;
    r->map = 1;
    if (r->opcode != 0x38 && r->opcode != 0x3a)
        return true;
    r->map = r->opcode == 0x38 ? 2 : 3;
    return read_byte(r, &r->opcode);
}

static bool is_vex(const struct reader *r, uint8_t b)
{
    if (b == 0xc4 || b == 0xc5 || b == 0x62)
        return true;
    /* 8f is pop, unless the next byte names a map that no ModRM byte of pop looks like. */
    return b == 0x8f && r->p < r->end && (*r->p & 0x1f) >= 8;
}

static bool read_opcode(struct reader *r)
{
    uint8_t b, rex = 0;

    /* Only a REX prefix that stands last counts. */
    for (;;) {
        if (!read_byte(r, &b))
            return false;
        if ((b & 0xf0) == 0x40)
            rex = b;
        else if (is_prefix(r, b))
            rex = 0;
        else
            break;
    }
    r->rex_w = rex & 8;
    r->rex_x = rex & 2 ? 8 : 0;
    r->rex_b = rex & 1 ? 8 : 0;
    if (b == 0x0f)
        return read_escape(r);
    if (!rex && is_vex(r, b))
        return read_vex(r, b);
    r->opcode = b;
    return true;
}

/* A number of n bytes, the least significant first. */
static int32_t number_at(const uint8_t *p, size_t n)
{
    if (n < 4)
        return n ? (int8_t)*p : 0;
    return (int32_t)((uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0]);
}

static bool read_disp(struct reader *r, size_t n, int32_t *disp)
{
    const uint8_t *at = r->p;

    if (!read_skip(r, n))
        return false;
    *disp = number_at(at, n);
    return true;
}

/* Gathers and scatters have a vector of indices. */
static bool vector_index(const struct reader *r)
{
    return r->vex && r->map == 2 && (r->opcode & 0xdc) == 0x90;
}

/* lea and hints name an address that they do not access; masked moves may not access all of it. */
static bool no_access(const struct reader *r)
{
    unsigned op = r->opcode;

    if (r->map == 0)
        return op == 0x8d;
    if (r->map == 1)
        return !r->vex && (op == 0x0d || (op >= 0x18 && op <= 0x1f));
    return r->vex && r->map == 2 && ((op >= 0x2c && op <= 0x2f) || op == 0x8c || op == 0x8e);
}

/* ModRM, SIB and displacement. */
static bool read_modrm(struct reader *r, bool registers_only, struct insn *out)
{
    static const uint8_t disp_len[] = {0, 1, 4};
    struct insn_memory *m = &out->memory;
    uint8_t sib = 0;

    if (!read_byte(r, &r->modrm))
        return false;
    r->has_modrm = true;
    unsigned mod = r->modrm >> 6, rm = r->modrm & 7;
    if (mod == 3 || registers_only)
        return true;
    if (rm == 4 && !read_byte(r, &sib))
        return false;
    unsigned base = rm == 4 ? sib & 7 : rm;
    bool bare = mod == 0 && base == 5; /* a displacement instead of the base */
    out->rip_relative = bare && rm == 5;
    *m = (struct insn_memory){
        .known = !out->rip_relative && !r->evex && !r->fs_gs && !r->addrsize && !vector_index(r) &&
                 !no_access(r),
        .base = (uint8_t)(bare ? INSN_NO_REG : base | r->rex_b),
        .index = INSN_NO_REG,
        .scale = (uint8_t)(1 << (sib >> 6)),
    };
    if (rm == 4 && ((sib >> 3 & 7) | r->rex_x) != 4)
        m->index = (uint8_t)((sib >> 3 & 7) | r->rex_x);
    return read_disp(r, bare ? 4 : disp_len[mod], &m->disp);
}

/* The letter of the tables for the opcode. */
static char opcode_class(const struct reader *r)
{
    char c;

    switch (r->map) {
    case 0: return one_byte[r->opcode];
    case 1:
        c = two_byte[r->opcode];
        if (r->vex && c != 'm' && c != 'B' && r->opcode != 0x77)
            return 'x';
        return c;
    case 3:
    case 8: return 'B';
    case 2:
    case 5:
    case 6:
    case 9: return 'm';
    case 10: return 'Z';
    default: return 'x';
    }
}

static size_t imm_z(const struct reader *r)
{
    return r->opsize && !r->rex_w && r->map != 10 ? 2 : 4;
}

static bool read_immediate(struct reader *r, char c)
{
    switch (c) {
    case 'b':
    case 'B':
    case 'j': return read_skip(r, 1);
    case 'w': return read_skip(r, 2);
    case 'z':
    case 'Z': return read_skip(r, imm_z(r));
    case 'v': return read_skip(r, r->rex_w ? 8 : imm_z(r));
    case 'o': return read_skip(r, r->addrsize ? 4 : 8);
    case 'J': return read_skip(r, 4);
    case 'e': return read_skip(r, 3);
    case 's': return read_skip(r, r->opsize || r->rep ? 2 : 0);
    case 'g': return (r->modrm & 0x38) > 8 || read_skip(r, r->opcode == 0xf6 ? 1 : imm_z(r));
    default: return true;
    }
}

static enum insn_kind kind_of_ff(const struct reader *r)
{
    switch (r->modrm >> 3 & 7) {
    case 2:
    case 3: return INSN_CALL_INDIRECT;
    case 4:
    case 5: return INSN_JUMP_INDIRECT;
    default: return INSN_PLAIN;
    }
}

static enum insn_kind kind_one_byte(const struct reader *r)
{
    switch (r->opcode) {
    case 0x70 ... 0x7f:
    case 0xe0 ... 0xe3: return INSN_BRANCH;
    case 0xc7: /* xbegin: a relative branch in disguise */
        return r->modrm == 0xf8 ? INSN_BRANCH : INSN_PLAIN;
    case 0xe9:
    case 0xeb: return INSN_JUMP;
    case 0xe8: return INSN_CALL;
    case 0xc2:
    case 0xc3:
    case 0xca:
    case 0xcb:
    case 0xcf: return INSN_RET;
    case 0xcc:
    case 0xcd:
    case 0xf1:
    case 0xf4: return INSN_SYSTEM;
    case 0xff: return kind_of_ff(r);
    default: return INSN_PLAIN;
    }
}

static enum insn_kind kind_of(const struct reader *r)
{
    if (r->map == 0)
        return kind_one_byte(r);
    if (r->map != 1 || r->vex)
        return INSN_PLAIN;
    if ((r->opcode & 0xf0) == 0x80)
        return INSN_BRANCH;
    if (r->opcode == 0x05 || r->opcode == 0x07 || r->opcode == 0x0b || r->opcode == 0x34 ||
        r->opcode == 0x35 || r->opcode == 0xb9 || r->opcode == 0xff ||
        (r->opcode == 0x01 && r->modrm == 0xd7)) /* enclu */
        return INSN_SYSTEM;
    return INSN_PLAIN;
}

/* What pushes or pops, and through which register. */
static uint8_t stack_of(const struct reader *r)
{
    unsigned op = r->opcode, reg = r->modrm >> 3 & 7;
    bool uses = false;

    if (r->map == 0) {
        if (op == 0xc9)
            return 5; /* leave */
        uses = (op & 0xf0) == 0x50 || op == 0x68 || op == 0x6a || op == 0x9c || op == 0x9d ||
               op == 0xc2 || op == 0xc3 || op == 0xc8 || op == 0xca || op == 0xcb || op == 0xcf ||
               op == 0xe8 || (op == 0x8f && !r->vex) ||
               (op == 0xff && (reg == 2 || reg == 3 || reg == 6));
    } else if (r->map == 1 && !r->vex) {
        uses = op == 0xa0 || op == 0xa1 || op == 0xa8 || op == 0xa9;
    }
    return uses ? 4 : INSN_NO_REG;
}

size_t insn_decode(const uint8_t *code, size_t n, struct insn *out)
{
    struct reader r = {.p = code, .end = code + (n < INSN_MAX ? n : INSN_MAX)};

    *out = (struct insn){0};
    if (!read_opcode(&r))
        return 0;
    char c = opcode_class(&r);
    if (c == 'x')
        return 0;
    if ((c == 'm' || c == 'B' || c == 'Z' || c == 'g' || c == 'c' || c == 's') &&
        !read_modrm(&r, c == 'c', out))
        return 0;
    if (!read_immediate(&r, c))
        return 0;
    out->len = (uint8_t)(r.p - code);
    out->kind = (uint8_t)kind_of(&r);
    out->stack = stack_of(&r);
    if (insn_is_relative(out))
        out->rel = c == 'j' ? number_at(r.p - 1, 1) : number_at(r.p - 4, 4);
    return out->len;
}
