/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and freeing threads. A kernel stack holds, from its top: the program's registers, then
 * kernel frames. The vector state has pages of its own, because XSAVE wants 64-byte alignment and
 * its size is known only at boot.
 */
#include "kernel/sched/thread.h"

#include <linux/errno.h>

#include "kernel/kernel.h"
#include "kernel/mm/heap.h"
#include "kernel/mm/mm.h"
#include "kernel/proc/id/cred.h"
#include "kernel/proc/process.h"
#include "kernel/sched/sched.h"
#include "kernel/signal/signal.h"
#include "lib/string.h"

void thread_trampoline(void);

/* What context_switch pops: r15 r14 r13 r12 rbx rbp rip. */
struct switch_frame {
    uint64_t r15, r14, r13, r12, rbx, rbp, rip;
};

static void stack_prepare(struct thread *t, void (*fn)(void *), void *arg)
{
    char *top = (char *)t->stack + KSTACK_SIZE;
    /* 8 mod 16: entry.S pushes one more word before it calls C. */
    t->regs = (struct user_regs *)(top - sizeof(struct user_regs));
    memset(t->regs, 0, sizeof(*t->regs));
    struct switch_frame *f = (struct switch_frame *)ALIGN_DOWN((uint64_t)t->regs, 16UL) - 1;
    memset(f, 0, sizeof(*f));
    f->rbx = (uint64_t)fn;
    f->r12 = (uint64_t)arg;
    f->rip = (uint64_t)thread_trampoline;
    t->ksp = (uint64_t)f;
}

int thread_new(struct process *p, void (*fn)(void *), void *arg, struct thread **out)
{
    struct thread *t = kzalloc(sizeof(*t));
    if (!t)
        return -ENOMEM;
    ref_init(&t->ref);
    list_init(&t->run_link);
    list_init(&t->process_link);
    list_init(&t->number_link);
    list_init(&t->pi_owned);
    t->stack = kstack_alloc();
    if (!t->stack)
        goto undo_thread;
    t->xstate = kpages_alloc(kernel.xstate_size / PAGE_SIZE);
    if (!t->xstate)
        goto undo_stack;
    stack_prepare(t, fn, arg);
    t->start_time = clock_mono();
    t->timer_slack = t->timer_slack_default =
        current && current->timer_slack ? current->timer_slack : TIMER_SLACK_NS;
    process_get(p);
    t->process = p;
    t->turn = p->mm ? mm_turn(p->mm) : NULL;
    *out = t;
    return 0;

undo_stack:
    kstack_free(t->stack);
undo_thread:
    kfree(t);
    return -ENOMEM;
}

void thread_put(struct thread *t)
{
    if (!ref_put(&t->ref))
        return;
    if (t->sigqueue)
        sigqueue_free(t->sigqueue);
    cred_put(t->cred);
    kpages_free(t->xstate, kernel.xstate_size / PAGE_SIZE);
    kstack_free(t->stack);
    process_put(t->process);
    kfree(t);
}
