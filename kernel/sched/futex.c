/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex(2): waiting on a word of the program's memory.
 *
 * Waiters hang in hash buckets by (address space, address).  A waiter puts itself in the bucket,
 * then looks at the word: a waker that changes the word and then looks into the bucket cannot miss
 * it.  The word is read without the bucket's lock, because a user copy may sleep.
 *
 * Lock: each bucket's; two buckets in address order (requeue).  Then the run queue's.
 */
#include "kernel/sched/futex.h"

#include <linux/errno.h>
#include <linux/futex.h>

#include "kernel/kernel.h"
#include "kernel/proc/process.h"
#include "kernel/sched/clock.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/syscalls.h"
#include "kernel/sys/usercopy.h"

#define BUCKETS 256
#define ROBUST_LIMIT 2048

struct futex_bucket {
    struct spinlock lock;
    struct list waiters; /* [l] struct futex_waiter, FIFO */
    bool ready;          /* [l] */
};

struct futex_waiter {
    struct list link;            /* [bucket lock] */
    struct futex_bucket *bucket; /* [bucket lock] the one it is in; changes by requeue */
    struct mm *mm;               /* [I] */
    uaddr_t addr;                /* [bucket lock] */
    uint32_t bitset;             /* [I] */
    bool woken;                  /* [bucket lock] */
    struct thread *thread;
};

static struct futex_bucket buckets[BUCKETS];

static struct futex_bucket *bucket_for(struct mm *mm, uaddr_t addr)
{
    uint64_t h = ((uint64_t)mm >> 4) ^ (addr >> 2);
    h *= 0x9e3779b97f4a7c15UL;
    return &buckets[h >> 56];
}

static void bucket_lock(struct futex_bucket *b) ACQUIRE(b->lock)
{
    spin_lock(&b->lock);
    if (!b->ready) {
        list_init(&b->waiters);
        b->ready = true;
    }
}

/* The bucket that the waiter is in can change until its lock is held. */
static void waiter_remove(struct futex_waiter *w) NO_TSA
{
    for (;;) {
        struct futex_bucket *b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
        spin_lock(&b->lock);
        if (b == w->bucket) {
            list_del(&w->link);
            spin_unlock(&b->lock);
            return;
        }
        spin_unlock(&b->lock);
    }
}

static int futex_check(uaddr_t addr)
{
    if (addr & 3)
        return -EINVAL;
    return user_range_ok(addr, 4) ? 0 : -EFAULT;
}

static int futex_sleep(struct futex_waiter *w, ktime_t deadline)
{
    int ret = 0;
    while (!__atomic_load_n(&w->woken, __ATOMIC_ACQUIRE) && !ret)
        ret = thread_block(deadline, true);
    return ret;
}

static int futex_wait(uaddr_t addr, uint32_t val, uint32_t bitset, ktime_t deadline)
{
    struct mm *mm = current_process()->mm;
    struct futex_waiter w = {.mm = mm, .addr = addr, .bitset = bitset, .thread = current};
    uint32_t found;

    if (!bitset)
        return -EINVAL;
    int ret = futex_check(addr);
    if (ret)
        return ret;
    struct futex_bucket *b = bucket_for(mm, addr);
    w.bucket = b;
    bucket_lock(b);
    list_add_tail(&b->waiters, &w.link);
    spin_unlock(&b->lock);

    ret = user_load32(addr, &found);
    if (!ret && found != val)
        ret = -EAGAIN;
    if (!ret)
        ret = futex_sleep(&w, deadline);
    waiter_remove(&w);
    if (w.woken)
        return 0;
    return ret;
}

static void waiter_wake_locked(struct futex_waiter *w)
{
    struct thread *t = w->thread;
    list_del(&w->link);
    /* After this store the waiter's stack may be gone as soon as its thread runs. */
    __atomic_store_n(&w->woken, true, __ATOMIC_RELEASE);
    thread_wake(t);
}

static int futex_wake_bits(uaddr_t addr, int n, uint32_t bitset)
{
    struct mm *mm = current_process()->mm;
    int woken = 0;

    if (!bitset)
        return -EINVAL;
    int ret = futex_check(addr);
    if (ret)
        return ret;
    struct futex_bucket *b = bucket_for(mm, addr);
    bucket_lock(b);
    list_for_each_safe(l, &b->waiters) {
        struct futex_waiter *w = list_entry(l, struct futex_waiter, link);
        if (woken >= n)
            break;
        if (w->mm != mm || w->addr != addr || !(w->bitset & bitset))
            continue;
        waiter_wake_locked(w);
        woken++;
    }
    spin_unlock(&b->lock);
    return woken;
}

int futex_wake(uaddr_t addr, int n)
{
    return futex_wake_bits(addr, n, FUTEX_BITSET_MATCH_ANY);
}

static void two_locks(struct futex_bucket *a, struct futex_bucket *b) NO_TSA
{
    bucket_lock(a < b ? a : b);
    if (a != b)
        bucket_lock(a < b ? b : a);
}

static void two_unlocks(struct futex_bucket *a, struct futex_bucket *b) NO_TSA
{
    if (a != b)
        spin_unlock(&b->lock);
    spin_unlock(&a->lock);
}

static int futex_requeue(uaddr_t from, uaddr_t to, int nwake, int nmove, const uint32_t *cmp) NO_TSA
{
    struct mm *mm = current_process()->mm;
    int done = 0, moved = 0;
    uint32_t found;

    int ret = futex_check(from);
    if (!ret)
        ret = futex_check(to);
    if (nwake < 0 || nmove < 0)
        ret = -EINVAL;
    if (!ret && cmp) {
        ret = user_load32(from, &found);
        if (!ret && found != *cmp)
            ret = -EAGAIN;
    }
    if (ret)
        return ret;
    struct futex_bucket *a = bucket_for(mm, from), *b = bucket_for(mm, to);
    two_locks(a, b);
    list_for_each_safe(l, &a->waiters) {
        struct futex_waiter *w = list_entry(l, struct futex_waiter, link);
        if (w->mm != mm || w->addr != from)
            continue;
        if (done < nwake) {
            waiter_wake_locked(w);
            done++;
        } else if (moved < nmove) {
            list_del(&w->link);
            w->addr = to;
            __atomic_store_n(&w->bucket, b, __ATOMIC_RELEASE);
            list_add_tail(&b->waiters, &w->link);
            moved++;
        } else {
            break;
        }
    }
    two_unlocks(a, b);
    return cmp ? done + moved : done;
}

static int wake_op_apply(uint32_t encoded, uaddr_t addr, bool *cond)
{
    unsigned op = encoded >> 28 & 7, cmp = encoded >> 24 & 15;
    int32_t oparg = (int32_t)(encoded << 8) >> 20, cmparg = (int32_t)(encoded << 20) >> 20;
    uint32_t old, expect, val;

    if (encoded >> 31)
        oparg = 1 << (oparg & 31);
    int ret = user_load32(addr, &old);
    while (!ret) {
        switch (op) {
        case FUTEX_OP_SET: val = (uint32_t)oparg; break;
        case FUTEX_OP_ADD: val = old + (uint32_t)oparg; break;
        case FUTEX_OP_OR: val = old | (uint32_t)oparg; break;
        case FUTEX_OP_ANDN: val = old & ~(uint32_t)oparg; break;
        case FUTEX_OP_XOR: val = old ^ (uint32_t)oparg; break;
        default: return -ENOSYS;
        }
        expect = old;
        ret = user_cmpxchg32(addr, &old, val);
        if (!ret && old == expect)
            break;
    }
    if (ret)
        return ret;
    switch (cmp) {
    case FUTEX_OP_CMP_EQ: *cond = (int32_t)old == cmparg; break;
    case FUTEX_OP_CMP_NE: *cond = (int32_t)old != cmparg; break;
    case FUTEX_OP_CMP_LT: *cond = (int32_t)old < cmparg; break;
    case FUTEX_OP_CMP_LE: *cond = (int32_t)old <= cmparg; break;
    case FUTEX_OP_CMP_GT: *cond = (int32_t)old > cmparg; break;
    case FUTEX_OP_CMP_GE: *cond = (int32_t)old >= cmparg; break;
    default: return -ENOSYS;
    }
    return 0;
}

static int futex_wake_op(uaddr_t addr, uaddr_t addr2, int n, int n2, uint32_t encoded)
{
    bool cond = false;
    int ret = futex_check(addr);
    if (!ret)
        ret = futex_check(addr2);
    if (!ret)
        ret = wake_op_apply(encoded, addr2, &cond);
    if (ret)
        return ret;
    ret = futex_wake(addr, n);
    if (ret >= 0 && cond)
        ret += futex_wake(addr2, n2);
    return ret;
}

/* The handler of a dead thread's robust list: FUTEX_OWNER_DIED, wake one. */
static int robust_handle(uaddr_t word)
{
    uint32_t val;
    if (futex_check(word) || user_load32(word, &val))
        return -EFAULT;
    while ((val & FUTEX_TID_MASK) == (uint32_t)current->tid) {
        uint32_t old = val;
        if (user_cmpxchg32(word, &val, (val & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
            return -EFAULT;
        if (val == old) {
            if (old & FUTEX_WAITERS)
                futex_wake(word, 1);
            break;
        }
    }
    return 0;
}

static void robust_list_exit(uaddr_t head)
{
    struct robust_list_head h;
    uint64_t entry, next;

    if (copy_in(&h, head, sizeof(h)))
        return;
    entry = (uint64_t)h.list.next;
    for (int i = 0; i < ROBUST_LIMIT && (entry & ~1UL) != head; i++, entry = next) {
        if (copy_in(&next, entry & ~1UL, sizeof(next)))
            return;
        if (entry != (uint64_t)h.list_op_pending &&
            robust_handle((entry & ~1UL) + (uint64_t)h.futex_offset))
            return;
    }
    if (h.list_op_pending)
        (void)robust_handle(((uint64_t)h.list_op_pending & ~1UL) + (uint64_t)h.futex_offset);
}

void futex_thread_exit(void)
{
    struct thread *t = current;
    if (t->robust_list)
        robust_list_exit(t->robust_list);
    t->robust_list = 0;
    if (t->clear_child_tid) {
        if (!user_store32(t->clear_child_tid, 0))
            futex_wake(t->clear_child_tid, 1);
        t->clear_child_tid = 0;
    }
}

static int deadline_from_user(int cmd, bool realtime, uaddr_t timeout, ktime_t *out)
{
    int64_t ts[2];
    *out = KTIME_NEVER;
    if (!timeout)
        return 0;
    if (copy_in(ts, timeout, sizeof(ts)))
        return -EFAULT;
    if (ts[0] < 0 || ts[1] < 0 || ts[1] >= 1000000000)
        return -EINVAL;
    if (ts[0] > INT64_MAX / 1000000000 - 1 - clock_mono() / 1000000000)
        return 0;
    ktime_t t = ts[0] * 1000000000 + ts[1];
    if (cmd == FUTEX_WAIT)
        t += clock_mono();
    else if (realtime)
        t += clock_mono() - clock_real();
    *out = t;
    return 0;
}

static long futex_wait_again(struct restart *r)
{
    long ret = futex_wait(r->arg[0], (uint32_t)r->arg[1], (uint32_t)r->arg[2], (ktime_t)r->arg[3]);
    return ret == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : ret;
}

static long futex_wait_call(int cmd, bool realtime, uaddr_t addr, uint32_t val, uaddr_t timeout,
                            uint32_t bitset)
{
    ktime_t deadline;
    int ret = deadline_from_user(cmd, realtime, timeout, &deadline);
    if (ret)
        return ret;
    ret = futex_wait(addr, val, bitset, deadline);
    if (ret != -ERESTARTSYS || deadline == KTIME_NEVER)
        return ret;
    /* A restart must not wait for the whole time again. */
    current->restart = (struct restart){futex_wait_again, {addr, val, bitset, (uint64_t)deadline}};
    return -ERESTART_RESTARTBLOCK;
}

long sys_futex(uaddr_t addr, int op, unsigned val, uaddr_t timeout, uaddr_t addr2, unsigned val3)
{
    int cmd = op & FUTEX_CMD_MASK;
    bool realtime = op & FUTEX_CLOCK_REALTIME;
    uint32_t cmp = val3;

    switch (cmd) {
    case FUTEX_WAIT:
        return futex_wait_call(cmd, realtime, addr, val, timeout, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAIT_BITSET: return futex_wait_call(cmd, realtime, addr, val, timeout, val3);
    case FUTEX_WAKE: return futex_wake_bits(addr, (int)val, FUTEX_BITSET_MATCH_ANY);
    case FUTEX_WAKE_BITSET: return futex_wake_bits(addr, (int)val, val3);
    case FUTEX_REQUEUE: return futex_requeue(addr, addr2, (int)val, (int)timeout, NULL);
    case FUTEX_CMP_REQUEUE: return futex_requeue(addr, addr2, (int)val, (int)timeout, &cmp);
    case FUTEX_WAKE_OP: return futex_wake_op(addr, addr2, (int)val, (int)timeout, val3);
    default: return reject(-ENOSYS, "futex operation not supported");
    }
}

long sys_set_robust_list(uaddr_t head, size_t len)
{
    if (len != sizeof(struct robust_list_head))
        return reject(-EINVAL, "robust list head has another size");
    current->robust_list = head;
    current->robust_list_len = len;
    return 0;
}
