/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzer: directory records, attributes and link texts as a hostile host may send them.  What passes the
 * checks must be what the VFS relies on.
 */
#include "kernel/fs/host/check.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        __builtin_trap();
}

static void records(const char *buf, size_t n)
{
    struct host_dirent e;
    size_t pos = 0, last = 0;
    while (host_dirent_next(buf, n, &pos, &e) == 1) {
        require(pos > last && pos <= n);
        last = pos;
        require(e.len > 0 && e.len <= NAME_MAX && strlen(e.name) == e.len && e.next >= 0);
        require(!memchr(e.name, '/', e.len));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct statx st = {0};
    records((const char *)data, size);
    memcpy(&st, data, MIN(size, sizeof(st)));
    if (!host_stat_check(&st)) {
        require(st.stx_size <= INT64_MAX && (st.stx_mode & S_IFMT) != 0);
        require(st.stx_mtime.tv_nsec < 1000000000U && st.stx_blksize >= 512);
    }
    if (size && !host_link_check((const char *)data, (long)size, size))
        require(!memchr(data, 0, size));
    return 0;
}
