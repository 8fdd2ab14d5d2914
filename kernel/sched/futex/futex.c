/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex(2): waiting on a word of the program's memory.
 *
 * Waiters hang in hash buckets by (address space or none, address, private or shared).  A waiter looks at
 * the word and queues itself under the bucket's lock, and whoever wakes takes that lock after it
 * has changed the word: so a wake-up is neither missed nor given to a thread that did not sleep.
 * Under the lock the word is read by an instruction that may fault; then the lock is released, the
 * page brought in by a user copy, which may sleep, and all of it done again.
 *
 * This file: buckets, waiting, waking, and the system call.  two.c: operations on two words.
 * pi.c, pi_requeue.c: futexes that have an owner.  robust.c: the end of a thread.
 * waitv.c: waiting on many.
 *
 * Lock: each bucket's; two buckets in address order.  Then the run queue's.
 */
#include <linux/errno.h>
#include <linux/futex.h>

#include "kernel/mm/shmem.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/futex/futex_impl.h"
#include "kernel/sched/thread.h"
#include "kernel/sched/time.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/raw_copy.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

#include "kernel/sys/syscalls.h"

#define BUCKETS 256

static struct futex_bucket buckets[BUCKETS];

struct futex_bucket *futex_bucket_of(const struct futex_key *key)
{
    uint64_t h = ((uint64_t)key->mm >> 4) ^ (key->word >> 2);
    h *= 0x9e3779b97f4a7c15UL;
    return &buckets[h >> 56];
}

void futex_lock(struct futex_bucket *b)
{
    spin_lock(&b->lock);
    if (unlikely(!b->ready)) {
        list_init(&b->waiters);
        b->ready = true;
    }
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b) NO_TSA
{
    futex_lock(a < b ? a : b);
    if (a != b)
        futex_lock(a < b ? b : a);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b) NO_TSA
{
    if (a != b)
        spin_unlock(&b->lock);
    spin_unlock(&a->lock);
}

int futex_key_make(struct futex_key *key, uaddr_t addr, bool shared)
{
    uint32_t found;

    if (addr & 3)
        return (int)reject(-EINVAL, "futex is not aligned");
    if (!user_range_ok(addr, 4))
        return -EFAULT;
    /* Linux finds a shared word by its page, which must be there. */
    if (shared && user_load32(addr, &found))
        return -EFAULT;
    *key = (struct futex_key){.mm = current_process()->mm, .word = addr | shared};
    if (shared && shmem_is_shared(addr))
        key->mm = NULL;
    return 0;
}

int futex_make_writable(uaddr_t addr)
{
    uint32_t val;

    int err = user_load32(addr, &val);
    /* Writes what is there, or nothing when that has changed; either way the page is writable. */
    return err ? err : user_cmpxchg32(addr, &val, val);
}

int futex_queue_if(struct futex_waiter *w, uint32_t val)
{
    struct futex_bucket *b = futex_bucket_of(&w->key);
    uaddr_t addr = futex_key_addr(&w->key);
    uint32_t found;

    futex_lock(b);
    while (unlikely(!raw_load32((const uint32_t *)addr, &found))) {
        spin_unlock(&b->lock);
        if (user_load32(addr, &found))
            return -EFAULT;
        futex_lock(b);
    }
    if (found == val) {
        w->bucket = b;
        list_add_tail(&b->waiters, &w->link);
    }
    spin_unlock(&b->lock);
    return found == val ? 0 : -EAGAIN;
}

struct futex_bucket *futex_waiter_lock(struct futex_waiter *w) NO_TSA
{
    for (;;) {
        struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
        futex_lock(b);
        if (b == w->bucket)
            return b;
        spin_unlock(&b->lock);
    }
}

int futex_sleep(struct futex_waiter *w, ktime_t deadline)
{
    int ret = 0;
    while (!__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE) && !ret)
        ret = thread_block(deadline, true);
    return ret;
}

struct futex_waiter *futex_first_locked(struct futex_bucket *b, const struct futex_key *key)
{
    list_for_each(l, &b->waiters) {
        struct futex_waiter *w = list_entry(l, struct futex_waiter, link);
        if (futex_key_equal(&w->key, key))
            return w;
    }
    return NULL;
}

void futex_grant_locked(struct futex_waiter *w)
{
    list_del(&w->link);
    __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE);
    /* The waiter cannot leave, and its thread cannot end, before the bucket is unlocked. */
    thread_wake(w->thread);
}

static int futex_wait(const struct futex_key *key, const struct futex_wait_args *a)
{
    struct futex_waiter w = {.key = *key, .bitset = a->bitset, .thread = current};

    if (!a->bitset)
        return (int)reject(-EINVAL, "empty bitset");
    int ret = futex_queue_if(&w, a->val);
    if (ret)
        return ret;
    ret = futex_sleep(&w, a->deadline);
    struct futex_bucket *b = futex_waiter_lock(&w);
    if (w.woken)
        ret = 0;
    else
        list_del(&w.link);
    futex_waiter_unlock(b);
    return ret;
}

int futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, int n, uint32_t bitset)
{
    int woken = 0;

    list_for_each_safe(l, &b->waiters) {
        struct futex_waiter *w = list_entry(l, struct futex_waiter, link);
        if (!futex_key_equal(&w->key, key))
            continue;
        if (w->pi || w->requeue_to)
            return -EINVAL;
        if (!(w->bitset & bitset))
            continue;
        futex_grant_locked(w);
        if (++woken >= n)
            break;
    }
    return woken;
}

int futex_wake_key(const struct futex_key *key, int n, uint32_t bitset)
{
    struct futex_bucket *b = futex_bucket_of(key);

    if (!bitset)
        return (int)reject(-EINVAL, "empty bitset");
    futex_lock(b);
    int woken = futex_wake_locked(b, key, n, bitset);
    spin_unlock(&b->lock);
    return woken;
}

/* --- the system call ---------------------------------------------------------------------- */

static bool has_timeout(int cmd)
{
    return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI ||
           cmd == FUTEX_LOCK_PI2 || cmd == FUTEX_WAIT_REQUEUE_PI;
}

/* FUTEX_WAIT's time is relative, FUTEX_LOCK_PI's on the wall clock, others' on that if asked for. */
static int deadline_take(int op, uaddr_t timeout, ktime_t *out)
{
    int cmd = op & FUTEX_CMD_MASK;
    ktime_t t;

    *out = KTIME_NEVER;
    if (!timeout || !has_timeout(cmd))
        return 0;
    int err = timespec_take(timeout, &t);
    if (err)
        return err;
    if (cmd == FUTEX_WAIT)
        *out = time_add(clock_mono(), t);
    else if (t != KTIME_NEVER && (cmd == FUTEX_LOCK_PI || (op & FUTEX_CLOCK_REALTIME)))
        *out = MAX(t - clock_real() + clock_mono(), 0);
    else
        *out = t;
    return 0;
}

/* arg: mm-independent, because exec drops what is to be restarted. */
static long wait_again(struct restart *r)
{
    struct futex_wait_args a = {(uint32_t)r->arg[1], (uint32_t)r->arg[2], (ktime_t)r->arg[3]};
    struct futex_key key;

    int ret = futex_key_make(&key, r->arg[0] & ~1UL, r->arg[0] & 1);
    if (!ret)
        ret = futex_wait(&key, &a);
    return ret == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : ret;
}

static long wait_call(const struct futex_key *key, const struct futex_wait_args *a)
{
    int ret = futex_wait(key, a);
    if (ret != -ERESTARTSYS || a->deadline == KTIME_NEVER)
        return ret;
    /* A restart must not wait for the whole time again. */
    current->restart =
        (struct restart){wait_again, {key->word, a->val, a->bitset, (uint64_t)a->deadline}};
    return -ERESTART_RESTARTBLOCK;
}

/* Operations on one word. */
static long one_word(int cmd, const struct futex_key *key, const struct futex_wait_args *a)
{
    switch (cmd) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: return wait_call(key, a);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET: return futex_wake_key(key, (int)a->val, a->bitset);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2: return futex_pi_lock(key, a->deadline, PI_WAIT);
    case FUTEX_TRYLOCK_PI: return futex_pi_lock(key, KTIME_NEVER, PI_TRY);
    default: return futex_pi_unlock(key);
    }
}

static bool is_one_word(int cmd)
{
    return cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAKE ||
           cmd == FUTEX_WAKE_BITSET || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2 ||
           cmd == FUTEX_TRYLOCK_PI || cmd == FUTEX_UNLOCK_PI;
}

static bool is_two_words(int cmd)
{
    return cmd == FUTEX_REQUEUE || cmd == FUTEX_CMP_REQUEUE || cmd == FUTEX_WAKE_OP ||
           cmd == FUTEX_WAIT_REQUEUE_PI || cmd == FUTEX_CMP_REQUEUE_PI;
}

long sys_futex(uaddr_t addr, int op, unsigned val, uaddr_t timeout, uaddr_t addr2, unsigned val3)
{
    int cmd = op & FUTEX_CMD_MASK, n = (int)val, n2 = (int)timeout;
    bool shared = !(op & FUTEX_PRIVATE_FLAG);
    bool bits = cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_WAKE_BITSET;
    struct futex_wait_args a = {.val = val, .bitset = bits ? val3 : FUTEX_BITSET_MATCH_ANY};
    struct futex_key one, two;

    int ret = deadline_take(op, timeout, &a.deadline);
    if (ret)
        return ret;
    if ((op & FUTEX_CLOCK_REALTIME) && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI &&
        cmd != FUTEX_LOCK_PI2)
        return reject(-ENOSYS, "FUTEX_CLOCK_REALTIME with an operation that does not know it");
    if (!is_one_word(cmd) && !is_two_words(cmd))
        return reject(-ENOSYS, "unknown futex operation");
    ret = futex_key_make(&one, addr, shared);
    if (ret || is_one_word(cmd))
        return ret ? ret : one_word(cmd, &one, &a);
    ret = futex_key_make(&two, addr2, shared);
    if (ret)
        return ret;
    switch (cmd) {
    case FUTEX_REQUEUE: return futex_requeue(&one, &two, n, n2, NULL);
    case FUTEX_CMP_REQUEUE: return futex_requeue(&one, &two, n, n2, &val3);
    case FUTEX_WAKE_OP: return futex_wake_op(&one, &two, n, n2, val3);
    case FUTEX_WAIT_REQUEUE_PI: return futex_wait_requeue_pi(&one, &two, &a);
    default:
        return n == 1 ? futex_cmp_requeue_pi(&one, &two, n2, val3)
                      : reject(-EINVAL, "FUTEX_CMP_REQUEUE_PI wakes one");
    }
}
