/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting on a condition and waking as the owner of a PI futex: FUTEX_WAIT_REQUEUE_PI and
 * FUTEX_CMP_REQUEUE_PI.
 *
 *   on the first word ──requeue──► owner, woken               the second word was free
 *                        └───────► in the second's queue      it is owned, perhaps by the one before
 *
 * A waiter names the word that it may be moved to.  Before it is moved a signal or its deadline
 * takes it off; after that it waits as any other for a PI futex.
 *
 * Lock: both buckets, in order.
 */
#include <linux/errno.h>
#include <linux/futex.h>

#include "kernel/sched/futex/pi_impl.h"
#include "kernel/sched/thread.h"
#include "kernel/signal/signal.h"
#include "kernel/sys/raw_copy.h"
#include "kernel/sys/syscall.h"
#include "kernel/sys/usercopy.h"

int futex_wait_requeue_pi(const struct futex_key *from, const struct futex_key *to,
                          const struct futex_wait_args *a)
{
    struct futex_waiter w = {
        .key = *from, .bitset = a->bitset, .thread = current, .requeue_to = to};

    if (futex_key_equal(from, to))
        return (int)reject(-EINVAL, "requeue to the same futex");
    int ret = futex_queue_if(&w, a->val);
    if (ret)
        return ret;
    ret = futex_sleep(&w, a->deadline);
    struct futex_bucket *b = futex_waiter_lock(&w);
    if (w.woken) {
        ret = 0;
    } else if (w.pi) {
        pi_wait_end_locked(&w);
        /* A restart would find the first word changed. */
        ret = ret == -ERESTARTSYS ? -EAGAIN : ret;
    } else {
        list_del(&w.link);
        ret = ret == -ERESTARTSYS ? -ERESTARTNOINTR : ret;
    }
    futex_waiter_unlock(b);
    return ret;
}

/* One call of FUTEX_CMP_REQUEUE_PI, both buckets locked. */
struct pi_requeue {
    const struct futex_key *from, *to;
    struct futex_bucket *a, *b;
    int nmove;
    uint32_t cmp;
    int done;
};

static bool may_move(const struct pi_requeue *r, const struct futex_waiter *w)
{
    return w->requeue_to && !w->pi && futex_key_equal(w->requeue_to, r->to);
}

static void move_locked(struct pi_requeue *r, struct futex_waiter *w)
{
    list_del(&w->link);
    w->key = *r->to;
    __atomic_store_n(&w->bucket, r->b, __ATOMIC_RELEASE);
    list_add_tail(&r->b->waiters, &w->link);
}

static int move_others_locked(struct pi_requeue *r, struct pi_attempt *at, struct pi_state *state)
{
    int ret = 0;

    list_for_each_safe(l, &r->a->waiters) {
        struct futex_waiter *w = list_entry(l, struct futex_waiter, link);
        if (r->done - 1 >= r->nmove)
            break;
        if (!futex_key_equal(&w->key, r->from))
            continue;
        ret = -EINVAL;
        if (!may_move(r, w))
            break;
        if (!state)
            state = pi_state_start(at, at->taker); /* the one that was woken owns it */
        ret = -EDEADLK;
        if (!pi_wait_start_locked(w, state))
            break;
        move_locked(r, w);
        r->done++;
        ret = 0;
    }
    if (state)
        pi_state_drop_unused(state);
    return ret ? ret : r->done;
}

/* The count, an error, or what pi_attempt_again wants, as pi_result + INT32_MIN / 2. */
#define AGAIN(result) (INT32_MIN / 2 + (int)(result))
#define IS_AGAIN(ret) ((ret) < -4096)

static int requeue_locked(struct pi_requeue *r, struct pi_attempt *at) NO_TSA
{
    struct futex_waiter *first = futex_first_locked(r->a, r->from);
    struct pi_state *state = NULL;

    if (!first)
        return 0;
    if (!may_move(r, first))
        return (int)reject(-EINVAL, "waiters of another kind, or for another PI futex");
    at->taker = first->thread;
    int ret = pi_take_locked(r->b, at, &state);
    if (ret < 0)
        return ret;
    if (ret > PI_TAKEN)
        return AGAIN(ret);
    if (ret == PI_TAKEN) {
        futex_grant_locked(first);
        r->done = 1;
    }
    return move_others_locked(r, at, state);
}

int futex_cmp_requeue_pi(const struct futex_key *from, const struct futex_key *to, int nmove,
                         uint32_t cmp) NO_TSA
{
    struct pi_requeue r = {.from = from,
                           .to = to,
                           .a = futex_bucket_of(from),
                           .b = futex_bucket_of(to),
                           .nmove = nmove,
                           .cmp = cmp};
    struct pi_attempt at = {.key = to, .more = nmove > 0};
    uint32_t found;

    if (futex_key_equal(from, to) || nmove < 0)
        return (int)reject(-EINVAL, "requeue to the same futex, or a negative count");
    int ret = pi_attempt_init(&at);
    if (ret)
        return ret;
    do {
        ret = pi_attempt_begin(&at);
        if (ret)
            break;
        if (user_load32(futex_key_addr(from), &found)) {
            ret = -EFAULT;
            break;
        }
        futex_lock_two(r.a, r.b);
        if (!raw_load32((const uint32_t *)futex_key_addr(from), &found))
            ret = AGAIN(PI_AGAIN);
        else if (found != cmp)
            ret = -EAGAIN;
        else
            ret = requeue_locked(&r, &at);
        futex_unlock_two(r.a, r.b);
        if (IS_AGAIN(ret) && pi_attempt_again(&at, ret - AGAIN(0)))
            ret = -EFAULT;
    } while (IS_AGAIN(ret));
    pi_attempt_fini(&at);
    return ret;
}
