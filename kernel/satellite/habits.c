/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs are worth a journey.  To go costs some milliseconds, and who does what only the base can do must come
 * back at once: a compiler's driver, which forks.  A program that has stayed away until its end, as a compiler does, goes
 * the next time before it has touched memory that must go with it.
 *
 * Only hints: a small table, where a newer program takes an older one's place.
 *
 * Lock: habits.lock, a spin lock.
 */
#include "kernel/kernel.h"
#include "kernel/satellite/base.h"
#include "kernel/vfs/inode.h"

#define HABITS 64U
#define SCORE_MAX 4
/* Of its own time: who computes so long goes, if nothing is known of it, and whatever is known. */
#define TRIAL_NS 8000000
#define PATIENCE_NS 50000000

static struct {
    struct spinlock lock;
    struct habit {
        uint64_t dev, ino;
        int score; /* > 0: stays away; < 0: comes back soon; 0: unknown, or the place is free */
    } at[HABITS];  /* [l] */
    unsigned next; /* [l] whose place is taken next */
} habits;

static struct habit *habit_find_locked(const struct inode *program) REQUIRES(habits.lock)
{
    for (unsigned i = 0; i < HABITS; i++)
        if (habits.at[i].score && habits.at[i].ino == program->ino &&
            habits.at[i].dev == program->super->dev)
            return &habits.at[i];
    return NULL;
}

static int score_of(const struct inode *program)
{
    if (!program)
        return 0;
    spin_lock(&habits.lock);
    const struct habit *h = habit_find_locked(program);
    int score = h ? h->score : 0;
    spin_unlock(&habits.lock);
    return score;
}

void habit_learn(const struct inode *program, bool stayed)
{
    if (!program)
        return;
    spin_lock(&habits.lock);
    struct habit *h = habit_find_locked(program);
    if (!h) {
        h = &habits.at[habits.next++ % HABITS];
        *h = (struct habit){program->super->dev, program->ino, 0};
    }
    int score = stayed ? MIN(h->score + 1, SCORE_MAX) : MAX(h->score - 1, -SCORE_MAX);
    h->score = score ? score : stayed ? 1 : -1;
    spin_unlock(&habits.lock);
}

bool habit_goes_at_once(const struct inode *program)
{
    return score_of(program) > 0;
}

bool habit_may_go(const struct inode *program, ktime_t cpu)
{
    int score = score_of(program);

    return cpu >= (score < 0 ? PATIENCE_NS : score == 0 ? TRIAL_NS : 0);
}
