/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of futex(2) only: buckets, keys, waiters.
 *
 * Lock order: bucket (two in order of address), then pi_lock (pi.c), then the run queue's.
 * Legend: [I] immutable, [b] the lock of the bucket that the waiter is in, [p] pi_lock.
 */
#ifndef KERNEL_SCHED_FUTEX_FUTEX_IMPL_H
#define KERNEL_SCHED_FUTEX_FUTEX_IMPL_H

#include "kernel/sched/lock.h"
#include "kernel/types.h"
#include "lib/list.h"

struct mm;
struct thread;
struct pi_state;

/*
 * What makes two words the same.  As in Linux a private and a shared operation on one word do not
 * meet.  Shared memory has one address, the same in all processes (mm/shmem.h), so that alone is the
 * identity of a word in it; any other belongs to one address space.
 */
struct futex_key {
    struct mm *mm; /* NULL: shared memory */
    uaddr_t word;  /* the address; bit 0: shared */
};

struct futex_bucket {
    struct spinlock lock;
    struct list waiters; /* [b] struct futex_waiter, FIFO */
    bool ready;          /* [b] */
};

struct futex_waiter {
    struct list link;            /* [b] */
    struct futex_bucket *bucket; /* [b] the one it is in; changes by requeue */
    struct futex_key key;        /* [b] */
    uint32_t bitset;             /* [I] */
    bool woken;                  /* [b] it is off the list; for a PI futex: it owns it */
    struct thread *thread;       /* [I] */
    /* FUTEX_WAIT_REQUEUE_PI: the futex that it may be moved to, and to no other; else NULL. */
    const struct futex_key *requeue_to; /* [I] */
    struct pi_state *pi;                /* [b] of the PI futex that it waits for; else NULL */
};

/* 0, -EINVAL for an address that is not aligned, -EFAULT. */
MUST_CHECK int futex_key_make(struct futex_key *key, uaddr_t addr, bool shared);

static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
    return a->word == b->word && a->mm == b->mm;
}

static inline uaddr_t futex_key_addr(const struct futex_key *key)
{
    return key->word & ~1UL;
}

struct futex_bucket *futex_bucket_of(const struct futex_key *key);
void futex_lock(struct futex_bucket *b) ACQUIRE(b->lock);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b);
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);

/*
 * Puts w, whose key is set, into its bucket if the word still is val, in one step for all who hold
 * the bucket's lock: 0, -EAGAIN (another value), -EFAULT.
 */
MUST_CHECK int futex_queue_if(struct futex_waiter *w, uint32_t val);
/*
 * Locks the bucket that w is in, wherever requeues have put it.  A waiter that leaves must pass
 * here even when it was woken: until then its waker may be using it.
 */
struct futex_bucket *futex_waiter_lock(struct futex_waiter *w);
/* Unlocks what it returned, which the analysis cannot follow. */
static inline void futex_waiter_unlock(struct futex_bucket *b) NO_TSA
{
    spin_unlock(&b->lock);
}
/* The first waiter with a key, or NULL. */
struct futex_waiter *futex_first_locked(struct futex_bucket *b, const struct futex_key *key)
    REQUIRES(b->lock);
/* Takes w off the list and lets its thread go. */
void futex_grant_locked(struct futex_waiter *w);
/* Sleeps until w is woken: 0, -ETIMEDOUT, -ERESTARTSYS.  The caller then passes futex_waiter_lock. */
int futex_sleep(struct futex_waiter *w, ktime_t deadline);
/*
 * FUTEX_WAKE: how many, -EINVAL when one of them waits for a PI futex.  As in Linux n below 1 wakes
 * one too.
 */
int futex_wake_locked(struct futex_bucket *b, const struct futex_key *key, int n, uint32_t bitset)
    REQUIRES(b->lock);
int futex_wake_key(const struct futex_key *key, int n, uint32_t bitset);
/* A writable page for the word, without changing it: 0, -EFAULT. */
MUST_CHECK int futex_make_writable(uaddr_t addr);

/* FUTEX_REQUEUE, FUTEX_CMP_REQUEUE (cmp not NULL), FUTEX_WAKE_OP: two.c. */
int futex_requeue(const struct futex_key *from, const struct futex_key *to, int nwake, int nmove,
                  const uint32_t *cmp);
int futex_wake_op(const struct futex_key *one, const struct futex_key *two, int n, int n2,
                  uint32_t encoded);

/* pi.c.  Deadlines on CLOCK_MONOTONIC. */
enum futex_pi_how { PI_WAIT, PI_TRY };
int futex_pi_lock(const struct futex_key *key, ktime_t deadline, enum futex_pi_how how);
int futex_pi_unlock(const struct futex_key *key);
/* Around the end of a thread: from `begin` nobody starts to wait for it … */
void futex_pi_exit_begin(void);
/* … and here what it owns and others wait for goes to them. */
void futex_pi_exit_end(void);

/* pi_requeue.c */
struct futex_wait_args {
    uint32_t val, bitset;
    ktime_t deadline;
};
int futex_wait_requeue_pi(const struct futex_key *from, const struct futex_key *to,
                          const struct futex_wait_args *a);
int futex_cmp_requeue_pi(const struct futex_key *from, const struct futex_key *to, int nmove,
                         uint32_t cmp);

#endif
