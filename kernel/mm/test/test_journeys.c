/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of one overlay group that start, fork, write, map, protect, end, take turns, and go to other
 * enclaves and come back, at random, against a model with one number a page: wherever one runs it sees its own
 * memory, and no page is lost anywhere.  CELLA_TEST_SEED: one more run with that seed.
 */
#include "kernel/mm/test/enclaves_stub.h"

#define BASE 0x20000UL /* where no homes are */
#define HEAP (BASE + 40 * K)
#define PAGES 24UL /* of each part */
#define HEAP_MAX 12UL
#define PROCESSES 4
#define STEPS 2000

enum { IMAGE, OWN, BRK, PARTS }; /* at BASE; at home; the heap */
#define PATCH 0xe9 /* what the kernel may put at the start of text that is as its file has it */

enum {
    GONE = -1,
    FILE_FIRST = 256
}; /* contents besides 0 … 255; as file 0, 1, … has them at the same page */

static struct proc {
    struct mm *mm, *guest; /* mm NULL: there is none; guest NULL: it is at home */
    int where;
    uaddr_t own;
    int page[PARTS][PAGES];
    unsigned prot[PARTS][PAGES];
} proc[PROCESSES];

static unsigned long journeys;

static uaddr_t page_at(const struct proc *p, int part, size_t i)
{
    return (part == IMAGE ? BASE : part == OWN ? p->own : HEAP) + i * K;
}

static void run(const struct proc *p)
{
    enclave_enter(p->guest ? p->where : 0);
    run_in(p->guest ? p->guest : p->mm);
}

static void check_page(const struct proc *p, int part, size_t i)
{
    uaddr_t at = page_at(p, part, i);
    int want = p->page[part][i];
    const struct region *r = member_region(mm, at);

    if (r && (r->flags & REGION_KERNEL))
        r = NULL;
    assert_int_equal(r != NULL, want != GONE);
    if (!r)
        return; /* others' pages may be in place */
    assert_int_equal(r->prot, p->prot[part][i]);
    assert_int_equal(!!r->file, want >= FILE_FIRST || r->file);
    if (!r->prot) {
        assert_int_not_equal(touch(at, MM_READ), 0);
        return;
    }
    assert_int_equal(touch(at, MM_READ), 0);
    if (want >= FILE_FIRST) {
        const unsigned char *file = test_fd[want - FILE_FIRST]->data + i * K;
        assert_true(*(unsigned char *)at == file[0] || *(unsigned char *)at == PATCH);
        assert_memory_equal((void *)(at + 1), file + 1, K - 1);
    } else {
        for (size_t k = 0; k < K; k += 512)
            assert_int_equal(*(unsigned char *)(at + k), want);
    }
    if (!(r->prot & MM_WRITE))
        assert_int_not_equal(touch(at, MM_WRITE), 0);
}

/* The kernel's trampolines are the only thing that a process has besides. */
static void check_rest(const struct proc *p)
{
    for (const struct region *r = region_find(&mm->regions, 0); r; r = region_next(&mm->regions, r))
        assert_true((r->flags & REGION_KERNEL) ||
                    (r->start >= BASE && r->end <= HEAP + PAGES * K) ||
                    (r->start >= p->own && r->end <= p->own + PAGES * K));
}

static void check(const struct proc *p)
{
    run(p);
    for (int part = 0; part < PARTS; part++)
        for (size_t i = 0; i < PAGES; i++)
            check_page(p, part, i);
    check_rest(p);
    audit();
}

/* --- journeys ------------------------------------------------------------------------------ */

static void go(struct proc *p, int to)
{
    struct record r;
    int err;

    run(p);
    assert_true(mm_can_pass(mm));
    record_make(&r);
    p->guest = guest_come(to, &r, &err);
    assert_int_equal(err, 0);
    p->where = to;
    record_free(&r);
    enclave_enter(0);
    process.mm = mm = p->mm;
    thread.turn = &mm->turn;
    mm_vacate(p->mm);
    assert_true(mm_is_away(p->mm));
    list_for_each(l, &p->mm->regions.list)
        assert_true(list_entry(l, const struct region, link)->flags & REGION_KERNEL);
    nobody_runs();
    journeys++;
}

static void come_home(struct proc *p)
{
    struct record r;

    run(p);
    guest_go(&r);
    p->guest = NULL;
    run(p);
    mm_arrive_space(mm, &r.space);
    assert_int_equal(record_play(&r), 0);
    assert_false(mm_is_away(mm));
    record_free(&r);
}

static void journey(struct proc *p)
{
    int to = 1 + (int)test_random(ENCLAVES - 1);

    if (p->guest) {
        come_home(p);
        return;
    }
    for (int i = 0; i < PROCESSES; i++)
        if (proc[i].mm && proc[i].guest && proc[i].where == to)
            return;
    go(p, to);
}

/* --- lives --------------------------------------------------------------------------------- */

static void start(struct proc *p)
{
    *p = (struct proc){.mm = mm_for(&test_fd[2]->file)};
    assert_non_null(p->mm);
    process.mm = mm = p->mm;
    thread.turn = &p->mm->turn;
    assert_int_equal(mm_share(p->mm, BASE, HEAP + PAGES * K), 0);
    run_in(p->mm);
    mm_set_brk(p->mm, HEAP);
    unsigned prot = test_random(2) ? RW : PROT_READ;
    int file = (int)test_random(2);
    if (prot == RW)
        p->own = map_ok(0, PAGES * K, prot, ANON, -1, 0);
    else /* as ld.so maps a library at first: what was writable in an earlier one waits under it */
        p->own = map_ok(0, PAGES * K, prot, MAP_PRIVATE, file, 0);
    for (size_t i = 0; i < PAGES; i++) {
        p->page[IMAGE][i] = p->page[BRK][i] = GONE;
        p->page[OWN][i] = prot == RW ? 0 : FILE_FIRST + file;
        p->prot[OWN][i] = prot;
    }
}

static void end(struct proc *p)
{
    if (p->guest) {
        run(p);
        mm_leave(p->guest);
        p->guest = NULL;
    }
    run(p);
    mm_leave(p->mm);
    p->mm = NULL;
    nobody_runs();
}

static void fork_from(struct proc *p)
{
    struct proc *child = NULL;

    if (p->guest)
        come_home(p);
    for (int i = 0; i < PROCESSES; i++)
        if (!proc[i].mm)
            child = &proc[i];
    if (!child)
        return;
    *child = *p;
    assert_int_equal(mm_fork(p->mm, &child->mm), 0);
    if (test_random(2))
        mm_fork_child_first(p->mm, child->mm);
}

/* As a guest's system calls do, before they change what is shared with home. */
static void needs(struct proc *p, uaddr_t at, size_t n)
{
    if (p->guest && mm_range_stays(mm, at, n * K))
        come_home(p);
}

/* --- memory -------------------------------------------------------------------------------- */

static void op_write(struct proc *p, int part, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++) {
        int *page = &p->page[part][k];
        if (*page == GONE || !(p->prot[part][k] & PROT_WRITE))
            continue;
        *page = test_random(4) ? (int)test_random(256) : 0;
        assert_int_equal(touch(page_at(p, part, k), MM_WRITE), 0);
        memset((void *)page_at(p, part, k), *page, K);
    }
}

static void op_map(struct proc *p, int part, size_t i, size_t n)
{
    static const unsigned prots[] = {PROT_READ, RW, PROT_READ | PROT_EXEC};
    unsigned prot = prots[test_random(3)];
    int file = (int)test_random(3) - 1;
    uaddr_t at = page_at(p, part, i);
    unsigned long flags = MAP_PRIVATE | MAP_FIXED | (file < 0 ? MAP_ANONYMOUS : 0);
    needs(p, at, n);
    long ret = sys_mmap(at, n * K, prot, flags, file, file < 0 ? 0 : i * K);

    if (ret == -ENOMEM && p->guest) {
        come_home(p);
        ret = sys_mmap(at, n * K, prot, flags, file, file < 0 ? 0 : i * K);
    }
    assert_int_equal(ret, at);
    for (size_t k = i; k < i + n; k++) {
        p->page[part][k] = file < 0 ? 0 : FILE_FIRST + file;
        p->prot[part][k] = prot;
    }
}

static void op_unmap(struct proc *p, int part, size_t i, size_t n)
{
    needs(p, page_at(p, part, i), n);
    assert_int_equal(sys_munmap(page_at(p, part, i), n * K), 0);
    for (size_t k = i; k < i + n; k++)
        p->page[part][k] = GONE;
}

static void op_protect(struct proc *p, int part, size_t i, size_t n)
{
    static const unsigned prots[] = {PROT_NONE, PROT_READ, RW, PROT_READ | PROT_EXEC};
    unsigned prot = prots[test_random(4)];

    for (size_t k = i; k < i + n; k++) {
        if (p->page[part][k] == GONE)
            continue;
        assert_int_equal(sys_mprotect(page_at(p, part, k), K, prot), 0);
        p->prot[part][k] = prot;
    }
}

static void op_wipe(struct proc *p, int part, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++) {
        struct mm_region_info info;
        if (p->page[part][k] == GONE)
            continue;
        assert_true(mm_find(mm, page_at(p, part, k), &info));
        assert_int_equal(sys_madvise(page_at(p, part, k), K, MADV_DONTNEED), 0);
        p->page[part][k] = 0;
        for (int f = 0; f < FILES; f++)
            if (info.file == &test_fd[f]->file)
                p->page[part][k] = FILE_FIRST + f;
    }
}

static void op_brk(struct proc *p)
{
    size_t n = test_random(HEAP_MAX + 1), old = (mm->brk - HEAP) / K;

    assert_int_equal(sys_brk(HEAP + n * K), HEAP + n * K);
    for (size_t i = n; i < old; i++)
        p->page[BRK][i] = GONE;
    for (size_t i = old; i < n; i++) {
        p->page[BRK][i] = 0;
        p->prot[BRK][i] = RW;
    }
}

/* Text that is as its file has it is patched, and needs a trampoline. */
static void op_patch(struct proc *p, int part, size_t i)
{
    const struct region *r = member_region(mm, page_at(p, part, i));
    const char jump = (char)PATCH;

    if (p->page[part][i] < FILE_FIRST || p->prot[part][i] != (PROT_READ | PROT_EXEC) ||
        (r->flags & REGION_WRITTEN))
        return;
    int64_t near = test_random(3) ? 0 : mm_map_near(mm, page_at(p, part, i), K);
    assert_true(near >= 0 || near == -ENOMEM);
    if (near > 0)
        assert_int_equal(touch((uaddr_t)near, MM_EXEC), 0);
    assert_int_equal(mm_patch_text(mm, page_at(p, part, i), &jump, 1), 0);
    assert_int_equal(*(unsigned char *)page_at(p, part, i), PATCH);
}

static void op_reclaim(void)
{
    if (test_random(2)) {
        mutex_lock(&mm->lock);
        mm_reclaim(mm, test_random(60));
        clean_give_back(mm, test_random(60));
        mutex_unlock(&mm->lock);
    } else {
        mm_drop_caches(mm);
    }
}

static void op_life(struct proc *p)
{
    switch (test_random(6)) {
    case 0: end(p); break;
    case 1: fork_from(p); break;
    case 2: op_reclaim(); break;
    case 3:
        if (!p->guest && overlay_shared(mm))
            overlay_merge(mm);
        break;
    default: check(p);
    }
}

static void step(struct proc *p)
{
    int part = (int)test_random(BRK);
    size_t i = test_random(PAGES), n = 1 + test_random(MIN(PAGES - i, 8UL));

    if (!p->mm) {
        enclave_enter(0);
        start(p);
        return;
    }
    run(p);
    switch (test_random(15)) {
    case 0:
    case 1: op_map(p, part, i, n); break;
    case 2: op_unmap(p, part, i, n); break;
    case 3: op_protect(p, part, i, n); break;
    case 4: op_wipe(p, part, i, n); break;
    case 5: op_brk(p); break;
    case 6:
    case 7: journey(p); break;
    case 8:
    case 9: op_life(p); break;
    case 10: op_patch(p, part, i); break;
    case 11: op_write(p, BRK, test_random(PAGES - 8), n); break;
    default: op_write(p, part, i, n);
    }
}

static void run_seed(uint64_t seed)
{
    test_seed = seed;
    for (int i = 0; i < STEPS; i++)
        step(&proc[test_random(PROCESSES)]);
    for (int i = 0; i < PROCESSES; i++)
        if (proc[i].mm)
            check(&proc[i]);
    for (int i = 0; i < PROCESSES; i++)
        if (proc[i].mm)
            end(&proc[i]);
    assert_int_equal(warnings, 0);
    assert_true(journeys > STEPS / 50);
    for (int i = 0; i < ENCLAVES; i++) {
        enclave_enter(i);
        audit();
    }
    enclave_enter(0);
}

static void test_random_journeys(void **state)
{
    const char *seed = getenv("CELLA_TEST_SEED");

    (void)state;
    run_seed(88172645463325252UL);
    if (seed && strtoull(seed, NULL, 0))
        run_seed(strtoull(seed, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_random_journeys, enclaves_setup, enclaves_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
