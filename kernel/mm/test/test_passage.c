/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One journey at a time, looked at closely: what passes, what is found there and at home again, what stays behind for
 * the next, and what happens when there is no room.  test_journeys.c mixes them all.
 */
#include "kernel/mm/test/enclaves_stub.h"

#define BASE 0x20000UL /* where no homes are */
#define TEXT 6UL       /* pages of the image at BASE, of file 0: text, then data */
#define DATA 3UL
#define LIBRARY 1 /* a file that is mapped at home */
#define LIBRARY_TEXT 4UL
#define LIBRARY_PAGES 7UL
#define OWN 20UL /* pages of anonymous memory at home */
#define HEAP (BASE + 16 * K)

/* What a process is made of. */
struct place {
    struct mm *mm;
    uaddr_t library, own, silent, stack;
};

/* An address space as it looks: its regions, and a sum of the contents of each page that may be read. */
struct look {
    size_t regions;
    struct passage_region region[32];
    int file[32];
    size_t pages;
    uint64_t sum[256];
};

static void run_home(const struct place *p)
{
    enclave_enter(0);
    run_in(p->mm);
}

static void fill(uaddr_t at, size_t n, int byte)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(touch(at + i * K, MM_WRITE), 0);
        memset((void *)(at + i * K), byte + (int)i, K);
    }
}

static void load(uaddr_t at, int fd, size_t text, size_t data)
{
    assert_int_equal(map_ok(at, text * K, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0),
                     at);
    assert_int_equal(map_ok(at + text * K, data * K, RW, MAP_PRIVATE | MAP_FIXED, fd, text * K),
                     at + text * K);
    for (size_t i = 0; i < text + data; i++)
        assert_int_equal(touch(at + i * K, MM_READ), 0);
}

static struct place start(void)
{
    struct place p = {.mm = mm_for(&test_fd[0]->file)};

    assert_non_null(p.mm);
    process.mm = mm = p.mm;
    thread.turn = &mm->turn;
    assert_int_equal(mm_share(mm, BASE, BASE + K), 0);
    run_in(p.mm);
    load(BASE, 0, TEXT, DATA);
    mm_set_brk(mm, HEAP);
    p.library = map_ok(0, LIBRARY_PAGES * K, PROT_READ, MAP_PRIVATE, LIBRARY, 0);
    load(p.library, LIBRARY, LIBRARY_TEXT, LIBRARY_PAGES - LIBRARY_TEXT);
    p.own = map_ok(0, OWN * K, RW, ANON, -1, 0);
    p.silent = map_ok(0, 4 * K, RW, ANON | MAP_NORESERVE, -1, 0);
    p.stack = (uaddr_t)mm_map(mm, 0, 8 * K, PROT_READ | PROT_WRITE, ANON | MAP_GROWSDOWN, NULL, 0,
                              "[stack]");
    return p;
}

static void write_all(const struct place *p, int byte)
{
    fill(BASE + (TEXT + 1) * K, 1, byte);
    fill(p->library + LIBRARY_TEXT * K, 2, byte);
    assert_int_equal(sys_mprotect(p->library + LIBRARY_TEXT * K, K, PROT_READ), 0);
    fill(p->own + 2 * K, OWN - 4, byte);
    assert_int_equal(sys_mprotect(p->own + 4 * K, K, PROT_READ), 0);
    fill(p->silent, 2, byte);
    assert_int_equal(sys_mprotect(p->silent, K, PROT_NONE), 0);
    fill(p->stack + 6 * K, 2, byte);
    assert_int_equal(sys_brk(HEAP + 3 * K + 5), HEAP + 3 * K + 5);
    fill(HEAP + K, 1, byte);
}

static int number_of(const struct file *f)
{
    for (int i = 0; i < FILES; i++)
        if (f == &test_fd[i]->file)
            return i;
    return -1;
}

/* Touches all that can be. */
static void look_at(struct look *l)
{
    memset(l, 0, sizeof(*l));
    list_for_each(it, &mm->regions.list) {
        const struct region *r = list_entry(it, struct region, link);
        assert_in_range(l->regions, 0, 31);
        l->file[l->regions] = number_of(r->file);
        l->region[l->regions++] =
            (struct passage_region){.start = r->start,
                                    .end = r->end,
                                    .prot = r->prot,
                                    .flags = r->flags,
                                    .name = r->name ? (uint32_t)r->name[1] : 0,
                                    .off = r->off};
        for (uaddr_t at = r->start; at < r->end; at += K) {
            uint64_t sum = 0;
            for (size_t k = 0; r->prot && k < K; k += 8) {
                assert_int_equal(touch(at, MM_READ), 0);
                sum = sum * 31 + *(uint64_t *)(at + k);
            }
            assert_in_range(l->pages, 0, 255);
            l->sum[l->pages++] = sum;
        }
        /* Frames that wait under a mapping can be written (kept.h). */
        for (uaddr_t at = r->start; at < r->end && !(pagemap_get(at) & PAGE_SPARE); at += K)
            assert_int_equal(!touch(at, MM_WRITE), !!(r->prot & MM_WRITE));
    }
}

static void check_look(const struct look *want)
{
    struct look now;

    look_at(&now);
    assert_memory_equal(&now, want, sizeof(now));
    audit();
}

/* The one that runs at home goes to enclave e, where it runs then. */
static void go(struct place *p, int e)
{
    struct record r;
    int err;

    assert_true(mm_can_pass(mm));
    record_make(&r);
    enclave_enter(e);
    struct mm *guest = guest_come(e, &r, &err);
    assert_int_equal(err, 0);
    assert_true(guest->guest);
    record_free(&r);
    run_home(p);
    mm_vacate(p->mm);
    audit();
    enclave_enter(e);
    run_in(guest);
}

/* Back again. */
static void come_home(const struct place *p)
{
    struct record r;

    guest_go(&r);
    run_home(p);
    mm_arrive_space(mm, &r.space);
    assert_int_equal(record_play(&r), 0);
    record_free(&r);
}

static void end(const struct place *p)
{
    run_home(p);
    mm_leave(p->mm);
    nobody_runs();
}

/* --- there and back ------------------------------------------------------------------------ */

static void test_there_and_back(void **state)
{
    struct place p = start();
    struct look here_before;

    (void)state;
    write_all(&p, 0x40);
    look_at(&here_before);
    for (int e = 1; e < ENCLAVES; e++) {
        go(&p, e);
        check_look(&here_before);
        come_home(&p);
        check_look(&here_before);
    }
    /* What could not be read is there too. */
    assert_int_equal(sys_mprotect(p.silent, K, PROT_READ), 0);
    assert_int_equal(touch(p.silent, MM_READ), 0);
    assert_int_equal(*(unsigned char *)p.silent, 0x40);
    go(&p, 1);
    fill(p.own, OWN - 17, 0x70);
    assert_int_equal(sys_munmap(p.own + 10 * K, 3 * K), 0);
    look_at(&here_before);
    come_home(&p);
    check_look(&here_before);
    end(&p);
}

/* Only what the process alone has is told. */
static void test_told(void **state)
{
    struct place p = start();
    struct record r;
    size_t pages = 0;

    (void)state;
    record_make(&r);
    for (size_t i = 0; i < r.n; i++)
        pages += r.event[i].data && r.event[i].start >= p.own && r.event[i].start < p.own + OWN * K;
    assert_int_equal(pages, 0); /* all zero */
    record_free(&r);
    write_all(&p, 1);
    record_make(&r);
    for (size_t i = 0; i < r.n; i++) {
        const struct event *e = &r.event[i];
        if (!e->data)
            continue;
        assert_false(e->start < BASE + TEXT * K);
        assert_false(e->start >= p.library && e->start < p.library + LIBRARY_TEXT * K);
        const struct region *reg = region_find(&mm->regions, e->start);
        for (size_t k = 0; k < e->n; k++)
            assert_true(reg->file || !is_zero((char *)e->data + k * K));
    }
    record_free(&r);
    end(&p);
}

/* While one is away, and when it is back, another of the group has its own at the same addresses. */
static void test_other_member(void **state)
{
    struct place a = start();
    struct look of_a, of_b;

    (void)state;
    write_all(&a, 0x10);
    struct place b = start();
    assert_ptr_equal(a.mm->overlay, b.mm->overlay);
    write_all(&b, 0x80);
    look_at(&of_b);
    run_home(&a);
    look_at(&of_a);
    go(&a, 1);
    run_home(&b);
    check_look(&of_b);
    fill(BASE + (TEXT + 1) * K, 1, 0x99);
    look_at(&of_b);
    enclave_enter(1);
    run_in(list_entry(slot_owner(BASE)->members.next, struct mm, member_link));
    check_look(&of_a);
    come_home(&a);
    check_look(&of_a);
    run_home(&b);
    check_look(&of_b);
    /* It ends while the other is away. */
    run_home(&a);
    go(&a, 1);
    end(&b);
    enclave_enter(1);
    run_in(list_entry(slot_owner(BASE)->members.next, struct mm, member_link));
    come_home(&a);
    check_look(&of_a);
    end(&a);
}

/* --- what is kept -------------------------------------------------------------------------- */

static uint64_t pages_read(void)
{
    return test_fd[0]->pages_read + test_fd[LIBRARY]->pages_read;
}

/* Text that one guest has read is there for the next one, and at home for the one that comes back. */
static void test_kept(void **state)
{
    struct place p = start();

    (void)state;
    for (int i = 0; i < 3; i++) {
        uint64_t at_home = pages_read();
        struct look l;

        look_at(&l);
        assert_int_equal(pages_read(), at_home);
        go(&p, 1);
        uint64_t there = pages_read();
        check_look(&l);
        if (i)
            assert_int_equal(pages_read(), there);
        come_home(&p);
        check_look(&l);
        assert_int_equal(pages_read(), at_home);
    }
    end(&p);
}

/* … but not when the file is another by then. */
static void test_changed(void **state)
{
    struct place p = start();
    struct look l;

    (void)state;
    look_at(&l);
    go(&p, 1);
    check_look(&l);
    come_home(&p);
    end(&p);
    for (int e = 0; e < ENCLAVES; e++) {
        enclave_enter(e);
        test_fd[LIBRARY]->mtime++;
        for (size_t i = 0; i < FILE_PAGES * K; i++)
            test_fd[LIBRARY]->data[i] ^= 0x55;
    }
    enclave_enter(0);
    p = start();
    look_at(&l);
    go(&p, 1);
    check_look(&l);
    come_home(&p);
    check_look(&l);
    end(&p);
}

/* Frames of an earlier process that waited under a mapping take no page with them when they go. */
static void test_frames(void **state)
{
    struct place p = start();
    uaddr_t at = p.library + LIBRARY_TEXT * K;
    struct mm *child;
    struct look l;

    (void)state;
    fill(at, LIBRARY_PAGES - LIBRARY_TEXT, 0x33);
    end(&p);
    p.mm = mm_for(&test_fd[0]->file);
    process.mm = mm = p.mm;
    thread.turn = &mm->turn;
    assert_int_equal(map_ok(0, LIBRARY_PAGES * K, PROT_READ, MAP_PRIVATE, LIBRARY, 0), p.library);
    assert_true(pagemap_get(at) & PAGE_SPARE); /* they wait */
    look_at(&l);
    go(&p, 1);
    /* The guest has relocated some of it. */
    assert_int_equal(sys_mprotect(at, 2 * K, RW), 0);
    fill(at, 2, 0x44);
    assert_int_equal(sys_mprotect(at, 2 * K, PROT_READ), 0);
    look_at(&l);
    come_home(&p);
    check_look(&l);
    assert_int_equal(mm_fork(mm, &child), 0);
    check_look(&l);
    run_in(child);
    check_look(&l);
    mm_leave(child);
    run_home(&p);
    check_look(&l);
    end(&p);
}

/* --- what can pass ------------------------------------------------------------------------- */

static void test_can_pass(void **state)
{
    struct place a = start(), b = start();

    (void)state;
    assert_true(mm_can_pass(b.mm));
    assert_true(overlay_shared(b.mm));
    uaddr_t shm = map_ok(0, K, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_false(mm_can_pass(b.mm));
    assert_int_equal(sys_munmap(shm, K), 0);
    assert_true(mm_can_pass(b.mm));
    assert_ptr_equal(mm_get(b.mm), b.mm);
    assert_false(mm_can_pass(b.mm));
    mm_put(b.mm);
    assert_true(mm_can_pass(b.mm));
    /* In the home of another member, with whom it would go. */
    uaddr_t there = a.mm->home + 64 * K;
    assert_int_equal(map_ok(there, K, RW, ANON | MAP_FIXED, -1, 0), there);
    assert_false(mm_can_pass(b.mm));
    assert_int_equal(sys_munmap(there, K), 0);
    assert_true(mm_can_pass(b.mm));
    /* No regular file. */
    enclave[0].inode[2].mode = 0020000;
    uaddr_t device = map_ok(0, K, PROT_READ, MAP_PRIVATE, 2, 0);
    assert_false(mm_can_pass(b.mm));
    enclave[0].inode[2].mode = test_inode.mode;
    assert_true(mm_can_pass(b.mm));
    assert_int_equal(sys_munmap(device, K), 0);
    end(&b);
    end(&a);
}

/* A shared mapping that nobody can write to is seen there as well, and was never away. */
static void test_shared(void **state)
{
    struct place p = start();
    struct look l;

    (void)state;
    uaddr_t at = map_ok(0, 4 * K, PROT_READ, MAP_SHARED, 2, 0);
    assert_int_equal(touch(at, MM_READ), 0);
    enclave[0].inode[2].writers = 1;
    assert_false(mm_can_pass(mm));
    enclave[0].inode[2].writers = 0;
    look_at(&l);
    go(&p, 1);
    assert_true(mm_range_stays(mm, at, K));
    assert_false(mm_range_stays(mm, p.own, K));
    check_look(&l);
    come_home(&p);
    check_look(&l);
    assert_int_equal(sys_munmap(at, 4 * K), 0);
    end(&p);
}

/* --- the heap ------------------------------------------------------------------------------ */

/* It grows there as far as its addresses were claimed; what lies behind them is a matter for home. */
static void test_brk(void **state)
{
    struct place p = start();
    uaddr_t wall = 8 * slots.unit;
    struct look l;

    (void)state;
    struct mm *other = mm_fresh();
    assert_non_null(other);
    process.mm = mm = other;
    thread.turn = &mm->turn;
    if (slot_owner(wall) && slot_owner(wall) != other->overlay)
        fail_msg("a home is where the test needs room");
    assert_int_equal(map_ok(wall, K, RW, ANON | MAP_FIXED, -1, 0), wall);
    run_home(&p);
    assert_int_equal(sys_brk(HEAP + 2 * K), HEAP + 2 * K);
    fill(HEAP, 2, 1);
    go(&p, 1);
    assert_int_equal(sys_brk(wall - K), wall - K);
    fill(wall - 2 * K, 1, 5);
    assert_int_equal(sys_brk(wall + K), wall - K);
    assert_int_equal(sys_mmap(wall, K, RW, ANON | MAP_FIXED, -1, 0), -ENOMEM);
    assert_int_equal(sys_munmap(HEAP + 2 * K, wall - 2 * K - (HEAP + 2 * K)), 0);
    assert_int_equal(sys_brk(wall - K), wall - K);
    look_at(&l);
    come_home(&p);
    check_look(&l);
    assert_int_equal(sys_brk(wall + K), wall - K); /* another's */
    enclave_enter(0);
    run_in(other);
    mm_leave(other);
    run_home(&p);
    assert_int_equal(sys_brk(wall + K), wall + K);
    fill(wall - K, 2, 9);
    end(&p);
}

/* --- when it goes wrong -------------------------------------------------------------------- */

static size_t pages_in_use(void)
{
    process.mm = mm = mm_fresh();
    thread.turn = &mm->turn;
    mm_drop_caches(mm);
    mm_leave(mm);
    nobody_runs();
    return epage_count();
}

/* No room for all of it: nothing stays of what had come. */
static void test_no_room(void **state)
{
    struct place p = start();
    struct record r;
    size_t limit = RESERVE_MIN, tries = 0;
    int err;

    (void)state;
    write_all(&p, 0x40);
    record_make(&r);
    for (err = -ENOMEM; err; limit++, tries++) {
        enclave_enter(1);
        assert_int_equal(pages_in_use(), 0);
        stub.limit = limit;
        guest_come(1, &r, &err);
        if (err)
            assert_int_equal(err, -ENOMEM);
        audit();
    }
    assert_in_range(tries, r.pages, 2 * r.pages + 8);
    mm_leave(mm);
    assert_int_equal(pages_in_use(), 0);
    stub.limit = enclave[0].stub.limit;
    record_free(&r);
    end(&p);
}

/* Each allocation fails once. */
static void test_no_heap(void **state)
{
    struct place p = start();
    struct record r;
    int err = -ENOMEM;

    (void)state;
    write_all(&p, 0x40);
    record_make(&r);
    for (long n = 0; err; n++) {
        enclave_enter(1);
        assert_int_equal(pages_in_use(), 0);
        allocs_left = n;
        guest_come(1, &r, &err);
        assert_true(!err || err == -ENOMEM);
        allocs_left = -1;
        audit();
    }
    mm_leave(mm);
    record_free(&r);
    end(&p);
}

/* Leaving succeeds with no memory at all. */
static void test_vacate_without_heap(void **state)
{
    struct look l;

    (void)state;
    for (long n = 0; n < 4; n++) {
        struct place a = start(), b = start();
        struct record r;

        look_at(&l);
        record_make(&r);
        allocs_left = n;
        mm_vacate(b.mm);
        allocs_left = -1;
        audit();
        nobody_runs();
        run_home(&a);
        run_home(&b);
        mm_arrive_space(mm, &r.space);
        assert_int_equal(record_play(&r), 0);
        record_free(&r);
        check_look(&l);
        end(&b);
        end(&a);
    }
}

/* What cannot have been told is refused. */
static void test_refused(void **state)
{
    struct place p = start();
    static char data[65 * K];
    struct file *f = &test_fd[0]->file;
    const struct passage_region good = {
        .start = BASE + 0x10 * K, .end = BASE + 0x12 * K, .prot = 3, .kind = PASSAGE_ANON};
    struct passage_region r;

    (void)state;
#define REFUSED(file, ...)                                         \
    do {                                                           \
        r = good;                                                  \
        __VA_ARGS__;                                               \
        assert_int_equal(mm_arrive_region(mm, &r, file), -EINVAL); \
    } while (0)
    REFUSED(NULL, r.end = r.start);
    REFUSED(NULL, r.end = r.start - K);
    REFUSED(NULL, r.start++);
    REFUSED(NULL, r.end = TEST_TOP + K);
    REFUSED(NULL, r.start = 0);
    REFUSED(NULL, r.start = slots_end(), r.end = slots_end() + K);
    REFUSED(NULL, r.prot = 8);
    REFUSED(NULL, r.flags = REGION_KERNEL);
    REFUSED(NULL, r.flags = REGION_COMMON);
    REFUSED(NULL, r.kind = PASSAGE_KINDS);
    REFUSED(NULL, r.name = PASSAGE_NAMES);
    REFUSED(NULL, r.kind = PASSAGE_FILE);
    REFUSED(f, r.kind = PASSAGE_ANON);
    REFUSED(f, r.kind = PASSAGE_FILE, r.off = -1);
    REFUSED(NULL, r.start = BASE + K); /* there is something */
#undef REFUSED
    assert_int_equal(mm_arrive_pages(mm, p.own, 65, data), -EINVAL);
    assert_int_equal(mm_arrive_pages(mm, p.own + 1, 1, data), -EINVAL);
    assert_int_equal(mm_arrive_pages(mm, p.own + (OWN - 1) * K, 2, data), -EINVAL);
    assert_int_equal(mm_arrive_pages(mm, p.silent - K, 1, data), -EINVAL);
    assert_int_equal(mm_arrive_pages(mm, good.start, 1, data), -EINVAL);
    assert_int_equal(mm_arrive_pages(mm, ~0UL - K + 1, 1, data), -EINVAL);
    audit();
    r = good;
    assert_int_equal(mm_arrive_region(mm, &r, NULL), 0);
    assert_int_equal(mm_arrive_pages(mm, good.start, 2, data), 0);
    end(&p);
    struct passage_space s = {.home = 0, .home_end = 8 * K};
    assert_null(mm_new_guest(&s));
    s = (struct passage_space){.home = slots_end() - slots.unit, .home_end = slots_end() + K};
    assert_null(mm_new_guest(&s));
    s = (struct passage_space){.home = 0x1000000, .home_end = 0x1000000};
    assert_null(mm_new_guest(&s));
}

/* What /proc says while it is away. */
static void test_usage(void **state)
{
    struct place p = start();
    struct mm_usage before, away;

    (void)state;
    write_all(&p, 7);
    mm_usage(mm, &before);
    go(&p, 1);
    enclave_enter(0);
    mm_usage(p.mm, &away);
    assert_int_equal(away.resident, before.resident);
    assert_int_equal(away.total, before.total);
    mm_away_usage(p.mm, 5000, 1000);
    mm_usage(p.mm, &away);
    assert_int_equal(away.resident, 1000);
    assert_int_equal(away.total_peak, 5000);
    enclave_enter(1);
    run_in(list_entry(slot_owner(BASE)->members.next, struct mm, member_link));
    come_home(&p);
    mm_usage(mm, &away);
    assert_int_equal(away.total, before.total);
    assert_int_equal(mm_resident_peak(mm), 1000);
    end(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enclaves_setup, enclaves_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_there_and_back), TEST(test_told),    TEST(test_other_member),
        TEST(test_kept),           TEST(test_changed), TEST(test_frames),
        TEST(test_can_pass),       TEST(test_shared),  TEST(test_brk),
        TEST(test_no_room),        TEST(test_no_heap), TEST(test_vacate_without_heap),
        TEST(test_refused),        TEST(test_usage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
