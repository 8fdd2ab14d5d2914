/* SPDX-License-Identifier: Apache-2.0 */
/* Sleepers that are served by others: see sleeper.h. */
#include "kernel/ipc/sleeper.h"

#include "kernel/sched/thread.h"

void sleeper_finish(struct sleeper *s, int result)
{
    list_del(&s->link);
    s->result = result;
    thread_wake(s->thread);
}

void sleepers_finish(struct list *queue, int result)
{
    list_for_each_safe(l, queue)
        sleeper_finish(list_entry(l, struct sleeper, link), result);
}

int sleeper_wait(struct sleeper *s, struct list *queue, struct spinlock *lock, ktime_t deadline)
{
    s->thread = current;
    s->result = SLEEPER_WAITS;
    list_add_tail(queue, &s->link);
    while (s->result == SLEEPER_WAITS) {
        spin_unlock(lock);
        int err = thread_block(deadline, true);
        spin_lock(lock);
        if (err && s->result == SLEEPER_WAITS) {
            list_del(&s->link);
            return err;
        }
    }
    return s->result;
}
