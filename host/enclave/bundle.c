/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens bundles.  The mapping is private and read-only: somebody who writes to the file meanwhile
 * can spoil this run (EINIT or the kernel refuses it), not more.
 */
#include "host/enclave/bundle.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi/host/layout.h"
#include "lib/sha256.h"

bool bundle_probe(int fd)
{
    char magic[8];
    return pread(fd, magic, sizeof magic, 0) == sizeof magic && !memcmp(magic, BUNDLE_MAGIC, 8);
}

void bundle_header_digest(const struct bundle_header *h, uint8_t digest[32])
{
    struct bundle_header copy = *h;
    memset(copy.header_sha256, 0, sizeof copy.header_sha256);
    sha256(&copy, sizeof copy, digest);
}

/* A part is followed by zeros up to the end of its page. */
static bool padding_ok(const struct bundle *b, uint64_t end)
{
    const uint8_t *p = b->map;
    for (; end % PAGE_SIZE && end < b->map_len; end++)
        if (p[end])
            return false;
    return true;
}

static bool part_ok(const struct bundle *b, uint64_t off, uint64_t len)
{
    return off >= sizeof *b->head && off % PAGE_SIZE == 0 && off <= b->map_len &&
           len <= b->map_len - off;
}

static const char *check_header(const struct bundle *b)
{
    const struct bundle_header *h = b->head;
    if (memcmp(h->magic, BUNDLE_MAGIC, 8) != 0)
        return "not a bundle";
    if (h->version != BUNDLE_VERSION || h->header_size != sizeof *h)
        return "made by another version of Cella; sign the manifest again";
    if (h->file_size != b->map_len)
        return "truncated or extended";
    if (!part_ok(b, h->config_off, h->config_len) ||
        !part_ok(b, h->sigstruct_off, SIGSTRUCT_SIZE) || !part_ok(b, h->leaves_off, h->leaves_len))
        return "damaged header";
    uint8_t digest[32];
    bundle_header_digest(h, digest);
    if (memcmp(digest, h->header_sha256, sizeof digest) != 0 || !memchr(h->base, 0, sizeof h->base))
        return "damaged header";
    if (!padding_ok(b, sizeof *h) || !padding_ok(b, h->config_off + h->config_len) ||
        !padding_ok(b, h->sigstruct_off + SIGSTRUCT_SIZE))
        return "damaged padding";
    return NULL;
}

static const char *check_parts(struct bundle *b)
{
    const struct bundle_header *h = b->head;
    const uint8_t *p = b->map;
    const char *why;
    if (config_check_front(&b->config, p + h->config_off, h->config_len, &why))
        return why;
    b->sigstruct = (const void *)(p + h->sigstruct_off);
    if (!sigstruct_check(b->sigstruct, &why))
        return why;
    b->leaves = p + h->leaves_off;
    b->leaves_len = h->leaves_len;
    if (b->config.head->leaves_len != h->leaves_len)
        return "the leaf hashes do not belong to the configuration";
    return NULL;
}

int bundle_open(struct bundle *b, int fd, const char **why)
{
    struct stat st;
    *b = (struct bundle){0};
    *why = NULL;
    if (fstat(fd, &st))
        return -errno;
    *why = "truncated";
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct bundle_header))
        return -EINVAL;
    b->map_len = (size_t)st.st_size;
    b->map = mmap(NULL, b->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (b->map == MAP_FAILED) {
        *why = NULL;
        return -errno;
    }
    b->head = b->map;
    *why = check_header(b);
    if (!*why)
        *why = check_parts(b);
    if (!*why)
        return 0;
    bundle_close(b);
    return -EINVAL;
}

int bundle_check_config(struct bundle *b, const char **why)
{
    return config_check(&b->config, b->config.head, b->head->config_len, why);
}

void bundle_close(struct bundle *b)
{
    if (b->map && b->map != MAP_FAILED)
        munmap(b->map, b->map_len);
    *b = (struct bundle){0};
}
