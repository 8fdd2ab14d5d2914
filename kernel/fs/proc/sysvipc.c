/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/sysvipc: all objects of each kind. */
#include "kernel/fs/proc/proc_impl.h"
#include "kernel/ipc/sysv/msg.h"
#include "kernel/ipc/sysv/sem.h"
#include "kernel/ipc/sysv/shm.h"

static int sem_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    sem_list(s);
    return 0;
}

static int msg_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    msg_list(s);
    return 0;
}

static int shm_show(struct seq *s, const struct pseudo_inode *i)
{
    (void)i;
    shm_list(s);
    return 0;
}

const struct pseudo_entry proc_sysvipc_dir[] = {
    PSEUDO_FILE("msg", msg_show),
    PSEUDO_FILE("sem", sem_show),
    PSEUDO_FILE("shm", shm_show),
    PSEUDO_END,
};
