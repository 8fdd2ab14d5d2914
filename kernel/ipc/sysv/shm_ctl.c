/* SPDX-License-Identifier: Apache-2.0 */
/* shmctl(2), and the list of all segments for /proc. */
#include <linux/errno.h>
#include <linux/resource.h>

#include "abi/host/layout.h"
#include "kernel/fs/seq.h"
#include "kernel/ipc/limits.h"
#include "kernel/ipc/sysv/shm.h"
#include "kernel/ipc/sysv/shm_impl.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/thread.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

static int last_place(void)
{
    spin_lock(&shm_ids.lock);
    int last = ipc_last_place_locked(&shm_ids);
    spin_unlock(&shm_ids.lock);
    return last;
}

static long limits_info(uaddr_t out)
{
    struct shminfo64 i = {
        .shmmax = IPC_LIMIT(shm_size),
        .shmmin = SHMMIN,
        .shmmni = IPC_LIMIT(shm_segments),
        .shmseg = IPC_LIMIT(shm_segments),
        .shmall = IPC_LIMIT(shm_total),
    };
    int last = last_place();

    return copy_out(out, &i, sizeof(i)) ? -EFAULT : last;
}

static long usage_info(uaddr_t out)
{
    struct shm_info i = {0};
    struct ipc_object *o;

    spin_lock(&shm_ids.lock);
    i.used_ids = (int)shm_ids.count;
    i.shm_tot = shm_pages;
    for (unsigned n = 0; (o = ipc_next_locked(&shm_ids, &n)); n++)
        i.shm_rss += shm_resident(shm_segment_of(o));
    int last = ipc_last_place_locked(&shm_ids);
    spin_unlock(&shm_ids.lock);
    return copy_out(out, &i, sizeof(i)) ? -EFAULT : last;
}

static long stat_locked(int id, int cmd, struct shmid64_ds *ds) REQUIRES(shm_ids.lock)
{
    struct ipc_object *o =
        cmd == IPC_STAT ? ipc_find_locked(&shm_ids, id) : ipc_at_locked(&shm_ids, id);
    const struct shm_segment *s = shm_segment_of(o);
    if (!s)
        return reject(-EINVAL, "no such segment");
    if (cmd != SHM_STAT_ANY && !ipc_allowed(o, IPC_READ))
        return reject(-EACCES, "permissions of the segment");
    ipc_perm_out(o, &ds->shm_perm);
    ds->shm_segsz = s->size;
    ds->shm_atime = s->atime;
    ds->shm_dtime = s->dtime;
    ds->shm_ctime = s->ctime;
    ds->shm_cpid = s->cpid;
    ds->shm_lpid = s->lpid;
    ds->shm_nattch = s->attached;
    return cmd == IPC_STAT ? 0 : o->id;
}

static long stat(int id, int cmd, uaddr_t out)
{
    struct shmid64_ds ds = {0};

    spin_lock(&shm_ids.lock);
    long ret = stat_locked(id, cmd, &ds);
    spin_unlock(&shm_ids.lock);
    return ret >= 0 && copy_out(out, &ds, sizeof(ds)) ? -EFAULT : ret;
}

static int set_locked(struct shm_segment *s, const struct shmid64_ds *in) REQUIRES(shm_ids.lock)
{
    int err = ipc_perm_set(&s->object, &in->shm_perm);

    if (!err)
        s->ctime = ipc_now();
    return err;
}

/* Gone at once, or with the last detach. */
static void remove_locked(struct shm_segment *s, struct shm_segment **gone) REQUIRES(shm_ids.lock)
{
    if (s->attached) {
        s->object.mode |= SHM_MODE_DEST;
        ipc_forget_key_locked(&shm_ids, &s->object);
        return;
    }
    shm_remove_locked(s);
    *gone = s;
}

/* IPC_SET; or IPC_RMID, without `in`. */
static long change_locked(int id, const struct shmid64_ds *in, struct shm_segment **gone)
    REQUIRES(shm_ids.lock)
{
    struct shm_segment *s = shm_segment_of(ipc_find_locked(&shm_ids, id));
    if (!s)
        return reject(-EINVAL, "no such segment");
    int err = ipc_may_change(&s->object);
    if (err)
        return err;
    if (in)
        return set_locked(s, in);
    remove_locked(s, gone);
    return 0;
}

static long change(int id, int cmd, uaddr_t arg)
{
    struct shmid64_ds ds;
    struct shm_segment *gone = NULL;

    if (cmd == IPC_SET && copy_in(&ds, arg, sizeof(ds)))
        return -EFAULT;
    spin_lock(&shm_ids.lock);
    long ret = change_locked(id, cmd == IPC_SET ? &ds : NULL, &gone);
    spin_unlock(&shm_ids.lock);
    if (gone)
        shm_free(gone);
    return ret;
}

/* Enclave pages are never swapped by us: a locked segment is one that says so. */
static long lock_locked(int id, int cmd) REQUIRES(shm_ids.lock)
{
    struct ipc_object *o = ipc_find_locked(&shm_ids, id);
    uint32_t euid = current_cred()->euid;

    if (!o)
        return reject(-EINVAL, "no such segment");
    if (!capable(CAP_IPC_LOCK) &&
        ((euid != o->uid && euid != o->cuid) ||
         (cmd == SHM_LOCK && !current_process()->rlimits[RLIMIT_MEMLOCK].rlim_cur)))
        return reject(-EPERM, "locking somebody else's segment, or without RLIMIT_MEMLOCK");
    o->mode = cmd == SHM_LOCK ? o->mode | SHM_MODE_LOCKED : o->mode & ~SHM_MODE_LOCKED;
    return 0;
}

static long lock(int id, int cmd)
{
    spin_lock(&shm_ids.lock);
    long ret = lock_locked(id, cmd);
    spin_unlock(&shm_ids.lock);
    return ret;
}

long sys_shmctl(int shmid, int cmd, uaddr_t buf)
{
    if (shmid < 0 || cmd < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO: return limits_info(buf);
    case SHM_INFO: return usage_info(buf);
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY: return stat(shmid, cmd, buf);
    case IPC_SET:
    case IPC_RMID: return change(shmid, cmd, buf);
    case SHM_LOCK:
    case SHM_UNLOCK: return lock(shmid, cmd);
    default: return reject(-EINVAL, "unknown command");
    }
}

void shm_list(struct seq *s)
{
    struct ipc_object *o;

    seq_puts(s, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid"
                "  cuid  cgid      atime      dtime      ctime                   rss"
                "                  swap\n");
    spin_lock(&shm_ids.lock);
    for (unsigned n = 0; (o = ipc_next_locked(&shm_ids, &n)); n++) {
        const struct shm_segment *g = shm_segment_of(o);
        seq_printf(s, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u", o->key, o->id, o->mode,
                   g->size, g->cpid, g->lpid, g->attached, o->uid, o->gid, o->cuid, o->cgid);
        seq_printf(s, " %10lu %10lu %10lu %21lu %21lu\n", (uint64_t)g->atime, (uint64_t)g->dtime,
                   (uint64_t)g->ctime, shm_resident(g) * PAGE_SIZE, 0UL);
    }
    spin_unlock(&shm_ids.lock);
}
