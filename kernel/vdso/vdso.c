/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of the vDSO: a shared object of the kernel's own that every program maps, and keeping
 * its parameters fresh.  See vdso.h for the idea; the image itself is built from image/ and linked in by
 * vdso_bytes.S.
 *
 * Lock: vdso_lock, for writers of the parameters.  clock.c calls with its own lock held; that does not sleep.
 */
#include "kernel/vdso/vdso.h"

#include <linux/errno.h>

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/shmem.h"
#include "kernel/proc/process.h"
#include "kernel/sched/lock.h"
#include "lib/string.h"

extern const char vdso_image[], vdso_image_end[];

#define NSEC_PER_SEC 1000000000

static struct spinlock vdso_lock;
/* [vdso_lock; readers: seq] Alone in its cache lines: all programs read it. */
static struct vvar_time latest __attribute__((aligned(64)));

/* The object: the vvar page, then the image. */
static struct shmem object;
static bool made; /* [I] from the first program's start on */

/* All of its pages are there from the start, and stay. */
static int no_fill(struct shmem *s, const struct shmem_fill *f)
{
    (void)s;
    (void)f;
    return -EIO;
}

static const struct shmem_ops object_ops = {.fill = no_fill};

static size_t image_pages(void)
{
    return ALIGN_UP((size_t)(vdso_image_end - vdso_image), PAGE_SIZE) / PAGE_SIZE;
}

/* Readers start again, or ask the kernel. */
static void write_begin_locked(void) REQUIRES(vdso_lock)
{
    __atomic_store_n(&latest.seq, latest.seq | 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end_locked(void) REQUIRES(vdso_lock)
{
    __atomic_store_n(&latest.seq, latest.seq + 1, __ATOMIC_RELEASE);
}

static void set_base_locked(enum vvar_clock clock, int64_t ns) REQUIRES(vdso_lock)
{
    int64_t sec = ns / NSEC_PER_SEC, nsec = ns % NSEC_PER_SEC;

    if (nsec < 0) {
        nsec += NSEC_PER_SEC;
        sec--;
    }
    latest.at_base[clock].sec = sec;
    latest.at_base[clock].nsec = (uint64_t)nsec;
}

void vdso_stop(void)
{
    spin_lock(&vdso_lock);
    write_begin_locked();
    spin_unlock(&vdso_lock);
}

void vdso_update(const struct vvar *v)
{
    /* mult is ns << 32 in a tick: so many ticks are VVAR_SPAN_NS. */
    uint64_t span = v->tsc_valid_until - v->tsc_base;
    uint64_t span_max = v->mult ? (VVAR_SPAN_NS << 32) / v->mult : 0;

    spin_lock(&vdso_lock);
    write_begin_locked();
    latest.tsc_base = v->tsc_base;
    latest.tsc_span = v->tsc_valid_until > v->tsc_base ? MIN(span, span_max) : 0;
    latest.mult = v->mult;
    set_base_locked(VVAR_MONO, v->mono_base);
    set_base_locked(VVAR_REAL, v->mono_base + v->real_off);
    set_base_locked(VVAR_BOOT, v->mono_base + v->boot_off);
    write_end_locked();
    spin_unlock(&vdso_lock);
}

/* Both come in with their contents and final permissions: nobody could write there before. */
static int pages_add(struct mm *mm)
{
    const struct vvar_page vvar = {.time = &latest};
    size_t n = 1 + image_pages();
    char *pages = kpages_alloc(n);

    if (!pages)
        return -ENOMEM;
    memcpy(pages, &vvar, sizeof(vvar));
    memcpy(pages + PAGE_SIZE, vdso_image, (size_t)(vdso_image_end - vdso_image));
    mutex_lock(&object.lock);
    int err = shmem_add_copy(&object, mm, 0, 1, pages);
    if (!err)
        err = shmem_add_copy(&object, mm, 1, n - 1, pages + PAGE_SIZE);
    mutex_unlock(&object.lock);
    kpages_free(pages, n);
    return err;
}

/* The first program's start, before there is another thread. */
static int object_make(struct mm *mm)
{
    shmem_init(&object, &object_ops, SHMEM_EXACT);
    /* One window for both: as a whole first. */
    int64_t at = shmem_keep_mapped(&object, 0, 1 + image_pages(), MM_READ);
    if (at >= 0 && shmem_keep_mapped(&object, 1, image_pages(), MM_READ | MM_EXEC) < 0)
        at = -ENOMEM;
    int err = at < 0 ? (int)at : pages_add(mm);
    made = !err;
    return err;
}

bool vdso_is(const struct shmem *s)
{
    return s == &object;
}

static int64_t map_part(struct mm *mm, bool vvar)
{
    return vvar ? mm_map_object(mm, &object, 0, 1, MM_READ, "[vvar]")
                : mm_map_object(mm, &object, 1, image_pages(), MM_READ | MM_EXEC, "[vdso]");
}

int vdso_map_part(struct mm *mm, bool vvar, uaddr_t at)
{
    int err = made ? 0 : object_make(mm);
    int64_t ret = err ? err : map_part(mm, vvar);

    return ret < 0 ? (int)ret : (uaddr_t)ret == at ? 0 : -EINVAL;
}

int vdso_map(struct process *p)
{
    int err = made ? 0 : object_make(p->mm);
    int64_t at = err ? err : map_part(p->mm, true);

    if (at >= 0)
        at = map_part(p->mm, false);
    if (at < 0)
        return (int)at;
    p->vdso = (uaddr_t)at;
    return 0;
}
