/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several enclaves for hosted tests of passage.c: one is in place at a time, the others are put aside, with the
 * memory of their programs and all that mm/ knows of it.  What passes is recorded in one and played back
 * in another.  Files have a number, and are other objects in each enclave.
 */
#ifndef KERNEL_MM_TEST_ENCLAVES_STUB_H
#define KERNEL_MM_TEST_ENCLAVES_STUB_H

#include "kernel/mm/test/mm_stub.h"

#ifndef S_ISREG
#define S_ISREG(mode) (((mode)&S_IFMT) == 0100000)
#endif
#include "kernel/mm/passage.c"

#define K PAGE_SIZE
#define ENCLAVES 3 /* the base, and satellites */
#define FILES 3
#define FILE_PAGES 32UL

/* The vDSO is not here. */
bool vdso_is(const struct shmem *s)
{
    (void)s;
    return false;
}

int vdso_map_part(struct mm *in, bool vvar, uaddr_t at)
{
    (void)in;
    (void)vvar;
    (void)at;
    return -EINVAL;
}

/* Pages with one permission. */
struct aside {
    uintptr_t addr;
    size_t n;
    void *data;
};

static struct enclave {
    typeof(stub) stub;
    typeof(map) map;
    typeof(slots) slots;
    typeof(kept) kept;
    typeof(zone) zone;
    struct test_file *fd[8];
    struct inode inode[FILES];
    struct aside *aside;
    size_t naside;
} enclave[ENCLAVES];
static int here; /* the one in place */

static size_t perm_run(uintptr_t addr)
{
    size_t i = (addr - stub.start) / K, n = 1;
    const uint64_t absent = UINT64_MAX;

    while (i + n < TEST_PAGES && stub.perm[i + n] == stub.perm[i]) {
        n++;
        while (stub.perm[i] == STUB_ABSENT && i + n + 8 <= TEST_PAGES &&
               !memcmp(&stub.perm[i + n], &absent, 8))
            n += 8;
    }
    return n;
}

static void host_protect(uintptr_t addr, size_t n, unsigned perm)
{
    int prot = (perm & EPAGE_R ? PROT_READ : 0) | (perm & EPAGE_W ? PROT_WRITE : 0);

    assert_int_equal(mprotect((void *)addr, n * K, prot), 0);
}

static void memory_save(struct enclave *e)
{
    for (uintptr_t at = stub.start, n; at < stub.end; at += n * K) {
        n = perm_run(at);
        if (stub_perm(at) == STUB_ABSENT)
            continue;
        e->aside = realloc(e->aside, (e->naside + 1) * sizeof(*e->aside));
        struct aside *a = &e->aside[e->naside++];
        *a = (struct aside){at, n, malloc(n * K)};
        host_protect(at, n, EPAGE_R);
        memcpy(a->data, (void *)at, n * K);
    }
    assert_true(mmap((void *)stub.start, stub.end - stub.start, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                     0) == (void *)stub.start);
}

static void memory_restore(struct enclave *e)
{
    for (size_t i = 0; i < e->naside; i++) {
        const struct aside *a = &e->aside[i];
        host_protect(a->addr, a->n, EPAGE_R | EPAGE_W);
        memcpy((void *)a->addr, a->data, a->n * K);
        host_protect(a->addr, a->n, stub_perm(a->addr));
        free(a->data);
    }
    free(e->aside);
    e->aside = NULL;
    e->naside = 0;
}

static void nobody_runs(void)
{
    process.mm = mm = NULL;
    thread.turn = NULL;
}

/* From here on that one is in place, and nobody runs in it. */
static void enclave_enter(int to)
{
    struct enclave *e = &enclave[here];

    nobody_runs();
    if (to == here)
        return;
    assert_int_equal(locked, 0);
    memory_save(e);
    e->stub = stub;
    e->map = map;
    e->slots = slots;
    e->kept = kept;
    e->zone = zone;
    memcpy(e->fd, test_fd, sizeof(e->fd));
    e = &enclave[here = to];
    stub = e->stub;
    map = e->map;
    slots = e->slots;
    kept = e->kept;
    zone = e->zone;
    memcpy(test_fd, e->fd, sizeof(e->fd));
    memory_restore(e);
}

static void files_new(void)
{
    for (int i = 0; i < FILES; i++) {
        struct inode *inode = &enclave[here].inode[i];
        *inode = (struct inode){.super = &test_super, .ref = {1}, .mode = test_inode.mode};
        test_file_new(i, O_RDONLY, FILE_PAGES * K)->file.inode = inode;
        for (size_t k = 0; k < FILE_PAGES * K; k++)
            test_fd[i]->data[k] ^= (unsigned char)(0x11 * (i + 1));
    }
}

static void enclave_leave_first(void)
{
    mm_leave(mm);
    nobody_runs();
}

static int enclaves_setup(void **state)
{
    test_super.flags = SUPER_HOST;
    mm_setup(state);
    files_new();
    enclave_leave_first();
    for (int i = 1; i < ENCLAVES; i++) {
        struct enclave *e = &enclave[i];
        e->stub = (typeof(stub)){.start = stub.start, .end = stub.end, .limit = stub.limit};
        e->stub.perm = memset(malloc(TEST_PAGES), STUB_ABSENT, TEST_PAGES);
        e->kept = (typeof(kept)){.list = LIST_INIT(kept.list)};
        e->map = (typeof(map)){0};
        e->slots = (typeof(slots)){0};
        e->zone = (typeof(zone)){0};
        memset(e->fd, 0, sizeof(e->fd));
        enclave_enter(i);
        list_init(&shrinkers);
        assert_int_equal(mm_init(), 0);
        slots.first_taken = true; /* a guest's home is where it was */
        files_new();
    }
    enclave_enter(0);
    return 0;
}

/* Nothing is in use any more. */
static void enclave_empty(void)
{
    while (kept_drop_oldest())
        continue;
    for (int i = 0; i < FILES; i++)
        test_file_close(i);
    for (size_t i = 0; i < slots.count; i++)
        assert_null(slots.owner[i]);
    assert_int_equal(stub.count, pagemap_spare());
    process.mm = mm = mm_fresh();
    thread.turn = &mm->turn;
}

static int enclaves_teardown(void **state)
{
    for (int i = 1; i < ENCLAVES; i++) {
        enclave_enter(i);
        enclave_empty();
        mm_empty_all();
        enclave_enter(0);
        free(enclave[i].stub.perm);
    }
    enclave_empty();
    mm_teardown(state);
    test_super.flags = 0;
    return 0;
}

/* --- what passes --------------------------------------------------------------------------- */

struct event {
    struct passage_region region; /* or n pages: */
    struct test_file *file;
    int number; /* of the file; -1: none */
    uaddr_t start;
    size_t n;
    void *data;
};

struct record {
    struct passage passage;
    struct passage_space space;
    struct event *event;
    size_t n, pages;
};

static struct event *record_more(struct passage *p)
{
    struct record *r = container_of(p, struct record, passage);

    r->event = realloc(r->event, (r->n + 1) * sizeof(*r->event));
    r->event[r->n] = (struct event){.number = -1};
    return &r->event[r->n++];
}

static int record_region(struct passage *p, const struct passage_region *r, struct file *file)
{
    struct event *e = record_more(p);

    e->region = *r;
    for (int i = 0; file && i < FILES; i++)
        if (&test_fd[i]->file == file)
            e->number = i;
    assert_true(!file == (e->number < 0));
    return 0;
}

static int record_pages(struct passage *p, uaddr_t start, size_t n, const void *data)
{
    struct event *e = record_more(p);

    assert_in_range(n, 1, PASSAGE_PAGES);
    e->start = start;
    e->n = n;
    e->data = memcpy(malloc(n * K), data, n * K);
    container_of(p, struct record, passage)->pages += n;
    return 0;
}

/* All of mm, whose process runs. */
static void record_make(struct record *r)
{
    *r = (struct record){.passage = {.region = record_region, .pages = record_pages}};
    mm_space(mm, &r->space);
    assert_int_equal(mm_tell(mm, &r->passage), 0);
}

/* In mm, which expects it. */
static __attribute__((unused)) int record_play(const struct record *r)
{
    int err = 0;

    for (size_t i = 0; i < r->n && !err; i++) {
        const struct event *e = &r->event[i];
        struct file *f = e->number < 0 ? NULL : &test_fd[e->number]->file;
        err = e->data ? mm_arrive_pages(mm, e->start, e->n, e->data)
                      : mm_arrive_region(mm, &e->region, f);
    }
    assert_int_equal(locked, 0);
    return err;
}

static void record_free(struct record *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->event[i].data);
    free(r->event);
    *r = (struct record){0};
}

/* The record's process runs in enclave e as its guest; or the error.  NULL: there is nothing left of it there. */
static __attribute__((unused)) struct mm *guest_come(int e, const struct record *r, int *err)
{
    enclave_enter(e);
    mm = mm_new_guest(&r->space);
    *err = mm ? 0 : -ENOMEM;
    if (!mm)
        return NULL;
    process.mm = mm;
    thread.turn = &mm->turn;
    mm_arrive_space(mm, &r->space);
    *err = record_play(r);
    if (*err) {
        mm_leave(mm);
        nobody_runs();
    }
    return mm;
}

/* The one that runs is a guest, and goes home. */
static __attribute__((unused)) void guest_go(struct record *r)
{
    record_make(r);
    mm_leave(mm);
    nobody_runs();
}

/* --- what must always be so ---------------------------------------------------------------- */

static bool tree_has(const struct region_tree *t, uaddr_t addr)
{
    const struct region *r = region_find(t, addr);

    return r && r->start <= addr;
}

/* Somebody has something at addr. */
static bool page_has_owner(uaddr_t addr)
{
    const struct overlay *g = slot_owner(addr);

    if (addr >= slots_end()) /* a guest's shared mapping is its own */
        return shmem_used(addr, addr + 1) || (mm && tree_has(&mm->regions, addr));
    if (!g)
        return false;
    if (tree_has(&g->kept, addr))
        return true;
    list_for_each(l, &g->members) {
        const struct mm *m = list_entry(l, const struct mm, member_link);
        if (tree_has(&m->regions, addr) || tree_has(&m->kept, addr))
            return true;
    }
    return false;
}

/* The map says of each page what the CPU does, and no page is lost. */
static __attribute__((unused)) void audit(void)
{
    size_t count = 0;

    for (uintptr_t at = stub.start, n; at < stub.end; at += n * K) {
        n = perm_run(at);
        for (size_t i = 0; i < n && stub_perm(at) != STUB_ABSENT; i++) {
            unsigned state = pagemap_get(at + i * K);
            count++;
            assert_int_equal(state & PAGE_PERM, stub_perm(at));
            assert_true(state & (PAGE_PRESENT | PAGE_SPARE));
            if (state != PAGE_SPARE && !page_has_owner(at + i * K))
                fail_msg("page %lx of state %x is nobody's", at + i * K, state);
        }
    }
    assert_int_equal(count, stub.count);
}

#endif
