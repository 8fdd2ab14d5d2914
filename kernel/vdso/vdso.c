/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of the vDSO: mapping it into a program, and keeping its parameters fresh.  See
 * vdso.h for the idea; the image itself is built from image/ and linked in by image.S.
 *
 * Lock: vdso_lock guards the kernel's own copy of the parameters and the order of writes.
 * clock.c calls with its own lock held; nothing here sleeps.
 */
#include "kernel/vdso/vdso.h"

#include <linux/errno.h>
#include <linux/mman.h>

#include "abi/host/layout.h"
#include "kernel/kernel.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/process.h"
#include "kernel/sched/lock.h"
#include "kernel/sys/raw_copy.h"
#include "kernel/sys/usercopy.h"

extern const char vdso_image[], vdso_image_end[];

#define NSEC_PER_SEC 1000000000

static struct spinlock vdso_lock;
static struct vvar_page latest; /* [vdso_lock] */

/* A page that the program has unmapped makes the copies fail, and that is that. */
static void publish_locked(const struct process *p) REQUIRES(vdso_lock)
{
    struct vvar_page *page = (struct vvar_page *)p->vvar;
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
    struct vvar_page *page = kernel.first ? (struct vvar_page *)kernel.first->vvar : NULL;
    if (page)
        (void)raw_store32(&page->seq, latest.seq);
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
    if (kernel.first)
        publish_locked(kernel.first);
    spin_unlock(&vdso_lock);
}

int vdso_map(struct process *p)
{
    size_t size = ALIGN_UP((size_t)(vdso_image_end - vdso_image), PAGE_SIZE);
    int64_t at = mm_map(p->mm, 0, PAGE_SIZE + size, MM_READ | MM_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, NULL, 0, "[vvar]");
    if (at < 0)
        return (int)at;
    uaddr_t vvar = (uaddr_t)at, image = vvar + PAGE_SIZE;
    int err = mm_unmap(p->mm, image, size);
    if (err)
        return err;
    at = mm_map(p->mm, image, size, MM_READ | MM_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, NULL, 0, "[vdso]");
    if (at < 0)
        return (int)at;
    err = copy_out(image, vdso_image, (size_t)(vdso_image_end - vdso_image));
    if (!err)
        err = zero_out(vvar, sizeof(struct vvar_page));
    if (!err)
        err = mm_protect(p->mm, image, size, MM_READ | MM_EXEC);
    if (err)
        return err;
    spin_lock(&vdso_lock);
    p->vvar = vvar;
    p->vdso = image;
    publish_locked(p);
    spin_unlock(&vdso_lock);
    return 0;
}
