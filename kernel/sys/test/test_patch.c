/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sites patched for real: small functions are written into executable memory, their `syscall`
 * "traps" (the test calls syscall_trap), and then they are run; the gate is a stub that %gs points
 * to. What a program may notice must be what it would notice of the instruction.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kernel/sys/test/exec_host.h"

#include "kernel/sys/eh_frame.c"
#undef PHDRS_MAX
#include "kernel/sys/insn.c"
#include "kernel/sys/patch.c"
#include "kernel/sys/site.c"
#undef FUNC_ALIGN
#include "kernel/sys/sites.c"
#include "kernel/sys/tramp.c"

/* Neighbours. */

struct kernel kernel;
static struct enclave_params params;
static uint8_t vcpu_area[2 * VCPU_STRIDE] __attribute__((aligned(4096)));
static struct thread thread;
static struct process process;
#define TEXT_SIZE (8 * PAGE_SIZE)
static uint8_t *text; /* one page of the program's code */
static bool text_is_exec = true, no_room, no_memory;
static unsigned dispatched, writes;
static struct user_regs last;

void *kzalloc(size_t n)
{
    return no_memory ? NULL : host_alloc(n);
}
void *kmalloc(size_t n)
{
    return host_alloc(n);
}
void kfree(void *p)
{
    host_free(p);
}
void log_debug(const char *fmt, ...)
{
    (void)fmt;
}
void mutex_lock(struct mutex *m)
{
    assert_false(m->held);
    m->held = 1;
}
void mutex_unlock(struct mutex *m)
{
    m->held = 0;
}
int copy_in(void *dst, uaddr_t src, size_t n)
{
    if (src < (uaddr_t)text || src + n > (uaddr_t)text + TEXT_SIZE)
        return -EFAULT;
    memcpy(dst, (const void *)src, n);
    return 0;
}
/* Address spaces are numbers here, multiples of 16. */
struct patch_space **mm_patch(struct mm *mm)
{
    static struct patch_space *known[4];
    return &known[(uintptr_t)mm / 16];
}

bool mm_find(struct mm *mm, uaddr_t addr, struct mm_region_info *out)
{
    (void)mm, (void)addr;
    *out = (struct mm_region_info){.start = (uaddr_t)text,
                                   .end = (uaddr_t)text + TEXT_SIZE,
                                   .prot = MM_READ | (text_is_exec ? MM_EXEC : 0)};
    return true;
}
int mm_for_each(struct mm *mm, int (*fn)(const struct mm_region_info *, void *), void *arg)
{
    (void)mm, (void)fn, (void)arg;
    return 0;
}
int mm_patch_text(struct mm *mm, uaddr_t addr, const void *bytes, size_t n)
{
    (void)mm;
    writes++;
    memcpy((void *)addr, bytes, n);
    return 0;
}
int64_t mm_map_near(struct mm *mm, uaddr_t near, size_t n)
{
    (void)mm;
    return no_room ? -ENOMEM : (int64_t)host_map_exec(near, n);
}
void syscall_dispatch(struct user_regs *regs)
{
    dispatched++;
    last = *regs;
    regs->rax = 0x1000 + regs->orig_rax;
}

/* The gate: result = number + 0x2000, flags spoiled as far as a kernel may not: none. */
__asm__(".globl test_gate\n"
        "test_gate:\n"
        "  incq test_gate_calls(%rip)\n" /* changes flags: popped below */
        "  leaq 0x2000(%rax), %rax\n"
        "  movq %rcx, test_gate_rcx(%rip)\n"
        "  movq $-1, %r11\n"
        "  jmp *%rcx\n");
extern char test_gate[];
uint64_t test_gate_calls, test_gate_rcx;

struct regs_out {
    uint64_t rax, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r12, r13, r14, r15, redzone;
};
/* Calls code with known registers and a value in the red zone of its frame. */
void run_code(const void *code, struct regs_out *out);
__asm__(".globl run_code\n"
        "run_code:\n"
        "  pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15; pushq %rsi\n"
        "  movq %rdi, %rax\n"
        "  leaq 1f(%rip), %rcx\n"
        "  pushq %rcx\n"           /* what the code returns to */
        "  movq $0x77, -8(%rsp)\n" /* its red zone */
        "  movq %rax, %rcx\n"
        "  movl $1, %ebx; movl $2, %edx; movl $3, %esi; movl $4, %edi; movl $5, %ebp\n"
        "  movl $8, %r8d; movl $9, %r9d; movl $10, %r10d; movl $12, %r12d; movl $13, %r13d\n"
        "  movl $14, %r14d; movl $15, %r15d; movl $0, %eax\n"
        "  jmp *%rcx\n"
        "1: movq -16(%rsp), %r11\n"
        "  popq %rcx\n"
        "  movq %rax, (%rcx); movq %rbx, 8(%rcx); movq %rdx, 16(%rcx); movq %rsi, 24(%rcx)\n"
        "  movq %rdi, 32(%rcx); movq %rbp, 40(%rcx); movq %r8, 48(%rcx); movq %r9, 56(%rcx)\n"
        "  movq %r10, 64(%rcx); movq %r12, 72(%rcx); movq %r13, 80(%rcx); movq %r14, 88(%rcx)\n"
        "  movq %r15, 96(%rcx); movq %r11, 104(%rcx)\n"
        "  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
        "  ret\n");

static struct mm *const mm = (struct mm *)16;

static int setup(void **state)
{
    (void)state;
    params.vcpu_addr = (unsigned long)vcpu_area;
    params.vcpu_count = 1;
    kernel.params = &params;
    struct vcpu *v = vcpu_at(&params, 0);
    memset(vcpu_area, 0, sizeof(vcpu_area));
    v->head.self = (unsigned long)v;
    v->running = &thread;
    v->syscall_entry = (uint64_t)test_gate;
    v->state = VCPU_BOOTED;
    thread.process = &process;
    process.mm = mm;
    host_set_gs(v);
    if (!text)
        text = host_map_exec(0, TEXT_SIZE);
    for (size_t i = 0; i + 4 <= TEXT_SIZE; i += 4)
        memcpy(text + i, "\x48\x83\xc0\x01", 4); /* add $1,%rax */
    memset(&patcher, 0, sizeof(patcher));
    text_is_exec = true;
    no_room = no_memory = false;
    process.mm = mm;
    dispatched = writes = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    patch_mm_gone(mm);
    return 0;
}

/* The site traps as if it had been executed; returns where the call goes back to. */
static uaddr_t trap(uaddr_t site, uint64_t nr)
{
    struct user_regs regs = {.rip = site, .rax = nr, .rflags = 0x246, .orig_rax = ~0UL};
    unsigned before = dispatched;
    syscall_trap(&regs);
    assert_int_equal(dispatched, before + 1);
    assert_int_equal(last.orig_rax, nr);
    assert_int_equal(regs.rax, 0x1000 + nr);
    assert_int_equal(regs.rcx, regs.rip);
    assert_int_equal(regs.r11, 0x246);
    return regs.rip;
}

/* … so often that it is patched. */
static uaddr_t trap_often(uaddr_t site, uint64_t nr)
{
    uaddr_t ret = 0;
    for (unsigned i = 0; i < PATCH_AFTER; i++)
        ret = trap(site, nr);
    return ret;
}

/* Runs the code at text + off: all registers but rax, rcx and r11 as they were. */
static uint64_t run_at(size_t off)
{
    struct regs_out r;
    run_code(text + off, &r);
    assert_true(r.rbx == 1 && r.rdx == 2 && r.rsi == 3 && r.rdi == 4 && r.rbp == 5);
    assert_true(r.r8 == 8 && r.r9 == 9 && r.r10 == 10);
    assert_true(r.r12 == 12 && r.r13 == 13 && r.r14 == 14 && r.r15 == 15);
    assert_int_equal(r.redzone, 0x77);
    return r.rax;
}

#define PUT(off, code) memcpy(text + (off), code, sizeof(code) - 1)
#define NONE ((size_t)-1)

static void test_mov(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    (void)state;
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3"); /* mov $39,%eax; syscall; ret */
    assert_int_equal(trap_often(site, 39), site + 2);
    test_gate_calls = 0;
    assert_int_equal(run_at(256), 0x2027);
    assert_int_equal(test_gate_calls, 1);
    assert_int_equal(test_gate_rcx, site + 2);
    assert_int_equal(patcher.count.patched[PATCH_MOV], 1);
    assert_int_equal(text[256], 0xe9);
    assert_memory_equal(text + 261, "\x0f\x05", 2); /* who jumps to it still traps, and is served */
    assert_int_equal(trap(site, 40), site + 2);
    assert_int_equal(patcher.count.patched[PATCH_MOV], 1);
    assert_int_equal(patcher.count.traps, PATCH_AFTER + 1);
}

/* What is used seldom is served, and its text stays as it is. */
static void test_waits(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    (void)state;
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    for (unsigned i = 1; i < PATCH_AFTER; i++)
        assert_int_equal(trap(site, 39), site + 2);
    assert_int_equal(writes, 0);
    assert_int_equal(patcher.count.waiting, 1);
    assert_int_equal(patcher.count.refused, 0);
    trap(site, 39);
    assert_int_equal(patcher.count.waiting, 0);
    assert_int_equal(patcher.count.patched[PATCH_MOV], 1);
}

/* Other code since the first trap: what could be patched then, and only by its function now, is not. */
static void test_changed_meanwhile(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    (void)state;
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    trap(site, 39);
    PUT(256, "\x90\x90\x90\x89\xd8\x0f\x05\xc3");
    assert_int_equal(trap_often(site, 39), site + 2);
    assert_int_equal(writes, 0);
    assert_int_equal(patcher.count.waiting, 0);
    assert_int_equal(patcher.count.refused, 1);
}

static void test_before(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    (void)state;
    PUT(256, "\x48\x8d\x44\x24\x08\x0f\x05\xc3"); /* lea 8(%rsp),%rax; syscall; ret */
    assert_int_equal(trap_often(site, 5), site + 2);
    assert_int_equal(patcher.count.patched[PATCH_BEFORE], 1);
    test_gate_calls = 0;
    run_at(256);
    assert_int_equal(test_gate_calls, 1);
}

static void test_cave(void **state)
{
    uaddr_t site = (uaddr_t)text + 258;
    (void)state;
    /* mov %ebx,%eax; syscall; cltq; ret; padding */
    PUT(256, "\x89\xd8\x0f\x05\x48\x98\xc3\x66\x0f\x1f\x84\0\0\0\0\0");
    assert_int_equal(trap_often(site, 1), site + 2);
    assert_int_equal(patcher.count.patched[PATCH_CAVE], 1);
    assert_int_equal(run_at(256), 0x2001);
    assert_int_equal(test_gate_rcx, site + 2);
}

/* A function whose bounds come from an FDE would be needed for a window: build one by hand. */
static void make_window(uaddr_t site, struct tramp *t)
{
    struct site_plan plan = {.kind = PATCH_WINDOW, .start = site, .len = 8};
    struct site_entry e = {.site = site, .kind = PATCH_WINDOW, .start = site};
    struct patch_space *s = space_get(mm);
    struct analysis a = {.mm = mm, .site = site, .plan = plan};
    a.code.bytes = (const uint8_t *)site;
    a.code.base = site;
    assert_int_equal(tramp_reserve(s, site, &plan, t), 0);
    assert_true(tramp_build(t, site, &plan, (const uint8_t *)site));
    memcpy((void *)t->addr, t->code, t->len);
    e.tail = t->ret;
    assert_true(site_record(s, &e));
    assert_int_equal(site_write(&a, t), 0);
}

/* Instructions that move, some of them behind the jmp: more than a slot of them. */
static void test_ahead(void **state)
{
    uaddr_t site = (uaddr_t)text + 256 + 21;
    struct site_plan plan = {.kind = PATCH_BEFORE, .start = site - 21, .len = 21};
    struct patch_space *s = space_get(mm);
    struct analysis a = {.mm = mm, .site = site, .plan = plan};
    struct tramp t, next;

    (void)state;
    /* mov $39,%eax; mov %ebx,%ebx eight times; syscall; ret */
    PUT(256, "\xb8\x27\0\0\0\x89\xdb\x89\xdb\x89\xdb\x89\xdb\x89\xdb\x89\xdb\x89\xdb\x89\xdb"
             "\x0f\x05\xc3");
    a.code.bytes = (const uint8_t *)plan.start;
    a.code.base = plan.start;
    assert_int_equal(tramp_reserve(s, site, &plan, &t), 0);
    assert_true(tramp_build(&t, site, &plan, (const uint8_t *)plan.start));
    memcpy((void *)t.addr, t.code, t.len);
    assert_int_equal(tramp_reserve(s, site, &plan, &next), 0);
    assert_true(next.addr >= t.addr + t.len);
    assert_int_equal(site_write(&a, &t), 0);
    test_gate_calls = 0;
    assert_int_equal(run_at(256), 0x2027);
    assert_int_equal(test_gate_calls, 1);
    assert_int_equal(test_gate_rcx, site + 2);
    assert_memory_equal(text + 261, "\x89\xdb", 2); /* who jumps there finds it unchanged */
    for (size_t off = 0; off < 21; off++)
        assert_int_equal(patch_program_rip(mm, t.addr + off), plan.start + off);
    assert_int_equal(patch_program_rip(mm, t.addr + 21), site);
    assert_int_equal(patch_program_rip(mm, t.addr + 33), site);
}

static void test_window(void **state)
{
    uaddr_t site = (uaddr_t)text + 258;
    struct tramp t;
    (void)state;
    /* mov %ebx,%eax; syscall; cmp $-4096,%rax; ja +1; ret; ud2 */
    PUT(256, "\x89\xd8\x0f\x05\x48\x3d\x00\xf0\xff\xff\x77\x01\xc3\x0f\x0b");
    make_window(site, &t);
    assert_int_equal(run_at(256), 0x2001);
    assert_int_equal(test_gate_rcx, t.ret);
    /* A thread that trapped before the patch was written returns into the tail. */
    assert_int_equal(trap(site, 1), t.ret);
    /* What the program sees of it, and the way back. */
    assert_int_equal(patch_program_rip(mm, t.addr), site);
    assert_int_equal(patch_program_rip(mm, t.addr + 7), site);
    assert_int_equal(patch_program_rip(mm, t.ret - 2), site);
    assert_int_equal(patch_program_rip(mm, t.ret), site + 2);
    assert_int_equal(patch_program_rip(mm, t.ret + 6), site + 8);
    assert_int_equal(patch_resume_rip(mm, site + 2), t.ret);
    assert_int_equal(patch_resume_rip(mm, site), site);
    assert_int_equal(patch_resume_rip(mm, site + 8), site + 8);
    /* Another mapping there: all of it is forgotten. */
    patch_range_gone(mm, (uaddr_t)text, (uaddr_t)text + TEXT_SIZE);
    assert_int_equal(patch_resume_rip(mm, site + 2), site + 2);
    assert_int_equal(patch_program_rip(mm, t.ret), t.ret);
}

static void test_program_rip(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    int32_t rel;
    (void)state;
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    trap_often(site, 39);
    memcpy(&rel, text + 257, 4);
    uaddr_t tramp = site + (uaddr_t)(int64_t)rel;
    assert_int_equal(patch_program_rip(mm, tramp), site - 5);
    assert_int_equal(patch_program_rip(mm, tramp + 5), site);
    assert_int_equal(patch_program_rip(mm, tramp + 12), site);
    assert_int_equal(patch_program_rip(mm, tramp + 200), tramp + 200);
    assert_int_equal(patch_program_rip(mm, site), site);
    assert_int_equal(patch_program_rip((struct mm *)32, tramp), tramp);
}

/* A refused site is looked at once. */
static void test_refused(void **state)
{
    uaddr_t site = (uaddr_t)text + 258;
    (void)state;
    PUT(256, "\x89\xd8\x0f\x05\xc3");
    for (int i = 0; i < 5; i++)
        assert_int_equal(trap(site, 1), site + 2);
    assert_int_equal(patcher.count.refused, 1);
    assert_int_equal(patcher.count.traps, 5);
    assert_int_equal(writes, 0);
}

static void test_not_text(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    (void)state;
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    text_is_exec = false;
    assert_int_equal(trap_often(site, 39), site + 2);
    assert_int_equal(writes, 0);
}

static void test_no_room(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    (void)state;
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    no_room = true;
    assert_int_equal(trap_often(site, 39), site + 2);
    assert_int_equal(writes, 0);
    assert_int_equal(text[256], 0xb8);
}

/* The same code mapped anew over a patched site is patched anew. */
static void test_mapped_anew(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;
    (void)state;
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    trap_often(site, 39);
    PUT(256, "\xb8\x28\0\0\0\x0f\x05\xc3");
    assert_int_equal(trap_often(site, 40), site + 2);
    assert_int_equal(run_at(256), 0x2028);
    assert_int_equal(patcher.count.patched[PATCH_MOV], 2);
}

/* A site in mm is not patched, and one in another address space is: what was lost is mm's alone. */
static void assert_lost(void)
{
    uaddr_t site = (uaddr_t)text + 261;
    struct mm *other = (struct mm *)32, *child = (struct mm *)48;

    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    no_memory = true;
    trap(site - 2, 39);
    no_memory = false;
    assert_false(patch_intact(mm));
    trap_often(site, 39);
    assert_int_equal(writes, 0);
    assert_int_equal(patch_mm_fork(mm, child), 0);
    process.mm = child;
    trap_often(site, 39);
    assert_int_equal(writes, 0);
    patch_mm_gone(child);
    process.mm = other;
    trap_often(site, 39);
    assert_int_equal(patcher.count.patched[PATCH_MOV], 1);
    assert_true(patch_intact(other));
    patch_mm_gone(other);
    process.mm = mm;
}

static void test_lost(void **state)
{
    (void)state;
    assert_lost();
}

/* … which knows of some sites already, but has no room for more. */
static void test_lost_table(void **state)
{
    (void)state;
    for (uaddr_t i = 0; i < SITES_FIRST / 4 * 3; i++)
        trap(PAGE_SIZE + i, 39);
    assert_lost();
}

/* Code that comes and goes, as a loaded and unloaded library's, does not fill the table. */
static void test_come_and_go(void **state)
{
    uaddr_t site = (uaddr_t)text + 261;

    (void)state;
    for (uaddr_t i = 0; i < 4 * SITES_MAX; i++) {
        trap(PAGE_SIZE + i, 39);
        if (i % 64 == 63)
            patch_range_gone(mm, PAGE_SIZE, PAGE_SIZE + i + 1);
    }
    PUT(256, "\xb8\x27\0\0\0\x0f\x05\xc3");
    trap_often(site, 39);
    assert_int_equal(patcher.count.patched[PATCH_MOV], 1);
}

/* Many sites: tables and pools grow, everything stays patched. */
static void test_many(void **state)
{
    const size_t first = 128,
                 apart = 64; /* among other code, so that the one before a syscall is certain */

    (void)state;
    for (size_t off = first; off < TEXT_SIZE; off += apart) {
        PUT(off, "\xb8\x27\0\0\0\x0f\x05\xc3");
        trap_often((uaddr_t)text + off + 5, 39);
    }
    for (size_t off = first; off < TEXT_SIZE; off += apart)
        assert_int_equal(run_at(off), 0x2027);
    assert_int_equal(patcher.count.patched[PATCH_MOV], (TEXT_SIZE - first) / apart);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_mov),      T(test_waits),       T(test_changed_meanwhile),
        T(test_before),   T(test_cave),        T(test_ahead),
        T(test_window),   T(test_program_rip), T(test_refused),
        T(test_not_text), T(test_no_room),     T(test_mapped_anew),
        T(test_lost),     T(test_lost_table),  T(test_come_and_go),
        T(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
