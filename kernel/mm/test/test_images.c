/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that are linked for the same addresses start, write, fork, end and take turns at random: each process
 * sees its own image and its own library, whatever others have left there, and text is read once as long as
 * nothing else comes to its place.
 */
#include "kernel/mm/test/mm_stub.h"

#define K PAGE_SIZE
#define BASE 0x20000UL /* where no homes are */
#define PROGRAMS 3
#define PROCESSES 4
#define STEPS 4000
#define LIBRARY 5 /* its descriptor; programs have 0 … */
#define LIBRARY_TEXT 4UL
#define LIBRARY_PAGES 7UL
#define IMAGE_MAX 24UL

/* Pages of text, and of text and data, from BASE on.  They end at different places, as images do. */
static const struct image {
    size_t text, all;
} image[PROGRAMS] = {{16, 24}, {16, 20}, {5, 8}};

static struct inode inode[PROGRAMS + 1];
static unsigned borrowed; /* homes */
static bool pie;          /* programs lie in their homes, and each is executed for the first time */

static struct proc {
    struct mm *mm; /* NULL: there is none */
    unsigned program;
    uaddr_t base, library;
    int data[IMAGE_MAX], library_data[LIBRARY_PAGES]; /* -1: as the file has it, else a byte */
} proc[PROCESSES];

static struct file *file_of(unsigned program)
{
    return &test_fd[program]->file;
}

static void check_pages(uaddr_t at, int fd, size_t n, size_t text, const int *data)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(touch(at + i * K, MM_READ), 0);
        int want = data[i] < 0 ? test_fd[fd]->data[i * K] : data[i];
        assert_int_equal(*(unsigned char *)(at + i * K), want);
        if (i < text)
            assert_int_not_equal(touch(at + i * K, MM_WRITE), 0);
    }
}

static void check(const struct proc *p)
{
    const struct image *im = &image[p->program];

    run_in(p->mm);
    check_pages(p->base, (int)p->program, im->all, im->text, p->data);
    check_pages(p->library, LIBRARY, LIBRARY_PAGES, LIBRARY_TEXT, p->library_data);
}

static void map_pie(struct proc *p)
{
    const struct image *im = &image[p->program];
    int fd = (int)p->program;

    p->base = map_ok(0, im->all * K, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    map_ok(p->base + im->text * K, (im->all - im->text) * K, RW, MAP_PRIVATE | MAP_FIXED, fd,
           (int64_t)(im->text * K));
}

static void map_image(struct proc *p)
{
    const struct image *im = &image[p->program];
    int fd = (int)p->program;

    if (pie) {
        map_pie(p);
        return;
    }
    p->base = BASE;

    assert_int_equal(mm_share(p->mm, BASE, BASE + im->all * K), 0);
    run_in(p->mm);
    assert_int_equal(mm_claim(p->mm, BASE, BASE + im->all * K), 0);
    assert_int_equal(
        map_ok(BASE, im->text * K, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, fd, 0), BASE);
    assert_int_equal(map_ok(BASE + im->text * K, (im->all - im->text) * K, RW,
                            MAP_PRIVATE | MAP_FIXED, fd, (int64_t)(im->text * K)),
                     BASE + im->text * K);
}

/* As ld.so does. */
static uaddr_t map_library(void)
{
    uaddr_t at = map_ok(0, LIBRARY_PAGES * K, PROT_READ | PROT_EXEC, MAP_PRIVATE, LIBRARY, 0);

    assert_int_equal(map_ok(at + LIBRARY_TEXT * K, (LIBRARY_PAGES - LIBRARY_TEXT) * K, RW,
                            MAP_PRIVATE | MAP_FIXED, LIBRARY, LIBRARY_TEXT * K),
                     at + LIBRARY_TEXT * K);
    return at;
}

static void start(struct proc *p, unsigned program)
{
    static uint64_t ino = 100;
    if (pie)
        inode[program].ino = ino++;
    p->mm = mm_like(file_of(program), &(struct mm_like){.needs = pie});
    borrowed += p->mm->borrowed;
    p->program = program;
    assert_non_null(p->mm);
    process.mm = mm = p->mm;
    thread.turn = &p->mm->turn;
    map_image(p);
    p->library = map_library();
    for (size_t i = 0; i < IMAGE_MAX; i++)
        p->data[i] = -1;
    for (size_t i = 0; i < LIBRARY_PAGES; i++)
        p->library_data[i] = -1;
    check(p);
}

static void end(struct proc *p)
{
    run_in(p->mm);
    mm_leave(p->mm);
    p->mm = NULL;
    process.mm = mm = NULL;
    thread.turn = NULL;
}

static void scribble(uaddr_t at, int *model)
{
    assert_int_equal(touch(at, MM_WRITE), 0);
    *model = (int)test_random(256);
    memset((void *)at, *model, K);
}

static void write_some(struct proc *p)
{
    const struct image *im = &image[p->program];
    size_t i = im->text + test_random(im->all - im->text);
    size_t k = LIBRARY_TEXT + test_random(LIBRARY_PAGES - LIBRARY_TEXT);

    run_in(p->mm);
    scribble(p->base + i * K, &p->data[i]);
    scribble(p->library + k * K, &p->library_data[k]);
}

static void fork_into(struct proc *p, struct proc *child)
{
    run_in(p->mm);
    *child = *p;
    assert_int_equal(mm_fork(p->mm, &child->mm), 0);
}

static void step(struct proc *p)
{
    struct proc *q = &proc[test_random(PROCESSES)];

    if (!p->mm) {
        start(p, (unsigned)test_random(PROGRAMS));
        return;
    }
    switch (test_random(6)) {
    case 0: end(p); break;
    case 1:
        if (!q->mm)
            fork_into(p, q);
        break;
    case 2: check(p); break;
    default: write_some(p);
    }
}

static int setup(void **state)
{
    mm_setup(state);
    test_super.flags = SUPER_HOST;
    for (int i = 0; i < PROGRAMS; i++) {
        test_file_new(i, O_RDONLY, IMAGE_MAX * K)->file.inode = &inode[i];
        for (size_t k = 0; k < IMAGE_MAX * K; k++)
            test_fd[i]->data[k] ^= (unsigned char)(0x11 * (i + 1));
    }
    test_file_new(LIBRARY, O_RDONLY, LIBRARY_PAGES * K)->file.inode = &inode[PROGRAMS];
    for (int i = 0; i <= PROGRAMS; i++)
        inode[i] = (struct inode){.super = &test_super, .ref = {1}};
    mm_leave(mm);
    process.mm = mm = NULL;
    thread.turn = NULL;
    return 0;
}

static int teardown(void **state)
{
    for (int i = 0; i < PROCESSES; i++)
        if (proc[i].mm)
            end(&proc[i]);
    while (kept_drop_oldest())
        continue;
    test_super.flags = 0;
    for (int i = 0; i < PROGRAMS; i++)
        test_file_close(i);
    test_file_close(LIBRARY);
    assert_int_equal(pagemap_resident(USER_MIN, TEST_PAGES), 0);
    process.mm = mm = mm_fresh();
    assert_non_null(mm);
    thread.turn = &mm->turn;
    return mm_teardown(state);
}

static void test_random_processes(void **state)
{
    (void)state;
    for (int i = 0; i < STEPS; i++)
        step(&proc[test_random(PROCESSES)]);
    for (int i = 0; i < PROCESSES; i++)
        if (proc[i].mm)
            check(&proc[i]);
    assert_int_equal(warnings, 0);
}

/* The same in homes, which programs take over from each other. */
static void test_random_homes(void **state)
{
    pie = true;
    test_random_processes(state);
    pie = false;
    assert_in_range(borrowed, STEPS / 100, STEPS);
}

/* How many pages of its image a start reads. */
static uint64_t pages_of_start(struct proc *p, unsigned program)
{
    uint64_t before = test_fd[program]->pages_read;

    start(p, program);
    return test_fd[program]->pages_read - before;
}

/* The only process of a program leaves its text to the next one, which reads its data only. */
static void test_again(void **state)
{
    (void)state;
    assert_int_equal(pages_of_start(&proc[0], 0), image[0].all);
    end(&proc[0]);
    assert_int_equal(pages_of_start(&proc[0], 0), image[0].all - image[0].text);
    write_some(&proc[0]);
    end(&proc[0]);
}

/* Text that both have is not read anew for the second, nor because one of them ends. */
static void test_both(void **state)
{
    (void)state;
    start(&proc[0], 0);
    assert_int_equal(pages_of_start(&proc[1], 0), image[0].all - image[0].text);
    end(&proc[0]);
    assert_int_equal(pages_of_start(&proc[2], 0), image[0].all - image[0].text);
    check(&proc[1]);
}

/* In a group a home is kept, too: the next of the program gets it, while the other lives. */
static void test_home(void **state)
{
    (void)state;
    start(&proc[0], 0);
    start(&proc[1], 1);
    uaddr_t library = proc[1].library;
    uint64_t pages = test_fd[LIBRARY]->pages_read;

    end(&proc[1]);
    start(&proc[1], 1);
    assert_int_equal(proc[1].library, library);
    /* Its data, for the mapping of the whole and for its own. */
    assert_in_range(test_fd[LIBRARY]->pages_read - pages, 0, 2 * (LIBRARY_PAGES - LIBRARY_TEXT));
    check(&proc[0]);
}

/* What is left of one program where another is linked for is the next owner's, for who has use for it. */
static void test_handed_over(void **state)
{
    (void)state;
    start(&proc[0], 0);
    end(&proc[0]);
    start(&proc[1], 2);
    end(&proc[1]);
    uint64_t lost = image[2].all, data = image[0].all - image[0].text;
    assert_int_equal(pages_of_start(&proc[0], 0), lost + data);
    end(&proc[0]);
    /* Who has nothing to do with it may have the addresses, too. */
    proc[0].mm = mm_fresh();
    process.mm = mm = proc[0].mm;
    thread.turn = &mm->turn;
    assert_int_equal(map_ok(BASE, IMAGE_MAX * K, RW, ANON | MAP_FIXED, -1, 0), BASE);
    for (size_t i = 0; i < IMAGE_MAX; i++) {
        assert_int_equal(touch(BASE + i * K, MM_READ), 0);
        assert_int_equal(*(unsigned char *)(BASE + i * K), 0);
    }
    end(&proc[0]);
}

static void test_changed(void **state)
{
    (void)state;
    start(&proc[0], 0);
    end(&proc[0]);
    test_fd[0]->mtime++;
    for (size_t i = 0; i < IMAGE_MAX * K; i++)
        test_fd[0]->data[i] ^= 0x55;
    start(&proc[0], 0);
    end(&proc[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_home, setup, teardown),
        cmocka_unit_test_setup_teardown(test_handed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_processes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_random_homes, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
