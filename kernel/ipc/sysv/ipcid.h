/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What System V semaphores, message queues and shared memory have in common: ids, keys, owners and
 * permissions.
 *
 * A kind has one table (struct ipc_ids) and embeds struct ipc_object in its own.  An id is a place in the
 * table and a sequence number, so that an old id does not name a new object:
 *
 *     id = sequence << 15 | place
 *
 * Places are taken in turn over a range that grows with the number of objects, and the sequence number
 * goes up each time round (as Linux does it).
 *
 * The table's spin lock guards the table and all [l] fields; a kind may use it for its objects too.
 * What is found is borrowed while it is held.
 */
#ifndef KERNEL_IPC_SYSV_IPCID_H
#define KERNEL_IPC_SYSV_IPCID_H

#include <linux/ipc.h>

#include "kernel/sched/lock.h"
#include "kernel/types.h"
#include "lib/tree.h"

#define IPC_PLACE_BITS 15
#define IPC_PLACES (1U << IPC_PLACE_BITS)
#define IPC_READ 0444U /* for ipc_allowed: any of the three bits */
#define IPC_WRITE 0222U

struct seq;

struct ipc_object {
    struct tree_node by_key; /* [l] while key is not IPC_PRIVATE */
    int key;                 /* [l] */
    int id;                  /* [I] */
    uint32_t uid, gid;       /* [l] */
    uint32_t cuid, cgid;     /* [I] */
    uint32_t mode;           /* [l] permissions, and what the kind keeps above them */
    bool removed;            /* [l] off the table: who waits for it gets -EIDRM */
};

struct ipc_ids {
    struct spinlock lock;
    struct ipc_object **at; /* [l] by place; NULL: free */
    struct tree keys;       /* [l] */
    unsigned room;          /* [l] length of `at` */
    unsigned count;         /* [l] objects */
    unsigned next;          /* [l] the place to try next */
    int last;               /* [l] the place taken last */
    unsigned sequence;      /* [l] */
};

int ipc_key_cmp(const struct tree_node *a, const struct tree_node *b);
#define IPC_IDS_INIT                               \
    {                                              \
        .keys = TREE_INIT(ipc_key_cmp), .last = -1 \
    }

/* What is special about a kind's get call; args are the call's. */
struct ipc_kind {
    unsigned (*limit)(void); /* how many objects there may be */
    /* A new object that is not in the table yet. No lock held; may sleep */
    int (*make)(const void *args, struct ipc_object **out);
    /* It did not get into the table */
    void (*drop)(struct ipc_object *o);
    /* There is one with the key: 0, or why it is not what was asked for. Lock held */
    int (*check)(const struct ipc_object *o, const void *args);
};

/* semget, msgget, shmget: the id of the object with the key, which is made if flags say so, or -errno. */
long ipc_get(struct ipc_ids *ids, const struct ipc_kind *kind, int key, int flags, const void *args)
    EXCLUDES(ids->lock);

/* The object of an id, or NULL: there is none, or no longer (-EINVAL to the program). */
struct ipc_object *ipc_find_locked(struct ipc_ids *ids, int id) REQUIRES(ids->lock);
/* By place, for the *_STAT commands; sequence bits in `place` are ignored. */
struct ipc_object *ipc_at_locked(struct ipc_ids *ids, int place) REQUIRES(ids->lock);
/* The first object at or behind *place, which is set to its own; or NULL. */
struct ipc_object *ipc_next_locked(struct ipc_ids *ids, unsigned *place) REQUIRES(ids->lock);
/* The highest place in use, 0 if there is none: what the *_INFO commands return. */
int ipc_last_place_locked(struct ipc_ids *ids) REQUIRES(ids->lock);
/* Off the table; sets removed. */
void ipc_remove_locked(struct ipc_ids *ids, struct ipc_object *o) REQUIRES(ids->lock);
/* Nobody finds it by its key any more. */
void ipc_forget_key_locked(struct ipc_ids *ids, struct ipc_object *o) REQUIRES(ids->lock);

/* May the current thread do this?  want: permission bits in any of the three places. */
bool ipc_allowed(const struct ipc_object *o, uint32_t want);
/* IPC_SET, IPC_RMID: 0 or -EPERM. */
MUST_CHECK int ipc_may_change(const struct ipc_object *o);

/* Seconds since the epoch, for the times that IPC_STAT shows. */
int64_t ipc_now(void);
/* For IPC_STAT; and from IPC_SET: owner and permissions, or -EINVAL. */
void ipc_perm_out(const struct ipc_object *o, struct ipc64_perm *out);
MUST_CHECK int ipc_perm_set(struct ipc_object *o, const struct ipc64_perm *in);

#endif
