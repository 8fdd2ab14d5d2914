/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces that take turns: a family that forks, writes, maps, unmaps, protects and ends at random,
 * against a model with one byte a page and member.  Whoever has the turn must see its own memory.
 */
#include "kernel/mm/test/mm_stub.h"

#define AREA_PAGES 48UL
#define MEMBERS 5
#define STEPS 6000

enum { GONE = -1, FILE_PAGE = 256 }; /* a page's contents besides 0 … 255 */

static struct member {
    struct mm *mm;
    int page[AREA_PAGES]; /* GONE, a byte, or FILE_PAGE: as the file has it */
    unsigned prot[AREA_PAGES];
} member[MEMBERS];
static uaddr_t area;

static uaddr_t page_at(size_t i)
{
    return area + i * PAGE_SIZE;
}

static bool anybody_has(size_t i)
{
    for (int c = 0; c < MEMBERS; c++)
        if (member[c].mm && member[c].page[i] != GONE)
            return true;
    return false;
}

static void check_page(const struct member *m, size_t i)
{
    int want = m->page[i];
    unsigned char got;

    if (want == GONE) {
        /* Another's page may be in place there: one enclave protects nobody from its processes. */
        if (!anybody_has(i))
            assert_int_not_equal(touch(page_at(i), MM_READ), 0);
        return;
    }
    if (m->prot[i] == PROT_NONE) {
        assert_int_not_equal(touch(page_at(i), MM_READ), 0);
        return;
    }
    assert_int_equal(touch(page_at(i), MM_READ), 0);
    got = *(unsigned char *)page_at(i);
    if (want == FILE_PAGE)
        assert_int_equal(got, test_fd[3]->data[i * PAGE_SIZE]);
    else
        assert_int_equal(got, want);
    if (!(m->prot[i] & PROT_WRITE))
        assert_int_not_equal(touch(page_at(i), MM_WRITE), 0);
}

static void check(struct member *m)
{
    run_in(m->mm);
    for (size_t i = 0; i < AREA_PAGES; i++)
        check_page(m, i);
}

static void op_write(struct member *m, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++) {
        if (m->page[k] == GONE || !(m->prot[k] & PROT_WRITE))
            continue;
        m->page[k] = (int)test_random(256);
        assert_int_equal(touch(page_at(k), MM_WRITE), 0);
        memset((void *)page_at(k), m->page[k], PAGE_SIZE);
    }
}

static void op_map(struct member *m, size_t i, size_t n)
{
    bool file = test_random(3) == 0;
    unsigned prot = test_random(2) ? PROT_READ | PROT_WRITE : PROT_READ;
    unsigned flags = MAP_PRIVATE | MAP_FIXED | (file ? 0 : MAP_ANONYMOUS);

    assert_int_equal(
        sys_mmap(page_at(i), n * PAGE_SIZE, prot, flags, file ? 3 : -1, file ? i * PAGE_SIZE : 0),
        page_at(i));
    for (size_t k = i; k < i + n; k++) {
        m->page[k] = file ? FILE_PAGE : 0;
        m->prot[k] = prot;
    }
}

static void op_unmap(struct member *m, size_t i, size_t n)
{
    assert_int_equal(sys_munmap(page_at(i), n * PAGE_SIZE), 0);
    for (size_t k = i; k < i + n; k++)
        m->page[k] = GONE;
}

static void op_protect(struct member *m, size_t i, size_t n)
{
    static const unsigned prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
    unsigned prot = prots[test_random(3)];

    for (size_t k = i; k < i + n; k++) {
        if (m->page[k] == GONE)
            continue;
        assert_int_equal(sys_mprotect(page_at(k), PAGE_SIZE, prot), 0);
        m->prot[k] = prot;
    }
}

static void op_wipe(struct member *m, size_t i, size_t n)
{
    for (size_t k = i; k < i + n; k++) {
        if (m->page[k] == GONE)
            continue;
        struct mm_region_info info;
        assert_true(mm_find(m->mm, page_at(k), &info));
        assert_int_equal(sys_madvise(page_at(k), PAGE_SIZE, MADV_DONTNEED), 0);
        m->page[k] = info.file ? FILE_PAGE : 0;
    }
}

static void op_fork(struct member *m)
{
    for (int c = 0; c < MEMBERS; c++) {
        if (member[c].mm)
            continue;
        member[c] = *m;
        assert_int_equal(mm_fork(m->mm, &member[c].mm), 0);
        if (test_random(2))
            mm_fork_child_first(m->mm, member[c].mm);
        return;
    }
}

static void op_merge(struct member *m)
{
    for (int c = 0; c < MEMBERS; c++)
        if (member[c].mm && &member[c] != m) {
            overlay_merge(m->mm);
            return;
        }
}

static void op_end(struct member *m)
{
    struct member *other = NULL;

    for (int c = 0; c < MEMBERS; c++)
        if (member[c].mm && &member[c] != m)
            other = &member[c];
    if (!other)
        return;
    mm_leave(m->mm);
    m->mm = NULL;
    check(other);
}

static void step(struct member *m)
{
    size_t i = test_random(AREA_PAGES), n = 1 + test_random(MIN(AREA_PAGES - i, 8UL));

    run_in(m->mm);
    switch (test_random(13)) {
    case 0: op_map(m, i, n); break;
    case 1: op_unmap(m, i, n); break;
    case 2: op_protect(m, i, n); break;
    case 3: op_wipe(m, i, n); break;
    case 4: op_fork(m); break;
    case 5:
        if (test_random(3) == 0)
            op_end(m);
        break;
    case 6: check(m); break;
    case 7: op_merge(m); break;
    default: op_write(m, i, n);
    }
}

static void test_family(void **state)
{
    (void)state;
    test_file_new(3, O_RDONLY, AREA_PAGES * PAGE_SIZE);
    member[0].mm = mm;
    area = (uaddr_t)sys_mmap(0, AREA_PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < AREA_PAGES; i++)
        member[0].prot[i] = PROT_READ | PROT_WRITE;
    for (int i = 0; i < STEPS; i++) {
        struct member *m = &member[test_random(MEMBERS)];
        if (m->mm)
            step(m);
    }
    for (int c = 0; c < MEMBERS; c++)
        if (member[c].mm)
            check(&member[c]);
    /* All but one end; what is left is that one's. */
    int last = -1;
    for (int c = 0; c < MEMBERS; c++) {
        if (!member[c].mm)
            continue;
        if (last >= 0) {
            run_in(member[last].mm);
            mm_leave(member[last].mm);
            member[last].mm = NULL;
        }
        last = c;
    }
    check(&member[last]);
    op_unmap(&member[last], 0, AREA_PAGES);
    assert_true(tree_empty(&member[last].mm->away.tree));
    assert_int_equal(pagemap_resident(USER_MIN, TEST_PAGES), 0);
    assert_int_equal(warnings, 0);
    member[last].mm = NULL;
    test_file_close(3);
}

/* One more member of the group without regions of its own there: what both map then is each one's own. */
static void test_join(void **state)
{
    struct mm *a = mm, *b;
    uaddr_t at = 0x400000;

    (void)state;
    assert_int_equal(sys_mmap(at, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     at);
    memset((void *)at, 7, 4 * PAGE_SIZE);
    b = mm_fresh();
    assert_non_null(b);
    process.mm = mm = b;
    assert_int_equal(
        sys_mmap(at, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
        -ENOMEM);
    assert_int_equal(mm_share(b, at, at + PAGE_SIZE), 0);
    run_in(b);
    assert_int_equal(sys_mmap(at, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     at);
    assert_int_equal(*(char *)at, 0);
    memset((void *)at, 9, 2 * PAGE_SIZE);
    run_in(a);
    for (int i = 0; i < 4; i++)
        assert_int_equal(*(char *)(at + i * PAGE_SIZE), 7);
    run_in(b);
    assert_int_equal(*(char *)at, 9);
    mm_leave(b);
    run_in(a);
    assert_int_equal(*(char *)at, 7);
    assert_int_equal(sys_munmap(at, 4 * PAGE_SIZE), 0);
}

/* What is alike becomes common, once, and each one's own again when one writes to it. */
static void test_merge(void **state)
{
    struct mm *a = mm, *b, *c;
    uaddr_t at = (uaddr_t)sys_mmap(0, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    memset((void *)at, 5, 8 * PAGE_SIZE);
    assert_int_equal(mm_fork(a, &b), 0);
    assert_int_equal(mm_fork(a, &c), 0);
    assert_int_equal(b->away.pages, 8);
    run_in(c);
    *(char *)(at + 3 * PAGE_SIZE) = 9;
    run_in(a);
    overlay_merge(a);
    assert_int_equal(b->away.pages, 1);
    assert_int_equal(c->away.pages, 1);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(!!(pagemap_get(at + i * PAGE_SIZE) & PAGE_COMMON), i != 3);
    run_in(b);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(*(char *)(at + i * PAGE_SIZE), 5);
    assert_int_equal(touch(at, MM_WRITE), 0);
    *(char *)at = 7;
    assert_int_equal(pagemap_get(at), PAGE_PRESENT | EPAGE_R | EPAGE_W);
    assert_int_equal(a->away.pages, 2);
    assert_int_equal(c->away.pages, 2);
    run_in(c);
    assert_int_equal(*(char *)at, 5);
    assert_int_equal(*(char *)(at + 3 * PAGE_SIZE), 9);
    /* Its copy came with the permission that its region has. */
    assert_int_equal(pagemap_get(at), PAGE_PRESENT | EPAGE_R | EPAGE_W);
    mm_leave(c);
    run_in(b);
    assert_int_equal(*(char *)at, 7);
    mm_leave(b);
    run_in(a);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(touch(at + i * PAGE_SIZE, MM_WRITE), 0);
        assert_int_equal((*(char *)(at + i * PAGE_SIZE))++, 5);
    }
    assert_int_equal(sys_munmap(at, 8 * PAGE_SIZE), 0);
}

static struct mm *clearing;

static void cleared(void)
{
    overlay_open(clearing);
    when_yielding = NULL;
}

/* A group whose only member clears up is not joined: who wants its addresses waits. */
static void test_closed(void **state)
{
    struct mm *a = mm, *b;
    uaddr_t at = 0x400000;

    (void)state;
    assert_int_equal(sys_mmap(at, PAGE_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                     at);
    b = mm_fresh();
    assert_non_null(b);
    assert_true(overlay_close(a));
    assert_int_equal(overlay_join(b, at), -EAGAIN);
    assert_false(overlay_shared(a));
    clearing = a;
    when_yielding = cleared;
    assert_int_equal(mm_share(b, at, at + PAGE_SIZE), 0);
    assert_null(when_yielding);
    assert_ptr_equal(a->overlay, b->overlay);
    assert_false(overlay_close(a));
    assert_int_equal(mm_share(b, slots_end(), slots_end() + PAGE_SIZE), -ENOMEM);
    /* Who is in a group cannot have what is of another. */
    struct mm *c = mm_fresh();
    assert_non_null(c);
    assert_int_equal(mm_share(b, c->home, c->home + PAGE_SIZE), -ENOMEM);
    mm_put(c);
    run_in(b);
    mm_leave(b);
    run_in(a);
    assert_int_equal(sys_munmap(at, PAGE_SIZE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_family, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_join, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_merge, mm_setup, mm_teardown),
        cmocka_unit_test_setup_teardown(test_closed, mm_setup, mm_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
