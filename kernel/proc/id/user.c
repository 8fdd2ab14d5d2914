/* SPDX-License-Identifier: Apache-2.0 */
/* Users: see user.h.  There are few: a list.  Lock: users_lock (spin), under which nothing comes. */
#include "kernel/proc/id/user.h"

#include "kernel/mm/heap.h"

static struct spinlock users_lock;
static struct list users = LIST_INIT(users); /* [users_lock] */

static struct user *user_find_locked(uint32_t uid) REQUIRES(users_lock)
{
    list_for_each(l, &users) {
        struct user *u = list_entry(l, struct user, link);
        if (u->uid == uid)
            return user_get(u);
    }
    return NULL;
}

struct user *user_lookup(uint32_t uid)
{
    spin_lock(&users_lock);
    struct user *u = user_find_locked(uid);
    spin_unlock(&users_lock);
    if (u)
        return u;
    struct user *fresh = kzalloc(sizeof(*fresh));
    if (!fresh)
        return NULL;
    ref_init(&fresh->ref);
    fresh->uid = uid;
    spin_lock(&users_lock);
    u = user_find_locked(uid);
    if (!u) {
        list_add_head(&users, &fresh->link);
        u = fresh;
    }
    spin_unlock(&users_lock);
    if (u != fresh)
        kfree(fresh);
    return u;
}

/* The last reference goes under the lock, so that nobody finds what is about to be freed. */
static bool put_unless_last(struct ref *r)
{
    uint32_t n = __atomic_load_n(&r->count, __ATOMIC_RELAXED);
    while (n > 1)
        if (__atomic_compare_exchange_n(&r->count, &n, n - 1, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void user_put(struct user *u)
{
    if (!u || put_unless_last(&u->ref))
        return;
    spin_lock(&users_lock);
    bool last = ref_put(&u->ref);
    if (last)
        list_del(&u->link);
    spin_unlock(&users_lock);
    if (last)
        kfree(u);
}
