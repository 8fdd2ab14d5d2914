/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host said of names, against a host whose files change.  Others change names at any time; once
 * the enclave has learned anything after a change, or a millisecond after it, the answer is the new one.
 * Descriptors are closed once, or used again for the file that they were opened on.
 */
#include "kernel/vfs/test/stubs.h"

#include "kernel/fs/host/said.c"

#define NAMES 600 /* more than there are places */
#define FDS 20000

static struct {
    uint64_t ino; /* 0: not there */
    int64_t size;
    ktime_t changed; /* by others */
} names[NAMES];

static uint64_t epoch = 1;
static ktime_t last_news;
static struct host_inode dir = {.serial = 1}, other_dir = {.serial = 2};
static int open_fds, live_inodes;
static uint64_t fd_ino[FDS]; /* 0: closed */
static uint32_t fd_ticket[FDS];
static bool fd_kept[FDS];

uint64_t ocall_epoch(void)
{
    return epoch;
}

void ocall_epoch_end(void)
{
    epoch++;
    last_news = stub_now;
}

static void model_close(int fd)
{
    assert_true(fd_ino[fd] != 0);
    fd_ino[fd] = 0;
    fd_kept[fd] = false;
    open_fds--;
}

void ocall_close_later(int fd)
{
    model_close(fd);
}

uint32_t ocall_close_keep(int fd)
{
    if (rand() % 10 == 0)
        return 0;
    fd_kept[fd] = true;
    fd_ticket[fd]++;
    return (uint32_t)fd | fd_ticket[fd] << 16;
}

int ocall_close_undo(uint32_t ticket)
{
    int fd = ticket & 0xffff;
    if (!fd_kept[fd] || fd_ticket[fd] != ticket >> 16)
        return -1;
    fd_kept[fd] = false;
    return fd;
}

/* The doorkeeper's own time is up. */
static void kept_close(void)
{
    for (int fd = 0; fd < FDS; fd++)
        if (fd_kept[fd])
            model_close(fd);
}

void inode_put(struct inode *i)
{
    if (ref_put(&i->ref)) {
        live_inodes--;
        free(i);
    }
}

static struct statx stat_of(int n)
{
    return (struct statx){
        .stx_ino = names[n].ino, .stx_size = (uint64_t)names[n].size, .stx_mode = S_IFREG | 0644};
}

static const char *name_of(int n)
{
    static char buf[80];
    /* Some are too long to be kept. */
    snprintf(buf, sizeof(buf), n % 50 ? "name%d" : "%060d", n);
    return buf;
}

static struct said_ref ask(int n, bool news, struct said_answer *a)
{
    *a = (struct said_answer){.asked = said_ask(), .news = news};
    a->st = stat_of(n);
    a->err = names[n].ino ? 0 : -ENOENT;
    /* Somebody changes it before the answer is noted, and tells; the answer must not stand. */
    if (rand() % 20 == 0) {
        names[n].size++;
        names[n].changed = stub_now;
        ocall_epoch_end();
    }
    return said_answer(&dir.inode, name_of(n), a);
}

/* Old answers are for those who have learned nothing since. */
static void check_age(int n, int err, const struct statx *st)
{
    bool is = names[n].ino
                  ? !err && st->stx_ino == names[n].ino && st->stx_size == (uint64_t)names[n].size
                  : err == -ENOENT;
    if (is)
        return;
    assert_true(last_news <= names[n].changed);
    assert_true(stub_now - names[n].changed < OCALL_EPOCH_NS);
}

static void try_stat(int n)
{
    struct statx st;
    struct said_answer a;
    int err;
    if (said_stat(&dir.inode, name_of(n), &st, &err))
        check_age(n, err, &st);
    else
        ask(n, false, &a);
}

struct opened {
    int fd;
    struct inode *inode;
    struct said_ref ref;
};

static bool try_open(int n, struct opened *f)
{
    struct said_open o;
    struct said_answer a;
    if (said_open(&dir.inode, name_of(n), &o)) {
        struct statx st = {.stx_size = (uint64_t)(o.err ? 0 : o.size),
                           .stx_ino = o.err ? 0 : fd_ino[o.fd]};
        check_age(n, o.err, &st);
        if (o.err)
            return false;
        assert_int_equal(o.inode->ino, fd_ino[o.fd]);
        *f = (struct opened){o.fd, o.inode, o.ref};
        return true;
    }
    f->ref = ask(n, false, &a);
    if (a.err)
        return false;
    f->fd = 1;
    while (fd_ino[f->fd])
        f->fd++;
    assert_true(f->fd < FDS);
    fd_ino[f->fd] = a.st.stx_ino;
    open_fds++;
    f->inode = calloc(1, sizeof(*f->inode));
    ref_init(&f->inode->ref);
    f->inode->ino = a.st.stx_ino;
    live_inodes++;
    return true;
}

static void close_file(struct opened *f)
{
    struct statx st;
    enum said_known known = said_file(f->ref, &st);
    if (known != SAID_NOTHING)
        assert_int_equal(st.stx_ino, f->inode->ino);
    if (said_keep(f->ref, f->fd, f->inode))
        return;
    model_close(f->fd);
    inode_put(f->inode);
}

static void change(int n)
{
    names[n].ino = rand() % 3 ? (uint64_t)rand() + 1 : 0;
    names[n].size = rand();
    names[n].changed = stub_now;
}

static void test_answers_are_no_older_than_the_last_news(void **state)
{
    (void)state;
    static struct opened files[100];
    static bool is_open[100];
    for (int n = 0; n < NAMES; n++)
        change(n);
    for (int round = 0; round < 400000; round++) {
        int n = rand() % 4 ? rand() % 20 : rand() % NAMES, f = rand() % 100;
        stub_now += rand() % 30000;
        switch (rand() % 12) {
        case 0: change(n); break;
        case 1:
            if (rand() % 16 == 0)
                ocall_epoch_end();
            break;
        case 2:
            if (rand() % 16 == 0) {
                said_read();
                last_news = stub_now;
            }
            break;
        case 3:
            if (rand() % 64 == 0)
                kept_close();
            break;
        case 4:
        case 5:
        case 6:
        case 7:
            if (is_open[f])
                close_file(&files[f]);
            is_open[f] = !is_open[f] && try_open(n, &files[f]);
            break;
        default: try_stat(n); break;
        }
    }
    for (int f = 0; f < 100; f++)
        if (is_open[f])
            close_file(&files[f]);
    kept_close();
    assert_int_equal(open_fds, 0);
    assert_true(live_inodes <= SETS * WAYS);
}

static bool stands_now(const char *name)
{
    struct statx st;
    int err;
    return said_stat(&dir.inode, name, &st, &err);
}

static void test_the_same_answer_is_no_news(void **state)
{
    (void)state;
    struct said_answer a = {.st = {.stx_ino = 7}}, b = {.st = {.stx_ino = 8}};
    a.asked = said_ask();
    said_answer(&dir.inode, "a", &a);
    b.asked = said_ask();
    said_answer(&dir.inode, "b", &b); /* news: what is known of a is old */
    assert_true(stands_now("b"));
    assert_false(stands_now("a"));
    a.asked = said_ask();
    said_answer(&dir.inode, "a", &a);
    assert_true(stands_now("b"));
    assert_true(stands_now("a"));
    struct statx st;
    int err;
    assert_false(said_stat(&other_dir.inode, "a", &st, &err));
    b.asked = said_ask();
    b.st.stx_size++;
    said_answer(&dir.inode, "b", &b);
    assert_false(stands_now("a"));
    stub_now += OCALL_EPOCH_NS;
    assert_false(stands_now("b"));
}

/* An error that may depend on how it was asked is never given again. */
static void test_other_errors_are_asked_again(void **state)
{
    (void)state;
    struct said_answer a = {.err = -EACCES};
    a.asked = said_ask();
    said_answer(&dir.inode, "denied", &a);
    assert_false(stands_now("denied"));
    a = (struct said_answer){.asked = said_ask(), .st = {.stx_ino = 9}};
    said_answer(&dir.inode, "denied", &a);
    assert_true(stands_now("denied"));
    a = (struct said_answer){.asked = said_ask(), .err = -EIO};
    said_answer(&dir.inode, "denied", &a);
    assert_false(stands_now("denied"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_no_older_than_the_last_news),
        cmocka_unit_test(test_the_same_answer_is_no_news),
        cmocka_unit_test(test_other_errors_are_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
