/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trampolines: what a patched site jumps to.
 *
 *     moved instruction(s)             MOV, BEFORE: the one that the jmp replaced, and what follows it
 *     lea ret(%rip), %rcx              as `syscall` does
 *     jmp *%gs:SYSCALL_ENTRY           the gate; it comes back to rcx
 *     syscall                          WINDOW only: where a restarted call (rip - 2) traps
 *     ret: moved instructions; jmp …   WINDOW only: what stood behind the syscall
 *
 * Only rax, rcx and r11 change, as with the instruction; no stack is used, so that the red zone
 * survives.  Trampolines lie in pages of their own within 2 GiB of the site, several slots a page,
 * and live as long as the address space.
 */
#include <linux/errno.h>

#include "kernel/arch/vcpu.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/sys/patch_impl.h"
#include "lib/hash.h"
#include "lib/string.h"

#define POOLS_MAX 256U /* 1 MiB of trampolines in one address space */
#define REACH ((1UL << 31) - (1UL << 16))
#define GATE_LEN 15U /* lea and jmp */
#define SYSCALL_LEN 2U
#define TAIL_OFF (GATE_LEN + SYSCALL_LEN) /* of a window's return */

/*
 * Signals ask of every address that they interrupt and go back to whether it lies in a trampoline or
 * in an overwritten window.  Hardly any does, and these say so without the lock: a bit for each page of
 * trampolines and for each 16 bytes that a window touches, by hash; never cleared.
 */
#define FILTER_BITS 4096UL

struct filter {
    uint64_t bits[FILTER_BITS / 64]; /* [a] */
};

static struct filter pool_filter, window_filter;

static void filter_add(struct filter *f, uint64_t key)
{
    uint64_t h = hash_u64(key) % FILTER_BITS;
    __atomic_fetch_or(&f->bits[h / 64], 1UL << (h % 64), __ATOMIC_RELEASE);
}

static bool filter_may_have(const struct filter *f, uint64_t key)
{
    uint64_t h = hash_u64(key) % FILTER_BITS;
    return __atomic_load_n(&f->bits[h / 64], __ATOMIC_ACQUIRE) >> (h % 64) & 1;
}

static bool within_reach(uaddr_t a, uaddr_t b)
{
    return (a > b ? a - b : b - a) < REACH;
}

bool jmp_build(uint8_t out[SITE_JMP_LEN], uaddr_t from, uaddr_t to)
{
    int64_t rel = (int64_t)(to - from - SITE_JMP_LEN);
    int32_t rel32 = (int32_t)rel;

    out[0] = 0xe9;
    memcpy(out + 1, &rel32, sizeof(rel32));
    return rel == rel32;
}

static void put(struct tramp *t, const void *code, size_t n)
{
    memcpy(t->code + t->len, code, n);
    t->len += n;
}

static bool put_jmp(struct tramp *t, uaddr_t to)
{
    uint8_t jmp[SITE_JMP_LEN];
    bool ok = jmp_build(jmp, t->addr + t->len, to);

    put(t, jmp, sizeof(jmp));
    return ok;
}

/* lea ret(%rip),%rcx; jmp *%gs:offset */
static bool put_gate(struct tramp *t, uaddr_t ret)
{
    static const uint8_t lea[] = {0x48, 0x8d, 0x0d}, jmp[] = {0x65, 0xff, 0x24, 0x25};
    int64_t rel = (int64_t)(ret - (t->addr + t->len + 7));
    int32_t rel32 = (int32_t)rel, offset = offsetof(struct vcpu, syscall_entry);

    put(t, lea, sizeof(lea));
    put(t, &rel32, sizeof(rel32));
    put(t, jmp, sizeof(jmp));
    put(t, &offset, sizeof(offset));
    return rel == rel32;
}

static bool build_window(struct tramp *t, uaddr_t site, const struct site_plan *plan,
                         const uint8_t *moved)
{
    static const uint8_t syscall[] = {0x0f, 0x05};

    t->ret = t->addr + GATE_LEN + sizeof(syscall);
    if (!put_gate(t, t->ret))
        return false;
    put(t, syscall, sizeof(syscall));
    put(t, moved + sizeof(syscall), plan->len - sizeof(syscall));
    return put_jmp(t, site + plan->len);
}

bool tramp_build(struct tramp *t, uaddr_t site, const struct site_plan *plan, const uint8_t *moved)
{
    t->len = 0;
    t->ret = site + 2;
    if (plan->kind == PATCH_WINDOW)
        return build_window(t, site, plan, moved);
    put(t, moved, plan->len);
    return put_gate(t, t->ret);
}

static unsigned slots_needed(unsigned kind, unsigned moved)
{
    return kind == PATCH_WINDOW || moved + GATE_LEN > SLOT_SIZE ? 2 : 1;
}

static struct tramp_pool *pool_near(struct patch_space *s, uaddr_t near, unsigned slots)
{
    list_for_each(l, &s->pools) {
        struct tramp_pool *p = list_entry(l, struct tramp_pool, link);
        if (within_reach(p->addr, near) && p->used + slots <= POOL_SLOTS)
            return p;
    }
    return NULL;
}

static int pool_new(struct patch_space *s, uaddr_t near, struct tramp_pool **out)
{
    if (s->npools >= POOLS_MAX)
        return -ENOMEM;
    struct tramp_pool *p = kzalloc(sizeof(*p));
    if (!p)
        return -ENOMEM;
    int64_t addr = mm_map_near(s->mm, near, POOL_SIZE);
    if (addr < 0) {
        kfree(p);
        return (int)addr;
    }
    p->addr = (uaddr_t)addr;
    s->npools++;
    filter_add(&pool_filter, p->addr / POOL_SIZE);
    spin_lock(&sites_lock);
    list_add_head(&s->pools, &p->link);
    spin_unlock(&sites_lock);
    *out = p;
    return within_reach(p->addr, near) ? 0 : -ENOMEM;
}

int tramp_reserve(struct patch_space *s, uaddr_t site, const struct site_plan *plan,
                  struct tramp *t)
{
    unsigned slots = slots_needed(plan->kind, plan->len);
    struct tramp_pool *p = pool_near(s, site, slots);
    int err = 0;

    if (!p)
        err = pool_new(s, site, &p);
    if (err || !p)
        return err ? err : -ENOMEM;
    spin_lock(&sites_lock);
    p->slot[p->used] = (struct tramp_slot){
        .site = site,
        .kind = (uint8_t)plan->kind,
        .moved = (uint8_t)(plan->len - (plan->kind == PATCH_WINDOW ? SYSCALL_LEN : 0)),
    };
    if (plan->kind == PATCH_WINDOW) {
        filter_add(&window_filter, (site + SYSCALL_LEN) / 16);
        filter_add(&window_filter, (site + plan->len - 1) / 16);
    }
    t->addr = p->addr + p->used * SLOT_SIZE;
    p->used += slots;
    spin_unlock(&sites_lock);
    return 0;
}

static const struct tramp_pool *pool_find(const struct patch_space *s, uaddr_t addr)
{
    list_for_each(l, &s->pools) {
        const struct tramp_pool *p = list_entry(l, struct tramp_pool, link);
        if (addr - p->addr < POOL_SIZE)
            return p;
    }
    return NULL;
}

bool tramp_contains(struct patch_space *s, uaddr_t addr)
{
    spin_lock(&sites_lock);
    bool inside = pool_find(s, addr) != NULL;
    spin_unlock(&sites_lock);
    return inside;
}

/* The trampoline that addr lies in, and how far. */
static const struct tramp_slot *slot_find(const struct patch_space *s, uaddr_t addr, size_t *off)
{
    const struct tramp_pool *p = s ? pool_find(s, addr) : NULL;
    if (!p)
        return NULL;
    size_t i = (addr - p->addr) / SLOT_SIZE;
    *off = (addr - p->addr) % SLOT_SIZE;
    if (i && p->slot[i].kind == PATCH_NONE &&
        slots_needed(p->slot[i - 1].kind, p->slot[i - 1].moved) == 2) {
        i--;
        *off += SLOT_SIZE;
    }
    return p->slot[i].kind == PATCH_NONE ? NULL : &p->slot[i];
}

/*
 * In front of a moved instruction a trampoline is in front of that one at the site; from there to the
 * gate it is at the `syscall`, since nothing on the way changes more than rcx, which the call changes
 * anyway. A window's tail is what stood behind the `syscall`.
 */
static uaddr_t slot_program_rip(const struct tramp_slot *t, size_t off)
{
    if (t->kind != PATCH_WINDOW)
        return t->site - t->moved + MIN(off, (size_t)t->moved);
    if (off < TAIL_OFF)
        return t->site;
    return t->site + SYSCALL_LEN + MIN(off - TAIL_OFF, (size_t)t->moved);
}

uaddr_t patch_program_rip(struct mm *mm, uaddr_t rip)
{
    size_t off;

    if (!filter_may_have(&pool_filter, rip / POOL_SIZE))
        return rip;
    spin_lock(&sites_lock);
    const struct tramp_slot *t = slot_find(space_find(mm), rip, &off);
    if (t)
        rip = slot_program_rip(t, off);
    spin_unlock(&sites_lock);
    return rip;
}

/* The address in the pool for one within a window that was overwritten; 0: none of this pool's. */
static uaddr_t pool_resume_rip(const struct tramp_pool *p, uaddr_t rip)
{
    for (unsigned i = 0; i < p->used; i++) {
        const struct tramp_slot *t = &p->slot[i];
        if (t->kind == PATCH_WINDOW && rip - (t->site + SYSCALL_LEN) < t->moved)
            return p->addr + i * SLOT_SIZE + TAIL_OFF + (rip - (t->site + SYSCALL_LEN));
    }
    return 0;
}

uaddr_t patch_resume_rip(struct mm *mm, uaddr_t rip)
{
    uaddr_t resume = 0;

    if (!filter_may_have(&window_filter, rip / 16))
        return rip;
    spin_lock(&sites_lock);
    const struct patch_space *s = space_find(mm);
    if (s) {
        list_for_each(l, &s->pools) {
            resume = pool_resume_rip(list_entry(l, struct tramp_pool, link), rip);
            if (resume)
                break;
        }
    }
    spin_unlock(&sites_lock);
    return resume ? resume : rip;
}
