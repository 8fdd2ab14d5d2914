/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads through the window against the file itself, which others truncate, extend and rewrite.  A change
 * comes with news from the host (the epoch ends), as everything that the enclave can learn does;
 * a mapping shows zeros behind the end in the last page, and faults on the pages after it.
 */
#include "kernel/vfs/test/stubs.h"

#include "kernel/fs/host/window.c"

#define MODEL_MAX 200000

static unsigned char model[MODEL_MAX + PAGE_SIZE];
static int64_t model_size;
static uint64_t epoch;
static unsigned exits, maps, unmaps;
static bool refuse_map;

uint64_t ocall_epoch(void)
{
    return epoch;
}

void ocall_epoch_end(void)
{
    epoch++;
}

static unsigned reads_seen;

void said_read(void)
{
    reads_seen++;
}

int64_t ocall_size(int fd)
{
    (void)fd;
    exits++;
    return model_size;
}

/* Address 1 MiB stands for the file's first byte. */
#define BASE (1UL << 20)

int64_t ocall_map(int fd, int64_t off, size_t len)
{
    (void)fd;
    (void)len;
    epoch++;
    exits++;
    if (refuse_map)
        return -ENOMEM;
    maps++;
    return (int64_t)BASE + off;
}

void ocall_unmap(haddr_t addr, size_t len)
{
    (void)addr;
    (void)len;
    epoch++;
    exits++;
    unmaps++;
}

bool mutex_trylock(struct mutex *m) NO_TSA
{
    if (m->held)
        return false;
    m->held = 1;
    return true;
}

int uio_put_host(struct uio *u, haddr_t src, size_t n)
{
    int64_t off = (int64_t)(src - BASE), mapped = ALIGN_UP(model_size, (int64_t)PAGE_SIZE);
    size_t good = off >= mapped ? 0 : MIN(n, (size_t)(mapped - off));
    for (size_t i = 0; i < good; i++)
        ((unsigned char *)u->seg->base)[u->done + i] =
            off + (int64_t)i < model_size ? model[off + (int64_t)i] : 0;
    u->done += good;
    u->left -= good;
    return good < n ? -EFAULT : 0;
}

/* As regular_read does it. */
static size_t read_file(struct host_file *hf, unsigned char *buf, size_t n, int64_t off)
{
    struct uio_seg seg = {(uint64_t)buf, n};
    struct uio u = {.seg = &seg, .nseg = 1, .left = n};
    if (host_window_read(hf, &u, off))
        return u.done;
    size_t left = u.left, done = u.done;
    int64_t at = off + (int64_t)done;
    size_t got = at >= model_size ? 0 : MIN(left, (size_t)(model_size - at));
    memcpy(buf + done, model + at, got);
    epoch++;
    exits++;
    host_window_note(hf, at, left, got);
    return done + got;
}

static void change_file(void)
{
    int64_t old = model_size;
    model_size = rand() % MODEL_MAX;
    for (int i = 0; i < 10; i++)
        model[rand() % MODEL_MAX] = (unsigned char)rand();
    if (model_size > old)
        memset(model + old, 0x55, (size_t)(model_size - old));
    epoch++;
}

static struct host_file file[2];

static void test_reads_are_the_files(void **state)
{
    static unsigned char buf[20000];
    int64_t pos = 0;
    (void)state;
    model_size = 50000;
    file[0].size = file[1].size = 50000;
    for (int round = 0; round < 100000; round++) {
        struct host_file *hf = &file[rand() % 8 == 0];
        size_t n = (size_t)rand() % (rand() % 4 ? 3000 : sizeof(buf)) + 1;
        if (rand() % 5 == 0)
            pos = rand() % (MODEL_MAX + 1000);
        if (rand() % 30 == 0)
            change_file();
        if (rand() % 500 == 0)
            stub_now += 2 * OCALL_EPOCH_NS;
        refuse_map = rand() % 10 == 0;
        size_t got = read_file(hf, buf, n, pos);
        size_t want = pos >= model_size ? 0 : MIN(n, (size_t)(model_size - pos));
        assert_int_equal(got, want);
        assert_memory_equal(buf, model + pos, got);
        pos += (int64_t)got;
    }
    assert_true(maps > 0);
    host_window_drop(&file[0]);
    host_window_drop(&file[1]);
    assert_int_equal(maps, unmaps);
    refuse_map = false;
}

static void test_reads_need_no_exits(void **state)
{
    unsigned char buf[512];
    (void)state;
    model_size = 65536;
    file[0].size = 65536;
    exits = 0;
    for (int64_t pos = 0; pos < 65536; pos += 512)
        assert_int_equal(read_file(&file[0], buf, 512, pos), 512);
    assert_int_equal(read_file(&file[0], buf, 512, 65536), 0);
    assert_in_range(exits, 3, 12);
    host_window_drop(&file[0]);
}

/* Truncated without news: what is gone faults, and the host has the last word. */
static void test_truncated_behind_our_back(void **state)
{
    unsigned char buf[4096];
    (void)state;
    model_size = 100000;
    file[0].size = 100000;
    for (int i = 0; i < 8; i++)
        assert_int_equal(read_file(&file[0], buf, sizeof(buf), 4096 * i), sizeof(buf));
    model_size = 0;
    assert_int_equal(read_file(&file[0], buf, sizeof(buf), 8192), 0);
    assert_int_equal(file[0].win_base, 0);
}

/* /proc-like: no size, short pieces. */
static void test_no_size(void **state)
{
    unsigned char buf[4096];
    (void)state;
    model_size = 9000;
    file[1].size = 0;
    unsigned before = maps;
    for (int i = 0; i < 20; i++)
        assert_int_equal(read_file(&file[1], buf, 100, 0), 100);
    assert_int_equal(maps, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_are_the_files),
        cmocka_unit_test(test_reads_need_no_exits),
        cmocka_unit_test(test_truncated_behind_our_back),
        cmocka_unit_test(test_no_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
