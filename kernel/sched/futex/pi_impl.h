/* SPDX-License-Identifier: Apache-2.0 */
/* What pi.c and pi_requeue.c share: taking a PI futex for a thread. */
#ifndef KERNEL_SCHED_FUTEX_PI_IMPL_H
#define KERNEL_SCHED_FUTEX_PI_IMPL_H

#include "kernel/sched/futex/futex_impl.h"

/*
 * A PI futex that somebody waits for.  Made by the first waiter, freed by the last one to leave;
 * the owner is never NULL, and no thread ends as an owner.
 */
struct pi_state {
    struct list link;     /* [p] among its owner's */
    struct thread *owner; /* [p] */
    struct futex_key key; /* [I] */
    unsigned waiters;     /* [b] */
};

/* One attempt to take a PI futex for `taker`. */
struct pi_attempt {
    const struct futex_key *key;
    struct thread *taker;
    bool try;               /* do not prepare for waiting */
    bool more;              /* others will wait behind the taker */
    int owner_tid;          /* whom the word named when it was last looked at … */
    struct thread *owner;   /* … with a reference, or NULL */
    struct pi_state *fresh; /* for the first waiter; NULL once it is in use */
};

/* Results of pi_take_locked that are no errors. */
enum pi_result {
    PI_WAIT_FOR,  /* queue in *state */
    PI_TAKEN,     /* the word says that it is the taker's */
    PI_AGAIN,     /* the word changed: begin and lock again */
    PI_FAULT,     /* likewise, after making the page writable */
    PI_WAIT_EXIT, /* likewise, after letting the owner finish its end */
};

/* Allocates: 0 or -ENOMEM. */
MUST_CHECK int pi_attempt_init(struct pi_attempt *a);
void pi_attempt_fini(struct pi_attempt *a);
/* Before the bucket is locked: looks the owner up.  0, -EFAULT, -ERESTARTNOINTR (told to die). */
MUST_CHECK int pi_attempt_begin(struct pi_attempt *a);
/* A pi_result, or -EDEADLK, -EINVAL, -ESRCH, -EAGAIN (try only). */
int pi_take_locked(struct futex_bucket *b, struct pi_attempt *a, struct pi_state **state)
    REQUIRES(b->lock);
/* After unlocking: what a result that says "again" wants done first.  0 or -EFAULT. */
MUST_CHECK int pi_attempt_again(const struct pi_attempt *a, int result);

/* A new state, owned by `owner`, that cannot be ending. */
struct pi_state *pi_state_start(struct pi_attempt *a, struct thread *owner);
/* w, in its bucket, waits in s from now on.  False: its thread would wait for itself. */
bool pi_wait_start_locked(struct futex_waiter *w, struct pi_state *s);
/* w was not woken and leaves the queue. */
void pi_wait_end_locked(struct futex_waiter *w);
/* Frees a state that nobody came to wait in. */
void pi_state_drop_unused(struct pi_state *s);

#endif
