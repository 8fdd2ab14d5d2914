/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of the vDSO: a shared object of the kernel's own that every program maps, and keeping
 * its parameters fresh.  See vdso.h for the idea; the image itself is built from image/ and linked in by
 * vdso_bytes.S.
 *
 * Lock: vdso_lock guards the kernel's own copy of the parameters and the order of writes.
 * clock.c calls with its own lock held; nothing here sleeps.
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
#include "kernel/sys/raw_copy.h"
#include "lib/string.h"

extern const char vdso_image[], vdso_image_end[];

#define NSEC_PER_SEC 1000000000

static struct spinlock vdso_lock;
static struct vvar_page latest; /* [vdso_lock] */
static uaddr_t vvar_at; /* [I] once the object is there; 0: not yet.  The image is behind it */

/* The object: one page of parameters, then the image. */
static struct shmem object;

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

static void publish_locked(void) REQUIRES(vdso_lock)
{
    struct vvar_page *page = (struct vvar_page *)vvar_at;
    size_t off = offsetof(struct vvar_page, tsc_base);

    if (!page || !raw_store32(&page->seq, latest.seq | 1))
        return;
    if (raw_copy_exact((char *)page + off, (const char *)&latest + off, sizeof(latest) - off))
        return;
    (void)raw_store32(&page->seq, latest.seq);
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
    latest.seq |= 1;
    if (vvar_at)
        (void)raw_store32(&((struct vvar_page *)vvar_at)->seq, latest.seq);
    spin_unlock(&vdso_lock);
}

void vdso_update(const struct vvar *v)
{
    /* mult is ns << 32 in a tick: so many ticks are VVAR_SPAN_NS. */
    uint64_t span = v->tsc_valid_until - v->tsc_base;
    uint64_t span_max = v->mult ? (VVAR_SPAN_NS << 32) / v->mult : 0;

    spin_lock(&vdso_lock);
    latest.seq = (latest.seq | 1) + 1;
    latest.tsc_base = v->tsc_base;
    latest.tsc_span = v->tsc_valid_until > v->tsc_base ? MIN(span, span_max) : 0;
    latest.mult = v->mult;
    set_base_locked(VVAR_MONO, v->mono_base);
    set_base_locked(VVAR_REAL, v->mono_base + v->real_off);
    set_base_locked(VVAR_BOOT, v->mono_base + v->boot_off);
    publish_locked();
    spin_unlock(&vdso_lock);
}

/* The image's bytes on whole pages. */
static int image_add(struct mm *mm)
{
    size_t n = image_pages();
    char *pages = kpages_alloc(n);

    if (!pages)
        return -ENOMEM;
    memcpy(pages, vdso_image, (size_t)(vdso_image_end - vdso_image));
    mutex_lock(&object.lock);
    int err = shmem_add_zero(&object, mm, 0, 1, 0);
    if (!err)
        err = shmem_add_copy(&object, mm, 1, n, pages);
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
    if (at >= 0)
        at = shmem_keep_mapped(&object, 0, 1, MM_READ | MM_WRITE);
    if (at >= 0 && shmem_keep_mapped(&object, 1, image_pages(), MM_READ | MM_EXEC) < 0)
        at = -ENOMEM;
    int err = at < 0 ? (int)at : image_add(mm);
    if (err)
        return err;
    spin_lock(&vdso_lock);
    vvar_at = (uaddr_t)at;
    publish_locked();
    spin_unlock(&vdso_lock);
    return 0;
}

int vdso_map(struct process *p)
{
    int err = vvar_at ? 0 : object_make(p->mm);
    int64_t at = err ? err : mm_map_object(p->mm, &object, 0, 1, MM_READ | MM_WRITE, "[vvar]");

    if (at >= 0)
        at = mm_map_object(p->mm, &object, 1, image_pages(), MM_READ | MM_EXEC, "[vdso]");
    if (at < 0)
        return (int)at;
    p->vdso = (uaddr_t)at;
    return 0;
}
