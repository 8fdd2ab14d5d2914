/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a guest maps, as base (files.c) and satellite (far.c) know them: one number means the same file to both,
 * whatever is under way between them, and what the satellite has no more the base gives up.
 */
#include "kernel/mm/test/stubs.h"

#ifndef S_ISREG
#define S_ISREG(mode) (((mode)&S_IFMT) == 0100000)
#endif
#include "kernel/satellite/far.c"
#include "kernel/satellite/files.c"

#define FILES 6
#define HOLDS 12
#define STEPS 20000

static struct super super = {.type = "test"};
static struct inode inode[FILES];
static struct file base_file[FILES];
static struct satellite satellite;
static unsigned long allocated;

/* What the satellite has sent and the base has not received. */
static struct message {
    struct wire_head head;
    struct wire_map map;
} on_its_way[64];
static unsigned waiting;
static char letter[LINK_MAX];
static size_t letter_len;

/* --- the rest of the kernel ---------------------------------------------------------------- */

void panic(const char *fmt, ...)
{
    fprintf(stderr, "panic: %s\n", fmt);
    abort();
}

void *kzalloc(size_t n)
{
    allocated++;
    return calloc(1, n);
}

void kfree(void *p)
{
    allocated -= p != NULL;
    free(p);
}

void *kpages_alloc_any(size_t n)
{
    static char box[LINK_ROOM];
    assert_true(n * PAGE_SIZE <= sizeof(box));
    return box;
}

void inode_init(struct inode *i, struct super *sb, const struct inode_ops *ops, uint32_t mode,
                uint64_t ino)
{
    *i = (struct inode){.ref = {1}, .super = sb, .ops = ops, .mode = mode, .ino = ino};
}

void file_init(struct file *f, const struct file_ops *ops, uint32_t flags)
{
    *f = (struct file){.ref = {1}, .ops = ops, .flags = flags};
}

void file_put(struct file *f)
{
    assert_true(f->ref.count > 0);
    if (--f->ref.count)
        return;
    assert_ptr_equal(f->ops, &far_ops); /* the base's have a descriptor */
    f->ops->release(f);
    f->inode->ops->free(f->inode);
    kfree(f);
}

int file_stat(struct file *f, struct statx *st)
{
    *st = (struct statx){.stx_ino = f->inode->ino, .stx_mode = 0100644, .stx_size = 4 * PAGE_SIZE};
    return 0;
}

int file_read_exact(struct file *f, void *buf, size_t n, int64_t off)
{
    if (off + n > 4 * PAGE_SIZE)
        return -EIO;
    memset(buf, (int)f->inode->ino, n);
    return 0;
}

int uio_put(struct uio *u, const void *src, size_t n)
{
    memcpy((void *)u->seg->base, src, n);
    return 0;
}

static int can_mmap(struct file *f, unsigned prot, unsigned flags)
{
    (void)f;
    (void)prot;
    (void)flags;
    return 0;
}
static const struct file_ops base_ops = {.mmap = can_mmap};

int fd_lookup(int fd, bool path_ok, struct file **out)
{
    (void)path_ok;
    if (fd < 0 || fd >= FILES)
        return -EBADF;
    *out = file_get(&base_file[fd]);
    return 0;
}

int64_t mmap_file(struct file *f, uaddr_t addr, size_t len, unsigned long prot, unsigned long flags,
                  uint64_t off)
{
    (void)f;
    (void)addr;
    (void)len;
    (void)prot;
    (void)flags;
    (void)off;
    return 0x1000000;
}

void turn_back(void)
{
}

void turn_give_up(void)
{
}

/* --- the link ------------------------------------------------------------------------------ */

int link_send(struct link *l, const void *head, size_t head_len, const void *body, size_t n)
{
    (void)l;
    assert_true(head_len + n <= sizeof(letter));
    memcpy(letter, head, head_len);
    memcpy(letter + head_len, body, n);
    letter_len = head_len + n;
    return 0;
}

void guest_send(const struct wire_head *h, const void *body, size_t n)
{
    assert_in_range(waiting, 0, ARRAY_SIZE(on_its_way) - 1);
    struct message *m = &on_its_way[waiting++];
    m->head = *h;
    if (n)
        memcpy(&m->map, body, sizeof(m->map));
}

/* The base takes the first message. */
static void base_take(void)
{
    struct message m = on_its_way[0];
    static char room[WIRE_DATA_MAX];
    struct {
        struct wire_head head;
        struct wire_map map;
    } in = {m.head, m.map};

    memmove(&on_its_way[0], &on_its_way[1], --waiting * sizeof(m));
    switch (m.head.kind) {
    case WIRE_FORGET:
        known_file_forget(&satellite, (uint32_t)m.head.arg[0], (uint32_t)m.head.arg[1]);
        break;
    case WIRE_READ: assert_int_equal(known_file_read(&satellite, &m.head, room), 0); break;
    case WIRE_MAP: assert_int_equal(known_file_map(&satellite, &in.head, sizeof(in)), 0); break;
    default: fail();
    }
}

uint64_t names_epoch(void)
{
    return 1;
}

void ahead_stale(void)
{
}

void answers_heard(uint64_t epoch)
{
    (void)epoch;
}

bool guest_ended(void)
{
    return false;
}

bool guest_note(const struct letter *l)
{
    (void)l;
    return false;
}

void guest_next(struct letter *l)
{
    letter_len = 0;
    while (!letter_len)
        base_take();
    memcpy(l->data, letter, letter_len);
    l->n = letter_len;
}

/* --- tests --------------------------------------------------------------------------------- */

static int setup(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        inode[i] =
            (struct inode){.ref = {1}, .super = &super, .mode = 0100644, .ino = (uint64_t)i + 1};
        base_file[i] = (struct file){.ref = {1}, .ops = &base_ops, .inode = &inode[i]};
    }
    memset(&satellite, 0, sizeof(satellite));
    waiting = 0;
    return 0;
}

/* Everything has arrived, and nobody has anything. */
static int teardown(void **state)
{
    (void)state;
    while (waiting)
        base_take();
    for (int i = 0; i < FILES; i++)
        assert_int_equal(base_file[i].ref.count, 1);
    for (unsigned i = 0; i < WIRE_FILES; i++)
        assert_null(satellite.files[i].file);
    assert_int_equal(allocated, 0);
    return 0;
}

/* The base tells of a file, as with a region; the satellite has it. */
static struct file *tell(int i)
{
    struct wire_file w;

    assert_int_equal(known_file_tell(&satellite, &base_file[i], false, &w), 0);
    struct file *f = far_file(&w);
    assert_non_null(f);
    return f;
}

static void check(struct file *f, int i)
{
    struct uio_seg seg;
    struct uio u = {.seg = &seg, .nseg = 1, .left = 16};
    struct wire_file w;
    char buf[16];
    int64_t pos = 8;

    assert_int_equal(f->inode->ino, i + 1);
    far_file_tell(f, &w);
    assert_ptr_equal(known_file_get(&satellite, w.id), &base_file[i]);
    seg = (struct uio_seg){.base = (uaddr_t)buf, .len = 16};
    assert_int_equal(f->ops->read(f, &u, &pos), 0);
    assert_int_equal(pos, 24);
    assert_int_equal(buf[0], i + 1);
}

/* It is told again while word is under way that it is had no more. */
static void test_told_again(void **state)
{
    (void)state;
    struct file *f = tell(2);
    check(f, 2);
    file_put(f);
    assert_int_equal(waiting, 1);
    f = tell(2);
    base_take();
    check(f, 2);
    file_put(f);
    base_take();
    assert_int_equal(base_file[2].ref.count, 1);
    /* The number is another's then. */
    f = tell(3);
    check(f, 3);
    file_put(f);
}

/* A mapping that can only be made at home leaves nothing here. */
static void test_map(void **state)
{
    struct wire_map m = {.len = PAGE_SIZE, .prot = PROT_READ, .flags = MAP_PRIVATE};
    struct file *f = NULL, *same = NULL;

    (void)state;
    assert_int_equal(far_file_map(1, &m, &f), 0);
    check(f, 1);
    m.flags = MAP_SHARED;
    assert_int_equal(far_file_map(1, &m, &same), 0x1000000);
    assert_ptr_equal(same, f);
    file_put(same);
    m.prot |= PROT_WRITE;
    assert_int_equal(far_file_map(1, &m, &same), -EAGAIN);
    check(f, 1);
    file_put(f);
    assert_int_equal(far_file_map(4, &m, &same), -EAGAIN);
    assert_int_equal(far_file_map(FILES, &m, &same), -EBADF);
    assert_int_equal(far_file_map(-1, &m, &same), -EBADF);
}

/* More than there are numbers for; and numbers that were not given. */
static void test_numbers(void **state)
{
    static struct inode many_inode[WIRE_FILES + 1];
    static struct file many[WIRE_FILES + 1];
    struct wire_file w;

    (void)state;
    for (unsigned i = 0; i <= WIRE_FILES; i++) {
        many_inode[i] = (struct inode){.super = &super};
        many[i] = (struct file){.ref = {1}, .inode = &many_inode[i]};
        int err = known_file_tell(&satellite, &many[i], false, &w);
        assert_int_equal(err, i < WIRE_FILES ? 0 : -ENFILE);
        assert_int_equal(w.id, i < WIRE_FILES ? i + 1 : 0);
    }
    assert_null(known_file_get(&satellite, 0));
    assert_null(known_file_get(&satellite, WIRE_FILES + 1));
    known_file_forget(&satellite, 0, 1);
    known_file_forget(&satellite, WIRE_FILES + 1, 1);
    known_file_forget(&satellite, 1, 2);
    assert_ptr_equal(known_file_get(&satellite, 1), &many[0]);
    known_files_drop(&satellite);
    for (unsigned i = 0; i <= WIRE_FILES; i++)
        assert_int_equal(many[i].ref.count, 1);
    w.id = 0;
    assert_null(far_file(&w));
    w.id = WIRE_FILES + 1;
    assert_null(far_file(&w));
}

static void test_random_files(void **state)
{
    static struct {
        struct file *f;
        int i;
    } hold[HOLDS];

    (void)state;
    for (int step = 0; step < STEPS; step++) {
        int h = (int)test_random(HOLDS), i = (int)test_random(FILES);
        if (waiting > 40 || (waiting && !test_random(3))) {
            base_take();
        } else if (hold[h].f) {
            if (!test_random(8))
                check(hold[h].f, hold[h].i);
            file_put(hold[h].f);
            hold[h].f = NULL;
        } else {
            const struct wire_map m = {.len = PAGE_SIZE,
                                       .prot = test_random(2) ? PROT_READ | PROT_WRITE : PROT_READ,
                                       .flags = test_random(2) ? MAP_SHARED : MAP_PRIVATE};
            hold[h].i = i;
            if (test_random(3))
                hold[h].f = tell(i);
            else if (far_file_map(i, &m, &hold[h].f) < 0)
                hold[h].f = NULL;
        }
    }
    for (int h = 0; h < HOLDS; h++) {
        if (!hold[h].f)
            continue;
        check(hold[h].f, hold[h].i);
        file_put(hold[h].f);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_told_again), TEST(test_map), TEST(test_numbers),
                                       TEST(test_random_files)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
