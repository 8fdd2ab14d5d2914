/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct encl: an enclave, made by opening the device.
 *
 * States: open (size == 0), created (ECREATE done: pages may be added), initialized (EINIT done).
 * Lock order: encl_list_lock, then encl->lock.  Both are taken with asynchronous signals blocked,
 * or in a leaf, where they are deferred: so a handler never meets a lock that its own thread holds.
 *
 * EPC memory is private anonymous memory at the enclave's own addresses, wherever a VMA of the
 * device covers the page; elsewhere, and before it is first accessible, the page rests in `shadow`
 * (pages/prot.h).
 */
#ifndef SOFTSGX_ENCL_H
#define SOFTSGX_ENCL_H

#include "softsgx/arch.h"
#include "lib/sha256.h"
#include "softsgx/lock.h"
#include "softsgx/lp.h"
#include "softsgx/mem.h"
#include "softsgx/pages/epcm.h"
#include <stdbool.h>
#include <sys/types.h>

struct vma {
    uint64_t start, end;
    uint32_t prot; /* SI_R, SI_W, SI_X; the same values as PROT_* */
};

/* Pages [start, end) lie at mem as long as they are not in place (pages/stage.c). */
struct stage_run {
    uint64_t start, end;
    uint8_t *mem;
};

#define STAGE_ADDED_MAX 24

struct stage {
    struct stage_run run;                    /* that EACCEPTCOPY is making */
    struct stage_run added[STAGE_ADDED_MAX]; /* by EADD */
    unsigned int added_count;
    uint8_t *pool;         /* NULL: not made yet */
    uint8_t *next, *limit; /* of the pool, what has not been used */
    uint64_t last;         /* page that was filled in the shadow */
    uint64_t supplied;     /* … and up to here they have their memory */
};

/* Consecutive pages that were extended one after the other. */
struct row {
    uint64_t start, n;
    uint64_t expected; /* how many there were the last time */
};
#define ROWS 256

struct encl {
    struct lock lock;
    int ioctl_busy;   /* [a] Linux's SGX_ENCL_IOCTL */
    int fd;           /* -1 once closed */
    uint64_t ino;     /* of fd, to see that it has not been closed and reused behind our back */
    bool initialized; /* [l], as is all that follows */
    uint64_t base, size;
    uint64_t attributes_allowed;
    struct secs secs;
    struct sha256 sha; /* MRENCLAVE so far */
    uint8_t isv_ext_prod_id[16], isv_family_id[16];
    uint32_t xsave_size;
    struct arena arena;
    struct epcm epcm;
    struct vma *vmas; /* sorted, disjoint */
    uint32_t vma_count, vma_max, vma_hint;
    uint8_t *shadow;
    struct stage stage;
    struct tcs *tcs_list;
    uint64_t run_start, run_end; /* accepted pages that the host protection lags behind */
    struct row row;              /* of EMODPEs, the last one; pages/prot.h */
    struct row rows[ROWS];       /* earlier ones, by where they began */
    struct encl *next;
};

extern struct lock encl_list_lock;

/* A new enclave for fd, or NULL. */
struct encl *encl_new(int fd);

/* Frees it if it has neither a handle nor a mapping.  Caller holds encl_list_lock. */
void encl_put(struct encl *e);

/* Keeps a child that is about to be forked from getting the enclaves' memory. */
void encl_fork_prepare(void);

/* The enclave of fd, or NULL. */
struct encl *encl_of_fd(int fd);

/* The created enclave whose ELRANGE holds addr, or NULL. */
struct encl *encl_of_addr(uint64_t addr);

/* The first enclave with a VMA in [start, end), or NULL.  Caller holds encl_list_lock. */
struct encl *encl_of_vma(uint64_t start, uint64_t end);

static inline uint64_t encl_page(const struct encl *e, uint64_t addr)
{
    return (addr - e->base) >> PAGE_SHIFT;
}

static inline bool encl_contains(const struct encl *e, uint64_t addr, uint64_t len)
{
    return addr - e->base < e->size && len <= e->size - (addr - e->base);
}

/* Where the bytes of a page lie that are not in place. */
uint8_t *page_shelf(const struct encl *e, uint64_t page);

/* Where the page's bytes lie now. */
static inline void *encl_page_mem(const struct encl *e, uint64_t page, epcm_t entry)
{
    return (entry & EPCM_INPLACE) ? (uint8_t *)(e->base + (page << PAGE_SHIFT))
                                  : page_shelf(e, page);
}

/* pages/vma.c; all with e->lock held */
struct vma *vma_find(struct encl *e, uint64_t addr);
int vma_set(struct encl *e, uint64_t start, uint64_t end, int prot); /* prot < 0: remove */
bool vma_covers(struct encl *e, uint64_t start, uint64_t end);

/* tcs.c */
struct tcs *tcs_new(struct encl *e, uint64_t addr, const struct tcs_page *page);
struct tcs *tcs_find(struct encl *e, uint64_t addr);
void tcs_free(struct encl *e, uint64_t addr);
/* Pages in [start, end) have changed: TCSs that lie there, or whose SSA does, are checked again. */
void tcs_invalidate(struct encl *e, uint64_t start, uint64_t end);
/* SSA[i] of t. */
static inline uint64_t tcs_frame(const struct tcs *t, uint32_t i)
{
    return t->ossa + (uint64_t)i * t->encl->secs.ssa_frame_size * PAGE_SIZE;
}
/* Points t at SSA[cssa] after cssa has changed. */
void tcs_set_frame(struct tcs *t);
/* Checks that the pages of SSA[i] can be written; makes them so on the host. */
struct fault tcs_check_frame(struct tcs *t, uint32_t i);

/* The per-thread reason for the last failure; always returns err. */
int why(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
