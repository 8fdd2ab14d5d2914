/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer: the line discipline, with a heap and kernel memory for data in the way of the kernel's. */
#include "kernel/mm/heap.h"
#include "kernel/vfs/uio.h"

#include "kernel/fs/tty/test/anything.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* <stdlib.h> does not go with the kernel's headers. */
void *malloc(size_t n);
void free(void *p);

void *kmalloc(size_t n)
{
    return malloc(n);
}

void kfree(void *p)
{
    free(p);
}

void uio_init_kernel(struct uio *u, struct uio_seg *store, void *buf, size_t len)
{
    *store = (struct uio_seg){(uint64_t)buf, len};
    *u = (struct uio){.seg = store, .nseg = 1, .left = len, .kernel = true};
}

static char *next(struct uio *u, size_t *n)
{
    char *at = (char *)u->seg->base + u->done;
    *n = *n < u->left ? *n : u->left;
    u->done += *n;
    u->left -= *n;
    return at;
}

int uio_put(struct uio *u, const void *src, size_t n)
{
    char *at = next(u, &n);
    memcpy(at, src, n);
    return 0;
}

int uio_get(struct uio *u, void *dst, size_t n)
{
    char *at = next(u, &n);
    memcpy(dst, at, n);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ldisc_anything(data, size);
    return 0;
}
