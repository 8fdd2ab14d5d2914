/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tmpfs file with shared mappings, against an array of bytes: reads, writes, truncation, holes and seeks of
 * the file, and mappings with all rights that come, are touched and go.
 */
#include "kernel/fs/test/stubs.h"

#include "kernel/fs/test/shmem_stub.h"

#include "kernel/fs/pagetree.c"
#include "kernel/fs/tmpfs/copy.c"
#include "kernel/fs/tmpfs/data.c"
#define dir_lseek tmpfs_dir_lseek
#define dir_fsync tmpfs_dir_fsync
#include "kernel/fs/tmpfs/dir.c"
#include "kernel/fs/tmpfs/file.c"
#include "kernel/fs/tmpfs/inode.c"
#include "kernel/fs/tmpfs/memfd.c"
#include "kernel/fs/tmpfs/share.c"
#include "lib/hash.c"
#include "lib/tree.c"

#include <linux/falloc.h>

#define PAGES 40UL
#define SIZE (PAGES * PAGE_SIZE)
#define MAPPINGS 6

static uint64_t seed = 88172645463325252UL;

static uint64_t test_random(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static struct mapping {
    pgoff_t first, end; /* the same: none */
    uaddr_t addr;
    struct map_rights rights;
} mapping[MAPPINGS];

static struct super *sb;
static struct tmpfs_inode *ti;
static struct file *file;
static char model[SIZE]; /* bytes at or beyond the size are 0 */
static size_t size;

static int setup(void **state)
{
    struct inode *i;
    (void)state;
    stub_shmem_init(1000);
    assert_int_equal(tmpfs_mount(NULL, 0, &sb), 0);
    assert_int_equal(tmpfs_create(sb->root, "f", 0600, &i), 0);
    assert_int_equal(tmpfs_open(i, O_RDWR, &file), 0);
    ti = tmpfs_inode_of(i);
    inode_put(i);
    memset(model, 0, sizeof(model));
    memset(mapping, 0, sizeof(mapping));
    size = 0;
    return 0;
}

static int teardown(void **state)
{
    struct tmpfs_super *ts = container_of(sb, struct tmpfs_super, sb);
    (void)state;
    file_put(file);
    assert_int_equal(tmpfs_unlink(sb->root, "f", NULL), 0);
    assert_int_equal(ts->pages, 0);
    inode_put(sb->root);
    kfree(ts);
    stub_shmem_fini();
    assert_int_equal(stub_allocations, 0);
    return 0;
}

static void file_write_some(void)
{
    static char data[3 * PAGE_SIZE];
    struct stub_uio s;
    int64_t at = (int64_t)test_random(SIZE), pos = at;
    size_t n = test_random(MIN(sizeof(data), SIZE - (uint64_t)at)) + 1;
    for (size_t i = 0; i < n; i++)
        data[i] = (char)(test_random(4) ? test_random(255) + 1 : 0);
    stub_absent_from = (uaddr_t)data + test_random(2 * PAGE_SIZE);
    stub_absent_to = stub_absent_from + test_random(PAGE_SIZE);
    assert_int_equal(tmpfs_data_write(ti, stub_user(&s, data, n), &pos, false), 0);
    assert_int_equal(s.u.done, n);
    memcpy(model + at, data, n);
    size = MAX(size, (size_t)at + n);
}

static void file_read_some(void)
{
    static char data[3 * PAGE_SIZE];
    struct stub_uio s;
    int64_t at = (int64_t)test_random(SIZE), pos = at;
    size_t n = test_random(MIN(sizeof(data), SIZE - (uint64_t)at)) + 1;
    size_t want = (size_t)at < size ? MIN(n, size - (size_t)at) : 0;
    stub_absent_from = (uaddr_t)data + test_random(2 * PAGE_SIZE);
    stub_absent_to = stub_absent_from + test_random(PAGE_SIZE);
    assert_int_equal(tmpfs_data_read(ti, stub_user(&s, data, n), &pos), 0);
    assert_int_equal(s.u.done, want);
    assert_memory_equal(data, model + at, want);
}

static void file_cut(void)
{
    size_t to = test_random(SIZE);
    assert_int_equal(tmpfs_data_truncate(ti, (int64_t)to), 0);
    if (to < size)
        memset(model + to, 0, size - to);
    size = to;
}

static void file_punch(void)
{
    size_t at = test_random(SIZE), n = test_random(SIZE - at) + 1;
    int mode = test_random(2) ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
    assert_int_equal(tmpfs_data_fallocate(ti, mode | FALLOC_FL_KEEP_SIZE, (int64_t)at, (int64_t)n),
                     0);
    memset(model + at, 0, n);
}

/* What is not zero is data; a hole is zero; the end is where it should be. */
static void file_seek(void)
{
    int64_t at = (int64_t)test_random(SIZE);
    int64_t data = tmpfs_data_seek(ti, at, SEEK_DATA), hole = tmpfs_data_seek(ti, at, SEEK_HOLE);
    if ((size_t)at >= size) {
        assert_int_equal(data, -ENXIO);
        assert_int_equal(hole, -ENXIO);
        return;
    }
    for (size_t i = (size_t)at; i < (data < 0 ? size : (size_t)data); i++)
        assert_int_equal(model[i], 0);
    assert_true(hole >= at && (size_t)hole <= size);
}

static void map_some(struct mapping *m)
{
    int64_t addr;
    if (m->first != m->end)
        return;
    m->first = test_random(PAGES);
    m->end = m->first + 1 + test_random(PAGES - m->first);
    m->rights = (struct map_rights){(unsigned)test_random(8), test_random(2)};
    struct shmem *s;
    assert_int_equal(tmpfs_share(file, &s), 0);
    mutex_lock(&s->lock);
    addr = shmem_place(s, m->first, m->end - m->first,
                       test_random(4) ? 0 : STUB_LOW + test_random(100) * PAGE_SIZE);
    if (addr < 0) {
        assert_int_equal(addr, -EINVAL); /* mapped at another place */
        m->end = m->first;
    } else {
        m->addr = (uaddr_t)addr;
        assert_int_equal(mapcount_add(&s->maps, m->first, m->end, m->rights), 0);
        shmem_protect(s, m->first, m->end);
    }
    mutex_unlock(&s->lock);
}

static void unmap_some(struct mapping *m)
{
    struct shmem *s = &ti->shm;
    if (m->first == m->end)
        return;
    pgoff_t end = m->first + 1 + test_random(m->end - m->first);
    mutex_lock(&s->lock);
    assert_int_equal(mapcount_cut(&s->maps, m->first, end), 0);
    mapcount_del(&s->maps, m->first, end, m->rights);
    shmem_protect(s, m->first, end);
    shmem_window_idle(s, m->first, end);
    mutex_unlock(&s->lock);
    m->addr += (end - m->first) * PAGE_SIZE;
    m->first = end;
}

static void touch(const struct mapping *m)
{
    struct shmem *s = &ti->shm;
    if (m->first == m->end || !m->rights.prot)
        return;
    pgoff_t index = m->first + test_random(m->end - m->first);
    size_t off = test_random(PAGE_SIZE), at = index * PAGE_SIZE + off;
    char *p = (char *)(m->addr + (index - m->first) * PAGE_SIZE + off);
    unsigned access = m->rights.prot & MM_WRITE ? MM_WRITE : MM_READ, state;
    mutex_lock(&s->lock);
    shmem_run(s, index, 1, &state);
    if (!(state & PAGE_PRESENT)) {
        struct shmem_fill f = {.file = file, .need = index, .first = m->first};
        f.n = m->end - m->first;
        int err = tmpfs_fill(s, &f);
        assert_int_equal(err, index * PAGE_SIZE < size ? 0 : -EIO);
        if (err) {
            mutex_unlock(&s->lock);
            return;
        }
    }
    shmem_touch(s, index, access);
    mutex_unlock(&s->lock);
    assert_int_equal(*p, model[at]);
    if (access == MM_WRITE && at < size)
        *p = model[at] = (char)test_random(256);
}

static unsigned perm_wanted(pgoff_t index)
{
    unsigned prot = 0;
    for (int i = 0; i < MAPPINGS; i++)
        if (index >= mapping[i].first && index < mapping[i].end)
            prot |= mapping[i].rights.prot;
    return prot ? prot | EPAGE_R : 0;
}

static void check_pages(void)
{
    for (pgoff_t i = 0; i < PAGES; i++) {
        unsigned state;
        bool mapped = mapcount_any(&ti->shm.maps, i, i + 1);
        shmem_run(&ti->shm, i, 1, &state);
        if (!(state & PAGE_PRESENT))
            continue;
        assert_true(i * PAGE_SIZE < ALIGN_UP(size, PAGE_SIZE));
        assert_null(pagetree_get(&ti->pages, i));
        assert_int_equal(stub_perm(shmem_where(&ti->shm, i, 1)), state & PAGE_PERM);
        if (mapped)
            assert_int_equal(state & PAGE_PERM, perm_wanted(i));
    }
}

static void test_model(void **state)
{
    (void)state;
    for (int step = 0; step < 60000; step++) {
        struct mapping *m = &mapping[test_random(MAPPINGS)];
        switch (test_random(12)) {
        case 0: map_some(m); break;
        case 1: unmap_some(m); break;
        case 2: file_cut(); break;
        case 3: file_punch(); break;
        case 4: file_seek(); break;
        case 5:
        case 6: file_write_some(); break;
        case 7:
        case 8: file_read_some(); break;
        default: touch(m);
        }
        check_pages();
    }
    for (int i = 0; i < MAPPINGS; i++)
        while (mapping[i].first != mapping[i].end)
            unmap_some(&mapping[i]);
    file_read_some();
}

/* A file of a full file system does not grow by being touched. */
static void test_full(void **state)
{
    struct tmpfs_super *ts = container_of(sb, struct tmpfs_super, sb);
    struct shmem *s;
    (void)state;
    ts->max_pages = 10;
    assert_int_equal(tmpfs_data_truncate(ti, SIZE), 0);
    assert_int_equal(tmpfs_share(file, &s), 0);
    mutex_lock(&s->lock);
    assert_true(shmem_place(s, 0, PAGES, 0) > 0);
    struct shmem_fill f = {.file = file, .n = 10};
    assert_int_equal(tmpfs_fill(s, &f), 0);
    f = (struct shmem_fill){.file = file, .first = 10, .need = 10, .n = 1};
    assert_int_equal(tmpfs_fill(s, &f), -EIO);
    assert_int_equal(ts->pages, 10);
    /* Nor does it lose what it has where there is no memory to move it. */
    stub_fail_after = 0;
    assert_int_equal(shmem_evict(s, 0, PAGES), -ENOMEM);
    stub_fail_after = -1;
    assert_int_equal(shmem_evict(s, 0, PAGES), 0);
    assert_int_equal(ts->pages, 10);
    mutex_unlock(&s->lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
