/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A `syscall` instruction that trapped: it is served, and if it traps often the site is patched if
 * that is proved safe (site.c), so that it never traps again.
 *
 *   unknown --first trap--> waiting --PATCH_AFTER traps--> analysed (one patcher at a time) --> patched
 *                                                                                           \-> refused: traps for ever
 *
 * Most sites of most programs are used once or twice, and a patch costs as much as some traps: pages have to
 * be opened and closed.  Those wait that the bytes before the `syscall` say enough of.  The others are
 * decided at once, since a PATCH_WINDOW is safe at the first trap only: nobody returns into it yet.
 *
 * All the bytes that are looked at belong to the program, which may change them at any time or make
 * them up; what a lie leads to is that the program runs other code of its own than it thought.
 * What must hold is that the patcher itself stays within bounds, and that code which plays no
 * tricks never notices.
 */
#include "kernel/sys/patch.h"

#include <linux/errno.h>
#include <linux/mman.h>

#include "kernel/arch/vcpu.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/process.h"
#include "kernel/sched/mutex.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/eh_frame.h"
#include "kernel/sys/patch_impl.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "lib/string.h"

#define SYSCALL_LEN 2U
#define FUNC_MAX 16384UL /* bytes of a function that is decoded as a whole */

static struct {
    struct mutex mutex;       /* one patcher at a time; user copies under it never come back here */
    struct patch_stats count; /* [mutex]; traps: not guarded, statistics only */
} patcher = {.mutex.waitq.waiters = LIST_INIT(patcher.mutex.waitq.waiters)};

/* A site being looked at. */
struct analysis {
    struct mm *mm;
    uaddr_t site;
    struct mm_region_info region;
    struct site_code code;
    struct site_plan plan;
    uint8_t near[2 * SITE_NEAR];
    uint8_t *func; /* the whole function's code, or NULL */
};

void patch_stats_get(struct patch_stats *out)
{
    *out = patcher.count;
}

static bool read_program(const struct eh_reader *r, uint64_t addr, void *buf, size_t n)
{
    (void)r;
    return !copy_in(buf, addr, n);
}

/* Reads [start, end) of the program's code into buf and makes it what is decided on. */
static bool code_read(struct analysis *a, uint8_t *buf, uaddr_t start, uaddr_t end)
{
    if (copy_in(buf, start, end - start))
        return false;
    a->code.bytes = buf;
    a->code.base = start;
    a->code.n = end - start;
    return true;
}

/* The region must be what a program's text is: executable, and no other mapping sees the change. */
static bool find_region(struct analysis *a)
{
    const struct mm_region_info *r = &a->region;

    return mm_find(a->mm, a->site, &a->region) && r->start <= a->site &&
           a->site + SYSCALL_LEN <= r->end && (r->prot & MM_EXEC) &&
           !(r->file && (r->flags & MAP_SHARED));
}

static bool analyse_near(struct analysis *a)
{
    uaddr_t start = MAX(a->region.start, a->site - SITE_NEAR);
    uaddr_t end = MIN(a->region.end, a->site + SITE_NEAR);

    if (!code_read(a, a->near, start, end))
        return false;
    const uint8_t *p = a->near + (a->site - start);
    if (p[0] != 0x0f || p[1] != 0x05)
        return false;
    site_decide(&a->code, a->site, &a->plan);
    return true;
}

struct image_search {
    const struct file *file;
    uaddr_t addr, base;
};

/* The last mapping of the file's start at or below addr; regions come in rising order. */
static int image_match(const struct mm_region_info *r, void *arg)
{
    struct image_search *s = arg;

    if (r->start > s->addr)
        return 1;
    if (r->file == s->file && !r->off)
        s->base = r->start;
    return 0;
}

/* Where the ELF header of the image that holds the site is mapped; 0: unknown. */
static uaddr_t image_base(struct analysis *a)
{
    struct image_search s = {.file = a->region.file, .addr = a->site};

    if (!s.file)
        return a->region.start; /* the vDSO; what is no ELF image at all, eh_frame_find refuses */
    mm_for_each(a->mm, image_match, &s);
    return s.base;
}

/* Decides again with the whole function in hand, if its bounds can be found. */
static void analyse_function(struct analysis *a)
{
    static const struct eh_reader reader = {.read = read_program};
    uaddr_t base = image_base(a), start, end;

    if (!base || !eh_frame_find(&reader, base, a->site, &start, &end) || start < a->region.start ||
        end > a->region.end || end - start > FUNC_MAX)
        return;
    uaddr_t low = MIN(start, a->code.base), high = MAX(end, a->code.base + a->code.n);
    a->func = kmalloc(high - low);
    if (!a->func || !code_read(a, a->func, low, high))
        return;
    a->code.func_start = start;
    a->code.func_end = end;
    site_decide(&a->code, a->site, &a->plan);
}

/* The site jumps to the cave and the cave to the trampoline; nobody executes the cave before. */
static int cave_write(struct analysis *a, const struct tramp *t)
{
    uint8_t jmp[SITE_JMP_LEN];
    uint8_t hop[] = {0xeb, (uint8_t)(a->plan.cave - a->site - SYSCALL_LEN)};

    if (!jmp_build(jmp, a->plan.cave, t->addr))
        return -ERANGE;
    int err = mm_patch_text(a->mm, a->plan.cave, jmp, sizeof(jmp));
    return err ? err : mm_patch_text(a->mm, a->site, hop, sizeof(hop));
}

static const uint8_t *moved_bytes(const struct analysis *a)
{
    return a->code.bytes + (a->plan.start - a->code.base);
}

static int site_write(struct analysis *a, const struct tramp *t)
{
    uint8_t jmp[SITE_JMP_LEN];

    if (a->plan.kind == PATCH_CAVE)
        return cave_write(a, t);
    if (!jmp_build(jmp, a->plan.start, t->addr))
        return -ERANGE;
    return mm_patch_text(a->mm, a->plan.start, jmp, sizeof(jmp));
}

/* Carries the plan out.  The entry is recorded first: a patch that nobody remembers must not be. */
static bool site_patch(struct patch_space *s, struct analysis *a, struct site_entry *e)
{
    struct tramp t;

    if (tramp_reserve(s, a->site, &a->plan, &t) ||
        !tramp_build(&t, a->site, &a->plan, moved_bytes(a)) ||
        mm_patch_text(a->mm, t.addr, t.code, t.len))
        return false;
    e->kind = a->plan.kind;
    e->start = a->plan.start;
    e->tail = t.ret;
    return site_record(s, e) && !site_write(a, &t);
}

/* Before most sites stands the mov of their number.  It could be the end of something else, but to wait it will do. */
static bool mov_before(uaddr_t site, uint32_t nr)
{
    uint8_t b[5];

    return site > sizeof(b) && !copy_in(b, site - sizeof(b), sizeof(b)) && b[0] == 0xb8 &&
           !memcmp(b + 1, &nr, sizeof(nr));
}

/* Patches the site, or makes it wait for that; false: neither can be. */
static bool patch_or_wait(struct patch_space *s, struct analysis *a, bool first,
                          struct site_entry *e)
{
    bool wait = first && mov_before(a->site, a->code.nr);

    if (!wait) {
        if (!find_region(a) || !analyse_near(a))
            return false;
        wait = first && a->plan.kind != PATCH_NONE && a->plan.kind != PATCH_WINDOW;
    }
    if (wait) {
        e->waits = PATCH_AFTER;
        return site_record(s, e);
    }
    if (a->plan.kind == PATCH_NONE)
        analyse_function(a);
    return a->plan.kind != PATCH_NONE && (first || a->plan.kind != PATCH_WINDOW) &&
           site_patch(s, a, e);
}

static bool site_try(struct patch_space *s, struct mm *mm, uint32_t nr, bool first,
                     struct site_entry *e)
{
    struct analysis *a = kzalloc(sizeof(*a));
    bool done = false;

    if (a && !tramp_contains(s, e->site)) {
        a->mm = mm;
        a->site = e->site;
        a->code.nr = nr;
        done = patch_or_wait(s, a, first, e);
        kfree(a->func);
    }
    kfree(a);
    return done;
}

/* A site's first trap, or the last that it waited for.  Fills in what is to be remembered of it. */
static void site_act(struct mm *mm, uaddr_t site, uint32_t nr, bool first, struct site_entry *e)
{
    struct patch_space *s = space_get(mm);

    if (s)
        s->mm = mm;
    *e = (struct site_entry){.site = site, .kind = PATCH_NONE};
    patcher.count.waiting -= !first;
    if (s && !s->lost && site_try(s, mm, nr, first, e)) {
        if (e->waits)
            patcher.count.waiting++;
        else
            patcher.count.patched[e->kind]++;
        return;
    }
    *e = (struct site_entry){.site = site, .kind = PATCH_NONE};
    if (!s || !site_record(s, e))
        space_lose(mm);
    patcher.count.refused++;
    log_debug("the system call %u at 0x%lx keeps trapping", nr, (unsigned long)site);
}

/*
 * True when what was done to a site is still there.  A trap at a patched site is a jump past the
 * patch, a restarted call, or other code, mapped there since.
 */
static bool site_still_patched(const struct site_entry *e)
{
    uint8_t b = 0;

    return e->kind == PATCH_NONE || (!copy_in(&b, e->start, 1) && (b == 0xe9 || b == 0xeb));
}

/* Nothing more is to be done about the site, now. */
static bool site_settled(struct mm *mm, uaddr_t site, bool *known, struct site_entry *e)
{
    *known = site_recall(mm, site, e) && site_still_patched(e);
    return *known && e->waits != 1;
}

/* Where the call returns to. */
static uaddr_t trap_return(const struct user_regs *regs)
{
    struct mm *mm = current_process()->mm;
    struct site_entry e;
    bool known;

    if (!site_settled(mm, regs->rip, &known, &e)) {
        mutex_lock(&patcher.mutex);
        if (!site_settled(mm, regs->rip, &known, &e))
            site_act(mm, regs->rip, (uint32_t)regs->rax, !known, &e);
        mutex_unlock(&patcher.mutex);
    }
    return e.kind == PATCH_WINDOW ? e.tail : e.site + SYSCALL_LEN;
}

void syscall_trap(struct user_regs *regs)
{
    uaddr_t ret = trap_return(regs);

    patcher.count.traps++;
    regs->rip = ret;
    regs->rcx = ret;
    regs->r11 = regs->rflags;
    regs->orig_rax = regs->rax;
    syscall_dispatch(regs);
}
