/* SPDX-License-Identifier: Apache-2.0 */
/* What a hostile host may say of files: directory records, attributes, link texts. */
#include "kernel/vfs/test/stubs.h"

#include "kernel/fs/host/check.c"

/* Appends a record; returns its start. */
static size_t record(char *buf, size_t at, uint64_t ino, int64_t off, uint16_t reclen, uint8_t type,
                     const char *name, size_t namelen)
{
    memcpy(buf + at, &ino, 8);
    memcpy(buf + at + 8, &off, 8);
    memcpy(buf + at + 16, &reclen, 2);
    buf[at + 18] = (char)type;
    memcpy(buf + at + 19, name, namelen);
    return at;
}

static void test_good_records(void **state)
{
    char buf[128] = {0};
    struct host_dirent e;
    size_t pos = 0;
    (void)state;
    record(buf, 0, 11, 100, 24, 8, "one", 4);
    record(buf, 24, 12, -5, 32, 99, "longer-name", 12);
    record(buf, 56, 13, 300, 24, 8, "..", 3);
    assert_int_equal(host_dirent_next(buf, 80, &pos, &e), 1);
    assert_string_equal(e.name, "one");
    assert_int_equal(e.len, 3);
    assert_int_equal(e.ino, 11);
    assert_int_equal(e.type, 8);
    assert_int_equal(host_dirent_next(buf, 80, &pos, &e), 1);
    assert_string_equal(e.name, "longer-name");
    assert_int_equal(e.type, 0); /* no such type */
    assert_true(e.next >= 0);    /* a position that lseek can name */
    assert_int_equal(host_dirent_next(buf, 80, &pos, &e), 1);
    assert_int_equal(e.type, 4); /* ".." is a directory whatever the host says */
    assert_int_equal(pos, 80);
    assert_int_equal(host_dirent_next(buf, 80, &pos, &e), 0);
}

/* Each record alone, in a heap block of exactly n bytes, so that reading beyond it is caught. */
static int one(const char *bytes, size_t n)
{
    struct host_dirent e;
    size_t pos = 0;
    char *copy = malloc(n);
    memcpy(copy, bytes, n);
    int ret = host_dirent_next(copy, n, &pos, &e);
    if (ret == 1) {
        assert_true(pos <= n);
        assert_int_equal(strlen(e.name), e.len);
    }
    free(copy);
    return ret;
}

static void test_hostile_records(void **state)
{
    char buf[512] = {0}, name[300];
    (void)state;
    memset(name, 'n', sizeof(name));
    record(buf, 0, 1, 1, 24, 8, "ok", 3);
    assert_int_equal(one(buf, 24), 1);
    for (size_t n = 1; n < 24; n++)
        assert_int_equal(one(buf, n), -EIO); /* cut off */
    record(buf, 0, 1, 1, 0, 8, "ok", 3);
    assert_int_equal(one(buf, 24), -EIO); /* would never end */
    record(buf, 0, 1, 1, 19, 8, "ok", 3);
    assert_int_equal(one(buf, 24), -EIO); /* no room for a name */
    record(buf, 0, 1, 1, 25, 8, "ok", 3);
    assert_int_equal(one(buf, 24), -EIO); /* beyond the buffer */
    record(buf, 0, 1, 1, 24, 8, "", 1);
    assert_int_equal(one(buf, 24), -EIO); /* empty name */
    record(buf, 0, 1, 1, 24, 8, "a/b", 4);
    assert_int_equal(one(buf, 24), -EIO); /* a path */
    record(buf, 0, 1, 1, 24, 8, "abcde", 5);
    assert_int_equal(one(buf, 24), -EIO); /* no NUL within the record */
    record(buf, 0, 1, 1, 300, 8, name, 256);
    buf[19 + 256] = '\0';
    assert_int_equal(one(buf, 300), -EIO); /* longer than NAME_MAX */
    buf[19 + 255] = '\0';
    assert_int_equal(one(buf, 300), 1);
}

static struct statx good_stat(void)
{
    struct statx st = {.stx_mask = STATX_BASIC_STATS, .stx_mode = S_IFREG | 0644, .stx_size = 5};
    return st;
}

static void test_stat(void **state)
{
    struct statx st = good_stat();
    (void)state;
    st.stx_mtime.tv_nsec = 4000000000U;
    st.stx_blksize = 0;
    st.stx_attributes = ~0UL;
    assert_int_equal(host_stat_check(&st), 0);
    assert_true(st.stx_mtime.tv_nsec < 1000000000);
    assert_int_equal(st.stx_blksize, 4096);
    assert_int_equal(st.stx_attributes, 0);
    st = good_stat();
    st.stx_mask = STATX_TYPE;
    assert_int_equal(host_stat_check(&st), -EIO);
    st = good_stat();
    st.stx_mode = 0644;
    assert_int_equal(host_stat_check(&st), -EIO);
    st = good_stat();
    st.stx_mode = 0xf000 | 0644;
    assert_int_equal(host_stat_check(&st), -EIO);
    st = good_stat();
    st.stx_size = UINT64_MAX;
    assert_int_equal(host_stat_check(&st), -EIO);
}

static void test_link(void **state)
{
    (void)state;
    assert_int_equal(host_link_check("abc", 3, 10), 0);
    assert_int_equal(host_link_check("abc", 0, 10), -EIO);
    assert_int_equal(host_link_check("abc", -2, 10), -EIO);
    assert_int_equal(host_link_check("abc", 11, 10), -EIO);
    assert_int_equal(host_link_check("a\0c", 3, 10), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_records),
        cmocka_unit_test(test_hostile_records),
        cmocka_unit_test(test_stat),
        cmocka_unit_test(test_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
