/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process leaves to the next one of its program: found again where it fits, and never seen where it
 * does not.  The "loader" maps an image as ld.so does: all of the file with the first segment's rights, then the
 * data over it, then bss.
 */
#include "kernel/mm/test/mm_stub.h"

#define K PAGE_SIZE
#define TEXT 4 /* pages of the image: text, then data, then bss behind the file's end */
#define DATA 2
#define BSS 3
#define IMAGE (TEXT + DATA + BSS)

static struct inode program_inode = {.super = &test_super};
static struct file program_file = {.inode = &program_inode, .ref = {1}};

static struct mm *begin_like(const struct file *program, const struct mm_like *like)
{
    struct mm *m = mm_like(program, like);

    assert_non_null(m);
    process.mm = mm = m;
    thread.turn = &m->turn;
    return m;
}

static struct mm *begin(void)
{
    return begin_like(&program_file, &(struct mm_like){0});
}

static void end(void)
{
    mm_leave(mm);
    process.mm = mm = NULL;
    thread.turn = NULL;
}

static uaddr_t load(void)
{
    uaddr_t at = map_ok(0, IMAGE * K, PROT_READ | PROT_EXEC, MAP_PRIVATE, 3, 0);

    assert_int_equal(map_ok(at + TEXT * K, DATA * K, RW, MAP_PRIVATE | MAP_FIXED, 3, TEXT * K),
                     at + TEXT * K);
    assert_int_equal(map_ok(at + (TEXT + DATA) * K, BSS * K, RW, ANON | MAP_FIXED, -1, 0),
                     at + (TEXT + DATA) * K);
    return at;
}

static unsigned char byte_at(uaddr_t at)
{
    assert_int_equal(touch(at, MM_READ), 0);
    return *(unsigned char *)at;
}

/* Page i of the image is as it must be when it has just been loaded. */
static void check_page(uaddr_t at, size_t i)
{
    for (size_t k = 0; k < K; k += K / 8) {
        size_t off = i * K + k;
        assert_int_equal(byte_at(at + off), i < TEXT + DATA ? test_fd[3]->data[off] : 0);
    }
}

static void check_image(uaddr_t at)
{
    for (size_t i = 0; i < IMAGE; i++)
        check_page(at, i);
}

static void scribble(uaddr_t at)
{
    for (size_t i = TEXT; i < IMAGE; i++) {
        assert_int_equal(touch(at + i * K, MM_WRITE), 0);
        memset((void *)(at + i * K), 0xee, K);
    }
}

static uaddr_t run_once(void)
{
    begin();
    uaddr_t at = load();
    check_image(at);
    scribble(at);
    end();
    return at;
}

static int setup(void **state)
{
    mm_setup(state);
    test_super.flags = SUPER_HOST;
    test_file_new(3, O_RDONLY, (TEXT + DATA) * K);
    return 0;
}

static int teardown(void **state)
{
    test_super.flags = 0;
    patch_damaged = false;
    process.personality = 0;
    while (kept_drop_oldest())
        continue;
    test_file_close(3);
    process.mm = mm = mm_fresh();
    assert_non_null(mm);
    thread.turn = &mm->turn;
    return mm_teardown(state);
}

/* The first address space of the fixture is no part of the game. */
static void leave_first(void)
{
    end();
}

static void test_again(void **state)
{
    (void)state;
    leave_first();
    uaddr_t first = run_once();
    unsigned reads = test_fd[3]->reads;

    begin();
    size_t pages = stub.count;
    uaddr_t at = load();
    assert_int_equal(at, first);
    check_image(at);
    /* Text is there, and data has been read into the pages that were there. */
    assert_in_range(test_fd[3]->reads, reads + 1, reads + 3);
    assert_int_equal(stub.count, pages);
    end();
}

/* Programs that were never executed before. */
static struct program {
    struct inode inode;
    struct file file;
} fresh[4];

static void programs_make(void)
{
    static uint64_t ino = 1000;

    for (size_t i = 0; i < sizeof(fresh) / sizeof(*fresh); i++)
        fresh[i] = (struct program){.inode = {.super = &test_super, .ref = {1}, .ino = ino++},
                                    .file = {.inode = &fresh[i].inode, .ref = {1}}};
}

static const struct mm_like like = {.needs = 7, .uid = 1000, .gid = 1000};

/* A process of `program` maps the library, and a file of its own or none. */
static uaddr_t run_like(struct program *program, const struct mm_like *l, int own, uaddr_t *image)
{
    begin_like(&program->file, l);
    uaddr_t at = load();
    check_image(at);
    if (own >= 0) {
        *image = map_ok(0, TEXT * K, PROT_READ | PROT_EXEC, MAP_PRIVATE, own, 0);
        (void)byte_at(*image);
    }
    end();
    return at;
}

static void test_like(void **state)
{
    uaddr_t image, first;
    (void)state;
    leave_first();
    programs_make();
    test_file_new(4, O_RDONLY, TEXT * K)->file.inode = &fresh[0].inode;
    first = run_like(&fresh[0], &like, 4, &image);
    assert_true(pagemap_get(image) & PAGE_PRESENT);
    unsigned reads = test_fd[3]->reads;

    /* One that is executed for the first time: the library is there, the other program is not. */
    begin_like(&fresh[1].file, &like);
    assert_true(mm->borrowed);
    assert_false(pagemap_get(image) & PAGE_PRESENT);
    assert_int_equal(load(), first);
    check_image(first);
    assert_in_range(test_fd[3]->reads, reads + 1, reads + 3);
    end();
    /* It is that program's now; the first one, which comes again, gets one of its own. */
    assert_null(mm_again(&fresh[0].file));
    begin_like(&fresh[0].file, &like);
    assert_false(mm->borrowed);
    (void)load();
    end();
    begin_like(&fresh[1].file, &like);
    assert_false(mm->borrowed);
    assert_int_equal(load(), first);
    end();
    test_file_close(4);
}

/* What the next program has no use for goes when it ends. */
static void test_like_unused(void **state)
{
    uaddr_t image;
    (void)state;
    leave_first();
    programs_make();
    test_file_new(4, O_RDONLY, TEXT * K); /* a library that it loads by itself */
    run_like(&fresh[0], &like, 4, &image);
    begin_like(&fresh[1].file, &like);
    assert_true(pagemap_get(image) & PAGE_PRESENT);
    (void)load();
    end();
    assert_false(pagemap_get(image) & PAGE_PRESENT);
    begin_like(&fresh[1].file, &like);
    uaddr_t at = load();
    assert_true(pagemap_get(at) & PAGE_PRESENT);
    end();
    test_file_close(4);
}

static void test_unlike(void **state)
{
    const struct mm_like other[] = {{0}, {8, 1000, 1000}, {7, 1001, 1000}, {7, 1000, 1001}};
    uaddr_t unused;
    (void)state;
    leave_first();
    programs_make();
    run_like(&fresh[0], &like, -1, &unused);
    for (size_t i = 0; i < 4; i++) {
        programs_make();
        begin_like(&fresh[1].file, &other[i]);
        assert_false(mm->borrowed);
        end();
    }
    /* Nor by one that asks for no place of its own, or is no program. */
    process.personality = ADDR_NO_RANDOMIZE;
    programs_make();
    begin_like(&fresh[1].file, &like);
    assert_false(mm->borrowed);
    end();
    process.personality = 0;
    begin_like(NULL, &like);
    assert_false(mm->borrowed);
    end();
}

static void test_changed(void **state)
{
    (void)state;
    leave_first();
    run_once();
    test_fd[3]->mtime++;
    for (size_t i = 0; i < (TEXT + DATA) * K; i++)
        test_fd[3]->data[i] ^= 0x55;
    run_once();
}

static void test_other_file(void **state)
{
    (void)state;
    leave_first();
    uaddr_t at = run_once();
    struct test_file *other = test_file_new(4, O_RDONLY, IMAGE * K);
    struct inode other_inode = {.super = &test_super};

    other->file.inode = &other_inode;
    memset(other->data, 0x77, IMAGE * K);
    begin();
    assert_int_equal(map_ok(0, IMAGE * K, PROT_READ, MAP_PRIVATE, 4, 0), at);
    for (size_t i = 0; i < IMAGE; i++) {
        assert_int_equal(byte_at(at + i * K), 0x77);
        assert_int_not_equal(touch(at + i * K, MM_WRITE), 0);
    }
    end();
    while (kept_drop_oldest())
        continue;
    test_file_close(4);
}

/* Mapped whole to be read, the file shows itself, also where there was data; then data is as at first. */
static void test_waiting(void **state)
{
    (void)state;
    leave_first();
    uaddr_t at = run_once();

    begin();
    assert_int_equal(map_ok(0, IMAGE * K, PROT_READ, MAP_PRIVATE, 3, 0), at);
    for (size_t i = 0; i < TEXT + DATA; i++)
        check_page(at, i);
    memset((void *)(at + TEXT * K), 0xdd, DATA * K); /* a program that is wrong */
    assert_int_equal(map_ok(at + TEXT * K, DATA * K, RW, MAP_PRIVATE | MAP_FIXED, 3, TEXT * K),
                     at + TEXT * K);
    check_page(at, TEXT);
    check_page(at, TEXT + 1);
    end();
}

/* What could not be accessed does not wait under a mapping that can be: no fault would help there. */
static void test_less_rights(void **state)
{
    (void)state;
    leave_first();
    begin();
    uaddr_t at = map_ok(0, TEXT * K, PROT_READ, MAP_PRIVATE, 3, 0);
    check_page(at, 0);
    assert_int_equal(sys_mprotect(at, K, PROT_NONE), 0);
    end();
    begin();
    assert_int_equal(map_ok(0, TEXT * K, PROT_READ | PROT_EXEC, MAP_PRIVATE, 3, 0), at);
    for (size_t i = 0; i < TEXT; i++) {
        check_page(at, i);
        assert_int_equal(touch(at + i * K, MM_EXEC), 0);
    }
    end();
}

static void test_unmapped(void **state)
{
    (void)state;
    leave_first();
    uaddr_t at = run_once();

    begin();
    assert_int_equal(map_ok(0, IMAGE * K, PROT_READ, MAP_PRIVATE, 3, 0), at);
    assert_int_equal(sys_munmap(at, IMAGE * K), 0);
    for (size_t i = 0; i < IMAGE; i++)
        assert_int_not_equal(touch(at + i * K, MM_READ), 0);
    end();
}

/* Anonymous memory in place of the image is zero, and data in place of bss is data. */
static void test_anonymous(void **state)
{
    (void)state;
    leave_first();
    uaddr_t at = run_once();

    begin();
    assert_int_equal(map_ok(0, IMAGE * K, RW, ANON, -1, 0), at);
    for (size_t i = 0; i < IMAGE; i++)
        assert_int_equal(byte_at(at + i * K), 0);
    end();
    run_once();
    begin();
    assert_int_equal(map_ok(0, (TEXT + DATA) * K, PROT_NONE, ANON, -1, 0) % K, 0);
    uaddr_t image = load();
    check_image(image);
    end();
}

static void test_not_kept(void **state)
{
    (void)state;
    leave_first();
    patch_damaged = true;
    run_once();
    patch_damaged = false;
    assert_false(kept_drop_oldest());
    process.personality = ADDR_NO_RANDOMIZE;
    run_once();
    assert_false(kept_drop_oldest());
    process.personality = 0;
    run_once();
    process.personality = ADDR_NO_RANDOMIZE;
    struct mm *m = begin();
    assert_true(region_find(&m->kept, 0) == NULL);
    end();
    assert_true(kept_drop_oldest());
}

/* What others have cut of files is nothing to the next process. */
static void test_cut(void **state)
{
    (void)state;
    leave_first();
    struct mm *m = begin();
    load();
    const struct cut all = cut_of(test_fd[3]->file.inode, 0);
    assert_true(cut_later(m, &all));
    end();
    assert_ptr_equal(begin(), m);
    assert_null(m->cuts);
    end();
}

static void test_shrink(void **state)
{
    (void)state;
    leave_first();
    run_once();
    begin();
    assert_true(kept_shrink(1) == 0); /* it is in use */
    end();
    assert_true(kept_shrink(1) > 0);
    assert_true(kept_shrink(SIZE_MAX) == 0);
    run_once();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_like, setup, teardown),
        cmocka_unit_test_setup_teardown(test_like_unused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unlike, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waiting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_less_rights, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unmapped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_anonymous, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shrink, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
