/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's side of the vDSO: mapping it into a program, and keeping its parameters fresh.  See
 * vdso.h for the idea; the image itself is built from image/ and linked in by image.S.
 *
 * Lock: vdso_lock guards the kernel's own copy of the parameters and the order of writes.  clock.c calls with its own
 * lock held; nothing here sleeps.
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

/* Where the linker script puts the restart stub. */
#define RESTART_OFF 0x800

static struct spinlock vdso_lock;
static struct vvar latest; /* [vdso_lock] */

/* A page that the program has unmapped makes the copies fail, and that is that. */
static void publish_locked(const struct process *p) REQUIRES(vdso_lock)
{
    struct vvar *page = (struct vvar *)p->vvar;
    uint32_t odd = latest.seq | 1;

    if (!page || !raw_store32(&page->seq, odd))
        return;
    size_t off = offsetof(struct vvar, tsc_base);
    if (raw_copy_exact((char *)page + off, (const char *)&latest + off, sizeof(latest) - off))
        return;
    (void)raw_store32(&page->seq, latest.seq);
}

void vdso_update(const struct vvar *v)
{
    spin_lock(&vdso_lock);
    uint32_t seq = latest.seq + 2;
    latest = *v;
    latest.seq = seq ? seq : 2; /* 0 means that there is nothing */
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
        err = zero_out(vvar, sizeof(struct vvar));
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

uaddr_t vdso_restart_address(const struct process *p)
{
    return p->vdso ? p->vdso + RESTART_OFF : 0;
}
