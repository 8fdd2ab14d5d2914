/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of System V shared memory share.  The lock of shm_ids guards all of it, legend [l].
 *
 *   in the table ──IPC_RMID──► SHM_DEST: known by its id only ──last detach──► gone
 *                └─IPC_RMID, nobody has it attached──────────────────────────► gone
 */
#ifndef KERNEL_IPC_SYSV_SHM_IMPL_H
#define KERNEL_IPC_SYSV_SHM_IMPL_H

#include <linux/shm.h>

#include "kernel/ipc/sysv/ipcid.h"

/* Above the permissions in object.mode, as IPC_STAT shows them. */
#define SHM_MODE_DEST 01000U
#define SHM_MODE_LOCKED 02000U

struct file;

struct shm_segment {
    struct ipc_object object;
    struct file *file;           /* [I] a reference: what its mappings are made of */
    uint64_t size;               /* [I] bytes, as asked for */
    int64_t atime, dtime, ctime; /* [l] seconds: last attached, detached, changed */
    int cpid, lpid;              /* [l] who made it; who attached or detached last */
    uint64_t attached;           /* [l] how often; a shmat under way counts */
};

extern struct ipc_ids shm_ids;
extern uint64_t shm_pages; /* [l] of all segments */

static inline struct shm_segment *shm_segment_of(struct ipc_object *o)
{
    return o ? container_of(o, struct shm_segment, object) : NULL;
}

/* Takes a segment that nobody has attached out of the table; then shm_free, without the lock. */
void shm_remove_locked(struct shm_segment *s) REQUIRES(shm_ids.lock);
void shm_free(struct shm_segment *s);
/* Pages of it that are in memory. */
uint64_t shm_resident(const struct shm_segment *s);

#endif
