/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces that use the same addresses take turns: only the holder's memory is in place, and
 * only the holder's threads run, in the kernel too.  So a thread of any process can always use its own
 * process's memory, and never another's.
 *
 *   a thread resumes ──holder's──► runs
 *                    ──not the holder's──► the holder has no thread that can run: the turn changes
 *                                     └──► else it waits; QUANTUM later the holder is told to end, sooner
 *                                          if a CPU has nothing to do: then waiting is for nothing
 *
 * Lock: sched_lock for everything here; the change itself is done by the thread whose turn comes, without
 * a lock: nobody else of the group runs meanwhile.
 */
#ifndef KERNEL_SCHED_TURNS_H
#define KERNEL_SCHED_TURNS_H

#include "kernel/sched/clock.h"
#include "lib/list.h"

/* In each address space. */
struct turn {
    struct turns *group; /* [r] NULL: its addresses are its own */
    unsigned active;     /* [r] threads that run or could */
    uint64_t arrivals;   /* [r] how often a thread became one of them */
    bool cut;            /* [r] it would have gone on when its turn was ended */
};

/* A group of them. */
struct turns {
    struct turn *holder;    /* [r] NULL: it is gone */
    struct thread *changer; /* [r] who makes the change to another holder */
    bool ending;            /* [r] the holder's threads are to stop */
    bool contested;         /* [a] one waits that was cut off: it computes, as the holder does */
    bool offered; /* [the holder's threads] … and it was tried to send it elsewhere; satellite/ */
    struct list waiting; /* [r] of threads, by run_link, first come first served */
    ktime_t since;       /* [r] when the holder began */
    ktime_t cost;        /* [r] of the last change */
    struct timer timer;  /* ends the holder's time when others wait */
    bool armed;          /* [r] the timer is set */
    ktime_t ends;        /* [r] … for then */
    ktime_t wanted;      /* [r] when the first one since then came that waited; 0: none did */
    uint64_t changes;    /* [r] */
    /* Puts to's memory in place of from's (NULL: it is gone).  Does not sleep. */
    void (*change)(struct turns *g, struct turn *from, struct turn *to);
};

void turns_init(struct turns *g, void (*change)(struct turns *, struct turn *, struct turn *));
/* No more timer; the group has no members. */
void turns_fini(struct turns *g);
/* t becomes a member.  The first one holds; so does the current thread's if t is that. */
void turn_join(struct turns *g, struct turn *t);
/* t, the holder or one without threads, is no longer a member. */
void turn_leave(struct turn *t);
/* For turn_hand_over: the current thread is alone from now on; 0: another one of its turn could run. */
uint64_t turn_alone(void);
/*
 * t, of which no thread has run yet, is made the holder instead of the current thread's, if no other
 * thread of that could run since turn_alone: false, nothing done.  The caller's memory must be put away
 * already, since then, and it must call turn_enter before it touches it again.
 */
MUST_CHECK bool turn_hand_over(struct turn *t, uint64_t alone);
/* The current thread now runs in `to` (NULL: in none). */
void turn_move(struct turn *to);
/* t is of a group where one waits that was cut off when its turn was over.  A hint. */
bool turn_contested(const struct turn *t);
/* Returns when the current thread's address space holds its group's turn. May sleep. */
void turn_enter(void);

#endif
