/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Priority-inheriting futexes: locks whose word names the owner.
 *
 *     word   0 free │ TID │ TID + FUTEX_WAITERS (unlocking must come here) │ + FUTEX_OWNER_DIED
 *
 * Nobody is boosted, since there are no priorities.  What remains is what programs rely on:
 * the lock is handed to the thread that has waited longest, the word says who owns it, a thread
 * that would wait for itself is told (EDEADLK), and a lock whose owner ends goes to a waiter.
 *
 * While there are waiters, a pi_state says who the owner is; it hangs on the owner's list, and each
 * waiting thread points to what it waits for: the chain that finds deadlocks.  The word is checked
 * against it, because the program can write there anything at any time.  Handing over happens at
 * once: word, state and waiter change under the bucket's lock, and the waiter wakes as the owner.
 *
 * Locks: the bucket's for the queue and the word; pi_lock, inside it, for all owners and lists.
 */
#include <linux/errno.h>
#include <linux/futex.h>

#include "kernel/mm/heap.h"
#include "kernel/proc/process.h"
#include "kernel/sched/futex/futex.h"
#include "kernel/sched/futex/pi_impl.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/raw_copy.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#define CHAIN_MAX 1024 /* Linux: max_lock_depth */

/* A thread's pi_exit. */
enum pi_exit { PI_ALIVE, PI_EXITING, PI_GONE };

static struct spinlock pi_lock;

/* --- the word ----------------------------------------------------------------------------- */

/* From `from` to `to`: 0, PI_AGAIN, PI_FAULT. */
static int word_change(const struct futex_key *key, uint32_t from, uint32_t to)
{
    uint32_t found = from;

    if (!raw_cmpxchg32((uint32_t *)futex_key_addr(key), &found, to))
        return PI_FAULT;
    return found == from ? 0 : PI_AGAIN;
}

static int word_tid(uint32_t val)
{
    return (int)(val & FUTEX_TID_MASK);
}

/* --- states ------------------------------------------------------------------------------- */

static void state_own_locked(struct pi_state *s, struct thread *owner) REQUIRES(pi_lock)
{
    s->owner = owner;
    list_add_tail(&owner->pi_owned, &s->link);
}

struct pi_state *pi_state_start(struct pi_attempt *a, struct thread *owner)
{
    struct pi_state *s = a->fresh;

    a->fresh = NULL;
    s->key = *a->key;
    spin_lock(&pi_lock);
    state_own_locked(s, owner);
    spin_unlock(&pi_lock);
    return s;
}

/* Does waiting in s lead back to t? */
static bool chain_closes_locked(const struct pi_state *s, const struct thread *t) REQUIRES(pi_lock)
{
    for (int i = 0; i < CHAIN_MAX && s; i++, s = s->owner->pi_wait)
        if (s->owner == t)
            return true;
    return s != NULL;
}

bool pi_wait_start_locked(struct futex_waiter *w, struct pi_state *s)
{
    spin_lock(&pi_lock);
    bool closes = chain_closes_locked(s, w->thread);
    if (!closes)
        w->thread->pi_wait = s;
    spin_unlock(&pi_lock);
    if (closes)
        return false;
    w->pi = s;
    s->waiters++;
    return true;
}

static void state_free(struct pi_state *s)
{
    spin_lock(&pi_lock);
    list_del(&s->link);
    spin_unlock(&pi_lock);
    kfree(s);
}

void pi_state_drop_unused(struct pi_state *s)
{
    if (!s->waiters)
        state_free(s);
}

void pi_wait_end_locked(struct futex_waiter *w)
{
    struct pi_state *s = w->pi;

    list_del(&w->link);
    spin_lock(&pi_lock);
    w->thread->pi_wait = NULL;
    spin_unlock(&pi_lock);
    if (!--s->waiters)
        state_free(s);
}

/* The first waiter becomes the owner; the word says so already. */
static void hand_over_locked(struct futex_waiter *w)
{
    struct pi_state *s = w->pi;

    spin_lock(&pi_lock);
    list_del(&s->link);
    w->thread->pi_wait = NULL;
    if (--s->waiters)
        state_own_locked(s, w->thread);
    else
        kfree(s);
    spin_unlock(&pi_lock);
    futex_grant_locked(w);
}

/* --- taking ------------------------------------------------------------------------------- */

int pi_attempt_init(struct pi_attempt *a)
{
    a->fresh = kzalloc(sizeof(*a->fresh));
    return a->fresh ? 0 : -ENOMEM;
}

static void attempt_forget_owner(struct pi_attempt *a)
{
    if (a->owner)
        thread_put(a->owner);
    a->owner = NULL;
}

void pi_attempt_fini(struct pi_attempt *a)
{
    attempt_forget_owner(a);
    kfree(a->fresh);
}

int pi_attempt_begin(struct pi_attempt *a)
{
    uint32_t val;

    attempt_forget_owner(a);
    /* A program that changes the word all the time must not keep a dying thread here. */
    if (thread_told_to_die(current))
        return -ERESTARTNOINTR;
    if (user_load32(futex_key_addr(a->key), &val))
        return -EFAULT;
    a->owner_tid = word_tid(val);
    if (a->owner_tid)
        a->owner = thread_lookup(a->owner_tid);
    return 0;
}

/* Is the word what it can be while others wait?  0 or -EINVAL. */
static int state_check(const struct pi_state *s, uint32_t val)
{
    int tid = word_tid(val);

    if (!s)
        return (int)reject(-EINVAL, "waiters of another kind on a PI futex");
    if ((val & FUTEX_OWNER_DIED) && !tid)
        return 0; /* the owner is on its way out */
    spin_lock(&pi_lock);
    bool same = s->owner->tid == tid;
    spin_unlock(&pi_lock);
    return same ? 0 : (int)reject(-EINVAL, "a PI futex's word names another owner");
}

/* The first to wait for the thread that the word names. */
static int state_make(struct pi_attempt *a, struct pi_state **state)
{
    int ret = PI_WAIT_FOR;

    if (!a->owner)
        return (int)reject(-ESRCH, "the owner of a PI futex is no thread");
    spin_lock(&pi_lock);
    if (a->owner->pi_exit == PI_EXITING) {
        ret = PI_WAIT_EXIT;
    } else if (a->owner->pi_exit == PI_GONE) {
        ret = -ESRCH;
    } else if (!a->try) {
        *state = a->fresh;
        a->fresh->key = *a->key;
        state_own_locked(a->fresh, a->owner);
        a->fresh = NULL;
    }
    spin_unlock(&pi_lock);
    return ret;
}

int pi_take_locked(struct futex_bucket *b, struct pi_attempt *a, struct pi_state **state)
{
    struct futex_waiter *first = futex_first_locked(b, a->key);
    uint32_t val, waiters = a->more ? FUTEX_WAITERS : 0;
    int ret = 0;

    *state = NULL;
    if (!raw_load32((const uint32_t *)futex_key_addr(a->key), &val))
        return PI_FAULT;
    int tid = word_tid(val);
    if (tid == a->taker->tid)
        return (int)reject(-EDEADLK, "the caller owns this PI futex");
    if (first) {
        ret = state_check(first->pi, val);
        *state = first->pi;
    } else if (!tid) {
        uint32_t mine = (uint32_t)a->taker->tid | (val & FUTEX_OWNER_DIED) | waiters;
        ret = word_change(a->key, val, mine);
        return ret ? ret : PI_TAKEN;
    } else if (tid != a->owner_tid) {
        return PI_AGAIN;
    } else {
        if (!(val & FUTEX_WAITERS))
            ret = word_change(a->key, val, val | FUTEX_WAITERS);
        if (!ret)
            ret = state_make(a, state);
    }
    if (ret)
        return ret;
    return a->try ? -EAGAIN : PI_WAIT_FOR;
}

int pi_attempt_again(const struct pi_attempt *a, int result)
{
    if (result == PI_FAULT)
        return futex_make_writable(futex_key_addr(a->key));
    if (result == PI_WAIT_EXIT)
        thread_yield();
    return 0;
}

/* Sleeps as the waiter that it is, and leaves. */
static int pi_sleep(struct futex_waiter *w, ktime_t deadline)
{
    int ret = futex_sleep(w, deadline);
    struct futex_bucket *b = futex_waiter_lock(w);
    if (w->woken)
        ret = 0;
    else
        pi_wait_end_locked(w);
    futex_waiter_unlock(b);
    /* The deadline is absolute: beginning again loses nothing but the place in the queue. */
    return ret == -ERESTARTSYS ? -ERESTARTNOINTR : ret;
}

int futex_pi_lock(const struct futex_key *key, ktime_t deadline, enum futex_pi_how how)
{
    struct futex_bucket *b = futex_bucket_of(key);
    struct futex_waiter w = {.key = *key, .bucket = b, .bitset = ~0U, .thread = current};
    struct pi_attempt a = {.key = key, .taker = current, .try = how == PI_TRY};
    struct pi_state *state;

    int ret = pi_attempt_init(&a);
    if (ret)
        return ret;
    do {
        ret = pi_attempt_begin(&a);
        if (ret)
            break;
        futex_lock(b);
        ret = pi_take_locked(b, &a, &state);
        if (ret == PI_WAIT_FOR) {
            if (pi_wait_start_locked(&w, state))
                list_add_tail(&b->waiters, &w.link);
            else
                ret = (int)reject(-EDEADLK, "would wait for itself");
            pi_state_drop_unused(state);
        }
        spin_unlock(&b->lock);
        if (ret > PI_TAKEN) {
            int err = pi_attempt_again(&a, ret);
            ret = err ? err : ret;
        }
    } while (ret > PI_TAKEN);
    pi_attempt_fini(&a);
    if (ret == PI_TAKEN)
        return 0;
    return ret == PI_WAIT_FOR && how == PI_WAIT ? pi_sleep(&w, deadline) : ret;
}

/* --- giving ------------------------------------------------------------------------------- */

static int unlock_locked(struct futex_bucket *b, const struct futex_key *key, uint32_t val)
    REQUIRES(b->lock)
{
    struct futex_waiter *first = futex_first_locked(b, key);

    if (!first)
        return word_change(key, val, 0);
    int ret = state_check(first->pi, (uint32_t)current->tid);
    if (!ret)
        ret = word_change(key, val, (uint32_t)first->thread->tid | FUTEX_WAITERS);
    if (!ret)
        hand_over_locked(first);
    return ret;
}

int futex_pi_unlock(const struct futex_key *key)
{
    struct futex_bucket *b = futex_bucket_of(key);
    uaddr_t addr = futex_key_addr(key);
    uint32_t val;

    for (;;) {
        if (user_load32(addr, &val))
            return -EFAULT;
        if (word_tid(val) != current->tid)
            return (int)reject(-EPERM, "the caller does not own this PI futex");
        futex_lock(b);
        int ret = unlock_locked(b, key, val);
        spin_unlock(&b->lock);
        if (ret <= 0)
            return ret;
        if (ret == PI_FAULT && futex_make_writable(addr))
            return -EFAULT;
    }
}

/* --- the end of a thread ------------------------------------------------------------------ */

static void exit_state_set(enum pi_exit state)
{
    spin_lock(&pi_lock);
    current->pi_exit = state;
    spin_unlock(&pi_lock);
}

void futex_pi_exit_begin(void)
{
    exit_state_set(PI_EXITING);
}

void futex_thread_reborn(void)
{
    exit_state_set(PI_ALIVE);
}

/* The first futex of ours that others wait for; s is only good for comparing. */
static bool owned_first(struct pi_state **s, struct futex_key *key)
{
    spin_lock(&pi_lock);
    bool any = !list_empty(&current->pi_owned);
    if (any) {
        *s = list_entry(current->pi_owned.next, struct pi_state, link);
        *key = (*s)->key;
    } else {
        current->pi_exit = PI_GONE;
    }
    spin_unlock(&pi_lock);
    return any;
}

/* 0: handed over, or no longer ours.  PI_FAULT, PI_AGAIN.  force: whatever becomes of the word. */
static int inherit_locked(struct futex_bucket *b, const struct futex_key *key,
                          const struct pi_state *s, bool force) REQUIRES(b->lock)
{
    struct futex_waiter *first = futex_first_locked(b, key);
    uint32_t val;
    int ret = PI_FAULT;

    if (!first || first->pi != s || s->owner != current)
        return 0;
    if (raw_load32((const uint32_t *)futex_key_addr(key), &val))
        ret =
            word_change(key, val, (uint32_t)first->thread->tid | FUTEX_WAITERS | FUTEX_OWNER_DIED);
    if (!ret || force)
        hand_over_locked(first);
    return force ? 0 : ret;
}

void futex_pi_exit_end(void)
{
    struct futex_key key;
    struct pi_state *s;

    while (owned_first(&s, &key)) {
        struct futex_bucket *b = futex_bucket_of(&key);
        bool force = false;
        int ret;
        do {
            futex_lock(b);
            ret = inherit_locked(b, &key, s, force);
            spin_unlock(&b->lock);
            if (ret == PI_FAULT)
                force = futex_make_writable(futex_key_addr(&key)) != 0;
        } while (ret);
    }
}
