/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The enclaves of this process: one for each open handle or live mapping.  A struct encl is reused
 * but never unmapped, so that a thread inside an enclave that is torn down faults instead of
 * crashing us.
 */
#include "softsgx/pages/prot.h"
#include "softsgx/softsgx.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct lock encl_list_lock;
static struct encl *encl_list, *encl_free_list;
static struct arena encl_pool;

static __thread char why_text[160];

int why(int err, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why_text, sizeof(why_text), fmt, ap);
    va_end(ap);
    return err;
}

const char *softsgx_why(void)
{
    return why_text;
}

static uint64_t fd_inode(int fd)
{
    struct stat st;
    return fstat(fd, &st) ? 0 : st.st_ino;
}

struct encl *encl_new(int fd)
{
    uint64_t mask = lock_take_host(&encl_list_lock);
    struct encl *e = encl_free_list;
    if (e)
        encl_free_list = e->next;
    else
        e = arena_alloc(&encl_pool, sizeof(*e));
    if (e) {
        *e = (struct encl){.fd = fd, .ino = fd_inode(fd), .next = encl_list};
        e->attributes_allowed = ATTR_DEBUG | ATTR_MODE64BIT | ATTR_KSS;
        __atomic_store_n(&encl_list, e, __ATOMIC_RELEASE);
    }
    lock_drop_host(&encl_list_lock, mask);
    return e;
}

void encl_put(struct encl *e)
{
    struct encl **p = &encl_list;
    if (e->fd >= 0 || e->vma_count)
        return;
    while (*p != e)
        p = &(*p)->next;
    *p = e->next;
    while (e->tcs_list)
        tcs_free(e, e->tcs_list->addr);
    mem_unmap(e->shadow, e->size);
    stage_free(e);
    mem_unmap(e->vmas, e->vma_max * sizeof(struct vma));
    arena_free(&e->arena);
    *e = (struct encl){.fd = -1, .next = encl_free_list};
    encl_free_list = e;
}

/* No lock: structs stay mapped, and one that is being freed has no fd. */
struct encl *encl_of_fd(int fd)
{
    struct encl *e = __atomic_load_n(&encl_list, __ATOMIC_ACQUIRE);
    while (e && fd >= 0 && __atomic_load_n(&e->fd, __ATOMIC_RELAXED) != fd)
        e = __atomic_load_n(&e->next, __ATOMIC_ACQUIRE);
    return fd >= 0 ? e : NULL;
}

/* For the preloaded library: the program may have closed or replaced the descriptor unseen. */
bool softsgx_owns(int fd)
{
    const struct encl *e = encl_of_fd(fd);
    return e && e->ino == fd_inode(fd);
}

void encl_fork_prepare(void)
{
    uint64_t mask = lock_take_host(&encl_list_lock);
    for (struct encl *e = encl_list; e; e = e->next) {
        for (uint32_t i = 0; i < e->vma_count; i++)
            madvise((void *)e->vmas[i].start, e->vmas[i].end - e->vmas[i].start, MADV_DONTFORK);
        if (e->shadow)
            madvise(e->shadow, e->size, MADV_DONTFORK);
        stage_fork_prepare(e);
    }
    lock_drop_host(&encl_list_lock, mask);
}

struct encl *encl_of_addr(uint64_t addr)
{
    lock_take(&encl_list_lock);
    struct encl *e = encl_list;
    while (e && !encl_contains(e, addr, 1))
        e = e->next;
    lock_drop(&encl_list_lock);
    return e;
}

struct encl *encl_of_vma(uint64_t start, uint64_t end)
{
    for (struct encl *e = encl_list; e; e = e->next)
        for (uint32_t i = 0; i < e->vma_count; i++)
            if (e->vmas[i].start < end && start < e->vmas[i].end)
                return e;
    return NULL;
}
