/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest: a process whose memory and registers are here, and everything else in the base.
 *
 * Its system calls about memory are served here, as its page faults are; others go to the base, and those that need the
 * process there take it along.  So does every exception that is not a page fault that can be served: the
 * instruction is tried again at home, and there it is what it is.  What fails here is tried again at home, too, where
 * there may be more memory, or the reason is told: nothing that a program sees comes from here but success.
 */
#include <linux/errno.h>
#include <linux/mman.h>
#include <asm/unistd.h>

#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/pagemap.h"
#include "kernel/mm/passage.h"
#include "kernel/proc/process.h"
#include "kernel/satellite/guest.h"
#include "kernel/sched/cputime.h"
#include "kernel/sched/turns.h"
#include "kernel/sys/patch.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"
#include "kernel/vfs/file.h"
#include "lib/string.h"

#define SNAP 192UL              /* bytes at each argument that go with a call */
#define SNAP_WRITE (32UL << 10) /* of what is to be written */
#define WRITE_RUN 16UL          /* pages looked at, whether they may be written */
#define USED_EVERY 10000000     /* ns between looks at how much memory is in use */

/* [the guest's thread] */
static struct {
    bool called, ended; /* COME_HOME, END have come */
    ktime_t used_at;    /* when memory was last counted */
    char *buf;          /* a message in the making; for the next guest too */
} guest;

bool guest_ended(void)
{
    return guest.ended;
}

bool guest_note(const struct letter *l)
{
    uint64_t kind = letter_head(l)->kind;

    if (kind != WIRE_COME_HOME && kind != WIRE_END)
        return false;
    guest.called = true;
    __atomic_store_n(&vcpu_this()->need_resched, 1, __ATOMIC_RELAXED); /* guest_resume */
    guest.ended |= kind == WIRE_END;
    return true;
}

/* --- arriving ----------------------------------------------------------------------------- */

static int arrive_region(struct mm *mm, const struct letter *l)
{
    const struct wire_region *r = letter_body(l, sizeof(*r));
    struct file *f = NULL;

    if (!r)
        return -EINVAL;
    if (r->file.id && (f = far_file(&r->file)) == NULL)
        return -ENOMEM;
    int err = mm_arrive_region(mm, &r->region, f);
    if (r->region.kind == PASSAGE_VDSO && !err)
        current_process()->vdso = r->region.start;
    if (f)
        file_put(f);
    return err;
}

static int arrive_pages(struct mm *mm, const struct letter *l)
{
    size_t n = (size_t)letter_head(l)->arg[1];
    const void *data = n <= PASSAGE_PAGES ? letter_body(l, n * PAGE_SIZE) : NULL;

    return data ? mm_arrive_pages(mm, (uaddr_t)letter_head(l)->arg[0], n, data) : -EINVAL;
}

static void region_drop(const struct letter *l)
{
    const struct wire_region *r = letter_body(l, sizeof(*r));

    if (r && r->file.id)
        far_file_forget(&r->file);
}

/* Up to RUN, whatever fails: the rest is taken and dropped. */
static int arrive_all(struct mm *mm)
{
    int err = mm ? 0 : -ENOMEM;

    const struct letter *l = &letter_box;

    for (bool more = true; more;) {
        guest_next(&letter_box);
        switch (letter_head(l)->kind) {
        case WIRE_REGION:
            if (err)
                region_drop(l);
            else
                err = arrive_region(mm, l);
            break;
        case WIRE_PAGES: err = err ? err : arrive_pages(mm, l); break;
        case WIRE_RUN:
            more = false;
            err = err ? err : (int)letter_head(l)->arg[0];
            break;
        default: err = -EINVAL;
        }
    }
    return err;
}

/* The place is kept: its letter's room is for the next ones. */
static bool place_take(void)
{
    const size_t n = sizeof(struct wire_place) + kernel.xsave_size;
    const void *place = letter_body(&letter_box, n);

    if (!guest.buf)
        guest.buf = kpages_alloc_any((LINK_MAX + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!guest.buf || !place)
        return false;
    memcpy(guest.buf, place, n);
    return true;
}

void guest_main(void *arg)
{
    struct process *p = current_process();
    struct mm *mm = NULL;

    (void)arg;
    guest.called = guest.ended = false;
    answers_drop();
    ahead_drop();
    guest.used_at = 0;
    bool placed = place_take();
    const struct wire_place *in = (const struct wire_place *)guest.buf;
    if (placed && in->thread.xfrm == kernel.xfrm)
        mm = mm_new_guest(&in->space);
    if (mm) {
        memcpy(p->rlimits, in->limits, sizeof(p->rlimits));
        p->mm = mm;
        turn_move(mm_turn(mm));
        mm_arrive_space(mm, &in->space);
    }
    int err = arrive_all(mm);
    if (!err) {
        wire_thread_take(&in->thread, in + 1, current->regs);
        p->personality = in->thread.personality;
        memcpy(current->comm, in->thread.comm, sizeof(current->comm));
        current->regs->rip = patch_resume_rip(mm, in->thread.regs.rip);
    }
    if (err && mm)
        mm_arrive_failed(mm);
    const struct wire_head h = {.kind = WIRE_ARRIVED, .arg = {err}};
    guest_send(&h, NULL, 0);
    if (err)
        thread_die();
}

/* --- leaving ------------------------------------------------------------------------------ */

static int tell_region(struct passage *p, const struct passage_region *r, struct file *file)
{
    struct wire_head h = {.kind = WIRE_REGION};
    struct wire_region out = {.region = *r};

    (void)p;
    if (file)
        far_file_tell(file, &out.file);
    guest_send(&h, &out, sizeof(out));
    return 0;
}

static int tell_pages(struct passage *p, uaddr_t start, size_t n, const void *data)
{
    struct wire_head h = {.kind = WIRE_PAGES, .arg = {(int64_t)start, (int64_t)n}};

    (void)p;
    guest_send(&h, data, n * PAGE_SIZE);
    return 0;
}

static void fill_used(struct wire_used *u, bool memory)
{
    ktime_t now = guest_cpu_time();

    *u = (struct wire_used){.cpu = now, .minflt = current->minflt};
    if (!memory && guest.used_at && now - guest.used_at < USED_EVERY)
        return;
    struct mm_usage usage;
    mm_usage(current_process()->mm, &usage);
    u->total = usage.total;
    u->resident = usage.resident;
    guest.used_at = now;
}

static NORETURN void leave(struct user_regs *regs, enum wire_why why)
{
    struct mm *mm = current_process()->mm;
    struct wire_home *out = (struct wire_home *)guest.buf;
    struct wire_head h = {.kind = WIRE_HOME};
    struct passage p = {.region = tell_region, .pages = tell_pages};

    *out = (struct wire_home){.why = why};
    fill_used(&out->used, true);
    ahead_end(&out->used, regs);
    mm_space(mm, &out->space);
    wire_thread_fill(&out->thread, out + 1, regs);
    guest_send(&h, out, sizeof(*out) + kernel.xsave_size);
    if (mm_tell(mm, &p))
        panic("a guest's memory could not be told");
    h.kind = WIRE_HOME_END;
    guest_send(&h, NULL, 0);
    thread_die();
}

void guest_leave(struct user_regs *regs)
{
    regs->orig_rax = ~0UL;
    leave(regs, WIRE_HOME_RUN);
}

void guest_resume(struct user_regs *regs)
{
    while (guest_peek(&letter_box))
        if (!guest_note(&letter_box))
            panic("the base said %lu to a guest that had not asked",
                  letter_head(&letter_box)->kind);
    if (guest.ended)
        thread_die();
    if (guest.called)
        guest_leave(regs);
}

/* --- calls -------------------------------------------------------------------------------- */

/* How many bytes from addr on may be written without a fault, MAX at most. */
static size_t writable(uaddr_t addr)
{
    unsigned state;

    if (!user_range_ok(addr, WRITE_RUN * PAGE_SIZE))
        return 0;
    size_t n = pagemap_run(ALIGN_DOWN(addr, PAGE_SIZE), WRITE_RUN, &state);
    if (!(state & PAGE_PRESENT) || !(state & MM_WRITE))
        return 0;
    return n * PAGE_SIZE - addr % PAGE_SIZE;
}

/* What the call will probably look at goes with it: strings and small structs; all that is to be written. */
static size_t snap(const struct user_regs *regs, struct wire_call *c, char *at)
{
    const uint64_t arg[WIRE_EXTENTS] = {regs->rdi, regs->rsi, regs->rdx, regs->r10};
    char *start = at;

    for (unsigned i = 0; i < WIRE_EXTENTS; i++) {
        struct wire_extent *e = &c->extent[i];
        bool writes = i == 1 && (regs->orig_rax == __NR_write || regs->orig_rax == __NR_pwrite64);
        size_t n = writes ? MIN(regs->rdx, SNAP_WRITE) : MIN(SNAP, PAGE_SIZE - arg[i] % PAGE_SIZE);
        *e = (struct wire_extent){.addr = arg[i]};
        if (!user_range_ok(arg[i], n))
            continue;
        if (!writes && !(pagemap_get(arg[i]) & PAGE_PRESENT))
            continue;
        e->len = (uint32_t)(n - (writes ? copy_in_partial(at, arg[i], n)
                                        : copy_in_present(at, arg[i], n)));
        e->write = (uint32_t)writable(arg[i]);
        at += e->len;
    }
    return (size_t)(at - start);
}

static void fetched(uaddr_t addr, size_t n)
{
    struct wire_head out = {.kind = WIRE_FETCHED};

    n -= copy_in_partial(guest.buf, addr, n);
    guest_send(&out, guest.buf, n);
}

/* The pages that are wanted are brought in; of those behind them what is there already counts. */
static void wanted(uaddr_t addr, size_t need, size_t most)
{
    struct wire_head out = {.kind = WIRE_WANTED};
    uaddr_t at = addr;

    while (at - addr < most) {
        size_t n = writable(at);
        if (!n && at - addr < need && !user_fault_in(at, true))
            n = PAGE_SIZE - at % PAGE_SIZE;
        if (!n)
            break;
        at += n;
    }
    out.arg[0] = (int64_t)MIN(at - addr, most);
    guest_send(&out, NULL, 0);
}

static void stored(const struct letter *l)
{
    size_t at = sizeof(struct wire_head);

    while (l->n - at >= sizeof(struct wire_store)) {
        const struct wire_store *s = (const struct wire_store *)(l->data + at);
        at += sizeof(*s);
        if (s->len > l->n - at || copy_out(s->addr, s + 1, s->len))
            panic("the base stores %lu bytes where none may be", s->len);
        at += MIN(ALIGN_UP(s->len, 8UL), l->n - at);
    }
}

static void limits_take(const struct letter *l)
{
    struct process *p = current_process();
    const void *limits = letter_body(l, sizeof(p->rlimits));

    if (limits)
        memcpy(p->rlimits, limits, sizeof(p->rlimits));
}

/* What a call leads to; true: it has returned, and rax says what. */
static bool serve(struct user_regs *regs, const struct letter *l)
{
    const struct wire_head h = *letter_head(l);

    switch (h.kind) {
    case WIRE_FETCH: fetched((uaddr_t)h.arg[0], MIN((size_t)h.arg[1], WIRE_DATA_MAX)); break;
    case WIRE_WANT: wanted((uaddr_t)h.arg[0], (size_t)h.arg[1], (size_t)h.arg[2]); break;
    case WIRE_STORE: stored(l); break;
    case WIRE_LIMITS: limits_take(l); break;
    case WIRE_RETURN:
        stored(l);
        regs->rax = (uint64_t)h.arg[0];
        answer_note(regs, h.arg[1], (uint64_t)h.arg[2]);
        return true;
    case WIRE_OPENED:
        regs->rax = (uint64_t)h.arg[0];
        answers_heard((uint64_t)h.arg[2]);
        ahead_take((int)h.arg[0], l);
        return true;
    case WIRE_END: guest.ended = true; thread_die();
    case WIRE_COME_HOME: leave(regs, WIRE_HOME_CALL);
    default: panic("the base said %lu during a call", h.kind);
    }
    return false;
}

static void forward(struct user_regs *regs)
{
    struct wire_call *c = (struct wire_call *)guest.buf;
    const struct wire_head h = {.kind = WIRE_CALL};

    if (ahead_answers(regs) || answer_known(regs))
        return;
    c->regs = *regs;
    c->regs.rip = patch_program_rip(current_process()->mm, regs->rip);
    fill_used(&c->used, false);
    ahead_end(&c->used, regs);
    size_t n = snap(regs, c, (char *)(c + 1));
    guest_send(&h, c, sizeof(*c) + n);
    do
        guest_next(&letter_box);
    while (!serve(regs, &letter_box));
}

/* A shared mapping that was made at home, at the same place. */
static long map_shared(const struct wire_map *m, uaddr_t at, struct file *f)
{
    const struct passage_region r = {.start = at,
                                     .end = at + ALIGN_UP(m->len, PAGE_SIZE),
                                     .prot = m->prot,
                                     .flags = REGION_SHARED,
                                     .kind = PASSAGE_FILE,
                                     .off = (int64_t)m->off};

    if (mm_arrive_region(current_process()->mm, &r, f))
        panic("no room for a mapping at %lx", at);
    return (long)at;
}

/* The file is the base's; all else that a private mapping needs is memory. */
static long local_mmap(const struct user_regs *regs)
{
    const struct wire_map m = {.len = regs->rsi,
                               .off = regs->r9,
                               .prot = (uint32_t)regs->rdx,
                               .flags = (uint32_t)regs->r10};
    bool private = (m.flags & MAP_TYPE) == MAP_PRIVATE;
    struct file *f = NULL;

    if (m.off % PAGE_SIZE || (!private && (m.flags & MAP_ANONYMOUS)))
        return -EAGAIN;
    if (m.flags & MAP_ANONYMOUS)
        return mmap_file(NULL, regs->rdi, regs->rsi, regs->rdx, regs->r10, 0);
    int64_t at = far_file_map((int)regs->r8, &m, &f);
    if (at < 0)
        return at;
    long ret = private ? mmap_file(f, regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r9)
                       : map_shared(&m, (uaddr_t)at, f);
    file_put(f);
    return ret;
}

/* Calls whose first two arguments are the addresses that they change. */
static bool changes(uint32_t nr, const struct user_regs *regs)
{
    return nr == __NR_munmap || nr == __NR_mprotect || nr == __NR_mremap || nr == __NR_madvise ||
           (nr == __NR_mmap && (regs->r10 & MAP_FIXED));
}

static void local(struct user_regs *regs, uint32_t nr)
{
    if (changes(nr, regs) && mm_range_stays(current_process()->mm, regs->rdi, regs->rsi))
        leave(regs, WIRE_HOME_CALL);
    long ret = nr == __NR_mmap ? local_mmap(regs) : syscall_serve(regs, nr);
    bool failed = ret < 0 && ret >= -4095;

    if (nr == __NR_brk) /* tells where it is */
        failed = regs->rdi && ret != (long)regs->rdi;
    if (failed)
        leave(regs, WIRE_HOME_CALL);
    regs->rax = (uint64_t)ret;
}

/* rseq(2) was done at home, where its checks are: critical sections are interrupted here. */
static void rseq_note(const struct user_regs *regs)
{
    struct thread *t = current;

    if (regs->rax)
        return;
    t->rseq = (struct rseq_state){0};
    if (regs->rdx) /* unregistered */
        return;
    t->rseq.area = regs->rdi;
    t->rseq.size = (uint32_t)regs->rsi;
    t->rseq.sig = (uint32_t)regs->r10;
    rseq_interrupted(t);
}

void guest_call(struct user_regs *regs)
{
    uint32_t nr = (uint32_t)regs->orig_rax;

    switch (call_class(nr)) {
    case CALL_LOCAL: local(regs, nr); return;
    case CALL_FORWARD: forward(regs); return;
    case CALL_BOTH:
        forward(regs);
        rseq_note(regs);
        return;
    default: leave(regs, WIRE_HOME_CALL);
    }
}
