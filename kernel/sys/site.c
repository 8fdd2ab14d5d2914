/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be overwritten at a system-call site.
 *
 *   MOV     mov $nr,%eax; syscall        the mov becomes the jmp; the syscall stays as it is
 *   BEFORE  another movable instruction of five bytes or more before the syscall: likewise; it may
 *           be some way before, when all from there on is movable and moves, too
 *   CAVE    the syscall becomes a two-byte jmp to padding between functions, which gets the jmp
 *   WINDOW  syscall; cmp $-4096,%rax     both become the jmp
 *
 * With MOV and BEFORE no address that could be jumped to changes its meaning: the start of the
 * instruction leads to the trampoline, which repeats it, and the `syscall` itself still traps.
 * All behind that instruction stays as it is, for whoever jumps there.
 * What must be certain is that the bytes are that instruction and not the tail of a longer one:
 * either by decoding the function from its start, or, when its bounds are not known, because
 * decoding from nearly every byte shortly before arrives there (x86 code falls into step within a
 * few instructions).
 *
 * With CAVE two bytes give way to two bytes, and what must be certain is that the padding is never
 * executed: no-operations up to an address of function alignment, behind an instruction that does
 * not go on.
 *
 * With WINDOW the bytes behind the `syscall` get another meaning, so the whole function is decoded
 * and refused if it has a branch to them, or an indirect jump, which could be one.
 */
#include "kernel/sys/site.h"

#include "kernel/sys/insn.h"

#define STEP_MIN 24      /* bytes in which a stream falls into step */
#define VOTES_MIN 8      /* streams that there must be … */
#define VOTES_PERCENT 80 /* … and how many must agree … */
#define VOTES_MOV 40     /* … on a mov of the very number that the call came with */
#define FUNC_ALIGN 16
#define NR_SIGRETURN 15

static const uint8_t *code_at(const struct site_code *c, uint64_t addr)
{
    return c->bytes + (addr - c->base);
}

static size_t code_left(const struct site_code *c, uint64_t addr)
{
    return c->n - (size_t)(addr - c->base);
}

static bool bounds_known(const struct site_code *c, uint64_t site)
{
    return c->func_start <= site && site + 2 <= c->func_end;
}

/*
 * Decodes from `from` until the site: the length of the last instruction if one ends exactly there,
 * else 0.
 */
static size_t stream_last(const struct site_code *c, uint64_t from, uint64_t site)
{
    struct insn i;
    size_t len = 0;

    while (from < site) {
        len = insn_decode(code_at(c, from), code_left(c, from), &i);
        if (!len)
            return 0;
        from += len;
    }
    return from == site ? len : 0;
}

/* mov $nr,%eax */
static bool is_mov_nr(const uint8_t *p, uint32_t nr)
{
    return p[0] == 0xb8 && p[1] == (nr & 0xff) && p[2] == (nr >> 8 & 0xff) && !p[3] && !p[4];
}

/*
 * The length of the instruction before `addr` by a vote of streams that start at each of the bytes
 * before, save the nearest, which have no time to fall into step.  *percent: how many agree.
 * Streams merge, so each byte is decoded once, from the last to the first.
 */
static size_t vote_last(const struct site_code *c, uint64_t addr, unsigned *percent)
{
    uint8_t last[SITE_LOOK_BACK + 1] = {0}; /* [d]: of the stream from addr - d; 0: misses addr */
    unsigned votes[INSN_MAX + 1] = {0}, total = 0;
    size_t best = 1, far = MIN(addr - c->base, (uint64_t)SITE_LOOK_BACK);
    struct insn i;

    for (size_t d = 1; d <= far; d++) {
        size_t len = insn_decode(code_at(c, addr - d), code_left(c, addr - d), &i);
        last[d] = (uint8_t)(len == d ? len : len && len < d ? last[d - len] : 0);
        if (d >= STEP_MIN) {
            votes[last[d]]++;
            total++;
        }
    }
    for (size_t len = 2; len <= INSN_MAX; len++)
        if (votes[len] > votes[best])
            best = len;
    if (total < VOTES_MIN || !votes[best])
        return 0;
    *percent = votes[best] * 100 / total;
    return best;
}

/* The length of the instruction that ends at `addr`, with its decoding; 0: not certain. */
static size_t last_insn(const struct site_code *c, uint64_t addr, struct insn *i)
{
    unsigned percent = 100;
    size_t len = c->func_start < addr && addr <= c->func_end ? stream_last(c, c->func_start, addr)
                                                             : vote_last(c, addr, &percent);

    if (!len || insn_decode(code_at(c, addr - len), len, i) != len)
        return 0;
    if (percent >= VOTES_PERCENT)
        return len;
    return percent >= VOTES_MOV && len == 5 && is_mov_nr(code_at(c, addr - len), c->nr) ? len : 0;
}

static bool is_mov_eax(const uint8_t *p, size_t len)
{
    return (len == 5 && p[0] == 0xb8) || (len == 7 && p[0] == 0x48 && p[1] == 0xc7 && p[2] == 0xc0);
}

static bool decide_before(const struct site_code *c, uint64_t site, struct site_plan *out)
{
    struct insn i;
    size_t len = last_insn(c, site, &i);

    if (len < SITE_JMP_LEN || !insn_is_movable(&i))
        return false;
    out->kind = is_mov_eax(code_at(c, site - len), len) ? PATCH_MOV : PATCH_BEFORE;
    out->start = site - len;
    out->len = (uint8_t)len;
    return true;
}

static bool is_nop(const uint8_t *p, size_t len)
{
    while (len > 1 && (*p == 0x66 || *p == 0x2e)) {
        p++;
        len--;
    }
    return (len == 1 && (*p == 0x90 || *p == 0xcc)) || (len > 1 && p[0] == 0x0f && p[1] == 0x1f);
}

/* True when [from, to) is whole instructions that do nothing, or traps. */
static bool is_padding(const struct site_code *c, uint64_t from, uint64_t to)
{
    struct insn i;

    for (; from < to; from += i.len)
        if (!insn_decode(code_at(c, from), (size_t)(to - from), &i) ||
            !is_nop(code_at(c, from), i.len))
            return false;
    return true;
}

static bool never_goes_on(const struct insn *i, const uint8_t *p)
{
    return i->kind == INSN_RET || i->kind == INSN_JUMP || i->kind == INSN_JUMP_INDIRECT ||
           (i->len == 2 && p[0] == 0x0f && p[1] == 0x0b);
}

/* Padding that starts at `from`, long enough for a jmp. */
static bool is_cave(const struct site_code *c, uint64_t from)
{
    struct insn i;
    uint64_t end = ALIGN_UP(from, FUNC_ALIGN);

    if (end - from < SITE_JMP_LEN || !is_padding(c, from, end))
        return false;
    size_t len = last_insn(c, from, &i);
    return len && never_goes_on(&i, code_at(c, from - len));
}

static bool decide_cave(const struct site_code *c, uint64_t site, struct site_plan *out)
{
    uint64_t low = MAX(c->base, site + 2 - 128);
    uint64_t high = MIN(c->base + c->n - FUNC_ALIGN, site + 2 + 127);

    if (c->n < SITE_NEAR)
        return false;
    for (uint64_t a = low; a <= high; a++) {
        if (is_cave(c, a)) {
            out->kind = PATCH_CAVE;
            out->start = site;
            out->len = 0;
            out->cave = a;
            return true;
        }
    }
    return false;
}

/* Length of the `syscall` and enough movable instructions behind it; 0: cannot be. */
static size_t window_len(const struct site_code *c, uint64_t site)
{
    struct insn i;
    size_t len = 2;

    while (len < SITE_JMP_LEN) {
        size_t n = insn_decode(code_at(c, site + len), (size_t)(c->func_end - site) - len, &i);
        if (!n || !insn_is_movable(&i))
            return 0;
        len += n;
    }
    return len <= SITE_LEN_MAX ? len : 0;
}

/* Decodes the whole function: true when nothing in it can jump between site and site + len. */
static bool window_proved(const struct site_code *c, uint64_t site, size_t len)
{
    struct insn i;
    bool met = false;

    for (uint64_t a = c->func_start; a < c->func_end; a += i.len) {
        if (!insn_decode(code_at(c, a), (size_t)(c->func_end - a), &i))
            return false;
        met |= a == site;
        uint64_t target = a + i.len + (uint64_t)(int64_t)i.rel;
        if (insn_is_relative(&i) && target > site && target < site + len)
            return false;
        if (i.kind == INSN_JUMP_INDIRECT)
            return false;
    }
    return met;
}

static bool decide_window(const struct site_code *c, uint64_t site, struct site_plan *out)
{
    if (!bounds_known(c, site))
        return false;
    size_t len = window_len(c, site);
    if (!len || !window_proved(c, site, len))
        return false;
    out->kind = PATCH_WINDOW;
    out->start = site;
    out->len = (uint8_t)len;
    return true;
}

/*
 * The function is decoded from its start: the last instruction before the site that can give way, with nothing
 * behind it that cannot move.
 */
static bool decide_ahead(const struct site_code *c, uint64_t site, struct site_plan *out)
{
    struct insn i;
    uint64_t start = 0, a = c->func_start;

    if (!bounds_known(c, site))
        return false;
    for (; a < site; a += i.len) {
        if (!insn_decode(code_at(c, a), (size_t)(c->func_end - a), &i))
            return false;
        if (!insn_is_movable(&i))
            start = 0;
        else if (i.len >= SITE_JMP_LEN)
            start = a;
    }
    if (a != site || !start || site - start > SITE_LEN_MAX)
        return false;
    out->kind = PATCH_BEFORE;
    out->start = start;
    out->len = (uint8_t)(site - start);
    return true;
}

void site_decide(const struct site_code *c, uint64_t site, struct site_plan *out)
{
    *out = (struct site_plan){.kind = PATCH_NONE};
    /* Unwinders know a signal's frame by the bytes of the return to it, if not by its FDE. */
    if (c->nr == NR_SIGRETURN && !bounds_known(c, site))
        return;
    if (!decide_before(c, site, out) && !decide_cave(c, site, out) && !decide_window(c, site, out))
        decide_ahead(c, site, out);
}
