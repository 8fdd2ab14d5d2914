/* SPDX-License-Identifier: Apache-2.0 */
/* What a parent hears of its children: SIGCHLD, unless it does not want to. */
#include <linux/signal.h>

#include "kernel/signal/signal_impl.h"

bool signal_child_ended(struct process *parent, int sig, const siginfo_t *info)
{
    spin_lock(&parent->lock);
    const struct action *a = &parent->sighand->action[SIGCHLD - 1];
    bool ignored = sig == SIGCHLD && a->handler == HANDLER_IGNORE;
    bool alone = ignored || (sig == SIGCHLD && (a->flags & SA_NOCLDWAIT));
    if (!ignored && sig_valid(sig) && !list_empty(&parent->threads))
        (void)signal_send_locked(parent, NULL, sig, info);
    spin_unlock(&parent->lock);
    return alone;
}

void signal_child_stopped(struct process *parent, const siginfo_t *info)
{
    spin_lock(&parent->lock);
    const struct action *a = &parent->sighand->action[SIGCHLD - 1];
    if (a->handler != HANDLER_IGNORE && !(a->flags & SA_NOCLDSTOP) && !list_empty(&parent->threads))
        (void)signal_send_locked(parent, NULL, SIGCHLD, info);
    spin_unlock(&parent->lock);
}
