/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids, keys and permissions of System V IPC: see ipcid.h.
 *
 * A get call that makes an object does so without the lock, because memory for it may take long to
 * come by; so it looks for the key a second time, and what it has made may turn out to be one too many.
 */
#include "kernel/ipc/sysv/ipcid.h"

#include <linux/errno.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/id/cred.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/time.h"
#include "kernel/sys/syscall.h"
#include "lib/string.h"

#define CYCLE_MIN 64U /* Linux: places are not used again before so many others have been */
#define SEQUENCES 65535U
#define PERMISSIONS 0777U
#define NO_ID UINT32_MAX /* no user or group has this number */

int ipc_key_cmp(const struct tree_node *a, const struct tree_node *b)
{
    int x = tree_entry(a, const struct ipc_object, by_key)->key;
    int y = tree_entry(b, const struct ipc_object, by_key)->key;
    return (x > y) - (x < y);
}

static int key_cmp(const void *key, const struct tree_node *n)
{
    int k = *(const int *)key, other = tree_entry(n, const struct ipc_object, by_key)->key;
    return (k > other) - (k < other);
}

static struct ipc_object *find_key_locked(struct ipc_ids *ids, int key) REQUIRES(ids->lock)
{
    struct tree_node *n = key == IPC_PRIVATE ? NULL : tree_find(&ids->keys, &key, key_cmp);
    return n ? tree_entry(n, struct ipc_object, by_key) : NULL;
}

int64_t ipc_now(void)
{
    return clock_real() / NSEC_PER_SEC;
}

/* Permissions. */

static bool owned(const struct ipc_object *o, const struct cred *c)
{
    return c->euid == o->cuid || c->euid == o->uid;
}

bool ipc_allowed(const struct ipc_object *o, uint32_t want)
{
    const struct cred *c = current_cred();
    uint32_t granted = o->mode;

    want = (want >> 6 | want >> 3 | want) & 7;
    if (owned(o, c))
        granted >>= 6;
    else if (cred_in_group(c, o->cgid) || cred_in_group(c, o->gid))
        granted >>= 3;
    return !(want & ~granted) || cred_has(c, CAP_IPC_OWNER);
}

int ipc_may_change(const struct ipc_object *o)
{
    return owned(o, current_cred()) || capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

void ipc_perm_out(const struct ipc_object *o, struct ipc64_perm *out)
{
    *out = (struct ipc64_perm){
        .key = o->key,
        .uid = o->uid,
        .gid = o->gid,
        .cuid = o->cuid,
        .cgid = o->cgid,
        .mode = (__kernel_mode_t)o->mode,
        .seq = (unsigned short)((unsigned)o->id >> IPC_PLACE_BITS),
    };
}

int ipc_perm_set(struct ipc_object *o, const struct ipc64_perm *in)
{
    if (in->uid == NO_ID || in->gid == NO_ID)
        return reject(-EINVAL, "no user or group has this number");
    o->uid = in->uid;
    o->gid = in->gid;
    o->mode = (o->mode & ~PERMISSIONS) | (in->mode & PERMISSIONS);
    return 0;
}

/* The table. */

struct ipc_object *ipc_at_locked(struct ipc_ids *ids, int place)
{
    unsigned n = (unsigned)place & (IPC_PLACES - 1);
    return n < ids->room ? ids->at[n] : NULL;
}

struct ipc_object *ipc_find_locked(struct ipc_ids *ids, int id)
{
    struct ipc_object *o = ipc_at_locked(ids, id);
    return o && o->id == id ? o : NULL;
}

struct ipc_object *ipc_next_locked(struct ipc_ids *ids, unsigned *place)
{
    for (; *place < ids->room; ++*place)
        if (ids->at[*place])
            return ids->at[*place];
    return NULL;
}

int ipc_last_place_locked(struct ipc_ids *ids)
{
    for (unsigned n = ids->room; n--;)
        if (ids->at[n])
            return (int)n;
    return 0;
}

static unsigned free_place_locked(const struct ipc_ids *ids, unsigned from, unsigned end)
    REQUIRES(ids->lock)
{
    while (from < end && from < ids->room && ids->at[from])
        from++;
    return from;
}

/* A free place below `end`, of which fewer are taken: the next one, else the lowest. */
static unsigned choose_place_locked(const struct ipc_ids *ids, unsigned end) REQUIRES(ids->lock)
{
    unsigned n = free_place_locked(ids, ids->next, end);
    return n < end ? n : free_place_locked(ids, 0, end);
}

static int make_room_locked(struct ipc_ids *ids, unsigned place) REQUIRES(ids->lock)
{
    unsigned room = ALIGN_UP(place + 1, CYCLE_MIN);
    if (place < ids->room)
        return 0;
    struct ipc_object **at = krealloc(ids->at, room * sizeof(*at));
    if (!at)
        return -ENOMEM;
    memset(at + ids->room, 0, (room - ids->room) * sizeof(*at));
    ids->at = at;
    ids->room = room;
    return 0;
}

/* Gives o its id: that, or -errno. */
static int add_locked(struct ipc_ids *ids, struct ipc_object *o, unsigned limit) REQUIRES(ids->lock)
{
    if (ids->count >= MIN(limit, IPC_PLACES))
        return reject(-ENOSPC, "too many objects of the kind");
    unsigned end = MIN(MAX(ids->count * 3 / 2, CYCLE_MIN), IPC_PLACES);
    unsigned place = choose_place_locked(ids, end);
    int err = make_room_locked(ids, place);
    if (err)
        return err;
    if ((int)place <= ids->last)
        ids->sequence = (ids->sequence + 1) % SEQUENCES;
    ids->last = (int)place;
    ids->next = place + 1;
    ids->at[place] = o;
    ids->count++;
    o->id = (int)(ids->sequence << IPC_PLACE_BITS | place);
    if (o->key != IPC_PRIVATE)
        tree_insert(&ids->keys, &o->by_key);
    return o->id;
}

void ipc_forget_key_locked(struct ipc_ids *ids, struct ipc_object *o)
{
    if (o->key != IPC_PRIVATE)
        tree_remove(&ids->keys, &o->by_key);
    o->key = IPC_PRIVATE;
}

void ipc_remove_locked(struct ipc_ids *ids, struct ipc_object *o)
{
    ipc_forget_key_locked(ids, o);
    ids->at[(unsigned)o->id & (IPC_PLACES - 1)] = NULL;
    ids->count--;
    o->removed = true;
}

/* Get calls. */

/* The key is taken: the id, if that is what the caller wants and may have. */
static long use_locked(const struct ipc_object *o, const struct ipc_kind *kind, int flags,
                       const void *args)
{
    if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
        return -EEXIST;
    int err = kind->check(o, args);
    if (err)
        return err;
    return ipc_allowed(o, (uint32_t)flags) ? o->id : reject(-EACCES, "permissions of the object");
}

static void own(struct ipc_object *o, int key, int flags)
{
    const struct cred *c = current_cred();

    o->key = key;
    o->uid = o->cuid = c->euid;
    o->gid = o->cgid = c->egid;
    o->mode |= (uint32_t)flags & PERMISSIONS;
}

static long make(struct ipc_ids *ids, const struct ipc_kind *kind, int key, int flags,
                 const void *args)
{
    struct ipc_object *o;

    int err = kind->make(args, &o);
    if (err)
        return err;
    own(o, key, flags);
    spin_lock(&ids->lock);
    struct ipc_object *other = find_key_locked(ids, key);
    long id = other ? use_locked(other, kind, flags, args) : add_locked(ids, o, kind->limit());
    bool added = !other && id >= 0;
    spin_unlock(&ids->lock);
    if (!added)
        kind->drop(o);
    return id;
}

long ipc_get(struct ipc_ids *ids, const struct ipc_kind *kind, int key, int flags, const void *args)
{
    long ret = -ENOENT;

    if (key == IPC_PRIVATE)
        return make(ids, kind, key, flags, args);
    spin_lock(&ids->lock);
    const struct ipc_object *o = find_key_locked(ids, key);
    if (o)
        ret = use_locked(o, kind, flags, args);
    spin_unlock(&ids->lock);
    return o || !(flags & IPC_CREAT) ? ret : make(ids, kind, key, flags, args);
}
