/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is remembered of the host's last answers: reads through the window against the file itself,
 * which others change (and the epoch ends); the last open, its fstat, and its way back from the
 * closing list.
 */
#include "kernel/vfs/test/stubs.h"

#include "kernel/fs/host/last.c"
#include "kernel/fs/host/window.c"
#include "kernel/vfs/uio.c"

#define MODEL_MAX 100000

static unsigned char model[MODEL_MAX];
static size_t model_size, short_piece; /* short_piece: reads of a file that programs make up */
static uint64_t epoch;
static unsigned exits;
static int closing_fd = -1;

uint64_t ocall_epoch(void)
{
    return epoch;
}

long ocall_pread(int fd, void *buf, size_t n, int64_t off)
{
    (void)fd;
    epoch++;
    exits++;
    if (short_piece)
        n = MIN(n, short_piece);
    if ((size_t)off >= model_size)
        return 0;
    n = MIN(n, model_size - (size_t)off);
    memcpy(buf, model + off, n);
    return (long)n;
}

bool ocall_close_cancel(int fd)
{
    bool found = fd == closing_fd;
    closing_fd = -1;
    return found;
}

bool mutex_trylock(struct mutex *m) NO_TSA
{
    if (m->held)
        return false;
    m->held = 1;
    return true;
}

void host_in(void *dst, haddr_t src, size_t n)
{
    memcpy(dst, (const void *)src, n);
}

void host_out(haddr_t dst, const void *src, size_t n)
{
    memcpy((void *)dst, src, n);
}

static int inode_puts;

void inode_put(struct inode *i)
{
    (void)i;
    inode_puts++;
}

static struct host_file file[2];

/* As regular_read does it. */
static size_t read_file(struct host_file *hf, unsigned char *buf, size_t n, int64_t off)
{
    struct uio_seg seg;
    struct uio u;
    int err = 0;
    uio_init_one(&u, &seg, (uaddr_t)buf, n);
    if (host_window_read(hf, &u, off, &err)) {
        assert_int_equal(err, 0);
        return u.done;
    }
    long got = ocall_pread(hf->fd, buf, n, off);
    host_window_note(hf, off, n, (size_t)got);
    return (size_t)got;
}

static void change_file(void)
{
    size_t old = model_size;
    model_size = (size_t)rand() % MODEL_MAX;
    for (int i = 0; i < 10; i++)
        model[rand() % MODEL_MAX] = (unsigned char)rand();
    if (model_size > old)
        memset(model + old, 0x55, model_size - old);
    epoch++; /* whoever knows of it has told us */
}

static void test_reads_are_the_files(void **state)
{
    static unsigned char buf[20000];
    int64_t pos = 0;
    (void)state;
    model_size = 50000;
    file[0].size = file[1].size = 50000;
    for (int round = 0; round < 50000; round++) {
        struct host_file *hf = &file[rand() % 8 == 0];
        size_t n = (size_t)rand() % (rand() % 4 ? 3000 : sizeof(buf)) + 1;
        if (rand() % 5 == 0)
            pos = rand() % (MODEL_MAX + 1000);
        if (rand() % 20 == 0)
            change_file();
        if (rand() % 50 == 0)
            file[0].size = (int64_t)model_size; /* an fstat, or none */
        if (rand() % 500 == 0)
            stub_now += 2 * OCALL_EPOCH_NS;
        size_t got = read_file(hf, buf, n, pos);
        size_t want = (size_t)pos >= model_size ? 0 : MIN(n, model_size - (size_t)pos);
        assert_int_equal(got, want);
        assert_memory_equal(buf, model + pos, got);
        pos += (int64_t)got;
    }
}

static void test_small_reads_cost_few_exits(void **state)
{
    unsigned char buf[512];
    (void)state;
    model_size = 65536;
    file[0].size = 65536;
    epoch++;
    exits = 0;
    for (int64_t pos = 0; pos < 65536; pos += 512)
        assert_int_equal(read_file(&file[0], buf, 512, pos), 512);
    assert_int_equal(read_file(&file[0], buf, 512, 65536), 0);
    assert_in_range(exits, 2, 4);
}

/* /proc-like: short pieces are not the end. */
static void test_short_pieces(void **state)
{
    unsigned char buf[4096];
    size_t total = 0, got;
    (void)state;
    model_size = 9000;
    short_piece = 1000;
    file[1].size = 0;
    epoch++;
    while ((got = read_file(&file[1], buf, sizeof(buf), (int64_t)total)))
        total += got;
    assert_int_equal(total, 9000);
    short_piece = 0;
}

static void test_last_open(void **state)
{
    struct inode dir = {0}, ino = {0}, *i;
    struct statx st = {.stx_size = 7}, got;
    (void)state;
    file[0].file.inode = &ino;
    ref_init(&ino.ref);
    file[0].fd = 42;
    host_last_opened(&dir, "name", O_RDONLY | O_CLOEXEC, &file[0], &st);
    assert_true(host_last_stat(&file[0], &got));
    assert_int_equal(got.stx_size, 7);
    assert_false(host_last_stat(&file[1], &got));
    host_last_closed(&file[0]);
    closing_fd = 42;
    assert_int_equal(host_last_reopen(&dir, "other", O_RDONLY, &i), -1);
    assert_int_equal(host_last_reopen(&dir, "name", O_RDONLY | O_TRUNC, &i), -1);
    assert_int_equal(host_last_reopen(&dir, "name", O_RDONLY, &i), 42);
    assert_ptr_equal(i, &ino);
    host_last_reopened(&file[1]);
    assert_int_equal(file[1].size, 7);
    assert_true(host_last_stat(&file[1], &got));
    epoch++;
    assert_false(host_last_stat(&file[1], &got));
    host_last_closed(&file[1]); /* too late */
    assert_int_equal(host_last_reopen(&dir, "name", O_RDONLY, &i), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_are_the_files),
        cmocka_unit_test(test_small_reads_cost_few_exits),
        cmocka_unit_test(test_short_pieces),
        cmocka_unit_test(test_last_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
