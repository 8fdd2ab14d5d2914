/* SPDX-License-Identifier: Apache-2.0 */
/*
 * futex(2) on two words: moving waiters from one to the other, and changing the second while waking
 * on both.  Both buckets are locked, so that nobody sees half of it.
 *
 * Lock: futex_impl.h.
 */
#include <linux/errno.h>
#include <linux/futex.h>

#include "kernel/sched/futex/futex_impl.h"
#include "kernel/sys/raw_copy.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

/* 0, -EAGAIN when the word is not what was expected, -EFAULT when its page must be brought in. */
static int word_expect(const struct futex_key *key, const uint32_t *cmp)
{
    uint32_t found;

    if (!cmp)
        return 0;
    if (!raw_load32((const uint32_t *)futex_key_addr(key), &found))
        return -EFAULT;
    return found == *cmp ? 0 : -EAGAIN;
}

static void move_locked(struct futex_waiter *w, struct futex_bucket *to,
                        const struct futex_key *key)
{
    list_del(&w->link);
    w->key = *key;
    __atomic_store_n(&w->bucket, to, __ATOMIC_RELEASE);
    list_add_tail(&to->waiters, &w->link);
}

static int requeue_locked(struct futex_bucket *a, struct futex_bucket *b,
                          const struct futex_key *from, const struct futex_key *to, int nwake,
                          int nmove)
{
    int done = 0;

    list_for_each_safe(l, &a->waiters) {
        struct futex_waiter *w = list_entry(l, struct futex_waiter, link);
        if (done - nwake >= nmove)
            break;
        if (!futex_key_equal(&w->key, from))
            continue;
        if (w->pi || w->requeue_to)
            return -EINVAL;
        if (++done <= nwake)
            futex_grant_locked(w);
        else if (!futex_key_equal(from, to))
            move_locked(w, b, to);
    }
    return done;
}

int futex_requeue(const struct futex_key *from, const struct futex_key *to, int nwake, int nmove,
                  const uint32_t *cmp) NO_TSA
{
    struct futex_bucket *a = futex_bucket_of(from), *b = futex_bucket_of(to);
    uint32_t found;

    if (nwake < 0 || nmove < 0)
        return (int)reject(-EINVAL, "negative count");
    for (;;) {
        futex_lock_two(a, b);
        int ret = word_expect(from, cmp);
        if (!ret)
            ret = requeue_locked(a, b, from, to, nwake, nmove);
        futex_unlock_two(a, b);
        if (ret != -EFAULT)
            return ret;
        if (user_load32(futex_key_addr(from), &found))
            return -EFAULT;
    }
}

/* --- FUTEX_WAKE_OP ------------------------------------------------------------------------ */

struct wake_op {
    unsigned op, cmp;
    int32_t oparg, cmparg;
};

static struct wake_op wake_op_decode(uint32_t encoded)
{
    struct wake_op o = {
        .op = encoded >> 28 & 7,
        .cmp = encoded >> 24 & 15,
        .oparg = (int32_t)(encoded << 8) >> 20,
        .cmparg = (int32_t)(encoded << 20) >> 20,
    };
    if (encoded >> 31) /* FUTEX_OP_OPARG_SHIFT */
        o.oparg = (int32_t)(1U << (o.oparg & 31));
    return o;
}

static int wake_op_value(const struct wake_op *o, uint32_t old, uint32_t *val)
{
    uint32_t arg = (uint32_t)o->oparg;

    switch (o->op) {
    case FUTEX_OP_SET: *val = arg; return 0;
    case FUTEX_OP_ADD: *val = old + arg; return 0;
    case FUTEX_OP_OR: *val = old | arg; return 0;
    case FUTEX_OP_ANDN: *val = old & ~arg; return 0;
    case FUTEX_OP_XOR: *val = old ^ arg; return 0;
    default: return (int)reject(-ENOSYS, "unknown FUTEX_OP");
    }
}

/* Is the comparison true of the old value? */
static int wake_op_compare(const struct wake_op *o, int32_t old)
{
    switch (o->cmp) {
    case FUTEX_OP_CMP_EQ: return old == o->cmparg;
    case FUTEX_OP_CMP_NE: return old != o->cmparg;
    case FUTEX_OP_CMP_LT: return old < o->cmparg;
    case FUTEX_OP_CMP_LE: return old <= o->cmparg;
    case FUTEX_OP_CMP_GT: return old > o->cmparg;
    case FUTEX_OP_CMP_GE: return old >= o->cmparg;
    default: return (int)reject(-ENOSYS, "unknown FUTEX_OP_CMP");
    }
}

/* Changes the word: the comparison's result, -ENOSYS, or -EFAULT when a page must be brought in. */
static int wake_op_apply(const struct wake_op *o, uaddr_t addr)
{
    uint32_t old, expect, val = 0;

    if (!raw_load32((const uint32_t *)addr, &old))
        return -EFAULT;
    do {
        expect = old;
        int err = wake_op_value(o, old, &val);
        if (err)
            return err;
        if (!raw_cmpxchg32((uint32_t *)addr, &old, val))
            return -EFAULT;
    } while (old != expect);
    return wake_op_compare(o, (int32_t)old);
}

int futex_wake_op(const struct futex_key *one, const struct futex_key *two, int n, int n2,
                  uint32_t encoded) NO_TSA
{
    struct futex_bucket *a = futex_bucket_of(one), *b = futex_bucket_of(two);
    struct wake_op o = wake_op_decode(encoded);

    for (;;) {
        int woken = 0, more = 0;
        futex_lock_two(a, b);
        int ret = wake_op_apply(&o, futex_key_addr(two));
        if (ret >= 0)
            woken = futex_wake_locked(a, one, n, FUTEX_BITSET_MATCH_ANY);
        if (ret > 0 && woken >= 0)
            more = futex_wake_locked(b, two, n2, FUTEX_BITSET_MATCH_ANY);
        futex_unlock_two(a, b);
        if (ret >= 0)
            return woken < 0 ? woken : more < 0 ? more : woken + more;
        if (ret != -EFAULT || futex_make_writable(futex_key_addr(two)))
            return ret;
    }
}
