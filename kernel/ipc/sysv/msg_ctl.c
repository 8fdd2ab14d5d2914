/* SPDX-License-Identifier: Apache-2.0 */
/* msgctl(2), and the list of all queues for /proc. */
#include <linux/errno.h>

#include "kernel/fs/seq.h"
#include "kernel/ipc/limits.h"
#include "kernel/ipc/sysv/msg.h"
#include "kernel/ipc/sysv/msg_impl.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

/* IPC_INFO and MSG_INFO. */
static long info(int cmd, uaddr_t out)
{
    struct msginfo i = {
        .msgpool = MSGPOOL,
        .msgmap = MSGMAP,
        .msgmax = (int)IPC_LIMIT(msg_size),
        .msgmnb = (int)IPC_LIMIT(msg_queue),
        .msgmni = (int)IPC_LIMIT(msg_queues),
        .msgssz = MSGSSZ,
        .msgtql = MSGTQL,
        .msgseg = MSGSEG,
    };

    spin_lock(&msg_ids.lock);
    if (cmd == MSG_INFO) {
        i.msgpool = (int)msg_ids.count;
        i.msgmap = (int)msg_totals.count;
        i.msgtql = (int)msg_totals.bytes;
    }
    int last = ipc_last_place_locked(&msg_ids);
    spin_unlock(&msg_ids.lock);
    return copy_out(out, &i, sizeof(i)) ? -EFAULT : last;
}

static long stat_locked(int id, int cmd, struct msqid64_ds *ds) REQUIRES(msg_ids.lock)
{
    struct ipc_object *o =
        cmd == IPC_STAT ? ipc_find_locked(&msg_ids, id) : ipc_at_locked(&msg_ids, id);
    const struct msg_queue *q = msg_queue_of(o);
    if (!q)
        return reject(-EINVAL, "no such queue");
    if (cmd != MSG_STAT_ANY && !ipc_allowed(o, IPC_READ))
        return reject(-EACCES, "permissions of the queue");
    ipc_perm_out(o, &ds->msg_perm);
    ds->msg_stime = q->stime;
    ds->msg_rtime = q->rtime;
    ds->msg_ctime = q->ctime;
    ds->msg_cbytes = q->bytes;
    ds->msg_qnum = q->count;
    ds->msg_qbytes = q->limit;
    ds->msg_lspid = q->lspid;
    ds->msg_lrpid = q->lrpid;
    return cmd == IPC_STAT ? 0 : o->id;
}

static long stat(int id, int cmd, uaddr_t out)
{
    struct msqid64_ds ds = {0};

    spin_lock(&msg_ids.lock);
    long ret = stat_locked(id, cmd, &ds);
    spin_unlock(&msg_ids.lock);
    return ret >= 0 && copy_out(out, &ds, sizeof(ds)) ? -EFAULT : ret;
}

static int set_locked(struct msg_queue *q, const struct msqid64_ds *in) REQUIRES(msg_ids.lock)
{
    if (in->msg_qbytes > IPC_LIMIT(msg_queue) && !capable(CAP_SYS_RESOURCE))
        return reject(-EPERM, "only root may have a larger queue");
    int err = ipc_perm_set(&q->object, &in->msg_perm);
    if (err)
        return err;
    q->limit = in->msg_qbytes;
    q->ctime = ipc_now();
    msg_retry_locked(q);
    return 0;
}

/* IPC_SET; or IPC_RMID, without `in`: *gone is to be freed. */
static long change_locked(int id, const struct msqid64_ds *in, struct msg_queue **gone)
    REQUIRES(msg_ids.lock)
{
    struct msg_queue *q = msg_queue_of(ipc_find_locked(&msg_ids, id));
    if (!q)
        return reject(-EINVAL, "no such queue");
    int err = ipc_may_change(&q->object);
    if (err)
        return err;
    if (in)
        return set_locked(q, in);
    msg_remove_locked(q);
    *gone = q;
    return 0;
}

static long change(int id, int cmd, uaddr_t arg)
{
    struct msqid64_ds ds;
    struct msg_queue *gone = NULL;

    if (cmd == IPC_SET && copy_in(&ds, arg, sizeof(ds)))
        return -EFAULT;
    spin_lock(&msg_ids.lock);
    long ret = change_locked(id, cmd == IPC_SET ? &ds : NULL, &gone);
    spin_unlock(&msg_ids.lock);
    if (gone)
        msg_free(gone);
    return ret;
}

long sys_msgctl(int msqid, int cmd, uaddr_t buf)
{
    if (msqid < 0)
        return -EINVAL;
    switch (cmd) {
    case IPC_INFO:
    case MSG_INFO: return info(cmd, buf);
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: return stat(msqid, cmd, buf);
    case IPC_SET:
    case IPC_RMID: return change(msqid, cmd, buf);
    default: return reject(-EINVAL, "unknown command");
    }
}

void msg_list(struct seq *s)
{
    struct ipc_object *o;

    seq_puts(s, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid"
                "  cgid      stime      rtime      ctime\n");
    spin_lock(&msg_ids.lock);
    for (unsigned n = 0; (o = ipc_next_locked(&msg_ids, &n)); n++) {
        const struct msg_queue *q = msg_queue_of(o);
        seq_printf(s, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10lu %10lu %10lu\n",
                   o->key, o->id, o->mode, q->bytes, q->count, q->lspid, q->lrpid, o->uid, o->gid,
                   o->cuid, o->cgid, (uint64_t)q->stime, (uint64_t)q->rtime, (uint64_t)q->ctime);
    }
    spin_unlock(&msg_ids.lock);
}
